package benchmarks

import (
	"fmt"
	"testing"

	"ipflow/benchmarks/corpus"
	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/oracle"
)

// questions is a power of two, so that the loop wraps around by masking.
const questions = 1 << 16

// oneList is an estate of one group. The same group at the subnets would only
// double the work, so they have none. Its rules are about many NICs: the list of
// each is a part of it.
func oneList(b *testing.B, rules, tags int) *network.Network {
	n := networkOf(b, corpus.Options{Seed: 1, NICs: 400, Subnets: 16, NSGs: 1, Tags: float64(tags) / 100, Rules: []corpus.RuleMix{{Rules: rules, Weight: 1}}})
	for _, s := range n.Subnets {
		s.Group = network.GroupRef{}
	}
	return n
}

func tuplesOf(b *testing.B, n *network.Network, mix corpus.Mix) []flow.Tuple {
	one := *n
	one.NICs = n.NICs[:1]
	f := flowsOf(b, &one, corpus.FlowOptions{Seed: 1, Rows: 4 * questions, Mix: mix})
	var tuples []flow.Tuple
	var rows corpus.Rows
	for w := 0; w < f.Windows(); w++ {
		f.Draw(w, &rows)
		for i := range rows.NIC {
			if rows.Direction[i] == flow.Inbound && len(tuples) < questions {
				tuples = append(tuples, flow.Tuple{
					Local: f.Locals()[rows.Local[i]], Remote: rows.Remote[i], LocalPort: rows.LocalPort[i], RemotePort: rows.RemotePort[i],
					Protocol: flow.Protocol(rows.Protocol[i]), Direction: flow.Inbound,
				})
			}
		}
	}
	if len(tuples) != questions {
		b.Fatalf("%d inbound rows, not %d", len(tuples), questions)
	}
	return tuples
}

// BenchmarkClassify asks one hot list, inbound, with and without tags.
func BenchmarkClassify(b *testing.B) {
	for _, rules := range []int{50, 200, 1000} {
		for _, tags := range []int{0, 15} {
			n := oneList(b, rules, tags)
			ix, judge := compile(b, n), oracle.New(n)
			for _, mix := range []corpus.Mix{corpus.Uniform, corpus.FlowLike, corpus.Adversarial} {
				tuples := tuplesOf(b, n, mix)
				name := fmt.Sprintf("rules=%d/tags=%d/mix=%s", rules, tags, mix)
				b.Run(name+"/engine=index", func(b *testing.B) { classifyIndex(b, n, ix, tuples) })
				b.Run(name+"/engine=oracle", func(b *testing.B) {
					i := 0
					for b.Loop() {
						verdict = judge.Classify(n.NICs[0], tuples[i&(questions-1)])
						i++
					}
					rate(b, 1)
				})
			}
		}
	}
}

// Where the answers go, so that no compiler can drop the question.
var (
	verdict   flow.Verdict
	verdictID index.VerdictID
)

// classifyIndex asks in blocks: one call of b.Loop costs as much as an answer.
func classifyIndex(b *testing.B, n *network.Network, ix *index.Index, tuples []flow.Tuple) {
	const block = 1024
	k := ix.Classifier(n.NICs[0], flow.Inbound, tuples[0].Local)
	from := 0
	for b.Loop() {
		for i := range block {
			verdictID += k.Classify(&tuples[from+i])
		}
		from = (from + block) & (questions - 1)
	}
	rate(b, block)
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/block, "ns/flow")
	b.ReportMetric(float64(k.Bytes()), "bytes/list")
}

func rate(b *testing.B, perOp int) {
	b.ReportMetric(float64(b.N)*float64(perOp)/b.Elapsed().Seconds(), "flows/s")
}
