package assert

import (
	"fmt"
	"strings"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/ingest/suite"
	"ipflow/verify/reach"
)

// fault says why an assertion cannot be asked.
type fault struct {
	at              diag.Origin
	message, remedy string
}

// question is an assertion whose words are looked up.
type question struct {
	selection
	direction flow.Direction
	expect    flow.Access // Unknown when only entries alone are asked about
	by        map[flow.RuleRef]bool
	entries   []entry
}

// selection is a set of flows in the packet's direction.
type selection struct {
	from, to  []end
	protocols index.Protocols             // never empty
	ports     interval.Set[interval.Port] // nil for all
}

// end is one of the ends that a suite lists.
type end struct {
	*reach.End
	word suite.Word
}

// entry is a set of flows that may be allowed.
type entry struct {
	selection
	far []end // set in place of the selection
}

var anything = end{End: &reach.Anything}

func (c *Checker) compile(a *suite.Assertion) (*question, *fault) {
	q := &question{direction: a.Direction, expect: a.Expect}
	var bad *fault
	if q.selection, bad = c.selection(&a.Selection); bad != nil {
		return nil, bad
	}
	if q.by, bad = c.rulesNamed(a.By); bad != nil {
		return nil, bad
	}
	for i := range a.Only {
		e := &a.Only[i]
		var out entry
		if e.Far.Text != "" {
			out.far, bad = c.resolve([]suite.Word{e.Far})
		} else {
			out.selection, bad = c.selection(&e.Selection)
		}
		if bad != nil {
			return nil, bad
		}
		q.entries = append(q.entries, out)
	}
	return q, nil
}

func (c *Checker) selection(s *suite.Selection) (out selection, bad *fault) {
	if out.from, bad = c.resolve(s.From); bad != nil {
		return out, bad
	}
	if out.to, bad = c.resolve(s.To); bad != nil {
		return out, bad
	}
	out.protocols = protocolsOf(s.Protocols)
	if len(s.Ports) > 0 {
		list := make([]interval.Range[interval.Port], len(s.Ports))
		for i, r := range s.Ports {
			list[i] = interval.Range[interval.Port]{First: interval.Port(r.First), Last: interval.Port(r.Last)}
		}
		out.ports = interval.Of(list)
	}
	return out, nil
}

// protocolsOf returns the protocols of the ranges, all for none.
func protocolsOf(list []suite.ProtocolRange) (out index.Protocols) {
	if len(list) == 0 {
		return index.AllProtocols
	}
	for _, r := range list {
		for p := int(r.First); p <= int(r.Last); p++ {
			out[p>>6] |= 1 << (p & 63)
		}
	}
	return out
}

// resolve looks ends up; none means any end.
func (c *Checker) resolve(words []suite.Word) ([]end, *fault) {
	if len(words) == 0 {
		return []end{anything}, nil
	}
	out := make([]end, len(words))
	for i, w := range words {
		e, known := c.ends[w.Text]
		if !known {
			found, err := reach.Resolve(c.net, w.Text)
			if err != nil {
				return nil, &fault{w.At, err.Error(), "correct the name, or add what it names to the snapshot"}
			}
			e = &found
			c.prober.Prepare(e)
			c.ends[w.Text] = e
		}
		out[i] = end{e, w}
	}
	return out, nil
}

// rulesNamed looks rules up in all spellings: NAME, securityRules/NAME,
// UserRule_NAME, NSG/NAME or an id. nil means any rule.
func (c *Checker) rulesNamed(words []suite.Word) (map[flow.RuleRef]bool, *fault) {
	if len(words) == 0 {
		return nil, nil
	}
	if c.rules == nil {
		c.rules = map[string][]flow.RuleRef{}
		for ref := 1; ref < c.net.RuleCount(); ref++ {
			r := c.net.Rule(flow.RuleRef(ref))
			for _, s := range spellings(r) {
				c.rules[s] = append(c.rules[s], r.Ref)
			}
		}
	}
	out := map[flow.RuleRef]bool{}
	for _, w := range words {
		refs := c.rules[network.Key(w.Text)]
		if len(refs) == 0 {
			return nil, &fault{w.At, fmt.Sprintf("no rule %q is in the snapshot%s", w.Text, c.nearestRule(w.Text)), "correct by: a rule's name, NSG/NAME or id"}
		}
		for _, ref := range refs {
			out[ref] = true
		}
	}
	return out, nil
}

// spellings returns the keys under which a rule is found, each once.
func spellings(r *network.Rule) []string {
	group := network.LastSegment(r.GroupID())
	list := []string{r.ID, r.Name, r.Spelling(), r.DiagnosticSpelling(), group + "/" + r.Name, group + "/" + r.Spelling()}
	var out []string
	seen := map[string]bool{}
	for _, s := range list {
		if k := network.Key(s); !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}

func (c *Checker) nearestRule(text string) string {
	best, at := "", 3
	name := network.Key(network.LastSegment(text))
	for ref := 1; ref < c.net.RuleCount(); ref++ {
		r := c.net.Rule(flow.RuleRef(ref))
		if d := diag.Distance(name, network.Key(r.Name)); d < at || d == at && best != "" && r.Name < best {
			best, at = r.Name, d
		}
	}
	if best == "" || at >= len(best) {
		return ""
	}
	return "; did you mean " + strings.TrimSpace(best) + "?"
}
