package flowfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"

	"ipflow/ingest/column"
)

// csvDecoder reads a CSV or TSV file.
type csvDecoder struct {
	in        *input
	layout    *layout
	fields    []arrow.Field
	splitter  splitter
	delimiter byte
	width     int       // fields of a row
	at        []int     // used column → field
	ports     bool      // as numbers, see Options.PortNumbers
	spare     sync.Pool // of *textBatch
}

func openCSV(r *Reader, in *input) (decoder, error) {
	d := &csvDecoder{in: in, delimiter: ',', ports: r.opts.PortNumbers}
	if r.format == tsvFormat {
		d.delimiter = '\t'
	}
	if err := skipBOM(in); err != nil {
		return nil, err
	}
	d.splitter = splitter{r: in.body, path: in.path, quotes: true, delimiter: d.delimiter, rows: 1, limit: maxRecord}
	names, err := d.header()
	if err != nil {
		return nil, err
	}
	d.splitter.rows = r.windowRows()
	d.splitter.hint = int(min(in.size, 8<<20))
	d.width = len(names)
	if r.layout == nil {
		if r.layout, err = resolve(in.name(), names, &r.opts, false); err != nil {
			return nil, err
		}
		r.schema = r.layout.textSchema()
	}
	if d.at, err = r.layout.match(in.name(), names); err != nil {
		return nil, err
	}
	d.layout, d.fields = r.layout, r.schema.Record.Fields()
	return d, nil
}

func skipBOM(in *input) error {
	head, err := in.peek(len(utf8BOM))
	if err == nil && bytes.Equal(head, utf8BOM) {
		_, err = in.body.Discard(len(utf8BOM))
	}
	return err
}

func (d *csvDecoder) header() ([]string, error) {
	b, err := d.splitter.next()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s is empty; its first line must name the columns", d.in.name())
	}
	if err != nil {
		return nil, err
	}
	f := fieldSplitter{delimiter: d.delimiter}
	line := b.data[b.recs[0].first:b.recs[0].end]
	if len(b.bad) > 0 || !f.split(line, true) || !utf8.Valid(line) {
		return nil, fmt.Errorf("%s:%d: the header is malformed: quotes do not match, or it is not UTF-8", d.in.name(), b.lineOf(0))
	}
	names := make([]string, len(f.fields))
	for i, n := range f.fields {
		names[i] = string(n)
	}
	return names, nil
}

func (d *csvDecoder) close() { d.in.close() }

func (d *csvDecoder) next(context.Context) (int, func() (*column.Batch, error), error) {
	b, err := d.splitter.next()
	if err != nil {
		return 0, nil, err
	}
	return len(b.recs), func() (*column.Batch, error) { return d.decode(b), nil }, nil
}

// decode takes blocks of records apart side by side where they are plain, and
// record by record where quotes or bytes that are not UTF-8 are about.
func (d *csvDecoder) decode(b *block) *column.Batch {
	t, _ := d.spare.Get().(*textBatch)
	if t == nil {
		t = newTextBatch(d.layout, d.ports)
		t.cutter = newCutter(d.delimiter, d.width)
	}
	t.reset(len(b.recs))
	data, bad := b.withSlack(), b.bad
	for first := 0; first < len(b.recs); first += cutRows {
		recs := b.recs[first:min(first+cutRows, len(b.recs))]
		known := 0 // of the malformed records, those among recs
		for known < len(bad) && int(bad[known]) < first+len(recs) {
			known++
		}
		if known == 0 && t.cutter.cut(data, recs, b.quotes) {
			t.appendCut(data, d.at, len(recs))
		} else {
			d.appendOneByOne(t, b, recs, bad[:known], first)
		}
		bad = bad[known:]
	}
	d.splitter.recycle(b)
	batch := t.finish(d.fields)
	d.spare.Put(t)
	return batch
}

// appendOneByOne adds records of which the first is number first of the block.
func (d *csvDecoder) appendOneByOne(t *textBatch, b *block, recs []span, bad []int32, first int) {
	f := fieldSplitter{delimiter: d.delimiter}
	for i, s := range recs {
		if len(bad) > 0 && int(bad[0]) == first+i {
			bad = bad[1:]
			t.appendBad()
			continue
		}
		rec := b.data[s.first:s.end]
		if !f.split(rec, b.quotes) || len(f.fields) != d.width || !utf8.Valid(rec) {
			t.appendBad()
			continue
		}
		for c, col := range t.columns {
			if v := f.fields[d.at[c]]; len(v) > 0 {
				col.Append(v)
			} else {
				col.AppendNull()
			}
		}
		t.rows++
	}
}

// textColumn builds a column from text: column.Text, or column.Ports.
type textColumn interface {
	Append(v []byte)
	AppendNull()
	AppendSpans(data []byte, at []column.Span)
	Reset(rows int)
	Finish() arrow.Array
}

// textBatch collects the rows of a text window.
type textBatch struct {
	layout  *layout
	columns []textColumn
	rows    int
	bad     []bool // of all rows of the window, nil while there is none
	size    int
	cutter  *cutter // of CSV
}

func newTextBatch(l *layout, ports bool) *textBatch {
	t := &textBatch{layout: l, columns: make([]textColumn, len(l.used))}
	for i := range t.columns {
		if ports && (i == l.flow[column.LocalPort] || i == l.flow[column.RemotePort]) {
			t.columns[i] = column.NewPorts(0)
		} else {
			t.columns[i] = column.NewText(0)
		}
	}
	return t
}

// reset begins a window of so many rows.
func (t *textBatch) reset(rows int) {
	t.rows, t.bad, t.size = 0, nil, rows
	for _, c := range t.columns {
		c.Reset(rows)
	}
}

// appendCut adds the rows that the cutter holds; at gives each column's field.
func (t *textBatch) appendCut(data []byte, at []int, rows int) {
	for c, col := range t.columns {
		col.AppendSpans(data, t.cutter.fields[at[c]][:rows])
	}
	if t.cutter.bad > 0 {
		for row, fine := range t.cutter.rows[:rows] {
			if !fine {
				t.markBad(t.rows + row)
			}
		}
	}
	t.rows += rows
}

func (t *textBatch) markBad(row int) {
	if t.bad == nil {
		t.bad = make([]bool, t.size)
	}
	t.bad[row] = true
}

func (t *textBatch) appendBad() {
	t.markBad(t.rows)
	for _, c := range t.columns {
		c.AppendNull()
	}
	t.rows++
}

func (t *textBatch) finish(fields []arrow.Field) *column.Batch {
	arrays := make([]arrow.Array, len(t.columns))
	for i, c := range t.columns {
		arrays[i] = c.Finish()
	}
	return &column.Batch{
		Record: column.NewRecord(fields, arrays, t.rows),
		Flow:   t.layout.flow,
		Keep:   slices.Clone(t.layout.keep),
		Bad:    t.bad,
		Text:   true,
	}
}

// textSchema is the schema of text input: strings all over.
func (l *layout) textSchema() column.Schema {
	fields := make([]arrow.Field, len(l.used))
	for i, u := range l.used {
		fields[i] = arrow.Field{Name: l.names[u], Type: arrow.BinaryTypes.String, Nullable: true}
	}
	return l.schema(fields, true)
}

func (l *layout) schema(fields []arrow.Field, text bool) column.Schema {
	return column.Schema{Record: arrow.NewSchema(fields, nil), Flow: l.flow, Keep: slices.Clone(l.keep), Text: text, Ends: l.ends}
}
