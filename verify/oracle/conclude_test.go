package oracle

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// A completion settles every open point of some layers: which doubtful rules
// match, how unreadable accesses and missing layers end.
type completion []int

// openPoint is one digit of a completion.
type openPoint struct {
	layer, may int // may is -1 for a missing layer
	access     bool
	values     []ends // nil: whether the rule matches; else how it ends
	facts      []string
}

func openPoints(layers []outcome) (points []openPoint) {
	for i, x := range layers {
		every := []ends{passes, denies}
		if x.layer == flow.SecurityAdmin {
			every = append(every, allows)
		}
		if x.missing != "" {
			points = append(points, openPoint{layer: i, may: -1, values: every, facts: []string{x.missing}})
			continue
		}
		for j, c := range x.may {
			points = append(points, openPoint{layer: i, may: j, facts: c.facts})
			if c.rule.Access == flow.Unknown {
				points = append(points, openPoint{layer: i, may: j, access: true, values: every, facts: c.facts})
			}
		}
	}
	return points
}

func (p *openPoint) count() int { return max(2, len(p.values)) }

// settle walks the layers plainly under one completion.
func settle(layers []outcome, points []openPoint, digits completion) (a answer) {
	at := func(layer, may int, access bool) (int, []ends) {
		for k, p := range points {
			if p.layer == layer && p.may == may && p.access == access {
				return digits[k], p.values
			}
		}
		panic("no such point")
	}
	a.access = flow.Allow
	for i, x := range layers {
		rule, end := x.sure, passes
		if x.missing != "" {
			d, values := at(i, -1, false)
			rule, end = &network.Rule{Ref: -1}, values[d]
		} else {
			access := false
			for j, c := range x.may {
				if d, _ := at(i, j, false); d == 1 {
					rule, access = c.rule, c.rule.Access == flow.Unknown
					if access {
						d, values := at(i, j, true)
						end = values[d]
					}
					break
				}
			}
			if !access && rule != nil {
				switch {
				case rule.Access == flow.Deny:
					end = denies
				case rule.Always:
					end = allows
				}
			}
		}
		if rule == nil {
			continue
		}
		a.rule = rule.Ref
		if rule.Ref > 0 {
			a.matched[i] = rule.Ref
		}
		switch end {
		case denies:
			a.access = flow.Deny
			return a
		case allows:
			return a
		}
	}
	return a
}

// next counts up; false after the last completion.
func (c completion) next(points []openPoint) bool {
	for k := range c {
		if c[k]++; c[k] < points[k].count() {
			return true
		}
		c[k] = 0
	}
	return false
}

// TestConcludeEqualsEveryCompletion enumerates all completions of random layers
// and checks the verdict against CONTRACT's words: an access is certain iff all
// completions agree, and a fact is named iff settling its point can change the
// answer.
func TestConcludeEqualsEveryCompletion(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	for round := range 20000 {
		layers := randomLayers(rng)
		points := openPoints(layers)
		var all []answer
		for digits := make(completion, len(points)); ; {
			all = append(all, settle(layers, points, digits))
			if !digits.next(points) {
				break
			}
		}
		if msg := compare(layers, points, all); msg != "" {
			t.Fatalf("round %d: %s\n%s", round, msg, show(layers))
		}
	}
}

type answer struct {
	access  flow.Access
	rule    flow.RuleRef
	matched [3]flow.RuleRef
}

func compare(layers []outcome, points []openPoint, all []answer) string {
	got := conclude(layers)
	certain := !slices.ContainsFunc(all, func(a answer) bool { return a.access != all[0].access })
	want := flow.Unknown
	if certain {
		want = all[0].access
	}
	if got.Access != want {
		return fmt.Sprintf("access %v, want %v", got.Access, want)
	}
	if certain && got.Rule != all[0].rule && all[0].rule > 0 {
		return fmt.Sprintf("rule %d, want %d: the one when no doubtful rule matches", got.Rule, all[0].rule)
	}
	// A fact matters iff flipping its point changes the access (Unknown) or the rule.
	var facts []string
	stride := 1
	for k := range points {
		p := &points[k]
		for n := range all {
			digit := n / stride % p.count()
			a, b := all[n], all[n-digit*stride] // the same completion with this digit 0
			if !certain && a.access != b.access || certain && a.rule != b.rule {
				facts = append(facts, p.facts...)
				break
			}
		}
		stride *= p.count()
	}
	reason := join(facts)
	if certain && reason != "" {
		reason = flow.ReasonRuleUncertain + reason
	}
	if reason == "" && got.Rule == 0 {
		reason = flow.ReasonNoNSG
	}
	if got.Reason != reason {
		return fmt.Sprintf("reason %q, want %q", got.Reason, reason)
	}
	for i, x := range layers {
		same := !slices.ContainsFunc(all, func(a answer) bool { return a.matched[i] != all[0].matched[i] })
		want := flow.RuleRef(0)
		if same {
			want = all[0].matched[i]
		}
		if have := [...]flow.RuleRef{0, got.AdminRule, got.SubnetRule, got.NICRule}[x.layer]; have != want {
			return fmt.Sprintf("rule of %s is %d, want %d", x.layer, have, want)
		}
	}
	return ""
}

func randomLayers(rng *rand.Rand) []outcome {
	order := [][]flow.Layer{{flow.Subnet, flow.NetworkInterface}, {flow.NetworkInterface, flow.Subnet}, {flow.Subnet}, {flow.NetworkInterface}, nil}[rng.IntN(5)]
	if rng.IntN(2) == 0 {
		order = append([]flow.Layer{flow.SecurityAdmin}, order...)
	}
	ref := flow.RuleRef(0)
	rule := func(layer flow.Layer, accesses int) *network.Rule {
		ref++
		r := &network.Rule{Ref: ref, Access: [...]flow.Access{flow.Allow, flow.Deny, flow.Unknown}[rng.IntN(accesses)]}
		r.Always = layer == flow.SecurityAdmin && r.Access == flow.Allow && rng.IntN(2) == 0
		return r
	}
	var out []outcome
	for _, l := range order {
		x := outcome{layer: l}
		if rng.IntN(6) == 0 {
			x.missing = "missing:" + l.String()
			out = append(out, x)
			continue
		}
		for range rng.IntN(4) {
			r := rule(l, 3)
			x.may = append(x.may, candidate{r, []string{fmt.Sprintf("fact-%d", r.Ref)}})
		}
		if l != flow.SecurityAdmin || rng.IntN(2) == 0 {
			x.sure = rule(l, 2)
		}
		out = append(out, x)
	}
	return out
}

func show(layers []outcome) string {
	var b strings.Builder
	for _, x := range layers {
		fmt.Fprintf(&b, "%s missing=%q", x.layer, x.missing)
		for _, c := range x.may {
			fmt.Fprintf(&b, " may(%d %s)", c.rule.Ref, c.rule.Access)
		}
		if x.sure != nil {
			fmt.Fprintf(&b, " sure(%d %s)", x.sure.Ref, x.sure.Access)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
