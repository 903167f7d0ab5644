package lint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// A candidate is a rule that may be deletable.
type candidate struct {
	rule int
	twin int // an earlier rule that says the same, or -1
}

// list judges the rules of one direction against each other.
func (l *linter) list(ctx context.Context, b *bench, add func(Finding)) (candidates []candidate, err error) {
	twins := b.twins()
	// Of rules that say the same the first is judged as if it were alone.
	for i, twin := range twins {
		b.gone[i] = twin >= 0 && b.applies(i) && b.inhabited(i)
	}
	defer clear(b.gone)
	for i, r := range b.rules {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if r.Kind != network.UserRule || r.Direction != b.dir {
			continue // a rule whose direction nobody knows is malformed, and that is said
		}
		twin := twins[i]
		f := Finding{Rule: r}
		switch {
		case len(r.Source) == 0 || len(r.Destination) == 0:
			continue
		case !b.applies(i):
			f.Kind, f.Message = NeverApplies, l.nowhere(r)+where(b)
		case !b.inhabited(i):
			f.Kind, f.Message = NeverApplies, "none of the addresses of its "+localSide(b)+" is in a subnet that the group stands at"+where(b)
		case twin >= 0:
			f.Kind, f.By = Duplicate, []*network.Rule{b.rules[twin]}
			f.Message = "it says the same as " + label(b.rules[twin]) + ", which comes before it"
			if x := b.sample(i); x != nil {
				f.Witness = x.witness(b.dir)
			}
			candidates = append(candidates, candidate{i, twin})
		case b.shadowed(i):
			b.describeShadow(i, &f)
			candidates = append(candidates, candidate{i, -1})
		case b.redundant(i):
			b.describeRedundant(i, &f)
			candidates = append(candidates, candidate{i, -1})
		default:
			rest := b.partly(i)
			if rest == nil || catchAll(r) {
				continue
			}
			b.describePart(i, rest, &f)
		}
		add(f)
	}
	return candidates, nil
}

// twins finds for every user rule the first one that says the same, or -1.
func (b *bench) twins() []int {
	out, first := make([]int, len(b.rules)), map[string]int{}
	for i, r := range b.rules {
		out[i] = -1
		if r.Kind != network.UserRule || r.Direction != b.dir {
			continue
		}
		key := spelling(r)
		if j, ok := first[key]; ok && key != "" {
			out[i] = j
		} else {
			first[key] = i
		}
	}
	return out
}

func (b *bench) describeShadow(i int, f *Finding) {
	by, different, shown := b.blame(i)
	f.Kind, f.By, f.DifferentAction = Shadowed, b.pick(by), different
	if shown != nil {
		f.Witness = shown.witness(b.dir)
	}
	action := "with the same action"
	if different {
		action = "with another action"
	}
	f.Message = fmt.Sprintf("%s before it %s all that it matches, %s%s", labels(f.By), verb(len(by), "matches", "together match"), action, where(b))
}

func (b *bench) describeRedundant(i int, f *Finding) {
	by, shown := b.heirs(i)
	f.Kind, f.By = Redundant, b.pick(by)
	if shown != nil {
		f.Witness = shown.witness(b.dir)
	}
	f.Message = fmt.Sprintf("without it %s would decide its flows the same way%s", labels(f.By), where(b))
}

func (b *bench) describePart(i int, rest *seat, f *Finding) {
	by, different, shown := b.blame(i)
	f.Kind, f.By, f.DifferentAction = PartiallyShadowed, b.pick(by), different
	if shown != nil {
		f.Witness = shown.witness(b.dir)
	}
	const most = 64
	pieces, done := leftOver(rest.part[i].told, b.blockers(rest, i, i), most)
	var texts []string
	for _, p := range pieces[:min(len(pieces), shownPieces)] {
		texts = append(texts, (&sight{rest, p}).describe(b.dir))
	}
	left := strings.Join(texts, "; ")
	switch hidden := len(pieces) - shownPieces; {
	case !done || len(pieces) == most:
		left += "; and more"
	case hidden > 0:
		left += fmt.Sprintf("; and %d more", hidden)
	}
	f.Message = fmt.Sprintf("%s before it %s some of what it matches; left at %s: %s", labels(f.By), verb(len(by), "matches", "match"), rest.scope.name, left)
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func (b *bench) pick(list []int) []*network.Rule {
	out := make([]*network.Rule, len(list))
	for k, h := range list {
		out[k] = b.rules[h]
	}
	return out
}

// inhabited reports whether the local side of the rule meets any address where
// the scopes have, or may have, NICs.
func (b *bench) inhabited(i int) bool {
	return slices.ContainsFunc(b.spaces, func(s *seat) bool {
		most := s.part[i].told
		return most != nil && most[dimLocal].meets(s.inhabited)
	})
}

// sample shows any flow that the rule matches.
func (b *bench) sample(i int) *sight {
	for _, s := range b.spaces {
		if most := s.part[i].told; most != nil {
			return &sight{s, most}
		}
	}
	return nil
}

// plan tries the candidates from the last to the first, each with those already
// taken gone, and returns the rules that can be deleted together.
func (b *bench) plan(ctx context.Context, candidates []candidate) (out []*network.Rule, err error) {
	for _, c := range slices.Backward(candidates) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if c.twin >= 0 && !b.gone[c.twin] || b.redundant(c.rule) {
			b.gone[c.rule] = true
			out = append(out, b.rules[c.rule])
		}
	}
	slices.Reverse(out)
	return out, nil
}

func label(r *network.Rule) string {
	return fmt.Sprintf("%s (%s, priority %d)", r.Spelling(), r.Access, r.Priority)
}

// shownRules bounds the rules that a message names; Finding.By has them all.
const shownRules = 4

func labels(list []*network.Rule) string {
	var out []string
	for _, r := range list[:min(len(list), shownRules)] {
		out = append(out, label(r))
	}
	if n := len(list) - shownRules; n > 0 {
		out = append(out, fmt.Sprintf("%d more", n))
	}
	switch len(out) {
	case 0:
		return "no rule"
	case 1:
		return out[0]
	}
	return strings.Join(out[:len(out)-1], ", ") + " and " + out[len(out)-1]
}

// where names the scopes for which a claim was proven: all where the group
// stands.
func where(b *bench) string { return " (" + names(b.scopes) + ")" }

func localSide(b *bench) string {
	if b.dir == flow.Inbound {
		return "destination"
	}
	return "source"
}
