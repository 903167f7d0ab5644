package column

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Check reports why an array that came from outside cannot be trusted: offsets
// that run backwards or past the data, codes outside their dictionary, buffers
// too short for the rows. Nested types are not looked into.
func Check(a arrow.Array) error {
	if a.DataType().ID() == arrow.NULL {
		return nil
	}
	d := a.Data()
	need := d.Offset() + d.Len()
	if d.NullN() > 0 {
		if b := d.Buffers()[0]; b == nil || b.Len() < (need+7)/8 {
			return fmt.Errorf("null bitmap is shorter than %d rows", need)
		}
	}
	switch a := a.(type) {
	case *array.String, *array.Binary:
		return checkOffsets(arrow.Int32Traits.CastFromBytes, 4, d)
	case *array.LargeString, *array.LargeBinary:
		return checkOffsets(arrow.Int64Traits.CastFromBytes, 8, d)
	case *array.Dictionary:
		if err := Check(a.Dictionary()); err != nil {
			return fmt.Errorf("dictionary: %w", err)
		}
		if err := checkWidth(a.Indices().DataType(), d); err != nil {
			return err
		}
		return checkCodes(a)
	}
	return checkWidth(a.DataType(), d)
}

func checkOffsets[T int32 | int64](cast func([]byte) []T, width int, d arrow.ArrayData) error {
	if d.Len() == 0 {
		return nil
	}
	b := d.Buffers()[1]
	if b == nil || b.Len() < (d.Offset()+d.Len()+1)*width {
		return fmt.Errorf("offsets are shorter than %d rows", d.Len())
	}
	var size T
	if v := d.Buffers()[2]; v != nil {
		size = T(v.Len())
	}
	off := cast(b.Bytes())[d.Offset() : d.Offset()+d.Len()+1]
	if off[0] < 0 || off[len(off)-1] > size {
		return fmt.Errorf("offsets run past %d bytes of data", size)
	}
	for i := 1; i < len(off); i++ {
		if off[i] < off[i-1] {
			return fmt.Errorf("offsets run backwards at row %d", i-1)
		}
	}
	return nil
}

func checkWidth(t arrow.DataType, d arrow.ArrayData) error {
	f, ok := t.(arrow.FixedWidthDataType)
	if !ok || d.Len() == 0 {
		return nil
	}
	b := d.Buffers()[1]
	if bits := (d.Offset() + d.Len()) * f.BitWidth(); b == nil || b.Len() < (bits+7)/8 {
		return fmt.Errorf("values are shorter than %d rows", d.Len())
	}
	return nil
}

func checkCodes(a *array.Dictionary) error {
	nulls, size := NullsOf(a), a.Dictionary().Len()
	for i := range a.Len() {
		if c := a.GetValueIndex(i); (c < 0 || c >= size) && !nulls.At(i) {
			return fmt.Errorf("row %d has code %d of a dictionary of %d", i, c, size)
		}
	}
	return nil
}
