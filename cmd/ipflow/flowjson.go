package main

import (
	"strconv"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/reach"
	"ipflow/verify/space"
)

// flowColumns are the flow columns of CONTRACT.
var flowColumns = []string{"nic", "vm", "direction", "protocol", "local_ip", "local_port", "remote_ip", "remote_port"}

// flowOf writes a flow with the flow columns, so that a list of them can be given
// to verify.
func flowOf(nic *network.NIC, t flow.Tuple) space.Flow {
	if nic == nil {
		return space.FlowOf("", t)
	}
	return reach.FlowAt(nic, t)
}

// flowCells are the columns as text, empty for no flow.
func flowCells(f *space.Flow) []string {
	if f == nil {
		return make([]string, len(flowColumns))
	}
	port := func(p *uint16) string {
		if p == nil {
			return ""
		}
		return strconv.Itoa(int(*p))
	}
	return []string{f.NIC, f.VM, f.Direction, f.Protocol, f.LocalIP, port(f.LocalPort), f.RemoteIP, port(f.RemotePort)}
}
