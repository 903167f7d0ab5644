package verify

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"ipflow/index"
	"ipflow/index/memory/memorytest"
)

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
		w.ids, w.groups.of = memorytest.Walled(t, make([]ID, rows), 0), memorytest.Walled(t, make([]uint32, rows), 0)
		w.groups.questions, w.groups.answers = memorytest.Walled(t, make([]index.Query, asked+1), 0), memorytest.Walled(t, make([]ID, asked), 0)
		for _, c := range []*coded[uint32]{&w.lanes.direction, &w.lanes.protocol, &w.lanes.localPort, &w.lanes.remotePort} {
			c.list, c.filled = memorytest.Walled(t, make([]uint32, len(c.list)), 0), 0
		}
		for _, a := range []*addresses{&w.lanes.local, &w.lanes.remote} {
			n := len(a.family)
			a.family, a.own4 = memorytest.Walled(t, make([]uint8, n+4), 0), memorytest.Walled(t, make([]uint32, n), 0)
		}
		w.lanes.nic.list, w.lanes.nic.filled = memorytest.Walled(t, make([]int32, len(w.lanes.nic.list)), 0), 0
		if got := w.classify(b); !slices.Equal(got, want) {
			t.Errorf("%d rows: another answer", rows)
		}
	}
	if all == 0 {
		t.Error("no row is asked: the test tests nothing")
	}
}

// The loop over addresses as text reads nothing behind the last text, nor behind the
// offsets, and goes nowhere that wild offsets name.
func TestIPv4sKeepToTheirRoom(t *testing.T) {
	if !hasParser {
		t.Skip("this processor has no such loop")
	}
	rng := rand.New(rand.NewPCG(5, 6))
	looked := 0
	for round := range 400 {
		var bytes []byte
		first := int32(rng.IntN(3)) << rng.IntN(30)
		offsets := []int32{first}
		for range 1 + rng.IntN(40) {
			bytes = append(bytes, nearlyIPv4(rng)...)
			offsets = append(offsets, first+int32(len(bytes)))
		}
		n := len(offsets) - 1
		if round%4 == 0 {
			offsets[1+rng.IntN(n)] = int32(rng.Uint32())
		}
		v := stringView{bytes: memorytest.Walled(t, bytes, 0), off32: memorytest.Walled(t, offsets, 0)}
		looked += v.ipv4(memorytest.Walled(t, make([]uint32, n), 0), memorytest.Walled(t, make([]uint8, n), 0))
	}
	if looked < 1000 {
		t.Errorf("%d texts were looked at: the test tests nothing", looked)
	}
}
