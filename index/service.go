package index

import (
	"slices"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// anySource stands for an open source port (`*`): one past the last port.
const anySource = 1 << 16

// A service is what a packet says beside its addresses: protocol and ports.
// services maps each, for remote addresses of one family, to a class. Protocols
// that all rules treat alike share a group; TCP and UDP are groups 0 and 1 and
// have a plane of ports each.
type services struct {
	group  [256]uint8 // by protocol
	groups []serviceGroup
}

// serviceGroup is one class for portless protocols, or a plane of ports.
type serviceGroup struct {
	class uint32     // valid iff ports is nil
	ports *portPlane // TCP and UDP
}

// portPlane maps (source port, destination port) to a class: both ports to
// their own classes, then a row per source class. A question that leaves the
// source port open has tables of its own, with one source class.
type portPlane struct {
	source, destination ports
	width               uint32   // destination classes, the length of a row
	class               []uint32 // row-major: source class × width + destination class
}

// ports maps a port to its class by search over interval starts.
type ports struct {
	starts []uint16
	of     []uint32
}

func (p *ports) find(port uint16) uint32 { return p.of[search16(p.starts, port)] }

func (p *ports) reset() { p.starts, p.of = p.starts[:0], p.of[:0] }

// add appends an interval, or makes the last one longer.
func (p *ports) add(start uint32, class uint32) {
	if n := len(p.of); n > 0 && p.of[n-1] == class {
		return
	}
	p.starts, p.of = append(p.starts, uint16(start)), append(p.of, class)
}

// of returns the class of a service.
func (s *services) of(protocol flow.Protocol, source uint32, destination uint16) uint32 {
	group := &s.groups[s.group[protocol]]
	if group.ports == nil {
		return group.class
	}
	p := group.ports
	return p.class[p.source.find(uint16(source))*p.width+p.destination.find(destination)]
}

// services cuts the services for the entries; classes are numbered in b.service.
func (b *builder) services(t *stageTable) {
	s := &t.services
	s.groups = append(s.groups[:0], serviceGroup{ports: &t.planes[0]}, serviceGroup{ports: &t.planes[1]})
	b.plane(flow.TCP, &t.planes[0])
	b.plane(flow.UDP, &t.planes[1])
	var special [256]bool
	special[flow.ICMP], special[flow.ICMPv6] = true, true
	for i := range b.entries {
		if p := b.entries[i].rule.Protocol; p != network.AnyProtocol {
			special[p] = true
		}
	}
	portless := func(p flow.Protocol) uint8 {
		class := b.portless(p)
		for g := 2; g < len(s.groups); g++ {
			if s.groups[g].class == class {
				return uint8(g)
			}
		}
		s.groups = append(s.groups, serviceGroup{class: class})
		return uint8(len(s.groups) - 1)
	}
	other, known := uint8(0), false // a protocol that no rule names stands for all of them
	for p := range 256 {
		proto := flow.Protocol(p)
		switch {
		case proto == flow.TCP:
			s.group[p] = 0
		case proto == flow.UDP:
			s.group[p] = 1
		case special[proto]:
			s.group[p] = portless(proto)
		default:
			if !known {
				other, known = portless(proto), true
			}
			s.group[p] = other
		}
	}
}

// state is how one rule meets one service.
type state uint8

const (
	misses state = iota
	mayMatch
	matches
)

// protocol compares a rule's protocol; doubt is "icmp-on-ipv6" where it is open.
func (b *builder) protocol(r *network.Rule, p flow.Protocol) state {
	if r.Protocol == network.AnyProtocol {
		return matches
	}
	if flow.Protocol(r.Protocol) == flow.ICMP && !b.family4 && (p == flow.ICMP || p == flow.ICMPv6) {
		switch b.c.assume.icmpOnIPv6 {
		case "match":
			return matches
		case "never":
			return misses
		}
		return mayMatch
	}
	if flow.Protocol(r.Protocol) == p {
		return matches
	}
	return misses
}

// portless returns the class of a protocol without ports.
func (b *builder) portless(p flow.Protocol) uint32 {
	b.sweep.reset(b.words)
	for bit := range b.entries {
		r := b.entries[bit].rule
		state := b.protocol(r, p)
		if state == misses {
			continue
		}
		inDoubt := false
		if !isFull(r.SourcePorts) || !isFull(r.DestinationPorts) {
			switch b.c.assume.portlessPorts {
			case "never":
				continue
			case "ignore":
			default:
				inDoubt = true
			}
		}
		if state == matches && !inDoubt {
			b.sweep.always(bit)
			continue
		}
		if state == mayMatch {
			b.sweep.may = append(b.sweep.may, bitFact{int32(bit), b.c.factOf(icmpOnIPv6, r)})
		}
		if inDoubt {
			b.sweep.may = append(b.sweep.may, bitFact{int32(bit), b.c.factOf(portsOnPortless, r)})
		}
	}
	return b.service.of(b.sweep.sure, nil, b.sweep.may, b.closing)
}

// plane cuts both ports of TCP or UDP and joins their classes.
func (b *builder) plane(p flow.Protocol, plane *portPlane) {
	plane.class = plane.class[:0]
	if !b.namesSources(p) {
		plane.source.reset()
		plane.source.add(0, 0)
		b.cutPorts(&plane.destination, p, destinationPorts, b.closing, &b.service)
		b.byDestination(plane)
		return
	}
	b.cutPorts(&plane.destination, p, destinationPorts, b.closingAlso(sourcePorts), &b.destination)
	plane.width = uint32(b.destination.len())
	if b.openSource {
		plane.source.reset()
		plane.source.add(0, 0)
		b.joinOpen(p, plane)
		return
	}
	b.cutPorts(&plane.source, p, sourcePorts, b.closingAlso(destinationPorts), &b.source)
	for i := range b.source.len() {
		for j := range b.destination.len() {
			plane.class = append(plane.class, b.service.of(b.both(b.source.sure.row(i), b.destination.sure.row(j)), nil, nil, b.closing))
		}
	}
}

// namesSources reports whether some rule for the protocol names source ports.
func (b *builder) namesSources(p flow.Protocol) bool {
	for i := range b.entries {
		if r := b.entries[i].rule; !isFull(r.SourcePorts) && b.protocol(r, p) == matches {
			return true
		}
	}
	return false
}

// both is the entries in both sets; valid until the next call.
func (b *builder) both(x, y []uint64) []uint64 {
	b.common = slices.Grow(b.common[:0], b.words)[:b.words]
	for w := range b.common {
		b.common[w] = x[w] & y[w]
	}
	return b.common
}

// joinOpen fills the one row of a plane for questions that leave the source port
// open: rules for every source port match, the others may.
func (b *builder) joinOpen(p flow.Protocol, plane *portPlane) {
	sure := make([]uint64, b.words)
	var may, here []bitFact
	for bit := range b.entries {
		r := b.entries[bit].rule
		switch {
		case b.protocol(r, p) != matches:
		case isFull(r.SourcePorts):
			setBit(sure, bit)
		default:
			may = append(may, bitFact{int32(bit), b.c.factOf(sourcePortUnspecified, r)})
		}
	}
	for j := range b.destination.len() {
		destination := b.destination.sure.row(j)
		here = here[:0]
		for _, f := range may {
			if hasBit(destination, int(f.bit)) {
				here = append(here, f)
			}
		}
		plane.class = append(plane.class, b.service.of(b.both(sure, destination), nil, here, b.closing))
	}
}

// byDestination gives a plane whose destination ports have classes of b.service
// columns in place of them, and one row: the source port changes nothing.
func (b *builder) byDestination(p *portPlane) {
	const none = ^uint32(0)
	b.numbers = fill(b.numbers, b.service.len(), none)
	for i, class := range p.destination.of {
		if b.numbers[class] == none {
			b.numbers[class] = uint32(len(p.class))
			p.class = append(p.class, class)
		}
		p.destination.of[i] = b.numbers[class]
	}
	p.width = uint32(len(p.class))
}

// fill returns a slice of n elements, all x.
func fill[T any](s []T, n int, x T) []T {
	s = slices.Grow(s[:0], n)[:n]
	for i := range s {
		s[i] = x
	}
	return s
}

func sourcePorts(r *network.Rule) []flow.PortRange      { return r.SourcePorts }
func destinationPorts(r *network.Rule) []flow.PortRange { return r.DestinationPorts }

// closingAlso is the entries that close whatever the other port is.
func (b *builder) closingAlso(other func(*network.Rule) []flow.PortRange) []uint64 {
	out := make([]uint64, b.words)
	forEachBit(b.closing, func(bit int) {
		if isFull(other(b.entries[bit].rule)) {
			setBit(out, bit)
		}
	})
	return out
}

// cutPorts cuts one of the ports of TCP or UDP.
func (b *builder) cutPorts(out *ports, p flow.Protocol, of func(*network.Rule) []flow.PortRange, closing []uint64, classes *classTable) {
	if classes != &b.service {
		classes.reset(b.words)
	}
	b.sweep.reset(b.words)
	for bit := range b.entries {
		r := b.entries[bit].rule
		if b.protocol(r, p) != matches {
			continue
		}
		if ranges := of(r); isFull(ranges) {
			b.sweep.always(bit)
		} else {
			b.sweep.spanPorts(lane{bit: int32(bit), sure: true}, b.portSet(ranges))
		}
	}
	out.reset()
	b.sweep.run(func(first, _ uint32) {
		out.add(first, classes.of(b.sweep.sure, nil, nil, closing))
	}, 1<<16-1)
}

// portSet is valid until the next call.
func (b *builder) portSet(ranges []flow.PortRange) interval.Set[interval.Port] {
	b.portRanges = b.portRanges[:0]
	for _, r := range ranges {
		b.portRanges = append(b.portRanges, interval.Range[interval.Port]{First: interval.Port(r.First), Last: interval.Port(r.Last)})
	}
	if len(b.portRanges) == 1 {
		return b.portRanges
	}
	return interval.Of(b.portRanges)
}

func portSet(ranges []flow.PortRange) interval.Set[interval.Port] {
	out := make([]interval.Range[interval.Port], len(ranges))
	for i, r := range ranges {
		out[i] = interval.Range[interval.Port]{First: interval.Port(r.First), Last: interval.Port(r.Last)}
	}
	return interval.Of(out)
}
