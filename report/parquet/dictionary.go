package parquet

import (
	"bytes"
	"hash/maphash"
	"math/bits"

	"github.com/parquet-go/parquet-go/format"

	"ipflow/report/layout"
)

// A kept column is dictionary-coded per row group unless its distinct values
// pass one of these bounds, or half of its values where that is the least. They
// look at the rows in order, so the choice, too, depends on the batch alone.
const (
	maxEntries   = 1 << 18
	maxDictBytes = 16 << 20
	alwaysBelow  = 1 << 10 // so many entries need no repeats
	// After so many rows a column that hardly repeats is given up early.
	sampleRows    = 1 << 15
	sampleEntries = sampleRows / 8 * 7
)

// Seed and key place entries in the table only; they are never seen in output.
var (
	hashSeed = maphash.MakeSeed()
	hashKey  = maphash.String(hashSeed, "parquet")
)

// dictionary collects distinct values in order of first appearance.
type dictionary struct {
	v       *values
	table   []slot   // at least twice as many as there can be entries
	mask    uint64   // len(table) - 1
	entries []uint32 // per code, the position of its first appearance
	size    int64    // of the entries in PLAIN encoding
}

// slot holds half of a value's hash, so that values are compared when they most
// likely are equal only, above 1 + its code.
type slot uint64

func (s *scratch) newDictionary(v *values, rows int) *dictionary {
	d := &s.dict
	n := 2 << bits.Len(uint(min(rows, maxEntries)))
	d.table = resize(d.table, n)
	clear(d.table)
	d.v, d.mask, d.entries, d.size = v, uint64(n-1), d.entries[:0], 0
	return d
}

// dictionary codes the values at the positions: entries are, per code, where it
// first appears. ok is false when they repeat too little.
func (g *rowGroup) dictionary(v *values, at []uint32, c layout.Cells, coded bool) (codes, entries []uint32, ok bool) {
	if coded {
		// Each value stands in the dictionary once, in order of first appearance.
		n := c.Values.Len()
		every := g.growKnown(n)
		for i := range every {
			every[i] = uint32(i)
		}
		return at, every, pays(n, len(at)) && n <= maxEntries && v.plainSize(every) <= maxDictBytes
	}
	if v.leaf.physical() == format.Int32 && c.Index == nil {
		if lo, hi := v.bounds32(at); lo <= hi && hi < directValues {
			codes, entries = g.direct(v.v32, at)
			return codes, entries, pays(len(entries), len(at))
		}
	}
	d := g.newDictionary(v, len(at))
	codes, ok = d.build(at, c.Values.Len(), c.Index != nil, g.scratch)
	return codes, d.entries, ok
}

// pays reports whether a dictionary of n entries is worth it.
func pays(n, rows int) bool { return n <= alwaysBelow || n <= rows/2 }

// directValues bounds the numbers whose codes are looked up in a table without
// hashing: ports are below it.
const directValues = 1 << 16

// direct codes numbers below directValues.
func (s *scratch) direct(v []uint32, at []uint32) (codes, entries []uint32) {
	codes = s.growCodes(len(at))
	known := s.growKnown(directValues)[:directValues] // per number, 1 + code
	entries = s.dict.entries[:0]
	for i, p := range at {
		x := v[p] % directValues
		c := known[x]
		if c == 0 {
			entries = append(entries, p)
			c = uint32(len(entries))
			known[x] = c
		}
		codes[i] = c - 1
	}
	s.dict.entries = entries
	return codes, entries
}

// build codes the values at the positions; ok is false when they repeat too
// little. shared says that positions themselves repeat, as dictionary arrays'
// do: then each is hashed once.
func (d *dictionary) build(at []uint32, total int, shared bool, s *scratch) (codes []uint32, ok bool) {
	codes = s.growCodes(len(at))
	var known []uint32 // per position, 1 + code
	if shared {
		known = s.growKnown(total)
	}
	for i, p := range at {
		if shared && known[p] != 0 {
			codes[i] = known[p] - 1
			continue
		}
		c := d.code(p)
		codes[i] = c
		if shared {
			known[p] = c + 1
		}
		if len(d.entries) > maxEntries || d.size > maxDictBytes || i+1 == sampleRows && len(d.entries) > sampleEntries {
			return nil, false
		}
	}
	return codes, pays(len(d.entries), len(at))
}

func (d *dictionary) code(p uint32) uint32 {
	switch d.v.leaf.physical() {
	case format.Int32, format.Float:
		x := d.v.v32[p]
		h := hash64(uint64(x))
		for i := h & d.mask; ; i = (i + 1) & d.mask {
			switch s := d.table[i]; {
			case s == 0:
				d.size += 4
				return d.add(i, h, p)
			case s.matches(h) && d.v.v32[d.entries[s.code()]] == x:
				return s.code()
			}
		}
	case format.Int64, format.Double:
		x := d.v.v64[p]
		h := hash64(x)
		for i := h & d.mask; ; i = (i + 1) & d.mask {
			switch s := d.table[i]; {
			case s == 0:
				d.size += 8
				return d.add(i, h, p)
			case s.matches(h) && d.v.v64[d.entries[s.code()]] == x:
				return s.code()
			}
		}
	}
	x := d.v.bytes.At(int(p))
	h := maphash.Bytes(hashSeed, x)
	for i := h & d.mask; ; i = (i + 1) & d.mask {
		switch s := d.table[i]; {
		case s == 0:
			d.size += 4 + int64(len(x))
			return d.add(i, h, p)
		case s.matches(h) && bytes.Equal(d.v.bytes.At(int(d.entries[s.code()])), x):
			return s.code()
		}
	}
}

func (s slot) matches(h uint64) bool { return uint64(s)>>32 == h>>32 }

func (s slot) code() uint32 { return uint32(s) - 1 }

func (d *dictionary) add(i, h uint64, p uint32) uint32 {
	d.entries = append(d.entries, p)
	d.table[i] = slot(h&^0xffffffff | uint64(len(d.entries)))
	return uint32(len(d.entries) - 1)
}

// hash64 spreads x over all bits. Its key is drawn per process, so that no input
// can be made to collide.
func hash64(x uint64) uint64 {
	hi, lo := bits.Mul64(x^hashKey, 0x9e3779b97f4a7c15)
	return hi ^ lo
}
