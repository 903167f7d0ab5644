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
// around. The group is one of more than 200 rules, or the one with the most NICs.
func BenchmarkDiff(b *testing.B) {
	o := corpus.Options{Seed: 1, NICs: 10000, Tags: 0.08, Rules: []corpus.RuleMix{{Rules: 50, Weight: 70}, {Rules: 200, Weight: 25}, {Rules: 1000, Weight: 5}}}
	before := networkOf(b, o)
	for _, which := range []string{"long", "widest"} {
		after := networkOf(b, o)
		turn(b, after, which == "widest")
		b.Run("nics=10000/rules=1/group="+which, func(b *testing.B) {
			var r *diff.Report
			for b.Loop() {
				var err error
				if r, err = diff.Run(context.Background(), before, after, diff.Options{}); err != nil {
					b.Fatal(err)
				}
			}
			if r.Differing == 0 || len(r.Changes) == 0 {
				b.Fatalf("%d NICs differ in %d changes", r.Differing, len(r.Changes))
			}
			b.ReportMetric(float64(r.Differing), "differing")
			b.ReportMetric(float64(len(r.Changes)), "changes")
		})
	}
}

func turn(b *testing.B, n *network.Network, widest bool) {
	nics := map[*network.SecurityGroup]int{}
	for _, c := range n.NICs {
		nics[c.Group.Group]++
		nics[n.SubnetGroup(c).Group]++
	}
	var chosen *network.Rule
	most := 0
	for _, g := range n.SecurityGroups {
		list := g.List(flow.Inbound)
		if list[0].Kind != network.UserRule || nics[g] == 0 {
			continue
		}
		if widest && nics[g] > most || !widest && chosen == nil && len(g.Rules) > 200 {
			chosen, most = list[0], nics[g]
		}
	}
	if chosen == nil {
		b.Fatal("no group to change")
	}
	chosen.Access = flow.Allow + flow.Deny - chosen.Access
}
