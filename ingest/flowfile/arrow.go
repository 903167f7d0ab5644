package flowfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"ipflow/ingest/column"
)

// maxArrowBuffer bounds one allocation that lengths in Arrow metadata can ask
// for, in bytes.
const maxArrowBuffer = 4 << 30

// arrowDecoder reads an Arrow IPC file or stream.
type arrowDecoder struct {
	in     *input
	layout *layout
	fields []arrow.Field
	at     []int
	window int
	source recordSource
	rec    arrow.Record // being handed out
	row    int64
	nth    int // records read
}

// recordSource is what IPC files and streams have in common. The record is the
// caller's to release.
type recordSource interface {
	schema() *arrow.Schema
	next() (arrow.Record, error)
	close()
}

func openArrow(r *Reader, in *input) (decoder, error) {
	d := &arrowDecoder{in: in, window: r.windowRows()}
	head, err := in.peek(len(arrowMagic))
	if err != nil {
		return nil, err
	}
	mem := cappedAllocator{r.memory()}
	err = shield(in.name(), func() error {
		if bytes.Equal(head, arrowMagic) {
			d.source, err = openIPCFile(in, mem)
		} else {
			d.source, err = openIPCStream(in, mem)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := d.settle(r); err != nil {
		d.source.close()
		return nil, err
	}
	return d, nil
}

// settle lays out the first input's columns and compares those of further ones.
func (d *arrowDecoder) settle(r *Reader) (err error) {
	schema := d.source.schema()
	names := make([]string, schema.NumFields())
	for i, f := range schema.Fields() {
		names[i] = f.Name
	}
	if first := r.layout == nil; first {
		if r.layout, err = resolve(d.in.name(), names, &r.opts, false); err != nil {
			return err
		}
		var fields []arrow.Field
		for _, u := range r.layout.used {
			f := schema.Field(u)
			f.Type = storedType(f.Type)
			f.Metadata, f.Nullable = arrow.Metadata{}, true
			fields = append(fields, f)
		}
		r.schema = r.layout.schema(fields, false)
	}
	if d.at, err = r.layout.match(d.in.name(), names); err != nil {
		return err
	}
	d.layout, d.fields = r.layout, r.schema.Record.Fields()
	for i, f := range d.fields {
		if got := storedType(schema.Field(d.at[i]).Type); !arrow.TypeEqual(got, f.Type) {
			return fmt.Errorf("column %s is %s in %s but %s in %s; all flow files must have the same columns", show(f.Name), got, d.in.name(), f.Type, r.layout.file)
		}
	}
	return r.layout.checkTypes(d.in.name(), d.fields)
}

// storedType is the type that a batch has for an input column: string views and
// all-null columns become strings, extension types what they are stored as.
func storedType(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.StringViewType, *arrow.NullType:
		return arrow.BinaryTypes.String
	case *arrow.BinaryViewType:
		return arrow.BinaryTypes.Binary
	case arrow.ExtensionType:
		return storedType(t.StorageType())
	}
	return t
}

func (d *arrowDecoder) close() {
	if d.rec != nil {
		d.rec.Release()
		d.rec = nil
	}
	d.source.close()
	d.in.close()
}

func (d *arrowDecoder) next(context.Context) (int, func() (*column.Batch, error), error) {
	for d.rec == nil || d.row == d.rec.NumRows() {
		if d.rec != nil {
			d.rec.Release()
			d.rec = nil
		}
		err := shield(d.in.name(), func() (err error) {
			if d.rec, err = d.source.next(); err != nil {
				return err
			}
			return d.check()
		})
		if err != nil {
			return 0, nil, err
		}
		d.row = 0
		d.nth++
	}
	n := min(d.rec.NumRows()-d.row, int64(d.window))
	arrays := make([]arrow.Array, len(d.at))
	err := shield(d.in.name(), func() error {
		for i, at := range d.at {
			arrays[i] = plainArray(d.rec.Column(at), d.row, d.row+n)
		}
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	d.row += n
	b := &column.Batch{Record: column.NewRecord(d.fields, arrays, int(n)), Flow: d.layout.flow, Keep: slices.Clone(d.layout.keep)}
	return int(n), func() (*column.Batch, error) { return b, nil }, nil
}

func (d *arrowDecoder) check() error {
	for _, at := range d.at {
		a := d.rec.Column(at)
		if int64(a.Len()) != d.rec.NumRows() {
			return fmt.Errorf("record %d: column %s has %d of %d rows", d.nth, show(d.rec.ColumnName(at)), a.Len(), d.rec.NumRows())
		}
		if e, ok := a.(array.ExtensionArray); ok {
			a = e.Storage()
		}
		if err := column.Check(a); err != nil {
			return fmt.Errorf("record %d: column %s: %w", d.nth, show(d.rec.ColumnName(at)), err)
		}
	}
	return nil
}

// plainArray returns the rows from first to before end in the type that
// storedType says. The caller releases it.
func plainArray(a arrow.Array, first, end int64) arrow.Array {
	switch x := a.(type) {
	case array.ExtensionArray:
		return plainArray(x.Storage(), first, end)
	case *array.Null:
		b := array.NewStringBuilder(memory.DefaultAllocator)
		defer b.Release()
		b.AppendNulls(int(end - first))
		return b.NewArray()
	case *array.StringView:
		b := array.NewStringBuilder(memory.DefaultAllocator)
		defer b.Release()
		copyView(x, first, end, b.AppendNull, b.Append)
		return b.NewArray()
	case *array.BinaryView:
		b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
		defer b.Release()
		copyView(x, first, end, b.AppendNull, b.Append)
		return b.NewArray()
	}
	return array.NewSlice(a, first, end)
}

func copyView[T any](a interface {
	IsNull(int) bool
	Value(int) T
}, first, end int64, null func(), add func(T),
) {
	for i := int(first); i < int(end); i++ {
		if a.IsNull(i) {
			null()
		} else {
			add(a.Value(i))
		}
	}
}

// shield runs foreign decoders, which panic on some malformed input, and turns
// what they say into one error that names the file.
func shield(name string, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read flows %s: the file is damaged: %v", name, p)
		}
	}()
	err = f()
	if u := new(UsageError); err == nil || err == io.EOF || errors.As(err, &u) {
		return err
	}
	return fmt.Errorf("read flows %s: %w", name, err)
}

// cappedAllocator keeps lengths in damaged metadata from exhausting memory.
type cappedAllocator struct{ memory.Allocator }

func (a cappedAllocator) Allocate(n int) []byte {
	if n < 0 || n > maxArrowBuffer {
		panic(fmt.Sprintf("a buffer of %d bytes is asked for", n))
	}
	return a.Allocator.Allocate(n)
}

func (a cappedAllocator) Reallocate(n int, b []byte) []byte {
	if n < 0 || n > maxArrowBuffer {
		panic(fmt.Sprintf("a buffer of %d bytes is asked for", n))
	}
	return a.Allocator.Reallocate(n, b)
}

type ipcFile struct {
	in     *input
	f      *ipc.FileReader
	record int
}

func openIPCFile(in *input, mem memory.Allocator) (recordSource, error) {
	if err := in.randomAccess("an Arrow file"); err != nil {
		return nil, err
	}
	in.uncount()
	f, err := ipc.NewFileReader(in.file, ipc.WithAllocator(mem))
	if err != nil {
		return nil, fmt.Errorf("no whole Arrow file: %w", err)
	}
	return &ipcFile{in: in, f: f}, nil
}

func (s *ipcFile) schema() *arrow.Schema { return s.f.Schema() }

func (s *ipcFile) next() (arrow.Record, error) {
	n := s.f.NumRecords()
	if s.record == n {
		return nil, io.EOF
	}
	rec, err := s.f.RecordAt(s.record)
	s.record++
	s.in.read.Store(s.in.before + s.in.size*int64(s.record)/int64(n))
	return rec, err
}

func (s *ipcFile) close() { s.f.Close() }

type ipcStream struct {
	r   *ipc.Reader
	end *endWatch
}

// endWatch notes whether a reader came to the end of its input.
type endWatch struct {
	r       io.Reader
	reached bool
}

func (w *endWatch) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.reached = w.reached || errors.Is(err, io.EOF)
	return n, err
}

func openIPCStream(in *input, mem memory.Allocator) (recordSource, error) {
	end := &endWatch{r: in.body}
	r, err := ipc.NewReader(end, ipc.WithAllocator(mem))
	if err != nil {
		return nil, fmt.Errorf("no Arrow IPC data: %w", err)
	}
	return &ipcStream{r: r, end: end}, nil
}

func (s *ipcStream) schema() *arrow.Schema { return s.r.Schema() }

func (s *ipcStream) next() (arrow.Record, error) {
	rec, err := s.r.Read()
	if err == nil {
		rec.Retain()
		return rec, nil
	}
	if err != io.EOF {
		return nil, err
	}
	// The reader also takes the end of the input for the end of the stream. All
	// writers mark the end of a stream, so one without the mark comes from a
	// writer that died midway; a reader of whole streams never sees the end of
	// its input.
	if s.end.reached {
		return nil, errors.New("the Arrow stream ends without its end mark: it was cut short")
	}
	if n, _ := io.ReadFull(s.end, make([]byte, 1)); n > 0 {
		return nil, errors.New("data follows the end of the Arrow stream; give each stream as a file of its own")
	}
	return nil, io.EOF
}

func (s *ipcStream) close() { s.r.Release() }
