package flowfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// split runs both splitters over a text; a bad record is nil. The lines are
// those of the first 1000 records.
func split(t testing.TB, text string, s *splitter) (recs [][]string, lines []int64) {
	t.Helper()
	s.r, s.quotes, s.delimiter = strings.NewReader(text), true, ','
	if s.rows == 0 {
		s.rows = 1 << 20
	}
	if s.limit == 0 {
		s.limit = maxRecord
	}
	f := fieldSplitter{delimiter: ','}
	for {
		b, err := s.next()
		if errors.Is(err, io.EOF) {
			return recs, lines
		}
		if err != nil {
			t.Fatal(err)
		}
		bad := b.bad
		for i, sp := range b.recs {
			if len(lines) < 1000 {
				lines = append(lines, b.lineOf(i))
			}
			if len(bad) > 0 && int(bad[0]) == i {
				bad = bad[1:]
				recs = append(recs, nil)
				continue
			}
			if !f.split(b.data[sp.first:sp.end], b.quotes) {
				recs = append(recs, nil)
				continue
			}
			rec := []string{}
			for _, v := range f.fields {
				rec = append(rec, string(v))
			}
			recs = append(recs, rec)
		}
	}
}

func TestRecordsAndLines(t *testing.T) {
	long := strings.Repeat("x", 40)
	for name, c := range map[string]struct {
		text  string
		want  [][]string
		lines []int64
	}{
		"plain":               {"a,b\nc,\n,\n", [][]string{{"a", "b"}, {"c", ""}, {"", ""}}, []int64{1, 2, 3}},
		"crlf-and-empty":      {"\r\na\r\n\n\r\nb\r", [][]string{{"a"}, {"b"}}, []int64{2, 5}},
		"quoted":              {"\"a\nb\",\"\"\"\"\n\"\",x\n", [][]string{{"a\nb", `"`}, {"", "x"}}, []int64{1, 3}},
		"bare":                {"a\"b\nc\n", [][]string{nil, {"c"}}, []int64{1, 2}},
		"after-closing":       {"\"a\"b,\"c\nd\"\ne\n", [][]string{nil, {"e"}}, []int64{1, 3}},
		"never-closed":        {"a\n\"b\nc\nd", [][]string{{"a"}, nil, {"c"}, {"d"}}, []int64{1, 2, 3, 4}},
		"closed-beyond-limit": {"\"a\n" + strings.Repeat("b\n", 40) + "\"\nc\n", append(append([][]string{nil}, rep([]string{"b"}, 40)...), nil, []string{"c"}), nil},
		"overlong":            {"a\n" + long + long + "\nb\n" + long + long, [][]string{{"a"}, nil, {"b"}, nil}, []int64{1, 2, 3, 4}},
		// The second line, on its own, has bare quotes.
		"overlong-quoted": {"\"" + long + "\n" + long + "\",\"" + long + "\"\nb", [][]string{nil, nil, {"b"}}, nil},
		"limit-is-fine":   {strings.Repeat("x", 64) + "\n" + strings.Repeat("x", 65) + "\n", [][]string{{strings.Repeat("x", 64)}, nil}, []int64{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			for rows := range 4 {
				recs, lines := split(t, c.text, &splitter{rows: rows, limit: 64})
				if diff := cmp.Diff(c.want, recs); diff != "" {
					t.Fatalf("blocks of %d: %s", rows, diff)
				}
				if diff := cmp.Diff(c.lines, lines); c.lines != nil && diff != "" {
					t.Fatalf("blocks of %d, lines: %s", rows, diff)
				}
			}
		})
	}
}

func rep(r []string, n int) (out [][]string) {
	for range n {
		out = append(out, r)
	}
	return out
}

// A quote that never closes must not make the work quadratic: every one of these
// lines opens a quote that, but for the note of the first search, would be
// followed to the limit.
func TestHostileQuotesTakeLinearTime(t *testing.T) {
	for name, line := range map[string]string{"reopened": "a\",\"\n", "escaped": "\"\"\"\n", "opened": "\"\n,\"\n"} {
		t.Run(name, func(t *testing.T) {
			text := strings.Repeat(line, 1<<20/len(line)) + "x"
			start := time.Now()
			recs, _ := split(t, text, &splitter{})
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("%d records in %v", len(recs), d)
			}
		})
	}
}

// FuzzCSV holds the splitters to encoding/csv: where it accepts a text, ours
// gives the same records.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\"a\nb\",c\r\n\r\nd,\"\"\"\"", "a\"b\n", "\"a", "\"a\"b,c\n", ",\n\n,", "\"\r\n\",x\r", "a\r\r\n\"b\r\"\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			t.Skip("encoding/csv does not look at the encoding")
		}
		got, _ := split(t, string(text), &splitter{})
		for rows := 1; rows < 3; rows++ {
			again, _ := split(t, string(text), &splitter{rows: rows})
			if diff := cmp.Diff(got, again); diff != "" {
				t.Fatalf("%q in blocks of %d: %s", text, rows, diff)
			}
		}
		r := csv.NewReader(bytes.NewReader(text))
		r.FieldsPerRecord = -1
		want, err := r.ReadAll()
		if err != nil {
			return
		}
		// encoding/csv turns CRLF in a quoted field into LF; we keep fields as
		// they are.
		for _, rec := range got {
			for i := range rec {
				rec[i] = strings.ReplaceAll(rec[i], "\r\n", "\n")
			}
		}
		if len(got) == 0 && len(want) == 0 {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q:\n%s", text, diff)
		}
	})
}

func TestDictionariesOfText(t *testing.T) {
	var b strings.Builder
	b.WriteString(header + "\n")
	for i := range 10_000 {
		fmt.Fprintf(&b, "nic-%d,In,6,10.0.0.%d,%d,203.0.%d.%d,1\n", i%50, i%4, i%3, i>>8, i&255)
	}
	path := write(t, t.TempDir(), "a.csv", b.String())
	got := mustRead(t, Options{WindowRows: 6000}, path)
	for i, r := range got.rows {
		if r[0] != fmt.Sprintf("nic-%d", i%50) || r[5] != fmt.Sprintf("203.0.%d.%d", i>>8, i&255) {
			t.Fatalf("row %d: %v", i, r)
		}
	}
}
