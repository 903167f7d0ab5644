package index

import (
	"slices"

	"ipflow/index/interval"
)

// A class is a set of points of one dimension (or of several together) at which
// the same rules match. Bit i stands for the i-th rule slot of the classifier
// being built.
type class struct {
	sure  []uint64       // rules that surely match
	may   []uint64       // rules that may match; nil when none, disjoint from sure
	facts map[int][]fact // for each bit of may, on which facts
}

// span says where in a dimension one rule matches: surely, or on a fact.
type span[T interval.Point[T]] struct {
	where interval.Set[T]
	bit   int
	fact  fact
	sure  bool
}

// A dimension is a line of points cut into elementary intervals: interval i
// runs from starts[i] to just before starts[i+1] and belongs to class of[i].
// starts[0] is the first point of the space.
type dimension[T interval.Point[T]] struct {
	starts []T
	of     []uint32
}

// sweep cuts a dimension at every bound of the spans and gives intervals with
// equal sets of active rules the same class. It walks the bounds once; the hash
// of the active set (a XOR of random words, as in Zobrist hashing) names the
// class without comparing sets, and bit sets are copied for new classes only.
//
//	rule 0   |--------------|
//	rule 1        |-----------------|
//	         0    1         2       3      4 intervals + the rest
func sweep[T interval.Point[T]](spans []span[T], first T, words int, classes *classTable) dimension[T] {
	type bound struct {
		at   T
		span int32
		on   bool
	}
	n := 0
	for i := range spans {
		n += len(spans[i].where)
	}
	bounds := make([]bound, 0, 2*n)
	for i := range spans {
		for _, r := range spans[i].where {
			bounds = append(bounds, bound{r.First, int32(i), true})
			if after, more := r.Last.Next(); more {
				bounds = append(bounds, bound{after, int32(i), false})
			}
		}
	}
	slices.SortFunc(bounds, func(a, b bound) int { return a.at.Compare(b.at) })

	active := newActiveSet(words)
	var d dimension[T]
	cut := func(at T) {
		id := classes.of(active)
		if k := len(d.of); k > 0 && d.of[k-1] == id {
			return
		}
		d.starts = append(d.starts, at)
		d.of = append(d.of, id)
	}
	i := 0
	for at := first; ; {
		for i < len(bounds) && bounds[i].at == at {
			active.toggle(spans[bounds[i].span].bit, spans[bounds[i].span].fact, spans[bounds[i].span].sure, bounds[i].on)
			i++
		}
		cut(at)
		if i == len(bounds) {
			d.starts, d.of = slices.Clip(d.starts), slices.Clip(d.of)
			return d
		}
		at = bounds[i].at
	}
}

// find returns the class of a point by binary search.
func (d *dimension[T]) find(p T) uint32 {
	lo, hi := 0, len(d.starts) // starts[lo] <= p < starts[hi]
	for hi-lo > 1 {
		m := int(uint(lo+hi) >> 1)
		if d.starts[m].Compare(p) <= 0 {
			lo = m
		} else {
			hi = m
		}
	}
	return d.of[lo]
}

// hash is 128 bits wide so that a collision, which would be a wrong answer, is
// out of reach.
type hash [2]uint64

func (h *hash) xor(o hash) { h[0] ^= o[0]; h[1] ^= o[1] }

// randomWord is a fixed pseudo-random function of a rule slot and a state
// (splitmix64 finaliser).
func randomWord(bit int, state int64) hash {
	mix := func(x uint64) uint64 {
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		return x ^ x>>31
	}
	x := uint64(bit)<<32 ^ uint64(state+1)
	return hash{mix(x + 0x9e3779b97f4a7c15), mix(mix(x+0x3c6ef372fe94f82a) ^ 0xd1b54a32d192ed03)}
}

const sureState = -1 // state of randomWord for a sure match; facts are >= 0

// activeSet is the state of a sweep: which rules match at the current point.
type activeSet struct {
	hash    hash
	sure    []uint64
	mayHash map[int]hash   // per rule with doubts at this point: XOR over its facts
	facts   map[int][]fact // the facts themselves
}

func newActiveSet(words int) *activeSet {
	return &activeSet{sure: make([]uint64, words), mayHash: map[int]hash{}, facts: map[int][]fact{}}
}

func (a *activeSet) isSure(bit int) bool { return a.sure[bit>>6]>>(bit&63)&1 == 1 }

// toggle switches a rule's sure match or one of its doubts on or off.
func (a *activeSet) toggle(bit int, f fact, sure, on bool) {
	if sure {
		if len(a.mayHash) > 0 {
			a.hash.xor(a.mayHash[bit]) // doubts count only while the match is not sure
		}
		a.hash.xor(randomWord(bit, sureState))
		a.sure[bit>>6] ^= 1 << (bit & 63)
		return
	}
	w := randomWord(bit, int64(f))
	h := a.mayHash[bit]
	h.xor(w)
	if on {
		a.facts[bit] = append(a.facts[bit], f)
		a.mayHash[bit] = h
	} else {
		a.facts[bit] = slices.DeleteFunc(a.facts[bit], func(x fact) bool { return x == f })
		a.mayHash[bit] = h
		if len(a.facts[bit]) == 0 {
			delete(a.facts, bit)
			delete(a.mayHash, bit)
		}
	}
	if !a.isSure(bit) {
		a.hash.xor(w)
	}
}

// freeze copies the active set into a class.
func (a *activeSet) freeze() class {
	c := class{sure: slices.Clone(a.sure)}
	for bit, facts := range a.facts {
		if !a.isSure(bit) {
			c.addMay(bit, facts)
		}
	}
	return c
}

func (c *class) addMay(bit int, facts []fact) {
	if c.may == nil {
		c.may, c.facts = make([]uint64, len(c.sure)), map[int][]fact{}
	}
	c.may[bit>>6] |= 1 << (bit & 63)
	c.facts[bit] = slices.Sorted(slices.Values(facts))
}

// classTable numbers the distinct classes of a dimension.
type classTable struct {
	list []class
	ids  map[hash]uint32
}

func newClassTable() *classTable { return &classTable{ids: map[hash]uint32{}} }

func (t *classTable) of(a *activeSet) uint32 {
	id, ok := t.ids[a.hash]
	if !ok {
		id = uint32(len(t.list))
		t.ids[a.hash] = id
		t.list = append(t.list, a.freeze())
	}
	return id
}
