package index

import (
	"math/rand/v2"
	"testing"
)

// Cells that are kept are the ones that were made, whatever their bits.
func TestCellsKeepTheirNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for _, n := range []int{1, 2, 255, 256, 257, 4095, 4096, 4097, 1 << 16} {
		for _, count := range []int{0, 1, 2, 3, 100, 101} {
			made := cells{wide: make([]uint16, count)}
			for i := range made.wide {
				made.wide[i] = uint16(rng.IntN(n))
			}
			if count > 1 {
				made.wide[0], made.wide[count-1] = uint16(n-1), uint16(n-1)
			}
			kept := made.clone(n)
			if kept.len() != count || count > 2 && kept.bytes() > made.bytes() {
				t.Fatalf("%d cells below %d: %d in %d bytes", count, n, kept.len(), kept.bytes())
			}
			for i, want := range made.wide {
				if got := kept.at(uint32(i)); got != uint32(want) {
					t.Fatalf("cell %d of %d below %d is %d, want %d", i, count, n, got, want)
				}
			}
		}
	}
}
