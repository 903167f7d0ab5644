package report

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/google/go-cmp/cmp"

	"ipflow/ingest/column"
	"ipflow/report/layout/layouttest"
	"ipflow/verify"
)

// start returns the first bytes of what the output writes.
func start(t *testing.T, o Output) string {
	t.Helper()
	var stdout bytes.Buffer
	o.Stdout = &stdout
	if o.Path != "-" {
		o.Path = filepath.Join(t.TempDir(), o.Path)
	}
	s, err := Open(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if o.Path == "-" {
		return stdout.String()
	}
	data, err := os.ReadFile(o.Path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestFormatGoesByNameUnlessGiven(t *testing.T) {
	const header = "access,rule,rule_id,priority,layer,group_id,admin_rule,subnet_rule,nic_rule,reason,error\n"
	const stream, file, gz, zst = "\xff\xff\xff\xff", "ARROW1", "\x1f\x8b", "\x28\xb5\x2f\xfd"
	for _, c := range []struct{ path, format, want string }{
		{"a.parquet", "", "PAR1"},
		{"a", "", "PAR1"},
		{"a.dat", "", "PAR1"},
		{"a.PARQUET", "", "PAR1"},
		{"a.csv", "", header},
		{"a.CSV", "", header},
		{"a.tsv", "", strings.ReplaceAll(header, ",", "\t")},
		{"a.tsv", "csv", strings.ReplaceAll(header, ",", "\t")},
		{"a.parquet", "csv", header},
		{"a.csv", "parquet", "PAR1"},
		{"a.csv.gz", "", gz},
		{"a.gz", "csv", gz},
		{"a.ndjson.zst", "", zst},
		{"a.jsonl.gz", "", gz},
		{"a.arrow", "", file},
		{"a.ipc", "", file},
		{"a.arrows", "", stream},
		{"a.arrows", "arrow", stream},
		{"a.x", "arrow", file},
		{"-", "csv", header},
		{"-", "arrow", stream},
	} {
		if got := start(t, Output{Path: c.path, Format: c.format}); !strings.HasPrefix(got, c.want) || c.want == header && got != header {
			t.Errorf("%s as %q: got %.20q, want %.20q", c.path, c.format, got, c.want)
		}
	}
	if got := start(t, Output{Path: "a.jsonl"}); got != "" {
		t.Errorf("jsonl without rows: %q", got)
	}
}

func TestUsageErrors(t *testing.T) {
	dir := t.TempDir()
	clash := []Field{{Name: "Rule_ID", Type: arrow.BinaryTypes.String}}
	for _, c := range []struct {
		o      Output
		fields []Field
		want   string
	}{
		{Output{Path: ""}, nil, "-o OUT"},
		{Output{Path: "-"}, nil, "standard output needs --format csv, jsonl or arrow"},
		{Output{Path: "-", Format: "parquet"}, nil, "standard output needs"},
		{Output{Path: "x", Format: "xml"}, nil, `unknown format "xml"`},
		{Output{Path: "x.gz"}, nil, "cannot tell the format"},
		{Output{Path: "x.parquet.gz"}, nil, "drop .gz"},
		{Output{Path: "x.zst", Format: "arrow"}, nil, "drop .zst"},
		{Output{Path: "x", Codec: "lzma"}, nil, `unknown compression codec "lzma"`},
		{Output{Path: "x/", PartRows: -1}, nil, "rows per part"},
		{Output{Path: "x.csv"}, clash, `"Rule_ID" is named like the result column "rule_id": leave it out with --keep`},
		{Output{Path: "x.jsonl"}, clash, "--keep"},
		{Output{Path: "x.arrow"}, clash, "--keep"},
		{Output{Path: "x"}, clash, "--keep"},
		{Output{Path: "x"}, []Field{{Name: "a", Type: arrow.BinaryTypes.String}, {Name: "a", Type: arrow.BinaryTypes.String}}, `"a" occurs twice`},
	} {
		if c.o.Path != "" && c.o.Path != "-" {
			c.o.Path = dir + "/" + c.o.Path
		}
		_, err := Open(c.o, c.fields)
		if err == nil || !IsUsage(err) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: got %v, want %s", c.o, err, c.want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if _, err := Open(Output{Path: dir + "/none/x"}, nil); err == nil || IsUsage(err) {
		t.Errorf("missing directory: %v", err)
	}
}

// run sends batches through a sink.
func run(t *testing.T, s verify.Sink, batches []layouttest.Batch) {
	t.Helper()
	for _, b := range batches {
		block, err := s.Encode(b.Batch, b.IDs, layouttest.Verdicts)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(block); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPartsHoldAllRowsInOrder(t *testing.T) {
	fields, batches := layouttest.AllTypes(t)
	batches = append(batches, batches...) // 4, 0, 3, 4, 0, 3 rows
	for _, format := range []string{"parquet", "csv", "jsonl", "arrow"} {
		dir := filepath.Join(t.TempDir(), "out") + "/"
		s, err := Open(Output{Path: dir, Format: format, PartRows: 5}, fields)
		if err != nil {
			t.Fatal(err)
		}
		run(t, s, batches)
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: there before Close: %v", format, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if diff := cmp.Diff([]string{"_ipflow", "part-00000." + format, "part-00001." + format}, names); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
		if format == "jsonl" {
			var lines []int
			for _, n := range names[1:] {
				data, err := os.ReadFile(dir + n)
				if err != nil {
					t.Fatal(err)
				}
				lines = append(lines, bytes.Count(data, []byte("\n")))
			}
			if diff := cmp.Diff([]int{7, 7}, lines); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	fields, batches := layouttest.AllTypes(t)
	dir := t.TempDir()
	for _, name := range []string{"a.parquet", "a.csv", "a.jsonl.gz", "a.arrow", "parts/"} {
		s, err := Open(Output{Path: filepath.Join(dir, name) + name[len(strings.TrimRight(name, "/")):], PartRows: 1}, fields)
		if err != nil {
			t.Fatal(err)
		}
		run(t, s, batches)
		s.Abort()
		s.Abort()
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// full is a device without space after n bytes.
type full struct{ n int }

func (f *full) Write(p []byte) (int, error) {
	if f.n -= len(p); f.n < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(p), nil
}

func TestWriteErrorsComeOut(t *testing.T) {
	fields, batches := layouttest.AllTypes(t)
	for _, format := range []string{"csv", "jsonl", "arrow"} {
		failed := 0
		for n := 0; n < 20000; n += 500 {
			s, err := Open(Output{Path: "-", Format: format, Stdout: &full{n}}, fields)
			for i := 0; err == nil && i < len(batches); i++ {
				var block verify.Block
				if block, err = s.Encode(batches[i].Batch, batches[i].IDs, layouttest.Verdicts); err == nil {
					err = s.Commit(block)
				}
			}
			if err == nil {
				err = s.Close()
			} else if s != nil {
				s.Abort()
			}
			if err != nil {
				failed++
				if got := err.Error(); got != "write standard output: no space left on device" {
					t.Fatalf("%s: %s", format, got)
				}
			}
		}
		if failed == 0 || failed == 40 {
			t.Errorf("%s: %d of 40 runs failed", format, failed)
		}
	}
}

// TestAllocationsDoNotGrowWithRows compares a batch with one four times as long.
func TestAllocationsDoNotGrowWithRows(t *testing.T) {
	for _, format := range []string{"parquet", "csv", "jsonl", "arrow"} {
		allocs := func(rows int) float64 {
			fields, batches, verdicts := layouttest.Flows(rows, rows)
			o := Output{Path: "-", Format: format, Stdout: io.Discard}
			if format == "parquet" {
				o.Path = os.DevNull
			}
			s, err := Open(o, fields)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Abort()
			return testing.AllocsPerRun(5, func() { encodeOnce(t, s, batches[0].Batch, batches[0].IDs, verdicts) })
		}
		if few, many := allocs(10_000), allocs(40_000); many-few > 3_000 {
			t.Errorf("%s: %v allocations for 10,000 rows, %v for 40,000", format, few, many)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	const rows = 200_000
	fields, batches, verdicts := layouttest.Flows(rows, rows)
	batch := batches[0]
	for _, o := range []Output{
		{Path: os.DevNull, Format: "parquet"},
		{Path: "-", Format: "csv", Stdout: io.Discard},
		{Path: "-", Format: "jsonl", Stdout: io.Discard},
		{Path: os.DevNull, Format: "arrow"},
		{Path: "-", Format: "arrow", Stdout: io.Discard},
	} {
		for _, kept := range []bool{false, true} {
			name, fs, in := o.Format+"/path="+filepath.Base(o.Path)+"/kept=none", []Field(nil), *batch.Batch
			in.Keep = nil
			if kept {
				name, fs, in.Keep = strings.ReplaceAll(name, "none", "all"), fields, batch.Keep
			}
			b.Run(name, func(b *testing.B) {
				s, err := Open(o, fs)
				if err != nil {
					b.Fatal(err)
				}
				defer s.Abort()
				b.ReportAllocs()
				for b.Loop() {
					encodeOnce(b, s, &in, batch.IDs, verdicts)
				}
				b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
			})
		}
	}
}

// encodeOnce commits too, so that buffers go round as in a run.
func encodeOnce(b testing.TB, s verify.Sink, in *column.Batch, ids []verify.ID, t verify.Table) {
	block, err := s.Encode(in, ids, t)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Commit(block); err != nil {
		b.Fatal(err)
	}
}
