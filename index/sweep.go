package index

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"ipflow/index/interval"
)

// A class is a set of points of one dimension (or of several together) at which
// the same entries of a Stage match. Classes stand in a classTable: bit i of sure
// says that entry i surely matches; entries that only may match are rare and stand
// in doubts.
type doubts struct {
	may   []uint64  // entries that may match; disjoint from sure
	facts []bitFact // sorted: on which facts
}

// bitFact says that an entry may match on a fact.
type bitFact struct {
	bit  int32
	fact fact
}

func compareBitFacts(a, b bitFact) int {
	if a.bit != b.bit {
		return int(a.bit) - int(b.bit)
	}
	return int(a.fact) - int(b.fact)
}

// of returns the facts of an entry.
func (d *doubts) of(bit int) (out []fact) {
	for _, f := range d.facts {
		if int(f.bit) == bit {
			out = append(out, f.fact)
		}
	}
	return out
}

// classTable numbers the distinct classes of a dimension. An entry that closes
// hides all entries behind it wherever it surely matches; classes are cut there,
// which makes many of them equal.
type classTable struct {
	sure   rowSet[uint64]
	doubts []*doubts // by class; nil where nothing is in doubt, shorter than the table
	keyed  map[string]uint32
	buffer []uint64
}

func (t *classTable) reset(words int) {
	t.sure.reset(words)
	clear(t.doubts)
	t.doubts = t.doubts[:0]
	clear(t.keyed)
	if cap(t.buffer) < words {
		t.buffer = make([]uint64, words)
	}
	t.buffer = t.buffer[:words]
}

func (t *classTable) len() int { return t.sure.len() }

func (t *classTable) doubtsOf(class int) *doubts {
	if class >= len(t.doubts) {
		return nil
	}
	return t.doubts[class]
}

// of numbers the class in which the entries of a and b surely match and those of
// may may, as far as they do not surely. b may be nil.
func (t *classTable) of(a, b []uint64, may []bitFact, closing []uint64) uint32 {
	if len(t.buffer) == 1 && len(may) == 0 { // nearly always
		x := a[0]
		if b != nil {
			x |= b[0]
		}
		if y := x & closing[0]; y != 0 {
			x &= y&-y<<1 - 1
		}
		return t.sure.ofOne(x)
	}
	end := len(a) * 64
	for w := range t.buffer {
		x := a[w]
		if b != nil {
			x |= b[w]
		}
		if y := x & closing[w]; y != 0 {
			at := bits.TrailingZeros64(y)
			end = w*64 + at
			t.buffer[w] = x & (2<<at - 1)
			clear(t.buffer[w+1:])
			break
		}
		t.buffer[w] = x
	}
	if len(may) > 0 {
		if d := newDoubts(t.buffer, may, end); d != nil {
			return t.doubtful(d)
		}
	}
	if len(t.buffer) == 1 {
		return t.sure.ofOne(t.buffer[0])
	}
	n, _ := t.sure.of(t.buffer)
	return n
}

// newDoubts keeps the doubts about entries before end that do not surely match;
// nil when there are none.
func newDoubts(sure []uint64, may []bitFact, end int) *doubts {
	d := &doubts{may: make([]uint64, len(sure))}
	for _, f := range may {
		if w, s := f.bit>>6, f.bit&63; int(f.bit) < end && sure[w]>>s&1 == 0 {
			d.may[w] |= 1 << s
			d.facts = append(d.facts, f)
		}
	}
	if len(d.facts) == 0 {
		return nil
	}
	slices.SortFunc(d.facts, compareBitFacts)
	d.facts = slices.Compact(d.facts)
	return d
}

func (t *classTable) doubtful(d *doubts) uint32 {
	key := make([]byte, 0, 8*(len(t.buffer)+len(d.facts)))
	for _, x := range t.buffer {
		key = binary.LittleEndian.AppendUint64(key, x)
	}
	for _, f := range d.facts {
		key = binary.LittleEndian.AppendUint32(key, uint32(f.bit))
		key = binary.LittleEndian.AppendUint32(key, uint32(f.fact))
	}
	n, ok := t.keyed[string(key)]
	if !ok {
		n = t.sure.add(t.buffer)
		if t.keyed == nil {
			t.keyed = map[string]uint32{}
		}
		t.keyed[string(key)] = n
		for len(t.doubts) <= int(n) {
			t.doubts = append(t.doubts, nil)
		}
		t.doubts[n] = d
	}
	return n
}

// A lane says of what a bound in a sweep is one: an entry's sure match, or its
// match on a fact.
type lane struct {
	bit  int32
	fact fact
	sure bool
}

// A sweep walks along a line of points and keeps the set of entries that match.
// A bound is the place on the line (32 bits), the lane (31 bits) and whether
// the lane begins (1) or ends there, in one word: sorting words sorts bounds.
type sweep struct {
	bounds []uint64
	lanes  []lane
	sure   []uint64
	may    []bitFact
	spare  []uint64 // for sorting
}

func (s *sweep) reset(words int) {
	s.bounds, s.lanes, s.may = s.bounds[:0], s.lanes[:0], s.may[:0]
	if cap(s.sure) < words {
		s.sure = make([]uint64, words)
	}
	s.sure = s.sure[:words]
	clear(s.sure)
}

// lane adds a lane; its bounds follow.
func (s *sweep) lane(l lane) { s.lanes = append(s.lanes, l) }

// bound adds a bound of the last lane.
func (s *sweep) bound(at uint32, on bool) {
	b := uint64(at)<<32 | uint64(len(s.lanes)-1)<<1
	if on {
		b |= 1
	}
	s.bounds = append(s.bounds, b)
}

// always says that an entry surely matches everywhere.
func (s *sweep) always(bit int) { s.sure[bit>>6] |= 1 << (bit & 63) }

// run calls at for each elementary interval, in order: the set of entries that
// match does not change inside one.
//
//	entry 0  |--------------|
//	entry 1       |-----------------|
//	         0    1         2       3      4 intervals + the rest
func (s *sweep) run(at func(first, last uint32), end uint32) {
	s.bounds, s.spare = sortByPlace(s.bounds, s.spare)
	first := uint32(0)
	for i := 0; ; {
		for i < len(s.bounds) && uint32(s.bounds[i]>>32) == first {
			s.toggle(&s.lanes[uint32(s.bounds[i])>>1], s.bounds[i]&1 == 1)
			i++
		}
		if i == len(s.bounds) {
			at(first, end)
			return
		}
		next := uint32(s.bounds[i] >> 32)
		at(first, next-1)
		first = next
	}
}

// fewBounds is where sorting by comparison is faster.
const fewBounds = 64

// sortByPlace sorts bounds by their place, byte by byte. It returns the sorted
// ones and the memory that is free after.
func sortByPlace(bounds, spare []uint64) (sorted, free []uint64) {
	if len(bounds) < fewBounds {
		slices.Sort(bounds)
		return bounds, spare
	}
	spare = slices.Grow(spare[:0], len(bounds))[:len(bounds)]
	var counts [4][256]uint32
	for _, b := range bounds {
		counts[0][uint8(b>>32)]++
		counts[1][uint8(b>>40)]++
		counts[2][uint8(b>>48)]++
		counts[3][uint8(b>>56)]++
	}
	for digit := range counts {
		count, shift := &counts[digit], 32+8*digit
		if count[uint8(bounds[0]>>shift)] == uint32(len(bounds)) {
			continue // all have the same
		}
		at := uint32(0)
		for i, n := range count {
			count[i] = at
			at += n
		}
		for _, b := range bounds {
			next := &count[uint8(b>>shift)]
			spare[*next] = b
			*next++
		}
		bounds, spare = spare, bounds
	}
	return bounds, spare
}

func (s *sweep) toggle(l *lane, on bool) {
	if l.sure {
		s.sure[l.bit>>6] ^= 1 << (l.bit & 63)
		return
	}
	f := bitFact{l.bit, l.fact}
	if on {
		s.may = append(s.may, f)
		return
	}
	i := slices.Index(s.may, f)
	s.may[i] = s.may[len(s.may)-1]
	s.may = s.may[:len(s.may)-1]
}

// span4 adds the bounds of an IPv4 set.
func (s *sweep) span4(l lane, set interval.Set[interval.IPv4]) {
	s.lane(l)
	for _, r := range set {
		s.bound(uint32(r.First), true)
		if after, more := r.Last.Next(); more {
			s.bound(uint32(after), false)
		}
	}
}

// spanPorts adds the bounds of a port set.
func (s *sweep) spanPorts(l lane, set interval.Set[interval.Port]) {
	s.lane(l)
	for _, r := range set {
		s.bound(uint32(r.First), true)
		if after, more := r.Last.Next(); more {
			s.bound(uint32(after), false)
		}
	}
}

func hasBit(words []uint64, bit int) bool { return words[bit>>6]>>(bit&63)&1 == 1 }

func setBit(words []uint64, bit int) { words[bit>>6] |= 1 << (bit & 63) }

func forEachBit(words []uint64, f func(bit int)) {
	for w, x := range words {
		for ; x != 0; x &= x - 1 {
			f(w*64 + bits.TrailingZeros64(x))
		}
	}
}
