package verify

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"ipflow/index"
)

// walled returns n elements behind which is no memory: whoever reads or writes there
// stops the test.
func walled[T any](t *testing.T, n int) []T {
	t.Helper()
	page, size := unix.Getpagesize(), n*int(unsafe.Sizeof(*new(T)))
	pages := (size + page - 1) / page * page
	memory, err := unix.Mmap(-1, 0, pages+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(memory) })
	if err := unix.Mprotect(memory[pages:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&memory[pages-size])), n)[:n:n]
}

// The loops that place questions and collect answers touch nothing beyond the memory
// that groups takes for them, of which the end may be that of all memory.
func TestGroupsKeepToTheirRoom(t *testing.T) {
	n := sampleNetwork(t)
	ix, err := index.Compile(context.Background(), n, index.Options{FuseAfter: index.AtOnce})
	if err != nil {
		t.Fatal(err)
	}
	all := 0
	for _, rows := range []int{16, 48, 64, 1024, 4096, 4099, -16, -1024, -4099} {
		codes := 0
		if rows < 0 { // columns with dictionaries
			rows, codes = -rows, -1
		}
		b := codedBatch(oddRows(rand.New(rand.NewPCG(4, uint64(rows))), rows), codes, 0)
		w := newWorker(NewEngine(Config{Network: n, Index: ix}))
		want := slices.Clone(w.classify(b))
		asked := len(w.groups.questions)
		all += asked
		w.ids, w.groups.of = walled[ID](t, rows), walled[uint32](t, rows)
		w.groups.questions, w.groups.answers = walled[index.Query](t, asked+1), walled[ID](t, asked)
		for _, c := range []*coded[uint32]{&w.lanes.direction, &w.lanes.protocol, &w.lanes.localPort, &w.lanes.remotePort} {
			c.list, c.filled = walled[uint32](t, len(c.list)), 0
		}
		for _, a := range []*addresses{&w.lanes.local, &w.lanes.remote} {
			n := len(a.family)
			a.family, a.own4 = walled[uint8](t, n+4), walled[uint32](t, n)
		}
		w.lanes.nic.list, w.lanes.nic.filled = walled[int32](t, len(w.lanes.nic.list)), 0
		if got := w.classify(b); !slices.Equal(got, want) {
			t.Errorf("%d rows: another answer", rows)
		}
	}
	if all == 0 {
		t.Error("no row is asked: the test tests nothing")
	}
}
