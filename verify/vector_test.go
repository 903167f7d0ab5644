package verify

import (
	"context"
	"math/rand/v2"
	"testing"

	"ipflow/index"
)

// Counts by the vector loop are those of a plain one, for any number of rows.
func TestCountsEqualPlain(t *testing.T) {
	n := sampleNetwork(t)
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorker(NewEngine(Config{Network: n, Index: ix}))
	b := codedBatch(oddRows(rand.New(rand.NewPCG(4, 4)), 3000), 0, 0)
	ids := w.classify(b)
	slots := 0
	for _, rows := range []int{0, 1, 15, 16, 17, 31, 1000, len(ids)} {
		var want [4]int64
		for _, id := range ids[:rows] {
			want[w.slotOf(id)]++
		}
		if got := w.count(ids[:rows]); got != want {
			t.Errorf("%d rows: %v, want %v", rows, got, want)
		}
		slots = 0
		for _, n := range want {
			if n > 0 {
				slots++
			}
		}
	}
	if slots < 3 {
		t.Errorf("%d slots are met: the test tests too little", slots)
	}
}

func TestWiden(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for rows := range 100 {
		values, out := make([]uint16, rows), make([]uint32, rows+1)
		for i := range values {
			values[i] = uint16(rng.Uint32())
		}
		out[rows] = 77
		widen(out, values)
		for i, v := range values {
			if out[i] != uint32(v) {
				t.Fatalf("%d values, number %d: %d, want %d", rows, i, out[i], v)
			}
		}
		if out[rows] != 77 {
			t.Fatalf("%d values: written beyond the end", rows)
		}
	}
}
