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
// services maps each to a class. Protocols that all rules treat alike share a
// group; TCP and UDP have a group each with a plane of ports.
type services struct {
	group4, group6 [256]uint16 // protocol → group, per address family
	groups         []serviceGroup
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

func newPorts(d dimension[interval.Port]) ports {
	p := ports{of: d.of, starts: make([]uint16, len(d.starts))}
	for i, s := range d.starts {
		p.starts[i] = uint16(s)
	}
	return p
}

func (p *ports) dimension() *dimension[interval.Port] {
	d := &dimension[interval.Port]{of: p.of, starts: make([]interval.Port, len(p.starts))}
	for i, s := range p.starts {
		d.starts[i] = interval.Port(s)
	}
	return d
}

// of returns the class of a service; source is anySource when open.
func (s *services) of(protocol flow.Protocol, v6 bool, source uint32, destination uint16) uint32 {
	g := s.group4[protocol]
	if v6 {
		g = s.group6[protocol]
	}
	group := &s.groups[g]
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

// serviceBuilder cuts the services for the rules of a Stage.
type serviceBuilder struct {
	c       *compiler
	stage   *Stage
	words   int
	classes *classTable
}

// build returns the services; classes are numbered in b.classes.
func (b *serviceBuilder) build() services {
	var s services
	s.groups = []serviceGroup{{ports: b.plane(flow.TCP)}, {ports: b.plane(flow.UDP)}}
	special := map[flow.Protocol]bool{flow.ICMP: true, flow.ICMPv6: true}
	for i := range b.stage.entries {
		if p := b.stage.entries[i].rule.Protocol; p != network.AnyProtocol {
			special[flow.Protocol(p)] = true
		}
	}
	other := flow.Protocol(0) // a protocol no rule names stands for all of them
	for special[other] || other.HasPorts() {
		other++
	}
	groupOf := map[uint32]uint16{}
	portless := func(p flow.Protocol, v6 bool) uint16 {
		id := b.portless(p, v6)
		g, ok := groupOf[id]
		if !ok {
			g = uint16(len(s.groups))
			groupOf[id] = g
			s.groups = append(s.groups, serviceGroup{class: id})
		}
		return g
	}
	other4, other6 := portless(other, false), portless(other, true)
	for p := range 256 {
		proto := flow.Protocol(p)
		switch {
		case proto == flow.TCP:
			s.group4[p], s.group6[p] = 0, 0
		case proto == flow.UDP:
			s.group4[p], s.group6[p] = 1, 1
		case special[proto]:
			s.group4[p], s.group6[p] = portless(proto, false), portless(proto, true)
		default:
			s.group4[p], s.group6[p] = other4, other6
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
func (b *serviceBuilder) protocol(r *network.Rule, p flow.Protocol, v6 bool) state {
	if r.Protocol == network.AnyProtocol {
		return matches
	}
	if flow.Protocol(r.Protocol) == flow.ICMP && v6 && (p == flow.ICMP || p == flow.ICMPv6) {
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
func (b *serviceBuilder) portless(p flow.Protocol, v6 bool) uint32 {
	a := newActiveSet(b.words)
	for bit := range b.stage.entries {
		r := b.stage.entries[bit].rule
		var facts []fact
		switch b.protocol(r, p, v6) {
		case misses:
			continue
		case mayMatch:
			facts = append(facts, b.c.intern.fact("icmp-on-ipv6:"+r.ID))
		case matches:
		}
		if !isFull(r.SourcePorts) || !isFull(r.DestinationPorts) {
			switch b.c.assume.portlessPorts {
			case "never":
				continue
			case "ignore":
			default:
				facts = append(facts, b.c.intern.fact("ports-on-portless:"+r.ID))
			}
		}
		if len(facts) == 0 {
			a.toggle(bit, 0, true, true)
		}
		for _, f := range facts {
			a.toggle(bit, f, false, true)
		}
	}
	return b.classes.of(a)
}

// plane cuts both ports of TCP or UDP and joins their classes.
func (b *serviceBuilder) plane(p flow.Protocol) *portPlane {
	var source, destination []span[interval.Port]
	for bit := range b.stage.entries {
		r := b.stage.entries[bit].rule
		if b.protocol(r, p, false) != matches {
			continue
		}
		source = append(source, span[interval.Port]{where: portSet(r.SourcePorts), bit: bit, sure: true})
		destination = append(destination, span[interval.Port]{where: portSet(r.DestinationPorts), bit: bit, sure: true})
	}
	sources, destinations := newClassTable(), newClassTable()
	plane := &portPlane{
		source:      newPorts(sweep(source, 0, b.words, sources)),
		destination: newPorts(sweep(destination, 0, b.words, destinations)),
	}
	plane.width = uint32(len(destinations.list))
	rows := append(slices.Clip(sources.list), b.openSource(p))
	for i := range rows {
		for j := range destinations.list {
			plane.class = append(plane.class, b.classes.join(&rows[i], &destinations.list[j]))
		}
	}
	return plane
}

// openSource is the source class of a question that leaves the port open: rules
// for every source port match, the others may.
func (b *serviceBuilder) openSource(p flow.Protocol) class {
	a := newActiveSet(b.words)
	for bit := range b.stage.entries {
		r := b.stage.entries[bit].rule
		if b.protocol(r, p, false) != matches {
			continue
		}
		if isFull(r.SourcePorts) {
			a.toggle(bit, 0, true, true)
		} else {
			a.toggle(bit, b.c.intern.fact("source-port-unspecified:"+r.ID), false, true)
		}
	}
	return a.freeze()
}

// join numbers the class in which both x and y hold (three-valued AND).
func (t *classTable) join(x, y *class) uint32 {
	a := newActiveSet(len(x.sure))
	forEachBit(x.sure, func(bit int) {
		if y.sure[bit>>6]>>(bit&63)&1 == 1 {
			a.toggle(bit, 0, true, true)
		}
	})
	merge := func(p, q *class) {
		forEachBit(p.may, func(bit int) {
			if q.holds(bit) {
				for _, f := range p.facts[bit] {
					if !slices.Contains(a.facts[bit], f) {
						a.toggle(bit, f, false, true)
					}
				}
			}
		})
	}
	merge(x, y)
	merge(y, x)
	return t.of(a)
}

// holds reports whether the rule matches in the class, surely or not.
func (c *class) holds(bit int) bool {
	w, s := bit>>6, bit&63
	return c.sure[w]>>s&1 == 1 || c.may != nil && c.may[w]>>s&1 == 1
}

func portSet(ranges []flow.PortRange) interval.Set[interval.Port] {
	out := make([]interval.Range[interval.Port], len(ranges))
	for i, r := range ranges {
		out[i] = interval.Range[interval.Port]{First: interval.Port(r.First), Last: interval.Port(r.Last)}
	}
	return interval.Of(out)
}
