package column

import (
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Validity notes which rows of a column under construction are null. The zero
// value is ready; nothing is allocated until the first null.
type Validity struct {
	bits  []byte
	n     int // rows so far
	nulls int
}

// AppendValid adds k rows that hold values.
func (v *Validity) AppendValid(k int) {
	if v.bits == nil {
		v.n += k
		return
	}
	for range k {
		v.grow()
		v.bits[v.n>>3] |= 1 << (v.n & 7)
		v.n++
	}
}

// AppendNull adds k null rows.
func (v *Validity) AppendNull(k int) {
	if k == 0 {
		return
	}
	if v.bits == nil {
		v.bits = make([]byte, (v.n+7)/8, max(64, v.n/4))
		for i := range v.bits {
			v.bits[i] = 0xff
		}
		if r := v.n & 7; r != 0 {
			v.bits[len(v.bits)-1] = 1<<r - 1
		}
	}
	for range k {
		v.grow()
		v.n++
	}
	v.nulls += k
}

func (v *Validity) grow() {
	if v.n>>3 == len(v.bits) {
		v.bits = append(v.bits, 0)
	}
}

// IsNull reports whether the row, one of those added, is null.
func (v *Validity) IsNull(row int) bool { return Nulls{bits: v.bits}.At(row) }

// Len returns the rows added so far.
func (v *Validity) Len() int { return v.n }

func (v *Validity) buffer() *memory.Buffer {
	if v.bits == nil {
		return nil
	}
	return memory.NewBufferBytes(v.bits)
}

func raw[T any](s []T) *memory.Buffer {
	if len(s) == 0 {
		return memory.NewBufferBytes(nil)
	}
	return memory.NewBufferBytes(unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0]))))
}

// NewStrings makes an array of type String or Binary whose value i is
// data[offsets[i]:offsets[i+1]]. It takes over the slices.
func NewStrings(dt arrow.DataType, offsets []int32, data []byte, v *Validity) arrow.Array {
	d := array.NewData(dt, len(offsets)-1, []*memory.Buffer{v.buffer(), raw(offsets), memory.NewBufferBytes(data)}, nil, v.nulls, 0)
	defer d.Release()
	return array.MakeFromData(d)
}

// NewDictionary makes an array of type Dictionary<uint32, T>, T being dict's
// type. It takes over codes and keeps its own reference to dict. Codes of null
// rows must be valid too unless dict is empty; 0 is.
func NewDictionary(codes []uint32, v *Validity, dict arrow.Array) arrow.Array {
	dt := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: dict.DataType()}
	d := array.NewDataWithDictionary(dt, len(codes), []*memory.Buffer{v.buffer(), raw(codes)}, v.nulls, 0, dict.Data().(*array.Data))
	defer d.Release()
	return array.MakeFromData(d)
}

// NewFixed makes an array of n rows of a fixed-width type from the bytes of its
// values, in Arrow's layout. It takes over data.
func NewFixed(dt arrow.DataType, n int, data []byte, v *Validity) arrow.Array {
	d := array.NewData(dt, n, []*memory.Buffer{v.buffer(), memory.NewBufferBytes(data)}, nil, v.nulls, 0)
	defer d.Release()
	return array.MakeFromData(d)
}

// NewRecord joins columns, all of the same length, to a record. The fields' types
// are taken from the arrays. It takes over the callers' references.
func NewRecord(fields []arrow.Field, arrays []arrow.Array, rows int) arrow.Record {
	typed := make([]arrow.Field, len(fields))
	for i, f := range fields {
		f.Type = arrays[i].DataType()
		typed[i] = f
	}
	rec := array.NewRecord(arrow.NewSchema(typed, nil), arrays, int64(rows))
	for _, a := range arrays {
		a.Release()
	}
	return rec
}
