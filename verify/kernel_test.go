package verify

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/world"
)

// TestBatchesEqualSingleQuestions holds Answer4 and Answer6 to their plain
// twin Classify, on every question of random worlds.
func TestBatchesEqualSingleQuestions(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 16 {
		w := world.New(randomBytes(rng, 150+i%12*30))
		maxTable := 0
		if i%4 == 3 {
			maxTable = -1
		}
		ix, err := index.Compile(context.Background(), w.Net, index.Options{MaxTable: maxTable, LargeSet: i%2 - 1, FuseAfter: i / 12 << 30})
		if err != nil {
			t.Fatal(err)
		}
		var asked batches
		w.EachTuple(func(c *network.NIC, q flow.Tuple) bool {
			k := ix.Classifier(c, q.Direction, q.Local)
			asked.add(k, &q, k.Classify(&q))
			return true
		})
		if row := asked.firstWrong(); row >= 0 {
			t.Fatalf("world %d, question %d: another answer than one by one", i, row)
		}
	}
}

// batches are questions by classifier, as the engine hands them over, with the
// answers that each got alone.
type batches struct {
	asked     map[*index.Classifier][]index.Query
	rows      map[*index.Classifier][]int // of want
	addresses []interval.IPv6
	want      []index.VerdictID // by row
}

func (b *batches) add(k *index.Classifier, q *flow.Tuple, alone index.VerdictID) {
	source, destination := q.Ports()
	x := index.Query{Source: uint32(source), Destination: index.DestinationKey(q.Protocol, destination)}
	if q.AnySourcePort {
		x.Source = index.OpenSource
	}
	if q.Remote.Is4() {
		x.Remote = q.Remote.As4()
	} else {
		x.Remote = uint32(len(b.addresses))
		b.addresses = append(b.addresses, toIPv6(q.Remote))
	}
	if b.asked == nil {
		b.asked, b.rows = map[*index.Classifier][]index.Query{}, map[*index.Classifier][]int{}
	}
	b.asked[k], b.rows[k] = append(b.asked[k], x), append(b.rows[k], len(b.want))
	b.want = append(b.want, alone)
}

// firstWrong returns the first row to which the batch gives another answer, or -1.
func (b *batches) firstWrong() int {
	var work index.Work
	for k, list := range b.asked {
		got := make([]index.VerdictID, len(list))
		if k.IPv4() {
			index.Answer4(k, list, got, 0, &work)
		} else {
			index.Answer6(k, list, b.addresses, got, 0, &work)
		}
		for i, row := range b.rows[k] {
			if got[i] != b.want[row] {
				return row
			}
		}
	}
	return -1
}

// TestNoAllocs: a question and a batch of questions allocate nothing, answered layer by
// layer or by the table of all layers.
func TestNoAllocs(t *testing.T) {
	for _, fuseAfter := range []int{1 << 30, -1} {
		t.Run(fmt.Sprint("FuseAfter=", fuseAfter), func(t *testing.T) { noAllocs(t, fuseAfter) })
	}
}

func noAllocs(t *testing.T, fuseAfter int) {
	n := sampleNetwork(t)
	ix, err := index.Compile(context.Background(), n, index.Options{FuseAfter: fuseAfter})
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
		batch[i] = index.Query{Remote: uint32(i) << 20, Destination: index.DestinationKey(flow.TCP, 443)}
	}
	out := make([]ID, len(batch))
	if allocs := testing.AllocsPerRun(10, func() { index.Answer4(k, batch, out, firstVerdict, &work) }); allocs != 0 {
		t.Errorf("Answer4 allocates %v times", allocs)
	}
	w := newWorker(NewEngine(Config{Network: n, Index: ix}))
	rows := textBatch(manyRows(4096))
	w.classify(rows) // meets every NIC once
	// What is left grows with the batch's dictionaries, never with its rows.
	if allocs := testing.AllocsPerRun(10, func() { w.classify(rows) }); allocs > 64 {
		t.Errorf("classifying 4096 rows allocates %v times", allocs)
	}
}
