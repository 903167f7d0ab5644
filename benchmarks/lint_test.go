package benchmarks

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"ipflow/benchmarks/corpus"
	"ipflow/ingest/network"
	"ipflow/verify/lint"
)

// BenchmarkLint looks at one group: shadowed and redundant rules, with causes
// and witnesses. In plural lists every prefix has three neighbours.
func BenchmarkLint(b *testing.B) {
	for _, rules := range []int{200, 1000} {
		for _, plural := range []bool{false, true} {
			n := networkOf(b, corpus.Options{Seed: 1, NICs: 100, Subnets: 1, NSGs: 1, Rules: []corpus.RuleMix{{Rules: rules, Weight: 1}}})
			if plural {
				makePlural(n.SecurityGroups[0])
			}
			b.Run(fmt.Sprintf("rules=%d/plural=%t", rules, plural), func(b *testing.B) {
				findings := 0
				for b.Loop() {
					r, err := lint.Run(context.Background(), n, lint.Options{})
					if err != nil {
						b.Fatal(err)
					}
					findings = len(r.Findings)
				}
				b.ReportMetric(float64(findings), "findings")
			})
		}
	}
}

// makePlural adds to every prefix of the user rules three of the same length
// near it.
func makePlural(g *network.SecurityGroup) {
	more := func(list []network.Selector) []network.Selector {
		for _, s := range list {
			if s.Kind != network.SelectPrefix || !s.Prefix.Addr().Is4() || s.Prefix.Bits() < 10 {
				continue
			}
			for i := range byte(3) {
				a := s.Prefix.Addr().As4()
				a[1] ^= 8 << i
				p := netip.PrefixFrom(netip.AddrFrom4(a), s.Prefix.Bits())
				list = append(list, network.Selector{Kind: network.SelectPrefix, Prefix: p, Text: p.String()})
			}
		}
		return list
	}
	for _, r := range g.Rules {
		if r.Kind == network.UserRule {
			r.Source, r.Destination = more(r.Source), more(r.Destination)
		}
	}
}

// BenchmarkLintEstate looks at all groups of an estate.
func BenchmarkLintEstate(b *testing.B) {
	n := networkOf(b, corpus.Options{Seed: 1, NICs: 2000, Tags: 0.08})
	for b.Loop() {
		if _, err := lint.Run(context.Background(), n, lint.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n.RuleCount()-1)*float64(b.N)/b.Elapsed().Seconds(), "rules/s")
}
