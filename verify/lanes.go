package verify

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"ipflow/ingest/column"
	"ipflow/ingest/flow"
)

// Lanes are the flow columns of a batch decoded to numbers, one element a row.
// A worker reuses its lanes from batch to batch.
type lanes struct {
	direction             []flow.Direction // 0 is bad
	protocol              []int16          // -1 is bad
	localPort, remotePort []uint32         // 0-65535, or one of the port codes
	local, remote         []flow.Address
	localOK, remoteOK     []bool
	nic, vm               []int32 // index into the texts seen by the worker; 0 is empty
}

// Codes of a port lane that are no port.
const (
	portOpen uint32 = 1<<16 + iota // null, empty or `*`
	portBad
)

// decode fills the lanes from the batch.
func (l *lanes) decode(b *column.Batch, nicTexts, vmTexts *texts) {
	n := b.Rows()
	col := func(name column.Name) arrow.Array {
		if i := b.Flow[name]; i >= 0 {
			return b.Record.Column(i)
		}
		return nil
	}
	l.direction = decodeTexts(l.direction, col(column.Direction), n, 0, parseDirection)
	l.protocol = decodeProtocol(l.protocol, col(column.Protocol), n)
	l.localPort = decodePorts(l.localPort, col(column.LocalPort), n)
	l.remotePort = decodePorts(l.remotePort, col(column.RemotePort), n)
	l.local, l.localOK = decodeAddresses(l.local, l.localOK, col(column.LocalIP), n)
	l.remote, l.remoteOK = decodeAddresses(l.remote, l.remoteOK, col(column.RemoteIP), n)
	l.nic = decodeTexts(l.nic, col(column.NIC), n, 0, nicTexts.index)
	l.vm = decodeTexts(l.vm, col(column.VM), n, 0, vmTexts.index)
}

// resize returns a slice of n elements, all set to fill.
func resize[T any](s []T, n int, fill T) []T {
	if cap(s) < n {
		s = make([]T, n)
	}
	s = s[:n]
	for i := range s {
		s[i] = fill
	}
	return s
}

// stringView is the text of a string-like Arrow array, row by row.
type stringView struct {
	bytes []byte
	off32 []int32
	off64 []int64
	nulls arrow.Array // nil when there are none
}

// viewStrings returns false for arrays that hold no text.
func viewStrings(a arrow.Array) (stringView, bool) {
	v := stringView{}
	if a.NullN() > 0 {
		v.nulls = a
	}
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
	if v.nulls != nil && v.nulls.IsNull(i) {
		return nil
	}
	if v.off64 != nil {
		base := v.off64[0]
		return v.bytes[v.off64[i]-base : v.off64[i+1]-base]
	}
	base := v.off32[0]
	return v.bytes[v.off32[i]-base : v.off32[i+1]-base]
}

// decodeTexts parses a text column; parse is called once per dictionary entry
// where there is a dictionary, else once per run of equal values. Nulls, absent
// columns and columns of other types give fill.
func decodeTexts[T any](out []T, a arrow.Array, n int, fill T, parse func([]byte) T) []T {
	out = resize(out, n, fill)
	if a == nil || n == 0 {
		return out
	}
	if d, ok := a.(*array.Dictionary); ok {
		entries := decodeTexts(nil, d.Dictionary(), d.Dictionary().Len(), fill, parse)
		eachCode(d, func(i, code int) { out[i] = entries[code] })
		return out
	}
	v, ok := viewStrings(a)
	if !ok {
		return out
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
	return out
}

// eachCode calls f for every row that is not null with its dictionary index.
func eachCode(d *array.Dictionary, f func(row, code int)) {
	nulls := d.NullN() > 0
	if idx, ok := d.Indices().(*array.Uint32); ok && !nulls {
		for i, c := range idx.Uint32Values() {
			f(i, int(c))
		}
		return
	}
	for i := range d.Len() {
		if !nulls || !d.IsNull(i) {
			f(i, d.GetValueIndex(i))
		}
	}
}

func parseDirection(t []byte) flow.Direction {
	d, _ := flow.ParseDirection(strings.TrimSpace(string(t)))
	return d
}

func decodeProtocol(out []int16, a arrow.Array, n int) []int16 {
	if a != nil {
		if get, ok := integers(a); ok {
			out = resize(out, n, -1)
			for i := range out {
				if v, ok := get(i); ok && v >= 0 && v <= 255 {
					out[i] = int16(v)
				}
			}
			return out
		}
	}
	return decodeTexts(out, a, n, -1, func(t []byte) int16 {
		if p, ok := flow.ParseProtocol(strings.TrimSpace(string(t))); ok {
			return int16(p)
		}
		return -1
	})
}

func decodePorts(out []uint32, a arrow.Array, n int) []uint32 {
	if a == nil {
		return resize(out, n, portOpen)
	}
	switch x := a.(type) {
	case *array.Uint16:
		out = resize(out, n, portOpen)
		values := x.Uint16Values()
		if x.NullN() == 0 {
			for i, v := range values {
				out[i] = uint32(v)
			}
			return out
		}
	case *array.Int32:
		if x.NullN() == 0 {
			out = resize(out, n, portBad)
			for i, v := range x.Int32Values() {
				if uint32(v) <= math.MaxUint16 {
					out[i] = uint32(v)
				}
			}
			return out
		}
	}
	if get, ok := integers(a); ok {
		out = resize(out, n, portOpen)
		for i := range out {
			if v, ok := get(i); ok {
				out[i] = portBad
				if v >= 0 && v <= math.MaxUint16 {
					out[i] = uint32(v)
				}
			}
		}
		return out
	}
	if !isText(a) {
		return resize(out, n, portBad)
	}
	return decodeTexts(out, a, n, portOpen, parsePort)
}

// parsePort reads a decimal port; empty and `*` leave it open.
func parsePort(t []byte) uint32 {
	v := uint32(0)
	for _, c := range t {
		if c < '0' || c > '9' || v > math.MaxUint16 {
			return parseOddPort(t)
		}
		v = v*10 + uint32(c-'0')
	}
	if len(t) == 0 {
		return portOpen
	}
	if v > math.MaxUint16 {
		return portBad
	}
	return v
}

func parseOddPort(t []byte) uint32 {
	s := strings.TrimSpace(string(t))
	if s == "" || s == "*" {
		return portOpen
	}
	if p, ok := flow.ParsePort(s); ok {
		return uint32(p)
	}
	return portBad
}

func isText(a arrow.Array) bool {
	if d, ok := a.(*array.Dictionary); ok {
		a = d.Dictionary()
	}
	_, ok := viewStrings(a)
	return ok
}

// integers returns a getter for any integer array; ok is false for nulls.
func integers(a arrow.Array) (get func(i int) (v int64, ok bool), ok bool) {
	var at func(i int) int64
	switch x := a.(type) {
	case *array.Int8:
		at = func(i int) int64 { return int64(x.Value(i)) }
	case *array.Int16:
		at = func(i int) int64 { return int64(x.Value(i)) }
	case *array.Int32:
		at = func(i int) int64 { return int64(x.Value(i)) }
	case *array.Int64:
		at = x.Value
	case *array.Uint8:
		at = func(i int) int64 { return int64(x.Value(i)) }
	case *array.Uint16:
		at = func(i int) int64 { return int64(x.Value(i)) }
	case *array.Uint32:
		at = func(i int) int64 { return int64(x.Value(i)) }
	case *array.Uint64:
		at = func(i int) int64 { return int64(min(x.Value(i), math.MaxInt64)) }
	case *array.Dictionary:
		inner, ok := integers(x.Dictionary())
		if !ok {
			return nil, false
		}
		return func(i int) (int64, bool) {
			if x.IsNull(i) {
				return 0, false
			}
			return inner(x.GetValueIndex(i))
		}, true
	default:
		return nil, false
	}
	return func(i int) (int64, bool) {
		if a.IsNull(i) {
			return 0, false
		}
		return at(i), true
	}, true
}

func decodeAddresses(out []flow.Address, valid []bool, a arrow.Array, n int) ([]flow.Address, []bool) {
	if cap(out) < n {
		out = make([]flow.Address, n)
	}
	out, valid = out[:n], resize(valid, n, false)
	switch x := a.(type) {
	case nil:
	case *array.Uint32:
		for i := range n {
			if !x.IsNull(i) {
				out[i], valid[i] = flow.AddressFrom4(x.Value(i)), true
			}
		}
	case *array.FixedSizeBinary:
		for i := range n {
			if b := x.Value(i); !x.IsNull(i) && len(b) == 16 {
				out[i], valid[i] = flow.Address(b), true
			}
		}
	case *array.Dictionary:
		entries, ok := decodeAddresses(nil, nil, x.Dictionary(), x.Dictionary().Len())
		eachCode(x, func(i, code int) { out[i], valid[i] = entries[code], ok[code] })
	default:
		if v, ok := viewStrings(a); ok {
			binary16 := a.DataType().ID() == arrow.BINARY || a.DataType().ID() == arrow.LARGE_BINARY
			for i := range n {
				out[i], valid[i] = parseAddress(v.at(i), binary16)
			}
		}
	}
	return out, valid
}

// parseAddress reads an address as text or, in binary columns, as 4 or 16 bytes.
func parseAddress(t []byte, binaryColumn bool) (flow.Address, bool) {
	if a, ok := parseIPv4(t); ok {
		return flow.AddressFrom4(a), true
	}
	if binaryColumn {
		switch len(t) {
		case 16:
			return flow.Address(t), true
		case 4:
			return flow.AddressFrom4(binary.BigEndian.Uint32(t)), true
		}
	}
	if len(t) < 2 || len(t) > 64 {
		return flow.Address{}, false
	}
	a, err := netip.ParseAddr(strings.TrimSpace(string(t)))
	if err != nil || a.Zone() != "" {
		return flow.Address{}, false
	}
	return flow.AddressFrom(a), true
}

// parseIPv4 reads dotted decimal as netip.ParseAddr does: four fields 0-255
// without leading zeros.
func parseIPv4(t []byte) (uint32, bool) {
	if len(t) < 7 || len(t) > 15 {
		return 0, false
	}
	var a, field uint32
	digits, dots := 0, 0
	for _, c := range t {
		if c == '.' {
			if digits == 0 || dots == 3 {
				return 0, false
			}
			a, field, digits, dots = a<<8|field, 0, 0, dots+1
			continue
		}
		d := uint32(c - '0')
		if d > 9 || digits > 0 && field == 0 {
			return 0, false
		}
		if field = field*10 + d; field > 255 {
			return 0, false
		}
		digits++
	}
	if dots != 3 || digits == 0 {
		return 0, false
	}
	return a<<8 | field, true
}

// texts numbers the distinct texts a worker has met; 0 is the empty text.
type texts struct {
	list []string
	ids  map[string]int32
}

func newTexts() *texts { return &texts{list: []string{""}, ids: map[string]int32{"": 0}} }

func (t *texts) index(s []byte) int32 {
	id, ok := t.ids[string(s)]
	if !ok {
		id = int32(len(t.list))
		text := string(s)
		t.list = append(t.list, text)
		t.ids[text] = id
	}
	return id
}
