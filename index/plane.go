package index

import "ipflow/ingest/flow"

// fuseServices merges the services of the tables; classes of the result are tuples
// of columns, numbered in f.column.
func (f *fuser) fuseServices() {
	f.column.reset(f.sizes(func(t *stageTable) int { _, columns := t.size(); return columns }))
	s := &f.services
	s.groups = s.groups[:0]
	if len(f.tables) == 0 {
		s.group = [256]uint8{}
		s.groups = append(s.groups, serviceGroup{class: f.column.number(0, 0, 0)})
		return
	}
	f.groups.reset(f.sizes(func(t *stageTable) int { return len(t.services.groups) }))
	for _, p := range [...]flow.Protocol{flow.TCP, flow.UDP} { // groups 0 and 1
		f.fuseGroup(p)
	}
	for p := range 256 {
		s.group[p] = f.fuseGroup(flow.Protocol(p))
	}
}

// sizes are those of a tupleSet with a part for each table.
func (f *fuser) sizes(of func(t *stageTable) int) [3]uint32 {
	sizes := [3]uint32{1, 1, 1}
	for i, t := range f.tables {
		sizes[i] = uint32(of(t))
	}
	return sizes
}

// fuseGroup returns the group of the result in which the tables' groups of one
// protocol meet. Either all of them have ports or none has.
func (f *fuser) fuseGroup(p flow.Protocol) uint8 {
	s := &f.services
	var key [3]uint32
	for i, t := range f.tables {
		key[i] = uint32(t.services.group[p])
	}
	g := f.groups.number(key[0], key[1], key[2])
	if int(g) < len(s.groups) {
		return uint8(g)
	}
	if !p.HasPorts() {
		for i, t := range f.tables {
			key[i] = t.services.groups[key[i]].class
		}
		s.groups = append(s.groups, serviceGroup{class: f.column.number(key[0], key[1], key[2])})
		return uint8(g)
	}
	plane := &f.planes[g]
	s.groups = append(s.groups, serviceGroup{ports: plane})
	f.fusePlanes(plane, p)
	return uint8(g)
}

// fusePlanes merges the planes of ports of TCP or UDP.
func (f *fuser) fusePlanes(out *portPlane, p flow.Protocol) {
	var parts [3]*portPlane
	var sources, destinations [3]*ports
	n := len(f.tables)
	for i, t := range f.tables {
		parts[i] = t.services.groups[t.services.group[p]].ports
		sources[i], destinations[i] = &parts[i].source, &parts[i].destination
	}
	plane := func(t *stageTable) *portPlane { return t.services.groups[t.services.group[p]].ports }
	f.source.reset(f.sizes(func(t *stageTable) int { return len(plane(t).class) / int(plane(t).width) }))
	f.destination.reset(f.sizes(func(t *stageTable) int { return int(plane(t).width) }))
	mergePorts(&out.source, sources[:n], &f.source)
	mergePorts(&out.destination, destinations[:n], &f.destination)
	out.width, out.class = uint32(f.destination.len()), out.class[:0]
	for r := range f.source.len() {
		source := f.source.tuple(r)
		for c := range f.destination.len() {
			key := f.destination.tuple(c)
			for i, part := range parts[:n] {
				key[i] = part.class[source[i]*part.width+key[i]]
			}
			out.class = append(out.class, f.column.number(key[0], key[1], key[2]))
		}
	}
}

// mergePorts merges the cuts of one port; classes of the result are tuples.
func mergePorts(out *ports, parts []*ports, tuples *tupleSet) {
	out.reset()
	var at [3]int
	var key [3]uint32
	for start := uint32(0); ; {
		next := uint32(1 << 16)
		for i, p := range parts {
			key[i] = p.of[at[i]]
			if at[i]+1 < len(p.starts) {
				next = min(next, uint32(p.starts[at[i]+1]))
			}
		}
		out.add(start, tuples.number(key[0], key[1], key[2]))
		if next == 1<<16 {
			return
		}
		start = next
		for i, p := range parts {
			if at[i]+1 < len(p.starts) && uint32(p.starts[at[i]+1]) == start {
				at[i]++
			}
		}
	}
}

// A merger joins what became equal in services. It reuses its memory.
type merger struct {
	rows, columns           rowSet[uint32]
	rowOf, columnOf, column []uint32
}

// renumber replaces classes by columns of a table.
func (m *merger) renumber(s *services, columnOf []uint32) {
	for i := range s.groups {
		g := &s.groups[i]
		if g.ports == nil {
			g.class = columnOf[g.class]
			continue
		}
		for j, class := range g.ports.class {
			g.ports.class[j] = columnOf[class]
		}
		m.merge(g.ports)
	}
}

// merge joins source and destination classes that lead to the same columns, and
// then intervals that became one.
func (m *merger) merge(p *portPlane) {
	height, width := len(p.class)/int(p.width), int(p.width)
	m.rows.reset(width)
	m.rowOf = m.rowOf[:0]
	for r := range height {
		n, _ := m.rows.of(p.class[r*width : (r+1)*width])
		m.rowOf = append(m.rowOf, n)
	}
	m.columns.reset(m.rows.len())
	m.columnOf = m.columnOf[:0]
	for c := range width {
		m.column = m.column[:0]
		for r := range m.rows.len() {
			m.column = append(m.column, m.rows.row(r)[c])
		}
		n, _ := m.columns.of(m.column)
		m.columnOf = append(m.columnOf, n)
	}
	p.width, p.class = uint32(m.columns.len()), p.class[:0]
	for r := range m.rows.len() {
		for c := range m.columns.len() {
			p.class = append(p.class, m.columns.row(c)[r])
		}
	}
	p.source.renumber(m.rowOf)
	p.destination.renumber(m.columnOf)
}

// renumber replaces classes and joins neighbours that became equal.
func (p *ports) renumber(to []uint32) {
	n := 0
	for i := range p.of {
		class := to[p.of[i]]
		if n > 0 && p.of[n-1] == class {
			continue
		}
		p.starts[n], p.of[n] = p.starts[i], class
		n++
	}
	p.starts, p.of = p.starts[:n], p.of[:n]
}
