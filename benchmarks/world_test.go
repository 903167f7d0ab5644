package benchmarks

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"ipflow/benchmarks/corpus"
	"ipflow/index"
	"ipflow/ingest/column"
	"ipflow/ingest/network"
	"ipflow/verify"
)

// A world is an estate with its index, made once for all benchmarks.
type world struct {
	net   *network.Network
	index *index.Index
}

var worlds struct {
	sync.Mutex
	made map[string]*world
}

func worldOf(tb testing.TB, o corpus.Options) *world {
	tb.Helper()
	worlds.Lock()
	defer worlds.Unlock()
	key := fmt.Sprint(o)
	if w := worlds.made[key]; w != nil {
		return w
	}
	w := &world{net: networkOf(tb, o)}
	w.index = compile(tb, w.net)
	if worlds.made == nil {
		worlds.made = map[string]*world{}
	}
	worlds.made[key] = w
	return w
}

func networkOf(tb testing.TB, o corpus.Options) *network.Network {
	tb.Helper()
	e, err := corpus.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return e.Network()
}

func compile(tb testing.TB, n *network.Network) *index.Index {
	tb.Helper()
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return ix
}

// manyNICs is the estate of the published end-to-end figures: 500 NICs in 40
// subnets, 60 groups of the default mix, 8 % tag operands.
func manyNICs(ipv6 float64) corpus.Options {
	return corpus.Options{Seed: 1, NICs: 500, Subnets: 40, NSGs: 60, Tags: 0.08, IPv6: ipv6}
}

func flowsOf(tb testing.TB, n *network.Network, o corpus.FlowOptions) *corpus.Flows {
	tb.Helper()
	f, err := corpus.NewFlows(n, o)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// discard is a sink that forgets.
type discard struct{}

func (discard) Encode(*column.Batch, []verify.ID, verify.Table) (verify.Block, error) {
	return nil, nil
}
func (discard) Commit(verify.Block) error { return nil }
func (discard) Close() error              { return nil }
func (discard) Abort()                    {}
