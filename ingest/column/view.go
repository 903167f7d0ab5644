package column

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Nulls tells which rows of an array are null. The zero value says none.
type Nulls struct {
	bits   []byte
	offset int
}

// NullsOf returns the nulls of the array's own rows; a dictionary's null values
// are not among them.
func NullsOf(a arrow.Array) Nulls {
	if a.NullN() == 0 {
		return Nulls{}
	}
	return Nulls{bits: a.NullBitmapBytes(), offset: a.Data().Offset()}
}

// Any reports whether there may be a null row.
func (n Nulls) Any() bool { return n.bits != nil }

// At reports whether the row is null.
func (n Nulls) At(row int) bool {
	if n.bits == nil {
		return false
	}
	row += n.offset
	return n.bits[row>>3]&(1<<(row&7)) == 0
}

// CodesOf returns the codes and the values of a dictionary array. Uint32 and
// int32 codes are the array's own memory, others are copied. The code of a null
// row means nothing and may lie outside dict. ok is false for other arrays.
func CodesOf(a arrow.Array) (codes []uint32, dict arrow.Array, ok bool) {
	d, ok := a.(*array.Dictionary)
	if !ok {
		return nil, nil, false
	}
	switch x := d.Indices().(type) {
	case *array.Uint32:
		return x.Uint32Values(), d.Dictionary(), true
	case *array.Int32:
		return arrow.Uint32Traits.CastFromBytes(arrow.Int32Traits.CastToBytes(x.Int32Values())), d.Dictionary(), true
	case *array.Uint8:
		return widen(x.Uint8Values()), d.Dictionary(), true
	case *array.Int8:
		return widen(x.Int8Values()), d.Dictionary(), true
	case *array.Uint16:
		return widen(x.Uint16Values()), d.Dictionary(), true
	case *array.Int16:
		return widen(x.Int16Values()), d.Dictionary(), true
	case *array.Uint64:
		return widen(x.Uint64Values()), d.Dictionary(), true
	case *array.Int64:
		return widen(x.Int64Values()), d.Dictionary(), true
	}
	panic(fmt.Sprintf("column: dictionary with codes of type %s", d.Indices().DataType()))
}

func widen[T int8 | uint8 | int16 | uint16 | int64 | uint64](s []T) []uint32 {
	out := make([]uint32, len(s))
	for i, c := range s {
		out[i] = uint32(c)
	}
	return out
}

// SpansOf shows the memory of a String or Binary array: value i is
// data[offsets[i]:offsets[i+1]], for a sliced array too. ok is false for other
// arrays.
func SpansOf(a arrow.Array) (offsets []int32, data []byte, ok bool) {
	switch a := a.(type) {
	case *array.String:
		offsets = a.ValueOffsets()
	case *array.Binary:
		offsets = a.ValueOffsets()
	default:
		return nil, nil, false
	}
	if a.Len() == 0 {
		return []int32{0}, nil, true
	}
	if b := a.Data().Buffers()[2]; b != nil {
		data = b.Bytes()
	}
	return offsets[:a.Len()+1], data, true
}
