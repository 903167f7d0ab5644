package reach

import (
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
	pairs     map[[2]space.Map]space.Map // marks, by what both ends see
	joins     map[[2]space.Map]space.Map
	services  map[space.Map][]Service
	crossings map[[2]space.Map]crossing
	anywhere  space.Map         // the decision of an end that is not asked: allowed
	scratch   [2][2][]space.Map // what an end sees, by end and family
}

// class is addresses of a zone that share a classifier, and what they see of
// the other end's classes.
type class struct {
	at     index.Addresses
	access space.Map // over the other end's addresses and services; see accessAllowed
	asked  bool      // false: the zone is not made of NICs
	nic    *network.NIC
	tag    *End              // the addresses depend on who looks
	k      *index.Classifier // nil when not asked
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

// Service is services that a zone may use at another.
type Service struct {
	Access           flow.Access // Allow or Unknown
	Every            bool        // between every pair of endpoints, not only some
	Protocol         string      // as in space.Words
	SourcePorts      []string
	DestinationPorts []string

	joinedSource, joinedDestination string // with spaces, for rows
	// Services that differ in their protocols only are one text: the first has
	// it, the others have none.
	text string
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
		Zones: zones, p: p, pairs: map[[2]space.Map]space.Map{}, joins: map[[2]space.Map]space.Map{}, services: map[space.Map][]Service{},
		crossings: map[[2]space.Map]crossing{},
	}
	m.anywhere = p.space.Labelled(space.Everything, accessAllowed)
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
			c := class{at: e.addresses, access: m.anywhere}
			if e.tag != nil {
				c.tag = e
			}
			out = append(out, c)
			continue
		}
		for _, member := range e.Members {
			for _, l := range m.p.Locals(member.NIC, dir) {
				at := l.At
				if member.Within != nil {
					at = at.And(*member.Within)
				}
				if at.Empty() {
					continue
				}
				k := key{l.Classifier, member.NIC.VirtualNetworkKey()}
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
			x = m.p.space.Of(k.k.Partition(), flow.Inbound, m.accessOf)
			access[b] = x
		}
		out = append(out, class{at: index.Join(parts[k]), access: x, asked: true, nic: firsts[k], k: k.k})
	}
	return out
}

// accessOf turns a verdict into a label of access maps.
func (m *Matrix) accessOf(id index.VerdictID) int {
	switch m.p.decisions[m.p.labelOf(id)].Access {
	case flow.Allow:
		return accessAllowed
	case flow.Unknown:
		return accessUnknown
	case flow.Deny:
	}
	return 0
}

// sees writes the distinct services that the end near has at the addresses of
// far into the scratch of the end.
func (m *Matrix) sees(near, far *class, end int) {
	at := far.at
	if far.tag != nil {
		at = m.p.Remotes(far.tag, near.nic)
	}
	out := &m.scratch[end]
	out[0], out[1] = m.p.space.Services(near.access, at, out[0][:0], out[1][:0])
}

// Cell returns what zone from may send to zone to. Nothing is known, and told,
// between two zones without NICs.
func (m *Matrix) Cell(from, to int) Cell {
	marks := space.Map{}
	for i := range m.sources[from] {
		for j := range m.receivers[to] {
			s, r := &m.sources[from][i], &m.receivers[to][j]
			switch { // an end that is not asked allows everything
			case s.asked && r.asked:
				m.sees(r, s, 0)
				m.sees(s, r, 1)
			case r.asked:
				m.sees(r, s, 0)
				m.scratch[1] = m.allowing()
			case s.asked:
				m.sees(s, r, 1)
				m.scratch[0] = m.allowing()
			default:
				continue
			}
			for family := range 2 {
				if !s.has(family) || !r.has(family) {
					continue
				}
				for _, x := range m.scratch[0][family] {
					for _, y := range m.scratch[1][family] {
						marks = m.or(marks, m.pair(x, y))
					}
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

// allowing is what an end sees that allows everything.
func (m *Matrix) allowing() (out [2][]space.Map) {
	out[0], out[1] = m.p.space.Services(m.anywhere, everything, nil, nil)
	return out
}

// pair marks what happens between endpoints of which the receiver sees x and the
// sender y.
func (m *Matrix) pair(x, y space.Map) space.Map {
	key := [2]space.Map{x, y}
	marks, ok := m.pairs[key]
	if !ok {
		marks = m.p.space.Combine(x, y, func(p, q int) int {
			switch {
			case p == 0 || q == 0:
				return someDenied
			case p == accessAllowed && q == accessAllowed:
				return someAllowed
			}
			return someUnknown
		})
		m.pairs[key] = marks
	}
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
			for i, w := range space.WordsOf(b) {
				protocols := ""
				if i == 0 {
					protocols = space.ProtocolsText(b.Protocols)
				}
				out = append(out, Service{
					kind.access, kind.every, w.Protocol, w.RemotePorts, w.LocalPorts,
					strings.Join(w.RemotePorts, " "), strings.Join(w.LocalPorts, " "), protocols,
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
