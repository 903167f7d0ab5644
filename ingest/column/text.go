package column

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
)

// A dictionary is given up where it would not pay and costs a look-up per row:
// after trial rows when nearly all of them are distinct, and whenever more than
// half of all rows are.
const (
	trial         = 4096
	trialDistinct = trial / 8 * 7
)

// Text builds a column of strings for a known number of rows. It starts as a
// dictionary in order of first appearance and turns plain when more than half
// of all rows, or seven eighths of the first 4096, are distinct. The outcome
// depends on the values and the number of rows alone.
//
// A Text may be used again and again by Reset, which keeps the memory of its
// look-ups.
type Text struct {
	rows  int // announced
	valid Validity
	plain bool

	// Dictionary form.
	codes []uint32
	short shortIndex // of values of up to shortBytes
	table []slot     // of longer ones: open addressing, a power of two, at most half full
	longs int        // values in table
	seed  maphash.Seed
	// recent holds codes, plus one, of long values by a hash of a few of their
	// bytes: most rows repeat a value, and finding it there costs less than hashing
	// it whole. Values made to collide cost a look-up in the table and no more. nil
	// until the first long value.
	recent []uint32

	// Values of the dictionary, or of the rows once plain.
	offsets []int32
	data    []byte
	entries int // of the last dictionary that was finished
	bytes   int // of its values
}

// slot holds a code plus one (0: free) and half of the hash, so that most
// mismatches are told without touching the value.
type slot struct {
	code uint32
	hash uint32
}

// Span is a field in a text: Len bytes from First on.
type Span struct{ First, Len uint32 }

// SpanSlack is the number of bytes that must follow every field which is handed
// over as a Span, whatever they hold.
const SpanSlack = 16

// NewText returns a builder for a column of the given number of rows.
func NewText(rows int) *Text {
	t := &Text{seed: maphash.MakeSeed()}
	t.Reset(rows)
	return t
}

// Reset begins a column of the given number of rows.
func (t *Text) Reset(rows int) {
	t.rows, t.valid, t.plain = rows, Validity{}, false
	t.codes = make([]uint32, 0, rows)
	t.offsets = append(make([]int32, 0, max(64, min(t.entries, rows)+t.entries/8)), 0)
	t.data = make([]byte, 0, t.bytes+t.bytes/8)
	t.short.reset()
	if t.longs > 0 {
		clear(t.table)
		clear(t.recent)
		t.longs = 0
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
	code := uint32(0)
	if len(v) <= shortBytes {
		w := wordsOf(v)
		var ok bool
		if code, ok = t.short.find(w, w.hash(), uint32(len(v))); !ok {
			code = t.addShort(v, w, w.hash())
		}
	} else {
		code = t.long(v)
	}
	t.codes = append(t.codes, code)
	if t.crowded(len(t.codes)) {
		t.flatten()
	}
}

// AppendSpans adds a row for each span of data; empty ones are null. It copies
// the values. SpanSlack bytes follow every span in data.
func (t *Text) AppendSpans(data []byte, at []Span) {
	for len(at) > 0 && !t.plain {
		n := min(len(at), spanBlock)
		at = at[t.appendCoded(data, at[:n]):]
	}
	t.appendPlain(data, at)
}

// spanBlock is the number of rows whose look-ups are prepared together. A power
// of two that divides trial.
const spanBlock = 128

// appendCoded adds the first rows of at, a block at most, until the dictionary is
// given up, and returns how many.
func (t *Text) appendCoded(data []byte, at []Span) int {
	x := &t.short
	known := 0
	if x.prepare(data, at) && (len(t.codes) >= trial || len(t.codes)+len(at) < trial) {
		known = t.appendKnown(at)
	}
	codes := t.codes
	valid := 0 // rows not yet noted as valid
	for i := known; i < len(at); i++ {
		s := at[i]
		entries := len(t.offsets)
		switch {
		case s.Len == 0:
			t.valid.AppendValid(valid)
			t.valid.AppendNull(1)
			valid = 0
			codes = append(codes, 0)
			continue
		case s.Len > shortBytes:
			codes = append(codes, t.long(data[s.First:s.First+s.Len]))
		default:
			w, h := x.next[i&(spanBlock-1)], x.hash[i&(spanBlock-1)]
			code, ok := x.find(w, h, s.Len)
			if !ok {
				code = t.addShort(data[s.First:s.First+s.Len], w, h)
			}
			codes = append(codes, code)
		}
		valid++
		if len(t.offsets) != entries && t.crowded(len(codes)) || len(codes) == trial && t.crowded(trial) {
			t.valid.AppendValid(valid)
			t.codes = codes
			t.flatten()
			return i + 1
		}
	}
	t.valid.AppendValid(valid)
	t.codes = codes
	return len(at)
}

// appendKnown adds the first rows of a block of short values that is prepared, as
// long as they are in the dictionary, and returns how many.
func (t *Text) appendKnown(at []Span) int {
	x := &t.short
	rows := len(t.codes)
	t.codes = slices.Grow(t.codes, len(at))
	codes := t.codes[rows : rows+len(at)]
	n := 0
	for n < len(at) {
		code, ok := x.find(x.next[n&(spanBlock-1)], x.hash[n&(spanBlock-1)], at[n].Len)
		if !ok {
			break
		}
		codes[n] = code
		n++
	}
	t.valid.AppendValid(n)
	t.codes = t.codes[:rows+n]
	return n
}

func (t *Text) appendPlain(data []byte, at []Span) {
	for _, s := range at {
		if s.Len == 0 {
			t.valid.AppendNull(1)
		} else {
			t.valid.AppendValid(1)
			t.data = append(t.data, data[s.First:s.First+s.Len]...)
		}
		t.offsets = append(t.offsets, int32(len(t.data)))
	}
}

// crowded reports whether after so many rows the dictionary no longer pays.
func (t *Text) crowded(rows int) bool {
	n := len(t.offsets) - 1
	return 2*n > t.rows && n > 16 || rows == trial && n > trialDistinct
}

// long returns the code of a value of more than shortBytes.
func (t *Text) long(v []byte) uint32 {
	if t.recent == nil {
		t.table, t.recent = make([]slot, 64), make([]uint32, 1<<sketchBits)
	}
	place := &t.recent[sketch(v)]
	if c := *place; c != 0 && bytes.Equal(v, t.value(c-1)) {
		return c - 1
	}
	code := t.intern(v)
	*place = code + 1
	return code
}

const sketchBits = 12

// sketch hashes the length and the last sixteen bytes: ids differ there.
func sketch(v []byte) uint64 {
	end := v[len(v)-16:]
	a, b := binary.LittleEndian.Uint64(end), binary.LittleEndian.Uint64(end[8:])
	return (a*0xa0761d6478bd642f + b + uint64(len(v))) * 0x9e3779b97f4a7c15 >> (64 - sketchBits)
}

func (t *Text) value(code uint32) []byte { return t.data[t.offsets[code]:t.offsets[code+1]] }

// add appends a value to the dictionary and returns its code.
func (t *Text) add(v []byte) uint32 {
	t.data = append(t.data, v...)
	t.offsets = append(t.offsets, int32(len(t.data)))
	return uint32(len(t.offsets) - 2)
}

func (t *Text) intern(v []byte) uint32 {
	h := maphash.Bytes(t.seed, v)
	mask := uint64(len(t.table) - 1)
	i := h & mask
	for ; t.table[i].code != 0; i = (i + 1) & mask {
		if s := t.table[i]; s.hash == uint32(h>>32) && bytes.Equal(v, t.value(s.code-1)) {
			return s.code - 1
		}
	}
	code := t.add(v)
	t.table[i] = slot{code + 1, uint32(h >> 32)}
	if t.longs++; 2*t.longs > len(t.table) {
		t.rehash()
	}
	return code
}

func (t *Text) rehash() {
	old := t.table
	t.table = make([]slot, 4*len(old))
	mask := uint64(len(t.table) - 1)
	for _, s := range old {
		if s.code == 0 {
			continue
		}
		i := maphash.Bytes(t.seed, t.value(s.code-1)) & mask
		for t.table[i].code != 0 {
			i = (i + 1) & mask
		}
		t.table[i] = s
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
	t.codes = nil
}

// Len returns the rows added so far.
func (t *Text) Len() int { return t.valid.n }

// Finish returns the column: String or Dictionary<uint32, String>. Before the
// next row the builder must be Reset.
func (t *Text) Finish() arrow.Array {
	codes, offsets, data := t.codes, t.offsets, t.data
	t.codes, t.offsets, t.data = nil, nil, nil // which are the column's from here on
	if t.plain {
		t.entries, t.bytes = 0, 0
		return NewStrings(arrow.BinaryTypes.String, offsets, data, &t.valid)
	}
	t.entries, t.bytes = len(offsets), len(data)
	dict := NewStrings(arrow.BinaryTypes.String, offsets, data, &Validity{})
	defer dict.Release()
	return NewDictionary(codes, &t.valid, dict)
}
