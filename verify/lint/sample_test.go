package lint

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
)

// TestDeletionsOnSamples deletes what the plan for the example estate names, all
// at once, and asks the oracle at and beside the bounds of the rules, and
// anywhere: no access changes. Rules beside them do change something.
func TestDeletionsOnSamples(t *testing.T) {
	n := estate.Snapshot(t, filepath.Join("..", "..", "docs", "example", "estate"))
	r, err := Run(context.Background(), n, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Deletions) == 0 {
		t.Fatal("nothing can be deleted")
	}
	samples := 20000
	if testing.Short() {
		samples = 3000
	}
	changes := func(gone func(*network.Rule) bool) (changed int) {
		judge, sampler := oracle.New(n), world.NewSampler(n, 5)
		type asked struct {
			nic *network.NIC
			q   flow.Tuple
			was flow.Access
		}
		var list []asked
		for range samples {
			c := n.NICs[sampler.Intn(len(n.NICs))]
			if q, ok := sampler.Tuple(c); ok {
				list = append(list, asked{c, q, judge.Classify(c, q).Access})
			}
		}
		for _, g := range n.SecurityGroups {
			all := g.Rules
			g.Rules = slices.DeleteFunc(slices.Clone(all), gone)
			defer func() { g.Rules = all }()
		}
		for _, x := range list {
			if judge.Classify(x.nic, x.q).Access != x.was {
				changed++
			}
		}
		return changed
	}
	if got := changes(func(x *network.Rule) bool { return slices.Contains(r.Deletions, x) }); got > 0 {
		t.Errorf("%d of %d samples change when %d rules are deleted", got, samples, len(r.Deletions))
	}
	if changes(func(x *network.Rule) bool { return x.Kind == network.UserRule && !slices.Contains(r.Deletions, x) }) == 0 {
		t.Error("the samples would not notice")
	}
}
