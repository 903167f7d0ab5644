package assert

import (
	"fmt"
	"io"
	"strings"

	"ipflow/ingest/network"
	"ipflow/verify/reach"
	"ipflow/verify/space"
)

// CoverageReport is a Coverage in the JSON shape that scripts rely on. Arrays are
// never null.
type CoverageReport struct {
	Rules struct {
		Total     int          `json:"total"`
		Exercised int          `json:"exercised"`
		Idle      []ReportRule `json:"idle"`
	} `json:"rules"`
	Boundaries struct {
		Total     int              `json:"total"`
		Exercised int              `json:"exercised"`
		Open      []ReportBoundary `json:"open"`
	} `json:"boundaries"`
	Mutants struct {
		Total     int            `json:"total"`
		Killed    int            `json:"killed"`
		NoEffect  int            `json:"noEffect"`
		NotTried  int            `json:"notTried"`
		Survivors []ReportMutant `json:"survivors"`
	} `json:"mutants"`
}

// ReportRule is a rule and its place.
type ReportRule struct {
	Rule string `json:"rule"`
	File string `json:"file"`
	Line int    `json:"line"`
}

// ReportBoundary is a boundary that is not exercised.
type ReportBoundary struct {
	ReportRule
	Field   string `json:"field"`
	Inside  string `json:"inside"`
	Outside string `json:"outside"`
	Missing string `json:"missing"` // inside or outside
}

// ReportMutant is a mutant that no assertion notices, and a flow that it changes.
type ReportMutant struct {
	ReportRule
	Field   string     `json:"field"`
	Was     string     `json:"was"`
	Is      string     `json:"is"`
	Before  string     `json:"before"`
	After   string     `json:"after"`
	Witness space.Flow `json:"witness"`
}

func reportRule(r *network.Rule) ReportRule { return ReportRule{r.ID, r.Origin.File, r.Origin.Line} }

// ReportCoverage writes a coverage in words.
func ReportCoverage(c *Coverage) *CoverageReport {
	out := &CoverageReport{}
	out.Rules.Total, out.Rules.Exercised, out.Rules.Idle = c.Rules, c.Exercised, []ReportRule{}
	for _, r := range c.Idle {
		out.Rules.Idle = append(out.Rules.Idle, reportRule(r))
	}
	out.Boundaries.Total, out.Boundaries.Exercised, out.Boundaries.Open = c.Boundaries, c.BoundariesExercised, []ReportBoundary{}
	for i := range c.Open {
		b := &c.Open[i]
		out.Boundaries.Open = append(out.Boundaries.Open, ReportBoundary{reportRule(b.Rule), b.Field, b.Inside, b.Outside, b.Missing})
	}
	m := &out.Mutants
	m.Total, m.Killed, m.NoEffect, m.NotTried, m.Survivors = c.Mutants, c.Killed, c.NoEffect, c.NotTried, []ReportMutant{}
	for i := range c.Survivors {
		s := &c.Survivors[i]
		m.Survivors = append(m.Survivors, ReportMutant{
			reportRule(s.Rule), s.Field, s.Was, s.Is, s.Before.String(), s.After.String(), space.FlowOf(s.NIC.ID, s.Tuple),
		})
	}
	return out
}

// shownUncovered is how many of each kind the text form lists.
const shownUncovered = 10

// WriteCoverage writes a coverage for people, all lists whole if all is set.
func WriteCoverage(w io.Writer, c *Coverage, all bool) error {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(Inert(fmt.Sprintf(format, args...)) + "\n") }
	list := func(n int, item func(i int)) {
		shown := n
		if !all && n > shownUncovered {
			shown = shownUncovered
		}
		for i := range shown {
			item(i)
		}
		if shown < n {
			line("  and %d more; --print-all lists them", n-shown)
		}
	}
	line("")
	line("rules: %d of %d exercised", c.Exercised, c.Rules)
	list(len(c.Idle), func(i int) {
		line("  not exercised: %s  (%s)", ruleText(c.Idle[i]), c.Idle[i].Origin)
	})
	line("boundaries: %d of %d exercised on both sides", c.BoundariesExercised, c.Boundaries)
	list(len(c.Open), func(i int) {
		o := &c.Open[i]
		line("  %s: %s %s | %s, nothing is asserted %s  (%s)", ruleText(o.Rule), o.Field, o.Inside, o.Outside, o.Missing, o.Rule.Origin)
	})
	tried := c.Mutants - c.NoEffect - c.NotTried
	line("changed rules: %d of %d noticed; %d more change no verdict", c.Killed, tried, c.NoEffect)
	if c.NotTried > 0 {
		line("  %d were not tried: the time was up (--coverage-time)", c.NotTried)
	}
	list(len(c.Survivors), func(i int) {
		s := &c.Survivors[i]
		told := space.FlowOf(s.NIC.ID, s.Tuple)
		line("  not noticed: %s  (%s)", s.String(), s.Rule.Origin)
		line("    for example %s %s at %s: %s → %s", s.Tuple.Direction, reach.FlowText(&told), s.NIC.Name, s.Before, s.After)
	})
	_, err := io.WriteString(w, b.String())
	return err
}

func ruleText(r *network.Rule) string { return network.LastSegment(r.GroupID()) + "/" + r.Name }
