package reach

import (
	"cmp"
	"slices"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/space"
)

// accesses in the order in which they are told.
var accesses = [...]flow.Access{flow.Allow, flow.Unknown, flow.Deny}

// grouping collects the answers of NICs and joins the NICs that have the same.
type grouping struct {
	p       *Prober
	q       *Question
	dir     flow.Direction
	answers []*answers // by NIC, in the order added
	byNIC   map[*network.NIC]*answers
}

// answers are what one NIC, or several, answer: for some local addresses, a Map
// over remote addresses and services.
type answers struct {
	nics     []*network.NIC
	at       []index.Addresses
	is       []space.Map
	expected space.Set
}

func newGrouping(p *Prober, q *Question, dir flow.Direction) *grouping {
	return &grouping{p: p, q: q, dir: dir, byNIC: map[*network.NIC]*answers{}}
}

// add says what the answer is at some addresses of a NIC.
func (g *grouping) add(c *network.NIC, at index.Addresses, is space.Map) {
	if is == (space.Map{}) {
		return
	}
	g.p.met[c] = true
	a := g.byNIC[c]
	if a == nil {
		a = &answers{nics: []*network.NIC{c}}
		if g.q.Expected != nil {
			a.expected = g.q.Expected(g.p.space, c, g.dir)
		}
		g.byNIC[c] = a
		g.answers = append(g.answers, a)
	}
	if i := slices.Index(a.is, is); i >= 0 {
		a.at[i] = a.at[i].Or(at)
		return
	}
	a.at, a.is = append(a.at, at), append(a.is, is)
}

// shape is what NICs must have in common to be told together.
type shape struct {
	first, second space.Map
	expected      space.Set
	only          *network.NIC // of NICs with more answers or addresses by range
}

// shapeOf returns the shape of one NIC's answers, of which an IPv4 and an IPv6
// one are usual.
func (a *answers) shapeOf() shape {
	s := shape{expected: a.expected}
	switch {
	case len(a.is) == 1:
		s.first = a.is[0]
	case len(a.is) == 2 && familyOf(a.at[0]) != 0 && familyOf(a.at[0])+familyOf(a.at[1]) == 10:
		four, six := 0, 1
		if familyOf(a.at[0]) == 6 {
			four, six = 1, 0
		}
		s.first, s.second = a.is[four], a.is[six]
		a.is[0], a.is[1], a.at[0], a.at[1] = s.first, s.second, a.at[four], a.at[six]
	default:
		s.only = a.nics[0]
	}
	return s
}

// familyOf returns 4, 6, or 0 for addresses of both families.
func familyOf(a index.Addresses) int {
	switch {
	case len(a.V6) == 0:
		return 4
	case len(a.V4) == 0:
		return 6
	}
	return 0
}

// sets tells the answers. NICs with the same shape are told together: an address
// then has one answer, whichever of them owns it.
func (g *grouping) sets(at *pace) (out []Set, err error) {
	var order []shape
	groups := map[shape][]*answers{}
	for _, a := range g.answers {
		s := a.shapeOf()
		if groups[s] == nil {
			order = append(order, s)
		}
		groups[s] = append(groups[s], a)
	}
	at.total += len(order)
	for _, s := range order {
		out = append(out, g.tell(joinAnswers(groups[s]))...)
		if err := at.step(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func joinAnswers(list []*answers) *answers {
	out := &answers{is: list[0].is, expected: list[0].expected, at: make([]index.Addresses, len(list[0].is))}
	for i := range out.is {
		parts := make([]index.Addresses, len(list))
		for n, a := range list {
			parts[n] = a.at[i]
		}
		out.at[i] = index.Join(parts)
	}
	for _, a := range list {
		out.nics = append(out.nics, a.nics...)
	}
	slices.SortFunc(out.nics, byNIC)
	return out
}

// tell cuts the joint answer of some NICs by access.
func (g *grouping) tell(a *answers) (out []Set) {
	s := g.p.space
	var whole space.Map
	for i := range a.is {
		whole = s.Over(whole, s.At(a.at[i], a.is[i]))
	}
	if !a.expected.Empty() {
		whole = s.Restrict(whole, s.Complement(a.expected))
	}
	for _, access := range accesses {
		if len(g.q.Only) > 0 && !slices.Contains(g.q.Only, access) {
			continue
		}
		part := s.Relabel(whole, func(l int) int {
			if d := g.p.decisions[l]; l == 0 || d.Access != access || g.q.Keep != nil && !g.q.Keep(d) {
				return 0
			}
			return l
		})
		if part == (space.Map{}) {
			continue
		}
		set := Set{NICs: a.nics, Direction: g.dir, Access: access}
		for _, b := range s.MapBoxes(part) {
			set.Boxes = append(set.Boxes, Box{b.Box, g.p.decisions[b.Label]})
		}
		g.p.sortBoxes(set.Boxes)
		set.Witness, _ = s.Witness(s.Where(part, func(l int) bool { return l > 0 }), g.dir)
		set.WitnessNIC = g.owner(a.nics, set.Witness)
		out = append(out, set)
	}
	return out
}

// sortBoxes puts the boxes in the order of their rules; boxes of one rule stay
// as they are, by address.
func (p *Prober) sortBoxes(list []Box) {
	slices.SortStableFunc(list, func(a, b Box) int {
		var x, y int32
		if r := p.net.Rule(a.Rule); r != nil {
			x = r.Priority
		}
		if r := p.net.Rule(b.Rule); r != nil {
			y = r.Priority
		}
		return cmp.Or(cmp.Compare(a.Layer, b.Layer), cmp.Compare(x, y), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Reason, b.Reason))
	})
}

// owner returns the NIC that answered for the witness.
func (g *grouping) owner(nics []*network.NIC, t flow.Tuple) *network.NIC {
	for _, c := range nics {
		a := g.byNIC[c]
		for i := range a.at {
			if a.at[i].Contains(t.Local.Netip()) {
				return c
			}
		}
	}
	panic("reach: a witness that no NIC answered for")
}
