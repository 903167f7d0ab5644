package network

import (
	"slices"
	"strings"
)

// exemptNames are the subnets that hold nothing but a platform service
// (concept-security-admins, "Nonapplication at the subnet level").
var exemptNames = map[string]string{
	"azurebastionsubnet":            "Azure Bastion",
	"azurefirewallsubnet":           "Azure Firewall",
	"azurefirewallmanagementsubnet": "Azure Firewall",
	"routeserversubnet":             "Azure Route Server",
	"gatewaysubnet":                 "virtual network gateways",
}

// exemptSubnets returns the function that says why admin rules do not apply to a
// subnet, "" when they do. Of a subnet not in the snapshot only its name tells.
func (a *adminLinker) exemptSubnets() func(id string, s *Subnet) string {
	gateways := map[string]string{}
	for _, g := range a.n.ApplicationGateways {
		for _, id := range g.SubnetIDs {
			gateways[Key(id)] = g.Name
		}
	}
	return func(id string, s *Subnet) string {
		if service := exemptNames[Key(LastSegment(id))]; service != "" {
			return "subnet of " + service
		}
		if name := gateways[Key(id)]; name != "" {
			return "subnet of application gateway " + name
		}
		if s != nil && (s.HasGateways || slices.ContainsFunc(s.Delegations, func(d string) bool {
			return strings.EqualFold(d, "Microsoft.Network/applicationGateways")
		})) {
			return "subnet of application gateways"
		}
		return ""
	}
}

// intentService returns a service with network intent policies in the virtual
// network, "" when there is none.
func intentService(v *VirtualNetwork) string {
	for _, s := range v.Subnets {
		for _, d := range s.Delegations {
			switch Key(d) {
			case "microsoft.sql/managedinstances", "microsoft.databricks/workspaces":
				return d + " in subnet " + s.Name
			}
		}
	}
	return ""
}

// intentPolicy takes out what does not apply to virtual networks with such a
// service: every rule, or all but Allow, as the configuration of the manager
// with the broadest scope sets it (concept-security-admins, "Nonapplication at
// the virtual network level").
func (a *adminLinker) intentPolicy(s *adminSet, t adminTarget) {
	if t.vnet == nil || len(s.items) == 0 {
		return
	}
	service := intentService(t.vnet)
	if service == "" {
		return
	}
	setting, facts := a.intentSetting(s)
	switch {
	case len(facts) > 0:
		for i := range s.items {
			s.items[i].facts = append(s.items[i].facts, facts...)
		}
	case setting == "all":
	case setting == "allowrulesonly":
		t.vnet.AdminExempt = "only Allow rules apply: " + service
		s.items = slices.DeleteFunc(s.items, func(p placement) bool { return p.rule.Access.String() == "Deny" })
		for i := range s.items {
			if p := &s.items[i]; p.rule.Always {
				// Whether these count as Allow rules is not documented.
				p.facts = append(p.facts, "allow-rules-only:"+p.rule.ID)
			}
		}
	default:
		t.vnet.AdminExempt = "no admin rules apply: " + service
		s.items = nil
	}
}

// intentSetting returns the setting of the first manager, or the facts on which
// it depends: its configuration, or which manager is the first.
func (a *adminLinker) intentSetting(s *adminSet) (setting string, facts []string) {
	settings := map[string]bool{}
	for i := range s.items {
		r := s.items[i].rule
		if s.ordered && Key(r.ManagerID) != s.managers[0] {
			continue
		}
		id := configurationOf(r.ID)
		c := a.configs[Key(id)]
		switch {
		case c == nil:
			facts = append(facts, "missing-admin-configuration:"+id)
			continue
		case len(c.Facts) > 0:
			facts = append(facts, c.Facts...)
			continue
		}
		setting = "none"
		for _, word := range c.IntentPolicyServices {
			if w := Key(strings.TrimSpace(word)); w != "none" {
				setting = w
			}
		}
		settings[setting] = true
	}
	if len(settings) > 1 {
		for _, m := range s.managers {
			facts = append(facts, "manager-order:"+m)
		}
	}
	slices.Sort(facts)
	return setting, slices.Compact(facts)
}

// inScope reports whether the target may be in the manager's scope.
func (a *adminLinker) inScope(manager string, t adminTarget) bool {
	m := a.managers[Key(manager)]
	if m == nil || len(m.Facts) > 0 || len(m.Subscriptions)+len(m.ManagementGroups) == 0 {
		return true
	}
	own := subscriptionOf(t.id)
	if own == "" || slices.ContainsFunc(m.Subscriptions, func(s string) bool { return Key(LastSegment(s)) == own }) {
		return true
	}
	if len(m.ManagementGroups) == 0 {
		return false
	}
	above := a.scopes["/subscriptions/"+own]
	return above == nil || depthIn(above, m) >= 0
}

// depthIn returns how far below the root the broadest of the manager's
// management groups above a subscription is, -1 when none is above it.
func depthIn(above *ManagementScope, m *NetworkManager) int {
	n := len(above.Ancestors)
	for i := range above.Ancestors {
		name := above.Ancestors[n-1-i]
		if slices.ContainsFunc(m.ManagementGroups, func(g string) bool { return strings.EqualFold(LastSegment(g), LastSegment(name)) }) {
			return i
		}
	}
	return -1
}

// A breadth is how broad a manager's scope is, seen from a subscription.
type breadth struct {
	kind  int // unknownBreadth, groupBreadth, subscriptionBreadth
	depth int // below the root, -1 when not known; of management groups
}

const (
	groupBreadth = iota
	subscriptionBreadth
	unknownBreadth
)

func (a *adminLinker) breadthOf(manager string, t adminTarget) breadth {
	m := a.managers[Key(manager)]
	switch {
	case m == nil, len(m.Facts) > 0, len(m.Subscriptions)+len(m.ManagementGroups) == 0:
		return breadth{unknownBreadth, -1}
	case len(m.ManagementGroups) == 0:
		return breadth{subscriptionBreadth, -1}
	}
	above := a.scopes["/subscriptions/"+subscriptionOf(t.id)]
	if above == nil {
		if len(m.Subscriptions) > 0 {
			return breadth{unknownBreadth, -1} // either may hold the target
		}
		return breadth{groupBreadth, -1}
	}
	if d := depthIn(above, m); d >= 0 {
		return breadth{groupBreadth, d}
	}
	return breadth{subscriptionBreadth, -1}
}

// before reports whether x is surely the broader scope.
func (x breadth) before(y breadth) bool {
	switch {
	case x.kind == unknownBreadth || y.kind == unknownBreadth:
		return false
	case x.kind != y.kind:
		return x.kind < y.kind
	}
	return x.kind == groupBreadth && x.depth >= 0 && y.depth >= 0 && x.depth < y.depth
}

// order puts the managers whose rules reach the target into the order of
// evaluation: the broader scope first (concept-network-manager-scope: on
// conflict the higher scope's configuration applies). What an Allow of the
// broader one does to a Deny of the narrower is not documented; here it hides
// it, as one list in that order does.
func (a *adminLinker) order(s *adminSet, t adminTarget) {
	for i := range s.items {
		if m := a.places[s.items[i].rule].manager; !slices.Contains(s.managers, m) {
			s.managers = append(s.managers, m)
		}
	}
	breadths := map[string]breadth{}
	for _, m := range s.managers {
		breadths[m] = a.breadthOf(m, t)
	}
	slices.SortFunc(s.managers, func(x, y string) int {
		bx, by := breadths[x], breadths[y]
		if c := 2*bx.kind + btoi(bx.depth < 0) - 2*by.kind - btoi(by.depth < 0); c != 0 {
			return c
		}
		if bx.depth != by.depth {
			return bx.depth - by.depth
		}
		return strings.Compare(x, y)
	})
	for i := range s.items {
		at := a.places[s.items[i].rule]
		s.items[i].manager, s.items[i].ordinal = slices.Index(s.managers, at.manager), at.ordinal
	}
	s.ordered = true
	for i := 1; i < len(s.managers); i++ {
		s.ordered = s.ordered && breadths[s.managers[i-1]].before(breadths[s.managers[i]])
	}
	if !s.ordered && !a.told["order:"+strings.Join(s.managers, ",")] {
		a.told["order:"+strings.Join(s.managers, ",")] = true
		a.faults.Warnf(s.items[0].rule.Origin, "manager-order",
			"several network managers have rules for one virtual network and which has the broader scope is not known; where they differ the answer is Unknown; add 'az network manager list' and the subscriptions' management groups (Resource Graph, resourcecontainers): %s",
			strings.Join(s.managers, ", "))
	}
}
