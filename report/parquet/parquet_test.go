package parquet

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	pqfile "github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"
	pq "github.com/parquet-go/parquet-go"

	"ipflow/report/layout"
	"ipflow/report/layout/layouttest"
	"ipflow/verify"
)

var update = flag.Bool("update", false, "rewrite testdata")

func newFormat(tb testing.TB, fields []layout.Field, codec string) *Format {
	tb.Helper()
	f, err := New(layout.Columns{Kept: fields}, Options{Codec: codec, Version: "1.2.3", Metadata: []KeyValue{{"ipflow.version", "1.2.3"}, {"ipflow.flows", "7"}}})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// readParquetGo reads all rows with parquet-go: schema, then a line per row.
func readParquetGo(tb testing.TB, data []byte) string {
	tb.Helper()
	f, err := pq.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		tb.Fatal(err)
	}
	var out strings.Builder
	fmt.Fprintln(&out, f.Schema())
	for _, kv := range f.Metadata().KeyValueMetadata {
		fmt.Fprintf(&out, "%s = %s\n", kv.Key, kv.Value)
	}
	fmt.Fprintln(&out, f.Metadata().CreatedBy)
	names := f.Schema().Columns()
	for i, g := range f.RowGroups() {
		fmt.Fprintf(&out, "row group %d: %d rows\n", i, g.NumRows())
		rows := g.Rows()
		buf := make([]pq.Row, 1)
		for {
			n, err := rows.ReadRows(buf)
			if n == 0 {
				if err == nil {
					continue
				}
				break
			}
			for c, v := range buf[0] {
				if !v.IsNull() {
					fmt.Fprintf(&out, "  %s: %+q\n", names[c][0], v.String())
				}
			}
			fmt.Fprintln(&out, "  --")
		}
		rows.Close()
	}
	return out.String()
}

// readArrow reads all rows with Arrow's Parquet reader.
func readArrow(tb testing.TB, data []byte) arrow.Table {
	tb.Helper()
	r, err := pqfile.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		tb.Fatal(err)
	}
	ar, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		tb.Fatal(err)
	}
	t, err := ar.ReadTable(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func columnText(t arrow.Table, c int) []string {
	var out []string
	for _, a := range t.Column(c).Data().Chunks() {
		for i := range a.Len() {
			out = append(out, a.ValueStr(i))
		}
	}
	return out
}

func TestAllTypesReadBackWithParquetGo(t *testing.T) {
	fields, batches := layouttest.AllTypes(t)
	for _, codec := range Codecs() {
		t.Run(codec, func(t *testing.T) {
			got := readParquetGo(t, layouttest.Write(t, newFormat(t, fields, codec), batches, layouttest.Verdicts, nil))
			path := filepath.Join("testdata", "alltypes.txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAllTypesReadBackWithArrow(t *testing.T) {
	fields, batches := layouttest.AllTypes(t)
	table := readArrow(t, layouttest.Write(t, newFormat(t, fields, ""), batches, layouttest.Verdicts, nil))
	for c, f := range fields {
		got := table.Schema().Field(c)
		if got.Name != f.Name || !got.Nullable {
			t.Errorf("column %d is %v, want nullable %s", c, got, f.Name)
		}
		var want []string
		for _, b := range batches {
			for i := range b.Rows() {
				want = append(want, b.Record.Column(c).ValueStr(i))
			}
		}
		if f.Name == "ts_s" { // seconds come back as milliseconds
			if unit := got.Type.(*arrow.TimestampType).Unit; unit != arrow.Millisecond {
				t.Errorf("ts_s has unit %v", unit)
			}
		}
		if diff := cmp.Diff(want, columnText(table, c)); diff != "" {
			t.Errorf("%s: %s", f.Name, diff)
		}
	}
	var want [layout.NumResults][]string
	for _, b := range batches {
		for _, id := range b.IDs {
			for r := range layout.NumResults {
				row := layouttest.Verdicts[id]
				s := array.NullValueStr
				if r == layout.Priority {
					if row.HasPriority {
						s = fmt.Sprint(row.Priority)
					}
				} else if r.Text(&row) != "" {
					s = r.Text(&row)
				}
				want[r] = append(want[r], s)
			}
		}
	}
	for r := range layout.NumResults {
		if diff := cmp.Diff(want[r], columnText(table, len(fields)+int(r))); diff != "" {
			t.Errorf("%s: %s", r, diff)
		}
	}
}

// TestLargeBatches crosses page, dictionary and run boundaries.
func TestLargeBatchesReadBack(t *testing.T) {
	fields, batches, verdicts := layouttest.Flows(PageRows+50_003, PageRows+30_001)
	data := layouttest.Write(t, newFormat(t, fields, ""), batches, verdicts, nil)
	table := readArrow(t, data)
	for c := range fields {
		got, at := columnText(table, c), 0
		for _, b := range batches {
			for i := range b.Rows() {
				if want := b.Record.Column(c).ValueStr(i); got[at] != want {
					t.Fatalf("%s row %d: got %s, want %s", fields[c].Name, at, got[at], want)
				}
				at++
			}
		}
	}
	rule, priority := columnText(table, len(fields)+int(layout.Rule)), columnText(table, len(fields)+int(layout.Priority))
	at := 0
	for _, b := range batches {
		for _, id := range b.IDs {
			row := verdicts[id]
			wantRule, wantPriority := array.NullValueStr, array.NullValueStr
			if row.Rule != "" {
				wantRule, wantPriority = row.Rule, fmt.Sprint(row.Priority)
			}
			if rule[at] != wantRule || priority[at] != wantPriority {
				t.Fatalf("row %d: got %s %s, want %s %s", at, rule[at], priority[at], wantRule, wantPriority)
			}
			at++
		}
	}
	f, err := pq.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range f.Metadata().RowGroups {
		for i, c := range g.Columns {
			n := int64(0)
			for _, e := range c.MetaData.EncodingStats {
				if e.PageType == 0 {
					n += int64(e.Count)
				}
			}
			if want := (g.NumRows + PageRows - 1) / PageRows; n != want {
				t.Errorf("column %d has %d data pages, want %d", i, n, want)
			}
		}
	}
}

func TestBytesDoNotDependOnWorkersOrIDs(t *testing.T) {
	fields, batches, verdicts := layouttest.Flows(40_000, 3_000)
	for _, codec := range Codecs() {
		t.Run(codec, func(t *testing.T) {
			f := newFormat(t, fields, codec)
			want := layouttest.Write(t, f, batches, verdicts, nil)
			for seed := range uint64(3) {
				again, table := layouttest.Renumbered(batches, verdicts)
				got := layouttest.Write(t, f, again, table, rand.New(rand.NewPCG(seed, 0)))
				if !bytes.Equal(got, want) {
					t.Fatalf("seed %d: %d bytes differ from %d bytes", seed, len(got), len(want))
				}
			}
		})
	}
}

func TestNoRows(t *testing.T) {
	fields, _ := layouttest.AllTypes(t)
	data := layouttest.Write(t, newFormat(t, fields, ""), nil, nil, nil)
	if table := readArrow(t, data); table.NumRows() != 0 || int(table.NumCols()) != len(fields)+int(layout.NumResults) {
		t.Errorf("got %d rows, %d columns", table.NumRows(), table.NumCols())
	}
	f, err := pq.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.RowGroups()); n != 0 {
		t.Errorf("%d row groups", n)
	}
}

func TestMetadataKeepsItsOrder(t *testing.T) {
	data := layouttest.Write(t, newFormat(t, nil, ""), nil, nil, nil)
	r, err := pqfile.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ipflow.version", "ipflow.flows"}, r.MetaData().KeyValueMetadata().Keys()); diff != "" {
		t.Error(diff)
	}
}

func TestTextPortsBecomeInt32(t *testing.T) {
	for _, typ := range []arrow.DataType{arrow.BinaryTypes.String, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}} {
		schema := arrow.NewSchema([]arrow.Field{{Name: "remote_port", Type: typ, Nullable: true}}, nil)
		rec := layouttest.Record(t, schema, `[{"remote_port":"443"},{"remote_port":"*"},{"remote_port":"2147483648"},{"remote_port":"2147483647"},{"remote_port":"-2147483648"},{},{"remote_port":""},{"remote_port":"-"},{"remote_port":" 80"},{"remote_port":"0080"},{"remote_port":"99999999999999999999999"},{"remote_port":"443"}]`)
		batches := layouttest.KeepAll([][]verify.ID{make([]verify.ID, rec.NumRows())}, rec)
		fields := []layout.Field{{Name: "remote_port", Type: typ, Port: true}}
		table := readArrow(t, layouttest.Write(t, newFormat(t, fields, ""), batches, layouttest.Verdicts, nil))
		if got := table.Schema().Field(0).Type; got.ID() != arrow.INT32 {
			t.Errorf("type %s", got)
		}
		null := array.NullValueStr
		want := []string{"443", null, null, "2147483647", "-2147483648", null, null, null, null, "80", null, "443"}
		if diff := cmp.Diff(want, columnText(table, 0)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestStringsAreMendedToUTF8(t *testing.T) {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	for _, s := range []string{"ok", "caf\xe9", "größe"} {
		b.Append(s)
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.String}}, nil)
	rec := array.NewRecord(schema, []arrow.Array{b.NewArray()}, 3)
	table := readArrow(t, layouttest.Write(t, newFormat(t, layouttest.Fields(schema), ""), layouttest.KeepAll([][]verify.ID{{0, 0, 0}}, rec), layouttest.Verdicts, nil))
	if diff := cmp.Diff([]string{"ok", "caf\uFFFD", "größe"}, columnText(table, 0)); diff != "" {
		t.Error(diff)
	}
}

func TestSlicedColumnsReadBack(t *testing.T) {
	fields, batches := layouttest.AllTypes(t)
	rec := batches[0].Record.NewSlice(1, 4)
	table := readArrow(t, layouttest.Write(t, newFormat(t, fields, "none"), layouttest.KeepAll([][]verify.ID{{1, 3, 0}}, rec), layouttest.Verdicts, nil))
	for c, f := range fields {
		var want []string
		for i := range 3 {
			want = append(want, rec.Column(c).ValueStr(i))
		}
		if diff := cmp.Diff(want, columnText(table, c)); diff != "" {
			t.Errorf("%s: %s", f.Name, diff)
		}
	}
}

func TestStatistics(t *testing.T) {
	fields, batches := layouttest.AllTypes(t)
	data := layouttest.Write(t, newFormat(t, fields, ""), batches, layouttest.Verdicts, nil)
	r, err := pqfile.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for c := range len(fields) + int(layout.NumResults) {
		m, err := r.MetaData().RowGroup(0).ColumnChunk(c)
		if err != nil {
			t.Fatal(err)
		}
		st, err := m.Statistics()
		if err != nil {
			t.Fatal(err)
		}
		name := r.MetaData().Schema.Column(c).Name()
		fmt.Fprintf(&got, "%s nulls=%d", name, st.NullCount())
		if st.HasDistinctCount() {
			fmt.Fprintf(&got, " distinct=%d", st.DistinctCount())
		}
		if st.HasMinMax() {
			fmt.Fprintf(&got, " min=%x max=%x", st.EncodeMin(), st.EncodeMax())
		}
		fmt.Fprintln(&got)
	}
	path := filepath.Join("testdata", "statistics.txt")
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestUnwritableTypesAreUsageErrors(t *testing.T) {
	for name, typ := range map[string]arrow.DataType{
		"list":   arrow.ListOf(arrow.PrimitiveTypes.Int32),
		"struct": arrow.StructOf(),
		"access": arrow.BinaryTypes.String,
		"RULE":   arrow.BinaryTypes.String,
	} {
		_, err := New(layout.Columns{Kept: []layout.Field{{Name: name, Type: typ}}}, Options{})
		if err == nil || !strings.Contains(err.Error(), "--keep") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLogicalTypesThatArrowLacks(t *testing.T) {
	str, blob := arrow.BinaryTypes.String, arrow.BinaryTypes.Binary
	fixed := func(n int) arrow.DataType { return &arrow.FixedSizeBinaryType{ByteWidth: n} }
	f := newFormat(t, []layout.Field{
		{Name: "json", Type: str, Logical: "JSON"},
		{Name: "enum", Type: str, Logical: "ENUM"},
		{Name: "bson", Type: blob, Logical: "BSON"},
		{Name: "uuid", Type: fixed(16), Logical: "UUID"},
		{Name: "interval", Type: fixed(12), Logical: "INTERVAL"},
		{Name: "other", Type: blob, Logical: "GEOMETRY"},
		{Name: "narrow", Type: fixed(4), Logical: "UUID"},
		{Name: "number", Type: arrow.PrimitiveTypes.Int32, Logical: "JSON"},
	}, "")
	r, err := pqfile.NewParquetReader(bytes.NewReader(layouttest.Write(t, f, nil, nil, nil)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range 8 {
		c := r.MetaData().Schema.Column(i)
		got = append(got, fmt.Sprintf("%s %s %s", c.Name(), c.ConvertedType(), c.LogicalType()))
	}
	want := []string{"json JSON JSON", "enum ENUM Enum", "bson BSON BSON", "uuid NONE UUID", "interval INTERVAL Interval", "other NONE None", "narrow NONE None", "number NONE None"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestChangedColumnTypeIsAnError(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64}}, nil)
	b := layouttest.KeepAll([][]verify.ID{{0}}, layouttest.Record(t, schema, `[{"x":1}]`))[0]
	_, err := newFormat(t, []layout.Field{{Name: "x", Type: arrow.BinaryTypes.String}}, "").Encode(b.Batch, b.IDs, layouttest.Verdicts)
	if err == nil || !strings.Contains(err.Error(), `"x" began as utf8 and goes on as int64`) {
		t.Errorf("got %v", err)
	}
}

// FuzzStrings cuts data into values and nulls and reads them back, as strings,
// as binaries, and as slices of both.
func FuzzStrings(f *testing.F) {
	f.Add([]byte("\x03abc\x00\xff\x03abc"), uint8(1))
	f.Add([]byte("\x01\xe9\x02\xc3\xa4\xff\xff"), uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, skip uint8) {
		text, blob := array.NewStringBuilder(memory.DefaultAllocator), array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
		var wantText, wantBlob []string
		for len(data) > 0 {
			n := int(data[0])
			data = data[1:]
			if n == 255 {
				text.AppendNull()
				blob.AppendNull()
				wantText, wantBlob = append(wantText, "null"), append(wantBlob, "null")
				continue
			}
			v := data[:min(n, len(data))]
			data = data[len(v):]
			text.Append(string(v))
			blob.Append(v)
			wantText = append(wantText, "="+strings.ToValidUTF8(string(v), "\uFFFD"))
			wantBlob = append(wantBlob, "="+string(v))
		}
		from := min(int(skip), len(wantText))
		schema := arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.String}, {Name: "b", Type: arrow.BinaryTypes.Binary}}, nil)
		rec := array.NewRecord(schema, []arrow.Array{text.NewArray(), blob.NewArray()}, int64(len(wantText))).NewSlice(int64(from), int64(len(wantText)))
		batches := layouttest.KeepAll([][]verify.ID{make([]verify.ID, rec.NumRows())}, rec)
		table := readArrow(t, layouttest.Write(t, newFormat(t, layouttest.Fields(schema), ""), batches, layouttest.Verdicts, nil))
		var gotText, gotBlob []string
		for _, c := range table.Column(0).Data().Chunks() {
			for i := range c.Len() {
				if c.IsNull(i) {
					gotText = append(gotText, "null")
				} else {
					gotText = append(gotText, "="+c.(*array.String).Value(i))
				}
			}
		}
		for _, c := range table.Column(1).Data().Chunks() {
			for i := range c.Len() {
				if c.IsNull(i) {
					gotBlob = append(gotBlob, "null")
				} else {
					gotBlob = append(gotBlob, "="+string(c.(*array.Binary).Value(i)))
				}
			}
		}
		if !slices.Equal(gotText, wantText[from:]) {
			t.Errorf("text: got %q, want %q", gotText, wantText[from:])
		}
		if !slices.Equal(gotBlob, wantBlob[from:]) {
			t.Errorf("blob: got %q, want %q", gotBlob, wantBlob[from:])
		}
	})
}
