package corpus

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// NewListEstate is an estate around a ClassBench-like list: one NIC that forwards
// for others, as a firewall does, whose security group has the list as inbound
// rules, in the list's order. ICMP rules name no ports, as Azure asks.
func NewListEstate(kind ListKind, rules int, seed uint64) (*Estate, error) {
	if rules < 1 {
		return nil, fmt.Errorf("a list has 1-%d rules, not %d", maxRules, rules)
	}
	e, err := New(Options{Seed: seed, NICs: 1, NSGs: 1, Subnets: 1, Rules: []RuleMix{{Rules: rules, Weight: 1}}})
	if err != nil {
		return nil, err
	}
	e.list = List(kind, rules, seed)
	return e, nil
}

// listRules are the rules of a list in Azure's words. Lists have no actions of
// their own: three rules in four allow.
func listRules(group *network.SecurityGroup, list []ListRule) []*network.Rule {
	out := make([]*network.Rule, len(list))
	for i, l := range list {
		r := &network.Rule{
			Kind: network.UserRule, Group: group, Priority: int32(minPriority + i), Direction: flow.Inbound, Access: flow.Allow, Protocol: l.Protocol,
			Source: one(listText(l.Source)), Destination: one(listText(l.Destination)),
			SourcePorts: []flow.PortRange{l.SourcePorts}, DestinationPorts: []flow.PortRange{l.DestinationPorts},
		}
		if i%4 == 3 {
			r.Access = flow.Deny
		}
		if l.Protocol == icmp {
			r.SourcePorts, r.DestinationPorts = []flow.PortRange{flow.AllPorts}, []flow.PortRange{flow.AllPorts}
		}
		r.Name = fmt.Sprintf("rule-%04d", i+1)
		r.ID = group.ID + "/securityRules/" + r.Name
		out[i] = r
	}
	return out
}

func listText(p netip.Prefix) string {
	if p.Bits() == 0 {
		return "*"
	}
	return prefixText(p)
}

// traceHosts is the number of hosts behind the firewall: a classifier is compiled
// for each local address, so a trace to ever new ones would time the compiler.
const traceHosts = 16

// ListTrace draws packets to a few hosts that the list's rules are about: nine in
// ten inside a random rule about the host, the others anywhere.
func (e *Estate) ListTrace(packets int) []ListPoint {
	s := newStream(e.o.Seed, kindTrace, uint64(len(e.list))<<32|traceHosts)
	hosts := make([]uint32, traceHosts)
	about := make([][]*ListRule, traceHosts)
	for h := range hosts {
		r := pick(s, e.list)
		hosts[h] = spanOf(r.Destination).draw(s).As4()
		for i := range e.list {
			if e.list[i].Destination.Contains(flow.AddressFrom4(hosts[h]).Netip()) {
				about[h] = append(about[h], &e.list[i])
			}
		}
	}
	out := make([]ListPoint, packets)
	for i := range out {
		h := s.IntN(traceHosts)
		p := anyPoint(s)
		if s.chance(0.9) {
			p = pick(s, about[h]).point(s, p)
		}
		p.Destination = hosts[h]
		if !p.Protocol.HasPorts() {
			p.SourcePort, p.DestinationPort = 0, 0
		}
		out[i] = p
	}
	return out
}

// TraceFile is the trace as CSV flows for `ipflow verify`.
func (e *Estate) TraceFile(packets int) File {
	return File{"trace.csv", func(w io.Writer) error {
		b := bufio.NewWriter(w)
		b.WriteString(header() + "\n")
		nic := e.nicID(0)
		for _, p := range e.ListTrace(packets) {
			fmt.Fprintf(b, "%s,%s,%s,%s,%d,%s,%d\n", nic, flow.Inbound, p.Protocol, flow.AddressFrom4(p.Destination), p.DestinationPort, flow.AddressFrom4(p.Source), p.SourcePort)
		}
		return b.Flush()
	}}
}
