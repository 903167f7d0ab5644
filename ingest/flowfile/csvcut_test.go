package flowfile

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/google/go-cmp/cmp"

	"ipflow/ingest/column"
)

// pieces is a reader that gives at most so many bytes at a time.
type pieces struct {
	r io.Reader
	n int
}

func (p pieces) Read(b []byte) (int, error) { return p.r.Read(b[:min(len(b), p.n)]) }

// plainNext is the plain twin of the splitter's next: record by record.
func plainNext(s *splitter) (*block, error) {
	b := s.fresh()
	b.data = append(b.data, s.rest...)
	pos, more := 0, true
	for more && len(b.recs) < s.rows && pos < maxBlock {
		var err error
		if pos, more, err = s.record(b, pos); err != nil {
			return nil, err
		}
	}
	s.rest = append(s.rest[:0], b.data[pos:]...)
	s.refuse = max(0, s.refuse-pos)
	s.line += int64(strings.Count(string(b.data[:pos]), "\n"))
	b.data = b.data[:pos]
	switch {
	case len(b.recs) > 0:
		return b, nil
	case more:
		return plainNext(s)
	}
	return nil, io.EOF
}

// plainDecode is the plain twin of the decoder's decode: record by record.
func plainDecode(d *csvDecoder, b *block) *column.Batch {
	t := newTextBatch(d.layout, d.ports)
	t.reset(len(b.recs))
	d.appendOneByOne(t, b, b.recs, b.bad, 0)
	d.splitter.recycle(b)
	return t.finish(d.fields)
}

// textDecoder reads a text of three columns, of which the second holds ports.
func textDecoder(text string, rows, piece int, delimiter byte) *csvDecoder {
	l := &layout{file: "a.csv", names: []string{"a", "b", "c"}, used: []int{0, 1, 2}, keep: []int{0, 1, 2}}
	for c := range l.flow {
		l.flow[c] = -1
	}
	l.flow[column.RemotePort] = 1
	return &csvDecoder{
		layout: l, fields: l.textSchema().Record.Fields(), width: 3, at: []int{2, 1, 0}, ports: true, delimiter: delimiter,
		splitter: splitter{r: pieces{strings.NewReader(text), piece}, quotes: true, delimiter: delimiter, rows: rows, limit: 200},
	}
}

// describe lists what a batch says.
func describe(t testing.TB, b *column.Batch, line int64) []string {
	t.Helper()
	out := []string{fmt.Sprintf("line %d, %d rows, bad %v", line, b.Rows(), b.Bad)}
	for _, a := range b.Record.Columns() {
		out = append(out, fmt.Sprint(a.DataType(), a))
		if codes, dict, ok := column.CodesOf(a); ok {
			checkOrder(t, codes, column.NullsOf(a), dict)
		}
	}
	b.Release()
	return out
}

// FuzzBatches holds reading block by block to its plain twins: the same batches
// for any bytes, in whatever pieces they come.
func FuzzBatches(f *testing.F) {
	long := strings.Repeat("/subscriptions/x", 4)
	for _, s := range []string{
		"a,80,c\n1,443,2\r\n\r\n\n,,\n", "a,b\na,b,c,d\n1,2,3", "\"a\",\"80\",\"c\nd\"\nx,80,y\n", "a,1,\"\nb,2,c\nc,3,d\n",
		"\xff,1,2\na,2,\xc3\xa4\n", long + ",8080," + long + "x\n" + long + ",8080," + long + "y\n", strings.Repeat(long, 4) + ",1,2\na,2,c\n", " a,1,2\n \n\t\n a,2,3",
		"\"a\",\"80\",\"c\"\n\"\",\"443\",\"\"\n", "\"a\",\"b\"\"c\",\"d\"\n\"a\",1,2\n", "\"a,b\",\"1\",d\nx,\"2\",\"y,\"\n", "\"a\"x,1,\"2\"\na,\",\",\"\n\"\n", "a\"\"b,1,\"\n\",\"\"\"\",2\n",
		"a,080,c\nb,1,c\n", "a,1,c\r", ",,\n,,,\n,\n", "12345678,1,1234567812345678\n123456789,2,12345678123456789\n",
	} {
		f.Add([]byte(s), uint8(3), uint8(5))
		f.Add([]byte(strings.Repeat(s, 30)), uint8(200), uint8(255))
	}
	f.Add([]byte(strings.Repeat("a,80,c\r\n"+long+",1,2\n,,\n", 1500)+"\n\"x\n"+strings.Repeat("a,b,c,d\n\n", 3000)), uint8(255), uint8(255))
	f.Fuzz(func(t *testing.T, text []byte, rows, piece uint8) {
		for _, delimiter := range []byte{',', '\t'} {
			got := textDecoder(string(text), int(rows)*4+1, int(piece)+1, delimiter)
			want := textDecoder(string(text), int(rows)*4+1, 1<<20, delimiter)
			for {
				g, gotErr := got.splitter.next()
				w, wantErr := plainNext(&want.splitter)
				if !errors.Is(gotErr, wantErr) {
					t.Fatalf("%v, want %v", gotErr, wantErr)
				}
				if gotErr != nil {
					break
				}
				lines := [2]int64{g.lineOf(len(g.recs) - 1), w.lineOf(len(w.recs) - 1)}
				if diff := cmp.Diff(describe(t, plainDecode(want, w), lines[1]), describe(t, got.decode(g), lines[0])); diff != "" {
					t.Fatalf("%q: %s", text, diff)
				}
			}
		}
	})
}

func TestPortNumbers(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "a.csv", header+"\nn,In,6,10.0.0.1,80,10.0.0.2,\nn,In,6,10.0.0.1,443,10.0.0.2,1\nn,In,6,10.0.0.1,1,10.0.0.2,abc\n")
	for rows, want := range map[int][]arrow.Type{2: {arrow.INT32, arrow.INT32, arrow.INT32, arrow.DICTIONARY}, 3: {arrow.INT32, arrow.DICTIONARY}} {
		r, err := Open(t.Context(), []string{path}, Options{WindowRows: rows, PortNumbers: true})
		if err != nil {
			t.Fatal(err)
		}
		var got []arrow.Type
		var cells []string
		for {
			b, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []column.Name{column.LocalPort, column.RemotePort} {
				a := b.Record.Column(b.Flow[c])
				got = append(got, a.DataType().ID())
				for i := range b.Rows() {
					cells = append(cells, cell(a, i))
				}
			}
			b.Release()
		}
		r.Close()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("windows of %d: %s", rows, diff)
		}
		wantCells := []string{"80", "443", "1", null, "1", "abc"}
		if rows == 2 {
			wantCells = []string{"80", "443", null, "1", "1", "abc"}
		}
		if diff := cmp.Diff(wantCells, cells); diff != "" {
			t.Errorf("windows of %d: %s", rows, diff)
		}
	}
}

func BenchmarkCut(b *testing.B) {
	id := "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-01/providers/Microsoft.Network/networkInterfaces/nic-001"
	line := id + ",Outbound,Tcp,10.2.1.16,38502,52.236.199.192,23389\n"
	data := append([]byte(strings.Repeat(line, cutRows)), make([]byte, slack)...)
	var recs []span
	for row := range cutRows {
		recs = append(recs, span{uint32(row * len(line)), uint32(row*len(line) + len(line) - 1)})
	}
	c := newCutter(',', 7)
	for b.Loop() {
		if !c.cut(data, recs, false) || c.bad > 0 {
			b.Fatal(c.bad)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/cutRows, "ns/row")
}
