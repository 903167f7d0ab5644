package reach

import (
	"strings"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/verify/space"
)

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
	// Allowed between endpoints of which one may not be there: an address that is
	// perhaps in a tag, or perhaps a NIC's.
	mayAllowed
)

// services are what marks are told as. What is allowed between all endpoints that
// are possible is allowed between all that there are.
var services = []struct {
	access flow.Access
	every  bool
	is     func(mark int) bool
}{
	{flow.Allow, true, func(x int) bool { return x&(someAllowed|mayAllowed) != 0 && x&(someUnknown|someDenied) == 0 }},
	{flow.Allow, false, func(x int) bool { return x&someAllowed != 0 && x&(someUnknown|someDenied) != 0 }},
	{flow.Unknown, true, func(x int) bool { return x == someUnknown }},
	{flow.Unknown, false, func(x int) bool {
		return x != someUnknown && (x&someUnknown != 0 || x&mayAllowed != 0 && x&someAllowed == 0 && x&someDenied != 0)
	}},
}

// sight is addresses of a class as the other end sees them.
type sight struct {
	at   index.Addresses
	sure bool // they are there
}

// meeting is addresses of a sender and of a receiver, both of one family. Each of
// x is what the receiver has for some of the sender's, each of y what the sender
// has for some of the receiver's; every x meets every y.
type meeting struct {
	s, r     *class
	sAt, rAt index.Addresses
	v6       bool
	sure     bool
	x, y     []space.Map
}

// meetings calls f for all that meets between two zones until it returns false.
func (m *Matrix) meetings(from, to int, f func(*meeting) bool) {
	for i := range m.sources[from] {
		for j := range m.receivers[to] {
			s, r := &m.sources[from][i], &m.receivers[to][j]
			if (s.asked || r.asked) && !m.meet(s, r, f) {
				return
			}
		}
	}
}

func (m *Matrix) meet(s, r *class, f func(*meeting) bool) bool {
	for _, a := range m.sights(s, r) {
		in := m.sees(r, a.at, 0)
		for _, b := range m.sights(r, s) {
			sent := m.sees(s, b.at, 1)
			for family := range 2 {
				if !has(a.at, family) || !has(b.at, family) {
					continue
				}
				if !f(&meeting{s, r, a.at, b.at, family == 1, a.sure && b.sure, in[family], sent[family]}) {
					return false
				}
			}
		}
	}
	return true
}

// has reports whether there are IPv4 addresses (0) or IPv6 ones (1).
func has(a index.Addresses, family int) bool {
	return family == 0 && len(a.V4) > 0 || family == 1 && len(a.V6) > 0
}

// sights returns the addresses of a class, those that are surely there first.
func (m *Matrix) sights(far, near *class) []sight {
	if far.tag != nil {
		return m.tags[[2]*class{far, near}]
	}
	if far.rest.Empty() {
		return []sight{{far.at, true}}
	}
	return []sight{{far.sure, true}, {far.rest, false}}
}

// lookAtTags finds the addresses of every tag for everybody who looks.
func (m *Matrix) lookAtTags() {
	look := func(far, near [][]class) {
		for i := range far {
			for j := range far[i] {
				tag := &far[i][j]
				if tag.tag == nil {
					continue
				}
				for k := range near {
					for l := range near[k] {
						if at := &near[k][l]; at.asked {
							m.tags[[2]*class{tag, at}] = m.lookAt(tag.tag, at)
						}
					}
				}
			}
		}
	}
	look(m.sources, m.receivers)
	look(m.receivers, m.sources)
}

func (m *Matrix) lookAt(tag *End, near *class) (out []sight) {
	most := m.p.Remotes(tag, near.nic)
	reach := m.p.ix.Selectors().Of(near.nic, *tag.tag)
	sure := reach.Sure.Minus(tag.without)
	out = append(out, sight{sure, true})
	if rest := most.Minus(sure); !rest.Empty() {
		out = append(out, sight{rest, false})
	}
	return out
}

// sees returns the distinct services that a class has at addresses, until it is
// asked again for the end.
func (m *Matrix) sees(near *class, at index.Addresses, end int) [2][]space.Map {
	if !near.asked { // an end that is not asked allows everything
		return m.allowing
	}
	out := &m.scratch[end]
	out[0], out[1] = m.p.space.Services(near.access, at, out[0][:0], out[1][:0])
	return *out
}

// Cell returns what zone from may send to zone to. Nothing is known, and told,
// between two zones without NICs.
func (m *Matrix) Cell(from, to int) Cell {
	marks := space.Map{}
	m.meetings(from, to, func(w *meeting) bool {
		for _, x := range w.x {
			for _, y := range w.y {
				mark := m.pair(x, y)
				if !w.sure {
					mark = m.weaken(mark)
				}
				marks = m.or(marks, mark)
			}
		}
		return true
	})
	services := m.tell(marks)
	return Cell{From: from, To: to, Services: services, Witnesses: m.witnesses(from, to, services)}
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

func (m *Matrix) weaken(marks space.Map) space.Map {
	out, ok := m.weak[marks]
	if !ok {
		out = m.p.space.Relabel(marks, func(x int) int {
			if x == someAllowed {
				return mayAllowed
			}
			return x
		})
		m.weak[marks] = out
	}
	return out
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
	for _, kind := range services {
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
					strings.Join(w.RemotePorts, " "), strings.Join(w.LocalPorts, " "), protocols, m.pointOf(w),
				})
			}
		}
	}
	m.services[marks] = out
	return out
}
