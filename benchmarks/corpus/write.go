package corpus

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
)

// FileOptions say how flows are written. The zero value is Parquet with zstd.
type FileOptions struct {
	Format   string      // parquet (""), csv, jsonl, arrow (file) or arrows (stream)
	Codec    string      // Parquet: zstd (""), snappy or none
	RowGroup int         // rows of a Parquet row group, rounded up to windows; 0: 1<<20
	Workers  int         // goroutines that draw and format; 0: GOMAXPROCS
	Progress func(int64) // told the rows written so far, from one goroutine
}

var fileFormats = []string{"parquet", "csv", "jsonl", "arrow", "arrows"}

// Validate refuses options that name nothing, and text forms of addresses that
// are not text.
func (o FileOptions) Validate(form Addresses) error {
	known := o.Format == ""
	for _, f := range fileFormats {
		known = known || f == o.Format
	}
	switch {
	case !known:
		return fmt.Errorf("%q is not a format: choose %s", o.Format, strings.Join(fileFormats, ", "))
	case form != Text && (o.Format == "csv" || o.Format == "jsonl"):
		return fmt.Errorf("%s files hold addresses as text only, not as %s", o.Format, addressNames[form])
	case o.RowGroup < 0:
		return fmt.Errorf("a row group has 1 row or more, not %d", o.RowGroup)
	}
	_, err := compression(o.Codec)
	return err
}

// Write draws all rows and writes them as one file. The bytes do not depend on
// the number of workers; memory does not depend on the number of rows.
func (f *Flows) Write(ctx context.Context, w io.Writer, o FileOptions) error {
	if err := o.Validate(f.o.Addresses); err != nil {
		return err
	}
	switch o.Format {
	case "csv":
		if _, err := io.WriteString(w, header()+"\n"); err != nil {
			return err
		}
		return f.writeLines(ctx, w, o, newLines(f, false))
	case "jsonl":
		return f.writeLines(ctx, w, o, newLines(f, true))
	case "arrow", "arrows":
		return f.writeArrow(ctx, w, o)
	}
	return f.writeParquet(ctx, w, o)
}

func header() string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.String()
	}
	return strings.Join(names, ",")
}

// inOrder makes items 0 to n-1 with several goroutines and takes them one by one
// in order. At most workers+1 items exist at a time.
func inOrder[T any](ctx context.Context, n, workers int, produce func(i int) T, take func(T) error) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan chan T, workers)
	go func() {
		defer close(queue)
		for i := range n {
			item := make(chan T, 1)
			select {
			case queue <- item:
				go func() { item <- produce(i) }()
			case <-ctx.Done():
				return
			}
		}
	}()
	for item := range queue {
		if err := take(<-item); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// written tells the progress after a window.
func (o *FileOptions) written(f *Flows, window int) {
	if o.Progress != nil {
		o.Progress(min(int64(window+1)*WindowRows, f.o.Rows))
	}
}

func (f *Flows) writeLines(ctx context.Context, w io.Writer, o FileOptions, l *lines) error {
	window := 0
	return inOrder(ctx, f.Windows(), o.Workers, func(i int) []byte {
		var rows Rows
		f.Draw(i, &rows)
		return l.format(&rows)
	}, func(text []byte) error {
		_, err := w.Write(text)
		o.written(f, window)
		window++
		return err
	})
}

func (f *Flows) writeArrow(ctx context.Context, w io.Writer, o FileOptions) (err error) {
	c := NewColumnar(f)
	var out interface {
		Write(arrow.Record) error
		Close() error
	}
	if o.Format == "arrows" {
		out = ipc.NewWriter(w, ipc.WithSchema(c.Schema()))
	} else if out, err = ipc.NewFileWriter(&forward{w: w}, ipc.WithSchema(c.Schema())); err != nil {
		return err
	}
	window := 0
	err = inOrder(ctx, f.Windows(), o.Workers, func(i int) arrow.Record {
		var rows Rows
		f.Draw(i, &rows)
		return c.Record(&rows)
	}, func(rec arrow.Record) error {
		defer rec.Release()
		o.written(f, window)
		window++
		return out.Write(rec)
	})
	if err != nil {
		return err
	}
	return out.Close()
}

// forward is a writer that knows its position and cannot move: all that the
// Arrow file writer asks for, so that pipes do.
type forward struct {
	w   io.Writer
	pos int64
}

func (f *forward) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	f.pos += int64(n)
	return n, err
}

// Seek tells the position.
func (f *forward) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		panic("corpus: the Arrow writer moved in its file")
	}
	return f.pos, nil
}

// lines formats rows as CSV or JSON lines.
type lines struct {
	json                               bool
	nics, directions, protocols, local []string // as they stand in the line
}

func newLines(f *Flows, json bool) *lines {
	l := &lines{json: json, nics: f.nics, directions: directionTexts[:], protocols: protocolTexts(), local: addressTexts(f.locals)}
	if json {
		l.nics, l.directions, l.protocols, l.local = quoted(l.nics), quoted(l.directions), quoted(l.protocols), quoted(l.local)
	} else {
		l.nics = csvFields(l.nics)
	}
	return l
}

func quoted(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = jsonString(s)
	}
	return out
}

func csvFields(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		if strings.ContainsAny(s, ",\"\r\n") {
			s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		}
		out[i] = s
	}
	return out
}

// format returns the lines of a window.
func (l *lines) format(rows *Rows) []byte {
	const guess = 256
	out, bad := make([]byte, 0, guess*rows.Len()), rows.BadRemote
	for i := range rows.NIC {
		isBad := len(bad) > 0 && bad[0] == int32(i)
		if isBad {
			bad = bad[1:]
		}
		out = l.row(out, rows, i, isBad)
	}
	return out
}

func (l *lines) row(out []byte, rows *Rows, i int, bad bool) []byte {
	key := func(name, first string) {
		if !l.json {
			if first == "" {
				out = append(out, ',')
			}
			return
		}
		if first == "" {
			first = `,"`
		}
		out = append(append(append(out, first...), name...), `":`...)
	}
	key("nic", `{"`)
	out = append(out, l.nics[rows.NIC[i]]...)
	key("direction", "")
	out = append(out, l.directions[rows.Direction[i]]...)
	key("protocol", "")
	out = append(out, l.protocols[rows.Protocol[i]]...)
	key("local_ip", "")
	out = append(out, l.local[rows.Local[i]]...)
	key("local_port", "")
	out = strconv.AppendUint(out, uint64(rows.LocalPort[i]), 10)
	key("remote_ip", "")
	if l.json {
		out = append(out, '"')
	}
	if bad {
		out = append(out, badAddress...)
	} else {
		out = appendAddress(out, rows.Remote[i])
	}
	if l.json {
		out = append(out, '"')
	}
	key("remote_port", "")
	out = strconv.AppendUint(out, uint64(rows.RemotePort[i]), 10)
	if l.json {
		out = append(out, '}')
	}
	return append(out, '\n')
}
