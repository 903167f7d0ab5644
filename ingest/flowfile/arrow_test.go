package flowfile

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

func ipcFileBytes(t testing.TB, table arrow.Table, rows int64, o ...ipc.Option) []byte {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := ipc.NewFileWriter(f, append(o, ipc.WithSchema(table.Schema()))...)
	if err != nil {
		t.Fatal(err)
	}
	writeTable(t, w, table, rows)
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func ipcStreamBytes(t testing.TB, table arrow.Table, rows int64, o ...ipc.Option) []byte {
	t.Helper()
	var b bytes.Buffer
	writeTable(t, ipc.NewWriter(&b, append(o, ipc.WithSchema(table.Schema()))...), table, rows)
	return b.Bytes()
}

func writeTable(t testing.TB, w interface {
	Write(arrow.Record) error
	Close() error
}, table arrow.Table, rows int64,
) {
	t.Helper()
	r := array.NewTableReader(table, rows)
	defer r.Release()
	for r.Next() {
		if err := w.Write(r.Record()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestArrowFilesAndStreams(t *testing.T) {
	table, want := arrowTable(t, 500)
	defer table.Release()
	for name, content := range map[string][]byte{
		"file.arrow":    ipcFileBytes(t, table, 170),
		"lz4.feather":   ipcFileBytes(t, table, 170, ipc.WithLZ4()),
		"stream.arrows": ipcStreamBytes(t, table, 170),
		"zstd.ipc":      ipcStreamBytes(t, table, 170, ipc.WithZstd()),
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, t.TempDir(), name, string(content))
			for window, batches := range map[int]int{0: 3, 100: 6} {
				mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
				got := mustRead(t, Options{WindowRows: window, allocator: mem}, path)
				if diff := cmp.Diff(want, got.rows); diff != "" {
					t.Fatal(diff[:min(len(diff), 2000)])
				}
				if len(got.batches) != batches {
					t.Errorf("window %d gives batches %v", window, got.batches)
				}
				mem.AssertSize(t, 0)
			}
		})
	}
	got := mustRead(t, Options{Format: "arrow", Stdin: bytes.NewReader(ipcStreamBytes(t, table, 170))}, "-")
	if diff := cmp.Diff(want, got.rows); diff != "" {
		t.Error(diff)
	}
	_, err := read(t, Options{Format: "arrow", Stdin: bytes.NewReader(ipcFileBytes(t, table, 170))}, "-")
	if err == nil || !strings.Contains(err.Error(), "standard input: an Arrow file needs a regular file") {
		t.Errorf("Arrow file on standard input: %v", err)
	}
}

func TestArrowReaderGivesBackWhatItHolds(t *testing.T) {
	table, _ := arrowTable(t, 500)
	defer table.Release()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	r, err := Open(context.Background(), []string{write(t, t.TempDir(), "a.arrows", string(ipcStreamBytes(t, table, 170)))}, Options{WindowRows: 10, allocator: mem})
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	b.Release()
	r.Close()
	mem.AssertSize(t, 0)
}

func TestArrowStreamEnds(t *testing.T) {
	table, want := arrowTable(t, 340)
	defer table.Release()
	whole := ipcStreamBytes(t, table, 170)
	dir := t.TempDir()
	_, err := read(t, Options{}, write(t, dir, "a.arrows", string(whole[:len(whole)-8])))
	if err == nil || !strings.Contains(err.Error(), "without its end mark") {
		t.Errorf("no end mark: %v", err)
	}
	_, err = read(t, Options{}, write(t, dir, "a.arrows", string(whole)+string(whole)))
	if err == nil || !strings.Contains(err.Error(), "data follows") {
		t.Errorf("two streams: %v", err)
	}
	if got := mustRead(t, Options{}, write(t, dir, "a.arrows", string(whole))); len(got.rows) != len(want) {
		t.Errorf("%d rows", len(got.rows))
	}
}

// flowTable has the given columns as flow columns, by type of each.
func flowTable(t testing.TB, values map[string]func(*array.RecordBuilder, int), types map[string]arrow.DataType) arrow.Table {
	t.Helper()
	var fields []arrow.Field
	for _, n := range []string{"nic", "direction", "protocol", "local_ip", "local_port", "remote_ip", "remote_port", "extra"} {
		dt := types[n]
		if dt == nil {
			dt = arrow.BinaryTypes.LargeString
		}
		fields = append(fields, arrow.Field{Name: n, Type: dt})
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for i := range 4 {
		for c, f := range fields {
			if put := values[f.Name]; put != nil {
				put(b, c)
			} else if err := b.Field(c).AppendValueFromString(fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	rec := b.NewRecord()
	return array.NewTableFromRecords(rec.Schema(), []arrow.Record{rec})
}

func TestArrowTypes(t *testing.T) {
	null := func(b *array.RecordBuilder, c int) { b.Field(c).AppendNull() }
	types := map[string]arrow.DataType{
		"nic":        arrow.Null,
		"direction":  &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String},
		"protocol":   arrow.PrimitiveTypes.Int64,
		"local_port": arrow.BinaryTypes.Binary,
		"extra":      &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint16, ValueType: arrow.PrimitiveTypes.Int64},
	}
	table := flowTable(t, map[string]func(*array.RecordBuilder, int){"nic": null, "local_port": func(b *array.RecordBuilder, c int) { b.Field(c).(*array.BinaryBuilder).Append([]byte("7")) }}, types)
	defer table.Release()
	got := mustRead(t, Options{WindowRows: 3}, write(t, t.TempDir(), "a.arrow", string(ipcFileBytes(t, table, 170))))
	var want [][]string
	for i := range 4 {
		s := fmt.Sprint(i)
		want = append(want, []string{"<null>", s, s, s, "7", s, s, s})
	}
	if diff := cmp.Diff(want, got.rows); diff != "" {
		t.Error(diff)
	}

	for name, c := range map[string]struct {
		column string
		typ    arrow.DataType
		want   string
	}{
		"nested":     {"extra", arrow.ListOf(arrow.PrimitiveTypes.Int8), "column extra is nested"},
		"float-port": {"local_port", arrow.PrimitiveTypes.Float64, "column local_port is float64"},
		"short-ip":   {"remote_ip", &arrow.FixedSizeBinaryType{ByteWidth: 4}, "column remote_ip is fixed_size_binary"},
	} {
		t.Run(name, func(t *testing.T) {
			table := flowTable(t, map[string]func(*array.RecordBuilder, int){c.column: null}, map[string]arrow.DataType{c.column: c.typ})
			defer table.Release()
			_, err := read(t, Options{}, write(t, t.TempDir(), "a.arrow", string(ipcFileBytes(t, table, 170))))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}
