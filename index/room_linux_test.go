package index

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"ipflow/index/interval"
	"ipflow/index/memory/memorytest"
	"ipflow/ingest/flow"
)

// The vector loops touch nothing beyond the lists that they are given, and of those of
// a classifier no more than four bytes beyond (see padded).
func TestVectorsKeepToTheirRoom(t *testing.T) {
	if !hasVector {
		t.Skip("this processor has no AVX-512")
	}
	rng := rand.New(rand.NewPCG(77, 7))
	directs, mixed := 0, 0
	for round := range 12 {
		n := taggedNetwork(rng, 2+round, 12, 8+round*16)
		ix, err := Compile(context.Background(), n, Options{LargeSet: round%2*8 - 1, FuseAfter: AtOnce})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range ix.c.all() {
			f := *k.fused()
			f.open = nil
			if f.zones != nil {
				mixed++
			}
			wallForm(t, &f)
			for _, count := range []int{1, 16, 17, 512, 700} {
				var d *direct
				if k.family4 && count > 500 {
					if d = newDirect(&f); d != nil {
						wallDirect(t, d)
						directs++
					}
				}
				answerWalled(t, rng, &f, d, k.family4, count)
			}
		}
	}
	if directs == 0 || mixed == 0 {
		t.Errorf("%d direct tables, %d with mixed intervals: the test tests nothing", directs, mixed)
	}
}

func wallForm(t *testing.T, f *form) {
	f.start4, f.start6 = memorytest.Walled(t, f.start4, 0), memorytest.Walled(t, f.start6, 0)
	f.of, f.zoned = memorytest.Walled(t, f.of, 2), memorytest.Walled(t, f.zoned, 2)
	f.table8, f.table16, f.verdicts = memorytest.Walled(t, f.table8, 4), memorytest.Walled(t, f.table16, 2), memorytest.Walled(t, f.verdicts, 0)
	l := &f.lookup
	l.starts, l.of = memorytest.Walled(t, l.starts, 0), memorytest.Walled(t, l.of, 2)
	l.sourceStarts, l.sourceOf, l.class = memorytest.Walled(t, l.sourceStarts, 0), memorytest.Walled(t, l.sourceOf, 0), memorytest.Walled(t, l.class, 2)
}

func wallDirect(t *testing.T, d *direct) {
	d.root, d.middle, d.pages = memorytest.Walled(t, d.root, 2), memorytest.Walled(t, d.middle, 2), memorytest.Walled(t, d.pages, 2)
	d.columns8, d.columns16 = memorytest.Walled(t, d.columns8, 4), memorytest.Walled(t, d.columns16, 2)
	d.sources, d.rows, d.bySource = memorytest.Walled(t, d.sources, 2), memorytest.Walled(t, d.rows, 2), memorytest.Walled(t, d.bySource, 2)
	d.cells8, d.cells16, d.cells32 = memorytest.Walled(t, d.cells8, 4), memorytest.Walled(t, d.cells16, 2), memorytest.Walled(t, d.cells32, 0)
}

func answerWalled(t *testing.T, rng *rand.Rand, f *form, d *direct, family4 bool, count int) {
	q, addresses := make([]Query, count), make([]interval.IPv6, count)
	for i := range q {
		p := []flow.Protocol{flow.TCP, flow.UDP, flow.ICMP, 255}[rng.IntN(4)]
		q[i] = Query{Remote: rng.Uint32(), Source: rng.Uint32N(1<<16) >> (rng.IntN(2) * 14), Destination: DestinationKey(p, uint16(rng.IntN(1<<16)))}
		addresses[i] = interval.IPv6{Hi: rng.Uint64(), Lo: rng.Uint64()}
		if rng.IntN(3) == 0 {
			q[i].Remote, addresses[i] = ^uint32(0), interval.IPv6{Hi: ^uint64(0), Lo: ^uint64(0)}
		}
		if !family4 {
			q[i].Remote = uint32(count - 1 - i)
		}
	}
	if family4 {
		addresses = nil
	}
	want, got := make([]uint32, count), memorytest.Walled(t, make([]uint32, count), 0)
	f.plain(d, q, addresses, want, 3)
	f.vectors(d, memorytest.Walled(t, q, 0), memorytest.Walled(t, addresses, 0), got, 3, false, new(Work))
	if !slices.Equal(got, want) {
		t.Fatalf("%d questions, direct %v: another answer", count, d != nil)
	}
}
