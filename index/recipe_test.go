package index

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// TestLazyEqualsEager compares an index whose classifiers are compiled by the first
// question, and fused by a later one, with one that was compiled and fused as a whole.
// Several goroutines ask at once, and tables of Stages are let go before all that need
// them were made.
func TestLazyEqualsEager(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 11))
	for round := range 8 {
		n := partitionNetwork(rng, 2+round)
		if round%2 == 0 {
			n = taggedNetwork(rng, 4, 12, 8+round*8)
		}
		eager, err := Compile(context.Background(), n, Options{FuseAfter: -1})
		if err != nil {
			t.Fatal(err)
		}
		lazy, err := Compile(context.Background(), n, Options{LazyAbove: -1, FuseAfter: 100})
		if err != nil {
			t.Fatal(err)
		}
		lazy.c.shelf.limit = 1 + round%2*(1<<20)
		if s := lazy.Stats(); s.Made != 0 || s.Bytes != 0 || s.Classifiers != eager.Stats().Classifiers {
			t.Fatalf("before any question: %+v", s)
		}
		askBoth(t, rng, n, eager, lazy)
		for _, ix := range []*Index{eager, lazy} {
			for _, k := range ix.c.all() {
				k.fused()
			}
		}
		if got, want := lazy.Stats(), eager.Stats(); got.Made != want.Made || got.Fused != want.Fused || got.Bytes != want.Bytes {
			t.Errorf("in the end %+v, want %+v", got, want)
		}
	}
}

// askBoth asks both indexes questions that sometimes leave the source port open.
func askBoth(t *testing.T, rng *rand.Rand, n *network.Network, eager, lazy *Index) {
	var wait sync.WaitGroup
	for range 4 {
		own := rand.New(rand.NewPCG(rng.Uint64(), 1))
		wait.Go(func() {
			for range 500 {
				nic := n.NICs[own.IntN(len(n.NICs))]
				local := nic.IPConfigs[own.IntN(len(nic.IPConfigs))].Address
				q := flow.Tuple{
					Direction: []flow.Direction{flow.Inbound, flow.Outbound}[own.IntN(2)],
					Protocol:  []flow.Protocol{flow.TCP, flow.UDP, flow.ICMP}[own.IntN(3)],
					Local:     flow.AddressFrom(local), Remote: flow.AddressFrom(local),
					LocalPort: uint16(own.IntN(500)), RemotePort: uint16(own.IntN(500)), AnySourcePort: own.IntN(4) == 0,
				}
				q.Remote[14], q.Remote[15] = byte(own.IntN(256)), byte(own.IntN(256))
				if got, want := lazy.Classify(nic, q), eager.Classify(nic, q); got != want {
					t.Errorf("%+v: %+v, want %+v", q, got, want)
					return
				}
			}
		})
	}
	wait.Wait()
}

// TestLazyMakesWhatIsAsked: a question about one NIC compiles one classifier.
func TestLazyMakesWhatIsAsked(t *testing.T) {
	n := partitionNetwork(rand.New(rand.NewPCG(5, 7)), 6)
	ix, err := Compile(context.Background(), n, Options{LazyAbove: 2})
	if err != nil {
		t.Fatal(err)
	}
	if ix.Stats().Classifiers <= 2 {
		t.Fatal("the test tests nothing")
	}
	local := flow.AddressFrom(n.NICs[0].IPConfigs[0].Address)
	ix.Classify(n.NICs[0], flow.Tuple{Direction: flow.Inbound, Protocol: flow.TCP, Local: local, Remote: local})
	if s := ix.Stats(); s.Made != 1 || s.Bytes == 0 {
		t.Errorf("%+v", s)
	}
	if made, making := ix.Made(); made != 1 || making == 0 {
		t.Errorf("%d classifiers made in %s", made, making)
	}
	few, err := Compile(context.Background(), n, Options{LazyAbove: ix.Stats().Classifiers})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range ix.c.all() {
		k.ready()
	}
	if len(ix.c.plans)+len(ix.c.scopes) != 0 {
		t.Error("what only compiling needs is still there when all are compiled")
	}
	if s := few.Stats(); s.Made != s.Classifiers {
		t.Errorf("as many as the limit: %+v", s)
	}
}

func TestShelfKeepsToItsLimit(t *testing.T) {
	var s shelf
	s.limit, s.all = 1000, true
	var stages []*Stage
	var tables []*stageTable
	for range 50 {
		stage, table := &Stage{}, &stageTable{table: cells{wide: make([]uint16, 100)}}
		stage.tables = map[tableKind]*stageTable{{}: table}
		stages, tables = append(stages, stage), append(tables, table)
		s.put(stage, table, tableKind{})
		if s.bytes > s.limit {
			t.Fatalf("%d bytes", s.bytes)
		}
	}
	if len(stages[0].tables) != 0 || len(stages[49].tables) != 1 {
		t.Error("the first should be gone and the last be there")
	}
	for _, table := range tables {
		s.remove(table)
	}
	if s.bytes != 0 || len(s.queue) != 0 {
		t.Errorf("%d bytes at %d places when all are gone", s.bytes, len(s.queue))
	}
}

// Places of tables that were taken away do not stay, as they would keep their Stages.
func TestShelfForgetsWhatWasTaken(t *testing.T) {
	s := shelf{limit: 1 << 20, all: true}
	for range 1000 {
		table := &stageTable{table: cells{wide: make([]uint16, 1)}}
		s.put(&Stage{}, table, tableKind{})
		s.remove(table)
	}
	kept := &stageTable{table: cells{wide: make([]uint16, 1)}}
	s.put(&Stage{}, kept, tableKind{})
	if len(s.queue) > 2 {
		t.Errorf("%d places for one table", len(s.queue))
	}
	s.clear()
	if s.bytes != 0 || len(s.queue) != 0 || kept.shelved != nil {
		t.Errorf("%d bytes at %d places after all", s.bytes, len(s.queue))
	}
}

// Classifiers that answer for open source ports share the tables of their Stages.
func TestOpenSourcesShareTables(t *testing.T) {
	n := taggedNetwork(rand.New(rand.NewPCG(8, 8)), 4, 12, 40)
	ix, err := Compile(context.Background(), n, Options{})
	if err != nil {
		t.Fatal(err)
	}
	k := ix.Classifier(n.NICs[0], flow.Inbound, flow.AddressFrom(n.NICs[0].IPConfigs[0].Address))
	open := k.ready().open
	a := open.ready()
	b := (&Classifier{family4: true, recipe: recipe{c: ix.c, origin: open.origin, kind: open.kind}}).ready()
	if len(a.chain.tables) == 0 || a.chain.tables[0] != b.chain.tables[0] {
		t.Error("two classifiers of one rule list have tables of their own")
	}
}
