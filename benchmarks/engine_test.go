package benchmarks

import (
	"context"
	"fmt"
	"io"
	"testing"

	"ipflow/benchmarks/corpus"
	"ipflow/ingest/column"
	"ipflow/verify"
	"ipflow/verify/oracle"
)

// memorySource hands out windows that were drawn before the clock started.
type memorySource struct {
	rows []corpus.Rows
	c    *corpus.Columnar
	next int
}

func newMemorySource(b *testing.B, f *corpus.Flows) *memorySource {
	s := &memorySource{c: corpus.NewColumnar(f), rows: make([]corpus.Rows, f.Windows())}
	for i := range s.rows {
		f.Draw(i, &s.rows[i])
	}
	return s
}

func (s *memorySource) Next() (*column.Batch, error) {
	if s.next == len(s.rows) {
		return nil, io.EOF
	}
	s.next++
	return s.c.Batch(&s.rows[s.next-1]), nil
}

func (s *memorySource) Close() error { return nil }

// BenchmarkEngine answers flows of many NICs in random order, all layers,
// into a sink that forgets; reading the addresses' text is included.
func BenchmarkEngine(b *testing.B) {
	for _, c := range []struct {
		mix    corpus.Mix
		ipv6   int // percent of the rows
		engine string
		rows   int64
	}{
		{corpus.FlowLike, 0, "index", 1 << 20},
		{corpus.Adversarial, 0, "index", 1 << 20},
		{corpus.FlowLike, 50, "index", 1 << 20},
		{corpus.FlowLike, 0, "oracle", 1 << 12},
	} {
		b.Run(fmt.Sprintf("nics=500/mix=%s/ipv6=%d/engine=%s", c.mix, c.ipv6, c.engine), func(b *testing.B) {
			ipv6 := 0.0
			if c.ipv6 > 0 {
				ipv6 = 1
			}
			w := worldOf(b, manyNICs(ipv6))
			src := newMemorySource(b, flowsOf(b, w.net, corpus.FlowOptions{Seed: 1, Rows: c.rows, Mix: c.mix, IPv6: float64(c.ipv6) / 100, Zipf: c.mix == corpus.FlowLike}))
			cfg := verify.Config{Network: w.net, Index: w.index}
			if c.engine == "oracle" {
				cfg.Judge = oracle.New(w.net)
			}
			b.ResetTimer()
			for b.Loop() {
				src.next = 0
				sum, err := verify.NewEngine(cfg).Run(context.Background(), src, discard{})
				if err != nil || sum.Rows != c.rows || sum.Errors > 0 {
					b.Fatalf("%+v, %v", sum, err)
				}
			}
			rate(b, int(c.rows))
			b.ReportMetric(float64(w.index.Stats().Bytes)/float64(len(w.net.NICs)), "bytes/NIC")
		})
	}
}
