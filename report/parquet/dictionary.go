package parquet

import (
	"bytes"
	"hash/maphash"
	"math/bits"

	"github.com/parquet-go/parquet-go/format"
)

// A kept column is dictionary-coded per row group unless its distinct values
// pass one of these bounds, or half of its values where that is the least. They
// look at the rows in order, so the choice, too, depends on the batch alone.
const (
	maxEntries   = 1 << 18
	maxDictBytes = 16 << 20
	alwaysBelow  = 1 << 10 // so many entries need no repeats
)

var hashSeed = maphash.MakeSeed() // places entries in the table only; never seen in output

// dictionary collects distinct values in order of first appearance.
type dictionary struct {
	v       *values
	table   []uint32 // 1 + code; twice as many slots as there can be entries
	mask    uint64   // len(table) - 1
	entries []uint32 // per code, the position of its first appearance
	size    int64    // of the entries in PLAIN encoding
}

func (s *scratch) newDictionary(v *values, rows int) *dictionary {
	d := &s.dict
	n := 2 << bits.Len(uint(min(rows, maxEntries)))
	d.table = resize(d.table, n)
	clear(d.table)
	d.v, d.mask, d.entries, d.size = v, uint64(n-1), d.entries[:0], 0
	return d
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
		if len(d.entries) > maxEntries || d.size > maxDictBytes {
			return nil, false
		}
	}
	n := len(d.entries)
	return codes, n <= alwaysBelow || n <= len(at)/2
}

func (d *dictionary) code(p uint32) uint32 {
	switch d.v.leaf.physical() {
	case format.Int32, format.Float:
		x := d.v.v32[p]
		i := hash64(uint64(x)) & d.mask
		for d.table[i] != 0 {
			if d.v.v32[d.entries[d.table[i]-1]] == x {
				return d.table[i] - 1
			}
			i = (i + 1) & d.mask
		}
		d.size += 4
		return d.add(i, p)
	case format.Int64, format.Double:
		x := d.v.v64[p]
		i := hash64(x) & d.mask
		for d.table[i] != 0 {
			if d.v.v64[d.entries[d.table[i]-1]] == x {
				return d.table[i] - 1
			}
			i = (i + 1) & d.mask
		}
		d.size += 8
		return d.add(i, p)
	}
	x := d.v.bytes.At(int(p))
	i := maphash.Bytes(hashSeed, x) & d.mask
	for d.table[i] != 0 {
		if bytes.Equal(d.v.bytes.At(int(d.entries[d.table[i]-1])), x) {
			return d.table[i] - 1
		}
		i = (i + 1) & d.mask
	}
	d.size += 4 + int64(len(x))
	return d.add(i, p)
}

func (d *dictionary) add(slot uint64, p uint32) uint32 {
	d.entries = append(d.entries, p)
	d.table[slot] = uint32(len(d.entries))
	return uint32(len(d.entries) - 1)
}

func hash64(x uint64) uint64 { return x * 0x9e3779b97f4a7c15 >> 32 }
