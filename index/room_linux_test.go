package index

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// walled is a copy of a list with room for so many more elements, behind which is no
// memory: whoever reads or writes there stops the test.
func walled[T any](t *testing.T, list []T, room int) []T {
	t.Helper()
	if list == nil {
		return nil
	}
	page, size := unix.Getpagesize(), (len(list)+room)*int(unsafe.Sizeof(*new(T)))
	pages := max(1, (size+page-1)/page) * page
	memory, err := unix.Mmap(-1, 0, pages+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(memory) })
	if err := unix.Mprotect(memory[pages:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	out := unsafe.Slice((*T)(unsafe.Pointer(&memory[pages-size])), len(list)+room)[:len(list)]
	copy(out, list)
	return out
}

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
	f.start4, f.start6 = walled(t, f.start4, 0), walled(t, f.start6, 0)
	f.of, f.zoned = walled(t, f.of, 2), walled(t, f.zoned, 2)
	f.table8, f.table16, f.verdicts = walled(t, f.table8, 4), walled(t, f.table16, 2), walled(t, f.verdicts, 0)
	l := &f.lookup
	l.starts, l.of = walled(t, l.starts, 0), walled(t, l.of, 2)
	l.sourceStarts, l.sourceOf, l.class = walled(t, l.sourceStarts, 0), walled(t, l.sourceOf, 0), walled(t, l.class, 2)
}

func wallDirect(t *testing.T, d *direct) {
	d.root, d.middle, d.pages, d.columns = walled(t, d.root, 2), walled(t, d.middle, 2), walled(t, d.pages, 2), walled(t, d.columns, 2)
	d.sources, d.rows, d.bySource = walled(t, d.sources, 2), walled(t, d.rows, 2), walled(t, d.bySource, 2)
	d.cells8, d.cells16, d.cells32 = walled(t, d.cells8, 4), walled(t, d.cells16, 2), walled(t, d.cells32, 0)
}

func answerWalled(t *testing.T, rng *rand.Rand, f *form, d *direct, family4 bool, count int) {
	q, addresses := make([]Query, count), make([]interval.IPv6, count)
	for i := range q {
		p := []flow.Protocol{flow.TCP, flow.UDP, flow.ICMP, 255}[rng.IntN(4)]
		q[i] = Query{Remote: rng.Uint32(), Source: rng.Uint32N(1 << 16), Destination: DestinationKey(p, uint16(rng.IntN(1<<16)))}
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
	want, got := make([]uint32, count), walled(t, make([]uint32, count), 0)
	f.plain(d, q, addresses, want, 3)
	f.vectors(d, walled(t, q, 0), walled(t, addresses, 0), got, 3, false, new(Work))
	if !slices.Equal(got, want) {
		t.Fatalf("%d questions, direct %v: another answer", count, d != nil)
	}
}
