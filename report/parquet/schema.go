package parquet

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"ipflow/report/layout"
)

// order is how a column's values compare in statistics.
type order uint8

const (
	unordered order = iota
	signed
	unsigned
	float
	lexical        // bytes, unsigned
	twosComplement // bytes, big-endian signed
)

// leaf is a column of the file.
type leaf struct {
	schema format.SchemaElement
	order  order
	port   bool
	value  arrow.DataType // of kept columns: the value type, never a dictionary
}

func (l *leaf) physical() format.Type { return l.schema.Type.V }

func (l *leaf) required() bool { return l.schema.RepetitionType.V == format.Required }

func newLeaf(name string, physical format.Type, o order) leaf {
	return leaf{order: o, schema: format.SchemaElement{
		Name:           name,
		Type:           thrift.New(physical),
		RepetitionType: thrift.New(format.Optional),
	}}
}

func (l *leaf) convert(c deprecated.ConvertedType) { l.schema.ConvertedType = thrift.New(c) }

func (l *leaf) logical(v format.LogicalTypeValue) {
	l.schema.LogicalType = format.LogicalType{Value: v}
}

func stringLeaf(name string) leaf {
	l := newLeaf(name, format.ByteArray, lexical)
	l.convert(deprecated.UTF8)
	l.logical(&format.StringType{})
	return l
}

func intLeaf(name string, bits int8, isSigned bool) leaf {
	physical, o := format.Int32, unsigned
	if bits == 64 {
		physical = format.Int64
	}
	if isSigned {
		o = signed
	}
	l := newLeaf(name, physical, o)
	if isSigned && bits >= 32 {
		return l // the physical type says it all
	}
	l.logical(&format.IntType{BitWidth: bits, IsSigned: isSigned})
	switch {
	case bits == 8 && isSigned:
		l.convert(deprecated.Int8)
	case bits == 16 && isSigned:
		l.convert(deprecated.Int16)
	case bits == 8:
		l.convert(deprecated.Uint8)
	case bits == 16:
		l.convert(deprecated.Uint16)
	case bits == 32:
		l.convert(deprecated.Uint32)
	default:
		l.convert(deprecated.Uint64)
	}
	return l
}

func fixedLeaf(name string, width int, o order) leaf {
	l := newLeaf(name, format.FixedLenByteArray, o)
	l.schema.TypeLength = thrift.New(int32(width))
	return l
}

// keptLeaf maps an Arrow type to Parquet's so that other readers see the same
// values.
func keptLeaf(f layout.Field) (leaf, error) {
	f.Name = strings.ToValidUTF8(f.Name, "\uFFFD")
	if f.Port {
		l := intLeaf(f.Name, 32, true)
		l.port, l.value = true, arrow.PrimitiveTypes.Int32
		return l, nil
	}
	value := f.Type
	if d, ok := value.(*arrow.DictionaryType); ok {
		value = d.ValueType
	}
	l, ok := valueLeaf(f.Name, value)
	if !ok {
		return leaf{}, &layout.ClashError{Column: f.Name, Reason: fmt.Sprintf("has type %s, which has no place in a flat Parquet file", f.Type)}
	}
	l.value = value
	l.annotate(f.Logical)
	if f.Required {
		l.schema.RepetitionType = thrift.New(format.Required)
	}
	return l, nil
}

// annotate adds a logical type that Arrow has no word for, where the physical
// type takes it.
func (l *leaf) annotate(logical string) {
	width := l.schema.TypeLength.V
	switch {
	case l.physical() == format.ByteArray && logical == "JSON":
		l.convert(deprecated.Json)
		l.logical(&format.JsonType{})
	case l.physical() == format.ByteArray && logical == "BSON":
		l.convert(deprecated.Bson)
		l.logical(&format.BsonType{})
	case l.physical() == format.ByteArray && logical == "ENUM":
		l.convert(deprecated.Enum)
		l.logical(&format.EnumType{})
	case width == 16 && logical == "UUID" && !l.schema.Precision.Valid:
		l.logical(&format.UUIDType{})
	case width == 12 && logical == "INTERVAL" && !l.schema.Precision.Valid:
		l.convert(deprecated.Interval)
		l.order = unordered
	}
}

func valueLeaf(name string, value arrow.DataType) (leaf, bool) {
	switch t := value.(type) {
	case *arrow.NullType:
		l := newLeaf(name, format.Int32, unordered)
		l.logical(&format.NullType{})
		return l, true
	case *arrow.BooleanType:
		return newLeaf(name, format.Boolean, unordered), true
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type:
		return intLeaf(name, int8(t.(arrow.FixedWidthDataType).BitWidth()), true), true
	case *arrow.Uint8Type, *arrow.Uint16Type, *arrow.Uint32Type, *arrow.Uint64Type:
		return intLeaf(name, int8(t.(arrow.FixedWidthDataType).BitWidth()), false), true
	case *arrow.Float32Type:
		return newLeaf(name, format.Float, float), true
	case *arrow.Float64Type:
		return newLeaf(name, format.Double, float), true
	case *arrow.StringType, *arrow.LargeStringType:
		return stringLeaf(name), true
	case *arrow.BinaryType, *arrow.LargeBinaryType:
		return newLeaf(name, format.ByteArray, lexical), true
	case *arrow.FixedSizeBinaryType:
		return fixedLeaf(name, t.ByteWidth, lexical), t.ByteWidth > 0
	case *arrow.Float16Type:
		l := fixedLeaf(name, 2, unordered)
		l.logical(&format.Float16Type{})
		return l, true
	case *arrow.Decimal128Type:
		return decimalLeaf(name, t.Precision, t.Scale, 38)
	case *arrow.Decimal256Type:
		return decimalLeaf(name, t.Precision, t.Scale, 76)
	case *arrow.Date32Type, *arrow.Date64Type:
		l := newLeaf(name, format.Int32, signed)
		l.convert(deprecated.Date)
		l.logical(&format.DateType{})
		return l, true
	case *arrow.Time32Type:
		l := newLeaf(name, format.Int32, signed)
		l.logical(&format.TimeType{Unit: timeUnit(t.Unit)})
		return l, true
	case *arrow.Time64Type:
		l := newLeaf(name, format.Int64, signed)
		l.logical(&format.TimeType{Unit: timeUnit(t.Unit)})
		return l, true
	case *arrow.TimestampType:
		return timestampLeaf(name, t), true
	}
	return leaf{}, false
}

func decimalLeaf(name string, precision, scale, most int32) (leaf, bool) {
	if precision < 1 || precision > most || scale < 0 || scale > precision {
		return leaf{}, false
	}
	l := fixedLeaf(name, decimalWidth(precision), twosComplement)
	l.convert(deprecated.Decimal)
	l.schema.Scale, l.schema.Precision = thrift.New(scale), thrift.New(precision)
	l.logical(&format.DecimalType{Scale: scale, Precision: precision})
	return l, true
}

// timestampLeaf adds the old annotation only for instants: it has no way to say
// "local time".
func timestampLeaf(name string, t *arrow.TimestampType) leaf {
	l := newLeaf(name, format.Int64, signed)
	utc := t.TimeZone != ""
	l.logical(&format.TimestampType{IsAdjustedToUTC: utc, Unit: timeUnit(t.Unit)})
	switch {
	case !utc:
	case t.Unit == arrow.Second || t.Unit == arrow.Millisecond:
		l.convert(deprecated.TimestampMillis)
	case t.Unit == arrow.Microsecond:
		l.convert(deprecated.TimestampMicros)
	}
	return l
}

func timeUnit(u arrow.TimeUnit) format.TimeUnit {
	switch u {
	case arrow.Second, arrow.Millisecond:
		return format.TimeUnit{Value: &format.MilliSeconds{}}
	case arrow.Microsecond:
		return format.TimeUnit{Value: &format.MicroSeconds{}}
	case arrow.Nanosecond:
		return format.TimeUnit{Value: &format.NanoSeconds{}}
	}
	panic(fmt.Sprintf("parquet: time unit %d", u))
}

// decimalWidth returns the bytes that hold any number of so many digits, sign
// included.
func decimalWidth(precision int32) int {
	bits := float64(precision)*3.3219280948873626 + 1 // log2(10) each
	return (int(bits) + 8) / 8
}

// resultLeaves are the columns after the kept ones.
func resultLeaves(n layout.Result) []leaf {
	var leaves []leaf
	for r := range n {
		if r == layout.Priority {
			leaves = append(leaves, intLeaf(r.String(), 32, true))
		} else {
			leaves = append(leaves, stringLeaf(r.String()))
		}
	}
	return leaves
}
