package verify

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"ipflow/index/memory"
	"ipflow/ingest/column"
)

// coded is a column decoded to values that need no further parsing. Where the
// source was dictionary-coded only the dictionary is decoded, and the codes are
// the source's own memory: a row costs nothing until it is asked for.
type coded[T comparable] struct {
	code []uint32 // per row its place in list; nil: row i is list[i]
	list []T
	own  []uint32 // memory for codes that had to be changed

	// The first so many elements of list are known to be this value: absent columns
	// are filled once, not with every batch.
	filled int
	value  T
}

// at returns the value of a row.
func (c *coded[T]) at(row int) T {
	if c.code != nil {
		return c.list[c.code[row]]
	}
	return c.list[row]
}

// fill makes every one of n rows the same.
func (c *coded[T]) fill(n int, value T) {
	if c.code, c.list = nil, grow(c.list, n); c.value == value && c.filled >= n {
		return
	}
	for i := range c.list {
		c.list[i] = value
	}
	c.filled, c.value = n, value
}

// decode fills the column from an array of n rows; null rows and an absent
// column get null. values decodes an array that is no dictionary into as many
// elements, which hold null already, unless it is one that fills in all elements of
// integers without nulls.
func (c *coded[T]) decode(a arrow.Array, n int, null T, integers fills, values func(out []T, a arrow.Array)) {
	if a == nil || n == 0 {
		c.fill(n, null)
		return
	}
	codes, dict := codesOf(a, &c.own)
	if dict != nil {
		n = dict.Len() + 1 // the last entry is what null rows point at
	} else {
		dict = a
	}
	if integers == fillsAll && arrow.IsInteger(dict.DataType().ID()) && dict.NullN() == 0 {
		c.list, c.filled = grow(c.list, n), 0
		c.list[n-1] = null
	} else {
		c.fill(n, null)
		c.filled = 0
	}
	values(c.list[:dict.Len()], dict)
	c.code = codes
}

// fills says whether a decoder fills in all elements of integers without nulls.
type fills bool

const (
	fillsSome fills = false
	fillsAll  fills = true
)

// codesOf takes a dictionary array apart; codes of null rows become that of one
// more entry, in own where there are any. dict is nil for other arrays.
func codesOf(a arrow.Array, own *[]uint32) (codes []uint32, dict arrow.Array) {
	if a.DataType().ID() != arrow.DICTIONARY {
		return nil, nil
	}
	codes, dict, _ = column.CodesOf(a)
	nulls := column.NullsOf(a)
	if !nulls.Any() {
		return codes, dict
	}
	*own = grow(*own, len(codes))
	for i, code := range codes {
		if nulls.At(i) {
			code = uint32(dict.Len())
		}
		(*own)[i] = code
	}
	return *own, dict
}

// resize returns a slice of n elements, all set to fill.
func resize[T any](s []T, n int, fill T) []T {
	s = grow(s, n)
	for i := range s {
		s[i] = fill
	}
	return s
}

// grow returns a slice of n elements of any content.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		s = memory.Make[T](n)
	}
	return s[:n]
}

// stringView is the text of a string-like Arrow array, row by row.
type stringView struct {
	bytes []byte
	off32 []int32
	off64 []int64
	nulls column.Nulls
}

// viewStrings returns false for arrays that hold no text.
func viewStrings(a arrow.Array) (stringView, bool) {
	v := stringView{nulls: column.NullsOf(a)}
	switch x := a.(type) {
	case *array.String:
		v.bytes, v.off32 = x.ValueBytes(), x.ValueOffsets()
	case *array.Binary:
		v.bytes, v.off32 = x.ValueBytes(), x.ValueOffsets()
	case *array.LargeString:
		v.bytes, v.off64 = x.ValueBytes(), x.ValueOffsets()
	case *array.LargeBinary:
		v.bytes, v.off64 = x.ValueBytes(), x.ValueOffsets()
	default:
		return v, false
	}
	return v, true
}

// at returns the text of a row; null rows give nil. ValueBytes starts at the
// first offset of a sliced array.
func (v *stringView) at(i int) []byte {
	if v.nulls.At(i) {
		return nil
	}
	if v.off64 != nil {
		base := v.off64[0]
		return v.bytes[v.off64[i]-base : v.off64[i+1]-base]
	}
	base := v.off32[0]
	return v.bytes[v.off32[i]-base : v.off32[i+1]-base]
}

// texts decodes arrays of text: parse is called once per run of equal values.
// Nulls and arrays of other types leave out as it is.
func texts[T any](parse func([]byte) T) func([]T, arrow.Array) {
	return func(out []T, a arrow.Array) {
		v, ok := viewStrings(a)
		if !ok {
			return
		}
		var last []byte
		var value T
		for i := range out {
			t := v.at(i)
			if t == nil {
				continue
			}
			if last == nil || string(last) != string(t) {
				last, value = t, parse(t)
			}
			out[i] = value
		}
	}
}
