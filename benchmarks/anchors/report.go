package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// A bound is a limit of a gate or moonshot.
type bound struct {
	least bool // the value is to be this or more, else this or less
	value float64
}

func atLeast(v float64) bound { return bound{true, v} }
func atMost(v float64) bound  { return bound{false, v} }

func (b bound) holds(v float64) bool {
	if b.least {
		return v >= b.value
	}
	return v <= b.value
}

// A gate is a line of the table of gates.
type gate struct {
	row            string // what --only names
	what           string
	ours, anchor   string
	values         []float64 // judged by their median, one a round
	unit           string
	gate, moonshot bound
	missing        string // why there are no values
}

func (g *gate) cells() []string {
	if len(g.values) == 0 {
		return []string{g.what, "–", "–", "not run: " + g.missing, g.gate.text(g.unit), "–", g.moonshot.text(g.unit), "–"}
	}
	m := median(g.values)
	return []string{
		g.what, g.ours, g.anchor, spread(g.values, g.unit),
		g.gate.text(g.unit), held(g.gate.holds(m)), g.moonshot.text(g.unit), held(g.moonshot.holds(m)),
	}
}

func (b bound) text(unit string) string {
	sign := "≤"
	if b.least {
		sign = "≥"
	}
	return fmt.Sprintf("%s %s", sign, amount(b.value, unit))
}

func held(ok bool) string {
	if ok {
		return "held"
	}
	return "**not held**"
}

// A table is detail below the gates.
type table struct {
	title string
	head  []string
	rows  [][]string
}

// spread is the median with the smallest and the largest of the rounds.
func spread(values []float64, unit string) string {
	if len(values) == 1 {
		return amount(values[0], unit) + " (once)"
	}
	return fmt.Sprintf("%s (%s–%s)", amount(median(values), unit), amount(slices.Min(values), ""), amount(slices.Max(values), ""))
}

// amount writes three digits.
func amount(v float64, unit string) string {
	decimals := 2
	switch {
	case v >= 100:
		decimals = 0
	case v >= 10:
		decimals = 1
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if decimals > 0 {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if unit == "" || unit == "×" {
		return s + unit
	}
	return s + " " + unit
}

func median(values []float64) float64 {
	s := slices.Clone(values)
	slices.Sort(s)
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// ratiosOf divides round by round: neighbours in time share the machine's mood.
func ratiosOf(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] / b[i]
	}
	return out
}

// cell keeps text inside its cell.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;").Replace(s)
}

func writeTable(w io.Writer, head []string, rows [][]string) {
	line := func(cells []string) {
		for _, c := range cells {
			fmt.Fprintf(w, "| %s ", cell(c))
		}
		fmt.Fprintln(w, "|")
	}
	line(head)
	fmt.Fprintln(w, strings.Repeat("|---", len(head))+"|")
	for _, r := range rows {
		line(r)
	}
}

// write prints the whole report as Markdown.
func (r *race) write(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", r.machine())
	var rows [][]string
	for i := range r.gates {
		rows = append(rows, r.gates[i].cells())
	}
	writeTable(w, []string{"row", "ipflow", "against", "value: median (least–most)", "gate", "", "moonshot", ""}, rows)
	for _, t := range r.tables {
		fmt.Fprintf(w, "\n%s:\n\n", t.title)
		writeTable(w, t.head, t.rows)
	}
}
