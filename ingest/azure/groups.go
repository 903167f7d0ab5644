package azure

import (
	"slices"
	"strings"

	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// securityGroups reads security groups and adds the rules that are documents of
// their own.
func (b *builder) securityGroups() {
	paths := map[*network.SecurityGroup]string{}
	for _, e := range b.entries(typeNSG) {
		g := settle(b, e, (*reader).securityGroup, plainGroup)
		b.groups[network.Key(g.ID)] = g
		b.net.SecurityGroups = append(b.net.SecurityGroups, g)
		paths[g] = e.bodies[len(e.bodies)-1].Path
	}
	for _, e := range slices.Concat(b.entries(typeRule), b.entries(typeDefaultRule)) {
		g := b.groups[network.Key(network.ParentID(e.id))]
		if g != nil && e.referenceOnly() && hasRule(g, e) {
			continue
		}
		r := settle(b, e, (*reader).standaloneRule, whole)
		if g == nil {
			g = b.missingGroup(network.ParentID(e.id), r)
		}
		last := e.bodies[len(e.bodies)-1]
		if doubts := last.facts(); len(doubts) > 0 {
			if last.Many {
				g.Facts = facts(g.Facts, doubts)
			}
			b.attachDoubtful(g, r, doubts)
			continue
		}
		b.attach(g, r, last.Path < paths[g])
	}
	b.spread()
}

// hasRule reports whether the group lists the rule of the entry inline.
func hasRule(g *network.SecurityGroup, e *entry) bool {
	return slices.ContainsFunc(g.Rules, func(r *network.Rule) bool { return strings.EqualFold(r.Name, network.LastSegment(e.id)) })
}

// standaloneRule reads a rule that is a resource of its own.
func (r *reader) standaloneRule(res Resource) *network.Rule {
	kind := network.UserRule
	if res.Type == typeDefaultRule {
		kind = network.DefaultRule
	}
	return r.ruleNamed(res.Node, res.Properties, res.Node.Get("name"), res.ID, res.Name, kind)
}

// missingGroup stands for a security group of which only rules are known.
func (b *builder) missingGroup(id string, r *network.Rule) *network.SecurityGroup {
	b.faults.Warnf(r.Origin, "missing-nsg",
		"rule %s belongs to %s, which is not in the snapshot; flows through it are Unknown; export the security group itself", quote(r.Name), id)
	g := &network.SecurityGroup{
		ID: id, Name: network.LastSegment(id), Origin: r.Origin, Facts: []string{"missing-nsg:" + id},
	}
	b.groups[network.Key(id)] = g
	b.net.SecurityGroups = append(b.net.SecurityGroups, g)
	return g
}

// attach adds a standalone rule to its group. Templates and exports often hold a
// rule both inline and on its own.
func (b *builder) attach(g *network.SecurityGroup, r *network.Rule, inlineIsLater bool) {
	i := slices.IndexFunc(g.Rules, func(s *network.Rule) bool {
		return s.Kind == r.Kind && strings.EqualFold(s.Name, r.Name)
	})
	if i < 0 {
		g.Rules = append(g.Rules, r)
		return
	}
	if alike(g.Rules[i], r) {
		return
	}
	winner, loser := r, g.Rules[i]
	if inlineIsLater {
		winner, loser = loser, winner
	}
	b.faults.Warnf(winner.Origin, "conflicting-bodies",
		"%s is described differently at %s %s; this description counts", r.ID, loser.Origin, loser.Origin.Pointer)
	g.Rules[i] = winner
}

// plainGroup leaves out what comes and goes between exports of one group: default
// rules, which templates do not list, and back references.
func plainGroup(g *network.SecurityGroup) any {
	rules := slices.DeleteFunc(slices.Clone(g.Rules), func(r *network.Rule) bool { return r.Kind == network.DefaultRule })
	slices.SortStableFunc(rules, func(a, b *network.Rule) int { return strings.Compare(network.Key(a.ID), network.Key(b.ID)) })
	return network.SecurityGroup{ID: g.ID, Rules: rules, Facts: g.Facts}
}

func (r *reader) securityGroup(res Resource) *network.SecurityGroup {
	p := res.Properties
	g := &network.SecurityGroup{ID: r.store.text(res.ID), Name: r.store.text(res.Name), Origin: res.Node.Origin()}
	r.rules(g, get(p, "securityRules"), network.UserRule)
	r.rules(g, get(p, "defaultSecurityRules"), network.DefaultRule)
	switch {
	case res.hides("securityRules") && (res.Projected || res.hides("defaultSecurityRules")):
		g.Facts = append(g.Facts, factAt(res.Node))
		r.faults.Errorf(res.Node.Origin(), "hidden-rules",
			"the rules of security group %s are not visible here; export it whole, in Resource Graph with its properties", quote(g.Name))
	case p.Get("securityRules") == nil && !res.Declared && !p.Residue():
		r.faults.Warnf(res.Node.Origin(), "no-security-rules",
			"security group %s has no securityRules; it is read as having default rules only", quote(g.Name))
	}
	if state := p.Get("provisioningState"); !blank(state) && !state.Residue() && !strings.EqualFold(state.Text(), "Succeeded") {
		r.faults.Warnf(state.Origin(), "provisioning-state",
			"security group %s is in state %s; Azure may not apply all its rules", quote(g.Name), describe(state))
	}
	// Back references only matter where the other side is missing; those that
	// cannot be read are of no use.
	g.SubnetIDs = r.backReferences(p.Get("subnets"))
	g.NICIDs = r.backReferences(p.Get("networkInterfaces"))
	g.Facts = facts(g.Facts)
	return g
}

// backReferences reads ids and nothing else.
func (r *reader) backReferences(n *jsontree.Node) []string {
	out := r.store.ids[:0]
	for _, item := range list(n) {
		if id := item.Get("id"); !id.Residue() && typeOf(id.Text()) != "" {
			out = append(out, r.store.text(id.Text()))
		}
	}
	r.store.ids = out
	return r.store.texts.keep(out)
}

// rules reads one list of rules. A list or an element that is no rule leaves a
// fact: any rule may be missing.
func (r *reader) rules(g *network.SecurityGroup, n *jsontree.Node, kind network.RuleKind) {
	if n.Residue() {
		g.Facts = append(g.Facts, factAt(n))
		return
	}
	byName := r.store.rulesByName()
	for item := range elements(n) {
		if item.Kind() != jsontree.Object {
			r.noRule(g, item)
			continue
		}
		rule := r.rule(item, g.ID, kind)
		key := network.Key(rule.Name)
		if first := byName[key]; first != nil {
			if alike(first, rule) {
				continue
			}
			r.twice(first, rule)
		} else {
			byName[key] = rule
		}
		g.Rules = append(g.Rules, rule)
	}
}

func (r *reader) noRule(g *network.SecurityGroup, n *jsontree.Node) {
	g.Facts = append(g.Facts, factAt(n))
	switch {
	case n.Residue():
	case n.Kind() == jsontree.String && truncated(n.Text()):
		r.faults.Errorf(n.Origin(), "truncated",
			"%s stands where a rule of %s should: %s; flows through the group are Unknown", quote(n.Text()), quote(g.Name), depthRemedy)
	default:
		r.faults.Errorf(n.Origin(), "bad-rule",
			"%s stands where a rule of %s should; flows through the group are Unknown", describe(n), quote(g.Name))
	}
}

// twice keeps two different rules of one name in one list: Azure refuses that,
// and nothing says which is meant.
func (r *reader) twice(first, second *network.Rule) {
	for _, rule := range []*network.Rule{first, second} {
		rule.AddFact("invalid-rule:" + rule.ID)
	}
	r.faults.Errorf(second.Origin, "duplicate-name",
		"a different rule named %s stands at %s; Azure refuses that, and a match of either is uncertain", quote(second.Name), first.Origin)
}
