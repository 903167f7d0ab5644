package benchmarks

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"ipflow/benchmarks/corpus"
	"ipflow/verify/audit"
)

// auditNICs is the size of the estate of BenchmarkAudit; the published figure is
// of IPFLOW_AUDIT=10000.
func auditNICs(tb testing.TB) int {
	text := os.Getenv("IPFLOW_AUDIT")
	if text == "" {
		return 500
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 100 {
		tb.Fatalf("IPFLOW_AUDIT=%s is no number of NICs from 100 on", text)
	}
	return n
}

// BenchmarkAudit audits an estate with half as many rules as NICs, in groups of
// 50, from the compiled index to the report.
func BenchmarkAudit(b *testing.B) {
	n := auditNICs(b)
	b.Run(fmt.Sprintf("nics=%d/rules=%d", n, n/2), func(b *testing.B) {
		w := worldOf(b, corpus.Options{Seed: 1, NICs: n, NSGs: n / 100, Tags: 0.08, Rules: []corpus.RuleMix{{Rules: 50, Weight: 1}}})
		b.ResetTimer()
		var r *audit.Report
		for b.Loop() {
			var err error
			if r, err = audit.Run(context.Background(), audit.Input{Network: w.Network, Index: w.Index}, audit.Options{}); err != nil {
				b.Fatal(err)
			}
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(len(r.Groups)), "groups")
		b.ReportMetric(float64(len(r.Exposures)), "exposures")
		b.ReportMetric(float64(len(r.Findings)), "findings")
		b.ReportMetric(float64(m.Sys)/1e6, "MB")
	})
}
