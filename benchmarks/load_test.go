package benchmarks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"ipflow/benchmarks/corpus"
	"ipflow/ingest"
)

// BenchmarkLoad reads the exports of an estate and links its network. With
// IPFLOW_LOAD=DIR it reads that directory instead, for example an estate of
// 'ipflow synth estate --nics 50000 --nsgs 5000 --rules 100'.
func BenchmarkLoad(b *testing.B) {
	if dir := os.Getenv("IPFLOW_LOAD"); dir != "" {
		load(b, dir)
		return
	}
	for _, nsgs := range []int{60, 600} {
		b.Run(fmt.Sprintf("nsgs=%d/rules=100", nsgs), func(b *testing.B) {
			load(b, export(b, corpus.Options{Seed: 1, NICs: 10 * nsgs, NSGs: nsgs, Tags: 0.08, Rules: []corpus.RuleMix{{Rules: 100, Weight: 1}}}))
		})
	}
}

func load(b *testing.B, dir string) {
	b.Helper()
	b.SetBytes(bytesIn(b, dir))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ingest.Load(context.Background(), ingest.Options{Paths: []string{dir}}); err != nil {
			b.Fatal(err)
		}
	}
}

// export writes the estate's exports into a directory.
func export(tb testing.TB, o corpus.Options) (dir string) {
	tb.Helper()
	e, err := corpus.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	dir = tb.TempDir()
	for _, f := range e.Files() {
		out, err := os.Create(filepath.Join(dir, f.Name))
		if err != nil {
			tb.Fatal(err)
		}
		if err := f.Write(out); err != nil {
			tb.Fatal(err)
		}
		if err := out.Close(); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

func bytesIn(tb testing.TB, dir string) (size int64) {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			tb.Fatal(err)
		}
		size += info.Size()
	}
	return size
}
