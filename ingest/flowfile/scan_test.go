package flowfile

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzScan holds both scans to looking byte by byte.
func FuzzScan(f *testing.F) {
	f.Add([]byte("a,b\x2d\x2b,,\xac\x80,"), byte(','))
	f.Add([]byte("\x00\x01\xff\x7f"), byte(0))
	f.Add([]byte("\n\x0b\x09\x8a"), byte('\n'))
	f.Fuzz(func(t *testing.T, text []byte, wanted byte) {
		for len(text)%64 != 0 || len(text) == 0 {
			text = append(text, 'x')
		}
		want, wantHigh := make([]uint64, len(text)/64), false
		for i, c := range text {
			wantHigh = wantHigh || c >= 0x80
			if c == wanted {
				want[i/64] |= 1 << (i % 64)
			}
		}
		got := make([]uint64, len(want))
		for name, how := range map[string]func([]uint64, []byte, byte) bool{"scan": scan, "plainScan": plainScan} {
			clear(got)
			if high := how(got, text, wanted); high != wantHigh || !cmp.Equal(want, got) {
				t.Fatalf("%s of %q for %q is %x, %t; want %x, %t", name, text, wanted, got, high, want, wantHigh)
			}
		}
	})
}
