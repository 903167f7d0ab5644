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

// The members of rules of every kind. Those of the destination follow those of
// the source in the same order.
const (
	priorityField = iota
	directionField
	accessField
	protocolField
	sourceFields
	destinationFields = sourceFields + sideFieldCount
	ruleFieldCount    = destinationFields + sideFieldCount
)

const (
	prefixField = iota
	prefixesField
	groupsField
	portField
	portsField
	operandsField // of admin rules
	sideFieldCount
)

var ruleFields = jsontree.NewFields(
	"priority", "direction", "access", "protocol",
	"sourceAddressPrefix", "sourceAddressPrefixes", "sourceApplicationSecurityGroups", "sourcePortRange", "sourcePortRanges", "sources",
	"destinationAddressPrefix", "destinationAddressPrefixes", "destinationApplicationSecurityGroups", "destinationPortRange", "destinationPortRanges", "destinations",
)

// side is one side of a rule.
type side int

const (
	source      side = sourceFields
	destination side = destinationFields
)

func (s side) String() string {
	if s == source {
		return "source"
	}
	return "destination"
}

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

// newRule begins to read a rule. One is read to its end before the next begins.
func (r *reader) newRule(n, p *jsontree.Node, id, name string, kind network.RuleKind) ruleReader {
	f := &r.store.fields
	ruleFields.Of(p, f[:])
	if p.Residue() {
		for i := range f {
			f[i] = p
		}
	}
	rule := r.store.rules.add()
	rule.Kind, rule.ID, rule.Origin = kind, r.store.text(id), n.Origin()
	if strings.HasSuffix(rule.ID, name) {
		rule.Name = rule.ID[len(rule.ID)-len(name):]
	} else {
		rule.Name = r.store.text(name)
	}
	return ruleReader{reader: r, p: p, Rule: rule}
}

// field returns a member, or the residue that all properties are.
func (q *ruleReader) field(i int) *jsontree.Node { return q.store.fields[i] }

func (q *ruleReader) of(s side, i int) *jsontree.Node { return q.field(int(s) + i) }

// rule reads a security rule of the group with the id.
func (r *reader) rule(n *jsontree.Node, group string, kind network.RuleKind) *network.Rule {
	segment := "securityRules"
	if kind == network.DefaultRule {
		segment = "defaultSecurityRules"
	}
	var f [3]*jsontree.Node
	itemFields.Of(n, f[:])
	id, name := identityOf(f[0], f[1], group, segment)
	return r.ruleNamed(n, orFlat(f[2], n), f[1], id, name, kind)
}

// itemFields are the members of an object that stands in a list of another.
var itemFields = jsontree.NewFields("id", "name", "properties")

func (r *reader) ruleNamed(n, p, named *jsontree.Node, id, name string, kind network.RuleKind) *network.Rule {
	q := r.newRule(n, p, id, name, kind)
	if name == "" || named.Residue() {
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
	q.Source, q.Text.Source = q.side(source)
	q.Destination, q.Text.Destination = q.side(destination)
	q.SourcePorts, q.Text.SourcePorts = q.ports(source)
	q.DestinationPorts, q.Text.DestinationPorts = q.ports(destination)
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
	for _, n := range q.store.fields[:sourceFields] {
		if n != nil {
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
	n := q.field(priorityField)
	q.Text.Priority = q.store.word(n.Text())
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
	n := q.field(directionField)
	word := ""
	q.Text.Direction, word = q.store.usual(n.Text())
	if q.residue(n) {
		return
	}
	switch word {
	case "inbound":
		q.Direction = flow.Inbound
	case "outbound":
		q.Direction = flow.Outbound
	default:
		q.badWord(n, "direction", "Inbound", "Outbound")
	}
}

func (q *ruleReader) readAccess() {
	n := q.field(accessField)
	word := ""
	q.Text.Access, word = q.store.usual(n.Text())
	if q.residue(n) {
		return
	}
	switch {
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
	n := q.field(protocolField)
	text := ""
	q.Text.Protocol, text = q.store.usual(n.Text())
	q.Protocol = network.AnyProtocol
	if q.residue(n) {
		return
	}
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
// when both are used. They hold until the next call.
func (q *ruleReader) forms(s side, singular, plural int) []*jsontree.Node {
	one := appendWords(q.store.one[:0], q.of(s, singular))
	many := appendWords(q.store.many[:0], q.of(s, plural))
	q.store.one, q.store.many = one, many
	switch {
	case len(many) == 0:
		return one
	case len(one) == 0 || q.effective:
		return many
	case q.p.Residue():
		return one
	}
	name := s.String() + "AddressPrefix"
	if singular == portField {
		name = s.String() + "PortRange"
	}
	q.faults.Warnf(one[0].Origin(), "both-forms", "rule %s uses both %s and %s; both count", quote(q.Name), name, pluralOf(name))
	q.store.one = append(one, many...)
	return q.store.one
}

func pluralOf(name string) string {
	if strings.HasSuffix(name, "x") {
		return name + "es"
	}
	return name + "s"
}

// side reads the addresses of one side.
func (q *ruleReader) side(s side) (selectors []network.Selector, texts []string) {
	prefixes, groups := q.forms(s, prefixField, prefixesField), q.store.groups[:0]
	if !q.p.Residue() {
		groups = appendWords(groups, q.of(s, groupsField))
		q.store.groups = groups
	}
	out, names := q.store.selectors.room(len(prefixes)+len(groups)), seen{list: q.store.names[:0]}
	for _, n := range prefixes {
		out = out[:len(out)+1]
		one := &out[len(out)-1]
		if !q.plainPrefix(n, one) {
			*one = q.selector(n)
		}
		if !names.add(one.Text) {
			out = out[:len(out)-1]
		}
	}
	for i, n := range groups {
		if i == 0 && len(out) > 0 && !q.effective {
			q.faults.Warnf(n.Origin(), "both-forms", "rule %s uses both %sAddressPrefix and application security groups; both count", quote(q.Name), s)
		}
		group := q.asg(n)
		out, names.list = append(out, group), append(names.list, group.Text)
	}
	if len(out) == 0 {
		q.faults.Warnf(q.Origin, "empty-side",
			"rule %s names no %[2]s, which Azure refuses; it matches nothing; give %[2]sAddressPrefix or %[2]sAddressPrefixes", quote(q.Name), s)
	}
	q.store.names = names.list
	return q.store.keepSelectors(out), q.store.keepTexts(names.list)
}

// seen is a list of texts, each once.
type seen struct {
	list []string
	set  map[string]bool // of a long list
}

// add appends the text and reports whether it is new.
func (s *seen) add(text string) bool {
	const long = 32
	switch {
	case len(s.list) < long:
		if slices.Contains(s.list, text) {
			return false
		}
	case s.set[text]:
		return false
	case s.set == nil:
		s.set = map[string]bool{}
		for _, t := range s.list {
			s.set[t] = true
		}
		if s.set[text] {
			return false
		}
	}
	s.list = append(s.list, text)
	if s.set != nil {
		s.set[text] = true
	}
	return true
}

// plainPrefix reads what nearly all selectors are, as selector would.
func (q *ruleReader) plainPrefix(n *jsontree.Node, to *network.Selector) bool {
	text, ok := n.Str()
	if !ok || n.Residue() {
		return false
	}
	p, ok := network.PlainPrefix(text)
	if !ok {
		return false
	}
	*to = network.Selector{Kind: network.SelectPrefix, Prefix: p, Text: q.store.word(text)}
	if q.effective && p.Bits() == 0 {
		to.Kind = network.SelectAny
	}
	return true
}

func (q *ruleReader) selector(n *jsontree.Node) network.Selector {
	text := q.store.word(n.Text())
	if n.Residue() {
		q.Text.Unresolved = true
		return network.Selector{Kind: network.SelectUnknown, Text: text, Fact: factAt(n)}
	}
	const allowed = "an address prefix, a service tag or *"
	if truncated(text) || n.Kind() != jsontree.String && n.Kind() != jsontree.Number {
		q.badPrefix(n, allowed)
		return network.Selector{Kind: network.SelectUnknown, Text: text, Fact: q.invalid()}
	}
	s, remark, ok := network.ParseSelector(text)
	if !ok {
		q.badPrefix(n, allowed)
		return network.Selector{Kind: network.SelectUnknown, Text: text, Fact: q.invalid()}
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
		return network.Selector{Kind: network.SelectASG, Text: q.store.text(id)}
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
	return network.Selector{Kind: network.SelectUnknown, Text: q.store.text(text), Fact: fact}
}

// ports reads the ports of one side.
func (q *ruleReader) ports(s side) (ports []flow.PortRange, texts []string) {
	out, names := q.store.ranges[:0], seen{list: q.store.names[:0]}
	widen := false
	for _, n := range q.forms(s, portField, portsField) {
		text := q.store.word(strings.TrimSpace(n.Text()))
		if !names.add(text) {
			continue
		}
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
	if len(names.list) == 0 {
		q.refuse(nil, "bad-port", "the %[1]s ports are missing; give %[1]sPortRange or %[1]sPortRanges: *, N or N-M", s)
		widen = true
	}
	q.store.ranges, q.store.names = out, names.list
	if widen {
		out = allPorts
	}
	return q.store.keepPorts(out), q.store.keepTexts(names.list)
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
	for _, side := range [...][]network.Selector{q.Source, q.Destination} {
		for i := range side {
			if s := &side[i]; s.Kind == network.SelectPrefix {
				has4 = has4 || s.Prefix.Addr().Is4()
				has6 = has6 || s.Prefix.Addr().Is6()
			}
		}
	}
	if has4 && has6 && !q.effective {
		q.faults.Warnf(q.Origin, "ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies",
			"rule %s mixes IPv4 and IPv6 prefixes, which Azure refuses; each packet is compared with those of its own family", quote(q.Name))
	}
}
