package index

import (
	"encoding/binary"
	"slices"

	"ipflow/index/interval"
)

// fuseServices merges the services of several tables; classes of the result are
// tuples of columns.
func fuseServices(tables []*stageTable) (services, *tuples) {
	ts := newTuples(len(tables))
	var s services
	if len(tables) == 0 {
		s.groups = []serviceGroup{{class: ts.of([3]uint32{})}}
		return s, ts
	}
	ids := map[[3]uint32]uint16{}
	for p := range 256 {
		s.group4[p] = s.fuseGroup(tables, ts, ids, func(t *stageTable) uint16 { return t.services.group4[p] })
		s.group6[p] = s.fuseGroup(tables, ts, ids, func(t *stageTable) uint16 { return t.services.group6[p] })
	}
	return s, ts
}

// fuseGroup returns the group of the result in which the tables' groups of one
// protocol meet. Either all of them have ports or none has.
func (s *services) fuseGroup(tables []*stageTable, ts *tuples, ids map[[3]uint32]uint16, pick func(*stageTable) uint16) uint16 {
	var key [3]uint32
	for i, t := range tables {
		key[i] = uint32(pick(t))
	}
	if g, ok := ids[key]; ok {
		return g
	}
	g := uint16(len(s.groups))
	ids[key] = g
	if tables[0].services.groups[key[0]].ports == nil {
		var class [3]uint32
		for i, t := range tables {
			class[i] = t.services.groups[key[i]].class
		}
		s.groups = append(s.groups, serviceGroup{class: ts.of(class)})
		return g
	}
	planes := make([]*portPlane, len(tables))
	for i, t := range tables {
		planes[i] = t.services.groups[key[i]].ports
	}
	s.groups = append(s.groups, serviceGroup{ports: fusePlanes(planes, ts)})
	return g
}

// fusePlanes merges planes of ports.
func fusePlanes(planes []*portPlane, ts *tuples) *portPlane {
	var sources, destinations []*dimension[interval.Port]
	for _, p := range planes {
		sources, destinations = append(sources, p.source.dimension()), append(destinations, p.destination.dimension())
	}
	source, rows := mergeCuts(sources)
	destination, columns := mergeCuts(destinations)
	out := &portPlane{source: newPorts(source), destination: newPorts(destination), width: uint32(columns.len())}
	for r := range rows.len() + 1 { // the last row is the open source port
		for c := range columns.len() {
			var class [3]uint32
			for i, p := range planes {
				row := uint32(len(p.class))/p.width - 1
				if r < rows.len() {
					row = rows.at(r, i)
				}
				class[i] = p.class[row*p.width+columns.at(c, i)]
			}
			out.class = append(out.class, ts.of(class))
		}
	}
	return out
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
	height := len(p.class) / int(p.width)
	open := slices.Clone(p.class[(height-1)*int(p.width):])
	rows, rowOf := [][]uint32{}, make([]uint32, height-1)
	ids := map[string]uint32{}
	for r := range height - 1 {
		row := p.class[r*int(p.width) : (r+1)*int(p.width)]
		key := words(row)
		n, ok := ids[key]
		if !ok {
			n = uint32(len(rows))
			ids[key] = n
			rows = append(rows, row)
		}
		rowOf[r] = n
	}
	rows = append(rows, open)
	clear(ids)
	var kept []uint32
	columnOf := make([]uint32, p.width)
	column := make([]uint32, len(rows))
	for c := range p.width {
		for r := range rows {
			column[r] = rows[r][c]
		}
		key := words(column)
		n, ok := ids[key]
		if !ok {
			n = uint32(len(kept))
			ids[key] = n
			kept = append(kept, c)
		}
		columnOf[c] = n
	}
	class := make([]uint32, 0, len(rows)*len(kept))
	for _, row := range rows {
		for _, c := range kept {
			class = append(class, row[c])
		}
	}
	p.class, p.width = class, uint32(len(kept))
	p.source.renumber(rowOf)
	p.destination.renumber(columnOf)
}

// words is a map key of the numbers.
func words(list []uint32) string {
	b := make([]byte, 0, 4*len(list))
	for _, x := range list {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	return string(b)
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
	p.starts, p.of = slices.Clone(p.starts[:n]), slices.Clone(p.of[:n])
}
