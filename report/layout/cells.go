package layout

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Cells is a kept column of a batch: row i is null, or Values at Index[i], or,
// when Index is nil, Values at i.
type Cells struct {
	Values arrow.Array
	Index  []int32 // -1 for null; entries point at non-null values
	owned  bool    // Values was built here
}

// NewCells views arr, taking a dictionary apart, and turns the text of a port
// column into numbers, unless its source has done so (flowfile.Options.PortNumbers). scratch is reused for Index when large enough.
func NewCells(arr arrow.Array, port bool, scratch []int32) (Cells, error) {
	c := Cells{Values: arr}
	if d, ok := arr.(*array.Dictionary); ok {
		index, err := indexes(d, scratch)
		if err != nil {
			return Cells{}, err
		}
		c = Cells{Values: d.Dictionary(), Index: index}
	}
	if _, numbers := c.Values.(*array.Int32); !port || numbers {
		return c, nil
	}
	text, ok := NewBytes(c.Values)
	if !ok {
		return Cells{}, fmt.Errorf("port column of a text source has type %s", arr.DataType())
	}
	ports := array.NewInt32Builder(memory.DefaultAllocator)
	defer ports.Release()
	ports.Reserve(c.Values.Len())
	for i := range c.Values.Len() {
		if v, ok := parseInt32(&text, i); ok && c.Values.IsValid(i) {
			ports.UnsafeAppend(v)
		} else {
			ports.UnsafeAppendBoolToBitmap(false)
		}
	}
	c.Values, c.owned = ports.NewInt32Array(), true
	for i, at := range c.Index {
		if at >= 0 && c.Values.IsNull(int(at)) {
			c.Index[i] = -1
		}
	}
	return c, nil
}

// Release drops what NewCells built.
func (c *Cells) Release() {
	if c.owned {
		c.Values.Release()
	}
}

// MendUTF8 makes strings what typed formats demand: bytes that are not UTF-8
// become U+FFFD. One such byte makes strict readers refuse the whole file.
func (c *Cells) MendUTF8() {
	var mended arrow.Array
	switch c.Values.(type) {
	case *array.String, *array.LargeString:
		b, _ := NewBytes(c.Values)
		if b.utf8(c.Values.Len()) {
			return
		}
		mended = Rebuild(c.Values.DataType(), c.Values.Len(), func(i int) ([]byte, bool) {
			return bytes.ToValidUTF8(b.At(i), []byte("\uFFFD")), c.Values.IsValid(i)
		})
	default:
		return
	}
	c.Release()
	c.Values, c.owned = mended, true
}

// Rebuild makes an array of a string or binary type from n values; false stands
// for null. It panics on other types.
func Rebuild(t arrow.DataType, n int, at func(i int) ([]byte, bool)) arrow.Array {
	b := array.NewBuilder(memory.DefaultAllocator, t)
	defer b.Release()
	b.Reserve(n)
	var add func([]byte)
	switch b := b.(type) {
	case *array.StringBuilder:
		add = b.BinaryBuilder.Append
	case *array.LargeStringBuilder:
		add = b.BinaryBuilder.Append
	case *array.BinaryBuilder:
		add = b.Append
	case *array.FixedSizeBinaryBuilder:
		add = b.Append
	default:
		panic("layout: cannot rebuild " + t.String())
	}
	for i := range n {
		if v, ok := at(i); ok {
			add(v)
		} else {
			b.AppendNull()
		}
	}
	return b.NewArray()
}

func parseInt32(text *Bytes, i int) (int32, bool) {
	s := text.At(i)
	neg := len(s) > 0 && s[0] == '-'
	if neg {
		s = s[1:]
	}
	if len(s) == 0 {
		return 0, false
	}
	v := int64(0)
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		if v = v*10 + int64(c-'0'); v > math.MaxInt32+1 {
			return 0, false
		}
	}
	if neg {
		v = -v
	}
	return int32(v), v <= math.MaxInt32
}

// indexes spells out a dictionary array's indexes, with -1 for rows that are
// null themselves or point at a null entry.
func indexes(d *array.Dictionary, scratch []int32) ([]int32, error) {
	n, values := d.Len(), d.Dictionary()
	if cap(scratch) < n {
		scratch = make([]int32, n)
	}
	out := scratch[:n]
	switch ix := d.Indices().(type) {
	case *array.Int8:
		widen(out, ix.Int8Values())
	case *array.Int16:
		widen(out, ix.Int16Values())
	case *array.Int32:
		widen(out, ix.Int32Values())
	case *array.Int64:
		widen(out, ix.Int64Values())
	case *array.Uint8:
		widen(out, ix.Uint8Values())
	case *array.Uint16:
		widen(out, ix.Uint16Values())
	case *array.Uint32:
		widen(out, ix.Uint32Values())
	case *array.Uint64:
		widen(out, ix.Uint64Values())
	}
	rowNulls, entryNulls := d.NullN() > 0, values.NullN() > 0
	for i, at := range out {
		switch {
		case rowNulls && d.IsNull(i):
			out[i] = -1
		case at < 0 || int(at) >= values.Len():
			return nil, fmt.Errorf("dictionary index %d in row %d is outside its %d values", at, i, values.Len())
		case entryNulls && values.IsNull(int(at)):
			out[i] = -1
		}
	}
	return out, nil
}

func widen[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](out []int32, in []T) {
	for i, v := range in {
		if x := uint64(v); x <= math.MaxInt32 {
			out[i] = int32(x)
		} else {
			out[i] = math.MaxInt32 // outside any dictionary; a null row may hold anything
		}
	}
}

// Bytes gives the values of string, binary and fixed-size binary arrays without
// copying them.
type Bytes struct {
	data  []byte
	off32 []int32
	off64 []int64
	width int
	first int
}

// NewBytes views an array; ok is false when it has another type.
func NewBytes(arr arrow.Array) (b Bytes, ok bool) {
	switch a := arr.(type) {
	case *array.String:
		return offsets32(a.Data()), true
	case *array.Binary:
		return offsets32(a.Data()), true
	case *array.LargeString:
		return offsets64(a.Data()), true
	case *array.LargeBinary:
		return offsets64(a.Data()), true
	case *array.FixedSizeBinary:
		w := a.DataType().(*arrow.FixedSizeBinaryType).ByteWidth
		return Bytes{data: bufferBytes(a.Data(), 1), width: w, first: a.Data().Offset()}, true
	}
	return Bytes{}, false
}

// PlainBytes views values of equal width laid end to end.
func PlainBytes(data []byte, width int) Bytes { return Bytes{data: data, width: width} }

func bufferBytes(d arrow.ArrayData, i int) []byte {
	if d.Buffers()[i] == nil {
		return nil
	}
	return d.Buffers()[i].Bytes()
}

func offsets32(d arrow.ArrayData) Bytes {
	b := Bytes{data: bufferBytes(d, 2), off32: arrow.Int32Traits.CastFromBytes(bufferBytes(d, 1))}
	if d.Len() > 0 {
		b.off32 = b.off32[d.Offset() : d.Offset()+d.Len()+1]
	}
	return b
}

func offsets64(d arrow.ArrayData) Bytes {
	b := Bytes{data: bufferBytes(d, 2), off64: arrow.Int64Traits.CastFromBytes(bufferBytes(d, 1))}
	if d.Len() > 0 {
		b.off64 = b.off64[d.Offset() : d.Offset()+d.Len()+1]
	}
	return b
}

// At returns value i, valid as long as the array is.
func (b *Bytes) At(i int) []byte {
	switch {
	case b.off32 != nil:
		return b.data[b.off32[i]:b.off32[i+1]]
	case b.off64 != nil:
		return b.data[b.off64[i]:b.off64[i+1]]
	}
	at := (b.first + i) * b.width
	return b.data[at : at+b.width : at+b.width]
}

// utf8 reports whether values 0 to n-1 all are UTF-8.
func (b *Bytes) utf8(n int) bool {
	var all []byte
	switch {
	case n == 0:
	case b.off32 != nil:
		all = b.data[b.off32[0]:b.off32[n]]
	case b.off64 != nil:
		all = b.data[b.off64[0]:b.off64[n]]
	}
	if ascii(all) {
		return true
	}
	for i := range n {
		if !utf8.Valid(b.At(i)) {
			return false
		}
	}
	return true
}

func ascii(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b)&0x8080808080808080 != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
