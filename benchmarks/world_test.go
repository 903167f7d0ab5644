package benchmarks

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"ipflow/benchmarks/corpus"
	"ipflow/benchmarks/manynics"
	"ipflow/index"
	"ipflow/ingest/network"
)

var worlds struct {
	sync.Mutex
	made map[string]*manynics.World
}

// worldOf makes an estate and its index once for all benchmarks.
func worldOf(tb testing.TB, o corpus.Options) *manynics.World {
	tb.Helper()
	worlds.Lock()
	defer worlds.Unlock()
	key := fmt.Sprint(o)
	if w := worlds.made[key]; w != nil {
		return w
	}
	w, err := manynics.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	if worlds.made == nil {
		worlds.made = map[string]*manynics.World{}
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

func compile(tb testing.TB, n *network.Network, fuseAfter int) *index.Index {
	tb.Helper()
	ix, err := index.Compile(context.Background(), n, index.Options{FuseAfter: fuseAfter})
	if err != nil {
		tb.Fatal(err)
	}
	return ix
}

func flowsOf(tb testing.TB, n *network.Network, o corpus.FlowOptions) *corpus.Flows {
	tb.Helper()
	f, err := corpus.NewFlows(n, o)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}
