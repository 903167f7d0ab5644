package corpus

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"ipflow/ingest/flow"
)

func compression(name string) (compress.Codec, error) {
	switch name {
	case "", "zstd":
		return &parquet.Zstd, nil
	case "snappy":
		return &parquet.Snappy, nil
	case "none":
		return &parquet.Uncompressed, nil
	}
	return nil, fmt.Errorf("%q is not a codec: choose zstd, snappy or none", name)
}

// jsonString is s as a JSON string.
func jsonString(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("corpus: " + err.Error())
	}
	return string(b)
}

// The columns of a Parquet file. They are optional as databases write them;
// remote addresses are a dictionary where the mix repeats them.
type parquetRow struct {
	NIC        string `parquet:"nic,dict,optional"`
	Direction  string `parquet:"direction,dict,optional"`
	Protocol   string `parquet:"protocol,dict,optional"`
	LocalIP    string `parquet:"local_ip,dict,optional"`
	LocalPort  uint16 `parquet:"local_port,optional"`
	RemoteIP   string `parquet:"remote_ip,optional"`
	RemotePort uint16 `parquet:"remote_port,optional"`
}

type parquetRowRepeating struct {
	NIC        string `parquet:"nic,dict,optional"`
	Direction  string `parquet:"direction,dict,optional"`
	Protocol   string `parquet:"protocol,dict,optional"`
	LocalIP    string `parquet:"local_ip,dict,optional"`
	LocalPort  uint16 `parquet:"local_port,optional"`
	RemoteIP   string `parquet:"remote_ip,dict,optional"`
	RemotePort uint16 `parquet:"remote_port,optional"`
}

type parquetRowUint32 struct {
	NIC        string `parquet:"nic,dict,optional"`
	Direction  string `parquet:"direction,dict,optional"`
	Protocol   string `parquet:"protocol,dict,optional"`
	LocalIP    uint32 `parquet:"local_ip,dict,optional"`
	LocalPort  uint16 `parquet:"local_port,optional"`
	RemoteIP   uint32 `parquet:"remote_ip,optional"`
	RemotePort uint16 `parquet:"remote_port,optional"`
}

type parquetRowBinary struct {
	NIC        string   `parquet:"nic,dict,optional"`
	Direction  string   `parquet:"direction,dict,optional"`
	Protocol   string   `parquet:"protocol,dict,optional"`
	LocalIP    [16]byte `parquet:"local_ip,dict,optional"`
	LocalPort  uint16   `parquet:"local_port,optional"`
	RemoteIP   [16]byte `parquet:"remote_ip,optional"`
	RemotePort uint16   `parquet:"remote_port,optional"`
}

func (f *Flows) parquetSchema() *parquet.Schema {
	switch {
	case f.o.Addresses == Uint32:
		return parquet.SchemaOf(parquetRowUint32{})
	case f.o.Addresses == Binary:
		return parquet.SchemaOf(parquetRowBinary{})
	case f.o.Mix == FlowLike:
		return parquet.SchemaOf(parquetRowRepeating{})
	}
	return parquet.SchemaOf(parquetRow{})
}

// parquetWindow is a window with its remote addresses ready to write.
type parquetWindow struct {
	rows    Rows
	offsets []int32
	text    []byte
}

// parquetValues holds the values of each dictionary, made once.
type parquetValues struct {
	f                                  *Flows
	nics, directions, protocols, local []parquet.Value
	buf                                []parquet.Value
}

func (f *Flows) newParquetValues() *parquetValues {
	v := &parquetValues{f: f, buf: make([]parquet.Value, WindowRows)}
	byText := func(list []string, column int) []parquet.Value {
		out := make([]parquet.Value, len(list))
		for i, s := range list {
			out[i] = parquet.ByteArrayValue([]byte(s)).Level(0, 1, column)
		}
		return out
	}
	v.nics, v.directions, v.protocols = byText(f.nics, 0), byText(directionTexts[:], 1), byText(protocolTexts(), 2)
	if f.o.Addresses == Text {
		v.local = byText(addressTexts(f.locals), 3)
		return v
	}
	v.local = make([]parquet.Value, len(f.locals))
	for i := range f.locals {
		v.local[i] = v.address(&f.locals[i], 3)
	}
	return v
}

func (v *parquetValues) address(a *flow.Address, column int) parquet.Value {
	if v.f.o.Addresses == Uint32 {
		return parquet.Int32Value(int32(a.As4())).Level(0, 1, column)
	}
	return parquet.FixedLenByteArrayValue(a[:]).Level(0, 1, column)
}

func (f *Flows) writeParquet(ctx context.Context, w io.Writer, o FileOptions) error {
	codec, err := compression(o.Codec)
	if err != nil {
		return err
	}
	out := parquet.NewWriter(w, f.parquetSchema(), parquet.Compression(codec),
		parquet.CreatedBy("ipflow synth", "1", ""), parquet.DataPageVersion(1), parquet.PageBufferSize(1<<20))
	values := f.newParquetValues()
	perGroup := 16
	if o.RowGroup > 0 {
		perGroup = (o.RowGroup + WindowRows - 1) / WindowRows
	}
	window := 0
	err = inOrder(ctx, f.Windows(), o.Workers, func(i int) *parquetWindow {
		p := &parquetWindow{}
		f.Draw(i, &p.rows)
		if f.o.Addresses == Text {
			p.offsets, p.text = remoteTexts(&p.rows, nil, nil)
		}
		return p
	}, func(p *parquetWindow) error {
		if err := values.write(out.ColumnWriters(), p); err != nil {
			return err
		}
		window++
		if window%perGroup == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
		o.written(f, window-1)
		return nil
	})
	if err != nil {
		return err
	}
	return out.Close()
}

// write adds a window to the columns of the open row group.
func (v *parquetValues) write(columns []*parquet.ColumnWriter, p *parquetWindow) error {
	rows := &p.rows
	n := rows.Len()
	for c, value := range []func(i int) parquet.Value{
		func(i int) parquet.Value { return v.nics[rows.NIC[i]] },
		func(i int) parquet.Value { return v.directions[rows.Direction[i]] },
		func(i int) parquet.Value { return v.protocols[rows.Protocol[i]] },
		func(i int) parquet.Value { return v.local[rows.Local[i]] },
		func(i int) parquet.Value { return parquet.Int32Value(int32(rows.LocalPort[i])).Level(0, 1, 4) },
		func(i int) parquet.Value {
			if v.f.o.Addresses == Text {
				return parquet.ByteArrayValue(p.text[p.offsets[i]:p.offsets[i+1]]).Level(0, 1, 5)
			}
			return v.address(&rows.Remote[i], 5)
		},
		func(i int) parquet.Value { return parquet.Int32Value(int32(rows.RemotePort[i])).Level(0, 1, 6) },
	} {
		buf := v.buf[:n]
		for i := range buf {
			buf[i] = value(i)
		}
		if _, err := columns[c].WriteRowValues(buf); err != nil {
			return fmt.Errorf("column %s: %w", columnName(c), err)
		}
	}
	return nil
}

func columnName(c int) string { return columns[c].String() }
