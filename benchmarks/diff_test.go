package benchmarks

import (
	"context"
	"testing"

	"ipflow/benchmarks/corpus"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/diff"
)

// BenchmarkDiff compares an estate of 10,000 NICs with itself but for one rule:
// the access of the first rule of a group that inbound packets meet is turned
// around.
func BenchmarkDiff(b *testing.B) {
	o := corpus.Options{Seed: 1, NICs: 10000, Tags: 0.08, Rules: []corpus.RuleMix{{Rules: 50, Weight: 70}, {Rules: 200, Weight: 25}, {Rules: 1000, Weight: 5}}}
	before, after := networkOf(b, o), networkOf(b, o)
	turn(b, after)
	b.Run("nics=10000/rules=1", func(b *testing.B) {
		var r *diff.Report
		for b.Loop() {
			var err error
			if r, err = diff.Run(context.Background(), before, after, diff.Options{}); err != nil {
				b.Fatal(err)
			}
		}
		if r.Differing == 0 || r.Differing > 2000 {
			b.Fatalf("%d NICs differ", r.Differing)
		}
		b.ReportMetric(float64(r.Differing), "differing")
		b.ReportMetric(float64(len(r.Changes)), "changes")
	})
}

func turn(b *testing.B, n *network.Network) {
	for _, g := range n.SecurityGroups {
		if list := g.List(flow.Inbound); len(g.Rules) > 200 && len(n.NICs) > 0 {
			if list[0].Access = flow.Allow + flow.Deny - list[0].Access; list[0].Kind == network.UserRule {
				return
			}
		}
	}
	b.Fatal("no group to change")
}
