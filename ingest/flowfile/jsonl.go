package flowfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"

	"ipflow/ingest/column"
	"ipflow/ingest/diag"
)

// maxKeys bounds the columns that a JSON lines file can make up.
const maxKeys = 10_000

// jsonlDecoder reads a file of JSON lines.
type jsonlDecoder struct {
	in       *input
	layout   *layout
	fields   []arrow.Field
	keepAll  bool
	late     *lateColumns
	splitter splitter
	first    *block // read to learn the columns, not handed out yet
	byKey    map[string]int
	ports    bool      // as numbers, see Options.PortNumbers
	spare    sync.Pool // of *textBatch
}

// lateColumns watches the columns that --keep names but the first window lacks:
// one that never turns up is a misspelling.
type lateColumns struct {
	seen []atomic.Bool // by layout.names, the extra ones
}

func (l *lateColumns) missing(lay *layout) error {
	known := len(lay.names) - lay.extra
	for i := range l.seen {
		if !l.seen[i].Load() {
			return usagef("--keep %s: no line of %s has such a key; the first ones have %s", lay.names[known+i], lay.file, list(lay.names[:known]))
		}
	}
	return nil
}

func openJSONL(r *Reader, in *input) (decoder, error) {
	if err := skipBOM(in); err != nil {
		return nil, err
	}
	d := &jsonlDecoder{in: in, keepAll: r.opts.Keep.all(), ports: r.opts.PortNumbers}
	d.splitter = splitter{r: in.body, path: in.path, rows: r.windowRows(), limit: maxRecord, hint: int(min(in.size, 8<<20))}
	if r.layout == nil {
		if err := d.learn(r); err != nil {
			return nil, err
		}
	}
	d.layout, d.fields, d.late = r.layout, r.schema.Record.Fields(), r.late
	d.byKey = make(map[string]int, len(d.layout.names))
	for i, n := range d.layout.names {
		d.byKey[n] = slices.Index(d.layout.used, i)
	}
	return d, nil
}

// learn reads the first window and takes its keys, in order of appearance, as
// the columns of the input.
func (d *jsonlDecoder) learn(r *Reader) error {
	b, err := d.splitter.next()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	var names []string
	if d.first = b; b != nil {
		if names, err = keysOf(b, &r.opts); err != nil {
			return fmt.Errorf("%s%w", d.in.name(), err)
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("%s has no JSON object on its first lines; each line must be one, with the flow columns as keys", d.in.name())
	}
	whole := d.splitter.eof && len(d.splitter.rest) == 0 && len(r.paths) == 1
	if r.layout, err = resolve(d.in.name(), names, &r.opts, !whole); err != nil {
		return err
	}
	if r.layout.extra > 0 {
		r.late = &lateColumns{seen: make([]atomic.Bool, r.layout.extra)}
	}
	r.schema = r.layout.textSchema()
	r.schema.Kinds = true
	return nil
}

// keysOf returns the keys of a block's objects. Spellings of a flow column that
// differ in case are one column.
func keysOf(b *block, o *Options) ([]string, error) {
	want, err := o.flowNames()
	if err != nil {
		return nil, err
	}
	var names []string
	seen := map[string]bool{}
	var s objectScanner
	for i, span := range b.recs {
		var keys []string
		more, ok := true, s.start(b.data[span.first:span.end])
		for ok && more {
			var key []byte
			if key, _, _, more, ok = s.member(); ok && more && !seen[string(key)] {
				keys = append(keys, string(key))
			}
		}
		if !ok {
			continue
		}
		for _, k := range keys {
			if seen[k] {
				continue
			}
			seen[k] = true
			alike := func(n string) bool { return sameName(n, k) }
			if (slices.ContainsFunc(want.one[:], alike) || slices.ContainsFunc(want.ends[:], alike)) && slices.ContainsFunc(names, alike) {
				continue
			}
			if names = append(names, k); len(names) > maxKeys {
				return nil, fmt.Errorf(":%d: more than %d different keys; flows have the same keys on every line", b.lineOf(i), maxKeys)
			}
		}
	}
	return names, nil
}

func (d *jsonlDecoder) close() { d.in.close() }

func (d *jsonlDecoder) next(context.Context) (int, func() (*column.Batch, error), error) {
	b := d.first
	d.first = nil
	if b == nil {
		var err error
		if b, err = d.splitter.next(); err != nil {
			return 0, nil, err
		}
	}
	return len(b.recs), func() (*column.Batch, error) { return d.decode(b) }, nil
}

// jsonRow is the members of one line, by used column.
type jsonRow struct {
	values [][]byte
	kinds  []byte
	set    []bool
	order  []orderedKey // of the last line: lines of one file mostly agree
}

type orderedKey struct {
	key    []byte
	column int
}

const (
	ignored = -1 // a column that is not used
	unknown = -2 // a key that the first window lacks
)

func (d *jsonlDecoder) decode(b *block) (*column.Batch, error) {
	t, _ := d.spare.Get().(*textBatch)
	if t == nil {
		t = newTextBatch(d.layout, d.ports)
	}
	t.reset(len(b.recs))
	n := len(t.columns)
	row := jsonRow{values: make([][]byte, n), kinds: make([]byte, n), set: make([]bool, n)}
	kinds := make([][]byte, n)
	for c := range kinds {
		kinds[c] = make([]byte, len(b.recs))
	}
	var s objectScanner
	valid, bad := utf8.Valid(b.data), b.bad
	for i, span := range b.recs {
		line := b.data[span.first:span.end]
		known := len(bad) > 0 && int(bad[0]) == i
		if known {
			bad = bad[1:]
		}
		if known || !valid && !utf8.Valid(line) {
			t.appendBad()
			continue
		}
		ok, stranger := d.read(&row, &s, line)
		if ok && stranger != "" {
			return nil, d.strange(stranger, b.lineOf(i))
		}
		if !ok {
			t.appendBad()
			continue
		}
		for c, col := range t.columns {
			if row.kinds[c] == 0 {
				col.AppendNull()
				continue
			}
			kinds[c][i] = row.kinds[c]
			col.Append(row.values[c])
		}
		t.rows++
	}
	d.splitter.recycle(b)
	batch := t.finish(d.fields)
	d.spare.Put(t)
	batch.Kinds = kinds
	return batch, nil
}

// read fills row from a line. ok is false when the line is malformed or says two
// things about one column; stranger is a key that must not be passed over.
func (d *jsonlDecoder) read(row *jsonRow, s *objectScanner, line []byte) (ok bool, stranger string) {
	clear(row.kinds)
	clear(row.set)
	ok = s.start(line)
	for i := 0; ok; i++ {
		key, value, kind, more, fine := s.member()
		if !fine {
			return false, ""
		}
		if !more {
			break
		}
		c := d.find(row, i, key)
		switch {
		case c == ignored:
			continue
		case c == unknown:
			stranger = string(key)
			continue
		case row.set[c]:
			return false, ""
		}
		row.set[c], row.values[c], row.kinds[c] = true, value, kind
		if e := d.layout.used[c] - (len(d.layout.names) - d.layout.extra); e >= 0 {
			d.late.seen[e].Store(true)
		}
	}
	return ok, stranger
}

// find returns the used column of the i-th key of a line.
func (d *jsonlDecoder) find(row *jsonRow, i int, key []byte) int {
	if i < len(row.order) && bytes.Equal(row.order[i].key, key) {
		return row.order[i].column
	}
	c, ok := d.byKey[string(key)]
	if !ok {
		c = d.findFolded(string(key))
	}
	switch {
	case i < len(row.order):
		row.order[i] = orderedKey{bytes.Clone(key), c}
	case i == len(row.order) && i < maxKeys:
		row.order = append(row.order, orderedKey{bytes.Clone(key), c})
	}
	return c
}

// findFolded finds flow columns and columns that --keep names, which ignore
// case. Any other key is news: passed over if it is not to be kept.
func (d *jsonlDecoder) findFolded(key string) int {
	for c, f := range d.layout.flow {
		if sameName(key, d.layout.want[c]) {
			if f < 0 {
				return unknown
			}
			return f
		}
	}
	for i := len(d.layout.names) - d.layout.extra; i < len(d.layout.names); i++ {
		if sameName(key, d.layout.names[i]) {
			return slices.Index(d.layout.used, i)
		}
	}
	if d.keepAll {
		return unknown
	}
	return ignored
}

func (d *jsonlDecoder) strange(key string, line int64) error {
	for _, w := range d.layout.want {
		if sameName(key, w) {
			return fmt.Errorf("%s:%d: flow column %s first appears here, after the first window; give it (null will do) on the first line too", d.in.name(), line, show(key))
		}
	}
	keep := ""
	if len(d.layout.names) <= 20 {
		keep = fmt.Sprintf(", for example --keep '%s,%s'", strings.Join(d.layout.names, ","), key)
	}
	return fmt.Errorf("%s:%d: key %s first appears here, and columns are those of the first window; name the columns to keep%s", d.in.name(), line, show(key), diag.Printable(keep))
}
