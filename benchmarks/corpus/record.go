package corpus

import (
	"io"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"ipflow/ingest/column"
	"ipflow/ingest/flow"
)

// columns is the order of the columns in every format.
var columns = [...]column.Name{column.NIC, column.Direction, column.Protocol, column.LocalIP, column.LocalPort, column.RemoteIP, column.RemotePort}

func codesFor(values arrow.DataType) *arrow.DictionaryType {
	return &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: values}
}

// Columnar turns windows into Arrow records. Dictionaries are made once and
// shared by all records. Its methods may run concurrently.
type Columnar struct {
	f                           *Flows
	schema                      *arrow.Schema
	nics, directions, protocols arrow.Array
	locals                      arrow.Array
}

// NewColumnar prepares records of the flows' rows.
func NewColumnar(f *Flows) *Columnar {
	c := &Columnar{f: f, nics: textArray(f.nics), directions: textArray(directionTexts[:])}
	c.protocols = textArray(protocolTexts())
	if f.o.Addresses == Text {
		c.locals = textArray(addressTexts(f.locals))
	} else {
		c.locals = c.addresses(len(f.locals), func(i int) flow.Address { return f.locals[i] })
	}
	var fields []arrow.Field
	for _, name := range columns {
		t := arrow.DataType(codesFor(arrow.BinaryTypes.String))
		switch {
		case name.IsPort():
			t = arrow.PrimitiveTypes.Uint16
		case name == column.RemoteIP && f.o.Addresses == Text:
			t = arrow.BinaryTypes.String
		case name == column.LocalIP:
			t = codesFor(c.locals.DataType())
		case name == column.RemoteIP:
			t = addressType(f.o.Addresses)
		}
		fields = append(fields, arrow.Field{Name: name.String(), Type: t, Nullable: true})
	}
	c.schema = arrow.NewSchema(fields, nil)
	return c
}

// Schema is that of every record.
func (c *Columnar) Schema() *arrow.Schema { return c.schema }

func addressType(form Addresses) arrow.DataType {
	if form == Uint32 {
		return arrow.PrimitiveTypes.Uint32
	}
	return &arrow.FixedSizeBinaryType{ByteWidth: 16}
}

// Record copies the rows into a record of its own.
func (c *Columnar) Record(rows *Rows) arrow.Record {
	n := rows.Len()
	direction, protocol := make([]uint32, n), make([]uint32, n)
	for i, d := range rows.Direction {
		direction[i] = uint32(d)
	}
	for i, p := range rows.Protocol {
		protocol[i] = uint32(p)
	}
	arrays := []arrow.Array{
		coded(append([]uint32(nil), rows.NIC...), c.nics),
		coded(direction, c.directions),
		coded(protocol, c.protocols),
		coded(append([]uint32(nil), rows.Local...), c.locals),
		fixed(arrow.PrimitiveTypes.Uint16, append([]uint16(nil), rows.LocalPort...)),
		c.remote(rows),
		fixed(arrow.PrimitiveTypes.Uint16, append([]uint16(nil), rows.RemotePort...)),
	}
	rec := array.NewRecord(c.schema, arrays, int64(n))
	for _, a := range arrays {
		a.Release()
	}
	return rec
}

func (c *Columnar) remote(rows *Rows) arrow.Array {
	if c.f.o.Addresses == Text {
		offsets, data := remoteTexts(rows, nil, nil)
		return strings32(offsets, data)
	}
	return c.addresses(rows.Len(), func(i int) flow.Address { return rows.Remote[i] })
}

func (c *Columnar) addresses(n int, at func(int) flow.Address) arrow.Array {
	if c.f.o.Addresses == Uint32 {
		values := make([]uint32, n)
		for i := range values {
			values[i] = at(i).As4()
		}
		return fixed(arrow.PrimitiveTypes.Uint32, values)
	}
	values := make([]flow.Address, n)
	for i := range values {
		values[i] = at(i)
	}
	return fixed(addressType(Binary), values)
}

// Batch makes a batch of the kind that a file reader makes.
func (c *Columnar) Batch(rows *Rows) *column.Batch {
	b := &column.Batch{Seq: rows.Window, FirstRow: int64(rows.Window) * WindowRows, Record: c.Record(rows)}
	b.Flow[column.VM] = -1
	for i, name := range columns {
		b.Flow[name] = i
		b.Keep = append(b.Keep, i)
	}
	return b
}

// Source hands out the flows window by window, as a flow file would.
type Source struct {
	c    *Columnar
	rows Rows
	next int
}

// NewSource returns a source of all windows.
func NewSource(f *Flows) *Source { return &Source{c: NewColumnar(f)} }

// Next returns the next window, io.EOF after the last.
func (s *Source) Next() (*column.Batch, error) {
	if s.next == s.c.f.Windows() {
		return nil, io.EOF
	}
	s.c.f.Draw(s.next, &s.rows)
	s.next++
	return s.c.Batch(&s.rows), nil
}

// Close does nothing; it is there for the engine.
func (s *Source) Close() error { return nil }

func raw[T any](s []T) *memory.Buffer {
	if len(s) == 0 {
		return memory.NewBufferBytes(nil)
	}
	return memory.NewBufferBytes(unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0]))))
}

func fixed[T any](t arrow.DataType, values []T) arrow.Array {
	d := array.NewData(t, len(values), []*memory.Buffer{nil, raw(values)}, nil, 0, 0)
	defer d.Release()
	return array.MakeFromData(d)
}

func coded(codes []uint32, dict arrow.Array) arrow.Array {
	d := array.NewDataWithDictionary(codesFor(dict.DataType()), len(codes), []*memory.Buffer{nil, raw(codes)}, 0, 0, dict.Data().(*array.Data))
	defer d.Release()
	return array.MakeFromData(d)
}

func strings32(offsets []int32, data []byte) arrow.Array {
	d := array.NewData(arrow.BinaryTypes.String, len(offsets)-1, []*memory.Buffer{nil, raw(offsets), raw(data)}, nil, 0, 0)
	defer d.Release()
	return array.MakeFromData(d)
}

func textArray(values []string) arrow.Array {
	offsets, data := []int32{0}, []byte(nil)
	for _, v := range values {
		data = append(data, v...)
		offsets = append(offsets, int32(len(data)))
	}
	return strings32(offsets, data)
}

// directionTexts are the spellings by flow.Direction; the first is a fault.
var directionTexts = [...]string{"Sideways", flow.Inbound.String(), flow.Outbound.String()}

// protocolTexts are the spellings by Rows.Protocol; the last is a fault.
func protocolTexts() []string {
	out := make([]string, badProtocol+1)
	for p := range badProtocol {
		out[p] = flow.Protocol(p).String()
	}
	out[badProtocol] = "QUIC"
	return out
}

func addressTexts(list []flow.Address) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.String()
	}
	return out
}

// badAddress is what a faulty remote address looks like.
const badAddress = "10.0.0.999"

// remoteTexts appends the remote addresses as text; value i is
// data[offsets[i]:offsets[i+1]].
func remoteTexts(rows *Rows, offsets []int32, data []byte) ([]int32, []byte) {
	if offsets == nil {
		offsets, data = make([]int32, 0, rows.Len()+1), make([]byte, 0, 15*rows.Len())
	}
	offsets, bad := append(offsets, int32(len(data))), rows.BadRemote
	for i := range rows.Remote {
		if len(bad) > 0 && bad[0] == int32(i) {
			data, bad = append(data, badAddress...), bad[1:]
		} else {
			data = appendAddress(data, rows.Remote[i])
		}
		offsets = append(offsets, int32(len(data)))
	}
	return offsets, data
}

func appendAddress(dst []byte, a flow.Address) []byte {
	if !a.Is4() {
		return a.Netip().AppendTo(dst)
	}
	v := a.As4()
	for i, b := range [...]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)} {
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = appendByte(dst, b)
	}
	return dst
}

func appendByte(dst []byte, b byte) []byte {
	if b >= 100 {
		dst = append(dst, '0'+b/100)
	}
	if b >= 10 {
		dst = append(dst, '0'+b/10%10)
	}
	return append(dst, '0'+b%10)
}
