package benchmarks

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"ipflow/benchmarks/corpus"
	"ipflow/benchmarks/manynics"
	"ipflow/verify/reach"
)

// matrixSubnets is the number of subnets of BenchmarkMatrix; the published
// figure is of IPFLOW_MATRIX=2000.
func matrixSubnets(tb testing.TB) int {
	text := os.Getenv("IPFLOW_MATRIX")
	if text == "" {
		return 100
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		tb.Fatalf("IPFLOW_MATRIX=%s is not a number of subnets", text)
	}
	return n
}

// BenchmarkMatrix computes the matrix of all subnets, two NICs and a security
// group of 50 rules each, from the compiled index to the last cell and its
// witnesses.
func BenchmarkMatrix(b *testing.B) {
	n := matrixSubnets(b)
	b.Run(fmt.Sprintf("subnets=%d", n), func(b *testing.B) {
		w := worldOf(b, corpus.Options{Seed: 1, NICs: 2 * n, Subnets: n, NSGs: n, Tags: 0.08, Rules: []corpus.RuleMix{{Rules: 50, Weight: 1}}})
		b.ResetTimer()
		var cells, classes int
		for b.Loop() {
			m := reach.New(w.Network, w.Index).Matrix(reach.ZonesBy(w.Network, "subnets"))
			list, err := m.All(b.Context(), nil)
			if err != nil {
				b.Fatal(err)
			}
			cells, classes = len(list), m.Classes
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(cells), "cells")
		b.ReportMetric(float64(classes), "classes")
		b.ReportMetric(float64(m.Sys)/1e6, "MB")
	})
}

// BenchmarkReach asks what the Internet may reach, at every NIC of an estate.
func BenchmarkReach(b *testing.B) {
	w := worldOf(b, manynics.Options(0))
	from, err := reach.Resolve(w.Network, "Internet")
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	sets := 0
	for b.Loop() {
		sets = len(reach.New(w.Network, w.Index).Ask(reach.Question{From: from, To: reach.Anything}).Sets)
	}
	b.ReportMetric(float64(len(w.Network.NICs)), "NICs")
	b.ReportMetric(float64(sets), "sets")
}
