package flowfile

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// FuzzSplit compares split with its plain twin.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		"", ",", "a,b,c", "12345678,1234567,123456789,", ",,,,,,,,,", `"a","b""c",d`, `abcdefgh"`, `"abcdefgh`, "a\x2d,\x2c\xac,\x0c", "ä,\xff,\x80\x7f",
		strings.Repeat("x", 40) + "," + strings.Repeat("y,", 20), `a,"b`, `"a"b,c`, "aaaaaaa,\"\",bbbbbbbb",
	} {
		f.Add([]byte(s), byte(','))
		f.Add(bytes.ReplaceAll([]byte(s), []byte{','}, []byte{'\t'}), byte('\t'))
	}
	f.Fuzz(func(t *testing.T, rec []byte, delimiter byte) {
		if delimiter == '"' {
			return
		}
		s := fieldSplitter{delimiter: delimiter}
		want, wantOK := plainSplit(rec, delimiter)
		// Twice, for it is reused.
		for _, quotes := range []bool{true, bytes.IndexByte(rec, '"') >= 0} {
			if ok := s.split(rec, quotes); ok != wantOK || ok && fmt.Sprintf("%q", s.fields) != fmt.Sprintf("%q", want) {
				t.Fatalf("split(%q, %q) = %q, %t; want %q, %t", rec, delimiter, s.fields, ok, want, wantOK)
			}
		}
	})
}

// plainSplit reads byte by byte what RFC 4180 says.
func plainSplit(rec []byte, delimiter byte) (fields [][]byte, ok bool) {
	field, i := []byte{}, 0
	for {
		if i < len(rec) && rec[i] == '"' {
			for i++; ; i++ {
				if i == len(rec) {
					return nil, false
				}
				if rec[i] == '"' {
					if i++; i == len(rec) || rec[i] != '"' {
						break
					}
				}
				field = append(field, rec[i])
			}
			if i < len(rec) && rec[i] != delimiter {
				return nil, false
			}
		}
		for ; i < len(rec) && rec[i] != delimiter; i++ {
			if rec[i] == '"' {
				return nil, false
			}
			field = append(field, rec[i])
		}
		fields = append(fields, field)
		if i == len(rec) {
			return fields, true
		}
		field = []byte{}
		i++
	}
}

func BenchmarkSplit(b *testing.B) {
	id := "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-01/providers/Microsoft.Network/networkInterfaces/nic-001"
	for name, rec := range map[string]string{
		"quotes=no":  id + ",Outbound,Tcp,10.2.1.16,38502,52.236.199.192,23389",
		"quotes=yes": `"` + id + `","Outbound","Tcp","10.2.1.16","38502","52.236.199.192","23389"`,
	} {
		b.Run(name, func(b *testing.B) {
			s, data := fieldSplitter{delimiter: ','}, []byte(rec)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if !s.split(data, strings.Contains(rec, `"`)) {
					b.Fatal(rec)
				}
			}
		})
	}
}
