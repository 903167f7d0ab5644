package lint

import (
	"context"
	"slices"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// A bench judges one rule list in all its spaces: of every scope and family.
type bench struct {
	group  *network.SecurityGroup
	dir    flow.Direction
	rules  []*network.Rule
	scopes []*scope
	spaces []*seat
	gone   []bool // rules that a fix plan has deleted
}

// seat is a space with what is near what.
type seat struct {
	*space
	scope *scope
	near  [][]int32 // for each rule the others that surely match some of what it may match
}

// benchOf cuts the list for every scope. Scopes in which the list means the same
// are judged once.
func (l *linter) benchOf(ctx context.Context, g *network.SecurityGroup, dir flow.Direction, scopes []*scope) (*bench, error) {
	b := &bench{group: g, dir: dir, rules: g.List(dir), scopes: scopes}
	b.gone = make([]bool, len(b.rules))
	seen := map[[32]byte]bool{}
	for _, v := range l.merged(scopes, b.rules, dir) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		spaces := l.spaces(v.scope, b.rules, v.sides, dir)
		key := digest(spaces)
		if seen[key] {
			continue
		}
		seen[key] = true
		for _, s := range spaces {
			b.spaces = append(b.spaces, &seat{space: s, scope: v.scope, near: s.neighbours()})
		}
	}
	return b, nil
}

// neighbours finds for every rule the others that surely match a part of it.
func (s *space) neighbours() [][]int32 {
	near := make([][]int32, len(s.part))
	for i := range s.part {
		told := s.part[i].told
		if told == nil {
			continue
		}
		for h := range s.part {
			if h != i && told.meets(s.part[h].sure) {
				near[i] = append(near[i], int32(h))
			}
		}
	}
	return near
}

// before returns the neighbours of i that stand before end, and their sure parts.
func (b *bench) before(s *seat, i, end int) (list []int, sure []region) {
	for _, h := range s.near[i] {
		if int(h) >= end {
			break
		}
		if !b.gone[h] {
			list, sure = append(list, int(h)), append(sure, s.part[h].sure)
		}
	}
	return list, sure
}

func (b *bench) blockers(s *seat, i, end int) []region {
	_, sure := b.before(s, i, end)
	return sure
}

// applies reports whether the rule may match anything at all.
func (b *bench) applies(i int) bool {
	return slices.ContainsFunc(b.spaces, func(s *seat) bool { return s.part[i].told != nil })
}

// shadowed reports whether earlier rules are proven to match all that the rule
// may match.
func (b *bench) shadowed(i int) bool {
	for _, s := range b.spaces {
		if !covered(s.part[i].told, b.blockers(s, i, i)) {
			return false
		}
	}
	return true
}

// redundant reports whether the list is proven to answer the same without the
// rule: wherever the rule is reached and another access could follow, some rule
// before that decides.
func (b *bench) redundant(i int) bool {
	if b.rules[i].Access == flow.Unknown {
		return b.shadowed(i)
	}
	for _, s := range b.spaces {
		if s.part[i].told == nil {
			continue
		}
		for j := len(b.rules) - 1; j > i; j-- {
			if b.gone[j] || b.rules[j].Access == b.rules[i].Access {
				continue
			}
			if a := s.part[i].told.and(s.part[j].most); a != nil && !covered(a, b.blockers(s, i, j)) {
				return false
			}
		}
	}
	return true
}

// first returns what of rule i rule h decides, given what the rules before h
// surely match; nil when nothing, or when that is not proven.
func (s *seat) first(i, h int, before []region) region {
	a := s.part[i].told.and(s.part[h].sure)
	if a == nil {
		return nil
	}
	left, done := leftOver(a, before, 1)
	if !done || len(left) == 0 {
		return nil
	}
	return left[0]
}

// show narrows what rule h decides of rule i to flows of NICs that are there, if
// there are such.
func (s *seat) show(i, h int, before []region, piece region) *sight {
	a := s.part[i].told.and(s.part[h].sure)
	if at := whole(a.with(dimLocal, a[dimLocal].and(s.owned))); at != nil {
		if owned, _ := leftOver(at, before, 1); len(owned) > 0 {
			piece = owned[0]
		}
	}
	return &sight{s, piece}
}

// blame names the rules that shadow i: those that decide some of its packets,
// less those that are not needed to cover it. One with another action stays when
// there is one.
func (b *bench) blame(i int) (by []int, different bool, shown *sight) {
	needed := map[int]bool{}
	for _, s := range b.spaces {
		if s.part[i].told == nil {
			continue
		}
		var live []int
		protected := -1
		list, sure := b.before(s, i, i)
		for k, h := range list {
			piece := s.first(i, h, sure[:k])
			if piece == nil {
				continue
			}
			live = append(live, h)
			other := b.rules[h].Access != b.rules[i].Access
			if other && protected < 0 {
				protected = h
			}
			if shown == nil || other && !different {
				shown = s.show(i, h, sure[:k], piece)
			}
			different = different || other
		}
		for _, h := range b.smallest(s, i, live, protected) {
			needed[h] = true
		}
	}
	for h := range needed {
		by = append(by, h)
	}
	slices.Sort(by)
	return by, different, shown
}

// smallest drops rules, those with the least share first, as long as the others
// still cover what the given ones cover.
func (b *bench) smallest(s *seat, i int, live []int, protected int) []int {
	most := s.part[i].told
	parts := func(list []int) []region {
		out := make([]region, len(list))
		for k, h := range list {
			out[k] = s.part[h].sure
		}
		return out
	}
	if !covered(most, parts(live)) {
		return live // of a rule that is shadowed in part all are named
	}
	order := slices.Clone(live)
	slices.SortStableFunc(order, func(a, c int) int {
		x, y := most.overlap(s.part[a].sure), most.overlap(s.part[c].sure)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return c - a
	})
	for _, h := range order {
		if h == protected {
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(live), func(x int) bool { return x == h })
		if covered(most, parts(rest)) {
			live = rest
		}
	}
	return live
}

// heirs names the rules that decide, with the same access, what rule i decides
// now; shown is a flow that one of them would take over.
func (b *bench) heirs(i int) (by []int, shown *sight) {
	found := map[int]bool{}
	for _, s := range b.spaces {
		list, sure := b.before(s, i, len(b.rules))
		for k, h := range list {
			if h < i {
				continue
			}
			if piece := s.first(i, h, sure[:k]); piece != nil {
				found[h] = true
				if shown == nil {
					shown = s.show(i, h, sure[:k], piece)
				}
			}
		}
	}
	for h := range found {
		by = append(by, h)
	}
	slices.Sort(by)
	return by, shown
}

// partly finds a space in which earlier rules decide some of the rule's packets
// and leave others.
func (b *bench) partly(i int) (rest *seat) {
	taken := false
	for _, s := range b.spaces {
		if s.part[i].told == nil {
			continue
		}
		before := b.blockers(s, i, i)
		taken = taken || len(before) > 0
		left, done := leftOver(s.part[i].told, before, 1)
		if !done {
			return nil
		}
		if len(left) > 0 && rest == nil {
			rest = s
		}
	}
	if !taken {
		return nil
	}
	return rest
}
