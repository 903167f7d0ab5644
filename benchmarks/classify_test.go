package benchmarks

import (
	"fmt"
	"testing"

	"ipflow/benchmarks/corpus"
	"ipflow/benchmarks/hotlist"
	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/verify/oracle"
)

// questions is a power of two, so that the loop wraps around by masking.
const questions = 1 << 16

// BenchmarkClassify asks one hot list, inbound, with and without tags: a window
// at a time as the engine does, one by one, and by the oracle.
func BenchmarkClassify(b *testing.B) {
	for _, rules := range []int{50, 200, 1000} {
		for _, tags := range []int{0, 15} {
			l, err := hotlist.New(hotlist.Options{Seed: 1, Rules: rules, Tags: float64(tags) / 100})
			if err != nil {
				b.Fatal(err)
			}
			judge := oracle.New(l.Network)
			for _, mix := range []corpus.Mix{corpus.Uniform, corpus.FlowLike, corpus.Adversarial} {
				trace, err := l.Trace(mix, questions, 1)
				if err != nil {
					b.Fatal(err)
				}
				name := fmt.Sprintf("rules=%d/tags=%d/mix=%s", rules, tags, mix)
				b.Run(name+"/engine=index/asked=window", func(b *testing.B) { answerWindow(b, l, trace) })
				b.Run(name+"/engine=index/asked=single", func(b *testing.B) { classifyIndex(b, l, trace) })
				b.Run(name+"/engine=oracle/asked=single", func(b *testing.B) {
					i := 0
					for b.Loop() {
						verdict = judge.Classify(l.NIC, trace[i&(questions-1)])
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

func answerWindow(b *testing.B, l *hotlist.List, trace []flow.Tuple) {
	window, ids := hotlist.Questions(trace), hotlist.Answers(len(trace))
	for b.Loop() {
		l.Answer(window, ids)
	}
	perFlow(b, len(trace))
	b.ReportMetric(float64(l.Bytes()), "bytes/list")
}

// classifyIndex asks in blocks: one call of b.Loop costs as much as an answer.
func classifyIndex(b *testing.B, l *hotlist.List, trace []flow.Tuple) {
	const block = 1024
	k := l.Index.Classifier(l.NIC, flow.Inbound, l.Local)
	from := 0
	for b.Loop() {
		for i := range block {
			verdictID += k.Classify(&trace[from+i])
		}
		from = (from + block) & (questions - 1)
	}
	perFlow(b, block)
}

func perFlow(b *testing.B, block int) {
	rate(b, block)
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/float64(block), "ns/flow")
}

func rate(b *testing.B, perOp int) {
	b.ReportMetric(float64(b.N)*float64(perOp)/b.Elapsed().Seconds(), "flows/s")
}
