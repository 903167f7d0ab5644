package assert

import (
	"bytes"
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"ipflow/ingest"
	"ipflow/ingest/network"
	"ipflow/ingest/suite"
	"ipflow/verify/internal/world"
)

// suggested writes what is suggested, reads it back and checks it: all of it
// passes.
func suggested(t *testing.T, n *network.Network) []*suite.Assertion {
	t.Helper()
	s, err := newChecker(t, n).Suggest(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Assertions) == 0 {
		return nil
	}
	var b bytes.Buffer
	if err := suite.Write(&b, []string{"comment"}, s.Assertions); err != nil {
		t.Fatal(err)
	}
	list := parse(t, b.String())
	results, err := newChecker(t, n).Run(context.Background(), list)
	if err != nil {
		t.Fatal(err)
	}
	for i := range results {
		if r := &results[i]; r.State != Pass {
			t.Errorf("%s is %s: %s\n%s", r.Name.Text, r.State, r.Message, b.String())
		}
	}
	return list
}

func exampleEstate(t testing.TB) *network.Network {
	t.Helper()
	s, err := ingest.Load(context.Background(), ingest.Options{Paths: []string{filepath.Join("..", "..", "docs", "example", "estate")}})
	if err != nil {
		t.Fatal(err)
	}
	return s.Network
}

func TestSuggestedSuiteOfTheExamplePasses(t *testing.T) {
	if list := suggested(t, exampleEstate(t)); len(list) < 40 {
		t.Errorf("%d assertions", len(list))
	}
}

func TestSuggestedSuitesOfWorldsPass(t *testing.T) {
	worlds := 200
	if testing.Short() {
		worlds = 60
	}
	rng := rand.New(rand.NewPCG(5, 2026))
	some := 0
	for i := range worlds {
		w := world.New(randomBytes(rng, 60+i%400))
		if len(suggested(t, w.Net)) > 0 {
			some++
		}
		if t.Failed() {
			t.Fatal(i, w)
		}
	}
	t.Logf("%d of %d worlds", some, worlds)
	if some < worlds/3 {
		t.Errorf("something is suggested for %d of %d worlds only", some, worlds)
	}
}
