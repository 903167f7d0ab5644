package index

import (
	"math/rand/v2"
	"slices"
	"testing"

	"ipflow/index/interval"
)

// TestTupleSet: places in an array and hashes number tuples alike, also when the
// set was used before for other sizes.
func TestTupleSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var s tupleSet
	for _, sizes := range [][3]uint32{{7, 5, 3}, {1, 1, 1}, {1 << 10, 1 << 10, 2}, {40, 60, 1}, {3, 1, 1}, {1 << 20, 1 << 23, 1 << 20}} {
		s.reset(sizes)
		known := map[[3]uint32]uint32{}
		var order [][3]uint32
		for range 2000 {
			tuple := [3]uint32{rng.Uint32N(min(sizes[0], 50)), rng.Uint32N(min(sizes[1], 50)), rng.Uint32N(min(sizes[2], 50))}
			n := s.number(tuple[0], tuple[1], tuple[2])
			want, ok := known[tuple]
			if !ok {
				want = uint32(len(order))
				known[tuple] = want
				order = append(order, tuple)
			}
			if n != want {
				t.Fatalf("sizes %v: %v is %d, not %d", sizes, tuple, n, want)
			}
		}
		if s.len() != len(order) {
			t.Fatalf("sizes %v: %d tuples, not %d", sizes, s.len(), len(order))
		}
		for n, tuple := range order {
			if s.tuple(n) != tuple {
				t.Fatalf("sizes %v: tuple %d is %v, not %v", sizes, n, s.tuple(n), tuple)
			}
		}
	}
}

// TestSortByPlace: bounds are sorted by place whatever their number and spread.
func TestSortByPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	var spare []uint64
	for _, n := range []int{0, 1, fewBounds - 1, fewBounds, 1000} {
		for _, shift := range []int{0, 8, 16, 31} {
			bounds := make([]uint64, n)
			for i := range bounds {
				bounds[i] = uint64(rng.Uint32()>>shift<<(shift/2))<<32 | uint64(rng.Uint32())
			}
			want := slices.Clone(bounds)
			slices.Sort(want)
			bounds, spare = sortByPlace(bounds, spare)
			if !slices.IsSortedFunc(bounds, func(a, b uint64) int { return int(a>>32) - int(b>>32) }) {
				t.Errorf("%d bounds, shift %d: not sorted", n, shift)
			}
			slices.Sort(bounds)
			if !slices.Equal(bounds, want) {
				t.Errorf("%d bounds, shift %d: not the same bounds", n, shift)
			}
		}
	}
}

// TestMergeCuts4: two parts are merged as any number is.
func TestMergeCuts4(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	var got, want cuts[interval.IPv4]
	for range 200 {
		var parts []*remotes[interval.IPv4]
		for range 2 {
			p := &remotes[interval.IPv4]{starts: []interval.IPv4{0}}
			for range rng.IntN(8) {
				p.starts = append(p.starts, interval.IPv4(1+rng.Uint32N(12)), 1<<32-1-interval.IPv4(rng.Uint32N(3)))
			}
			slices.Sort(p.starts)
			p.starts = slices.Compact(p.starts)
			parts = append(parts, p)
		}
		mergeCuts4(&got, parts)
		mergeCuts(&want, parts)
		if !slices.Equal(got.starts, want.starts) || !slices.Equal(got.at[0], want.at[0]) || !slices.Equal(got.at[1], want.at[1]) {
			t.Fatalf("%v and %v: %v, not %v", parts[0].starts, parts[1].starts, got, want)
		}
	}
}
