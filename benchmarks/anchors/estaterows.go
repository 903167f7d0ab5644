package main

import (
	"fmt"

	"ipflow/benchmarks/corpus"
	"ipflow/benchmarks/manynics"
	"ipflow/index"
)

// nicCases are the runs over many NICs in random order. Addresses are numbers in
// the judged ones: reading their text is the file rows' business.
var nicCases = []struct {
	name      string
	mix       corpus.Mix
	ipv6      float64
	addresses corpus.Addresses
}{
	{"flow", corpus.FlowLike, 0, corpus.Uint32},
	{"adversarial", corpus.Adversarial, 0, corpus.Uint32},
	{"flow, half IPv6", corpus.FlowLike, 0.5, corpus.Binary},
	{"adversarial, half IPv6", corpus.Adversarial, 0.5, corpus.Binary},
	{"flow, addresses as text", corpus.FlowLike, 0, corpus.Text},
	{"flow, half IPv6, addresses as text", corpus.FlowLike, 0.5, corpus.Text},
}

// runNICs times the engine over many NICs on one core.
func (r *race) runNICs() error {
	r.say("nics: %d rounds in a process of their own", r.rounds)
	m, err := r.measure(1, "nics", r.size(1<<22, 1<<16), r.rounds)
	if err != nil {
		return err
	}
	ns := m.NS
	o := nicsEstate(0, r.quick)
	what := fmt.Sprintf("%d NICs, %d NSGs, random NIC order, all layers, all result ids, one core: ", o.NICs, o.NSGs)
	for _, g := range []struct {
		name           string
		gate, moonshot float64
	}{{"flow", 50, 20}, {"adversarial", 50, 20}, {"flow, half IPv6", 80, 35}, {"adversarial, half IPv6", 80, 35}} {
		r.gates = append(r.gates, gate{
			row: "nics", what: what + g.name, unit: "ns", values: ns[g.name], gate: atMost(g.gate), moonshot: atMost(g.moonshot),
			ours: amount(median(ns[g.name]), "ns a flow"), anchor: "–",
		})
	}
	t := table{title: fmt.Sprintf("The engine over %d NICs on one core, windows of 2^20 rows, by the process's processor time, the least of %d runs in a round", o.NICs, runs), head: []string{"flows", "median (least–most)"}}
	for _, c := range nicCases {
		t.rows = append(t.rows, []string{c.name, spread(ns[c.name], "ns")})
	}
	r.tables = append(r.tables, t)
	return nil
}

// runCompile times the compiler on two cores.
func (r *race) runCompile() error {
	groups := r.size(10_000, 100)
	names := [...]string{"compile", "fused"}
	var took, cpu, kept, grown [len(names)][]float64
	var last measurement
	for round := range r.rounds {
		r.say("compile: round %d of %d", round+1, r.rounds)
		for i, name := range names {
			m, err := r.measure(2, name, groups, 1)
			if err != nil {
				return err
			}
			took[i], cpu[i] = append(took[i], m.Seconds), append(cpu[i], m.CPU)
			kept[i], grown[i], last = append(kept[i], m.LiveMB), append(grown[i], m.GrownMB), m
		}
	}
	what := fmt.Sprintf("compile %d NSGs (%.2gM rules, 8 %% tag operands), two cores", groups, float64(last.Rules)/1e6)
	r.gates = append(
		r.gates,
		gate{row: "compile", what: what, unit: "s", values: took[0], gate: atMost(5), moonshot: atMost(1.5), ours: seconds(took[0]) + ", " + seconds(cpu[0]) + " of processors", anchor: "–"},
		gate{
			row: "compile", what: "… memory of the index (live heap)", unit: "MB", values: kept[0], gate: atMost(300), moonshot: atMost(150),
			ours: fmt.Sprintf("%.0f MB; resident size grew by %.0f MB meanwhile", median(kept[0]), median(grown[0])), anchor: "–",
		})
	t := table{title: what, head: []string{"classifiers", "wall", "processors", "live heap"}}
	for i, form := range []string{"ask layer by layer, as they do at first", "all fused at once, as they are after many questions"} {
		t.rows = append(t.rows, []string{form, spread(took[i], "s"), spread(cpu[i], "s"), spread(kept[i], "MB")})
	}
	r.tables = append(r.tables, t)
	return nil
}

// runLoad loads and compiles a large export with the program, for one flow.
func (r *race) runLoad() error {
	name := "50,000 NICs, 5,000 NSGs × 100 rules"
	args := []string{"estate", "--nics", "50000", "--nsgs", "5000", "--rules", "100"}
	if r.quick {
		name = "500 NICs, 50 NSGs × 100 rules"
		args = []string{"estate", "--nics", "500", "--nsgs", "50", "--rules", "100"}
	}
	estate, err := r.made("estate-large", args...)
	if err != nil {
		return err
	}
	flows, err := r.flows(estate, "flow.csv", 1)
	if err != nil {
		return err
	}
	size, err := bytesUnder(estate)
	if err != nil {
		return err
	}
	f := &fileRace{race: r, estate: estate}
	l, asked := f.ours("load", 2, flows, "--compile", "all"), f.ours("asked", 2, flows, "--compile", "asked")
	if _, err := l.once(); err != nil { // the file cache
		return err
	}
	if err := f.interleave("load"); err != nil {
		return err
	}
	took := l.each(func(c *cost) float64 { return c.load + c.compile })
	peak := scaled(l.each(func(c *cost) float64 { return c.peakMB }), 1e-3)
	r.gates = append(
		r.gates,
		gate{
			row: "load", what: fmt.Sprintf("load + compile %s (%.0f MB of JSON), two cores", name, float64(size)/1e6), unit: "s",
			values: took, gate: atMost(12), moonshot: atMost(5), anchor: "–",
			ours: fmt.Sprintf("%s + %s", seconds(l.each(func(c *cost) float64 { return c.load })), seconds(l.each(func(c *cost) float64 { return c.compile }))),
		},
		gate{row: "load", what: "… peak memory", unit: "GB", values: peak, gate: atMost(3), moonshot: atMost(3), ours: amount(median(peak), "GB"), anchor: "–"})
	t := table{title: "Load + compile " + name + ", then one flow", head: []string{"`--compile`", "load", "compile", "from start to exit", "processors", "peak memory"}}
	for _, x := range []*leg{l, asked} {
		t.rows = append(t.rows, []string{
			map[*leg]string{l: "all", asked: "asked: what the flow needs"}[x],
			spread(x.each(func(c *cost) float64 { return c.load }), "s"), spread(x.each(func(c *cost) float64 { return c.compile }), "s"),
			spread(x.each(func(c *cost) float64 { return c.wall }), "s"), spread(x.each(func(c *cost) float64 { return c.cpu }), "s"),
			spread(scaled(x.each(func(c *cost) float64 { return c.peakMB }), 1e-3), "GB"),
		})
	}
	r.tables = append(r.tables, t)
	return nil
}

// runMemory weighs the index of the estate that the file rows use.
func (r *race) runMemory() error {
	w, err := manynics.New(nicsEstate(0, r.quick))
	if err != nil {
		return err
	}
	var m, first measurement
	if _, err := compiled(w.Network, 0, &first); err != nil {
		return err
	}
	if _, err := compiled(w.Network, index.AtOnce, &m); err != nil {
		return err
	}
	nics := float64(m.NICs)
	r.gates = append(r.gates, gate{
		row: "memory", what: fmt.Sprintf("memory per NIC: %d NICs, two layers, both directions (live heap)", m.NICs), unit: "KB", values: []float64{max(m.LiveMB, first.LiveMB) * 1e3 / nics},
		ours: fmt.Sprintf("all fused %.1f MB, before %.1f MB; tables alone %.1f KB a NIC", m.LiveMB, first.LiveMB, float64(m.Bytes)/1e3/nics), anchor: "–", gate: atMost(64), moonshot: atMost(16),
	})
	return nil
}
