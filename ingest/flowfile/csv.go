package flowfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
	width     int   // fields of a row
	at        []int // used column → field
}

func openCSV(r *Reader, in *input) (decoder, error) {
	d := &csvDecoder{in: in, delimiter: ','}
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

func (d *csvDecoder) decode(b *block) *column.Batch {
	t := newTextBatch(d.layout, len(b.recs))
	f := fieldSplitter{delimiter: d.delimiter}
	valid, bad := utf8.Valid(b.data), b.bad
	for i, s := range b.recs {
		if len(bad) > 0 && int(bad[0]) == i {
			bad = bad[1:]
			t.appendBad()
			continue
		}
		rec := b.data[s.first:s.end]
		if !f.split(rec, b.quotes) || len(f.fields) != d.width || !valid && !utf8.Valid(rec) {
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
	d.splitter.recycle(b)
	return t.finish(d.fields)
}

// textBatch collects the rows of a text window.
type textBatch struct {
	layout  *layout
	columns []*column.Text
	rows    int
	bad     []bool // of all rows of the window, nil while there is none
	size    int
}

func newTextBatch(l *layout, rows int) *textBatch {
	t := &textBatch{layout: l, size: rows, columns: make([]*column.Text, len(l.used))}
	for i := range t.columns {
		t.columns[i] = column.NewText(rows)
	}
	return t
}

func (t *textBatch) appendBad() {
	if t.bad == nil {
		t.bad = make([]bool, t.size)
	}
	t.bad[t.rows] = true
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
