package column

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/google/go-cmp/cmp"
)

// FuzzSpans holds the builders to their plain twins: rows handed over as spans
// are those handed over one by one, and those of a builder that was used before.
func FuzzSpans(f *testing.F) {
	for _, s := range []string{
		"80,443,,0,12345678", "80,080", "1,,2,-5", "1,123456789", "a,b,a,,ab,a\x00,a\x00\x00", "12345678,123456789,1234567812345678,12345678123456781",
		"0,00", "9,:,/", strings.Repeat("long-enough-to-be-long-", 3) + ",x," + strings.Repeat("long-enough-to-be-long-", 3),
	} {
		f.Add([]byte(s))
		f.Add([]byte(strings.Repeat(s+",", 40)))
	}
	f.Add([]byte(distinctWords(200)))
	f.Fuzz(func(t *testing.T, text []byte) {
		fields := strings.Split(string(text), ",")
		var data []byte
		var at []Span
		want := make([]string, len(fields))
		text1, ports1 := NewText(len(fields)), NewPorts(len(fields))
		for i, v := range fields {
			at = append(at, Span{uint32(len(data)), uint32(len(v))})
			data = append(data, v...)
			if want[i] = v; v == "" {
				want[i] = "<null>"
				text1.AppendNull()
				ports1.AppendNull()
				continue
			}
			text1.Append([]byte(v))
			ports1.Append([]byte(v))
		}
		data = append(data, make([]byte, SpanSlack)...)
		text2, ports2 := NewText(3), NewPorts(1)
		text2.AppendSpans(data, at[:1])
		ports2.AppendSpans(data, at[:1])
		text2.Reset(len(fields))
		ports2.Reset(len(fields))
		for rest := at; len(rest) > 0; {
			n := min(3, len(rest))
			text2.AppendSpans(data, rest[:n])
			ports2.AppendSpans(data, rest[:n])
			rest = rest[n:]
		}
		if text2.Len() != len(fields) || ports2.Len() != len(fields) {
			t.Fatalf("%d and %d rows of %d", text2.Len(), ports2.Len(), len(fields))
		}
		one, two := text1.Finish(), text2.Finish()
		if diff := cmp.Diff(want, texts(one)); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(fmt.Sprint(one), fmt.Sprint(two)); diff != "" {
			t.Fatalf("by spans: %s", diff)
		}
		if err := Check(two); err != nil {
			t.Fatal(err)
		}
		p1, p2 := ports1.Finish(), ports2.Finish()
		if diff := cmp.Diff(fmt.Sprint(p1), fmt.Sprint(p2)); diff != "" {
			t.Fatalf("ports by spans: %s", diff)
		}
		numbers := true
		for _, v := range fields {
			x, err := strconv.ParseUint(v, 10, 31)
			numbers = numbers && (v == "" || err == nil && strconv.FormatUint(x, 10) == v && len(v) <= 8)
		}
		if got := p2.DataType().ID() == arrow.INT32; got != numbers {
			t.Fatalf("%q became %s", fields, p2.DataType())
		}
		if !numbers {
			want = texts(p2)
		}
		for i := range fields {
			if got := p2.ValueStr(i); numbers && (want[i] == "<null>") != p2.IsNull(i) || numbers && want[i] != "<null>" && got != want[i] {
				t.Fatalf("row %d of %q is %s", i, fields, got)
			}
		}
	})
}

// distinctWords are n values of one to n letters, each twice.
func distinctWords(n int) string {
	var b strings.Builder
	for i := range 2 * n {
		fmt.Fprintf(&b, "%s%d,", strings.Repeat("w", i%n%30), i%n)
	}
	return b.String()
}

func TestDecimalReadsWhatProgramsWrite(t *testing.T) {
	for _, x := range []int{0, 1, 9, 10, 99, 100, 443, 8080, 65535, 65536, 999_999, 1_000_000, 12_345_678, 99_999_999} {
		p := NewPorts(1)
		p.Append(strconv.AppendInt(nil, int64(x), 10))
		if a := p.Finish(); a.ValueStr(0) != strconv.Itoa(x) || a.DataType().ID() != arrow.INT32 {
			t.Errorf("%d is read as %s", x, a)
		}
	}
}

func BenchmarkColumns(b *testing.B) {
	const rows = 1 << 17
	id := "/subscriptions/c0ffee00-0000-4000-8000-000000000000/resourceGroups/rg-spoke-001-test/providers/Microsoft.Network/networkInterfaces/nic-batch-000"
	for name, value := range map[string]func(x uint64) string{
		"directions": func(x uint64) string { return []string{"Inbound", "Outbound"}[x&1] },
		"ids":        func(x uint64) string { return id + strconv.FormatUint(x%500, 10) },
		"addresses":  func(x uint64) string { return fmt.Sprintf("%d.%d.%d.%d", 20+x%60, x>>8&255, x>>16&3, x>>20&255) },
		"ports":      func(x uint64) string { return strconv.FormatUint(x%28_000+32_768, 10) },
	} {
		var data []byte
		var at []Span
		x := uint64(42)
		for range rows {
			x = x*6364136223846793005 + 1442695040888963407
			v := value(x >> 33)
			if name == "addresses" && x>>61 < 5 && len(at) > 1000 {
				at = append(at, at[(x>>20)%1000])
				continue
			}
			at = append(at, Span{uint32(len(data)), uint32(len(v))})
			data = append(data, v...)
		}
		data = append(data, make([]byte, SpanSlack)...)
		t, p := NewText(rows), NewPorts(rows)
		b.Run("values="+name, func(b *testing.B) {
			for b.Loop() {
				if name == "ports" {
					p.Reset(rows)
					p.AppendSpans(data, at)
					p.Finish().Release()
					continue
				}
				t.Reset(rows)
				t.AppendSpans(data, at)
				t.Finish().Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}
