package azure

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// ruleReader reads one security rule. What cannot be read widens the rule.
type ruleReader struct {
	*reader
	*network.Rule
	p *jsontree.Node // its properties
	// effective says that the rule is from an effective-rules export: the
	// plural lists are the truth, the singular repeats their first element,
	// and 0.0.0.0/0 is how the API prints *.
	effective bool
}

// rule reads a security rule of the group with the id.
func (r *reader) rule(n *jsontree.Node, group string, kind network.RuleKind) *network.Rule {
	segment := "securityRules"
	if kind == network.DefaultRule {
		segment = "defaultSecurityRules"
	}
	id, name := childIdentity(n, group, segment)
	return r.ruleNamed(n, properties(n), id, name, kind)
}

func (r *reader) ruleNamed(n, p *jsontree.Node, id, name string, kind network.RuleKind) *network.Rule {
	q := ruleReader{
		reader: r, p: p,
		Rule: &network.Rule{Kind: kind, ID: id, Name: name, Origin: n.Origin()},
	}
	if name == "" || n.Get("name").Residue() {
		q.faults.Warnf(n.Origin(), "no-name", "the rule has no readable name")
	}
	q.read()
	return q.Rule
}

func (q *ruleReader) read() {
	if q.hidden() {
		return
	}
	q.readPriority()
	q.readDirection()
	q.readAccess()
	q.readProtocol()
	q.Source, q.Text.Source = q.side("source")
	q.Destination, q.Text.Destination = q.side("destination")
	q.SourcePorts, q.Text.SourcePorts = q.ports("source")
	q.DestinationPorts, q.Text.DestinationPorts = q.ports("destination")
	q.checkFamilies()
}

// ruleWords are the members without which a rule decides nothing.
var ruleWords = []string{"access", "direction", "priority", "protocol"}

// invalid is the fact of a field that Azure would refuse.
func (q *ruleReader) invalid() string { return "invalid-rule:" + q.ID }

// hidden widens a rule of which nothing but the name is visible to anything.
func (q *ruleReader) hidden() bool {
	if q.p.Residue() {
		return false // each field is that residue
	}
	for _, name := range ruleWords {
		if q.p.Get(name) != nil {
			return false
		}
	}
	q.faults.Errorf(q.Origin, "hidden-rule",
		"rule %s shows none of access, direction, priority and protocol; export the security group without choosing columns", quote(q.Name))
	q.AddFact(q.invalid())
	q.Protocol = network.AnyProtocol
	unknown := network.Selector{Kind: network.SelectUnknown, Fact: q.invalid()}
	q.Source, q.Destination = []network.Selector{unknown}, []network.Selector{unknown}
	q.SourcePorts, q.DestinationPorts = []flow.PortRange{flow.AllPorts}, []flow.PortRange{flow.AllPorts}
	return true
}

// residue keeps the fact of an unresolved field.
func (q *ruleReader) residue(n *jsontree.Node) bool {
	if n.Residue() {
		q.AddFact(factAt(n))
		q.Text.Unresolved = true
		return true
	}
	return false
}

// refuse reports a field that cannot be read, at its own place or the rule's.
func (q *ruleReader) refuse(n *jsontree.Node, code, format string, args ...any) {
	o := n.Origin()
	if n.Kind() == jsontree.Absent {
		o = q.Origin
	}
	message := fmt.Sprintf(format, args...)
	if n.Kind() == jsontree.Absent {
		message = "rule " + quote(q.Name) + ": " + message
	}
	if truncated(n.Text()) {
		message += "; " + depthRemedy
	}
	q.faults.Errorf(o, code, "%s", message)
	q.AddFact(q.invalid())
}

func (q *ruleReader) readPriority() {
	n := get(q.p, "priority")
	q.Text.Priority = n.Text()
	if q.residue(n) {
		return
	}
	v, ok := n.Int()
	switch {
	case blank(n):
		q.refuse(nil, "bad-priority", "the priority is missing; it is a number 100-4096")
	case !ok || v < math.MinInt32 || v > math.MaxInt32:
		q.refuse(n, "bad-priority", "%s is not a priority; it is a number 100-4096", describe(n))
	default:
		q.Priority = int32(v)
		if q.Kind == network.UserRule && !q.effective && (v < 100 || v > 4096) {
			q.faults.Warnf(n.Origin(), "priority-range", "%d is outside 100-4096", v)
		}
	}
}

func (q *ruleReader) readDirection() {
	n := get(q.p, "direction")
	q.Text.Direction = n.Text()
	if q.residue(n) {
		return
	}
	switch network.Key(strings.TrimSpace(n.Text())) {
	case "inbound":
		q.Direction = flow.Inbound
	case "outbound":
		q.Direction = flow.Outbound
	default:
		q.badWord(n, "direction", "Inbound", "Outbound")
	}
}

func (q *ruleReader) readAccess() {
	n := get(q.p, "access")
	q.Text.Access = n.Text()
	if q.residue(n) {
		return
	}
	switch word := network.Key(strings.TrimSpace(n.Text())); {
	case word == "allow":
		q.Access = flow.Allow
	case word == "deny":
		q.Access = flow.Deny
	case word == "alwaysallow" && (q.effective || q.Kind == network.AdminRule):
		q.Access, q.Always = flow.Allow, true
	default:
		q.badWord(n, "access", "Allow", "Deny")
	}
}

func (q *ruleReader) readProtocol() {
	n := get(q.p, "protocol")
	q.Text.Protocol = n.Text()
	q.Protocol = network.AnyProtocol
	if q.residue(n) {
		return
	}
	text := network.Key(strings.TrimSpace(n.Text()))
	switch text {
	case "*", "any", "all":
		return
	case "t", "u": // flow logs write these, rules do not
	default:
		if p, ok := flow.ParseProtocol(text); ok {
			q.Protocol = network.ProtocolMatch(p)
			return
		}
	}
	q.badWord(n, "protocol", "Tcp", "Udp", "Icmp", "Esp", "Ah", "*")
}

// badWord refuses a value that is none of an enum's words.
func (q *ruleReader) badWord(n *jsontree.Node, what string, allowed ...string) {
	if blank(n) {
		q.refuse(nil, "bad-"+what, "the %s is missing; it is one of %s", what, strings.Join(allowed, ", "))
		return
	}
	q.refuse(n, "bad-"+what, "%s is not a %s; it is one of %s%s",
		describe(n), what, strings.Join(allowed, ", "), meant(n.Text(), allowed...))
}

// forms returns the values of one side in the order singular, plural, warning
// when both are used.
func (q *ruleReader) forms(singular, plural string) []*jsontree.Node {
	one, many := words(get(q.p, singular)), words(get(q.p, plural))
	switch {
	case len(many) == 0:
		return one
	case len(one) == 0 || q.effective:
		return many
	case q.p.Residue():
		return one
	}
	q.faults.Warnf(one[0].Origin(), "both-forms", "rule %s uses both %s and %s; both count", quote(q.Name), singular, plural)
	return slices.Concat(one, many)
}

// side reads the addresses of one side.
func (q *ruleReader) side(side string) (out []network.Selector, texts []string) {
	singular := side + "AddressPrefix"
	for _, n := range q.forms(singular, singular+"es") {
		s := q.selector(n)
		if !slices.Contains(texts, s.Text) {
			out, texts = append(out, s), append(texts, s.Text)
		}
	}
	groups := get(q.p, side+"ApplicationSecurityGroups")
	if !q.p.Residue() {
		for i, n := range words(groups) {
			if i == 0 && len(out) > 0 && !q.effective {
				q.faults.Warnf(n.Origin(), "both-forms", "rule %s uses both %s and application security groups; both count", quote(q.Name), singular)
			}
			s := q.asg(n)
			out, texts = append(out, s), append(texts, s.Text)
		}
	}
	if len(out) == 0 {
		q.faults.Warnf(q.Origin, "empty-side",
			"rule %s names no %s, which Azure refuses; it matches nothing; give %s or %ses", quote(q.Name), side, singular, singular)
	}
	return out, texts
}

func (q *ruleReader) selector(n *jsontree.Node) network.Selector {
	unknown := network.Selector{Kind: network.SelectUnknown, Text: n.Text(), Fact: q.invalid()}
	if n.Residue() {
		q.Text.Unresolved = true
		unknown.Fact = factAt(n)
		return unknown
	}
	const allowed = "an address prefix, a service tag or *"
	if truncated(n.Text()) || n.Kind() != jsontree.String && n.Kind() != jsontree.Number {
		q.badPrefix(n, allowed)
		return unknown
	}
	s, remark, ok := network.ParseSelector(n.Text())
	if !ok {
		q.badPrefix(n, allowed)
		return unknown
	}
	if remark != "" {
		q.faults.Warnf(n.Origin(), remarkCode(remark), "%s", remark)
	}
	if q.effective && s.Kind == network.SelectPrefix && s.Prefix.Bits() == 0 && s.Prefix.Addr().Is4() {
		s.Kind = network.SelectAny
	}
	return s
}

func (q *ruleReader) asg(n *jsontree.Node) network.Selector {
	id, fact := q.ref(n)
	if id != "" {
		return network.Selector{Kind: network.SelectASG, Text: id}
	}
	text := n.Get("id").Text()
	if n.Residue() {
		text = n.Text()
	}
	q.Text.Unresolved = q.Text.Unresolved || n.Residue() || n.Get("id").Residue()
	if fact == "" {
		fact = q.invalid()
		q.faults.Errorf(n.Origin(), "bad-reference", "%s names no application security group; give its id", describe(n))
	} else if !n.Residue() && !n.Get("id").Residue() {
		fact = q.invalid()
	}
	return network.Selector{Kind: network.SelectUnknown, Text: text, Fact: fact}
}

// ports reads the ports of one side.
func (q *ruleReader) ports(side string) (out []flow.PortRange, texts []string) {
	singular := side + "PortRange"
	widen := false
	for _, n := range q.forms(singular, singular+"s") {
		text := strings.TrimSpace(n.Text())
		if slices.Contains(texts, text) {
			continue
		}
		texts = append(texts, text)
		if q.residue(n) {
			widen = true
			continue
		}
		p, ok := flow.ParsePortRange(text)
		if !ok {
			q.refuse(n, "bad-port", "%s is not a port; it is *, N or N-M within 0-65535%s", describe(n), portHint(text))
			widen = true
			continue
		}
		out = append(out, p)
	}
	if len(texts) == 0 {
		q.refuse(nil, "bad-port", "the %s ports are missing; give %s or %ss: *, N or N-M", side, singular, singular)
		widen = true
	}
	if widen {
		out = []flow.PortRange{flow.AllPorts}
	}
	return out, texts
}

// portHint explains the two commonest mistakes.
func portHint(text string) string {
	if strings.ContainsAny(text, ", ") {
		return "; several ports make a list (PowerShell: ConvertTo-Json -Depth 10)"
	}
	first, last, ok := strings.Cut(text, "-")
	a, err := strconv.Atoi(strings.TrimSpace(first))
	b, err2 := strconv.Atoi(strings.TrimSpace(last))
	if ok && err == nil && err2 == nil && a > b {
		return "; the range runs backwards"
	}
	return ""
}

// checkFamilies warns about what Azure refuses under the code it uses for that.
func (q *ruleReader) checkFamilies() {
	has4, has6 := false, false
	for _, s := range slices.Concat(q.Source, q.Destination) {
		if s.Kind == network.SelectPrefix {
			has4 = has4 || s.Prefix.Addr().Is4()
			has6 = has6 || s.Prefix.Addr().Is6()
		}
	}
	if has4 && has6 && !q.effective {
		q.faults.Warnf(q.Origin, "ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies",
			"rule %s mixes IPv4 and IPv6 prefixes, which Azure refuses; each packet is compared with those of its own family", quote(q.Name))
	}
}
