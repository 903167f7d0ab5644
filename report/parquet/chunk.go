package parquet

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"ipflow/report/layout"
)

const (
	// PageRows is the number of rows of a data page.
	PageRows = 1 << 17
	// maxPageBytes cuts a page of plain values short, down to 8 rows.
	maxPageBytes = 16 << 20
)

// chunk is a column chunk in its block; offsets count from the block's start.
type chunk struct {
	meta    format.ColumnMetaData
	hasDict bool // DictionaryPageOffset is valid; 0 is an offset like any other
}

// rowGroup encodes the columns of one batch one after the other.
type rowGroup struct {
	*scratch
	codec  codec
	rows   int
	buf    []byte
	chunks []chunk
}

// body is what a chunk is made of: positions of the non-null values, and either
// codes into a dictionary page or a way to write values plainly.
type body struct {
	valid   []byte // a bit per row; nil when no row is null
	codes   []uint32
	entries int    // of the dictionary
	dict    []byte // dictionary page in PLAIN encoding; nil for plain chunks
	plain   func(dst []byte, from, to int) []byte
	local   []uint32 // of a result column, in place of valid, present, codes and plain
	code    []int32  // of a result column: the code of each local verdict, -1 for null
	nulls   bool     // of a result column: code holds a -1
	size    func(from, to int) int64
	stats   format.Statistics
}

// kept encodes a kept column, whose rows that are not null have the values of c at
// the positions and are marked in valid, nil when that is all of them. Coded says
// that c's values are the dictionary of a text column, see column.Batch.Text, whose
// codes can be taken as they are.
func (g *rowGroup) kept(l *leaf, c layout.Cells, at []uint32, valid []byte, coded bool) error {
	v, err := load(l, c.Values, g.scratch)
	if err != nil {
		return err
	}
	if valid != nil && l.required() {
		return fmt.Errorf("column %q has a null, which its input promised not to have", l.schema.Name)
	}
	b := body{valid: valid}
	if len(at) > 0 && l.physical() != format.Boolean {
		if codes, entries, ok := g.dictionary(&v, at, c, coded); ok {
			b.codes, b.entries = codes, len(entries)
			g.dictPage = v.appendPlain(g.dictPage[:0], entries)
			b.dict = g.dictPage
			b.stats.DistinctCount = int64(len(entries))
			v.bounds(entries, &b.stats)
			return g.write(l, &b)
		}
	}
	v.bounds(at, &b.stats)
	b.plain = func(dst []byte, from, to int) []byte { return v.appendPlain(dst, at[from:to]) }
	b.size = func(from, to int) int64 { return v.plainSize(at[from:to]) }
	return g.write(l, &b)
}

// positions lists where in Values the rows that are not null stand, and marks
// these rows in valid, nil when that is all of them.
func (g *rowGroup) positions(c layout.Cells) (at []uint32, valid []byte) {
	at = g.growAt(g.rows)
	if c.Index == nil && c.Values.NullN() == 0 {
		for i := range at {
			at[i] = uint32(i)
		}
		return at, nil
	}
	valid = g.growValid(g.rows)
	m := 0
	if _, ok := c.Values.(*array.Null); ok {
		return at[:0], valid // which has no bitmap and so answers IsNull wrongly
	}
	for i := range g.rows {
		p := int32(i)
		if c.Index != nil {
			p = c.Index[i]
		} else if c.Values.IsNull(i) {
			p = -1
		}
		if p >= 0 {
			at[m] = uint32(p)
			valid[i>>3] |= 1 << (i & 7)
			m++
		}
	}
	if m == g.rows {
		valid = nil
	}
	return at[:m], valid
}

// result encodes a result column: code gives per distinct verdict its value, -1
// for null, and local the verdict of each row.
func (g *rowGroup) result(l *leaf, local []uint32, code []int32, dict []byte, st format.Statistics) error {
	b := body{entries: int(st.DistinctCount), dict: dict, stats: st, local: local, code: code}
	for _, c := range code {
		b.nulls = b.nulls || c < 0
	}
	if b.entries == 0 {
		// An empty dictionary is legal and yet trips readers.
		b.dict = nil
	}
	return g.write(l, &b)
}

// resultPage returns the codes of the rows that are not null, and marks these in
// valid, nil when that is all of them. Both stay in the cache from here to the
// page's bytes, which is why a page's codes are made only when it is written.
func (g *rowGroup) resultPage(b *body, row, rows int) (codes []uint32, valid []byte) {
	local, code := b.local[row:row+rows], b.code
	codes = g.growCodes(rows)
	if !b.nulls {
		for i, d := range local {
			codes[i] = uint32(code[d])
		}
		return codes, nil
	}
	valid = g.growValid(rows)
	if b.entries == 0 {
		return codes[:0], valid
	}
	m := 0
	for i, d := range local {
		c := code[d]
		codes[m] = uint32(c)
		bit := int(^uint32(c) >> 31)
		valid[i>>3] |= byte(bit << (i & 7))
		m += bit
	}
	return codes[:m], valid
}

// write appends the chunk's pages and notes its metadata.
func (g *rowGroup) write(l *leaf, b *body) error {
	c := chunk{hasDict: b.dict != nil}
	m := &c.meta
	m.Type, m.Codec = l.physical(), g.codec.id
	m.PathInSchema = thrift.Slice[string]{l.schema.Name}
	m.NumValues = int64(g.rows)
	start := len(g.buf)
	encoding := format.Plain
	if c.hasDict {
		encoding = format.RLEDictionary
		m.Encoding = thrift.Slice[format.Encoding]{format.Plain, format.RLE, format.RLEDictionary}
		m.DictionaryPageOffset = int64(start)
		h := format.PageHeader{Type: format.DictionaryPage}
		h.DictionaryPageHeader.Set(format.DictionaryPageHeader{NumValues: int32(b.entries), Encoding: format.Plain})
		if err := g.page(m, &h, b.dict); err != nil {
			return fmt.Errorf("column %q: %w", l.schema.Name, err)
		}
		m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DictionaryPage, Encoding: format.Plain, Count: 1})
	} else {
		m.Encoding = thrift.Slice[format.Encoding]{format.Plain, format.RLE}
	}
	m.DataPageOffset = int64(len(g.buf))
	pages, present := int32(0), 0
	for row, from := 0, 0; row < g.rows; pages++ {
		rows, to, raw := g.dataPage(l, b, row, from)
		h := format.PageHeader{Type: format.DataPage}
		h.DataPageHeader.Set(format.DataPageHeader{
			NumValues: int32(rows), Encoding: encoding,
			DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
			Statistics: format.Statistics{NullCount: int64(rows - (to - from))},
		})
		if err := g.page(m, &h, raw); err != nil {
			return fmt.Errorf("column %q: %w", l.schema.Name, err)
		}
		row, from = row+rows, to
		present = from
	}
	m.Statistics = b.stats
	m.Statistics.NullCount = int64(g.rows - present)
	m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DataPage, Encoding: encoding, Count: pages})
	m.TotalCompressedSize = int64(len(g.buf) - start)
	g.chunks = append(g.chunks, c)
	return nil
}

// dataPage returns the bytes of the page that starts at row, its rows, and the
// end of its non-null values, which start at from.
func (g *rowGroup) dataPage(l *leaf, b *body, row, from int) (rows, to int, raw []byte) {
	var codes []uint32
	var valid []byte
	if b.local != nil {
		rows = min(PageRows, g.rows-row)
		codes, valid = g.resultPage(b, row, rows)
		to = from + len(codes)
	} else {
		if rows, to = g.cut(b, row, from); b.dict != nil {
			codes = b.codes[from:to]
		}
		if b.valid != nil {
			valid = b.valid[row>>3:]
		}
	}
	raw = g.raw[:0]
	if !l.required() {
		raw = appendLevels(raw, valid, rows, to-from)
	}
	switch {
	case b.dict != nil:
		width := codeWidth(b.entries)
		raw = append(raw, byte(width))
		raw = appendHybrid(raw, codes, width)
	case b.plain != nil:
		raw = b.plain(raw, from, to)
	}
	g.raw = raw
	return rows, to, raw
}

// cut returns the rows of the page that starts at row, and the end of its
// non-null values, which start at from. Pages start at multiples of 8 rows.
func (g *rowGroup) cut(b *body, row, from int) (rows, to int) {
	rows = min(PageRows, g.rows-row)
	for {
		to = from + rows
		if b.valid != nil {
			to = from + popcount(b.valid[row>>3:(row+rows)>>3])
			if tail := rows & 7; tail != 0 {
				to += popcount([]byte{b.valid[(row+rows)>>3] & (1<<tail - 1)})
			}
		}
		if b.dict != nil || rows <= 8 || b.size(from, to) <= maxPageBytes {
			return rows, to
		}
		rows = max(8, rows/2&^7)
	}
}

// page appends one page, completing its header.
func (g *rowGroup) page(m *format.ColumnMetaData, h *format.PageHeader, raw []byte) error {
	if len(raw) > math.MaxInt32-1<<20 {
		return fmt.Errorf("8 rows hold %d bytes, more than a Parquet page takes", len(raw))
	}
	packed := g.codec.compress(g.packed, raw)
	if g.codec.id != format.Uncompressed {
		g.packed = packed
	}
	h.UncompressedPageSize, h.CompressedPageSize = int32(len(raw)), int32(len(packed))
	head, err := thrift.Marshal(new(thrift.CompactProtocol), h)
	if err != nil {
		panic("parquet: page header: " + err.Error())
	}
	g.buf = append(g.buf, head...)
	g.buf = append(g.buf, packed...)
	m.TotalUncompressedSize += int64(len(head) + len(raw))
	return nil
}

// stringDict returns the dictionary page of strings and their statistics.
func stringDict(dst []byte, dict []string) ([]byte, format.Statistics) {
	st := format.Statistics{DistinctCount: int64(len(dict))}
	if len(dict) == 0 {
		return dst, st
	}
	lo, hi := dict[0], dict[0]
	for _, s := range dict {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(s)))
		dst = append(dst, s...)
		lo, hi = min(lo, s), max(hi, s)
	}
	setByteBounds(&st, []byte(lo), []byte(hi))
	return dst, st
}

// intDict is stringDict for int32.
func intDict(dst []byte, dict []int32) ([]byte, format.Statistics) {
	st := format.Statistics{DistinctCount: int64(len(dict))}
	if len(dict) == 0 {
		return dst, st
	}
	lo, hi := dict[0], dict[0]
	for _, x := range dict {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(x))
		lo, hi = min(lo, x), max(hi, x)
	}
	st.MinValue = binary.LittleEndian.AppendUint32(nil, uint32(lo))
	st.MaxValue = binary.LittleEndian.AppendUint32(nil, uint32(hi))
	return dst, st
}
