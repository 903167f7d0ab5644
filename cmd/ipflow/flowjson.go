package main

import (
	"strconv"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// flowColumns are the flow columns of CONTRACT.
var flowColumns = []string{"nic", "vm", "direction", "protocol", "local_ip", "local_port", "remote_ip", "remote_port"}

// flowJSON is a flow with the flow columns of CONTRACT, so that a list of them
// can be given to verify. A port is null where the protocol has none and for an
// open source port; nic and vm are "" where none is known.
type flowJSON struct {
	NIC        string  `json:"nic"`
	VM         string  `json:"vm"`
	Direction  string  `json:"direction"`
	Protocol   string  `json:"protocol"`
	LocalIP    string  `json:"local_ip"`
	LocalPort  *uint16 `json:"local_port"`
	RemoteIP   string  `json:"remote_ip"`
	RemotePort *uint16 `json:"remote_port"`
}

func flowOf(nic *network.NIC, t flow.Tuple) flowJSON {
	j := flowJSON{Direction: t.Direction.String(), Protocol: t.Protocol.String(), LocalIP: t.Local.String(), RemoteIP: t.Remote.String()}
	if nic != nil {
		j.NIC, j.VM = nic.ID, nic.VMID
	}
	if !t.Protocol.HasPorts() {
		return j
	}
	if !t.AnySourcePort || t.Direction == flow.Inbound {
		j.LocalPort = &t.LocalPort
	}
	if !t.AnySourcePort || t.Direction == flow.Outbound {
		j.RemotePort = &t.RemotePort
	}
	return j
}

// cells are the columns as text, empty for no flow.
func (f *flowJSON) cells() []string {
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
