package verify

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/world"
)

// TestBatchesEqualSingleQuestions holds Scatter4 and Scatter6 to their plain
// twin Classify, on every question of random worlds.
func TestBatchesEqualSingleQuestions(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var work index.Work
	for i := range 12 {
		w := world.New(randomBytes(rng, 150+i*30))
		maxTable := 0
		if i%4 == 3 {
			maxTable = -1
		}
		ix, err := index.Compile(context.Background(), w.Net, index.Options{MaxTable: maxTable, LargeSet: i%2 - 1})
		if err != nil {
			t.Fatal(err)
		}
		asked := map[*index.Classifier][]index.Query{}
		var addresses []interval.IPv6
		var want []ID
		w.EachTuple(func(c *network.NIC, q flow.Tuple) bool {
			k := ix.Classifier(c, q.Direction, q.Local)
			row := uint32(len(want))
			want = append(want, firstVerdict+ID(k.Classify(&q)))
			source, destination := q.Ports()
			open := uint32(source)
			if q.AnySourcePort {
				open = index.OpenSource
			}
			x := index.Query{Row: row, Source: open, Destination: destination, Protocol: q.Protocol}
			if q.Remote.Is4() {
				x.Remote = q.Remote.As4()
			} else {
				x.Remote = uint32(len(addresses))
				addresses = append(addresses, interval.IPv6{Hi: binary.BigEndian.Uint64(q.Remote[:8]), Lo: binary.BigEndian.Uint64(q.Remote[8:])})
			}
			asked[k] = append(asked[k], x)
			return true
		})
		got := make([]ID, len(want))
		for k, list := range asked {
			if k.IPv4() {
				index.Scatter4(k, list, got, firstVerdict, &work)
			} else {
				index.Scatter6(k, list, addresses, got, firstVerdict, &work)
			}
		}
		for row := range want {
			if got[row] != want[row] {
				t.Fatalf("world %d, question %d: %d, want %d", i, row, got[row], want[row])
			}
		}
	}
}

// TestNoAllocs: a question and a batch of questions allocate nothing.
func TestNoAllocs(t *testing.T) {
	n := sampleNetwork(t)
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	nic := n.NICsNamed("/rg1/nics/web")[0]
	q := flow.Tuple{
		Local: flow.AddressFrom(world.Addrs("10.0.0.4")[0]), Remote: flow.AddressFrom(world.Addrs("8.8.8.8")[0]),
		LocalPort: 443, RemotePort: 1, Protocol: flow.TCP, Direction: flow.Inbound,
	}
	k := ix.Classifier(nic, flow.Inbound, q.Local)
	if allocs := testing.AllocsPerRun(100, func() { k.Classify(&q) }); allocs != 0 {
		t.Errorf("Classify allocates %v times", allocs)
	}
	batch := make([]index.Query, 1000)
	var work index.Work
	for i := range batch {
		batch[i] = index.Query{Remote: uint32(i) << 20, Row: uint32(i), Destination: 443, Protocol: flow.TCP}
	}
	out := make([]ID, len(batch))
	if allocs := testing.AllocsPerRun(10, func() { index.Scatter4(k, batch, out, firstVerdict, &work) }); allocs != 0 {
		t.Errorf("Scatter4 allocates %v times", allocs)
	}
	w := newWorker(NewEngine(Config{Network: n, Index: ix}))
	rows := textBatch(manyRows(4096))
	w.classify(rows) // meets every NIC once
	// What is left grows with the batch's dictionaries, never with its rows.
	if allocs := testing.AllocsPerRun(10, func() { w.classify(rows) }); allocs > 64 {
		t.Errorf("classifying 4096 rows allocates %v times", allocs)
	}
}
