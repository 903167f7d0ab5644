package index

import (
	"slices"
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// fact is a fact by number. Texts are interned from 0 up. Facts about one rule
// alone, of which a large estate has millions, are negative and have no text until
// one is asked for.
type fact int32

// ruleFact is a kind of fact about one rule.
type ruleFact int32

const (
	icmpOnIPv6 ruleFact = iota
	portsOnPortless
	sourcePortUnspecified
	ruleFacts // how many there are
)

var ruleFactText = [ruleFacts]string{"icmp-on-ipv6:", "ports-on-portless:", "source-port-unspecified:"}

// factOf returns a fact about a rule. Admin rules stand in several lists, under a
// number each: their facts are interned, so that equal texts are one fact.
func (c *compiler) factOf(kind ruleFact, r *network.Rule) fact {
	if r.Kind == network.AdminRule {
		return c.intern.fact(ruleFactText[kind] + r.ID)
	}
	return -1 - fact(r.Ref)*fact(ruleFacts) - fact(kind)
}

// text returns the fact as written in reasons.
func (c *compiler) text(f fact) string {
	if f >= 0 {
		return c.intern.text(f)
	}
	n := -1 - f
	return ruleFactText[n%fact(ruleFacts)] + c.net.Rule(flow.RuleRef(n/fact(ruleFacts))).ID
}

// names returns the facts as sorted distinct texts.
func (c *compiler) names(facts []fact) []string {
	if len(facts) == 0 {
		return nil
	}
	var out []string
	for _, f := range facts {
		out = append(out, strings.Split(c.text(f), ",")...) // one may hold several
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// union of two sorted fact lists without repeats.
func unionFacts(a, b []fact) []fact {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	out := append(slices.Clip(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}
