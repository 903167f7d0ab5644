package index

import (
	"slices"

	"ipflow/ingest/flow"
)

// fuseServices merges the services of the tables; classes of the result are tuples
// of columns, numbered in f.column.
func (f *fuser) fuseServices() services {
	parts := max(1, len(f.tables))
	f.column.reset(parts)
	var s services
	if len(f.tables) == 0 {
		s.groups = []serviceGroup{{class: f.tuple(&f.column, nil)}}
		return s
	}
	f.groups.reset(parts)
	for _, p := range [...]flow.Protocol{flow.TCP, flow.UDP} { // groups 0 and 1
		f.fuseGroup(&s, p)
	}
	for p := range 256 {
		s.group[p] = f.fuseGroup(&s, flow.Protocol(p))
	}
	return s
}

// tuple numbers a number of each table.
func (f *fuser) tuple(in *rowSet[uint32], of func(part int, t *stageTable) uint32) uint32 {
	var key [3]uint32
	for i, t := range f.tables {
		key[i] = of(i, t)
	}
	n, _ := in.of(key[:in.width])
	return n
}

// fuseGroup returns the group of the result in which the tables' groups of one
// protocol meet. Either all of them have ports or none has.
func (f *fuser) fuseGroup(s *services, p flow.Protocol) uint8 {
	g := f.tuple(&f.groups, func(_ int, t *stageTable) uint32 { return uint32(t.services.group[p]) })
	if int(g) < len(s.groups) {
		return uint8(g)
	}
	if !p.HasPorts() {
		s.groups = append(s.groups, serviceGroup{class: f.tuple(&f.column, func(_ int, t *stageTable) uint32 {
			return t.services.groups[t.services.group[p]].class
		})})
		return uint8(g)
	}
	planes := make([]*portPlane, len(f.tables))
	for i, t := range f.tables {
		planes[i] = t.services.groups[t.services.group[p]].ports
	}
	s.groups = append(s.groups, serviceGroup{ports: f.fusePlanes(planes)})
	return uint8(g)
}

// fusePlanes merges planes of ports.
func (f *fuser) fusePlanes(planes []*portPlane) *portPlane {
	var sources, destinations [3]*ports
	for i, p := range planes {
		sources[i], destinations[i] = &p.source, &p.destination
	}
	f.source.reset(len(planes))
	f.destination.reset(len(planes))
	out := &portPlane{source: mergePorts(sources[:len(planes)], &f.source), destination: mergePorts(destinations[:len(planes)], &f.destination)}
	out.width = uint32(f.destination.len())
	out.class = make([]uint32, 0, (f.source.len()+1)*f.destination.len())
	for r := range f.source.len() + 1 { // the last row is the open source port
		for c := range f.destination.len() {
			column := f.destination.row(c)
			out.class = append(out.class, f.tuple(&f.column, func(i int, _ *stageTable) uint32 {
				p := planes[i]
				row := uint32(len(p.class))/p.width - 1
				if r < f.source.len() {
					row = f.source.row(r)[i]
				}
				return p.class[row*p.width+column[i]]
			}))
		}
	}
	return out
}

// mergePorts merges the cuts of one port; classes of the result are tuples.
func mergePorts(parts []*ports, tuples *rowSet[uint32]) (out ports) {
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
		n, _ := tuples.of(key[:len(parts)])
		out.add(start, n)
		if next == 1<<16 {
			return out
		}
		start = next
		for i, p := range parts {
			if at[i]+1 < len(p.starts) && uint32(p.starts[at[i]+1]) == start {
				at[i]++
			}
		}
	}
}

// renumber replaces classes by columns of a table.
func (s *services) renumber(columnOf []uint32) {
	for i := range s.groups {
		g := &s.groups[i]
		if g.ports == nil {
			g.class = columnOf[g.class]
			continue
		}
		for j, class := range g.ports.class {
			g.ports.class[j] = columnOf[class]
		}
		g.ports.merge()
	}
}

// merge joins source and destination classes that lead to the same columns, and
// then intervals that became one.
func (p *portPlane) merge() {
	height, width := len(p.class)/int(p.width), int(p.width)
	var rows, columns rowSet[uint32]
	rows.reset(width)
	rowOf := make([]uint32, height-1)
	for r := range rowOf {
		rowOf[r], _ = rows.of(p.class[r*width : (r+1)*width])
	}
	rows.add(p.class[(height-1)*width:])
	columns.reset(rows.len())
	columnOf, column := make([]uint32, width), make([]uint32, rows.len())
	for c := range columnOf {
		for r := range column {
			column[r] = rows.row(r)[c]
		}
		columnOf[c], _ = columns.of(column)
	}
	p.width = uint32(columns.len())
	p.class = make([]uint32, 0, rows.len()*columns.len())
	for r := range rows.len() {
		for c := range columns.len() {
			p.class = append(p.class, columns.row(c)[r])
		}
	}
	p.source.renumber(rowOf)
	p.destination.renumber(columnOf)
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
	p.starts, p.of = slices.Clip(p.starts[:n]), slices.Clip(p.of[:n])
}
