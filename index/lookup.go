package index

// serviceLookup finds a packet's column: services in the form that is searched.
// Groups 0 and 1 are TCP and UDP.
type serviceLookup struct {
	group    *[256]uint8 // protocol → group; shared by classifiers that treat protocols alike
	portless []uint16    // column of each group; unused for those with ports
	tcp, udp portLookup
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

func (c *compiler) newServiceLookup(s *services) serviceLookup {
	l := serviceLookup{group: c.sameProtocols(&s.group), portless: make([]uint16, len(s.groups))}
	for g := range s.groups {
		l.portless[g] = uint16(s.groups[g].class)
	}
	if len(s.groups) == 1 { // no stage at all: one column for every service
		s.groups = append(s.groups, s.groups[0])
	}
	l.tcp, l.udp = newPortLookup(&s.groups[0]), newPortLookup(&s.groups[1])
	return l
}

// sameProtocols returns the one array with the content of group.
func (c *compiler) sameProtocols(group *[256]uint8) *[256]uint8 {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.protocols[*group]
	if !ok {
		own := *group
		p = &own
		c.protocols[own] = p
	}
	return p
}

func newPortLookup(g *serviceGroup) portLookup {
	if g.ports == nil {
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
	n := 2 * len(l.portless)
	for _, p := range []*portLookup{&l.tcp, &l.udp} {
		n += 4*(len(p.source.starts)+len(p.destination.starts)) + 2*len(p.class)
	}
	return n
}
