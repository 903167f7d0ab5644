package benchmarks

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"ipflow/benchmarks/corpus"
	"ipflow/benchmarks/manynics"
	"ipflow/ingest/flowfile"
	"ipflow/report"
	"ipflow/verify"
)

// TestMemoryDoesNotGrowWithFlows runs the whole line, Parquet to Parquet, over
// few and over many flows and compares the largest live heaps.
func TestMemoryDoesNotGrowWithFlows(t *testing.T) {
	if testing.Short() {
		t.Skip("reads and writes 4.7 million rows")
	}
	w := worldOf(t, corpus.Options{Seed: 1, NICs: 200, Tags: 0.08, IPv6: 0.5, Rules: []corpus.RuleMix{{Rules: 50, Weight: 1}}})
	const few, many = 12 * corpus.WindowRows, 48 * corpus.WindowRows
	verifyPeak(t, w, few) // the index compiles some classifiers on first use
	small, large := verifyPeak(t, w, few), verifyPeak(t, w, many)
	t.Logf("live heap at most %.1f MB over %d rows, %.1f MB over %d rows", mb(small), few, mb(large), many)
	// Peaks differ by some 15 MB from run to run; 12 bytes for each further row
	// are twice that.
	if grown := int64(large) - int64(small); grown > 12*(many-few) {
		t.Errorf("the live heap grew by %.1f MB with %d more rows", mb(uint64(grown)), many-few)
	}
}

func mb(bytes uint64) float64 { return float64(bytes) / 1e6 }

// verifyPeak answers so many rows and returns the largest live heap meanwhile,
// less what was live before.
func verifyPeak(t *testing.T, w *manynics.World, rows int64) uint64 {
	t.Helper()
	dir := t.TempDir()
	in := filepath.Join(dir, "flows.parquet")
	writeFlows(t, in, flowsOf(t, w.Network, corpus.FlowOptions{Seed: 3, Rows: rows, IPv6: 0.3, Faults: 0.001}))
	runtime.GC()
	before := liveHeap()
	flows, err := flowfile.Open(context.Background(), []string{in}, flowfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer flows.Close()
	sink, err := report.Open(report.Output{Path: filepath.Join(dir, "results.parquet"), Codec: "snappy"}, report.Fields(flows.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	e := verify.NewEngine(verify.Config{Network: w.Network, Index: w.Index, Workers: 2})
	stop := watchHeap()
	sum, err := e.Run(context.Background(), flows, sink)
	peak := stop()
	if err != nil || sum.Rows != rows || sum.Errors == 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
	return peak - min(peak, before)
}

func writeFlows(t *testing.T, path string, f *corpus.Flows) {
	t.Helper()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Write(context.Background(), out, corpus.FileOptions{Codec: "snappy", RowGroup: corpus.WindowRows}); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// liveHeap is what the last collection found reachable: unlike the heap's size
// it does not depend on when the collector runs.
func liveHeap() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// watchHeap samples the live heap until stopped.
func watchHeap() (stop func() uint64) {
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		top := uint64(0)
		for {
			top = max(top, liveHeap())
			select {
			case <-done:
				peak <- max(top, liveHeap())
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 { close(done); return <-peak }
}
