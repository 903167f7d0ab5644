package flowfile

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go"
	"golang.org/x/sync/errgroup"

	"ipflow/ingest/column"
)

// maxWindow bounds the rows of a window of Parquet, whose columns are allocated
// for the rows that metadata promise.
const maxWindow = 1 << 24

// parquetDecoder reads a Parquet file, row group by row group.
type parquetDecoder struct {
	in      *input
	timed   func(start time.Time)
	source  *column.ParquetFile // owns the input's file
	layout  *layout
	fields  []arrow.Field
	file    *parquet.File
	columns []leaf // by used column
	leaves  []int  // their chunks in a row group
	window  int
	group   int
	row     int64          // next one in the group
	cursors []*chunkCursor // of the group, nil when it is not open
	done    int64          // rows handed out
}

func openParquet(r *Reader, in *input) (decoder, error) {
	if err := in.randomAccess("a Parquet file"); err != nil {
		return nil, err
	}
	in.uncount()
	d := &parquetDecoder{in: in, timed: r.timed, window: min(r.windowRows(), maxWindow)}
	var leaves []leaf
	err := shield(in.name(), func() (err error) {
		if err = checkFooter(in.file, in.size); err != nil {
			return err
		}
		d.file, err = parquet.OpenFile(in.file, in.size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(readSize))
		if err != nil {
			return fmt.Errorf("the file is damaged: %w", err)
		}
		if leaves, err = leavesOf(d.file.Metadata().Schema); err != nil {
			return err
		}
		var rows int64
		for i, g := range d.file.RowGroups() {
			if rows += g.NumRows(); g.NumRows() < 0 || rows < 0 {
				return fmt.Errorf("row group %d has %d rows", i, g.NumRows())
			}
		}
		if rows != d.file.NumRows() {
			return fmt.Errorf("the file promises %d rows but its row groups have %d", d.file.NumRows(), rows)
		}
		return nil
	})
	if err == nil {
		err = d.settle(r, leaves)
	}
	if err != nil {
		return nil, err
	}
	d.source = column.NewParquetFile(in.path, in.size, in.file)
	return d, nil
}

// checkFooter looks at the length of the footer before anything that long is
// allocated.
func checkFooter(f io.ReaderAt, size int64) error {
	const least = 12 // magic, footer length, magic
	var end [8]byte
	if size < least {
		return fmt.Errorf("%d bytes are no Parquet file: it was cut short", size)
	}
	if _, err := f.ReadAt(end[:], size-8); err != nil {
		return err
	}
	if string(end[4:]) != "PAR1" {
		return fmt.Errorf("the file does not end with PAR1: it was cut short or is still being written")
	}
	if n := int64(binary.LittleEndian.Uint32(end[:])); n > size-least {
		return fmt.Errorf("the file is damaged: a footer of %d bytes in a file of %d", n, size)
	}
	return nil
}

func (d *parquetDecoder) settle(r *Reader, leaves []leaf) (err error) {
	names := make([]string, len(leaves))
	for i, l := range leaves {
		names[i] = l.name
	}
	first := r.layout == nil
	if first {
		if r.layout, err = resolve(d.in.name(), names, &r.opts, false); err != nil {
			return err
		}
	}
	at, err := r.layout.match(d.in.name(), names)
	if err != nil {
		return err
	}
	for _, i := range at {
		l := leaves[i]
		if l.nested {
			return fmt.Errorf("%s: column %s is nested, which cannot be kept; name the columns to keep with --keep", d.in.name(), show(l.name))
		}
		d.columns = append(d.columns, l)
		d.leaves = append(d.leaves, l.index)
		d.fields = append(d.fields, l.field)
	}
	if first {
		r.schema = r.layout.schema(d.fields, false)
	}
	for i, f := range r.schema.Record.Fields() {
		if d.fields[i].Nullable && !f.Nullable {
			r.schema.Record = nullable(r.schema.Record, i)
		}
		if got := d.fields[i].Type; !arrow.TypeEqual(got, f.Type) {
			return fmt.Errorf("column %s is %s in %s but %s in %s; all flow files must have the same columns", show(f.Name), got, d.in.name(), f.Type, r.layout.file)
		}
	}
	d.layout = r.layout
	return d.layout.checkTypes(d.in.name(), d.fields)
}

// nullable is the schema with nulls in one more column: a further file has them.
func nullable(s *arrow.Schema, column int) *arrow.Schema {
	fields := s.Fields()
	fields[column].Nullable = true
	meta := s.Metadata()
	return arrow.NewSchema(fields, &meta)
}

func (d *parquetDecoder) rows() int64 { return d.file.NumRows() }

func (d *parquetDecoder) close() {
	d.closeGroup()
	d.in.done()
	d.source.Release()
}

func (d *parquetDecoder) closeGroup() {
	for _, c := range d.cursors {
		c.close()
	}
	d.cursors = nil
}

// next decodes the next window: a row group, or a piece of one that is larger
// than the window.
func (d *parquetDecoder) next(ctx context.Context) (int, func() (*column.Batch, error), error) {
	groups := d.file.RowGroups()
	for d.group < len(groups) && d.row == groups[d.group].NumRows() {
		d.closeGroup()
		d.group, d.row = d.group+1, 0
	}
	if d.group == len(groups) {
		return 0, nil, io.EOF
	}
	group := groups[d.group]
	n := int(min(group.NumRows()-d.row, int64(d.window)))
	arrays := make([]arrow.Array, len(d.columns))
	err := shield(d.in.name(), func() error {
		if d.cursors == nil {
			chunks := group.ColumnChunks()
			for i := range d.columns {
				d.cursors = append(d.cursors, &chunkCursor{leaf: &d.columns[i], pages: chunks[d.columns[i].index].Pages()})
			}
		}
		return d.readColumns(ctx, arrays, n)
	})
	if err != nil {
		for _, a := range arrays {
			if a != nil {
				a.Release()
			}
		}
		return 0, nil, err
	}
	b := &column.Batch{Record: column.NewRecord(d.fields, arrays, n), Flow: d.layout.flow, Keep: slices.Clone(d.layout.keep)}
	if int64(n) == group.NumRows() {
		d.source.Hold()
		b.Source = &column.RowGroup{File: d.source, Index: d.group, Leaves: d.leaves}
	}
	d.row += int64(n)
	d.done += int64(n)
	d.in.read.Store(d.in.before + int64(float64(d.in.size)*(float64(d.done)/float64(d.file.NumRows()))))
	return n, func() (*column.Batch, error) { return b, nil }, nil
}

// readColumns reads n rows of every column, the columns in parallel.
func (d *parquetDecoder) readColumns(ctx context.Context, arrays []arrow.Array, n int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(min(runtime.GOMAXPROCS(0), 8))
	for i, c := range d.cursors {
		g.Go(func() (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = fmt.Errorf("the file is damaged: %v", p)
				}
				if err != nil && ctx.Err() == nil {
					err = fmt.Errorf("row group %d, column %s: %w", d.group, show(c.leaf.name), err)
				}
			}()
			defer d.timed(time.Now())
			arrays[i], err = c.read(ctx, n)
			return err
		})
	}
	return g.Wait()
}
