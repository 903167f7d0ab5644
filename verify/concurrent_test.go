package verify

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
)

// TestFormsChangeNoAnswer asks the questions of random worlds on several goroutines,
// while classifiers are made and fused by these very questions, and compares with the
// oracle.
func TestFormsChangeNoAnswer(t *testing.T) {
	type asked struct {
		nic  *network.NIC
		flow flow.Tuple
	}
	rng := rand.New(rand.NewPCG(9, 2))
	fused := 0
	for round := range 10 {
		w := world.New(randomBytes(rng, 150+round*20))
		ix, err := index.Compile(context.Background(), w.Net, index.Options{LazyAbove: -1, FuseAfter: 1 + round*5, LargeSet: round%2 - 1})
		if err != nil {
			t.Fatal(err)
		}
		var questions []asked
		met := 0
		w.EachTuple(func(c *network.NIC, q flow.Tuple) bool {
			if met++; met%37 == 0 {
				questions = append(questions, asked{c, q})
			}
			return true
		})
		judge := oracle.New(w.Net)
		var wait sync.WaitGroup
		for worker := range 4 {
			wait.Go(func() {
				for i := range questions {
					x := &questions[(i+worker*len(questions)/4)%len(questions)]
					if got, want := ix.Classify(x.nic, x.flow), judge.Classify(x.nic, x.flow); got != want {
						t.Errorf("%s %+v\nindex  %+v\noracle %+v\n%s", x.nic.ID, x.flow, got, want, w)
						return
					}
				}
			})
		}
		wait.Wait()
		fused += ix.Stats().Fused
	}
	if fused == 0 {
		t.Error("no classifier was fused: the test tests nothing")
	}
}
