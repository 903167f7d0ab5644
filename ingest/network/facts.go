package network

import (
	"cmp"
	"maps"
	"slices"
)

// FactUse says what a missing fact touches.
type FactUse struct {
	Fact  string
	Rules int // rules whose match rests on it
	NICs  int // NICs whose answers may rest on it
}

// Facts counts what FactPlaces lists.
func (n *Network) Facts() []FactUse {
	places := n.FactPlaces()
	out := make([]FactUse, len(places))
	for i, p := range places {
		out[i] = FactUse{Fact: p.Fact, Rules: len(p.Rules), NICs: len(p.NICs)}
	}
	return out
}

// FactPlace says what rests on a missing fact, in the order of the references
// and of Network.NICs.
type FactPlace struct {
	Fact  string
	Rules []*Rule // those whose match does
	NICs  []*NIC  // those whose answers may
}

// FactPlaces lists the facts the snapshot leaves open, sorted. Facts that depend
// on the question (source-port-unspecified, ports-on-portless, icmp-on-ipv6) are
// not among them.
func (n *Network) FactPlaces() []FactPlace {
	u := factUses{rules: map[string]map[*Rule]bool{}, nics: map[string]map[*NIC]bool{}}
	byGroup := map[*SecurityGroup][]string{}
	for _, g := range n.SecurityGroups {
		for _, r := range g.Rules {
			for _, f := range n.ruleFacts(r) {
				u.rule(f, r)
				byGroup[g] = append(byGroup[g], f)
			}
		}
	}
	ofAdmin := map[*AdminRules][]string{}
	for _, c := range n.NICs {
		for _, f := range n.nicFacts(c) {
			u.nic(f, c)
		}
		if admin := n.AdminRulesOf(c); admin != nil {
			if _, done := ofAdmin[admin]; !done {
				ofAdmin[admin] = n.adminFacts(admin, &u)
			}
			for _, f := range ofAdmin[admin] {
				u.nic(f, c)
			}
		}
		groups := []*SecurityGroup{c.Group.Group}
		if c.Subnet != nil {
			groups = append(groups, c.Subnet.Group.Group)
		}
		for _, g := range groups {
			for _, f := range byGroup[g] {
				u.nic(f, c)
			}
		}
	}
	return u.list()
}

type factUses struct {
	rules map[string]map[*Rule]bool
	nics  map[string]map[*NIC]bool
}

func (u *factUses) rule(f string, r *Rule) {
	if u.rules[f] == nil {
		u.rules[f] = map[*Rule]bool{}
	}
	u.rules[f][r] = true
}

func (u *factUses) nic(f string, c *NIC) {
	if u.nics[f] == nil {
		u.nics[f] = map[*NIC]bool{}
	}
	u.nics[f][c] = true
}

func (u *factUses) list() []FactPlace {
	facts := slices.AppendSeq(slices.Collect(maps.Keys(u.rules)), maps.Keys(u.nics))
	slices.Sort(facts)
	var out []FactPlace
	for _, f := range slices.Compact(facts) {
		out = append(out, FactPlace{
			f,
			slices.SortedFunc(maps.Keys(u.rules[f]), func(a, b *Rule) int { return cmp.Compare(a.Ref, b.Ref) }),
			slices.SortedFunc(maps.Keys(u.nics[f]), func(a, b *NIC) int { return cmp.Compare(a.Index, b.Index) }),
		})
	}
	return out
}

// ruleFacts are the facts of the rule's own fields and tags.
func (n *Network) ruleFacts(r *Rule) []string {
	facts := slices.Clone(r.Facts)
	for _, side := range [][]Selector{r.Source, r.Destination} {
		for i := range side {
			switch s := &side[i]; {
			case s.Kind == SelectUnknown:
				facts = append(facts, s.Fact)
			case s.Kind == SelectServiceTag && n.Tag(s.Text) == nil:
				facts = append(facts, "unknown-tag:"+s.Text)
			}
		}
	}
	return facts
}

// adminFacts are the facts of a list of admin rules; u counts the rules.
func (n *Network) adminFacts(admin *AdminRules, u *factUses) []string {
	facts := slices.Clone(admin.Facts)
	for _, r := range admin.Rules {
		for _, f := range n.ruleFacts(r) {
			u.rule(f, r)
			facts = append(facts, f)
		}
	}
	slices.Sort(facts)
	return slices.Compact(facts)
}

// nicFacts are the facts about the NIC's surroundings.
func (n *Network) nicFacts(c *NIC) []string {
	var facts []string
	add := func(list ...string) {
		for _, f := range list {
			if f != "" {
				facts = append(facts, f)
			}
		}
	}
	add(c.Group.Fact)
	if c.Observed != nil && c.Observed.Listed {
		add(n.SubnetGroup(c).Fact)
	} else {
		add(c.SubnetFact)
	}
	if s := c.Subnet; s != nil {
		add(n.SubnetGroup(c).Fact)
		if c.ObservedVirtualNetwork() == nil {
			add(s.RouteTable.Fact)
		}
		if s.RouteTable.Table != nil && c.ObservedVirtualNetwork() == nil {
			add(s.RouteTable.Table.Facts...)
		}
	}
	for _, t := range []*TagContent{c.ObservedVirtualNetwork(), c.ObservedInternet()} {
		if t != nil {
			add(t.Facts...)
		}
	}
	if c.ObservedVirtualNetwork() != nil && c.ObservedInternet() != nil {
		return facts
	}
	v := n.VirtualNetworkOf(c)
	if v == nil {
		add(c.VirtualNetworkFact())
		return facts
	}
	add(v.Facts...)
	for _, p := range v.Peerings {
		add(p.Fact)
		if p.Counts && !p.Includes(c) {
			add(p.PartialFact())
		}
	}
	if c.ObservedVirtualNetwork() != nil {
		return facts
	}
	h := n.Hinterland(v)
	add(h.Facts...)
	add(h.PrivateFacts...)
	for _, x := range h.Extents {
		add(x.Fact)
	}
	return facts
}
