package parquet

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"ipflow/ingest/column"
	"ipflow/report/layout"
	"ipflow/verify"
)

// KeyValue is an entry of the file metadata.
type KeyValue struct{ Key, Value string }

// Options of a Parquet output. The zero value works.
type Options struct {
	Codec    string     // "zstd", "snappy" or "none"; "" is zstd, but carried columns keep theirs
	Metadata []KeyValue // file metadata, written in this order
	Version  string     // ipflow's own, for created_by
}

// Format encodes verify batches as Parquet row groups.
type Format struct {
	leaves  []leaf
	kept    int
	results layout.Result // number of result columns
	codec   codec
	opts    Options
	footers footers
}

var _ layout.Format = (*Format)(nil)

// New prepares the output of the kept fields and the result columns. A field
// that cannot be written gives a *layout.ClashError.
func New(cols layout.Columns, o Options) (*Format, error) {
	if err := cols.Check(); err != nil {
		return nil, err
	}
	c, err := newCodec(o.Codec)
	if err != nil {
		return nil, err
	}
	f := &Format{kept: len(cols.Kept), results: cols.Results(), codec: c, opts: o}
	for _, field := range cols.Kept {
		l, err := keptLeaf(field)
		if err != nil {
			return nil, err
		}
		f.leaves = append(f.leaves, l)
	}
	f.leaves = append(f.leaves, resultLeaves(f.results)...)
	return f, nil
}

// block is an encoded row group.
type block struct {
	rows   int
	buf    *[]byte
	chunks []chunk
}

// Encode implements layout.Format.
func (f *Format) Encode(b *column.Batch, ids []verify.ID, t verify.Table) (verify.Block, error) {
	if len(b.Keep) != f.kept {
		panic(fmt.Sprintf("parquet: batch %d keeps %d columns, schema has %d", b.Seq, len(b.Keep), f.kept))
	}
	rows := b.Rows()
	if rows == 0 {
		return &block{}, nil
	}
	if rows > math.MaxInt32 {
		panic(fmt.Sprintf("parquet: batch %d has %d rows", b.Seq, rows))
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	buf := buffers.Get().(*[]byte)
	g := rowGroup{scratch: s, codec: f.codec, rows: rows, buf: (*buf)[:0], chunks: make([]chunk, 0, len(f.leaves))}
	err := f.encode(&g, b, ids, t)
	*buf = g.buf
	if err != nil {
		buffers.Put(buf)
		return nil, err
	}
	return &block{rows: rows, buf: buf, chunks: g.chunks}, nil
}

func (f *Format) encode(g *rowGroup, b *column.Batch, ids []verify.ID, t verify.Table) error {
	for i, at := range b.Keep {
		if f.carry(g, &f.leaves[i], b, at) {
			continue
		}
		if err := f.keep(g, &f.leaves[i], b, at); err != nil {
			return err
		}
	}
	d := layout.NewDistinct(ids, t)
	defer d.Release()
	for r := range f.results {
		var (
			page []byte
			code []int32
			st   format.Statistics
		)
		if r == layout.Priority {
			var dict []int32
			dict, code = d.Priorities()
			page, st = intDict(g.dictPage[:0], dict)
		} else {
			var dict []string
			dict, code = d.Strings(r)
			page, st = stringDict(g.dictPage[:0], dict)
		}
		g.dictPage = page
		if err := g.result(&f.leaves[f.kept+int(r)], d.Local, code, page, st); err != nil {
			return err
		}
	}
	return nil
}

func (f *Format) keep(g *rowGroup, l *leaf, b *column.Batch, at int) error {
	arr := b.Record.Column(at)
	coded := b.Text && arr.DataType().ID() == arrow.DICTIONARY && !l.port
	if coded && arr.NullN() == 0 {
		codes, dict, _ := column.CodesOf(arr)
		return g.kept(l, layout.Cells{Values: dict}, codes, nil, true)
	}
	c, err := layout.NewCells(arr, l.port, g.growIndex(g.rows))
	if err != nil {
		return fmt.Errorf("column %q: %w", l.schema.Name, err)
	}
	defer c.Release()
	c.MendUTF8()
	places, valid := g.positions(c)
	return g.kept(l, c, places, valid, coded)
}

// Begin implements layout.Format.
func (f *Format) Begin(w io.Writer) (layout.Appender, error) {
	a := &file{f: f, w: w}
	return a, a.put([]byte(magic))
}

const magic = "PAR1"

// file is a Parquet file being written.
type file struct {
	f      *Format
	w      io.Writer
	pos    int64
	rows   int64
	groups []format.RowGroup
}

func (a *file) put(b []byte) error {
	n, err := a.w.Write(b)
	a.pos += int64(n)
	return err
}

// Append implements layout.Appender.
func (a *file) Append(vb verify.Block) error {
	b := vb.(*block)
	if b.rows == 0 {
		return nil
	}
	g := format.RowGroup{
		NumRows:    int64(b.rows),
		FileOffset: a.pos,
		Ordinal:    int16(min(len(a.groups), math.MaxInt16)), // read for decryption only
	}
	for _, c := range b.chunks {
		m := c.meta
		first := m.DataPageOffset + a.pos
		m.DataPageOffset = first
		if c.hasDict {
			m.DictionaryPageOffset += a.pos
			first = m.DictionaryPageOffset
		}
		g.TotalByteSize += m.TotalUncompressedSize
		g.TotalCompressedSize += m.TotalCompressedSize
		g.Columns = append(g.Columns, format.ColumnChunk{FileOffset: first, MetaData: m})
	}
	a.groups = append(a.groups, g)
	a.rows += int64(b.rows)
	err := a.put(*b.buf)
	buffers.Put(b.buf)
	b.buf = nil
	return err
}

// Close implements layout.Appender: it writes the footer.
func (a *file) Close() error {
	meta := format.FileMetaData{
		Version:   2,
		NumRows:   a.rows,
		RowGroups: a.groups,
		CreatedBy: "ipflow version " + a.f.opts.Version,
		Schema: thrift.Slice[format.SchemaElement]{{
			Name:        "schema",
			NumChildren: thrift.New(int32(len(a.f.leaves))),
		}},
	}
	for i := range a.f.leaves {
		meta.Schema = append(meta.Schema, a.f.leaves[i].schema)
		meta.ColumnOrders = append(meta.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	for _, kv := range a.f.opts.Metadata {
		meta.KeyValueMetadata = append(meta.KeyValueMetadata, format.KeyValue{Key: kv.Key, Value: kv.Value})
	}
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), &meta)
	if err != nil {
		panic("parquet: footer: " + err.Error())
	}
	if len(footer) > math.MaxInt32 {
		return fmt.Errorf("the Parquet footer of %d row groups passes 2 GiB: use larger batches or a directory of part files", len(a.groups))
	}
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	return a.put(append(footer, magic...))
}
