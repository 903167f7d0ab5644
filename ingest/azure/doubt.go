package azure

import (
	"fmt"
	"slices"
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// A template may leave open whether it deploys a resource: its condition, or the
// number of copies, rests on something that is not known. What such a resource
// says is then uncertain: a rule may match or not, a security group or an
// association is there or not, prefixes may be missing. Verdicts that rest on it
// become Unknown; a certain Deny elsewhere stays one.

// facts are those of the places that put the resource in doubt.
func (r *Resource) facts() []string {
	out := make([]string, len(r.Doubts))
	for i, o := range r.Doubts {
		out[i] = factOf(o)
	}
	return facts(out)
}

// doubtsOf returns the facts that put in doubt what an entry says: those of the
// body that counts, unless a certain one says the same, and of bodies that say
// something else. Differ says which do.
func (e *entry) doubtsOf(win int, differ []bool) []string {
	var out []string
	certain := false
	for i := range e.bodies {
		r := &e.bodies[i]
		switch {
		case differ[i]:
			out = append(out, r.facts()...)
		case len(r.Doubts) == 0 && !r.bare():
			certain = true
		}
	}
	if !certain {
		out = append(out, e.bodies[win].facts()...)
	}
	return facts(out)
}

// putInDoubt records that what x describes may not exist, or differently.
func putInDoubt(x any, doubts []string, differently bool) {
	switch x := x.(type) {
	case *network.SecurityGroup:
		x.Facts = facts(x.Facts, doubts)
	case *network.Rule:
		if differently {
			widen(x)
		}
		for _, f := range doubts {
			x.AddFact(f)
		}
	case *network.NIC:
		doubtNIC(x, doubts[0])
	case *scaleSet:
		for _, c := range x.nics {
			doubtNIC(c, doubts[0])
		}
	case *network.Subnet:
		x.Group.Fact = doubts[0]
		x.RouteTable = network.RouteTableRef{Fact: doubts[0]}
	case *network.VirtualNetwork:
		if differently {
			x.Prefixes = nil
		}
		x.Facts = facts(x.Facts, doubts)
	case *network.Peering:
		x.Facts = facts(x.Facts, doubts)
	case *network.RouteTable:
		x.Routes, x.Facts = nil, facts(x.Facts, doubts)
	case *network.Gateway:
		x.Pools, x.Facts = nil, facts(x.Facts, doubts)
	case *network.LocalGateway:
		x.Prefixes, x.Facts = nil, facts(x.Facts, doubts)
	case *network.Connection:
		x.Facts = facts(x.Facts, doubts)
	case *network.LoadBalancer:
		x.Facts = facts(x.Facts, doubts)
	case *network.NetworkManager:
		x.Facts = facts(x.Facts, doubts)
	case *network.GroupMember:
		x.Fact = doubts[0]
	case *network.AdminConfiguration:
		x.Facts = facts(x.Facts, doubts)
	case *network.AdminCollection:
		x.Facts = facts(x.Facts, doubts)
	case *network.ManagedRule:
		for _, f := range doubts {
			x.Rule.AddFact(f)
		}
	}
	// Of other types nothing decides a verdict.
}

func doubtNIC(c *network.NIC, fact string) {
	c.Group.Fact = fact
	for i := range c.IPConfigs {
		if c.IPConfigs[i].ASGFact == "" && len(c.IPConfigs[i].ASGs) > 0 {
			// It may be a member of those it lists, or not be at all.
			c.IPConfigs[i].ASGs, c.IPConfigs[i].ASGFact = nil, fact
		}
	}
}

// widen makes a rule match what either of two descriptions may.
func widen(r *network.Rule) {
	r.Priority, r.Direction, r.Access, r.Protocol = 0, 0, 0, network.AnyProtocol
	unknown := network.Selector{Kind: network.SelectUnknown, Fact: "invalid-rule:" + r.ID}
	r.Source, r.Destination = []network.Selector{unknown}, []network.Selector{unknown}
	r.SourcePorts, r.DestinationPorts = []flow.PortRange{flow.AllPorts}, []flow.PortRange{flow.AllPorts}
	r.Text.Unresolved = true
}

// attachDoubtful adds a standalone rule that may not exist. A rule of its name
// inside the group is certain only where both say the same.
func (b *builder) attachDoubtful(g *network.SecurityGroup, r *network.Rule, doubts []string) {
	plain := *r
	plain.Facts = slices.DeleteFunc(slices.Clone(r.Facts), func(f string) bool { return slices.Contains(doubts, f) })
	for _, s := range g.Rules {
		if s.Kind != r.Kind || !strings.EqualFold(s.Name, r.Name) {
			continue
		}
		if alike(s, &plain) {
			return
		}
		for _, f := range doubts {
			s.AddFact(f)
		}
	}
	g.Rules = append(g.Rules, r)
}

// symbolic reports whether an id holds a name that is not known. No name that
// Azure takes has a bracket.
func symbolic(id string) bool { return strings.Contains(id, "[") }

// spread adds the rules of a group whose name is not known, and which the
// snapshot does not describe, to all groups that it may be: those of the same
// resource group. Each may have the rule or not.
func (b *builder) spread() {
	for _, orphan := range b.net.SecurityGroups {
		if !symbolic(orphan.ID) || !slices.Contains(orphan.Facts, "missing-nsg:"+orphan.ID) {
			continue
		}
		scope, _, _ := strings.Cut(network.Key(orphan.ID), "/providers/")
		for _, g := range b.net.SecurityGroups {
			other, _, _ := strings.Cut(network.Key(g.ID), "/providers/")
			if g == orphan || symbolic(g.ID) || other != scope && !symbolic(scope) && !symbolic(other) {
				continue
			}
			for _, r := range orphan.Rules {
				c := *r
				c.Facts = slices.Clone(r.Facts)
				c.AddFact("missing-nsg:" + orphan.ID)
				g.Rules = append(g.Rules, &c)
			}
		}
		b.faults.Warnf(orphan.Origin, "nameless-nsg",
			"%s", fmt.Sprintf("the security group of these rules is not known; they may belong to any of %s; give the parameters of the template", scope))
	}
}
