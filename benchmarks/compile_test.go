package benchmarks

import (
	"fmt"
	"testing"

	"ipflow/benchmarks/corpus"
)

// BenchmarkCompile compiles the index of an estate with as many security groups,
// tags being the percentage of tag operands.
func BenchmarkCompile(b *testing.B) {
	for _, nsgs := range []int{60, 300} {
		for _, tags := range []int{0, 8} {
			b.Run(fmt.Sprintf("nsgs=%d/tags=%d", nsgs, tags), func(b *testing.B) {
				n := networkOf(b, corpus.Options{
					Seed: 1, NICs: 2 * nsgs, NSGs: nsgs, Tags: float64(tags) / 100,
					Rules: []corpus.RuleMix{{Rules: 50, Weight: 70}, {Rules: 200, Weight: 25}, {Rules: 1000, Weight: 5}},
				})
				b.ReportAllocs()
				bytes := 0
				for b.Loop() {
					bytes = compile(b, n).Stats().Bytes
				}
				b.ReportMetric(float64(n.RuleCount()-1)*float64(b.N)/b.Elapsed().Seconds(), "rules/s")
				b.ReportMetric(float64(bytes)/float64(len(n.NICs)), "bytes/NIC")
			})
		}
	}
}
