package flows

import (
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/apache/arrow/go/v17/arrow/array"

	"ipflow/ingest/column"
	"ipflow/report/layout"
	"ipflow/verify"
)

// Lines is CSV or JSON lines: a line per row, the result columns' part of which
// is rendered once per distinct verdict and batch.
type Lines struct {
	style    style
	fields   []layout.Field
	results  layout.Result // number of result columns
	keys     [][]byte      // JSON: what stands before each kept value
	header   []byte        // CSV
	compress func(dst, src []byte) []byte
}

var _ layout.Format = (*Lines)(nil)

// NewCSV prepares CSV with the delimiter, ',' or a tab. compression is "", "gz"
// or "zst".
func NewCSV(cols layout.Columns, delim byte, compression string) (*Lines, error) {
	f, err := newLines(cols, style{delim: delim}, compression)
	if err != nil {
		return nil, err
	}
	for _, field := range cols.Kept {
		f.header = append(appendCSV(f.header, []byte(field.Name), delim), delim)
	}
	for r := range f.results {
		if r > 0 {
			f.header = append(f.header, delim)
		}
		f.header = append(f.header, r.String()...)
	}
	f.header = append(f.header, '\n')
	return f, nil
}

// NewJSONL prepares JSON lines. compression is "", "gz" or "zst".
func NewJSONL(cols layout.Columns, compression string) (*Lines, error) {
	f, err := newLines(cols, style{json: true}, compression)
	if err != nil {
		return nil, err
	}
	for i, field := range cols.Kept {
		key := []byte{','}
		if i == 0 {
			key[0] = '{'
		}
		f.keys = append(f.keys, append(appendJSON(key, []byte(field.Name)), ':'))
	}
	return f, nil
}

func newLines(cols layout.Columns, s style, compression string) (*Lines, error) {
	if err := cols.Check(); err != nil {
		return nil, err
	}
	for _, field := range cols.Kept {
		if err := s.check(field); err != nil {
			return nil, err
		}
	}
	c, err := compressor(compression)
	if err != nil {
		return nil, err
	}
	return &Lines{style: s, fields: cols.Kept, results: cols.Results(), compress: c}, nil
}

// lineBlock is a batch's lines, compressed where asked.
type lineBlock struct{ buf *[]byte }

var lineBuffers = sync.Pool{New: func() any { return new([]byte) }}

// Encode implements layout.Format.
func (f *Lines) Encode(b *column.Batch, ids []verify.ID, t verify.Table) (verify.Block, error) {
	if len(b.Keep) != len(f.fields) {
		panic(fmt.Sprintf("flows: batch %d keeps %d columns, schema has %d", b.Seq, len(b.Keep), len(f.fields)))
	}
	cols := make([]lineColumn, len(b.Keep))
	for i, at := range b.Keep {
		var err error
		if cols[i], err = f.column(b, i, at); err != nil {
			return nil, err
		}
	}
	d := layout.NewDistinct(ids, t)
	defer d.Release()
	tails := f.tails(d)
	p := lineBuffers.Get().(*[]byte)
	buf := (*p)[:0]
	for row, local := range d.Local {
		for i := range cols {
			if f.style.json {
				buf = append(buf, f.keys[i]...)
			}
			buf = cols[i].append(buf, row, f.style)
			if !f.style.json {
				buf = append(buf, f.style.delim)
			}
		}
		buf = append(buf, tails[local]...)
	}
	*p = buf
	if f.compress != nil && len(buf) > 0 {
		q := lineBuffers.Get().(*[]byte)
		*q = f.compress((*q)[:0], buf)
		lineBuffers.Put(p)
		p = q
	}
	return lineBlock{p}, nil
}

// tails renders the result columns of each distinct verdict up to the line's
// end.
func (f *Lines) tails(d *layout.Distinct) [][]byte {
	var all []byte
	ends := make([]int, 0, len(d.Rows))
	for _, row := range d.Rows {
		for r := range f.results {
			all = f.tailStart(all, r)
			switch {
			case r != layout.Priority && r.Text(row) != "":
				all = f.style.text(all, []byte(r.Text(row)))
			case r == layout.Priority && row.HasPriority:
				all = strconv.AppendInt(all, int64(row.Priority), 10)
			default:
				all = f.style.null(all)
			}
		}
		if f.style.json {
			all = append(all, '}')
		}
		all = append(all, '\n')
		ends = append(ends, len(all))
	}
	tails, start := make([][]byte, len(ends)), 0
	for i, end := range ends {
		tails[i], start = all[start:end:end], end
	}
	return tails
}

func (f *Lines) tailStart(dst []byte, r layout.Result) []byte {
	switch {
	case !f.style.json && r == 0:
		return dst
	case !f.style.json:
		return append(dst, f.style.delim)
	case r == 0 && len(f.fields) == 0:
		dst = append(dst, `{"`...)
	default:
		dst = append(dst, `,"`...)
	}
	return append(append(dst, r.String()...), `":`...)
}

// Begin implements layout.Format.
func (f *Lines) Begin(w io.Writer) (layout.Appender, error) {
	head := f.header
	if f.compress != nil {
		head = f.compress(nil, head) // an empty member, so that no file is empty
	}
	_, err := w.Write(head)
	return lineFile{w}, err
}

type lineFile struct{ w io.Writer }

// Append implements layout.Appender.
func (f lineFile) Append(b verify.Block) error {
	p := b.(lineBlock).buf
	_, err := f.w.Write(*p)
	lineBuffers.Put(p)
	return err
}

// Close implements layout.Appender.
func (f lineFile) Close() error { return nil }

// lineColumn writes one kept column of a batch.
type lineColumn struct {
	cells layout.Cells
	nulls bool
	value cell
	kinds []byte       // of JSON input, see column.Batch
	raw   layout.Bytes // its text
	cache []span       // per dictionary entry, its rendering in arena
	arena []byte
}

type span struct{ from, to int }

func (f *Lines) column(b *column.Batch, i, at int) (lineColumn, error) {
	c, err := layout.NewCells(b.Record.Column(at), false, nil)
	if err != nil {
		return lineColumn{}, fmt.Errorf("column %q: %w", f.fields[i].Name, err)
	}
	value, ok := f.style.cellOf(c.Values)
	if !ok {
		return lineColumn{}, fmt.Errorf("column %q goes on as %s, which has no place in text", f.fields[i].Name, c.Values.DataType())
	}
	col := lineColumn{cells: c, value: value}
	_, null := c.Values.(*array.Null)
	col.nulls = c.Index == nil && !null && c.Values.NullN() > 0
	if c.Index != nil {
		col.cache = make([]span, c.Values.Len())
	}
	if f.style.json && b.Kinds != nil && b.Kinds[at] != nil {
		col.kinds = b.Kinds[at]
		if col.raw, ok = layout.NewBytes(c.Values); !ok {
			return lineColumn{}, fmt.Errorf("column %q of JSON input has type %s", f.fields[i].Name, c.Values.DataType())
		}
	}
	return col, nil
}

func (c *lineColumn) append(dst []byte, row int, s style) []byte {
	at := row
	if c.cells.Index != nil {
		at = int(c.cells.Index[row])
	}
	if at < 0 || c.nulls && c.cells.Values.IsNull(at) {
		return s.null(dst)
	}
	if c.kinds != nil && c.kinds[row] != 's' {
		if c.kinds[row] == 0 {
			return s.null(dst)
		}
		return appendRaw(dst, c.raw.At(at))
	}
	if c.cache == nil {
		return c.value(dst, at)
	}
	p := &c.cache[at]
	if p.to == 0 {
		from := len(c.arena)
		c.arena = c.value(c.arena, at)
		*p = span{from, len(c.arena)}
	}
	return append(dst, c.arena[p.from:p.to]...)
}

// appendRaw repeats a JSON value on one line: between tokens a line break is
// space like any other, and inside strings JSON allows none.
func appendRaw(dst, v []byte) []byte {
	start := len(dst)
	dst = append(dst, v...)
	for i := start; i < len(dst); i++ {
		if dst[i] == '\n' || dst[i] == '\r' {
			dst[i] = ' '
		}
	}
	return dst
}
