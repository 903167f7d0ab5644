package azure

import (
	"net/netip"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// EffectiveNSG is one answer of the effective-security-rules API for one NIC: the
// security groups on its subnet and on itself, with every tag expanded.
type EffectiveNSG struct {
	Path   string
	Origin diag.Origin // of its first group
	// NICID is the NIC, "" when only a subnet is associated: then the answer
	// does not say which NIC of the subnet was asked about.
	NICID  string
	Groups []EffectiveGroup

	joined bool // cut out of a list that held several NICs' answers
}

// EffectiveGroup is one element of the answer. With both SubnetID and NICID set
// the group is associated twice and stands for two layers.
type EffectiveGroup struct {
	Origin    diag.Origin
	GroupID   string
	SubnetID  string
	NICID     string
	ManagerID string // a network manager: the rules are admin rules
	Rules     []EffectiveRule
	Tags      []EffectiveTag // tagMap, as listed
	Facts     []string       // what could not be read
	Node      *jsontree.Node
}

// EffectiveRule is a rule as the API normalises it. Its name is without the
// prefix that tells user and default rules apart (Kind does), 0.0.0.0/0 is
// SelectAny, and repeated prefixes are there once.
type EffectiveRule struct {
	*network.Rule
	// What the API says a tag side expands to; nil when it says nothing.
	ExpandedSource, ExpandedDestination []netip.Prefix
}

// EffectiveTag is one entry of a tagMap.
type EffectiveTag struct {
	Name     string
	Prefixes []netip.Prefix
	Facts    []string // of an answer of our own: there may be more
}

func (w *walk) effectiveNSG(groups []*jsontree.Node) EffectiveNSG {
	r := w.reader()
	e := EffectiveNSG{Path: w.path, Origin: groups[0].Origin()}
	for _, n := range groups {
		g := r.effectiveGroup(n)
		if e.NICID == "" {
			e.NICID = g.NICID
		}
		e.Groups = append(e.Groups, g)
	}
	return e
}

func (r *reader) effectiveGroup(n *jsontree.Node) EffectiveGroup {
	g := EffectiveGroup{Origin: n.Origin(), Node: n}
	var unread [4]string
	g.GroupID, unread[0] = r.ref(n.Get("networkSecurityGroup"))
	association := n.Get("association")
	g.SubnetID, unread[1] = r.ref(association.Get("subnet"))
	g.NICID, unread[2] = r.ref(association.Get("networkInterface"))
	g.ManagerID, unread[3] = r.ref(association.Get("networkManager"))
	var inner []string
	for _, item := range list(n.Get("effectiveSecurityRules")) {
		if item.Kind() != jsontree.Object {
			inner = append(inner, factAt(item))
			r.badPrefix(item, "an effective security rule")
			continue
		}
		rule, unreadSides := r.effectiveRule(item, g.GroupID)
		g.Rules = append(g.Rules, rule)
		inner = append(inner, unreadSides...)
	}
	// The swagger calls tagMap a string; the API answers an object.
	for _, m := range n.Get("tagMap").Members() {
		prefixes, unreadTag := r.prefixes("an address prefix", m.Value)
		g.Tags = append(g.Tags, EffectiveTag{Name: m.Name, Prefixes: prefixes})
		inner = append(inner, unreadTag...)
	}
	g.Facts = facts(unread[:], inner)
	r.ownDoubts(&g, n.Get("ipflow"))
	return g
}

// ownDoubts reads what the command effective adds to its answer: the facts that
// leave the group, a tag or a rule open. Read back, the answer is as uncertain.
func (r *reader) ownDoubts(g *EffectiveGroup, n *jsontree.Node) {
	texts := func(n *jsontree.Node) (out []string) {
		for _, item := range words(n) {
			out = append(out, item.Text())
		}
		return out
	}
	g.Facts = facts(g.Facts, texts(n.Get("group")))
	for _, m := range n.Get("unknownTags").Members() {
		for i := range g.Tags {
			if strings.EqualFold(g.Tags[i].Name, m.Name) {
				g.Tags[i].Facts = texts(m.Value)
			}
		}
	}
	for _, m := range n.Get("rules").Members() {
		for _, rule := range g.Rules {
			if rule.Spelling() == m.Name || rule.Name == m.Name {
				for _, f := range texts(m.Value) {
					rule.AddFact(f)
				}
			}
		}
	}
}

func (r *reader) effectiveRule(n *jsontree.Node, group string) (EffectiveRule, []string) {
	kind, segment := network.UserRule, "securityRules"
	name := n.Get("name").Text()
	if prefix, rest, ok := strings.Cut(name, "/"); ok {
		name = rest
		if strings.EqualFold(prefix, "defaultSecurityRules") {
			kind, segment = network.DefaultRule, prefix
		}
	}
	id := group + "/" + segment + "/" + name
	q := r.newRule(n, properties(n), id, name, kind)
	q.effective = true
	q.read()
	out := EffectiveRule{Rule: q.Rule}
	var unread, unread2 []string
	out.ExpandedSource, unread = r.prefixes("an address prefix", q.p.Get("expandedSourceAddressPrefix"))
	out.ExpandedDestination, unread2 = r.prefixes("an address prefix", q.p.Get("expandedDestinationAddressPrefix"))
	return out, append(unread, unread2...)
}
