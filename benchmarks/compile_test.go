package benchmarks

import (
	"fmt"
	"testing"

	"ipflow/benchmarks/corpus"
	"ipflow/index"
)

// forms are the FuseAfter of classifiers that ask layer by layer, as they do at first,
// and of those whose layers are fused, as they are after many questions.
var forms = []struct {
	name      string
	fuseAfter int
}{{"layers", 0}, {"fused", index.AtOnce}}

// BenchmarkCompile compiles the index of an estate with as many security groups,
// tags being the percentage of tag operands.
func BenchmarkCompile(b *testing.B) {
	for _, nsgs := range []int{60, 300} {
		for _, tags := range []int{0, 8} {
			for _, form := range forms {
				b.Run(fmt.Sprintf("nsgs=%d/tags=%d/form=%s", nsgs, tags, form.name), func(b *testing.B) {
					compileMix(b, nsgs, tags, form.fuseAfter)
				})
			}
		}
	}
}

func compileMix(b *testing.B, nsgs, tags, fuseAfter int) {
	n := networkOf(b, corpus.Options{
		Seed: 1, NICs: 2 * nsgs, NSGs: nsgs, Tags: float64(tags) / 100,
		Rules: []corpus.RuleMix{{Rules: 50, Weight: 70}, {Rules: 200, Weight: 25}, {Rules: 1000, Weight: 5}},
	})
	b.ReportAllocs()
	bytes := 0
	for b.Loop() {
		bytes = compile(b, n, fuseAfter).Stats().Bytes
	}
	b.ReportMetric(float64(n.RuleCount()-1)*float64(b.N)/b.Elapsed().Seconds(), "rules/s")
	b.ReportMetric(float64(bytes)/float64(len(n.NICs)), "bytes/NIC")
}
