package azure

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/network"
)

// observe makes the answers of the effective APIs part of the network: what tags
// cover at a NIC, security groups that no export shows, NICs known from nothing
// else. A security group's own export comes before what an answer says about it.
func (b *builder) observe(rules []EffectiveNSG, routes []EffectiveRoutesOf) {
	if len(rules)+len(routes) == 0 {
		return
	}
	nics := make(map[string]*network.NIC, len(b.net.NICs))
	for _, c := range b.net.NICs {
		nics[network.Key(c.ID)] = c
	}
	for _, e := range rules {
		for _, one := range e.perNIC() {
			for i := range one.Groups {
				b.observedGroup(&one.Groups[i])
			}
			b.observeRules(nics, one)
		}
	}
	for _, r := range routes {
		b.observeRoutes(r)
	}
}

// perNIC splits an answer that several NICs' lists were joined into. What only a
// subnet is associated with then belongs to nobody in particular.
func (e EffectiveNSG) perNIC() []EffectiveNSG {
	var ids []string
	for _, g := range e.Groups {
		if g.NICID != "" && !slices.ContainsFunc(ids, func(s string) bool { return strings.EqualFold(s, g.NICID) }) {
			ids = append(ids, g.NICID)
		}
	}
	if len(ids) < 2 {
		return []EffectiveNSG{e}
	}
	rest := EffectiveNSG{Path: "", Origin: e.Origin}
	out := make([]EffectiveNSG, len(ids))
	for i, id := range ids {
		out[i] = EffectiveNSG{Path: e.Path, Origin: e.Origin, NICID: id, joined: true}
	}
	for _, g := range e.Groups {
		i := slices.IndexFunc(ids, func(s string) bool { return strings.EqualFold(s, g.NICID) })
		if i < 0 {
			rest.Groups = append(rest.Groups, g)
		} else {
			out[i].Groups = append(out[i].Groups, g)
		}
	}
	if len(rest.Groups) > 0 {
		out = append(out, rest)
	}
	return out
}

// isAdmin reports whether the element is a network manager's rules.
func (g *EffectiveGroup) isAdmin() bool {
	return g.ManagerID != "" && (g.GroupID == "" || g.SubnetID == "" && g.NICID == "")
}

// observeRules hands one NIC's answer to the NIC.
func (b *builder) observeRules(nics map[string]*network.NIC, e EffectiveNSG) {
	c := nics[network.Key(e.NICID)]
	switch {
	case e.NICID == "":
		if c = b.nicOfFile(e.Path); c == nil {
			b.faults.Infof(e.Origin, "effective-nic-unknown",
				"the effective rules name no NIC; name the file after it (NIC.json) so that its tags count for that NIC")
			return
		}
	case c == nil:
		c = b.nicFromRules(e)
		nics[network.Key(c.ID)] = c
	default:
		b.checkAssociation(c, e)
	}
	if c.Observed != nil {
		b.faults.Warnf(e.Origin, "conflicting-bodies", "the effective rules of NIC %s are in the snapshot twice; this answer is later in path order and counts", quote(c.Name))
	}
	o := &network.Observation{Listed: !e.joined}
	c.Observed = o
	o.SubnetGroup = groupRefOf(e.Groups, func(g *EffectiveGroup) bool { return g.SubnetID != "" })
	for i := range e.Groups {
		if g := &e.Groups[i]; g.isAdmin() {
			o.Admin = adminOf(o.Admin, g)
		}
	}
	b.observedTags(o, c, e)
}

// groupRefOf returns the association of the layer that the element is in.
func groupRefOf(groups []EffectiveGroup, in func(*EffectiveGroup) bool) network.GroupRef {
	for i := range groups {
		g := &groups[i]
		switch {
		case g.isAdmin() || !in(g):
		case g.GroupID == "":
			return network.GroupRef{Fact: factOf(g.Origin)}
		default:
			return network.GroupRef{ID: g.GroupID}
		}
	}
	return network.GroupRef{}
}

// adminOf adds a network manager's element: elements stand in evaluation order.
func adminOf(a *network.AdminRules, g *EffectiveGroup) *network.AdminRules {
	if a == nil {
		a = &network.AdminRules{Source: "effective rules at " + g.Origin.String()}
	}
	var own []*network.Rule
	for _, r := range g.Rules {
		rule := *r.Rule
		rule.Kind, rule.ManagerID, rule.ID = network.AdminRule, g.ManagerID, g.ManagerID+"/effectiveSecurityRules/"+rule.Name
		own = append(own, &rule)
	}
	network.SortAdminRules(own, func(string) int { return 0 })
	a.Rules = append(a.Rules, own...)
	a.Facts = facts(a.Facts, g.Facts)
	return a
}

// nicFromRules makes a NIC of which nothing but the answer is known.
func (b *builder) nicFromRules(e EffectiveNSG) *network.NIC {
	c := &network.NIC{
		ID: e.NICID, Name: network.LastSegment(e.NICID), Origin: e.Origin,
		Group: groupRefOf(e.Groups, func(g *EffectiveGroup) bool { return g.NICID != "" }),
	}
	for _, g := range e.Groups {
		if c.SubnetID == "" {
			c.SubnetID = g.SubnetID
		}
	}
	b.unknownAddress(c)
	b.net.NICs = append(b.net.NICs, c)
	b.faults.Infof(e.Origin, "nic-from-effective-rules",
		"NIC %s is known from its effective rules only; ask about it with --nic and any local address", quote(c.Name))
	return c
}

// checkAssociation reports an answer that saw other groups than the snapshot has.
func (b *builder) checkAssociation(c *network.NIC, e EffectiveNSG) {
	ref := groupRefOf(e.Groups, func(g *EffectiveGroup) bool { return g.NICID != "" })
	if c.Group.Fact == "" && ref.Fact == "" && !strings.EqualFold(c.Group.ID, ref.ID) {
		b.faults.Warnf(e.Origin, "effective-differs",
			"the effective rules show %s on NIC %s, whose own export names %s; its own export counts", orNone(ref.ID), quote(c.Name), orNone(c.Group.ID))
	}
}

func orNone(id string) string {
	if id == "" {
		return "no security group"
	}
	return id
}

// observedGroup makes a security group of an element where no export shows it,
// and compares the two where one does.
func (b *builder) observedGroup(g *EffectiveGroup) {
	if g.isAdmin() || g.GroupID == "" {
		return
	}
	key := network.Key(g.GroupID)
	if own := b.groups[key]; own != nil && len(own.Facts) == 0 {
		if names := differing(own, g); len(names) > 0 {
			b.faults.Warnf(g.Origin, "effective-differs",
				"the effective rules of %s differ from its own export, which counts: %s", quote(own.Name), strings.Join(names, ", "))
		}
		return
	}
	made := &network.SecurityGroup{
		ID: g.GroupID, Name: network.LastSegment(g.GroupID), Origin: g.Origin, Facts: g.Facts,
	}
	for _, r := range g.Rules {
		made.Rules = append(made.Rules, r.Rule)
	}
	if old := b.groups[key]; old != nil {
		*old = *made // only single rules of it were exported
	} else {
		b.groups[key] = made
		b.net.SecurityGroups = append(b.net.SecurityGroups, made)
	}
	b.faults.Infof(g.Origin, "nsg-from-effective-rules",
		"security group %s is known from effective rules only; they count as its rules", quote(made.Name))
}

// differing lists the rules that one of the two lacks or that decide otherwise,
// quoted. Addresses are not compared: answers spell tags and groups out.
func differing(own *network.SecurityGroup, g *EffectiveGroup) []string {
	const most = 8
	var out []string
	add := func(name string) {
		if s := quote(name); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	seen := func(kind network.RuleKind, name string) bool {
		return slices.ContainsFunc(g.Rules, func(r EffectiveRule) bool { return r.Kind == kind && strings.EqualFold(r.Name, name) })
	}
	for _, r := range own.Rules {
		// Default rules are there whether the export lists them or not.
		if r.Kind == network.UserRule && !seen(r.Kind, r.Name) {
			add(r.Name)
		}
	}
	for _, r := range g.Rules {
		i := slices.IndexFunc(own.Rules, func(o *network.Rule) bool { return o.Kind == r.Kind && strings.EqualFold(o.Name, r.Name) })
		switch {
		case i < 0 && r.Kind == network.UserRule:
			add(r.Name)
		case i >= 0:
			o := own.Rules[i]
			if o.Priority != r.Priority || o.Direction != r.Direction || o.Access != r.Access || o.Protocol != r.Protocol ||
				!samePorts(o.SourcePorts, r.SourcePorts) || !samePorts(o.DestinationPorts, r.DestinationPorts) {
				add(r.Name)
			}
		}
	}
	slices.Sort(out)
	if len(out) > most {
		out = append(out[:most], fmt.Sprintf("%d more", len(out)-most))
	}
	return out
}

// observedTags reads tagMap, or else what rules say their tags expand to.
func (b *builder) observedTags(o *network.Observation, c *network.NIC, e EffectiveNSG) {
	found := map[string]*network.TagContent{}
	add := func(at diag.Origin, name string, prefixes []netip.Prefix, open ...string) {
		s, _, ok := network.ParseSelector(name)
		if !ok || s.Kind == network.SelectAny || s.Kind == network.SelectPrefix {
			return
		}
		key := network.Key(name)
		old := found[key]
		switch {
		case old == nil:
			found[key] = &network.TagContent{Source: "effective rules", Origin: at, Prefixes: slices.Clone(prefixes), Facts: facts(open)}
		case !samePrefixes(old.Prefixes, prefixes):
			old.Prefixes = common(old.Prefixes, prefixes)
			old.Facts = facts(old.Facts, open, []string{"tag-map-differs:" + c.ID})
		default:
			old.Facts = facts(old.Facts, open)
		}
	}
	for i := range e.Groups {
		for _, t := range e.Groups[i].Tags {
			add(e.Groups[i].Origin, t.Name, t.Prefixes, t.Facts...)
		}
	}
	mapped := len(found) > 0
	for i := range e.Groups {
		for _, r := range e.Groups[i].Rules {
			if mapped {
				break
			}
			if len(r.Source) == 1 && r.ExpandedSource != nil {
				add(r.Origin, r.Source[0].Text, r.ExpandedSource)
			}
			if len(r.Destination) == 1 && r.ExpandedDestination != nil {
				add(r.Origin, r.Destination[0].Text, r.ExpandedDestination)
			}
		}
	}
	for _, g := range e.Groups {
		for _, t := range found {
			t.Facts = facts(t.Facts, g.Facts)
		}
	}
	o.VirtualNetwork, o.Internet, o.AzureLoadBalancer = found["virtualnetwork"], found["internet"], found["azureloadbalancer"]
	o.Tags = found
}

// nicOfFile returns the NIC that a file is named after: NIC.json, NIC.routes.json
// and the like. Neither effective routes nor some effective rules say whose they
// are.
func (b *builder) nicOfFile(file string) *network.NIC {
	stem := network.Key(path.Base(strings.ReplaceAll(file, `\`, "/"))) + "."
	var best *network.NIC
	unique := true
	for _, c := range b.net.NICs {
		if c.Name == "" || !strings.HasPrefix(stem, network.Key(c.Name)+".") {
			continue
		}
		switch {
		case best == nil || len(c.Name) > len(best.Name):
			best, unique = c, true
		case len(c.Name) == len(best.Name):
			unique = false
		}
	}
	if !unique {
		return nil
	}
	return best
}
