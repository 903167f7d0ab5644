package parquet

import (
	"encoding/binary"
	"math"
	"sync"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"ipflow/ingest/column"
)

// A kept column of Parquet input whose batch is one whole row group is carried:
// its chunk's bytes, compressed pages with their headers, go into the output as
// they stand, and only the offsets in its metadata change. That is possible
// where the output column has the same physical form. Everything else is decoded
// and encoded anew; what a reader sees is the same either way.

// footers remembers the metadata of the input files in use.
type footers struct {
	mu    sync.Mutex
	files []*footer
}

// heldFooters is more than a run works with at once: files are read one after
// another.
const heldFooters = 4

type footer struct {
	file *column.ParquetFile
	once sync.Once
	meta *format.FileMetaData // nil when it could not be read
	leaf []*format.SchemaElement
}

// of returns the file's metadata and the schema element of each leaf; nil when
// they cannot be read.
func (s *footers) of(file *column.ParquetFile) (*format.FileMetaData, []*format.SchemaElement) {
	s.mu.Lock()
	var f *footer
	for _, known := range s.files {
		if known.file == file {
			f = known
		}
	}
	if f == nil {
		f = &footer{file: file}
		if len(s.files) == heldFooters {
			s.files = s.files[1:]
		}
		s.files = append(s.files, f)
	}
	s.mu.Unlock()
	f.once.Do(f.read)
	return f.meta, f.leaf
}

func (f *footer) read() {
	var end [8]byte
	if _, err := f.file.ReadAt(end[:], f.file.Size-8); err != nil {
		return
	}
	n := int64(binary.LittleEndian.Uint32(end[:]))
	if n > f.file.Size-12 {
		return
	}
	raw := make([]byte, n)
	if _, err := f.file.ReadAt(raw, f.file.Size-8-n); err != nil {
		return
	}
	meta := new(format.FileMetaData)
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), raw, meta); err != nil {
		return
	}
	for i := range meta.Schema {
		if e := &meta.Schema[i]; i > 0 && (!e.NumChildren.Valid || e.NumChildren.V == 0) {
			f.leaf = append(f.leaf, e)
		}
	}
	f.meta = meta
}

// carry copies the chunk of kept column l, column at of the batch; false when it
// has to be encoded.
func (f *Format) carry(g *rowGroup, l *leaf, b *column.Batch, at int) bool {
	if b.Source == nil || l.port {
		return false
	}
	meta, leaves := f.footers.of(b.Source.File)
	if meta == nil || b.Source.Index >= len(meta.RowGroups) {
		return false
	}
	group, n := &meta.RowGroups[b.Source.Index], b.Source.Leaves[at]
	if n >= len(group.Columns) || n >= len(leaves) || group.NumRows != int64(g.rows) || !l.sameForm(leaves[n]) {
		return false
	}
	from := &group.Columns[n]
	if from.FilePath != "" || from.CryptoMetadata.Value != nil || f.opts.Codec != "" && from.MetaData.Codec != f.codec.id {
		return false
	}
	m := from.MetaData
	st := &m.Statistics
	st.Min, st.Max = nil, nil // of unknown order, superseded long ago
	if n >= len(meta.ColumnOrders) || meta.ColumnOrders[n].Value == nil {
		st.MinValue, st.MaxValue = nil, nil // likewise
	}
	return g.carry(l, b.Source.File, m)
}

// sameForm reports whether the column's values are stored in an input of the
// element's kind just as in this output. That they have the same meaning follows
// from the Arrow type, which was made from the element and made the leaf.
func (l *leaf) sameForm(e *format.SchemaElement) bool {
	return e.Type.Valid && e.Type.V == l.physical() &&
		(l.physical() != format.FixedLenByteArray || e.TypeLength.V == l.schema.TypeLength.V) &&
		e.RepetitionType.Valid && e.RepetitionType.V == l.schema.RepetitionType.V
}

// carry appends the bytes of a chunk and its metadata, if they are one whole
// chunk of the group's rows.
func (g *rowGroup) carry(l *leaf, file *column.ParquetFile, m format.ColumnMetaData) bool {
	hasDict := m.DictionaryPageOffset > 0 && m.DictionaryPageOffset < m.DataPageOffset
	first := m.DataPageOffset
	if hasDict {
		first = m.DictionaryPageOffset
	}
	if first < 4 || m.TotalCompressedSize <= 0 || m.TotalCompressedSize > file.Size-first || m.TotalCompressedSize > math.MaxInt32 || m.NumValues != int64(g.rows) {
		return false
	}
	start := len(g.buf)
	g.buf = append(g.buf, make([]byte, m.TotalCompressedSize)...)
	raw := g.buf[start:]
	if _, err := file.ReadAt(raw, first); err != nil || !wholeChunk(raw, m.NumValues) {
		g.buf = g.buf[:start]
		return false
	}
	c := chunk{meta: m, hasDict: hasDict}
	c.meta.PathInSchema = thrift.Slice[string]{l.schema.Name}
	c.meta.DataPageOffset += int64(start) - first
	c.meta.DictionaryPageOffset = 0
	if hasDict {
		c.meta.DictionaryPageOffset = int64(start)
	}
	// These live outside the chunk and stay behind.
	c.meta.IndexPageOffset, c.meta.BloomFilterOffset, c.meta.BloomFilterLength = 0, 0, 0
	g.chunks = append(g.chunks, c)
	return true
}

// wholeChunk walks the page headers of a chunk: they must lead from page to page
// to its very end and promise its values. Some old writers miscount the size of
// a chunk, which readers that follow its pages never notice.
func wholeChunk(raw []byte, values int64) bool {
	var protocol thrift.CompactProtocol
	for len(raw) > 0 {
		var h format.PageHeader
		r := protocol.NewReaderFromBytes(raw)
		if err := thrift.NewDecoder(r).Decode(&h); err != nil {
			return false
		}
		rest := len(raw) - r.BytesRead()
		if h.CompressedPageSize < 0 || int(h.CompressedPageSize) > rest {
			return false
		}
		raw = raw[len(raw)-rest+int(h.CompressedPageSize):]
		switch h.Type {
		case format.DataPage:
			values -= int64(h.DataPageHeader.V.NumValues)
		case format.DataPageV2:
			values -= int64(h.DataPageHeaderV2.V.NumValues)
		}
	}
	return values == 0
}
