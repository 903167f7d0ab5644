package benchmarks

import (
	"fmt"
	"testing"

	"ipflow/benchmarks/corpus"
	"ipflow/benchmarks/manynics"
)

// BenchmarkEngine answers flows of many NICs, all layers, on one worker into a
// sink that forgets. With text addresses, reading them is included.
func BenchmarkEngine(b *testing.B) {
	const passes = 4 // workers keep their memory from batch to batch
	for _, c := range []struct {
		mix       corpus.Mix
		ipv6      int // percent of the rows
		addresses corpus.Addresses
		window    int
		engine    string
		rows      int64
	}{
		{corpus.FlowLike, 0, corpus.Uint32, 1 << 16, "index", 1 << 20},
		{corpus.FlowLike, 0, corpus.Uint32, 1 << 17, "index", 1 << 20},
		{corpus.FlowLike, 0, corpus.Uint32, 1 << 18, "index", 1 << 20},
		{corpus.FlowLike, 0, corpus.Uint32, 1 << 19, "index", 1 << 20},
		{corpus.FlowLike, 0, corpus.Uint32, 1 << 20, "index", 1 << 20},
		{corpus.FlowLike, 0, corpus.Text, 1 << 20, "index", 1 << 20},
		{corpus.Adversarial, 0, corpus.Uint32, 1 << 20, "index", 1 << 20},
		{corpus.FlowLike, 50, corpus.Binary, 1 << 20, "index", 1 << 20},
		{corpus.FlowLike, 50, corpus.Text, 1 << 20, "index", 1 << 20},
		{corpus.FlowLike, 0, corpus.Text, 1 << 16, "oracle", 1 << 12},
	} {
		addresses := [...]string{"text", "uint32", "binary"}[c.addresses]
		b.Run(fmt.Sprintf("nics=500/mix=%s/ipv6=%d/addresses=%s/window=%d/engine=%s", c.mix, c.ipv6, addresses, c.window, c.engine), func(b *testing.B) {
			ipv6 := 0.0
			if c.ipv6 > 0 {
				ipv6 = 1
			}
			w := worldOf(b, manynics.Options(ipv6))
			batches, err := w.Batches(corpus.FlowOptions{Seed: 1, Rows: c.rows, Mix: c.mix, IPv6: float64(c.ipv6) / 100, Addresses: c.addresses}, c.window)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				sum, err := w.Answer(batches, passes, 1, c.engine == "oracle")
				if err != nil || sum.Rows != passes*c.rows || sum.Errors > 0 {
					b.Fatalf("%+v, %v", sum, err)
				}
			}
			rate(b, passes*int(c.rows))
			b.ReportMetric(float64(w.Index.Stats().Bytes)/float64(len(w.Network.NICs)), "bytes/NIC")
		})
	}
}
