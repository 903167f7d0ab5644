package reach

import (
	"context"
	"path/filepath"
	"testing"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
)

// TestAnswersOnSamples holds the answer about all flows of the example estate to
// the oracle at and beside the bounds of its rules, and anywhere: each flow is told
// once, with its access, rule, layer and reason.
func TestAnswersOnSamples(t *testing.T) {
	n := estate.Snapshot(t, filepath.Join("..", "..", "docs", "example", "estate"))
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := New(n, ix)
	answer := p.Ask(Question{From: Anything, To: Anything})
	byNIC := map[*network.NIC][]Set{}
	judge := oracle.New(n)
	for i := range answer.Sets {
		s := answer.Sets[i]
		checkWitness(t, judge, &s)
		for _, c := range s.NICs {
			byNIC[c] = append(byNIC[c], s)
		}
	}
	sampler := world.NewSampler(n, 2026)
	samples := 30000
	if testing.Short() {
		samples = 3000
	}
	asked := map[flow.Access]int{}
	for range samples {
		c := n.NICs[sampler.Intn(len(n.NICs))]
		q, ok := sampler.Tuple(c)
		if !ok {
			continue
		}
		want := decided(judge.Classify(c, q))
		if times, got := told(byNIC[c], c, q); times != 1 || got != want {
			t.Fatalf("%s %+v told %d times as %+v, is %+v", c.Name, q, times, got, want)
		}
		asked[want.Access]++
	}
	t.Logf("%v", asked)
	if len(asked) != 3 {
		t.Errorf("the samples are one-sided: %v", asked)
	}
}
