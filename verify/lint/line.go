package lint

import (
	"encoding/binary"
	"slices"

	"ipflow/index/interval"
)

// classes numbers the distinct sets of matching rules of one dimension: its
// atoms. A set is a vector of 3n bits: rules that surely match, then rules that
// match or may, then those of which the atom is to tell (see part).
type classes struct {
	rules int
	ids   map[string]int
	list  [][]uint64
}

func newClasses(rules int) *classes { return &classes{rules: rules, ids: map[string]int{}} }

func (c *classes) vector() []uint64 { return make([]uint64, (3*c.rules+63)/64) }

func (c *classes) of(v []uint64) int {
	b := make([]byte, 0, 8*len(v))
	for _, w := range v {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	id, ok := c.ids[string(b)]
	if !ok {
		id = len(c.list)
		c.ids[string(b)] = id
		c.list = append(c.list, slices.Clone(v))
	}
	return id
}

// match says in a vector how a rule matches.
func (c *classes) match(v []uint64, rule int, sure, may, told bool) {
	for plane, on := range [...]bool{sure, sure || may, told} {
		i := plane*c.rules + rule
		v[i>>6] &^= 1 << (i & 63)
		if on {
			v[i>>6] |= 1 << (i & 63)
		}
	}
}

// sets turns the vectors around: for each rule the atoms at which it surely
// matches, at which it at least may, and which tell of it.
func (c *classes) sets() (out lineSets) {
	for plane := range out {
		out[plane] = make([]atoms, c.rules)
		for i := range c.rules {
			out[plane][i] = newAtoms(len(c.list))
		}
	}
	for id, v := range c.list {
		atoms(v).each(func(bit int) { out[bit/c.rules][bit%c.rules].set(id) })
	}
	return out
}

// lineSets are sets of atoms by plane and rule.
type lineSets [3][]atoms

const (
	surely = iota
	mostly
	told
)

// sweep cuts a line at all bounds of the rules' sets and returns the points of
// each class, by its number.
//
//	rule 0   |--------------|
//	rule 1        |-----------------|
//	classes  0    1         2       3
func sweep[T interval.Point[T]](c *classes, sure, most []interval.Set[T]) [][]interval.Range[T] {
	type bound struct {
		at  T
		bit int
	}
	var bounds []bound
	add := func(s interval.Set[T], bit int) {
		for _, r := range s {
			bounds = append(bounds, bound{r.First, bit})
			if after, more := r.Last.Next(); more {
				bounds = append(bounds, bound{after, bit})
			}
		}
	}
	for i := range c.rules {
		add(sure[i], i)
		add(most[i], c.rules+i)
	}
	slices.SortFunc(bounds, func(a, b bound) int { return a.at.Compare(b.at) })
	active := c.vector()
	where := make([][]interval.Range[T], len(c.list))
	var at T // the first point of the space is the zero value
	for i := 0; ; {
		for i < len(bounds) && bounds[i].at == at {
			bit := bounds[i].bit
			active[bit>>6] ^= 1 << (bit & 63)
			if bit >= c.rules { // what may match is told of
				bit += c.rules
				active[bit>>6] ^= 1 << (bit & 63)
			}
			i++
		}
		id := c.of(active)
		for len(where) <= id {
			where = append(where, nil)
		}
		if i == len(bounds) {
			where[id] = append(where[id], interval.Range[T]{First: at, Last: lastPoint(at)})
			return where
		}
		before, _ := bounds[i].at.Prev()
		where[id] = append(where[id], interval.Range[T]{First: at, Last: before})
		at = bounds[i].at
	}
}

func lastPoint[T interval.Point[T]](T) (last T) {
	last, _ = last.Prev() // wraps around
	return last
}
