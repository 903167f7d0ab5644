package assert

import (
	"fmt"
	"slices"
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/ingest/suite"
	"ipflow/verify/reach"
	"ipflow/verify/space"
)

// shownFlows is how many sets of flows a result tells.
const shownFlows = 4

// tell fills in what goes otherwise.
func (c *Checker) tell(r *Result, list []finding) {
	f := &list[0]
	w := &Witness{NIC: f.WitnessNIC, Tuple: f.Witness, Decision: c.prober.WitnessDecision(&f.Set)}
	w.By = c.net.Rule(w.Rule)
	r.Witness = w
	nics := map[*network.NIC]bool{}
	seen := map[string]bool{}
	for i := range list {
		for _, n := range list[i].NICs {
			nics[n] = true
		}
		for k := range list[i].Boxes {
			b := &list[i].Boxes[k]
			text := b.Access.String() + ": " + reach.BoxText(list[i].Direction, b)
			switch {
			case seen[text]:
			case len(r.Flows) < shownFlows:
				r.Flows = append(r.Flows, text)
			default:
				r.More++
			}
			seen[text] = true
		}
	}
	r.Message = c.found(f, w)
	if r.NICs > 1 {
		r.Message += fmt.Sprintf(" (at %d of %d NICs)", len(nics), r.NICs)
	}
	r.Remedy = c.remedy(f, w)
}

// found says what a witness shows.
func (c *Checker) found(f *finding, w *Witness) string {
	told := space.FlowOf(w.NIC.ID, w.Tuple)
	text := fmt.Sprintf("%s %s at %s is %s", w.Tuple.Direction, reach.FlowText(&told), w.NIC.Name, w.Access)
	because := c.prober.Because(w.Decision)
	switch {
	case f.part == beyond && w.Access == flow.Allow:
		text = "beyond only: " + text
	case w.Access == f.expect && w.By != nil && !f.by[w.Rule]:
		return text + ", but another rule decides: " + strings.TrimPrefix(because, "by ")
	case w.Access == f.expect && w.By == nil:
		return text + ", but no rule decides: " + because
	}
	if because == "" {
		return text
	}
	return text + ", " + because
}

// remedy says how a failure is mended.
func (c *Checker) remedy(f *finding, w *Witness) string {
	place := "the rules"
	if w.By != nil {
		place = network.LastSegment(w.By.GroupID()) + ", " + w.By.Spelling()
		if w.By.Kind == network.UserRule {
			place += fmt.Sprintf(" (priority %d)", w.By.Priority)
		}
	}
	otherwise := "correct the assertion"
	if f.part == beyond {
		otherwise = "add the flow to only"
	}
	switch {
	case w.Access == f.expect:
		return "correct by, or move the rule that is meant before " + place
	case w.By != nil && w.By.Kind == network.DefaultRule && w.Access == flow.Allow:
		return "put a rule that denies it before the default rules of " + network.LastSegment(w.By.GroupID()) + ", or " + otherwise
	case f.expect == flow.Deny && w.By == nil && w.Access == flow.Allow:
		return "no security group stands here: associate one with the subnet or the NIC"
	case f.expect == flow.Deny:
		return "narrow or delete " + place + ", put a rule that denies before it, or " + otherwise
	}
	return "put a rule that allows it before " + place + ", or correct the assertion"
}

// factRemedies say where a kind of missing fact is found.
var factRemedies = []struct{ kind, text string }{
	{"unknown-tag:", "name a service-tag file with --service-tags"},
	{"missing-nsg:", "export the security group"},
	{"missing-vnet:", "export the virtual network"},
	{"missing-subnet:", "export the subnet's virtual network"},
	{"missing-route-table:", "export the route table"},
	{"missing-peer:", "export the peered virtual network"},
	{"missing-nic:", "export the NIC"},
	{"missing-address:", "export the NIC with its private address"},
	{"truncated-export:", "export again, with all pages"},
	{"gateway-prefixes:", "export local network gateways and connections, or effective routes"},
	{"unresolved:", "give the template its parameters ('ipflow inspect' shows which)"},
	{"invalid-rule:", "mend the rule"},
	{"icmp-on-ipv6:", "see 'ipflow assumptions'"},
	{"ports-on-portless:", "see 'ipflow assumptions'"},
}

func factRemedy(facts []string) string {
	var out []string
	for _, f := range facts {
		for _, r := range factRemedies {
			if strings.HasPrefix(f, r.kind) && !slices.Contains(out, r.text) {
				out = append(out, r.text)
			}
		}
	}
	if len(out) == 0 {
		return "add the missing facts to the snapshot"
	}
	return strings.Join(out, "; ")
}

// expectedText says in words what is expected.
func expectedText(a *suite.Assertion) string {
	flows := flowsText(&a.Selection)
	if a.Direction != 0 {
		flows += ", asked " + a.Direction.String()
	}
	var out string
	switch {
	case len(a.Only) > 0 && a.Expect == flow.Allow:
		out = "Allow for exactly these flows " + flows + ": " + entriesText(a.Only)
	case len(a.Only) > 0:
		out = "of the flows " + flows + ", at most these are allowed: " + entriesText(a.Only)
	default:
		out = a.Expect.String() + " for every flow " + flows
	}
	if len(a.By) > 0 {
		out += ", by " + wordsText(a.By, " or ")
	}
	return out
}

func flowsText(s *suite.Selection) string {
	out := "from " + endText(s.From) + " to " + endText(s.To)
	if len(s.Protocols) > 0 {
		out += ", " + space.ProtocolsText(protocolsOf(s.Protocols))
	}
	if len(s.Ports) > 0 {
		ports := make([]string, len(s.Ports))
		for i, p := range s.Ports {
			ports[i] = portText(p)
		}
		noun := "ports"
		if len(ports) == 1 && s.Ports[0].First == s.Ports[0].Last {
			noun = "port"
		}
		out += ", " + noun + " " + few(ports, ", ")
	}
	return out
}

func endText(list []suite.Word) string {
	if len(list) == 0 {
		return "*"
	}
	return wordsText(list, ", ")
}

func wordsText(list []suite.Word, by string) string {
	texts := make([]string, len(list))
	for i, w := range list {
		texts[i] = w.Text
	}
	return few(texts, by)
}

func entriesText(list []suite.Entry) string {
	texts := make([]string, len(list))
	for i := range list {
		if e := &list[i]; e.Far.Text != "" {
			texts[i] = "with " + e.Far.Text
		} else {
			texts[i] = flowsText(&e.Selection)
		}
	}
	return few(texts, "; ")
}

func portText(p flow.PortRange) string {
	if p.First == p.Last {
		return fmt.Sprint(p.First)
	}
	return fmt.Sprintf("%d-%d", p.First, p.Last)
}

// shownWords bounds the words of one list.
const shownWords = 6

func few(list []string, by string) string {
	if len(list) <= shownWords {
		return strings.Join(list, by)
	}
	return strings.Join(list[:shownWords-1], by) + fmt.Sprintf(" and %d more", len(list)-shownWords+1)
}

func count(n int, noun string) string { return fmt.Sprintf("%d %s", n, plural(n, noun)) }

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
