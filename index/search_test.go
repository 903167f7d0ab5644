package index

import (
	"math/rand/v2"
	"slices"
	"testing"

	"ipflow/index/interval"
)

// TestSearchesEqualTheScan holds every search to its plain twin, a scan, on
// random starts and on the points around each start.
func TestSearchesEqualTheScan(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for n := 1; n < 200; n += 1 + n/9 {
		s16, s32, s128 := []uint16{0}, []uint32{0}, []interval.IPv6{{}}
		for range n - 1 {
			s16 = append(s16, uint16(rng.Uint32()))
			s32 = append(s32, rng.Uint32())
			s128 = append(s128, interval.IPv6{Hi: rng.Uint64N(4), Lo: rng.Uint64()})
		}
		slices.Sort(s16)
		slices.Sort(s32)
		slices.SortFunc(s128, interval.IPv6.Compare)
		s16, s32, s128 = slices.Compact(s16), slices.Compact(s32), slices.Compact(s128)
		for _, p := range around(s16, 0, 1<<16-1) {
			if got, want := search16(s16, p), scan(s16, func(x uint16) bool { return x <= p }); got != want {
				t.Fatalf("port %d in %v: %d, want %d", p, s16, got, want)
			}
		}
		for _, a := range around(s32, 0, 1<<32-1) {
			if got, want := search32(s32, a), scan(s32, func(x uint32) bool { return x <= a }); got != want {
				t.Fatalf("address %d in %v: %d, want %d", a, s32, got, want)
			}
		}
		for i := range s32 {
			a := [4]uint32{s32[i], s32[i] - 1, s32[i] + 1, rng.Uint32()}
			b0, b1, b2, b3 := search32x4(s32, a[0], a[1], a[2], a[3])
			for j, got := range [4]int{b0, b1, b2, b3} {
				if want := search32(s32, a[j]); got != want {
					t.Fatalf("address %d in %v, four in step: %d, want %d", a[j], s32, got, want)
				}
			}
		}
		for _, s := range s128 {
			before, _ := s.Prev()
			after, _ := s.Next()
			for _, a := range []interval.IPv6{before, s, after} {
				want := scan(s128, func(x interval.IPv6) bool { return x.Compare(a) <= 0 })
				if got := search128(s128, a); got != want {
					t.Fatalf("address %v in %v: %d, want %d", a, s128, got, want)
				}
				if _, _, got, _ := search128x4(s128, before, after, a, s); got != want {
					t.Fatalf("address %v in %v, four in step: %d, want %d", a, s128, got, want)
				}
			}
		}
	}
}

func around[T uint16 | uint32](starts []T, lowest, highest T) []T {
	out := []T{lowest, highest}
	for _, s := range starts {
		out = append(out, s-1, s, s+1)
	}
	return out
}

// scan returns the last index for which below holds.
func scan[T any](starts []T, below func(T) bool) int {
	last := 0
	for i, s := range starts {
		if below(s) {
			last = i
		}
	}
	return last
}
