package flows

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/google/go-cmp/cmp"

	"ipflow/report/layout"
	"ipflow/report/layout/layouttest"
	"ipflow/verify"
)

// readIPC reads either format into schema and columns of text.
func readIPC(tb testing.TB, data []byte, file bool) (*arrow.Schema, [][]string) {
	tb.Helper()
	var schema *arrow.Schema
	var cols [][]string
	add := func(rec arrow.Record) {
		for c := range cols {
			for i := range int(rec.NumRows()) {
				cols[c] = append(cols[c], rec.Column(c).ValueStr(i))
			}
		}
	}
	if file {
		r, err := ipc.NewFileReader(bytes.NewReader(data))
		if err != nil {
			tb.Fatal(err)
		}
		schema, cols = r.Schema(), make([][]string, r.Schema().NumFields())
		for i := range r.NumRecords() {
			rec, err := r.RecordAt(i)
			if err != nil {
				tb.Fatal(err)
			}
			add(rec)
		}
		return schema, cols
	}
	r, err := ipc.NewReader(bytes.NewReader(data))
	if err != nil {
		tb.Fatal(err)
	}
	schema, cols = r.Schema(), make([][]string, r.Schema().NumFields())
	for r.Next() {
		add(r.Record())
	}
	if err := r.Err(); err != nil && !errors.Is(err, io.EOF) {
		tb.Fatal(err)
	}
	return schema, cols
}

func TestArrowReadsBack(t *testing.T) {
	small, batches := layouttest.AllTypes(t)
	large, flows, verdicts := layouttest.Flows(5_000, 600)
	sliced := layouttest.KeepAll([][]verify.ID{{1, 3}}, batches[0].Record.NewSlice(2, 4))
	for _, c := range []struct {
		name    string
		fields  []layout.Field
		batches []layouttest.Batch
		table   layouttest.Table
	}{{"alltypes", small, batches, layouttest.Verdicts}, {"flows", large, flows, verdicts}, {"sliced", small, sliced, layouttest.Verdicts}, {"empty", small, nil, nil}} {
		for name, file := range map[string]bool{"arrow": true, "arrows": false} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				schema, cols := readIPC(t, layouttest.Write(t, formats(t, c.fields)[name], c.batches, c.table, nil), file)
				for i, f := range c.fields {
					got := schema.Field(i)
					if want := keptType(f); got.Name != f.Name || !arrow.TypeEqual(got.Type, want) {
						t.Errorf("column %d is %v, want %s %s", i, got, f.Name, want)
					}
					var want []string
					for _, b := range c.batches {
						for row := range b.Rows() {
							want = append(want, b.Record.Column(i).ValueStr(row))
						}
					}
					if diff := cmp.Diff(want, cols[i]); diff != "" {
						t.Errorf("%s: %s", f.Name, diff)
					}
				}
				access, rule := cols[len(c.fields)], cols[len(c.fields)+int(layout.Rule)]
				row := 0
				for _, b := range c.batches {
					for _, id := range b.IDs {
						for got, want := range map[string]string{access[row]: c.table[id].Access, rule[row]: c.table[id].Rule} {
							if want == "" {
								want = array.NullValueStr
							}
							if got != want {
								t.Fatalf("row %d: got %q, want %q", row, got, want)
							}
						}
						row++
					}
				}
			})
		}
	}
}

func TestArrowFileHasOneDictionaryPerColumn(t *testing.T) {
	fields, batches, verdicts := layouttest.Flows(5_000, 600)
	data := layouttest.Write(t, formats(t, fields)["arrow"], batches, verdicts, nil)
	r, err := ipc.NewFileReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if r.NumRecords() != len(batches) {
		t.Errorf("%d records, want %d", r.NumRecords(), len(batches))
	}
	if r.NumDictionaries() != 11 { // nic and ten result columns
		t.Errorf("%d dictionaries, want 11", r.NumDictionaries())
	}
	nic := 0
	for i := range r.NumRecords() {
		rec, err := r.RecordAt(i)
		if err != nil {
			t.Fatal(err)
		}
		nic = rec.Column(0).(*array.Dictionary).Dictionary().Len()
	}
	if nic != 300 {
		t.Errorf("nic has %d entries, want 300", nic)
	}
}

// TestArrowDecodesWhatChangesCoding has a column that is declared one way and
// comes the other.
func TestArrowDecodesWhatChangesCoding(t *testing.T) {
	plainFields, plain := stringBatch("s", false, "a", nil, "b\xff", "a")
	dictFields, dict := stringBatch("s", true, "a", nil, "b\xff", "a")
	mixed := []layouttest.Batch{plain[0], dict[0]}
	want := []string{"a", array.NullValueStr, "b\uFFFD", "a"}
	for _, fields := range [][]layout.Field{plainFields, dictFields} {
		for name, file := range map[string]bool{"arrow": true, "arrows": false} {
			_, cols := readIPC(t, layouttest.Write(t, formats(t, fields)[name], mixed, layouttest.Verdicts, nil), file)
			if diff := cmp.Diff(append(append([]string{}, want...), want...), cols[0]); diff != "" {
				t.Errorf("%s as %s: %s", fields[0].Type, name, diff)
			}
		}
	}
}

func TestArrowDecodesDictionaryOfNumbers(t *testing.T) {
	typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.PrimitiveTypes.Int32}
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: typ, Nullable: true}}, nil)
	rec := layouttest.Record(t, schema, `[{"n":7},{},{"n":-1},{"n":7}]`)
	batches := layouttest.KeepAll([][]verify.ID{{0, 1, 2, 3}}, rec)
	for name, file := range map[string]bool{"arrow": true, "arrows": false} {
		got, cols := readIPC(t, layouttest.Write(t, formats(t, layouttest.Fields(schema))[name], batches, layouttest.Verdicts, nil), file)
		if got.Field(0).Type.ID() != arrow.INT32 {
			t.Errorf("%s: type %s", name, got.Field(0).Type)
		}
		if diff := cmp.Diff([]string{"7", array.NullValueStr, "-1", "7"}, cols[0]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestArrowTextPorts(t *testing.T) {
	fields, batches := stringBatch("local_port", false, "443", "*", nil, "70000")
	fields[0].Port = true
	schema, cols := readIPC(t, layouttest.Write(t, formats(t, fields)["arrow"], batches, layouttest.Verdicts, nil), true)
	if schema.Field(0).Type.ID() != arrow.INT32 {
		t.Errorf("type %s", schema.Field(0).Type)
	}
	if got := strings.Join(cols[0], " "); got != "443 (null) (null) 70000" {
		t.Errorf("got %s", got)
	}
}
