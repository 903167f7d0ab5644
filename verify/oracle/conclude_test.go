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
type completion []bool

// openPoint is one bit of a completion.
type openPoint struct {
	layer, may int // may is -1 for a missing layer, -2 for the access of sure
	access     bool
	facts      []string
}

func openPoints(layers []outcome) (points []openPoint) {
	for i, x := range layers {
		if x.missing != "" {
			points = append(points, openPoint{layer: i, may: -1, facts: []string{x.missing}})
			continue
		}
		for j, c := range x.may {
			points = append(points, openPoint{layer: i, may: j, facts: c.facts})
			if c.rule.Access == flow.Unknown {
				points = append(points, openPoint{layer: i, may: j, access: true, facts: c.facts})
			}
		}
	}
	return points
}

// settle walks the layers plainly under one completion.
func settle(layers []outcome, points []openPoint, bits completion) (flow.Access, flow.RuleRef, [3]flow.RuleRef) {
	at := func(layer, may int, access bool) bool {
		for k, p := range points {
			if p.layer == layer && p.may == may && p.access == access {
				return bits[k]
			}
		}
		panic("no such point")
	}
	var matched [3]flow.RuleRef
	var last flow.RuleRef
	for i, x := range layers {
		if x.missing != "" {
			last = -1
			if at(i, -1, false) {
				return flow.Deny, -1, matched
			}
			continue
		}
		rule, access := x.sure, x.sure.Access
		for j, c := range x.may {
			if at(i, j, false) {
				rule, access = c.rule, c.rule.Access
				if access == flow.Unknown {
					access = flow.Allow
					if at(i, j, true) {
						access = flow.Deny
					}
				}
				break
			}
		}
		matched[i], last = rule.Ref, rule.Ref
		if access == flow.Deny {
			return flow.Deny, rule.Ref, matched
		}
	}
	return flow.Allow, last, matched
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
		all := make([]answer, 1<<len(points))
		for n := range all {
			bits := make(completion, len(points))
			for k := range bits {
				bits[k] = n>>k&1 == 1
			}
			a := &all[n]
			a.access, a.rule, a.matched = settle(layers, points, bits)
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
	if certain && got.Rule != all[0].rule {
		return fmt.Sprintf("rule %d, want %d: the one when no doubtful rule matches", got.Rule, all[0].rule)
	}
	// A fact matters iff flipping its point changes the access (Unknown) or the rule.
	var facts []string
	for k, p := range points {
		for n := range all {
			a, b := all[n], all[n^1<<k]
			if !certain && a.access != b.access || certain && a.rule != b.rule {
				facts = append(facts, p.facts...)
				break
			}
		}
	}
	reason := join(facts)
	if certain && reason != "" {
		reason = flow.ReasonRuleUncertain + reason
	}
	if len(layers) > 0 && got.Reason != reason {
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
	order := [][]flow.Layer{{flow.Subnet, flow.NetworkInterface}, {flow.NetworkInterface, flow.Subnet}, {flow.Subnet}, {flow.NetworkInterface}}[rng.IntN(4)]
	ref := flow.RuleRef(0)
	rule := func(accesses int) *network.Rule {
		ref++
		return &network.Rule{Ref: ref, Access: [...]flow.Access{flow.Allow, flow.Deny, flow.Unknown}[rng.IntN(accesses)]}
	}
	var out []outcome
	for _, l := range order {
		x := outcome{layer: l}
		if rng.IntN(6) == 0 {
			x.missing = "missing-nsg:" + l.String()
			out = append(out, x)
			continue
		}
		for range rng.IntN(4) {
			r := rule(3)
			x.may = append(x.may, candidate{r, []string{fmt.Sprintf("fact-%d", r.Ref)}})
		}
		x.sure = rule(2)
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
