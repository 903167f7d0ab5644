package parquet

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/parquet-go/parquet-go/format"

	"ipflow/report/layout"
)

// values are an array's values in the column's physical type; exactly one of the
// fields is in use. Positions count from the array's first value, nulls included.
type values struct {
	leaf  *leaf
	v32   []uint32
	v64   []uint64
	bools *array.Boolean
	bytes layout.Bytes
}

// load views arr as the leaf's physical values, in s where they must be
// converted.
func load(l *leaf, arr arrow.Array, s *scratch) (values, error) {
	v := values{leaf: l}
	var err error
	switch l.physical() {
	case format.Int32, format.Float:
		err = v.load32(arr, s)
	case format.Int64, format.Double:
		err = v.load64(arr, s)
	case format.Boolean:
		var ok bool
		if v.bools, ok = arr.(*array.Boolean); !ok {
			err = typeError(l, arr)
		}
	default:
		err = v.loadBytes(arr, s)
	}
	return v, err
}

func typeError(l *leaf, arr arrow.Array) error {
	return fmt.Errorf("column %q began as %s and goes on as %s", l.schema.Name, l.value, arr.DataType())
}

func (v *values) load32(arr arrow.Array, s *scratch) error {
	if arr.DataType().ID() != v.leaf.value.ID() {
		return typeError(v.leaf, arr)
	}
	switch a := arr.(type) {
	case *array.Int32:
		v.v32 = as32(a.Int32Values())
	case *array.Uint32:
		v.v32 = a.Uint32Values()
	case *array.Float32:
		v.v32 = as32(a.Float32Values())
	case *array.Date32:
		v.v32 = as32(a.Date32Values())
	case *array.Int8:
		v.v32 = widen32(s, a.Int8Values())
	case *array.Int16:
		v.v32 = widen32(s, a.Int16Values())
	case *array.Uint8:
		v.v32 = widen32(s, a.Uint8Values())
	case *array.Uint16:
		v.v32 = widen32(s, a.Uint16Values())
	case *array.Null:
	case *array.Date64:
		v.v32 = s.grow32(a.Len())
		for i, ms := range a.Date64Values() {
			day := int64(ms) / 86_400_000
			if int64(ms)%86_400_000 < 0 {
				day--
			}
			if int64(int32(day)) != day && a.IsValid(i) {
				return fmt.Errorf("column %q: date64 %d is outside Parquet's dates", v.leaf.schema.Name, ms)
			}
			v.v32[i] = uint32(int32(day))
		}
	case *array.Time32:
		v.v32 = as32(a.Time32Values())
		if a.DataType().(*arrow.Time32Type).Unit == arrow.Second {
			ms := s.grow32(a.Len())
			for i, sec := range a.Time32Values() {
				if (sec < 0 || sec > 86_400) && a.IsValid(i) {
					return fmt.Errorf("column %q: time32 %d is outside a day", v.leaf.schema.Name, sec)
				}
				ms[i] = uint32(sec) * 1000
			}
			v.v32 = ms
		}
	default:
		return typeError(v.leaf, arr)
	}
	return nil
}

func (v *values) load64(arr arrow.Array, s *scratch) error {
	if arr.DataType().ID() != v.leaf.value.ID() {
		return typeError(v.leaf, arr)
	}
	switch a := arr.(type) {
	case *array.Int64:
		v.v64 = as64(a.Int64Values())
	case *array.Uint64:
		v.v64 = a.Uint64Values()
	case *array.Float64:
		v.v64 = as64(a.Float64Values())
	case *array.Time64:
		v.v64 = as64(a.Time64Values())
	case *array.Timestamp:
		v.v64 = as64(a.TimestampValues())
		if a.DataType().(*arrow.TimestampType).Unit == arrow.Second {
			ms := s.grow64(a.Len())
			for i, sec := range a.TimestampValues() {
				if (sec > math.MaxInt64/1000 || sec < math.MinInt64/1000) && a.IsValid(i) {
					return fmt.Errorf("column %q: %d seconds are too many for Parquet's milliseconds", v.leaf.schema.Name, sec)
				}
				ms[i] = uint64(sec) * 1000
			}
			v.v64 = ms
		}
	default:
		return typeError(v.leaf, arr)
	}
	return nil
}

func (v *values) loadBytes(arr arrow.Array, s *scratch) error {
	width := int(v.leaf.schema.TypeLength.V)
	switch a := arr.(type) {
	case *array.Decimal128, *array.Decimal256, *array.Float16:
		if !arrow.TypeEqual(a.DataType(), v.leaf.value) {
			return typeError(v.leaf, arr)
		}
		raw, ok := appendFixed(s.fixed[:0], a, width)
		if !ok {
			return fmt.Errorf("column %q: a value has more digits than %s holds", v.leaf.schema.Name, v.leaf.value)
		}
		s.fixed = raw
		v.bytes = layout.PlainBytes(raw, width)
		return nil
	}
	if f, ok := arr.(*array.FixedSizeBinary); ok != (width > 0) || ok && f.DataType().(*arrow.FixedSizeBinaryType).ByteWidth != width {
		return typeError(v.leaf, arr)
	}
	b, ok := layout.NewBytes(arr)
	if !ok {
		return typeError(v.leaf, arr)
	}
	v.bytes = b
	return nil
}

// appendFixed lays decimals out big-endian in width bytes, and half floats
// little-endian; false when a decimal does not fit its type.
func appendFixed(raw []byte, arr arrow.Array, width int) ([]byte, bool) {
	var be [32]byte
	switch a := arr.(type) {
	case *array.Decimal128:
		precision := a.DataType().(*arrow.Decimal128Type).Precision
		for i, n := range a.Values() {
			if a.IsValid(i) && !n.FitsInPrecision(precision) {
				return nil, false
			}
			binary.BigEndian.PutUint64(be[16:], uint64(n.HighBits()))
			binary.BigEndian.PutUint64(be[24:], n.LowBits())
			raw = append(raw, be[32-width:]...)
		}
	case *array.Decimal256:
		precision := a.DataType().(*arrow.Decimal256Type).Precision
		for i, n := range a.Values() {
			if a.IsValid(i) && !n.FitsInPrecision(precision) {
				return nil, false
			}
			for w, x := range n.Array() { // lowest word first
				binary.BigEndian.PutUint64(be[24-8*w:], x)
			}
			raw = append(raw, be[32-width:]...)
		}
	case *array.Float16:
		for _, h := range a.Values() {
			raw = binary.LittleEndian.AppendUint16(raw, h.Uint16())
		}
	}
	return raw, true
}

// as32 and as64 reinterpret values of the same size.
func as32[T ~int32 | ~float32](in []T) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(in))), len(in))
}

func as64[T ~int64 | ~float64](in []T) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(in))), len(in))
}

func widen32[T int8 | int16 | uint8 | uint16](s *scratch, in []T) []uint32 {
	out := s.grow32(len(in))
	for i, x := range in {
		out[i] = uint32(int32(x))
	}
	return out
}

// appendPlain appends the values at the positions in PLAIN encoding.
func (v *values) appendPlain(dst []byte, at []uint32) []byte {
	switch v.leaf.physical() {
	case format.Int32, format.Float:
		for _, p := range at {
			dst = binary.LittleEndian.AppendUint32(dst, v.v32[p])
		}
	case format.Int64, format.Double:
		for _, p := range at {
			dst = binary.LittleEndian.AppendUint64(dst, v.v64[p])
		}
	case format.Boolean:
		for i, p := range at {
			if i&7 == 0 {
				dst = append(dst, 0)
			}
			if v.bools.Value(int(p)) {
				dst[len(dst)-1] |= 1 << (i & 7)
			}
		}
	case format.ByteArray:
		for _, p := range at {
			b := v.bytes.At(int(p))
			dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b)))
			dst = append(dst, b...)
		}
	default:
		for _, p := range at {
			dst = append(dst, v.bytes.At(int(p))...)
		}
	}
	return dst
}

// plainSize returns the length of appendPlain's bytes.
func (v *values) plainSize(at []uint32) int64 {
	switch v.leaf.physical() {
	case format.Boolean:
		return int64(len(at)+7) / 8
	case format.Int32, format.Float:
		return 4 * int64(len(at))
	case format.Int64, format.Double:
		return 8 * int64(len(at))
	case format.FixedLenByteArray:
		return int64(v.leaf.schema.TypeLength.V) * int64(len(at))
	}
	n := int64(0)
	for _, p := range at {
		n += 4 + int64(len(v.bytes.At(int(p))))
	}
	return n
}
