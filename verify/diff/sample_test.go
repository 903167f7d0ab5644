package diff

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

// TestDiffOnSamples changes rules of the example estate one by one and compares
// what is told with the oracle at and beside the bounds of the rules of both
// sides, and anywhere.
func TestDiffOnSamples(t *testing.T) {
	dir := filepath.Join("..", "..", "docs", "example", "estate")
	for name, change := range map[string]func(*network.Rule) bool{
		"access": func(r *network.Rule) bool { r.Access = flow.Allow + flow.Deny - r.Access; return true },
		"ports":  func(r *network.Rule) bool { r.DestinationPorts = []flow.PortRange{{First: 20, Last: 25}}; return true },
		"source": func(r *network.Rule) bool {
			p := estate.Prefixes("128.0.0.0/1")[0]
			r.Source = append(slices.Clip(r.Source), network.Selector{Kind: network.SelectPrefix, Prefix: p, Text: p.String()})
			return true
		},
		"nothing": func(*network.Rule) bool { return false },
	} {
		t.Run(name, func(t *testing.T) {
			before, after := estate.Snapshot(t, dir), estate.Snapshot(t, dir)
			changed := 0
			for _, g := range after.SecurityGroups {
				for i, r := range g.Rules {
					if r.Kind == network.UserRule && i%5 == 0 && change(r) {
						changed++
					}
				}
			}
			r, err := Run(context.Background(), before, after, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if (len(r.Changes) > 0) != (changed > 0) {
				t.Fatalf("%d changes by %d rules", len(r.Changes), changed)
			}
			compareSamples(t, r, before, after)
		})
	}
}

func compareSamples(t *testing.T, r *Report, before, after *network.Network) {
	t.Helper()
	judges := [2]*oracle.Oracle{oracle.New(before), oracle.New(after)}
	samplers := [2]*world.Sampler{world.NewSampler(before, 7), world.NewSampler(after, 8)}
	samples := 8000
	if testing.Short() {
		samples = 1500
	}
	hits := 0
	for i := range samples {
		at := samplers[i%2].Intn(len(after.NICs))
		o, c := before.NICs[at], after.NICs[at]
		if o.ID != c.ID {
			t.Fatalf("%s is not %s", o.ID, c.ID)
		}
		q, ok := samplers[i%2].Tuple(c)
		if !ok {
			continue
		}
		hit, fault := r.tells(c, q, judges[0].Classify(o, q).Access, judges[1].Classify(c, q).Access)
		if fault != "" {
			t.Fatal(fault)
		}
		if hit {
			hits++
		}
	}
	if len(r.Changes) > 0 && hits == 0 {
		t.Error("no sample met a change")
	}
}
