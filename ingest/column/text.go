package column

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"

	"github.com/apache/arrow/go/v17/arrow"
)

// trial is the number of rows after which a dictionary that holds more than
// half of them is given up: it would not pay and costs a look-up per row.
const trial = 4096

// Text builds a column of strings for a known number of rows. It starts as a
// dictionary in order of first appearance and turns plain when more than half
// of the rows, counted after the first 4096 and against all rows, are distinct.
// The outcome depends on the values and the number of rows alone.
type Text struct {
	rows  int // announced
	valid Validity
	plain bool

	// Dictionary form.
	codes []uint32
	table []slot // open addressing, a power of two, at most half full
	seed  maphash.Seed
	// recent holds codes, plus one, of values by a hash of a few of their bytes:
	// most rows repeat a value, and finding it there costs less than hashing it
	// whole. Values made to collide cost a look-up in the table and no more.
	recent [1 << sketchBits]uint32

	// Values of the dictionary, or of the rows once plain.
	offsets []int32
	data    []byte
}

// slot holds a code plus one (0: free) and the hash's upper half, so that most
// mismatches are told without touching the value.
type slot struct {
	code uint32
	hash uint32
}

// NewText returns a builder for a column of the given number of rows.
func NewText(rows int) *Text {
	return &Text{
		rows:    rows,
		codes:   make([]uint32, 0, rows),
		table:   make([]slot, 64),
		seed:    maphash.MakeSeed(),
		offsets: append(make([]int32, 0, 64), 0),
	}
}

// AppendNull adds a null row.
func (t *Text) AppendNull() {
	t.valid.AppendNull(1)
	if t.plain {
		t.offsets = append(t.offsets, int32(len(t.data)))
		return
	}
	t.codes = append(t.codes, 0)
}

// Append adds a row. It copies v. The bytes of all rows together must stay
// below 2 GiB.
func (t *Text) Append(v []byte) {
	t.valid.AppendValid(1)
	if t.plain {
		t.data = append(t.data, v...)
		t.offsets = append(t.offsets, int32(len(t.data)))
		return
	}
	place := &t.recent[sketch(v)]
	if c := *place; c != 0 && bytes.Equal(v, t.value(c-1)) {
		t.codes = append(t.codes, c-1)
		return
	}
	code := t.intern(v)
	*place = code + 1
	t.codes = append(t.codes, code)
	if n := len(t.offsets) - 1; 2*n > t.rows && n > 16 || len(t.codes) == trial && 2*n > trial {
		t.flatten()
	}
}

const sketchBits = 10

// sketch hashes the length and the last eight bytes: ids and addresses differ
// there.
func sketch(v []byte) uint64 {
	var w uint64
	if n := len(v); n >= 8 {
		w = binary.LittleEndian.Uint64(v[n-8:])
	} else {
		for _, c := range v {
			w = w<<8 | uint64(c)
		}
	}
	return (w + uint64(len(v))) * 0x9e3779b97f4a7c15 >> (64 - sketchBits)
}

func (t *Text) value(code uint32) []byte { return t.data[t.offsets[code]:t.offsets[code+1]] }

func (t *Text) intern(v []byte) uint32 {
	h := maphash.Bytes(t.seed, v)
	mask := uint64(len(t.table) - 1)
	i := h & mask
	for ; t.table[i].code != 0; i = (i + 1) & mask {
		if s := t.table[i]; s.hash == uint32(h>>32) && bytes.Equal(v, t.value(s.code-1)) {
			return s.code - 1
		}
	}
	code := uint32(len(t.offsets) - 1)
	t.table[i] = slot{code + 1, uint32(h >> 32)}
	t.data = append(t.data, v...)
	t.offsets = append(t.offsets, int32(len(t.data)))
	if 2*len(t.offsets) > len(t.table) {
		t.rehash()
	}
	return code
}

func (t *Text) rehash() {
	t.table = make([]slot, 4*len(t.table))
	mask := uint64(len(t.table) - 1)
	for code := range uint32(len(t.offsets) - 1) {
		h := maphash.Bytes(t.seed, t.value(code))
		i := h & mask
		for t.table[i].code != 0 {
			i = (i + 1) & mask
		}
		t.table[i] = slot{code + 1, uint32(h >> 32)}
	}
}

// flatten turns the dictionary form into the plain one.
func (t *Text) flatten() {
	offsets := append(make([]int32, 0, t.rows+1), 0)
	data := make([]byte, 0, len(t.data)/max(len(t.codes), 1)*t.rows)
	for row, c := range t.codes {
		if !t.valid.IsNull(row) {
			data = append(data, t.value(c)...)
		}
		offsets = append(offsets, int32(len(data)))
	}
	t.plain, t.offsets, t.data = true, offsets, data
	t.codes, t.table = nil, nil
}

// Len returns the rows added so far.
func (t *Text) Len() int { return t.valid.n }

// Finish returns the column: String or Dictionary<uint32, String>. The builder
// is spent.
func (t *Text) Finish() arrow.Array {
	if t.plain {
		return NewStrings(arrow.BinaryTypes.String, t.offsets, t.data, &t.valid)
	}
	dict := NewStrings(arrow.BinaryTypes.String, t.offsets, t.data, &Validity{})
	defer dict.Release()
	return NewDictionary(t.codes, &t.valid, dict)
}
