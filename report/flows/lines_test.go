package flows

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"ipflow/report/layout"
	"ipflow/report/layout/layouttest"
	"ipflow/verify"
)

var update = flag.Bool("update", false, "rewrite testdata")

// formats are all that this package writes.
func formats(tb testing.TB, fields []layout.Field) map[string]layout.Format {
	tb.Helper()
	out := map[string]layout.Format{}
	add := func(name string, f layout.Format, err error) {
		if err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		out[name] = f
	}
	f, err := NewCSV(layout.Columns{Kept: fields}, ',', "")
	add("csv", f, err)
	f, err = NewCSV(layout.Columns{Kept: fields}, '\t', "gz")
	add("tsv.gz", f, err)
	f, err = NewJSONL(layout.Columns{Kept: fields}, "")
	add("jsonl", f, err)
	f, err = NewJSONL(layout.Columns{Kept: fields}, "zst")
	add("jsonl.zst", f, err)
	a, err := NewArrow(layout.Columns{Kept: fields}, true)
	add("arrow", a, err)
	a, err = NewArrow(layout.Columns{Kept: fields}, false)
	add("arrows", a, err)
	return out
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
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
}

func TestAllTypesAsText(t *testing.T) {
	fields, batches := layouttest.AllTypes(t)
	for _, name := range []string{"csv", "jsonl"} {
		t.Run(name, func(t *testing.T) {
			got := layouttest.Write(t, formats(t, fields)[name], batches, layouttest.Verdicts, nil)
			golden(t, "alltypes."+name, string(got))
		})
	}
}

func TestBytesDoNotDependOnWorkersOrIDs(t *testing.T) {
	fields, batches, verdicts := layouttest.Flows(9_000, 700)
	for name, f := range formats(t, fields) {
		t.Run(name, func(t *testing.T) {
			want := layouttest.Write(t, f, batches, verdicts, nil)
			for seed := range uint64(2) {
				again, table := layouttest.Renumbered(batches, verdicts)
				if got := layouttest.Write(t, f, again, table, rand.New(rand.NewPCG(seed, 0))); !bytes.Equal(got, want) {
					t.Fatalf("seed %d: %d bytes differ from %d bytes", seed, len(got), len(want))
				}
			}
		})
	}
}

func TestCompressedTextIsThePlainText(t *testing.T) {
	fields, batches, verdicts := layouttest.Flows(2_000, 700)
	all := formats(t, fields)
	tsv, err := NewCSV(layout.Columns{Kept: fields}, '\t', "")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]layouttest.Batch{batches, nil} {
		gz, err := gzip.NewReader(bytes.NewReader(layouttest.Write(t, all["tsv.gz"], b, verdicts, nil)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(gz)
		if err != nil {
			t.Fatal(err)
		}
		if want := layouttest.Write(t, tsv, b, verdicts, nil); !bytes.Equal(got, want) {
			t.Errorf("gzip: %d bytes differ from %d", len(got), len(want))
		}
		zr, err := zstd.NewReader(bytes.NewReader(layouttest.Write(t, all["jsonl.zst"], b, verdicts, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err = io.ReadAll(zr); err != nil {
			t.Fatal(err)
		}
		if want := layouttest.Write(t, all["jsonl"], b, verdicts, nil); !bytes.Equal(got, want) {
			t.Errorf("zstd: %d bytes differ from %d", len(got), len(want))
		}
	}
}

// stringBatch is one column of strings, nil for null.
func stringBatch(name string, dict bool, values ...any) ([]layout.Field, []layouttest.Batch) {
	var typ arrow.DataType = arrow.BinaryTypes.String
	b := array.NewStringBuilder(memory.DefaultAllocator)
	add, null, done := b.Append, b.AppendNull, b.NewArray
	if dict {
		t := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.BinaryTypes.String}
		d := array.NewDictionaryBuilder(memory.DefaultAllocator, t).(*array.BinaryDictionaryBuilder)
		typ, null, done = t, d.AppendNull, d.NewArray
		add = func(s string) {
			if err := d.AppendString(s); err != nil {
				panic(err)
			}
		}
	}
	for _, v := range values {
		if s, ok := v.(string); ok {
			add(s)
		} else {
			null()
		}
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: name, Type: typ, Nullable: true}}, nil)
	rec := array.NewRecord(schema, []arrow.Array{done()}, int64(len(values)))
	return layouttest.Fields(schema), layouttest.KeepAll([][]verify.ID{make([]verify.ID, len(values))}, rec)
}

func TestJSONValuesAreRepeatedAsTheyWere(t *testing.T) {
	for _, dict := range []bool{false, true} {
		fields, batches := stringBatch("v", dict, "1.50e3", "true", "text", `{"a": [1,
2]}`, nil, "443", "null?", "1.50e3")
		batches[0].Kinds = [][]byte{[]byte("nbso\x00s\x00s")}
		f, err := NewJSONL(layout.Columns{Kept: fields}, "")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(string(layouttest.Write(t, f, batches, layouttest.Verdicts, nil))) {
			v, _, _ := strings.Cut(line, `,"access":`)
			got = append(got, v)
		}
		want := []string{`{"v":1.50e3`, `{"v":true`, `{"v":"text"`, `{"v":{"a": [1, 2]}`, `{"v":null`, `{"v":"443"`, `{"v":null`, `{"v":"1.50e3"`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestResultsOnly(t *testing.T) {
	_, batches := layouttest.AllTypes(t)
	for i := range batches {
		batches[i].Keep = nil
	}
	for name, f := range formats(t, nil) {
		data := layouttest.Write(t, f, batches, layouttest.Verdicts, nil)
		if name == "csv" || name == "jsonl" {
			golden(t, "resultsonly."+name, string(data))
		}
	}
}

func TestChangedTypeAndUnwritableTypes(t *testing.T) {
	fields, batches := stringBatch("x", false, "a")
	fields[0].Type = arrow.PrimitiveTypes.Int64
	for _, name := range []string{"arrow", "arrows"} {
		if _, err := formats(t, fields)[name].Encode(batches[0].Batch, batches[0].IDs, layouttest.Verdicts); err == nil || !strings.Contains(err.Error(), `column "x": began as int64 and goes on as utf8`) {
			t.Errorf("%s: %v", name, err)
		}
	}
	fields[0].Type = arrow.ListOf(arrow.PrimitiveTypes.Int64)
	_, csvErr := NewCSV(layout.Columns{Kept: fields}, ',', "")
	_, jsonErr := NewJSONL(layout.Columns{Kept: fields}, "")
	_, arrowErr := NewArrow(layout.Columns{Kept: fields}, true)
	for _, err := range []error{csvErr, jsonErr, arrowErr} {
		if err == nil || !strings.Contains(err.Error(), "--keep") {
			t.Errorf("list: %v", err)
		}
	}
}

// csvRows reads with encoding/csv, which turns CRLF within a field into LF.
func csvRows(t *testing.T, data []byte, delim rune) [][]string {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = delim
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatalf("%v in %q", err, data)
	}
	return rows
}

func checkText(t *testing.T, name, a, b, rule string) {
	table := layouttest.Table{{Access: "Deny", Rule: rule, Priority: -3, HasPriority: true}}
	for _, dict := range []bool{false, true} {
		fields, batches := stringBatch(name, dict, a, nil, b, a)
		for _, delim := range []rune{',', '\t'} {
			f, err := NewCSV(layout.Columns{Kept: fields}, byte(delim), "")
			if err != nil {
				return // a clash
			}
			rows := csvRows(t, layouttest.Write(t, f, batches, table, nil), delim)
			crlf := func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }
			for i, want := range []string{name, a, "", b, a} {
				if rows[i][0] != crlf(want) {
					t.Errorf("csv row %d: got %q, want %q", i, rows[i][0], want)
				}
				if i > 0 && (rows[i][2] != crlf(rule) || rows[i][4] != "-3") {
					t.Errorf("csv row %d: got rule %q, priority %q", i, rows[i][2], rows[i][4])
				}
			}
		}
		f, err := NewJSONL(layout.Columns{Kept: fields}, "")
		if err != nil {
			t.Fatal(err)
		}
		data := layouttest.Write(t, f, batches, table, nil)
		lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
		if len(lines) != 4 || bytes.ContainsAny(data, "\r\x00\x1b\u2028\u2029\u0085") {
			t.Fatalf("%d lines: %q", len(lines), data)
		}
		for i, want := range []any{mend(a), nil, mend(b), mend(a)} {
			var got map[string]any
			if err := json.Unmarshal(lines[i], &got); err != nil {
				t.Fatalf("%v in %q", err, lines[i])
			}
			if got[mend(name)] != want || got["priority"] != float64(-3) || got["reason"] != nil || len(got) != 12 {
				t.Errorf("jsonl row %d: got %v, want %v", i, got, want)
			}
			if rule != "" && got["rule"] != mend(rule) {
				t.Errorf("jsonl rule: got %q, want %q", got["rule"], rule)
			}
		}
	}
}

// mend is what encoding/json, too, does to a string that is not UTF-8.
func mend(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r) // range gives U+FFFD per bad byte
	}
	return b.String()
}

var hostile = []string{
	"=cmd|' /C calc'!A0", "a,b", "a\tb", `"`, `""`, "\n", "\r", "\r\n", "a\rb", " lead", "trail ", "\\", `\"`, "\x00", "\x1b[31m", "\x7f",
	"\u2028\u2029\u0085", "\xff\xfe", "caf\xe9", "\xed\xa0\x80", "😀", "</script>", "{}", "null", "ä\xc3",
}

func TestHostileStrings(t *testing.T) {
	for i, s := range hostile {
		t.Run(fmt.Sprint(i), func(t *testing.T) { checkText(t, "c"+s, s, hostile[(i+1)%len(hostile)], s) })
	}
}

func FuzzText(f *testing.F) {
	for i, s := range hostile {
		f.Add("name", s, hostile[(i+1)%len(hostile)], s)
	}
	f.Fuzz(func(t *testing.T, name, a, b, rule string) {
		if name == "" || strings.HasPrefix(name, "\ufeff") || !utf8.ValidString(name) {
			t.Skip("not a column name")
		}
		checkText(t, name, a, b, rule)
	})
}
