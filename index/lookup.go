package index

import (
	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// serviceLookup finds a packet's column. What counts of a service is one number,
// so that no branch depends on the protocol and one search serves them all:
//
//	0 … 65535        TCP, with the port
//	65536 … 131071   UDP, with the port
//	131072 …         the other protocols: the destination key counts up by
//	                 protocol, the source key is the same for all
//
// A destination key lies in an interval that starts at starts[i]; of[i] is the
// column, unless some column depends on the source port. Then a source key lies in
// an interval of sourceStarts, and class[sourceOf + of] is the column.
type serviceLookup struct {
	starts       []uint32
	of           []uint16
	sourceStarts []uint32 // nil when no column depends on the source port
	sourceOf     []uint32 // where the classes of such packets begin
	class        []uint16
}

const (
	udpKeys      = 1 << 16
	portlessKeys = 2 << 16
	keyCount     = portlessKeys + 256
)

func destinationKey(p flow.Protocol, port uint16) uint32 {
	switch p {
	case flow.TCP:
		return uint32(port)
	case flow.UDP:
		return udpKeys | uint32(port)
	}
	return portlessKeys | uint32(p)
}

// serviceOf turns a destination key back; portless protocols have port 0.
func serviceOf(key uint32) (p flow.Protocol, port uint16) {
	switch {
	case key < udpKeys:
		return flow.TCP, uint16(key)
	case key < portlessKeys:
		return flow.UDP, uint16(key)
	}
	return flow.Protocol(key), 0
}

// column returns the column of a service; of source only the port counts.
func (l *serviceLookup) column(p flow.Protocol, source uint32, destination uint16) uint16 {
	return l.columnAt(destinationKey(p, destination), source)
}

// columnAt does so for a destination key.
func (l *serviceLookup) columnAt(key, source uint32) uint16 {
	of := l.of[search32(l.starts, key)]
	if l.sourceStarts == nil {
		return of
	}
	return l.class[l.sourceOf[search32(l.sourceStarts, sourceKeyAt(key, source))]+uint32(of)]
}

// sourceKeyAt is the source key of a question by its destination key.
func sourceKeyAt(key, source uint32) uint32 {
	return min(key&^0xffff|uint32(uint16(source)), portlessKeys)
}

func (l *serviceLookup) bytes() int {
	return 4*len(l.starts) + 2*len(l.of) + 8*len(l.sourceStarts) + 2*len(l.class)
}

// make stores services whose classes are columns.
func (m *lookupMaker) make(s *services) serviceLookup {
	m.starts, m.of, m.sourceStarts, m.sourceOf, m.class = m.starts[:0], m.of[:0], m.sourceStarts[:0], m.sourceOf[:0], m.class[:0]
	planes := [2]*portPlane{m.planeOf(s, flow.TCP), m.planeOf(s, flow.UDP)}
	m.sources = len(planes[0].source.of) > 1 || len(planes[1].source.of) > 1
	for i, p := range planes {
		m.plane(uint32(i)<<16, p)
	}
	m.portless(s)
	l := serviceLookup{starts: padded(m.starts), of: padded(m.of)}
	if m.sources {
		l.sourceStarts, l.sourceOf, l.class = padded(m.sourceStarts), padded(m.sourceOf), padded(m.class)
	}
	return l
}

// lookupMaker collects a serviceLookup. It reuses its memory.
type lookupMaker struct {
	serviceLookup
	sources bool // some column depends on the source port
}

// planeOf returns the plane of a protocol with ports; where no rule list stands
// there is one class for all services.
func (m *lookupMaker) planeOf(s *services, p flow.Protocol) *portPlane {
	g := &s.groups[s.group[p]]
	if g.ports != nil {
		return g.ports
	}
	one := ports{starts: []uint16{0}, of: []uint32{0}}
	return &portPlane{source: one, destination: one, width: 1, class: []uint32{g.class}}
}

// plane adds a protocol with ports, whose keys begin at first.
func (m *lookupMaker) plane(first uint32, p *portPlane) {
	if !m.sources {
		for i, start := range p.destination.starts {
			m.add(first+uint32(start), p.class[p.destination.of[i]])
		}
		return
	}
	begin := uint32(len(m.class))
	for _, column := range p.class {
		m.class = append(m.class, uint16(column))
	}
	for i, start := range p.source.starts {
		m.sourceStarts = append(m.sourceStarts, first+uint32(start))
		m.sourceOf = append(m.sourceOf, begin+p.source.of[i]*p.width)
	}
	for i, start := range p.destination.starts {
		m.starts, m.of = append(m.starts, first+uint32(start)), append(m.of, uint16(p.destination.of[i]))
	}
}

// portless adds all other protocols; TCP and UDP are among their keys but are
// never asked there.
func (m *lookupMaker) portless(s *services) {
	begin := uint32(len(m.class))
	if m.sources {
		m.sourceStarts, m.sourceOf = append(m.sourceStarts, portlessKeys), append(m.sourceOf, begin)
	}
	last := -1
	for p, g := range s.group {
		if flow.Protocol(p).HasPorts() && len(s.groups) > 1 || int(g) == last {
			continue
		}
		last = int(g)
		column := s.groups[g].class
		if !m.sources {
			m.add(portlessKeys|uint32(p), column)
			continue
		}
		m.starts, m.of = append(m.starts, portlessKeys|uint32(p)), append(m.of, uint16(uint32(len(m.class))-begin))
		m.class = append(m.class, uint16(column))
	}
}

// add appends an interval whose services have one column.
func (m *lookupMaker) add(start, column uint32) {
	if n := len(m.of); n > 0 && uint32(m.of[n-1]) == column {
		return
	}
	m.starts, m.of = append(m.starts, start), append(m.of, uint16(column))
}

// portSets returns the ports of TCP (first 0) or UDP (first udpKeys) that lead to
// the same number, and that number.
func portSets[T uint16 | uint32](first uint32, starts []uint32, of []T) (sets []interval.Set[interval.Port], numbers []T) {
	place := map[T]int{}
	for i, start := range starts {
		end := uint32(keyCount)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		from, to := max(start, first), min(end, first+1<<16)
		if from >= to {
			continue
		}
		n, ok := place[of[i]]
		if !ok {
			n = len(sets)
			place[of[i]] = n
			sets, numbers = append(sets, nil), append(numbers, of[i])
		}
		sets[n] = append(sets[n], interval.Range[interval.Port]{First: interval.Port(from - first), Last: interval.Port(to - 1 - first)})
	}
	return sets, numbers
}

// padded returns a copy of a list with room behind its end: vector loads of its
// last elements are four bytes wide.
func padded[T uint8 | uint16 | uint32](list []T) []T {
	return append(make([]T, 0, len(list)+4), list...)
}
