package index

// serviceLookup finds a packet's column: services in the form that is searched.
// Groups 0 and 1 are TCP and UDP.
type serviceLookup struct {
	group    *[256]uint8 // protocol → group; shared by classifiers that treat protocols alike
	portless []uint16    // column of each group; unused for those with ports
	tcp, udp portLookup
}

// portLookup finds the column of a pair of ports: each port's class by search,
// then class[source × width + destination]. One source class, the usual case,
// needs no search.
type portLookup struct {
	source, destination portClasses
	width               uint32
	class               []uint16
}

type portClasses struct {
	starts []uint16
	of     []uint16
}

// newServiceLookup stores services in one array.
func (c *compiler) newServiceLookup(s *services) serviceLookup {
	one := [2]serviceGroup{s.groups[0], s.groups[0]} // no stage at all: one column for every service
	withPorts := s.groups
	if len(s.groups) == 1 {
		withPorts = one[:]
	}
	n := len(s.groups)
	for _, g := range withPorts[:2] {
		n += portsLen(&g)
	}
	room := make([]uint16, 0, n)
	l := serviceLookup{group: c.sameProtocols(&s.group)}
	for g := range s.groups {
		room = append(room, uint16(s.groups[g].class))
	}
	l.portless = room
	l.tcp, room = newPortLookup(&withPorts[0], room)
	l.udp, _ = newPortLookup(&withPorts[1], room)
	return l
}

// portsLen is how many numbers newPortLookup stores.
func portsLen(g *serviceGroup) int {
	if g.ports == nil {
		return 5
	}
	return 2*(len(g.ports.source.of)+len(g.ports.destination.of)) + len(g.ports.class)
}

func newPortLookup(g *serviceGroup, room []uint16) (portLookup, []uint16) {
	if g.ports == nil {
		one := ports{starts: []uint16{0}, of: []uint32{0}}
		return newPortLookup(&serviceGroup{ports: &portPlane{source: one, destination: one, width: 1, class: []uint32{g.class}}}, room)
	}
	add := func(list []uint32) []uint16 {
		from := len(room)
		for _, x := range list {
			room = append(room, uint16(x))
		}
		return room[from:]
	}
	classes := func(p *ports) portClasses {
		from := len(room)
		room = append(room, p.starts...)
		return portClasses{room[from:], add(p.of)}
	}
	l := portLookup{source: classes(&g.ports.source), destination: classes(&g.ports.destination), width: g.ports.width}
	l.class = add(g.ports.class)
	return l, room
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

// column returns the column of a service.
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
	if len(l.source.starts) > 1 {
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
