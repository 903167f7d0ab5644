package reach

import (
	"encoding/binary"
	"iter"
	"slices"
	"strings"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/space"
)

// Matrix holds which services each zone may use at each other.
//
// Endpoints of a zone that have one classifier and, for a classifier at the
// other end, lie in the same part of its remote addresses answer alike: a pair
// of zones needs one look-up for each pair of such parts, not of addresses.
type Matrix struct {
	Zones []Zone
	// Notes is what the reader must know to trust the answer, sorted.
	Notes []string
	// Classes counts the endpoint classes: groups of addresses of one zone with
	// the same rules.
	Classes int

	p         *Prober
	sources   [][]class // by zone
	receivers [][]class
	cells     map[[2]int32]space.Map // by pair of value sets: marks
	joins     map[[2]space.Map]space.Map
	values    []valueSet
	valueIDs  map[string]int32
	mapIDs    map[space.Map]uint32
	services  map[space.Map][]Service
	anywhere  space.Map // the decision of an end that is not asked: allowed
	accessIDs map[space.Map]int32
}

// class is addresses of a zone that share a classifier, and what they see of
// the other end's classes.
type class struct {
	at     index.Addresses
	access space.Map // over the other end's addresses and services; see accessAllowed
	asked  bool      // false: the zone is not made of NICs
	nic    *network.NIC
	tag    *network.Selector // the addresses depend on who looks
	id     int32             // of access, counted from 0
	// seen remembers the sets of services, IPv4 and IPv6, that the access map of
	// each id has at these addresses, plus one; 0 is not known yet.
	seen [][2]int32
}

// The labels of access maps; 0 is Deny.
const (
	accessAllowed = 1
	accessUnknown = 2
)

// The marks of a cell, over all pairs of endpoints.
const (
	someAllowed = 1 << iota
	someUnknown
	someDenied
)

// valueSet is distinct services.
type valueSet []space.Map

// Service is services that a zone may use at another.
type Service struct {
	Access           flow.Access // Allow or Unknown
	Every            bool        // between every pair of endpoints, not only some
	Protocol         string      // as in space.Words
	SourcePorts      []string
	DestinationPorts []string

	joinedSource, joinedDestination string // with spaces, for rows
}

// Cell is what one zone may send to another.
type Cell struct {
	From, To int // positions in Zones
	Services []Service
}

// Matrix compiles zones. Cells are computed when asked for.
func (p *Prober) Matrix(zones []Zone) *Matrix {
	p.notes, p.noted = nil, map[string]bool{}
	m := &Matrix{
		Zones: zones, p: p, cells: map[[2]int32]space.Map{}, joins: map[[2]space.Map]space.Map{}, valueIDs: map[string]int32{},
		mapIDs: map[space.Map]uint32{}, services: map[space.Map][]Service{}, accessIDs: map[space.Map]int32{},
	}
	m.anywhere = p.space.Labelled(space.Everything, accessAllowed)
	m.valueID(nil) // the empty set is 0
	access := map[baseKey]space.Map{}
	for i := range zones {
		m.sources = append(m.sources, m.classes(&zones[i], flow.Outbound, access))
		m.receivers = append(m.receivers, m.classes(&zones[i], flow.Inbound, access))
		m.Classes += len(m.sources[i]) + len(m.receivers[i])
	}
	slices.Sort(p.notes)
	m.Notes = p.notes
	return m
}

// classes sorts the endpoints of a zone by classifier and virtual network, on
// which the addresses of tags depend.
func (m *Matrix) classes(z *Zone, dir flow.Direction, access map[baseKey]space.Map) (out []class) {
	type key struct {
		k    *index.Classifier
		vnet string
	}
	parts := map[key][]index.Addresses{}
	firsts := map[key]*network.NIC{}
	var order []key
	for i := range z.Ends {
		e := &z.Ends[i]
		for _, n := range e.notes {
			m.p.note(n)
		}
		if !e.IsNICs() {
			out = append(out, class{at: e.addresses, access: m.anywhere, tag: e.tag})
			continue
		}
		for _, member := range e.Members {
			for _, l := range m.p.locals(member.NIC, dir) {
				at := l.at
				if member.Within != nil {
					at = at.And(*member.Within)
				}
				if at.Empty() {
					continue
				}
				k := key{l.classifier, member.NIC.VirtualNetworkKey()}
				if parts[k] == nil {
					order = append(order, k)
					firsts[k] = member.NIC
				}
				parts[k] = append(parts[k], at)
			}
		}
	}
	for _, k := range order {
		b := baseKey{k.k, dir, flow.Inbound}
		x, ok := access[b]
		if !ok {
			x = m.p.space.Relabel(m.p.base(k.k, dir, flow.Inbound), m.accessOf)
			access[b] = x
		}
		id, ok := m.accessIDs[x]
		if !ok {
			id = int32(len(m.accessIDs))
			m.accessIDs[x] = id
		}
		out = append(out, class{at: index.Join(parts[k]), access: x, asked: true, nic: firsts[k], id: id})
	}
	return out
}

func (m *Matrix) accessOf(label int) int {
	if label == 0 {
		return 0
	}
	switch m.p.decisions[label].Access {
	case flow.Allow:
		return accessAllowed
	case flow.Unknown:
		return accessUnknown
	case flow.Deny:
	}
	return 0
}

// valueID numbers a set of services.
func (m *Matrix) valueID(set []space.Map) int32 {
	ids := make([]uint32, len(set))
	for i, x := range set {
		id, ok := m.mapIDs[x]
		if !ok {
			id = uint32(len(m.mapIDs))
			m.mapIDs[x] = id
		}
		ids[i] = id
	}
	slices.Sort(ids)
	key := make([]byte, 0, 4*len(ids))
	for _, id := range ids {
		key = binary.LittleEndian.AppendUint32(key, id)
	}
	n, ok := m.valueIDs[string(key)]
	if !ok {
		n = int32(len(m.values))
		m.valueIDs[string(key)] = n
		m.values = append(m.values, set)
	}
	return n
}

// seenBy returns the distinct services that an access map has at the addresses
// of a class, of both families.
func (m *Matrix) seenBy(far *class, near *class) [2]int32 {
	if far.tag != nil {
		at := m.p.remotes(&End{Text: far.tag.Text, tag: far.tag}, near.nic)
		v4, v6 := m.p.space.Services(near.access, at)
		return [2]int32{m.valueID(v4), m.valueID(v6)}
	}
	if far.seen == nil {
		far.seen = make([][2]int32, len(m.accessIDs))
	}
	ids := &far.seen[near.id]
	if ids[0] == 0 {
		v4, v6 := m.p.space.Services(near.access, far.at)
		*ids = [2]int32{m.valueID(v4) + 1, m.valueID(v6) + 1}
	}
	return [2]int32{ids[0] - 1, ids[1] - 1}
}

// Cell returns what zone from may send to zone to. Nothing is known, and told,
// between two zones without NICs.
func (m *Matrix) Cell(from, to int) Cell {
	marks := space.Map{}
	for i := range m.sources[from] {
		for j := range m.receivers[to] {
			s, r := &m.sources[from][i], &m.receivers[to][j]
			if !s.asked && !r.asked {
				continue
			}
			var in, out [2]int32
			if r.asked {
				in = m.seenBy(s, r)
			}
			if s.asked {
				out = m.seenBy(r, s)
			}
			for family := range 2 {
				if !s.has(family) || !r.has(family) {
					continue
				}
				a, b := in[family], out[family]
				switch { // an end that is not asked allows everything
				case !r.asked && b != 0:
					a = m.valueID([]space.Map{m.allowed()})
				case !s.asked && a != 0:
					b = m.valueID([]space.Map{m.allowed()})
				}
				if a != 0 && b != 0 {
					marks = m.or(marks, m.pair(a, b))
				}
			}
		}
	}
	return Cell{From: from, To: to, Services: m.tell(marks)}
}

// has reports whether the class has IPv4 addresses (0) or IPv6 ones (1).
func (c *class) has(family int) bool {
	return c.tag != nil || family == 0 && len(c.at.V4) > 0 || family == 1 && len(c.at.V6) > 0
}

func (m *Matrix) allowed() space.Map {
	v4, _ := m.p.space.Services(m.anywhere, index.Addresses{V4: everything.V4})
	return v4[0]
}

// pair marks what happens between endpoints that see any of the services of a
// and any of those of b.
func (m *Matrix) pair(a, b int32) space.Map {
	key := [2]int32{a, b}
	marks, ok := m.cells[key]
	if ok {
		return marks
	}
	for _, x := range m.values[a] {
		for _, y := range m.values[b] {
			marks = m.or(marks, m.p.space.Combine(x, y, func(p, q int) int {
				switch {
				case p == 0 || q == 0:
					return someDenied
				case p == accessAllowed && q == accessAllowed:
					return someAllowed
				}
				return someUnknown
			}))
		}
	}
	m.cells[key] = marks
	return marks
}

func (m *Matrix) or(a, b space.Map) space.Map {
	if a == (space.Map{}) || a == b {
		return b
	}
	key := [2]space.Map{a, b}
	out, ok := m.joins[key]
	if !ok {
		out = m.p.space.Combine(a, b, func(x, y int) int { return x | y })
		m.joins[key] = out
	}
	return out
}

// tell writes marks as services.
func (m *Matrix) tell(marks space.Map) []Service {
	if out, ok := m.services[marks]; ok {
		return out
	}
	var out []Service
	for _, kind := range []struct {
		access flow.Access
		every  bool
		is     func(mark int) bool
	}{
		{flow.Allow, true, func(x int) bool { return x == someAllowed }},
		{flow.Allow, false, func(x int) bool { return x&someAllowed != 0 && x != someAllowed }},
		{flow.Unknown, true, func(x int) bool { return x == someUnknown }},
		{flow.Unknown, false, func(x int) bool { return x&someUnknown != 0 && x != someUnknown }},
	} {
		// Marks are IPv4 only: services are the same for both families.
		set := m.p.space.Intersection(m.p.space.Where(marks, kind.is), m.p.space.Box(fourBox()))
		for _, b := range m.p.space.Boxes(set) {
			for _, w := range space.WordsOf(b) {
				out = append(out, Service{
					kind.access, kind.every, w.Protocol, w.RemotePorts, w.LocalPorts,
					strings.Join(w.RemotePorts, " "), strings.Join(w.LocalPorts, " "),
				})
			}
		}
	}
	m.services[marks] = out
	return out
}

func fourBox() space.Box {
	b := anyBox()
	b.Local, b.Remote = index.Addresses{V4: everything.V4}, index.Addresses{V4: everything.V4}
	return b
}

// Cells returns the cells in which something is allowed or unknown, by zones.
func (m *Matrix) Cells() iter.Seq[Cell] {
	return func(yield func(Cell) bool) {
		for from := range m.Zones {
			for to := range m.Zones {
				if c := m.Cell(from, to); len(c.Services) > 0 && !yield(c) {
					return
				}
			}
		}
	}
}
