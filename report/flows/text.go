package flows

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"ipflow/report/layout"
)

// style is a text format's way of writing values.
type style struct {
	json  bool
	delim byte // of CSV
}

// text appends a string, quoted as the style needs it.
func (s style) text(dst, v []byte) []byte {
	if s.json {
		return appendJSON(dst, v)
	}
	return appendCSV(dst, v, s.delim)
}

// word appends characters that need no escaping, between quotes in JSON.
func (s style) word(dst []byte, add func([]byte) []byte) []byte {
	if !s.json {
		return add(dst)
	}
	return append(add(append(dst, '"')), '"')
}

func (s style) null(dst []byte) []byte {
	if s.json {
		return append(dst, "null"...)
	}
	return dst
}

// check refuses a field whose type has no place in flat text.
func (s style) check(f layout.Field) error {
	t := f.Type
	if d, ok := t.(*arrow.DictionaryType); ok {
		t = d.ValueType
	}
	b := array.NewBuilder(memory.DefaultAllocator, t)
	defer b.Release()
	none := b.NewArray()
	defer none.Release()
	if _, ok := s.cellOf(none); !ok {
		return &layout.ClashError{Column: f.Name, Reason: fmt.Sprintf("has type %s, which has no place in text", f.Type)}
	}
	return nil
}

// cell appends the value at a position that is not null. It is used by one
// goroutine.
type cell func(dst []byte, i int) []byte

// cellOf returns the writer of an array's values, or false for types that have
// no place in flat text.
func (s style) cellOf(arr arrow.Array) (cell, bool) {
	if f, ok := s.timeCell(arr); ok {
		return f, true
	}
	switch a := arr.(type) {
	case *array.Null:
		return func(dst []byte, _ int) []byte { return s.null(dst) }, true
	case *array.Boolean:
		return func(dst []byte, i int) []byte { return strconv.AppendBool(dst, a.Value(i)) }, true
	case *array.Int8:
		return ints(a.Int8Values()), true
	case *array.Int16:
		return ints(a.Int16Values()), true
	case *array.Int32:
		return ints(a.Int32Values()), true
	case *array.Int64:
		return ints(a.Int64Values()), true
	case *array.Uint8:
		return ints(a.Uint8Values()), true
	case *array.Uint16:
		return ints(a.Uint16Values()), true
	case *array.Uint32:
		return ints(a.Uint32Values()), true
	case *array.Uint64:
		v := a.Uint64Values()
		return func(dst []byte, i int) []byte { return strconv.AppendUint(dst, v[i], 10) }, true
	case *array.Float16:
		return func(dst []byte, i int) []byte { return s.float(dst, float64(a.Value(i).Float32()), 32) }, true
	case *array.Float32:
		return func(dst []byte, i int) []byte { return s.float(dst, float64(a.Value(i)), 32) }, true
	case *array.Float64:
		return func(dst []byte, i int) []byte { return s.float(dst, a.Value(i), 64) }, true
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		return func(dst []byte, i int) []byte { return appendDecimal(dst, a.Value(i).BigInt(), int(scale)) }, true
	case *array.Decimal256:
		scale := a.DataType().(*arrow.Decimal256Type).Scale
		return func(dst []byte, i int) []byte { return appendDecimal(dst, a.Value(i).BigInt(), int(scale)) }, true
	case *array.String, *array.LargeString:
		b, _ := layout.NewBytes(arr)
		return func(dst []byte, i int) []byte { return s.text(dst, b.At(i)) }, true
	case *array.Binary, *array.LargeBinary, *array.FixedSizeBinary:
		b, _ := layout.NewBytes(arr)
		var blob []byte
		return func(dst []byte, i int) []byte {
			blob = appendBlob(blob[:0], b.At(i))
			return s.text(dst, blob)
		}, true
	}
	return nil, false
}

func (s style) timeCell(arr arrow.Array) (cell, bool) {
	switch a := arr.(type) {
	case *array.Date32:
		return func(dst []byte, i int) []byte {
			return s.word(dst, func(d []byte) []byte { return a.Value(i).ToTime().AppendFormat(d, "2006-01-02") })
		}, true
	case *array.Date64:
		return func(dst []byte, i int) []byte {
			return s.word(dst, func(d []byte) []byte { return a.Value(i).ToTime().AppendFormat(d, "2006-01-02") })
		}, true
	case *array.Time32:
		unit := a.DataType().(*arrow.Time32Type).Unit
		return func(dst []byte, i int) []byte {
			return s.word(dst, func(d []byte) []byte { return a.Value(i).ToTime(unit).AppendFormat(d, "15:04:05"+fraction(unit)) })
		}, true
	case *array.Time64:
		unit := a.DataType().(*arrow.Time64Type).Unit
		return func(dst []byte, i int) []byte {
			return s.word(dst, func(d []byte) []byte { return a.Value(i).ToTime(unit).AppendFormat(d, "15:04:05"+fraction(unit)) })
		}, true
	case *array.Timestamp:
		t := a.DataType().(*arrow.TimestampType)
		form := "2006-01-02T15:04:05" + fraction(t.Unit)
		if t.TimeZone != "" {
			form += "Z"
		}
		return func(dst []byte, i int) []byte {
			return s.word(dst, func(d []byte) []byte { return a.Value(i).ToTime(t.Unit).AppendFormat(d, form) })
		}, true
	}
	return nil, false
}

// fraction spells out all digits that the unit has.
func fraction(u arrow.TimeUnit) string {
	return [...]string{arrow.Second: "", arrow.Millisecond: ".000", arrow.Microsecond: ".000000", arrow.Nanosecond: ".000000000"}[u]
}

func ints[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32](v []T) cell {
	return func(dst []byte, i int) []byte { return strconv.AppendInt(dst, int64(v[i]), 10) }
}

// float writes the shortest digits that read back as the same number, with a
// point so that it reads back as a float. JSON has no NaN or infinity: null.
func (s style) float(dst []byte, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		if s.json {
			return s.null(dst)
		}
		return strconv.AppendFloat(dst, v, 'g', -1, bits)
	}
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(dst, v, 'e', -1, bits)
	}
	dst = strconv.AppendFloat(dst, v, 'f', -1, bits)
	if v == math.Trunc(v) {
		dst = append(dst, ".0"...)
	}
	return dst
}

func appendDecimal(dst []byte, n *big.Int, scale int) []byte {
	digits := n.String()
	if digits[0] == '-' {
		dst = append(dst, '-')
		digits = digits[1:]
	}
	if scale <= 0 {
		dst = append(dst, digits...)
		for ; scale < 0 && digits != "0"; scale++ {
			dst = append(dst, '0')
		}
		return dst
	}
	if len(digits) <= scale {
		dst = append(dst, "0."...)
		for range scale - len(digits) {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	dst = append(dst, digits[:len(digits)-scale]...)
	dst = append(dst, '.')
	return append(dst, digits[len(digits)-scale:]...)
}

const upperHex = "0123456789ABCDEF"

// appendBlob writes printable ASCII as it is and other bytes as \xHH.
func appendBlob(dst, v []byte) []byte {
	for _, c := range v {
		if c >= ' ' && c <= '~' && c != '\\' && c != '\'' && c != '"' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '\\', 'x', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

func appendCSV(dst, v []byte, delim byte) []byte {
	quote := false
	for _, c := range v {
		if c == delim || c == '"' || c == '\n' || c == '\r' {
			quote = true
			break
		}
	}
	if !quote {
		return append(dst, v...)
	}
	dst = append(dst, '"')
	for _, c := range v {
		if c == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// appendJSON quotes v. Line separators that JSON allows but line-based readers
// and JavaScript trip over are escaped; bytes that are not UTF-8 become U+FFFD.
func appendJSON(dst, v []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(v); {
		c := v[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			dst = append(dst, v[start:i]...)
			dst = appendEscape(dst, c)
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRune(v[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(append(dst, v[start:i]...), "\uFFFD"...)
			start = i + n
		case r == '\u2028' || r == '\u2029' || r == '\u0085':
			dst = append(append(dst, v[start:i]...), `\u`...)
			dst = append(dst, "0123456789abcdef"[r>>12&15], "0123456789abcdef"[r>>8&15], "0123456789abcdef"[r>>4&15], "0123456789abcdef"[r&15])
			start = i + n
		}
		i += n
	}
	return append(append(dst, v[start:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
