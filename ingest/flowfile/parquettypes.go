package flowfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"ipflow/ingest/column"
)

// leaf is a top-level column of a Parquet file.
type leaf struct {
	name     string
	index    int // of its chunk in a row group; of its first one when nested
	nested   bool
	optional bool
	physical format.Type
	width    int // bytes of a stored value, 0 for BYTE_ARRAY and BOOLEAN
	allNull  bool
	field    arrow.Field
	size     int // bytes of an Arrow value, 0 for strings, binaries and booleans
	// convert turns a stored value into an Arrow one, or, where inRuns is set, any
	// number of them; nil when they are equal.
	convert func(dst, src []byte) error
	inRuns  bool
}

// leavesOf reads the top level of a schema: its elements in depth-first order.
func leavesOf(schema []format.SchemaElement) ([]leaf, error) {
	if len(schema) == 0 {
		return nil, errors.New("the schema is empty")
	}
	var out []leaf
	leaves := 0
	for i := 1; i < len(schema); {
		e := &schema[i]
		first := leaves
		next, err := skipElement(schema, i, &leaves)
		if err != nil {
			return nil, err
		}
		l := leaf{name: e.Name, index: first, nested: next > i+1 || e.NumChildren.Valid && e.NumChildren.V > 0}
		if e.RepetitionType.Valid {
			l.optional = e.RepetitionType.V == format.Optional
			l.nested = l.nested || e.RepetitionType.V == format.Repeated
		}
		if !l.nested {
			l.settle(e)
		}
		out = append(out, l)
		i = next
	}
	return out, nil
}

// skipElement returns the index after the element's subtree and counts its
// leaves.
func skipElement(schema []format.SchemaElement, i int, leaves *int) (int, error) {
	open := 1 // elements still to come, this one included
	for ; open > 0; i++ {
		if i == len(schema) {
			return 0, errors.New("the schema promises more columns than it has")
		}
		open--
		n := schema[i].NumChildren
		if !n.Valid || n.V == 0 {
			*leaves++
			continue
		}
		if n.V < 0 || int(n.V) > len(schema) {
			return 0, errors.New("the schema promises more columns than it has")
		}
		open += int(n.V)
	}
	return i, nil
}

func (l *leaf) settle(e *format.SchemaElement) {
	l.physical = e.Type.V
	switch l.physical {
	case format.Int32, format.Float:
		l.width = 4
	case format.Int64, format.Double:
		l.width = 8
	case format.Int96:
		l.width = 12
	case format.FixedLenByteArray:
		l.width = int(e.TypeLength.V)
	}
	t, logical, convert := arrowType(e)
	l.convert = convert
	l.field = arrow.Field{Name: e.Name, Type: t, Nullable: l.optional}
	if logical != "" {
		l.field.Metadata = arrow.NewMetadata([]string{column.LogicalKey}, []string{logical})
	}
	if f, ok := t.(arrow.FixedWidthDataType); ok {
		l.size = f.BitWidth() / 8
	}
	l.inRuns = l.physical == format.Int32 && l.size > 0 && l.size < l.width // narrow's
	if _, l.allNull = e.LogicalType.Value.(*format.NullType); l.allNull {
		l.field.Nullable = true
	}
}

type converter = func(dst, src []byte) error

// arrowType chooses the Arrow type that holds every value of a column, and
// names the logical type where the Arrow type does not.
func arrowType(e *format.SchemaElement) (t arrow.DataType, logical string, convert converter) {
	if p, s, ok := decimalOf(e); ok {
		if p <= 38 {
			return &arrow.Decimal128Type{Precision: p, Scale: s}, "", decimal(e.Type.V)
		}
		return &arrow.Decimal256Type{Precision: p, Scale: s}, "", decimal(e.Type.V)
	}
	switch e.Type.V {
	case format.Boolean:
		return arrow.FixedWidthTypes.Boolean, "", nil
	case format.Int32:
		t, convert = int32Type(e)
		return t, "", convert
	case format.Int64:
		return int64Type(e), "", nil
	case format.Int96:
		return &arrow.TimestampType{Unit: arrow.Nanosecond}, "", int96
	case format.Float:
		return arrow.PrimitiveTypes.Float32, "", nil
	case format.Double:
		return arrow.PrimitiveTypes.Float64, "", nil
	case format.FixedLenByteArray:
		switch e.LogicalType.Value.(type) {
		case *format.Float16Type:
			return arrow.FixedWidthTypes.Float16, "", nil
		case *format.UUIDType:
			logical = "UUID"
		}
		if e.ConvertedType.Valid && e.ConvertedType.V == deprecated.Interval {
			logical = "INTERVAL"
		}
		return &arrow.FixedSizeBinaryType{ByteWidth: int(e.TypeLength.V)}, logical, nil
	}
	return byteArrayType(e)
}

func byteArrayType(e *format.SchemaElement) (arrow.DataType, string, converter) {
	switch t := e.LogicalType.Value.(type) {
	case *format.StringType:
		return arrow.BinaryTypes.String, "", nil
	case *format.EnumType, *format.JsonType:
		return arrow.BinaryTypes.String, t.String(), nil
	case nil:
	case *format.NullType:
		return arrow.BinaryTypes.String, "", nil
	default:
		return arrow.BinaryTypes.Binary, t.String(), nil
	}
	if e.ConvertedType.Valid {
		switch e.ConvertedType.V {
		case deprecated.UTF8:
			return arrow.BinaryTypes.String, "", nil
		case deprecated.Enum:
			return arrow.BinaryTypes.String, "ENUM", nil
		case deprecated.Json:
			return arrow.BinaryTypes.String, "JSON", nil
		case deprecated.Bson:
			return arrow.BinaryTypes.Binary, "BSON", nil
		}
	}
	return arrow.BinaryTypes.Binary, "", nil
}

func decimalOf(e *format.SchemaElement) (precision, scale int32, ok bool) {
	switch {
	case e.Type.V == format.Boolean || e.Type.V == format.Float || e.Type.V == format.Double || e.Type.V == format.Int96:
		return 0, 0, false
	case e.ConvertedType.Valid && e.ConvertedType.V == deprecated.Decimal:
		precision, scale = e.Precision.V, e.Scale.V
	}
	if d, is := e.LogicalType.Value.(*format.DecimalType); is {
		precision, scale = d.Precision, d.Scale
	}
	return precision, scale, precision > 0 && precision <= 76
}

func int32Type(e *format.SchemaElement) (arrow.DataType, converter) {
	bits, signed := 32, true
	switch t := e.LogicalType.Value.(type) {
	case *format.IntType:
		bits, signed = int(t.BitWidth), t.IsSigned
	case *format.DateType:
		return arrow.FixedWidthTypes.Date32, nil
	case *format.TimeType:
		return arrow.FixedWidthTypes.Time32ms, nil
	case nil:
		if e.ConvertedType.Valid {
			switch e.ConvertedType.V {
			case deprecated.Date:
				return arrow.FixedWidthTypes.Date32, nil
			case deprecated.TimeMillis:
				return arrow.FixedWidthTypes.Time32ms, nil
			case deprecated.Uint8:
				bits, signed = 8, false
			case deprecated.Uint16:
				bits, signed = 16, false
			case deprecated.Uint32:
				bits, signed = 32, false
			case deprecated.Int8:
				bits = 8
			case deprecated.Int16:
				bits = 16
			}
		}
	}
	switch {
	case bits == 8 && signed:
		return arrow.PrimitiveTypes.Int8, narrow(math.MinInt8, math.MaxInt8, 1)
	case bits == 16 && signed:
		return arrow.PrimitiveTypes.Int16, narrow(math.MinInt16, math.MaxInt16, 2)
	case bits == 8:
		return arrow.PrimitiveTypes.Uint8, narrow(0, math.MaxUint8, 1)
	case bits == 16:
		return arrow.PrimitiveTypes.Uint16, narrow(0, math.MaxUint16, 2)
	case !signed:
		return arrow.PrimitiveTypes.Uint32, nil
	}
	return arrow.PrimitiveTypes.Int32, nil
}

func int64Type(e *format.SchemaElement) arrow.DataType {
	switch t := e.LogicalType.Value.(type) {
	case *format.IntType:
		if !t.IsSigned {
			return arrow.PrimitiveTypes.Uint64
		}
	case *format.TimeType:
		if _, nanos := t.Unit.Value.(*format.NanoSeconds); nanos {
			return arrow.FixedWidthTypes.Time64ns
		}
		return arrow.FixedWidthTypes.Time64us
	case *format.TimestampType:
		zone := ""
		if t.IsAdjustedToUTC {
			zone = "UTC"
		}
		unit := arrow.Nanosecond
		switch t.Unit.Value.(type) {
		case *format.MilliSeconds:
			unit = arrow.Millisecond
		case *format.MicroSeconds:
			unit = arrow.Microsecond
		}
		return &arrow.TimestampType{Unit: unit, TimeZone: zone}
	case nil:
		if e.ConvertedType.Valid {
			switch e.ConvertedType.V {
			case deprecated.Uint64:
				return arrow.PrimitiveTypes.Uint64
			case deprecated.TimeMicros:
				return arrow.FixedWidthTypes.Time64us
			case deprecated.TimestampMillis:
				return &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}
			case deprecated.TimestampMicros:
				return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
			}
		}
	}
	return arrow.PrimitiveTypes.Int64
}

// narrow stores 32-bit integers in 1 or 2 bytes each. Parquet has no smaller
// integers, and a writer may have broken its own promise.
func narrow(low, high int32, size int) converter {
	return func(dst, src []byte) error {
		outside := false
		for i := 0; i+4 <= len(src); i += 4 {
			v := int32(binary.LittleEndian.Uint32(src[i:]))
			outside = outside || v < low || v > high
			if size == 1 {
				dst[i>>2] = byte(v)
			} else {
				binary.LittleEndian.PutUint16(dst[i>>1:], uint16(v))
			}
		}
		if !outside {
			return nil
		}
		for ; ; src = src[4:] {
			if v := int32(binary.LittleEndian.Uint32(src)); v < low || v > high {
				return fmt.Errorf("value %d is outside %d to %d, which its type promises", v, low, high)
			}
		}
	}
}

// int96 turns nanoseconds of the day and a Julian day, little-endian both, into
// nanoseconds since 1970.
// https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#deprecated-timestamp-int96
func int96(dst, src []byte) error {
	const epoch, day = 2440588, 86_400_000_000_000
	nanos := int64(binary.LittleEndian.Uint64(src))
	days := int64(int32(binary.LittleEndian.Uint32(src[8:]))) - epoch
	if days > math.MaxInt64/day-1 || days < math.MinInt64/day+1 || nanos < 0 || nanos >= day {
		return errors.New("an INT96 time is outside the years 1678 to 2261")
	}
	binary.LittleEndian.PutUint64(dst, uint64(days*day+nanos))
	return nil
}

// decimal widens a two's complement number to Arrow's little-endian form.
func decimal(physical format.Type) converter {
	bigEndian := physical == format.ByteArray || physical == format.FixedLenByteArray
	return func(dst, src []byte) error {
		n := len(src)
		at := func(i int) byte { // by significance
			if bigEndian {
				return src[n-1-i]
			}
			return src[i]
		}
		var fill byte
		if n > 0 && at(n-1)&0x80 != 0 {
			fill = 0xff
		}
		for i := range dst {
			dst[i] = fill
		}
		for i := range n {
			switch {
			case i < len(dst):
				dst[i] = at(i)
			case at(i) != fill:
				return errors.New("a decimal does not fit its precision")
			}
		}
		if dst[len(dst)-1]&0x80 != fill&0x80 {
			return errors.New("a decimal does not fit its precision")
		}
		return nil
	}
}
