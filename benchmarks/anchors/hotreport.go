package main

import (
	"fmt"

	"ipflow/benchmarks/corpus"
)

// report adds the gates, each with its worst heat, and the heats as a table.
func (h *hotRace) report() {
	for _, g := range []struct {
		what           string
		of             func(x *heat) bool
		gate, moonshot float64
	}{
		{"hot list, 50 and 200 rules, uniform and flow-like", func(x *heat) bool { return x.mix != corpus.Adversarial && x.rules <= 200 }, 5, 6},
		{"hot list, 1000 rules, uniform and flow-like", func(x *heat) bool { return x.mix != corpus.Adversarial && x.rules > 200 }, 3, 6},
		{"hot list, adversarial", func(x *heat) bool { return x.mix == corpus.Adversarial }, 2, 4},
	} {
		row := gate{row: "hotlist", what: g.what, unit: "×", gate: atLeast(g.gate), moonshot: atLeast(g.moonshot)}
		if h.acl == nil {
			row.missing = h.missing("rte_acl")
			h.gates = append(h.gates, row)
			continue
		}
		var worst *heat
		var ratios []float64
		for _, x := range h.heats {
			if !g.of(x) {
				continue
			}
			if r := ratiosOf(x.ns[h.best(x)], x.ns[oursName]); worst == nil || median(r) < median(ratios) {
				worst, ratios = x, r
			}
		}
		row.what += ": worst " + worst.trace()
		row.values = ratios
		row.ours = fmt.Sprintf("%.2f ns", median(worst.ns[oursName]))
		row.anchor = fmt.Sprintf("rte_acl %s %.1f ns", h.best(worst), median(worst.ns[h.best(worst)]))
		h.gates = append(h.gates, row)
	}
	h.tables = append(h.tables, h.heatTable(), h.buildTable())
}

func (h *hotRace) heatTable() table {
	t := table{
		title: "One hot list on one core, ns a packet by the thread's own processor time, for every contender the least of a few passes in a round, in turns (median of rounds)",
		head:  []string{"list: rules at the address → 5-tuples", "mix", oursName},
	}
	if h.acl != nil {
		for _, a := range h.acl.algorithms {
			t.head = append(t.head, "rte_acl "+a)
		}
		t.head = append(t.head, "best rte_acl / ipflow")
	}
	t.head = append(t.head, bartName, scanName)
	for _, x := range h.heats {
		cells := []string{
			fmt.Sprintf("%s: %d → %d", x.name, len(x.list.Rules), x.list.Tuples()), x.mix.String(),
			fmt.Sprintf("%.2f", median(x.ns[oursName])),
		}
		if h.acl != nil {
			for _, a := range h.acl.algorithms {
				cells = append(cells, fmt.Sprintf("%.1f", median(x.ns[a])))
			}
			cells = append(cells, spread(ratiosOf(x.ns[h.best(x)], x.ns[oursName]), "×"))
		}
		t.rows = append(t.rows, append(cells, fmt.Sprintf("%.0f", median(x.ns[bartName])), fmt.Sprintf("%.0f", median(x.ns[scanName]))))
	}
	return t
}

func (h *hotRace) buildTable() table {
	t := table{title: "The same lists: memory and building" + h.pages, head: []string{"list", "ipflow MB, direct tables included", "rte_acl MB", "rte_acl build ms"}}
	for _, x := range h.heats {
		if x.mix != corpus.Uniform {
			continue
		}
		b := h.builds[x.name]
		row := []string{x.name, fmt.Sprintf("%.2f", float64(x.list.Bytes())/1e6), "–", "–"}
		if h.acl != nil {
			row[2], row[3] = fmt.Sprintf("%.2f", b.tableMB), fmt.Sprintf("%.1f", b.ms)
		}
		t.rows = append(t.rows, row)
	}
	return t
}
