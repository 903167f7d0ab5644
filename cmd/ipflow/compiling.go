package main

import (
	"context"
	"fmt"
	"time"

	"ipflow/index"
	"ipflow/ingest"
)

// compileWhen is index.Options.LazyAbove by --compile. Up to 4,096 classifiers take
// about a second; of a large estate most files of flows ask for few.
var compileWhen = map[string]int{"all": 0, "asked": -1, "auto": 4096}

func (a *app) compile(ctx context.Context, s *ingest.Snapshot, f *verifyFlags) (*index.Index, error) {
	start := time.Now()
	ix, err := index.Compile(ctx, s.Network, index.Options{Workers: f.workers, LazyAbove: compileWhen[f.compile]})
	if err != nil {
		return nil, err
	}
	elapsed, st := time.Since(start), ix.Stats()
	compiled := fmt.Sprintf("compiled %d classifiers (%s) in %s", st.Classifiers, size(int64(st.Bytes)), seconds(elapsed))
	if st.Made < st.Classifiers {
		compiled = fmt.Sprintf("prepared %d classifiers in %s, to be compiled as flows ask for them", st.Classifiers, seconds(elapsed))
	}
	a.talk.line("info", fmt.Sprintf("loaded %d %s, %d %s in %s; %s",
		len(s.Network.NICs), plural(len(s.Network.NICs), "NIC"), len(s.Network.SecurityGroups), plural(len(s.Network.SecurityGroups), "security group"), seconds(s.Elapsed), compiled),
		map[string]any{
			"nics": len(s.Network.NICs), "classifiers": st.Classifiers, "classifiers_compiled": st.Made, "index_bytes": st.Bytes,
			"load_seconds": s.Elapsed.Seconds(), "compile_seconds": elapsed.Seconds(),
		})
	return ix, nil
}

// compiling is how much of an index was compiled when flows began to ask.
type compiling struct {
	ix     *index.Index // nil where none is asked
	all    int          // classifiers, 0 when all were compiled
	making time.Duration
}

func progressOf(ix *index.Index) (c compiling) {
	if ix == nil {
		return c
	}
	made, making := ix.Made()
	if c = (compiling{ix: ix, making: making}); made < ix.Classifiers() {
		c.all = ix.Classifiers()
	}
	return c
}

// since returns the thread time of compiling while flows asked and, where some was
// left to do then, how far it is.
func (c compiling) since() (spent time.Duration, text string) {
	if c.ix == nil {
		return 0, ""
	}
	made, making := c.ix.Made()
	if c.all > 0 {
		text = fmt.Sprintf(", compiled %d of %d classifiers", made, max(made, c.all))
	}
	return making - c.making, text
}

// fields are the same for machines, with how the index stands now.
func (c compiling) fields(in map[string]any) map[string]any {
	if c.ix != nil {
		st := c.ix.Stats()
		in["classifiers_compiled"], in["classifiers_fused"], in["index_bytes"] = st.Made, st.Fused, st.Bytes
	}
	return in
}
