package parquet

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go/encoding/rle"
)

func TestHybridReadsBackAtEveryWidth(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for width := 1; width <= 31; width++ {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			for _, n := range []int{1, 7, 8, 9, runBlock - 1, runBlock, runBlock + 1, 5*runBlock + 13} {
				for _, runs := range []bool{false, true} {
					codes := make([]uint32, n)
					want := make([]int32, n)
					cur := uint32(0)
					for i := range codes {
						if !runs || i%(runBlock*3/2) == 0 {
							cur = r.Uint32() & (1<<width - 1)
						}
						codes[i], want[i] = cur, int32(cur)
					}
					data := appendHybrid(nil, codes, width)
					e := &rle.Encoding{BitWidth: width}
					got, err := e.DecodeInt32(make([]int32, 0, n+8), data)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(want, got[:n]); diff != "" {
						t.Fatalf("%d codes, runs=%v: %s", n, runs, diff)
					}
				}
			}
		})
	}
}

func TestCodeWidth(t *testing.T) {
	for n, want := range map[int]int{0: 1, 1: 1, 2: 1, 3: 2, 4: 2, 5: 3, 256: 8, 257: 9, 1 << 18: 18} {
		if got := codeWidth(n); got != want {
			t.Errorf("codeWidth(%d) = %d, want %d", n, got, want)
		}
	}
}
