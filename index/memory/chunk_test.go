package memory

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCopiesAreApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 3))
	var c Chunk
	var lists, copies [][]uint16
	for all := 0; all < 3*ChunkBytes; {
		n := rng.IntN(ChunkBytes / 8)
		list := make([]uint16, n, n+rng.IntN(4))
		for i := range list[:cap(list)] {
			list[:cap(list)][i] = uint16(rng.Uint32())
		}
		lists, copies = append(lists, list), append(copies, Copy(&c, list))
		all += 2 * n
		if b := Copy(&c, []byte{1, 2, 3}); !slices.Equal(b, []byte{1, 2, 3}) {
			t.Fatal(b)
		}
	}
	for i, got := range copies {
		if want := lists[i]; !slices.Equal(got, want) || !slices.Equal(got[:cap(got)], want[:cap(want)]) {
			t.Fatalf("list %d of %d: another copy", i, len(lists))
		}
	}
	if small := []uint32{4, 5}; &Copy(&c, small)[0] == &small[0] {
		t.Error("a small list stays where it is")
	}
	large := make([]uint32, ChunkBytes/16+1)
	if got := Copy(&c, large); &got[0] != &large[0] {
		t.Error("a list that is too large was copied")
	}
	if got := Copy(&c, []uint8(nil)); got != nil {
		t.Errorf("nothing became %v", got)
	}
}
