package verify

import (
	"context"
	"math/rand/v2"
	"testing"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
)

// agree compares index and oracle on every stride-th question of a world: access,
// rule, layers and reason. The index is asked one by one and by the batch.
func agree(t *testing.T, bytes []byte, stride int) (questions int) {
	t.Helper()
	w := world.New(bytes)
	maxTable := 0
	if len(bytes)%4 == 3 {
		maxTable = -1 // bit sets in place of tables
	}
	largeSet := -1 // tags cut the atlas even when they are tiny
	if len(bytes)%3 == 2 {
		largeSet = 0
	}
	lazy := 0
	if len(bytes)%2 == 1 {
		lazy = -1 // each classifier is compiled by the first question
	}
	fuseAfter := []int{-1, 40, 0}[len(bytes)/2%3] // at once, in the middle of the questions, after many
	ix, err := index.Compile(context.Background(), w.Net, index.Options{MaxTable: maxTable, LargeSet: largeSet, LazyAbove: lazy, FuseAfter: fuseAfter})
	if err != nil {
		t.Fatal(err)
	}
	st := ix.Stats()
	if want := st.Classifiers * (1 + lazy); st.Made != want {
		t.Fatalf("%d classifiers are compiled before any question, want %d", st.Made, want)
	}
	if fuseAfter < 0 && (st.Fused > 0) != (maxTable >= 0 && st.Made > 0) {
		t.Fatalf("%d of %d classifiers are fused", st.Fused, st.Made)
	}
	judge := oracle.New(w.Net)
	var asked batches
	met := 0
	w.EachTuple(func(c *network.NIC, q flow.Tuple) bool {
		if met++; met%stride != 0 {
			return true
		}
		questions++
		k := ix.Classifier(c, q.Direction, q.Local)
		id := k.Classify(&q)
		asked.add(k, &q, id)
		got, want := ix.Verdict(id), judge.Classify(c, q)
		if got != want {
			t.Errorf("%s %+v\nindex  %+v\noracle %+v\n%s", c.ID, q, got, want, w)
			return false
		}
		return true
	})
	if row := asked.firstWrong(); row >= 0 {
		t.Errorf("question %d by the batch: another answer than one by one\n%s", row, w)
	}
	return questions
}

// FuzzClassify draws tiny worlds and asks some of the questions of each: a world has
// tens of thousands, and worlds differ more than questions.
func FuzzClassify(f *testing.F) {
	f.Add([]byte{})
	rng := rand.New(rand.NewPCG(7, 7))
	for range 8 {
		f.Add(randomBytes(rng, 400))
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		if len(bytes) > 2048 {
			return
		}
		agree(t, bytes, 31)
	})
}

// TestIndexAgreesWithOracle is the fuzz target's fixed share, run every time.
func TestIndexAgreesWithOracle(t *testing.T) {
	worlds := 80
	if testing.Short() {
		worlds = 40
	}
	rng := rand.New(rand.NewPCG(2026, 11))
	questions := 0
	for i := range worlds {
		questions += agree(t, randomBytes(rng, 200+i*37%400), 1)
		if t.Failed() {
			t.Fatalf("world %d", i)
		}
	}
	t.Logf("%d worlds, %d questions", worlds, questions)
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}
