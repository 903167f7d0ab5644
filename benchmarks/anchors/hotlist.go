package main

import (
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"ipflow/benchmarks/corpus"
	"ipflow/benchmarks/hotlist"
	"ipflow/index"
	"ipflow/ingest/flow"
)

// Contenders that stand beside rte_acl's algorithms.
const (
	oursName = "ipflow"
	bartName = "bart.Fast + bit sets"
	scanName = "linear scan"
)

// heat is one list with one mix of packets.
type heat struct {
	list      *hotlist.List
	name      string // of the list
	rules     int
	mix       corpus.Mix
	questions []index.Query
	ids       []index.VerdictID
	packets   []packet // few: for the Go anchors
	sets      *prefixSets
	scan      scan
	ns        map[string][]float64 // per contender, by round
}

func (h *heat) trace() string { return h.name + "." + h.mix.String() }

type hotRace struct {
	*race
	acl    *acl // nil when absent
	heats  []*heat
	builds map[string]built
	pages  string // in which rte_acl's memory lies
}

// runHotList races one hot list on one core against rte_acl, and the Go anchors
// beside it.
func (r *race) runHotList() error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	h := &hotRace{race: r, builds: map[string]built{}}
	a, err := startACL(r.cache)
	switch {
	case isAbsent(err):
		r.note(err)
	case err != nil:
		return err
	default:
		h.acl = a
		r.tools = append(r.tools, a.version+" (rte_acl: "+fmt.Sprint(a.algorithms)+")")
		defer a.close()
	}
	if err := h.prepare(); err != nil {
		return err
	}
	if h.acl != nil {
		all, tables, err := h.acl.large()
		if err != nil {
			return err
		}
		h.pages = fmt.Sprintf("; rte_acl has %.0f MB in large pages, %.0f MB of it for tables", all, tables)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for round := range r.rounds {
		r.say("hot list: round %d of %d", round+1, r.rounds)
		for _, x := range h.heats {
			if err := h.round(x); err != nil {
				return err
			}
		}
		runtime.GC()
	}
	h.report()
	return nil
}

func (h *hotRace) prepare() error {
	for _, rules := range []int{50, 200, 1000} {
		for _, tags := range []float64{0, 0.15} {
			name := fmt.Sprintf("nsg%d", rules)
			if tags > 0 {
				name += "+tags"
			}
			h.say("hot list: preparing %s", name)
			l, err := hotlist.New(hotlist.Options{Rules: rules, Tags: tags, Seed: 1})
			if err != nil {
				return err
			}
			if err := h.build(name, l); err != nil {
				return err
			}
			sets, scan := newPrefixSets(l), newScan(l)
			for _, mix := range []corpus.Mix{corpus.Uniform, corpus.FlowLike, corpus.Adversarial} {
				x := &heat{list: l, name: name, rules: rules, mix: mix, sets: sets, scan: scan, ns: map[string][]float64{}}
				if err := h.load(x); err != nil {
					return fmt.Errorf("%s: %w", x.trace(), err)
				}
				h.heats = append(h.heats, x)
			}
		}
	}
	return nil
}

func (h *hotRace) build(name string, l *hotlist.List) error {
	if h.acl == nil {
		return nil
	}
	path := filepath.Join(h.cache, name+".rules")
	if err := writeRules(path, l); err != nil {
		return err
	}
	b, err := h.acl.load(name, path)
	h.builds[name] = b
	return err
}

// load draws the packets of a heat and compares everybody's answers.
func (h *hotRace) load(x *heat) error {
	trace, err := x.list.Trace(x.mix, h.size(1<<20, 1<<14), 1)
	if err != nil {
		return err
	}
	x.questions, x.ids = hotlist.Questions(trace), hotlist.Answers(len(trace))
	x.list.Answer(x.questions, x.ids)
	ours, err := x.list.Positions(x.ids)
	if err != nil {
		return err
	}
	if err := x.list.Check(trace, ours, len(trace)/h.size(2000, 200)); err != nil {
		return err
	}
	few := min(len(trace), 1<<16)
	x.packets = packets(trace[:few])
	for i := range x.packets {
		p := &x.packets[i]
		if got := x.sets.first(p); got != ours[i] {
			return fmt.Errorf("packet %d: %s says rule %d, ipflow %d", i, bartName, got, ours[i])
		}
		if got := x.scan.first(p); got != ours[i] {
			return fmt.Errorf("packet %d: %s says rule %d, ipflow %d", i, scanName, got, ours[i])
		}
	}
	if h.acl == nil {
		return nil
	}
	return h.loadACL(x, trace, ours)
}

func (h *hotRace) loadACL(x *heat, trace []flow.Tuple, ours []uint32) error {
	path := filepath.Join(h.cache, x.trace()+".trace")
	if err := writeTrace(path, trace); err != nil {
		return err
	}
	if _, err := h.acl.ask("trace %s %s", x.trace(), path); err != nil {
		return err
	}
	for _, algorithm := range h.acl.algorithms {
		got, err := h.acl.dump(x.name, x.trace(), algorithm, filepath.Join(h.cache, "answers"))
		if err != nil {
			return err
		}
		if len(got) != len(ours) {
			return fmt.Errorf("rte_acl (%s) gave %d answers, ipflow %d", algorithm, len(got), len(ours))
		}
		for i := range got {
			if got[i] != ours[i] {
				return fmt.Errorf("packet %d: rte_acl (%s) says rule %d, ipflow %d", i, algorithm, got[i], ours[i])
			}
		}
	}
	return nil
}

// round times every contender: the least of some turns by the time of its own thread.
// Neighbours of a shared machine take time at random, and only ever add to it; its
// clock goes faster and slower, so turns are short and taken one after the other. A turn
// is two passes, as the others have had the caches.
func (h *hotRace) round(x *heat) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	least := map[string]float64{}
	took := func(name string, ns float64) {
		if known, ok := least[name]; !ok || ns < known {
			least[name] = ns
		}
	}
	sum := uint32(0)
	for range h.size(4, 1) {
		took(oursName, leastOf(2, len(x.questions), func() { x.list.Answer(x.questions, x.ids) }))
		if h.acl != nil {
			for _, algorithm := range h.acl.algorithms {
				ns, err := h.acl.run(x.name, x.trace(), algorithm, 2)
				if err != nil {
					return err
				}
				took(algorithm, ns/float64(len(x.questions)))
			}
		}
		took(bartName, leastOf(2, len(x.packets), func() {
			for i := range x.packets {
				sum += x.sets.first(&x.packets[i])
			}
		}))
		took(scanName, leastOf(2, len(x.packets), func() {
			for i := range x.packets {
				sum += x.scan.first(&x.packets[i])
			}
		}))
	}
	runtime.KeepAlive(sum) // or the answers could be dropped
	for name, ns := range least {
		x.ns[name] = append(x.ns[name], ns)
	}
	return nil
}

// leastOf returns nanoseconds a packet of the quickest pass over n packets.
func leastOf(passes, n int, pass func()) float64 {
	least := int64(math.MaxInt64)
	for range passes {
		start, _ := processorTime()
		pass()
		end, _ := processorTime()
		least = min(least, end-start)
	}
	return float64(least) / float64(n)
}

// best is rte_acl's fastest algorithm in this heat by the median of the rounds.
func (h *hotRace) best(x *heat) string {
	best := ""
	for _, algorithm := range h.acl.algorithms {
		if best == "" || median(x.ns[algorithm]) < median(x.ns[best]) {
			best = algorithm
		}
	}
	return best
}
