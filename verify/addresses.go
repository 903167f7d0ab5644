package verify

import (
	"encoding/binary"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"ipflow/index/interval"
	"ipflow/ingest/column"
	"ipflow/ingest/flow"
)

// addresses is an address column, coded as in coded. An entry takes 5 bytes,
// and 16 more in columns that hold IPv6.
type addresses struct {
	code   []uint32
	family []uint8         // per entry: 4, 6, or 0 for what is no address; room for a vector load behind the end
	v4     []uint32        // per entry, host order; valid iff family is 4
	v6     []interval.IPv6 // per entry up to the last of family 6; valid iff family is 6
	own    []uint32
	own4   []uint32 // memory for v4, which may be the batch's
}

// entry returns where the values of a row stand.
func (l *addresses) entry(row int) uint32 {
	if l.code != nil {
		return l.code[row]
	}
	return uint32(row)
}

// at returns the address of a row; ok is false when it has none.
func (l *addresses) at(row int) (a flow.Address, ok bool) {
	e := l.entry(row)
	switch l.family[e] {
	case 4:
		return flow.AddressFrom4(l.v4[e]), true
	case 6:
		return fromIPv6(l.v6[e]), true
	}
	return a, false
}

func (l *addresses) set(e int, a flow.Address) {
	if a.Is4() {
		l.family[e], l.v4[e] = 4, a.As4()
		return
	}
	if len(l.v6) <= e {
		l.v6 = slices.Grow(l.v6, e+1-len(l.v6))[:e+1]
	}
	l.family[e], l.v6[e] = 6, toIPv6(a)
}

func toIPv6(a flow.Address) interval.IPv6 {
	return interval.IPv6{Hi: binary.BigEndian.Uint64(a[:8]), Lo: binary.BigEndian.Uint64(a[8:])}
}

func fromIPv6(a interval.IPv6) (out flow.Address) {
	binary.BigEndian.PutUint64(out[:8], a.Hi)
	binary.BigEndian.PutUint64(out[8:], a.Lo)
	return out
}

// decode fills the column from an array of n rows.
func (l *addresses) decode(a arrow.Array, n int) {
	l.code, l.v6 = nil, l.v6[:0]
	if a == nil || n == 0 {
		l.begin(n)
		return
	}
	codes, dict := codesOf(a, &l.own)
	if dict == nil {
		l.begin(n)
		l.values(a)
		return
	}
	l.begin(dict.Len() + 1) // the last entry is what null rows point at
	l.values(dict)
	l.code = codes
}

func (l *addresses) begin(entries int) {
	l.family = grow(l.family, entries+4)[:entries]
	clear(l.family)
	l.own4 = grow(l.own4, entries)
	l.v4 = l.own4
}

// values decodes an array that is no dictionary.
func (l *addresses) values(a arrow.Array) {
	nulls := column.NullsOf(a)
	switch x := a.(type) {
	case *array.Uint32:
		if !nulls.Any() && x.Len() == len(l.v4) {
			l.v4 = x.Uint32Values()
			for i := range l.family {
				l.family[i] = 4
			}
			return
		}
		for i, v := range x.Uint32Values() {
			if !nulls.At(i) {
				l.family[i], l.v4[i] = 4, v
			}
		}
	case *array.FixedSizeBinary:
		if width := x.DataType().(*arrow.FixedSizeBinaryType).ByteWidth; width == 16 {
			l.binaries(x, nulls)
		}
	default:
		v, ok := viewStrings(a)
		if !ok {
			return
		}
		binaryColumn := a.DataType().ID() == arrow.BINARY || a.DataType().ID() == arrow.LARGE_BINARY
		known := v.ipv4(l.v4[:a.Len()], l.family)
		for i := range a.Len() {
			if l.family[i] == 4 {
				continue
			}
			t := v.at(i)
			if i >= known {
				if v4, ok := parseIPv4(t); ok {
					l.family[i], l.v4[i] = 4, v4
					continue
				}
			}
			if a, ok := parseAddress(t, binaryColumn); ok {
				l.set(i, a)
			}
		}
	}
}

// binaries decodes addresses of 16 bytes. Families alternate as they like, so
// nothing branches on them.
func (l *addresses) binaries(x *array.FixedSizeBinary, nulls column.Nulls) {
	n := x.Len()
	l.v6 = grow(l.v6, n)
	bytes := x.Data().Buffers()[1].Bytes()[16*x.Data().Offset():]
	v4, v6, family := l.v4[:n], l.v6[:n], l.family[:n]
	for i := range n {
		b := bytes[16*i : 16*i+16]
		hi, lo := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
		other := hi | (lo>>32 ^ 0xffff) // 0 for mapped IPv4
		v4[i], v6[i], family[i] = uint32(lo), interval.IPv6{Hi: hi, Lo: lo}, 4+2*uint8((other|-other)>>63)
	}
	if nulls.Any() {
		for i := range family {
			if nulls.At(i) {
				family[i] = 0
			}
		}
	}
}
