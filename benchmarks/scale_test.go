package benchmarks

import (
	"os"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"ipflow/benchmarks/corpus"
	"ipflow/ingest/network"
)

// BenchmarkCompileLarge compiles the estates of the published figures, which take
// gigabytes and a while to make: it runs where IPFLOW_LARGE is set. peak-MB is the
// largest heap beyond the network's own, index included.
func BenchmarkCompileLarge(b *testing.B) {
	if os.Getenv("IPFLOW_LARGE") == "" {
		b.Skip("set IPFLOW_LARGE=1: the estates take 3 GB")
	}
	mix := []corpus.RuleMix{{Rules: 50, Weight: 70}, {Rules: 200, Weight: 25}, {Rules: 1000, Weight: 5}}
	b.Run("nsgs=10000/nics=10000/layers=1", func(b *testing.B) {
		// A list and a NIC each, as published figures for rule compilers are given.
		compileLarge(b, oneGroupEach(networkOf(b, corpus.Options{Seed: 1, NICs: 10000, NSGs: 10000, Tags: 0.08, Rules: mix})))
	})
	b.Run("nsgs=10000/nics=20000/layers=2", func(b *testing.B) {
		compileLarge(b, networkOf(b, corpus.Options{Seed: 1, NICs: 20000, NSGs: 10000, Tags: 0.08, Rules: mix}))
	})
	b.Run("nsgs=5000/nics=50000/layers=2", func(b *testing.B) {
		compileLarge(b, networkOf(b, corpus.Options{Seed: 1, NICs: 50000, NSGs: 5000, Tags: 0.08, Rules: []corpus.RuleMix{{Rules: 100, Weight: 1}}}))
	})
}

// oneGroupEach gives NIC i the security group i alone.
func oneGroupEach(n *network.Network) *network.Network {
	for _, s := range n.Subnets {
		s.Group = network.GroupRef{}
	}
	for i, nic := range n.NICs {
		g := n.SecurityGroups[i]
		nic.Group = network.GroupRef{ID: g.ID, Group: g}
	}
	return n
}

func compileLarge(b *testing.B, n *network.Network) {
	for _, form := range forms {
		b.Run("form="+form.name, func(b *testing.B) { compileForm(b, n, form.fuseAfter) })
	}
}

func compileForm(b *testing.B, n *network.Network, fuseAfter int) {
	bytes, most := 0, uint64(0)
	for b.Loop() {
		b.StopTimer()
		runtime.GC()
		before := heapObjects()
		peak := watchPeak()
		b.StartTimer()
		ix := compile(b, n, fuseAfter)
		b.StopTimer()
		most = max(most, peak()-before)
		bytes = ix.Stats().Bytes
		b.StartTimer()
	}
	b.ReportMetric(float64(n.RuleCount()-1)*float64(b.N)/b.Elapsed().Seconds(), "rules/s")
	b.ReportMetric(float64(bytes)/float64(len(n.NICs)), "bytes/NIC")
	b.ReportMetric(float64(most)/1e6, "peak-MB")
}

func heapObjects() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// watchPeak samples the heap, garbage included, until stopped.
func watchPeak() (stop func() uint64) {
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for top := uint64(0); ; {
			top = max(top, heapObjects())
			select {
			case <-done:
				peak <- top
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 { close(done); return <-peak }
}
