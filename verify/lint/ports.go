package lint

import (
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// addPorts gives the rules the dimensions of TCP and UDP.
func (s *space) addPorts(rules []*network.Rule, parts [3][]region) {
	s.protocols = []flow.Protocol{flow.TCP, flow.UDP}
	destination, source := newClasses(len(rules)), newClasses(len(rules))
	to, from := make([]interval.Set[interval.Port], len(rules)), make([]interval.Set[interval.Port], len(rules))
	for i, r := range rules {
		to[i], from[i] = portSet(r.DestinationPorts), portSet(r.SourcePorts)
	}
	s.destinations = sweep(destination, to, to)
	s.sources = sweep(source, from, from)
	// A question may leave its source port open: rules for every port match,
	// others may.
	open := source.vector()
	for i := range rules {
		source.match(open, i, isFull(from[i]), true, true)
	}
	// It is an atom of its own even where some port has the same rules: a
	// witness must be able to name a port.
	source.ids = map[string]int{}
	source.of(open)
	s.sources = append(s.sources, nil)

	toSets, fromSets := destination.sets(), source.sets()
	for i, r := range rules {
		protocols := newAtoms(len(s.protocols))
		for j, p := range s.protocols {
			if r.Protocol == network.AnyProtocol || flow.Protocol(r.Protocol) == p {
				protocols.set(j)
			}
		}
		for plane := range parts {
			a := parts[plane][i]
			a[dimProtocol], a[dimDestinationPort], a[dimSourcePort] = protocols, toSets[plane][i], fromSets[plane][i]
		}
	}
}

// addPortless gives the rules the other protocols: those that Azure or a rule
// names, and one that stands for all others.
func (l *linter) addPortless(s *space, rules []*network.Rule, parts [3][]region) {
	s.protocols = []flow.Protocol{flow.ICMP, flow.ICMPv6}
	named := map[flow.Protocol]bool{flow.ICMP: true, flow.ICMPv6: true, flow.TCP: true, flow.UDP: true}
	for _, r := range rules {
		if p := flow.Protocol(r.Protocol); r.Protocol != network.AnyProtocol && !named[p] {
			named[p] = true
			s.protocols = append(s.protocols, p)
		}
	}
	other := flow.Protocol(0)
	for named[other] {
		other++
	}
	s.protocols = append(s.protocols, other)
	one := allAtoms(1)
	for i, r := range rules {
		sure, most := newAtoms(len(s.protocols)), newAtoms(len(s.protocols))
		for j, p := range s.protocols {
			surely, perhaps := Portless(l.net.Assumptions, r, p, s.v6)
			if surely {
				sure.set(j)
			}
			if surely || perhaps {
				most.set(j)
			}
		}
		for plane, protocols := range [3]atoms{sure, most, most} {
			a := parts[plane][i]
			a[dimProtocol], a[dimDestinationPort], a[dimSourcePort] = protocols, one, one
		}
	}
}

// Portless compares a rule's protocol and ports with a protocol without ports,
// see the assumptions portless-ports and icmp-on-ipv6.
func Portless(as network.Assumptions, r *network.Rule, p flow.Protocol, v6 bool) (surely, perhaps bool) {
	surely = true
	if r.Protocol != network.AnyProtocol {
		own := flow.Protocol(r.Protocol)
		switch {
		case own == flow.ICMP && v6 && (p == flow.ICMP || p == flow.ICMPv6):
			switch as.Value("icmp-on-ipv6") {
			case "match":
			case "never":
				return false, false
			default:
				surely, perhaps = false, true
			}
		case own != p:
			return false, false
		}
	}
	if isFull(portSet(r.SourcePorts)) && isFull(portSet(r.DestinationPorts)) {
		return surely, perhaps
	}
	switch as.Value("portless-ports") {
	case "ignore":
		return surely, perhaps
	case "never":
		return false, false
	}
	return false, true
}

func portSet(ranges []flow.PortRange) interval.Set[interval.Port] {
	out := make([]interval.Range[interval.Port], len(ranges))
	for i, r := range ranges {
		out[i] = interval.Range[interval.Port]{First: interval.Port(r.First), Last: interval.Port(r.Last)}
	}
	return interval.Of(out)
}

func isFull(s interval.Set[interval.Port]) bool {
	return len(s) == 1 && s[0].First == 0 && s[0].Last == 65535
}
