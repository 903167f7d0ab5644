package index

import "ipflow/ingest/flow"

// serviceLookup finds a packet's column: services in the form that is searched.
// Groups 0 and 1 are TCP and UDP.
type serviceLookup struct {
	group4, group6 [256]uint8 // protocol → group, per address family
	portless       []uint16   // column of each group; unused for those with ports
	tcp, udp       portLookup
}

// portLookup finds the column of a pair of ports: each port's class by search,
// then class[source × width + destination]; the last row is the open source
// port. One source class, the usual case, needs no search.
type portLookup struct {
	source, destination portClasses
	width               uint32
	class               []uint16
}

type portClasses struct {
	starts []uint16
	of     []uint16
}

func newServiceLookup(s *services) serviceLookup {
	// The groups are numbered anew so that TCP and UDP come first.
	order := []uint16{s.group4[flow.TCP], s.group4[flow.UDP]}
	to := make([]uint8, len(s.groups))
	for g := range s.groups {
		if uint16(g) != order[0] && uint16(g) != order[1] {
			order = append(order, uint16(g))
		}
	}
	l := serviceLookup{portless: make([]uint16, len(order))}
	for n, g := range order {
		to[g] = uint8(n)
		l.portless[n] = uint16(s.groups[g].class)
	}
	for p := range 256 {
		l.group4[p], l.group6[p] = to[s.group4[p]], to[s.group6[p]]
	}
	l.group4[flow.TCP], l.group4[flow.UDP], l.group6[flow.TCP], l.group6[flow.UDP] = 0, 1, 0, 1
	l.tcp, l.udp = newPortLookup(&s.groups[order[0]]), newPortLookup(&s.groups[order[1]])
	return l
}

func newPortLookup(g *serviceGroup) portLookup {
	if g.ports == nil { // no stage at all: one column for every service
		one := portClasses{starts: []uint16{0}, of: []uint16{0}}
		return portLookup{source: one, destination: one, width: 1, class: []uint16{uint16(g.class), uint16(g.class)}}
	}
	narrow := func(p *ports) portClasses {
		out := portClasses{starts: p.starts, of: make([]uint16, len(p.of))}
		for i, c := range p.of {
			out.of[i] = uint16(c)
		}
		return out
	}
	l := portLookup{source: narrow(&g.ports.source), destination: narrow(&g.ports.destination), width: g.ports.width}
	l.class = make([]uint16, len(g.ports.class))
	for i, c := range g.ports.class {
		l.class[i] = uint16(c)
	}
	return l
}

// column returns the column of a service; source is anySource when open.
func (l *serviceLookup) column(group uint8, source uint32, destination uint16) uint16 {
	switch group {
	case 0:
		return l.tcp.column(source, destination)
	case 1:
		return l.udp.column(source, destination)
	}
	return l.portless[group]
}

func (l *portLookup) column(source uint32, destination uint16) uint16 {
	row := uint32(0)
	switch {
	case source >= anySource:
		row = uint32(len(l.class))/l.width - 1
	case len(l.source.starts) > 1:
		row = uint32(l.source.of[search16(l.source.starts, uint16(source))])
	}
	return l.class[row*l.width+uint32(l.destination.of[search16(l.destination.starts, destination)])]
}

func (l *serviceLookup) bytes() int {
	n := 512 + 2*len(l.portless)
	for _, p := range []*portLookup{&l.tcp, &l.udp} {
		n += 4*(len(p.source.starts)+len(p.destination.starts)) + 2*len(p.class)
	}
	return n
}
