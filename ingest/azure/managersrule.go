package azure

import (
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// adminRule reads a security admin rule, which differs from a security group's in
// its sides and in what an empty list means: anything.
func (r *reader) adminRule(n, p *jsontree.Node, id, name string) *network.ManagedRule {
	q := r.newRule(n, p, id, name, network.AdminRule)
	q.ManagerID = network.ManagerOf(q.ID)
	out := &network.ManagedRule{Rule: q.Rule}
	if q.hidden() {
		return out
	}
	q.readPriority()
	if v := q.Priority; v != 0 && (v < 1 || v > 4096) || v == 0 && q.Text.Priority == "0" {
		q.faults.Warnf(q.field(priorityField).Origin(), "priority-range", "%d is outside 1-4096", v)
	}
	q.readDirection()
	q.readAccess()
	q.readProtocol()
	q.Source, q.Text.Source, out.SourceGroups = q.adminSide(source)
	q.Destination, q.Text.Destination, out.DestinationGroups = q.adminSide(destination)
	q.SourcePorts, q.Text.SourcePorts = q.adminPorts(source)
	q.DestinationPorts, q.Text.DestinationPorts = q.adminPorts(destination)
	q.checkFamilies()
	return out
}

// adminPorts reads the ports of one side. The service accepts none and keeps it so.
func (q *ruleReader) adminPorts(s side) ([]flow.PortRange, []string) {
	n := q.of(s, portsField)
	if !n.Residue() && len(words(n)) == 0 && blank(q.of(s, portField)) {
		return []flow.PortRange{flow.AllPorts}, nil
	}
	return q.ports(s)
}

// adminSide reads the sources or destinations: network groups apart, since only
// the whole snapshot tells what they cover.
func (q *ruleReader) adminSide(s side) (out []network.Selector, texts, groups []string) {
	n := q.of(s, operandsField)
	items := words(n)
	if n.Residue() {
		items = []*jsontree.Node{n}
	}
	if len(items) == 0 {
		return []network.Selector{{Kind: network.SelectAny, Text: "*"}}, nil, nil
	}
	for _, item := range items {
		s, group := q.operand(item)
		texts = append(texts, s.Text)
		if group {
			groups = append(groups, s.Text)
		} else {
			out = append(out, s)
		}
	}
	return out, texts, groups
}

// operand reads one of the addresses of a side: {addressPrefixType,
// addressPrefix}, or just the text. Its words tell what it is where the type is
// left out.
func (q *ruleReader) operand(n *jsontree.Node) (s network.Selector, group bool) {
	value, kind := n, (*jsontree.Node)(nil)
	if n.Kind() == jsontree.Object {
		value, kind = n.Get("addressPrefix"), n.Get("addressPrefixType")
	}
	unknown := func(fact string) (network.Selector, bool) {
		return network.Selector{Kind: network.SelectUnknown, Text: value.Text(), Fact: fact}, false
	}
	text := strings.TrimSpace(value.Text())
	switch {
	case n.Residue() || value.Residue():
		return q.selector(orElse(value, n)), false
	case kind.Residue():
		q.Text.Unresolved = true
		return unknown(factAt(kind))
	}
	switch network.Key(strings.TrimSpace(kind.Text())) {
	case "", "ipprefix", "servicetag", "networkgroup":
	default:
		q.faults.Errorf(kind.Origin(), "bad-address-type", "%s is not an address prefix type; it is one of IPPrefix, ServiceTag, NetworkGroup%s",
			describe(kind), meant(kind.Text(), "IPPrefix", "ServiceTag", "NetworkGroup"))
		return unknown(q.invalid())
	}
	if network.Key(typeOf(text)) == typeNetworkGroup {
		return network.Selector{Text: text}, true
	}
	if strings.EqualFold(strings.TrimSpace(kind.Text()), "NetworkGroup") {
		q.faults.Errorf(orElse(value, n).Origin(), "bad-reference", "%s is not the id of a network group", describe(value))
		return unknown(q.invalid())
	}
	return q.selector(orElse(value, n)), false
}
