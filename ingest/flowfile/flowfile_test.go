package flowfile

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"ipflow/ingest/column"
)

// null is how tests show a null cell.
const null = "<null>"

// result is everything that came out of a Reader.
type result struct {
	rows    [][]string // cells of every column of the record
	bad     []int64    // row numbers
	batches []string   // seq first-row rows, and the source
	kinds   []string   // per row the kinds of its cells, "." for 0
}

func cell(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return null
	}
	switch x := a.(type) {
	case *array.Dictionary:
		return cell(x.Dictionary(), x.GetValueIndex(i))
	case *array.FixedSizeBinary:
		return fmt.Sprintf("%x", x.Value(i))
	case *array.Timestamp: // its own text needs a time zone that exists
		return x.Value(i).ToTime(x.DataType().(*arrow.TimestampType).Unit).Format("2006-01-02 15:04:05.999999999Z")
	case *array.Binary:
		return string(x.Value(i))
	}
	return a.ValueStr(i)
}

func drain(t testing.TB, r *Reader) (res result, err error) {
	t.Helper()
	defer r.Close()
	var next int64
	for seq := 0; ; seq++ {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return res, nil
		}
		if err != nil {
			return res, err
		}
		if b.Seq != seq || b.FirstRow != next || b.Rows() == 0 {
			t.Fatalf("batch %d at row %d with %d rows, want batch %d at row %d", b.Seq, b.FirstRow, b.Rows(), seq, next)
		}
		next += int64(b.Rows())
		checkBatch(t, r.Schema(), b)
		desc := fmt.Sprintf("%d+%d", b.FirstRow, b.Rows())
		if b.Source != nil {
			desc += fmt.Sprintf(" %s#%d", filepath.Base(b.Source.File.Path), b.Source.Index)
		}
		res.batches = append(res.batches, desc)
		for i := range b.Rows() {
			var row []string
			for _, c := range b.Record.Columns() {
				row = append(row, cell(c, i))
			}
			res.rows = append(res.rows, row)
			if b.Bad != nil && b.Bad[i] {
				res.bad = append(res.bad, b.FirstRow+int64(i))
			}
			if b.Kinds != nil {
				var k []byte
				for _, col := range b.Kinds {
					k = append(k, max(col[i], '.'))
				}
				res.kinds = append(res.kinds, string(k))
			}
		}
		b.Release()
	}
}

// checkBatch holds a batch to what Schema promises.
func checkBatch(t testing.TB, s column.Schema, b *column.Batch) {
	t.Helper()
	if b.Flow != s.Flow || !cmp.Equal(b.Keep, s.Keep) || b.Text != s.Text || (b.Kinds != nil) != s.Kinds {
		t.Fatalf("batch %+v does not fit schema %+v", b, s)
	}
	for i, f := range s.Record.Fields() {
		a := b.Record.Column(i)
		got := a.DataType()
		if d, ok := got.(*arrow.DictionaryType); ok && f.Type.ID() != arrow.DICTIONARY {
			if d.IndexType.ID() != arrow.UINT32 {
				t.Fatalf("column %s has codes of type %s", f.Name, d.IndexType)
			}
			got = d.ValueType
		}
		if !arrow.TypeEqual(got, f.Type) || b.Record.ColumnName(i) != f.Name {
			t.Fatalf("column %s %s, the schema says %s %s", b.Record.ColumnName(i), got, f.Name, f.Type)
		}
		if err := column.Check(a); err != nil {
			t.Fatalf("column %s: %v", f.Name, err)
		}
		if codes, dict, ok := column.CodesOf(a); ok && b.Text {
			checkOrder(t, codes, column.NullsOf(a), dict)
		}
	}
}

// checkOrder holds a dictionary to what column.Batch.Text promises.
func checkOrder(t testing.TB, codes []uint32, nulls column.Nulls, dict arrow.Array) {
	t.Helper()
	next := uint32(0)
	for row, c := range codes {
		if nulls.At(row) {
			continue
		}
		if c > next {
			t.Fatalf("row %d has code %d before %d", row, c, next)
		}
		next = max(next, c+1)
	}
	seen := map[string]bool{}
	for i := range dict.Len() {
		seen[cell(dict, i)] = true
	}
	if len(seen) != dict.Len() || int(next) != dict.Len() {
		t.Fatalf("a dictionary of %d has %d distinct values, of which %d are used", dict.Len(), len(seen), next)
	}
}

// read opens the paths and reads them to the end.
func read(t testing.TB, o Options, paths ...string) (result, error) {
	t.Helper()
	r, err := Open(context.Background(), paths, o)
	if err != nil {
		return result{}, err
	}
	return drain(t, r)
}

func mustRead(t testing.TB, o Options, paths ...string) result {
	t.Helper()
	res, err := read(t, o, paths...)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func write(t testing.TB, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

const header = "nic,direction,protocol,local_ip,local_port,remote_ip,remote_port"

const threeRows = header + ",note\n" +
	"web-nic,Inbound,TCP,10.0.0.4,443,203.0.113.9,50123,\"a, \"\"b\"\"\"\r\n" +
	",Outbound,UDP,10.0.0.4,,198.51.100.7,53,\n" +
	"web-nic,In,6,10.0.0.5,22,2001:db8::1,1024,\"two\nlines\""

var threeWant = [][]string{
	{"web-nic", "Inbound", "TCP", "10.0.0.4", "443", "203.0.113.9", "50123", `a, "b"`},
	{null, "Outbound", "UDP", "10.0.0.4", null, "198.51.100.7", "53", null},
	{"web-nic", "In", "6", "10.0.0.5", "22", "2001:db8::1", "1024", "two\nlines"},
}

func gz(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}

func zst(s string) string {
	w, _ := zstd.NewWriter(nil)
	return string(w.EncodeAll([]byte(s), nil))
}

func TestCSVInEveryWrapping(t *testing.T) {
	dir := t.TempDir()
	tsv := strings.NewReplacer("\"a, \"\"b\"\"\"", "\"a, \"\"b\"\"\"", ",", "\t", ", ", ", ").Replace(threeRows)
	tsv = strings.Replace(tsv, "\"a\t \"\"b", "\"a, \"\"b", 1)
	for name, content := range map[string]string{
		"plain.csv":  threeRows,
		"bom.csv":    "\xef\xbb\xbf" + threeRows,
		"blank.csv":  "\n\r\n" + strings.ReplaceAll(threeRows, "\n,Out", "\n\n\r\n,Out") + "\n\n",
		"a.csv.gz":   gz(threeRows),
		"b.csv.zst":  zst(threeRows),
		"two.csv.gz": gz(threeRows[:100]) + gz(threeRows[100:]),
		"c.tsv":      tsv,
	} {
		t.Run(name, func(t *testing.T) {
			for rows := range 4 {
				got := mustRead(t, Options{WindowRows: rows}, write(t, dir, name, content))
				if diff := cmp.Diff(threeWant, got.rows); diff != "" || got.bad != nil {
					t.Fatalf("window %d: bad rows %v, cells:\n%s", rows, got.bad, diff)
				}
			}
			o := Options{Format: "csv", Stdin: strings.NewReader(content)}
			if strings.HasSuffix(name, "tsv") {
				o.Format = "TSV"
			}
			if got := mustRead(t, o, "-"); len(got.rows) != 3 {
				t.Fatalf("standard input gave %d rows", len(got.rows))
			}
		})
	}
}

func TestHeaderOnlyHasNoRows(t *testing.T) {
	got := mustRead(t, Options{}, write(t, t.TempDir(), "a.csv", header+"\n"))
	if len(got.rows) != 0 {
		t.Fatalf("rows: %v", got.rows)
	}
}

func TestBadRowsAreOneRowEach(t *testing.T) {
	good := "n,In,6,10.0.0.5,22,10.1.0.1,1024"
	for name, c := range map[string]struct {
		body string
		rows int
		bad  []int64
	}{
		"short":              {good + "\nn,In\n" + good, 3, []int64{1}},
		"long":               {good + ",x\n" + good, 2, []int64{0}},
		"bare-quote":         {"n,I\"n,6,10.0.0.5,22,10.1.0.1,1\n" + good, 2, []int64{0}},
		"after-quote":        {"\"n\"x,In,6,10.0.0.5,22,10.1.0.1,1\n" + good, 2, []int64{0}},
		"open-quote-at-end":  {good + "\nn,In,6,10.0.0.5,22,10.1.0.1,\"1", 2, []int64{1}},
		"open-quote-midway":  {good + "\n\"n,In,6,10.0.0.5,22,10.1.0.1,1\n" + good + "\n" + good + "\n", 4, []int64{1}},
		"not-utf8":           {good + "\nn\xff,In,6,10.0.0.5,22,10.1.0.1,1\n" + good, 3, []int64{1}},
		"two-open-quotes":    {"\"n\"\"\n" + good + "\n\"\n" + good, 2, []int64{0}},
		"quote-and-newlines": {"\"a\nb\nc\",In,6,10.0.0.5,22,10.1.0.1,1\n" + good, 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for rows := range 3 {
				got := mustRead(t, Options{WindowRows: rows}, write(t, t.TempDir(), "a.csv", header+"\n"+c.body))
				if len(got.rows) != c.rows || !cmp.Equal(got.bad, c.bad) {
					t.Fatalf("%d rows, bad %v; want %d, %v", len(got.rows), got.bad, c.rows, c.bad)
				}
				for _, b := range got.bad {
					if diff := cmp.Diff([]string{null, null, null, null, null, null, null}, got.rows[b]); diff != "" {
						t.Fatal(diff)
					}
				}
			}
		})
	}
}

func TestColumnsAreFoundMappedAndKept(t *testing.T) {
	dir := t.TempDir()
	body := "NicId,Direction,PROTOCOL,Local_IP,local_port,remote_ip,remote_port,extra,Note\nn,In,6,10.0.0.5,22,10.1.0.1,9,x,y\n"
	path := write(t, dir, "a.csv", body)
	r, err := Open(context.Background(), []string{path}, Options{Map: map[string]string{"NIC": "nicid"}, Keep: KeepSpec{Columns: []string{"note", "nicid", "NOTE"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := r.Schema()
	var kept []string
	for _, k := range s.Keep {
		kept = append(kept, s.Record.Field(k).Name)
	}
	if diff := cmp.Diff([]string{"Note", "NicId"}, kept); diff != "" {
		t.Error(diff)
	}
	if s.Record.NumFields() != 8 || s.Flow != [column.NumNames]int{0, -1, 1, 2, 3, 4, 5, 6} {
		t.Errorf("fields %v, flow %v", s.Record.Fields(), s.Flow)
	}

	r, err = Open(context.Background(), []string{path}, Options{Keep: KeepSpec{None: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if h := r.Hints(); len(h) != 1 || !strings.Contains(h[0], "--map nic=NicId") {
		t.Errorf("hints: %q", h)
	}
	if s := r.Schema(); len(s.Keep) != 0 || s.Record.NumFields() != 6 {
		t.Errorf("none kept: %v", s.Record.Fields())
	}
}

func TestFaultsOfFilesAndRequests(t *testing.T) {
	dir := t.TempDir()
	good := header + "\n,In,6,10.0.0.5,22,10.1.0.1,9\n"
	write(t, dir, "good.csv", good)
	write(t, dir, "same1.csv", good)
	write(t, dir, "same2.csv", strings.Replace(good, "nic", "vm", 1))
	write(t, dir, "same3.csv", strings.Replace(good, "remote_port", "remote_port,zone", 1))
	write(t, dir, "srcip.csv", strings.Replace(good, "local_ip", "src_ip", 1))
	write(t, dir, "case.csv", strings.Replace(good, "remote_port", "remote_port,Remote_IP", 1))
	write(t, dir, "lookslike.csv", "PAR1xxxx")
	write(t, dir, "arrow.csv", "ARROW1\x00\x00xxxx")
	write(t, dir, "json.csv", `{"nic":"a"}`)
	write(t, dir, "array.jsonl", `[{"nic":"a"}]`)
	write(t, dir, "utf16.csv", "\xff\xfen\x00i\x00")
	write(t, dir, "empty.csv", "")
	write(t, dir, "quote.csv", "\"nic,direction\n")
	write(t, dir, "text.parquet", good)
	write(t, dir, "text.arrow", good)
	write(t, dir, "x.txt", good)
	write(t, dir, "x.parquet.gz", gz("x"))
	write(t, dir, "cut.csv.gz", gz(good)[:40])
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		paths []string
		o     Options
		want  []string
		usage bool
	}{
		"missing-column":   {[]string{"srcip.csv"}, Options{}, []string{"srcip.csv", "no column local_ip", "nic, direction", "--map local_ip=src_ip", "whatever the direction"}, false},
		"mapped-missing":   {[]string{"good.csv"}, Options{Map: map[string]string{"nic": "Zed"}}, []string{"no column Zed", "--map", "remote_port"}, false},
		"map-key":          {[]string{"good.csv"}, Options{Map: map[string]string{"nick": "nic"}}, []string{"nick is no flow column"}, true},
		"map-twice":        {[]string{"good.csv"}, Options{Map: map[string]string{"local_ip": "remote_ip"}}, []string{"stands for both"}, true},
		"keep-unknown":     {[]string{"good.csv"}, Options{Keep: KeepSpec{Columns: []string{"zone"}}}, []string{"--keep zone", "remote_port"}, true},
		"differ-in-case":   {[]string{"case.csv"}, Options{}, []string{"remote_ip and Remote_IP"}, false},
		"parquet-in-csv":   {[]string{"lookslike.csv"}, Options{}, []string{"holds a Parquet file", "--flows-format parquet"}, false},
		"arrow-in-csv":     {[]string{"arrow.csv"}, Options{}, []string{"holds Arrow IPC data", "--flows-format arrow"}, false},
		"json-in-csv":      {[]string{"json.csv"}, Options{}, []string{"holds JSON lines", "--flows-format jsonl"}, false},
		"json-array":       {[]string{"array.jsonl"}, Options{}, []string{"JSON array", "one object per line"}, false},
		"utf16":            {[]string{"utf16.csv"}, Options{}, []string{"UTF-16"}, false},
		"no-header":        {[]string{"empty.csv"}, Options{}, []string{"empty.csv is empty"}, false},
		"bad-header":       {[]string{"quote.csv"}, Options{}, []string{"quote.csv:1", "header is malformed"}, false},
		"csv-as-parquet":   {[]string{"text.parquet"}, Options{}, []string{"text.parquet is no Parquet file", "--flows-format"}, false},
		"csv-as-arrow":     {[]string{"text.arrow"}, Options{}, []string{"text.arrow"}, false},
		"extension":        {[]string{"x.txt"}, Options{}, []string{"x.txt", "--flows-format"}, true},
		"zipped-parquet":   {[]string{"x.parquet.gz"}, Options{}, []string{"decompress"}, true},
		"format":           {[]string{"x.txt"}, Options{Format: "xls"}, []string{"xls", "parquet, arrow"}, true},
		"stdin-format":     {[]string{"-"}, Options{Stdin: strings.NewReader("")}, []string{"standard input", "--flows-format"}, true},
		"stdin-parquet":    {[]string{"-"}, Options{Format: "parquet", Stdin: strings.NewReader("")}, []string{"standard input", "Parquet"}, true},
		"no-such-file":     {[]string{"nope.csv"}, Options{}, []string{"nope.csv"}, false},
		"no-match":         {[]string{"nope*.csv"}, Options{}, []string{"no file matches"}, false},
		"directory":        {[]string{"sub"}, Options{}, []string{"is a directory", "*.parquet"}, true},
		"nothing":          {nil, Options{}, []string{"--flows"}, true},
		"missing-in-other": {[]string{"same1.csv", "same2.csv"}, Options{}, []string{"same2.csv has no column nic, which", "same1.csv has"}, false},
		"extra-in-other":   {[]string{"same1.csv", "same3.csv"}, Options{}, []string{"same3.csv has a column zone"}, false},
		"formats-differ":   {[]string{"same1.csv", "text.parquet"}, Options{}, []string{"text.parquet is read as parquet", "one format"}, false},
		"cut-gzip":         {[]string{"cut.csv.gz"}, Options{}, []string{"cut.csv.gz", "unexpected EOF"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var paths []string
			for _, p := range c.paths {
				if p != "-" {
					p = filepath.Join(dir, p)
				}
				paths = append(paths, p)
			}
			_, err := read(t, c.o, paths...)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q lacks %q", err, w)
				}
			}
			if u := new(UsageError); errors.As(err, &u) != c.usage {
				t.Errorf("%q: usage error is %v, want %v", err, !c.usage, c.usage)
			}
			if strings.ContainsAny(err.Error(), "\n\r\x00") {
				t.Errorf("%q has more than one line", err)
			}
		})
	}
}

func TestFilesAreReadInSortedOrderAsOne(t *testing.T) {
	dir := t.TempDir()
	row := func(n string) string { return n + ",In,6,10.0.0.5,22,10.1.0.1,9\n" }
	write(t, dir, "b.csv", header+"\n"+row("3"))
	write(t, dir, "a.csv", header+"\n"+row("1")+row("2"))
	write(t, dir, "c.csv.gz", gz("direction,nic,protocol,local_ip,local_port,remote_ip,remote_port\nIn,4,6,10.0.0.5,22,10.1.0.1,9\n"))
	write(t, dir, "we[i]rd.csv", header+"\n"+row("5"))
	got := mustRead(t, Options{}, filepath.Join(dir, "we[i]rd.csv"), filepath.Join(dir, "b.csv"), filepath.Join(dir, "*.csv*"))
	var order string
	for _, r := range got.rows {
		order += r[0]
	}
	if order != "12345" {
		t.Errorf("rows in order %s", order)
	}
	if diff := cmp.Diff([]string{"0+2", "2+1", "3+1", "4+1"}, got.batches); diff != "" {
		t.Error(diff)
	}
}

func TestProgressEndsAtTheTotal(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	var size int64
	for i := range 3 {
		body := header + "\n" + strings.Repeat("n,In,6,10.0.0.5,22,10.1.0.1,9\n", 100_000*(i+1))
		paths = append(paths, write(t, dir, fmt.Sprintf("%d.csv", i), body))
		size += int64(len(body))
	}
	r, err := Open(context.Background(), paths, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, total, rows := r.Progress(); total != size || rows != -1 {
		t.Errorf("total %d rows %d, want %d and -1", total, rows, size)
	}
	if _, err := drain(t, r); err != nil {
		t.Fatal(err)
	}
	if done, total, _ := r.Progress(); done != total {
		t.Errorf("%d of %d bytes at the end", done, total)
	}
}

// endless is a standard input that never ends and never gives a line.
type endless struct{ stop chan struct{} }

func (e endless) Read([]byte) (int, error) {
	<-e.stop
	return 0, io.EOF
}

func TestCancelEndsReading(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	ctx, cancel := context.WithCancel(context.Background())
	stuck := io.MultiReader(strings.NewReader(header+"\n"+strings.Repeat("n,In,6,10.0.0.5,22,10.1.0.1,9\n", 5)), endless{stop})
	r, err := Open(ctx, []string{"-"}, Options{Format: "csv", Stdin: stuck, WindowRows: 5})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := r.Next(); err != nil || b.Rows() != 5 {
		t.Fatal(b, err)
	}
	cancel()
	if _, err := r.Next(); !errors.Is(err, context.Canceled) {
		t.Fatalf("after cancel: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, []string{"-"}, Options{Format: "csv", Stdin: endless{stop}}); !errors.Is(err, context.Canceled) {
		t.Fatalf("opening after cancel: %v", err)
	}
}

func TestCloseMidwayAndNextAfter(t *testing.T) {
	path := write(t, t.TempDir(), "a.csv", header+"\n"+strings.Repeat("n,In,6,10.0.0.5,22,10.1.0.1,9\n", 1000))
	r, err := Open(context.Background(), []string{path}, Options{WindowRows: 10})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	r.Close()
	r.Close()
	if _, err := r.Next(); err == nil || errors.Is(err, io.EOF) {
		t.Fatalf("Next after Close: %v", err)
	}
}

func TestParseKeep(t *testing.T) {
	for in, want := range map[string]KeepSpec{
		"":       {},
		"all":    {},
		"None":   {None: true},
		"a, B,c": {Columns: []string{"a", "B", "c"}},
	} {
		if got, err := ParseKeep(in); err != nil || !cmp.Equal(got, want) {
			t.Errorf("ParseKeep(%q) = %+v, %v", in, got, err)
		}
	}
	if _, err := ParseKeep("a,,b"); err == nil {
		t.Error("an empty name is taken")
	}
}
