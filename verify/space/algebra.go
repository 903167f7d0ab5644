package space

import "slices"

// pair keys the result of an operation on two refs.
type pair struct {
	a, b ref
	op   operation
}

// operation is a binary operation on Sets.
type operation uint8

const (
	union operation = iota
	intersection
	difference
)

// maxPairs bounds the remembered results; they are forgotten all at once.
const maxPairs = 1 << 21

// decide returns the result where one side or equality settles it.
func (op operation) decide(a, b ref) (r ref, ok bool) {
	const none, all = ref(0), ref(2)
	switch op {
	case union:
		switch {
		case a == all || b == all:
			return all, true
		case a == none || a == b:
			return b, true
		case b == none:
			return a, true
		}
	case intersection:
		switch {
		case a == none || b == none:
			return none, true
		case a == all || a == b:
			return b, true
		case b == all:
			return a, true
		}
	case difference:
		switch {
		case a == none || b == all || a == b:
			return none, true
		case b == none:
			return a, true
		}
	}
	return 0, false
}

func (s *Space) apply(op operation, a, b ref) ref {
	if r, ok := op.decide(a, b); ok {
		return r
	}
	key := pair{a, b, op}
	if op != difference && a > b {
		key.a, key.b = b, a
	}
	if r, ok := s.pairs[key]; ok {
		return r
	}
	r := s.merge(a, b, func(x, y ref) ref { return s.apply(op, x, y) })
	if len(s.pairs) == maxPairs {
		clear(s.pairs)
	}
	s.pairs[key] = r
	return r
}

// merge walks the cuts of two refs, one of them a node, side by side and joins
// what they lead to:
//
//	a       |-- p --|---- q ----|
//	b       |- r -|----- s -----|
//	result  |-pr--|p|--- qs ----|   neighbours that came out equal become one
//	               s
//
// A ref that cuts a later dimension counts as one interval.
func (s *Space) merge(a, b ref, join func(x, y ref) ref) ref {
	dim := min(s.dim(a), s.dim(b))
	var x, y node // nodes are copied: the slice of nodes may move meanwhile
	if x = (node{to: []ref{a}}); s.dim(a) == dim {
		x = *s.node(a)
	}
	if y = (node{to: []ref{b}}); s.dim(b) == dim {
		y = *s.node(b)
	}
	if x.wide != nil || y.wide != nil {
		return s.mergeWide(dim, &x, &y, join)
	}
	base, i, j := len(s.to), 0, 0
	start := uint32(0)
	for {
		s.pushNarrow(base, start, join(x.to[i], y.to[j]))
		moreX, moreY := i+1 < len(x.to), j+1 < len(y.to)
		switch {
		case !moreX && !moreY:
			r := s.narrow(dim, s.starts[len(s.starts)-(len(s.to)-base):], s.to[base:])
			s.starts, s.to = s.starts[:len(s.starts)-(len(s.to)-base)], s.to[:base]
			return r
		case moreX && (!moreY || x.starts[i+1] < y.starts[j+1]):
			i++
			start = x.starts[i]
		case moreX && x.starts[i+1] == y.starts[j+1]:
			i, j = i+1, j+1
			start = x.starts[i]
		default:
			j++
			start = y.starts[j]
		}
	}
}

// pushNarrow adds an interval to the node that is being made on the stacks from
// base, joined with the one before when both lead to the same place.
func (s *Space) pushNarrow(base int, start uint32, to ref) {
	if len(s.to) > base && s.to[len(s.to)-1] == to {
		return
	}
	s.starts, s.to = append(s.starts, start), append(s.to, to)
}

func (s *Space) mergeWide(dim uint8, x, y *node, join func(x, y ref) ref) ref {
	base, i, j := len(s.to), 0, 0
	start := firstIPv6
	for {
		if to := join(x.to[i], y.to[j]); len(s.to) == base || s.to[len(s.to)-1] != to {
			s.wide, s.to = append(s.wide, start), append(s.to, to)
		}
		moreX, moreY := i+1 < len(x.to), j+1 < len(y.to)
		switch {
		case !moreX && !moreY:
			r := s.broad(dim, s.wide[len(s.wide)-(len(s.to)-base):], s.to[base:])
			s.wide, s.to = s.wide[:len(s.wide)-(len(s.to)-base)], s.to[:base]
			return r
		case moreX && (!moreY || x.wide[i+1].Compare(y.wide[j+1]) < 0):
			i++
			start = x.wide[i]
		case moreX && x.wide[i+1] == y.wide[j+1]:
			i, j = i+1, j+1
			start = x.wide[i]
		default:
			j++
			start = y.wide[j]
		}
	}
}

func (s *Space) binary(op operation, a, b Set) Set {
	return Set{Map{s.apply(op, a.m.v4, b.m.v4), s.apply(op, a.m.v6, b.m.v6)}}
}

// Union returns the points in any of the sets.
func (s *Space) Union(sets ...Set) Set {
	switch n := len(sets); n {
	case 0:
		return Set{}
	case 1:
		return sets[0]
	default: // halves: each point is walked over log n times in place of n
		return s.binary(union, s.Union(sets[:n/2]...), s.Union(sets[n/2:]...))
	}
}

// Intersection returns the points in both sets.
func (s *Space) Intersection(a, b Set) Set { return s.binary(intersection, a, b) }

// Difference returns the points of a that are not in b.
func (s *Space) Difference(a, b Set) Set { return s.binary(difference, a, b) }

// Complement returns the points that are not in the set.
func (s *Space) Complement(a Set) Set { return s.Difference(Everything, a) }

// Covers reports whether a holds every point of b.
func (s *Space) Covers(a, b Set) bool { return s.Difference(b, a).Empty() }

// labelled returns the Map that gives the points of the set the label, others 0.
func (s *Space) labelled(a Set, label int) Map {
	return s.Relabel(a.m, func(l int) int { return l * label })
}

// Labelled returns the Map that gives the points of the set the label, others 0.
func (s *Space) Labelled(a Set, label int) Map { return s.labelled(a, label) }

// Relabel returns the Map with every label replaced.
func (s *Space) Relabel(m Map, to func(label int) int) Map {
	memo := map[ref]ref{}
	f := func(l int) ref { return labelRef(to(l)) }
	return Map{s.relabel(m.v4, memo, f), s.relabel(m.v6, memo, f)}
}

func (s *Space) relabel(r ref, memo map[ref]ref, to func(label int) ref) ref {
	if r.isLabel() {
		return to(r.label())
	}
	if x, ok := memo[r]; ok {
		return x
	}
	n := *s.node(r)
	base := len(s.to)
	wideBase, narrowBase := len(s.wide), len(s.starts)
	for i, next := range n.to {
		x := s.relabel(next, memo, to)
		switch {
		case len(s.to) > base && s.to[len(s.to)-1] == x:
		case n.wide != nil:
			s.wide, s.to = append(s.wide, n.wide[i]), append(s.to, x)
		default:
			s.starts, s.to = append(s.starts, n.starts[i]), append(s.to, x)
		}
	}
	var x ref
	if n.wide != nil {
		x = s.broad(n.dim, s.wide[wideBase:], s.to[base:])
	} else {
		x = s.narrow(n.dim, s.starts[narrowBase:], s.to[base:])
	}
	s.wide, s.starts, s.to = s.wide[:wideBase], s.starts[:narrowBase], s.to[:base]
	memo[r] = x
	return x
}

// Where returns the points whose label the predicate accepts.
func (s *Space) Where(m Map, accept func(label int) bool) Set {
	return Set{s.Relabel(m, func(l int) int {
		if accept(l) {
			return 1
		}
		return 0
	})}
}

// Labels returns the labels that occur, in ascending order.
func (s *Space) Labels(m Map) []int {
	found, seen := map[int]bool{}, map[ref]bool{}
	var visit func(r ref)
	visit = func(r ref) {
		if r.isLabel() {
			found[r.label()] = true
			return
		}
		if seen[r] {
			return
		}
		seen[r] = true
		for _, next := range s.node(r).to {
			visit(next)
		}
	}
	visit(m.v4)
	visit(m.v6)
	out := make([]int, 0, len(found))
	for l := range found {
		out = append(out, l)
	}
	slices.Sort(out)
	return out
}

// Combine gives every point the label that join makes of its labels in a and b.
// join is called once for each pair of labels that meet, in no set order.
func (s *Space) Combine(a, b Map, join func(x, y int) int) Map {
	memo := map[[2]ref]ref{}
	var walk func(x, y ref) ref
	walk = func(x, y ref) ref {
		key := [2]ref{x, y}
		if r, ok := memo[key]; ok {
			return r
		}
		var r ref
		if x.isLabel() && y.isLabel() {
			r = labelRef(join(x.label(), y.label()))
		} else {
			r = s.merge(x, y, walk)
		}
		memo[key] = r
		return r
	}
	return Map{walk(a.v4, b.v4), walk(a.v6, b.v6)}
}

// Over gives every point its label in a, or in b where that is 0.
func (s *Space) Over(a, b Map) Map {
	memo := map[[2]ref]ref{}
	var walk func(x, y ref) ref
	walk = func(x, y ref) ref {
		switch {
		case x == 0 || x == y:
			return y
		case x.isLabel() || y == 0:
			return x
		}
		key := [2]ref{x, y}
		r, ok := memo[key]
		if !ok {
			r = s.merge(x, y, walk)
			memo[key] = r
		}
		return r
	}
	return Map{walk(a.v4, b.v4), walk(a.v6, b.v6)}
}

// Restrict gives the points of the set their label in m, others 0.
func (s *Space) Restrict(m Map, to Set) Map {
	memo := map[[2]ref]ref{}
	var walk func(x, y ref) ref
	walk = func(x, y ref) ref {
		switch {
		case x == 0 || y == 0:
			return 0
		case y.isLabel():
			return x
		}
		key := [2]ref{x, y}
		r, ok := memo[key]
		if !ok {
			r = s.merge(x, y, walk)
			memo[key] = r
		}
		return r
	}
	return Map{walk(m.v4, to.m.v4), walk(m.v6, to.m.v6)}
}

// FirstMatch gives every point the position, counted from 1, of the first set
// that holds it, 0 where none does.
func (s *Space) FirstMatch(sets []Set) Map {
	maps := make([]Map, len(sets))
	for i, a := range sets {
		maps[i] = s.labelled(a, i+1)
	}
	return s.first(maps)
}

// first gives every point its label in the first map where that is not 0.
func (s *Space) first(maps []Map) Map {
	switch n := len(maps); n {
	case 0:
		return Map{}
	case 1:
		return maps[0]
	default:
		return s.Over(s.first(maps[:n/2]), s.first(maps[n/2:]))
	}
}
