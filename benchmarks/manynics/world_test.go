package manynics

import (
	"testing"

	"ipflow/benchmarks/corpus"
)

func TestWorld(t *testing.T) {
	w, err := New(corpus.Options{Seed: 1, NICs: 40, Tags: 0.08, IPv6: 1, Rules: []corpus.RuleMix{{Rules: 50, Weight: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	o := corpus.FlowOptions{Seed: 1, Rows: 3*corpus.WindowRows + 17, IPv6: 0.5, Addresses: corpus.Binary}
	batches, err := w.Batches(o, 2*corpus.WindowRows)
	if err != nil {
		t.Fatal(err)
	}
	if len(batches) != 2 || batches[0].Rows() != 2*corpus.WindowRows || batches[1].Rows() != corpus.WindowRows+17 || batches[1].FirstRow != 2*corpus.WindowRows {
		t.Fatalf("%d batches", len(batches))
	}
	for range 2 { // batches serve again
		s, err := w.Answer(batches, 2, 2, false)
		if err != nil || s.Rows != 2*o.Rows || s.Allow == 0 || s.Deny == 0 || s.Errors > 0 {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	if err := w.Check(o, 500); err != nil {
		t.Error(err)
	}
	if _, err := w.Batches(o, 1000); err == nil {
		t.Error("batches of 1,000 rows were made")
	}
}
