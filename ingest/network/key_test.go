package network

import (
	"cmp"
	"strings"
	"testing"
)

func FuzzKey(f *testing.F) {
	for _, s := range [][2]string{
		{"", ""},
		{"a", "A"},
		{"/subscriptions/X/resourceGroups/rg", "/SUBSCRIPTIONS/x/resourcegroups/RG"},
		{"12345678", "1234567"},
		{"abcdefgH", "abcdefgh"},
		{"K", "\u212a"},
		{"İstanbul", "istanbul"},
		{"ſ", "s"},
		{"abcdefghÄ", "abcdefghä"},
		{"a\xff", "a\ufffd"},
		{"@[`{", "AZaz"},
		{"abc\xffZ", "abcX"},
		{"/subscriptions/abcd", "/subscriptions/abCE"},
		{"abcdefgh\xe2\x84\xaaijklmno", "abcdefgh\xe2\x84\xaaijklmnp"},
		{"aZ", "a\xff"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if got, want := Key(a), strings.ToLower(a); got != want {
			t.Errorf("Key(%q) = %q, want %q", a, got, want)
		}
		want := strings.Compare(strings.ToLower(a), strings.ToLower(b))
		if got := cmp.Compare(CompareKeys(a, b), 0); got != want {
			t.Errorf("CompareKeys(%q, %q) = %d, want %d", a, b, got, want)
		}
		if got := KeepsLength(a); got != (len(Key(a)) == len(a)) {
			t.Errorf("KeepsLength(%q) = %t", a, got)
		}
		if got := SameKey(a, b); got != (want == 0) {
			t.Errorf("SameKey(%q, %q) = %t", a, b, got)
		}
	})
}

func BenchmarkKey(b *testing.B) {
	const id = "/subscriptions/c0ffee00-0000-4000-8000-000000000000/resourceGroups/rg-hub-prod/providers/Microsoft.Network/networkInterfaces/nic-web-000001"
	for name, s := range map[string]string{"case=mixed": id, "case=lower": strings.ToLower(id)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Key(s)
			}
		})
	}
}
