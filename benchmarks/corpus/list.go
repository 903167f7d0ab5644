package corpus

import (
	"fmt"
	"net/netip"
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// ListKind is a family of rule lists, after the seed files of ClassBench.
type ListKind uint8

// The kinds.
const (
	ACL      ListKind = iota // access lists: few wild sources, exact services, source ports open
	Firewall                 // firewalls: many wild addresses, ranges on both ports
)

// String returns acl or fw.
func (k ListKind) String() string {
	switch k {
	case ACL:
		return "acl"
	case Firewall:
		return "fw"
	}
	panic(fmt.Sprintf("corpus: list kind %d", uint8(k)))
}

// ParseListKind reads acl or fw.
func ParseListKind(s string) (ListKind, error) {
	for _, k := range [...]ListKind{ACL, Firewall} {
		if strings.EqualFold(s, k.String()) {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%q is not a kind of list: choose acl or fw", s)
}

// ListRule is a rule over IPv4 5-tuples. The first that matches decides.
type ListRule struct {
	Source, Destination           netip.Prefix
	SourcePorts, DestinationPorts flow.PortRange
	Protocol                      network.ProtocolMatch
}

// ListPoint is a packet for a list; addresses in host order.
type ListPoint struct {
	Source, Destination         uint32
	SourcePort, DestinationPort uint16
	Protocol                    flow.Protocol
}

// Matches reports whether the packet lies in the rule. Lists compare ports of
// every protocol.
func (r *ListRule) Matches(p ListPoint) bool {
	return (r.Protocol == network.AnyProtocol || r.Protocol == network.ProtocolMatch(p.Protocol)) &&
		r.SourcePorts.Contains(p.SourcePort) && r.DestinationPorts.Contains(p.DestinationPort) &&
		r.Source.Contains(flow.AddressFrom4(p.Source).Netip()) && r.Destination.Contains(flow.AddressFrom4(p.Destination).Netip())
}

// List draws so many rules. It is like ClassBench's lists in the shares of
// wildcards, prefix lengths and port forms, and not the program's output.
func List(kind ListKind, rules int, seed uint64) []ListRule {
	s := newStream(seed, kindList, uint64(kind)<<32|uint64(rules))
	wild := 0.1
	if kind == Firewall {
		wild = 0.4
	}
	// Real lists return to the same networks: prefixes nest in a pool that grows
	// more slowly than the list.
	pool := make([]netip.Prefix, max(4, rules/8))
	for i := range pool {
		pool[i] = within(s, netip.PrefixFrom(netip.IPv4Unspecified(), 0), 8+s.IntN(17))
	}
	out := make([]ListRule, rules)
	for i := range out {
		r := &out[i]
		r.Source, r.Destination = listPrefix(s, pool, wild), listPrefix(s, pool, wild)
		if kind == ACL {
			r.Destination = listPrefix(s, pool, 0.02)
		}
		r.Protocol = network.AnyProtocol
		switch x := s.Float64(); {
		case x < 0.75:
			r.Protocol = network.ProtocolMatch(flow.TCP)
		case x < 0.90:
			r.Protocol = network.ProtocolMatch(flow.UDP)
		case x < 0.93:
			r.Protocol = icmp
		}
		r.SourcePorts = flow.AllPorts
		if kind == Firewall {
			r.SourcePorts = listPorts(s, 0.5, 0.2)
		}
		if kind == ACL {
			r.DestinationPorts = listPorts(s, 0.25, 0.6)
		} else {
			r.DestinationPorts = listPorts(s, 0.3, 0.3)
		}
	}
	return out
}

// listPrefix is everything with probability wild, else a network of the pool or
// a part of one.
func listPrefix(s *stream, pool []netip.Prefix, wild float64) netip.Prefix {
	if s.chance(wild) {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	p := pick(s, pool)
	switch x := s.Float64(); {
	case x < 0.3:
		return p
	case x < 0.6:
		return within(s, p, 24)
	}
	return within(s, p, 25+s.IntN(8))
}

// listPorts is open, one port, or else a range.
func listPorts(s *stream, open, exact float64) flow.PortRange {
	x := s.Float64()
	switch {
	case x < open:
		return flow.AllPorts
	case x < open+exact:
		p := pick(s, servicePorts).port
		return flow.PortRange{First: p, Last: p}
	case s.chance(0.4):
		return flow.PortRange{First: 1024, Last: 65535}
	}
	first := s.IntN(60000)
	return flow.PortRange{First: uint16(first), Last: uint16(min(65535, first+1+s.IntN(5000)))}
}

// Trace draws packets for a list: nine in ten inside a random rule, the others
// anywhere.
func Trace(list []ListRule, packets int, seed uint64) []ListPoint {
	s := newStream(seed, kindTrace, uint64(len(list)))
	out := make([]ListPoint, packets)
	for i := range out {
		out[i] = anyPoint(s)
		if len(list) > 0 && s.chance(0.9) {
			out[i] = list[s.IntN(len(list))].point(s, out[i])
		}
	}
	return out
}

// anyPoint is a packet from anywhere to anywhere.
func anyPoint(s *stream) ListPoint {
	v := s.Uint64()
	p := ListPoint{Source: uint32(v), Destination: uint32(v >> 32), Protocol: flow.TCP}
	w := s.Uint32()
	p.SourcePort, p.DestinationPort = uint16(w), uint16(w>>16)
	if s.chance(0.2) {
		p.Protocol = flow.UDP
	}
	return p
}

// point moves a packet into the rule; its protocol stays where the rule names
// none.
func (r *ListRule) point(s *stream, p ListPoint) ListPoint {
	p.Source, p.Destination = spanOf(r.Source).draw(s).As4(), spanOf(r.Destination).draw(s).As4()
	p.SourcePort = drawPort(s, []flow.PortRange{r.SourcePorts})
	p.DestinationPort = drawPort(s, []flow.PortRange{r.DestinationPorts})
	if r.Protocol != network.AnyProtocol {
		p.Protocol = flow.Protocol(r.Protocol)
	}
	return p
}
