package column

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// shortBytes is the length up to which a value is told by two words and its
// length: names of directions and protocols, ports, addresses.
const shortBytes = 16

// words are a short value's bytes, zeros after them, lowest byte first.
type words struct{ a, b uint64 }

// shortIndex finds the codes of short values without touching their bytes.
type shortIndex struct {
	table []slot  // open addressing, a power of two, at most half full; the hash ends in the length
	keys  []words // by code; of longer values nothing
	n     int     // values in table

	// Of the block of rows at work.
	next    [spanBlock]words
	hash    [spanBlock]uint64
	touched uint32 // so that looking at places is not optimised away
}

// Keys of the hash are drawn per process, so that no input can be made to
// collide. They place values in tables only and are never seen in a result.
var hashA, hashB = rand.Uint64(), rand.Uint64()

func (x *shortIndex) reset() {
	if x.table == nil {
		x.table = make([]slot, 64)
	}
	if x.n > 0 {
		clear(x.table)
		x.keys, x.n = x.keys[:0], 0
	}
}

// wordsIn returns the words of the n bytes, 1 to 16, that field starts with.
func wordsIn(field []byte, n uint32) words {
	_ = field[15]
	a, b := binary.LittleEndian.Uint64(field), binary.LittleEndian.Uint64(field[8:])
	if n <= 8 {
		return words{a & (^uint64(0) >> (64 - 8*n)), 0}
	}
	return words{a, b & (^uint64(0) >> (128 - 8*n))}
}

// wordsOf is wordsIn for a value that nothing may follow.
func wordsOf(v []byte) words {
	if len(v) == 0 {
		return words{}
	}
	var field [16]byte
	copy(field[:], v)
	return wordsIn(field[:], uint32(len(v)))
}

func (w words) hash() uint64 {
	hi, lo := bits.Mul64(w.a^hashA, w.b^hashB)
	return hi ^ lo
}

// tag is what a slot holds of a hash: its upper half with the length in place of
// the lowest bits, for two values of the same words differ in it.
func tag(hash uint64, n uint32) uint32 { return uint32(hash>>32)&^31 | n }

// prepare works out words and hashes of the short values of a block, and looks at
// their places in the table: that many look-ups at once wait for memory together,
// not one after the other. It reports whether all values are short and none is null.
func (x *shortIndex) prepare(data []byte, at []Span) (short bool) {
	touched := uint32(0)
	short = true
	mask := uint64(len(x.table) - 1)
	for i, s := range at {
		if s.Len-1 >= shortBytes {
			short = false
			continue
		}
		w := wordsIn(data[s.First:], s.Len)
		h := w.hash()
		x.next[i&(spanBlock-1)], x.hash[i&(spanBlock-1)] = w, h
		touched |= x.table[h&mask].code
	}
	x.touched = touched
	return short
}

// find returns the code of the value of n bytes with the words and their hash.
func (x *shortIndex) find(w words, h uint64, n uint32) (code uint32, ok bool) {
	mask, mark := uint64(len(x.table)-1), tag(h, n)
	for i := h & mask; ; i = (i + 1) & mask {
		s := x.table[i]
		if s.code == 0 {
			return 0, false
		}
		if s.hash == mark && x.keys[s.code-1] == w {
			return s.code - 1, true
		}
	}
}

// addShort appends to the dictionary a value that find did not find.
func (t *Text) addShort(v []byte, w words, h uint64) uint32 {
	x := &t.short
	code := t.add(v)
	for len(x.keys) < int(code) {
		x.keys = append(x.keys, words{})
	}
	x.keys = append(x.keys, w)
	mask := uint64(len(x.table) - 1)
	i := h & mask
	for x.table[i].code != 0 {
		i = (i + 1) & mask
	}
	x.table[i] = slot{code + 1, tag(h, uint32(len(v)))}
	if x.n++; 2*x.n > len(x.table) {
		x.grow()
	}
	return code
}

func (x *shortIndex) grow() {
	old := x.table
	x.table = make([]slot, 4*len(old))
	mask := uint64(len(x.table) - 1)
	for _, s := range old {
		if s.code == 0 {
			continue
		}
		i := x.keys[s.code-1].hash() & mask
		for x.table[i].code != 0 {
			i = (i + 1) & mask
		}
		x.table[i] = s
	}
}
