package index

import (
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
// their own classes, then a row per source class. The last row is the open
// source port.
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

func (p *ports) add(start uint32, class uint32) {
	if n := len(p.of); n > 0 && p.of[n-1] == class {
		return
	}
	p.starts, p.of = append(p.starts, uint16(start)), append(p.of, class)
}

// of returns the class of a service; source is anySource when open.
func (s *services) of(protocol flow.Protocol, source uint32, destination uint16) uint32 {
	group := &s.groups[s.group[protocol]]
	if group.ports == nil {
		return group.class
	}
	p := group.ports
	row := uint32(len(p.class))/p.width - 1
	if source < anySource {
		row = p.source.find(uint16(source))
	}
	return p.class[row*p.width+p.destination.find(destination)]
}

// services cuts the services for the entries; classes are numbered in b.service.
func (b *builder) services() services {
	var s services
	s.groups = []serviceGroup{{ports: b.plane(flow.TCP)}, {ports: b.plane(flow.UDP)}}
	var special [256]bool
	special[flow.ICMP], special[flow.ICMPv6] = true, true
	for i := range b.entries {
		if p := b.entries[i].rule.Protocol; p != network.AnyProtocol {
			special[p] = true
		}
	}
	groupOf := map[uint32]uint8{}
	portless := func(p flow.Protocol) uint8 {
		id := b.portless(p)
		g, ok := groupOf[id]
		if !ok {
			g = uint8(len(s.groups))
			groupOf[id] = g
			s.groups = append(s.groups, serviceGroup{class: id})
		}
		return g
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
	return s
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
		ports := ""
		if !isFull(r.SourcePorts) || !isFull(r.DestinationPorts) {
			switch b.c.assume.portlessPorts {
			case "never":
				continue
			case "ignore":
			default:
				ports = "ports-on-portless:"
			}
		}
		if state == matches && ports == "" {
			b.sweep.always(bit)
			continue
		}
		if state == mayMatch {
			b.sweep.may = append(b.sweep.may, bitFact{int32(bit), b.c.intern.fact("icmp-on-ipv6:" + r.ID)})
		}
		if ports != "" {
			b.sweep.may = append(b.sweep.may, bitFact{int32(bit), b.c.intern.fact(ports + r.ID)})
		}
	}
	return b.service.of(b.sweep.sure, nil, b.sweep.may, b.closing)
}

// plane cuts both ports of TCP or UDP and joins their classes.
func (b *builder) plane(p flow.Protocol) *portPlane {
	open := false // some rule names source ports
	for i := range b.entries {
		r := b.entries[i].rule
		open = open || b.protocol(r, p) == matches && !isFull(r.SourcePorts)
	}
	if !open {
		plane := &portPlane{source: ports{starts: []uint16{0}, of: []uint32{0}}}
		plane.destination = b.cutPorts(p, destinationPorts, b.closing, &b.service)
		plane.byDestination()
		return plane
	}
	plane := &portPlane{
		source:      b.cutPorts(p, sourcePorts, b.closingAlso(destinationPorts), &b.source),
		destination: b.cutPorts(p, destinationPorts, b.closingAlso(sourcePorts), &b.destination),
	}
	sure, may := b.openSource(p)
	both := make([]uint64, b.words)
	and := func(x, y []uint64) []uint64 {
		for w := range both {
			both[w] = x[w] & y[w]
		}
		return both
	}
	plane.width = uint32(b.destination.len())
	for i := range b.source.len() {
		for j := range b.destination.len() {
			plane.class = append(plane.class, b.service.of(and(b.source.sure.row(i), b.destination.sure.row(j)), nil, nil, b.closing))
		}
	}
	var here []bitFact
	for j := range b.destination.len() {
		destination := b.destination.sure.row(j)
		here = here[:0]
		for _, f := range may {
			if hasBit(destination, int(f.bit)) {
				here = append(here, f)
			}
		}
		plane.class = append(plane.class, b.service.of(and(sure, destination), nil, here, b.closing))
	}
	return plane
}

// byDestination gives a plane whose destination ports have classes of b.service
// columns in place of them, and two equal rows: the source port changes nothing.
func (p *portPlane) byDestination() {
	column := map[uint32]uint32{}
	var row []uint32
	for i, class := range p.destination.of {
		n, ok := column[class]
		if !ok {
			n = uint32(len(row))
			column[class] = n
			row = append(row, class)
		}
		p.destination.of[i] = n
	}
	p.width, p.class = uint32(len(row)), append(row, row...)
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
func (b *builder) cutPorts(p flow.Protocol, of func(*network.Rule) []flow.PortRange, closing []uint64, classes *classTable) ports {
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
	var out ports
	b.sweep.run(func(first, _ uint32) {
		out.add(first, classes.of(b.sweep.sure, nil, nil, closing))
	}, 1<<16-1)
	return out
}

// openSource is the source class of a question that leaves the port open: rules
// for every source port match, the others may.
func (b *builder) openSource(p flow.Protocol) (sure []uint64, may []bitFact) {
	sure = make([]uint64, b.words)
	for bit := range b.entries {
		r := b.entries[bit].rule
		if b.protocol(r, p) != matches {
			continue
		}
		if isFull(r.SourcePorts) {
			setBit(sure, bit)
		} else {
			may = append(may, bitFact{int32(bit), b.c.intern.fact("source-port-unspecified:" + r.ID)})
		}
	}
	return sure, may
}

// portSet is valid until the next call.
func (b *builder) portSet(ranges []flow.PortRange) interval.Set[interval.Port] {
	b.portRanges = b.portRanges[:0]
	for _, r := range ranges {
		b.portRanges = append(b.portRanges, interval.Range[interval.Port]{First: interval.Port(r.First), Last: interval.Port(r.Last)})
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
