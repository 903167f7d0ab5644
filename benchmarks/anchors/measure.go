package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"ipflow/benchmarks/corpus"
	"ipflow/benchmarks/manynics"
	"ipflow/index"
	"ipflow/ingest/column"
	"ipflow/ingest/network"
)

// Measurements that need a process of their own, with so many cores and a heap
// that nobody else has used: the race starts itself with this variable set.
const measureVariable = "IPFLOW_RACE_MEASURE"

// measurement is what such a process prints.
type measurement struct {
	Seconds float64 // the thing measured
	CPU     float64 // processor seconds that it took
	LiveMB  float64 // of the heap, what stays of it
	GrownMB float64 // how far the resident size went above where it was; 0 if unknown
	Bytes   int     // of the index, as it says itself
	Rules   int
	NICs    int
	NS      map[string][]float64 // nanoseconds a flow, by case and round
}

// measure starts the process on so many cores, for a size and so many rounds.
func (r *race) measure(cores int, name string, size, rounds int) (measurement, error) {
	var m measurement
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	cmd := exec.CommandContext(r.ctx, self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d", measureVariable, name, size, rounds), "GOMAXPROCS="+strconv.Itoa(cores))
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		return m, fmt.Errorf("measure %s: %w: %s", name, err, lastLine(log.String()))
	}
	return m, json.Unmarshal(out, &m)
}

// measuring is the other end of measure. It returns false when this process was
// not started for it.
func measuring() (bool, error) {
	text, ok := os.LookupEnv(measureVariable)
	if !ok {
		return false, nil
	}
	var name string
	var n, rounds int
	if _, err := fmt.Sscan(text, &name, &n, &rounds); err != nil {
		return true, fmt.Errorf("%s=%q: %w", measureVariable, text, err)
	}
	var m measurement
	var err error
	switch name {
	case "compile":
		m, err = measureCompile(n, 0)
	case "fused":
		m, err = measureCompile(n, index.AtOnce)
	case "nics":
		m, err = measureNICs(n, rounds)
	default:
		err = errors.New("nothing is called " + name)
	}
	if err != nil {
		return true, err
	}
	return true, json.NewEncoder(os.Stdout).Encode(m)
}

// compiled compiles a network and fills in what that took. fuseAfter is that of
// index.Options.
func compiled(n *network.Network, fuseAfter int, m *measurement) (*index.Index, error) {
	before := live()
	base := resident("VmRSS:")
	resetPeak()
	start := time.Now()
	_, spent := processorTime()
	ix, err := index.Compile(context.Background(), n, index.Options{FuseAfter: fuseAfter})
	if err != nil {
		return nil, err
	}
	m.Seconds = time.Since(start).Seconds()
	_, now := processorTime()
	m.CPU = float64(now-spent) / 1e9
	if base > 0 {
		m.GrownMB = resident("VmHWM:") - base
	}
	m.LiveMB, m.Bytes, m.Rules, m.NICs = live()-before, ix.Stats().Bytes, n.RuleCount()-1, len(n.NICs)
	return ix, nil
}

// live is what a collection leaves of the heap, in MB.
func live() float64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools held
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return float64(s.HeapAlloc) / 1e6
}

// resident reads a size of /proc/self/status in MB, 0 where there is none.
func resident(field string) float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				return 0
			}
			return float64(kb) * 1024 / 1e6
		}
	}
	return 0
}

// resetPeak makes VmHWM start from here.
func resetPeak() {
	// Where it cannot be reset the peak is that of the whole process: too high,
	// never too low.
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// measureCompile compiles as many groups, each at one NIC and in no subnet: both
// directions of every list in one local context.
func measureCompile(groups, fuseAfter int) (measurement, error) {
	var m measurement
	e, err := corpus.New(corpus.Options{
		Seed: 1, NICs: groups, NSGs: groups, Tags: 0.08,
		Rules: []corpus.RuleMix{{Rules: 50, Weight: 70}, {Rules: 200, Weight: 25}, {Rules: 1000, Weight: 5}},
	})
	if err != nil {
		return m, err
	}
	n := e.Network()
	for _, s := range n.Subnets {
		s.Group = network.GroupRef{}
	}
	for i, g := range n.SecurityGroups {
		n.NICs[i].Group = network.GroupRef{ID: g.ID, Group: g}
	}
	ix, err := compiled(n, fuseAfter, &m)
	runtime.KeepAlive(ix)
	return m, err
}

// measureNICs answers rows of many NICs on one core, all cases in every round.
func measureNICs(rows, rounds int) (measurement, error) {
	m := measurement{NS: map[string][]float64{}}
	only4, err := manynics.New(nicsEstate(0, rows < 1<<20))
	if err != nil {
		return m, err
	}
	dual, err := manynics.New(nicsEstate(1, rows < 1<<20))
	if err != nil {
		return m, err
	}
	batches := make([][]*column.Batch, len(nicCases))
	world := func(i int) *manynics.World {
		if nicCases[i].ipv6 > 0 {
			return dual
		}
		return only4
	}
	for i, c := range nicCases {
		o := corpus.FlowOptions{Seed: 1, Rows: int64(rows), Mix: c.mix, IPv6: c.ipv6, Addresses: c.addresses}
		if err := world(i).Check(o, min(rows, 4096)); err != nil {
			return m, fmt.Errorf("%s: %w", c.name, err)
		}
		if batches[i], err = world(i).Batches(o, 1<<20); err != nil {
			return m, err
		}
	}
	for round := range rounds + 1 {
		for i, c := range nicCases {
			ns, err := answered(world(i), batches[i], rows)
			if err != nil {
				return m, fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 { // the first warms up
				m.NS[c.name] = append(m.NS[c.name], ns)
			}
		}
	}
	return m, nil
}

// nicsEstate is the estate of the published figures, or a small one to try.
func nicsEstate(ipv6 float64, small bool) corpus.Options {
	o := manynics.Options(ipv6)
	if small {
		o.NICs, o.NSGs, o.Subnets = 60, 10, 8
	}
	return o
}

// passes over the batches make a run of 20 million rows of them; the least of some
// runs counts.
const passes, runs = 5, 3

// answered returns nanoseconds a row, as the time that the process had of processors:
// all its threads, collecting garbage included.
func answered(w *manynics.World, batches []*column.Batch, rows int) (float64, error) {
	runtime.GC()
	least := int64(math.MaxInt64)
	for range runs {
		_, start := processorTime()
		s, err := w.Answer(batches, passes, 1, false)
		if err != nil {
			return 0, err
		}
		if s.Rows != int64(passes*rows) || s.Errors > 0 {
			return 0, fmt.Errorf("%d rows with %d errors", s.Rows, s.Errors)
		}
		_, end := processorTime()
		least = min(least, end-start)
	}
	return float64(least) / float64(passes*rows), nil
}
