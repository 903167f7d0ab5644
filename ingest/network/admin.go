package network

import (
	"cmp"
	"slices"
	"strings"

	"ipflow/ingest/flow"
)

// AdminRules is the security admin rules of Azure Virtual Network Manager that
// reach a subnet, all managers joined.
type AdminRules struct {
	Source string   // where the list comes from, for people
	Rules  []*Rule  // SortAdminRules puts them into evaluation order
	Facts  []string // why further rules may be among them
}

// List returns the rules of one direction in evaluation order.
func (a *AdminRules) List(d flow.Direction) []*Rule {
	var out []*Rule
	for _, r := range a.Rules {
		if r.In(d) {
			out = append(out, r)
		}
	}
	return out
}

// AdminRulesOf returns the admin rules that the NIC's packets meet before any
// security group, nil when none reach it. Private endpoints are exempt
// (concept-security-admins, "Non-application of security admin rules").
func (n *Network) AdminRulesOf(c *NIC) *AdminRules {
	switch {
	case c.PrivateEndpoint != "":
		return nil
	case c.Subnet != nil && c.Subnet.Admin != nil:
		return c.Subnet.Admin
	case c.Observed != nil && c.Observed.Admin != nil:
		return c.Observed.Admin
	case c.Subnet != nil:
		return nil
	case c.SubnetID != "":
		return n.adminElsewhere[Key(c.SubnetID)]
	}
	return n.adminNowhere[c.SubnetFact]
}

// AdminRules returns every admin rule that reaches or may reach something, each
// once, in no meaningful order.
func (n *Network) AdminRules() []*Rule {
	var out []*Rule
	seen := map[string]bool{}
	for _, r := range n.rules {
		if r != nil && r.Kind == AdminRule && !seen[Key(r.ID)] {
			seen[Key(r.ID)] = true
			out = append(out, r)
		}
	}
	return out
}

// AdminExemption says why admin rules that reach the NIC's virtual network, or
// some of them, do not apply to it; "" when they do, or none reach it.
func (n *Network) AdminExemption(c *NIC) string {
	v := n.VirtualNetworkOf(c)
	switch {
	case v == nil:
		return ""
	case v.AdminExempt != "":
		return v.AdminExempt
	case v.Admin == nil:
		return ""
	case c.PrivateEndpoint != "":
		return "private endpoint"
	case c.Subnet != nil && c.Subnet.Admin == nil:
		return c.Subnet.AdminExempt
	}
	return ""
}

// SortAdminRules puts rules into evaluation order: managers of broader scope
// first (rank), then ascending priority, Deny before others where two
// collections share a priority, then the id.
func SortAdminRules(rules []*Rule, rank func(managerID string) int) {
	slices.SortStableFunc(rules, func(a, b *Rule) int {
		return cmp.Or(
			cmp.Compare(rank(a.ManagerID), rank(b.ManagerID)),
			cmp.Compare(a.Priority, b.Priority),
			-cmp.Compare(a.Access, b.Access),
			strings.Compare(Key(a.ID), Key(b.ID)),
		)
	})
}

// SubnetGroup returns the security group that the NIC meets at its subnet. A
// private endpoint meets it only when the subnet's network policies say so
// (disable-private-endpoint-network-policy).
func (n *Network) SubnetGroup(c *NIC) GroupRef {
	if c.Subnet == nil {
		if c.Observed != nil && c.Observed.Listed {
			return c.Observed.SubnetGroup
		}
		return GroupRef{Fact: c.SubnetFact}
	}
	if c.PrivateEndpoint == "" || c.Subnet.Group == (GroupRef{}) {
		return c.Subnet.Group
	}
	switch Key(c.Subnet.PrivateEndpointPolicies) {
	case "enabled", "networksecuritygroupenabled":
		return c.Subnet.Group
	case "disabled", "routetableenabled":
		return GroupRef{}
	case "":
		switch n.Assumptions.Value("absent-private-endpoint-policies") {
		case "enabled":
			return c.Subnet.Group
		case "unknown":
			return GroupRef{ID: c.Subnet.Group.ID, Fact: "private-endpoint-policies:" + c.Subnet.ID}
		}
		return GroupRef{}
	}
	// An expression nobody evaluated, or a word Azure may have added.
	return GroupRef{ID: c.Subnet.Group.ID, Fact: "private-endpoint-policies:" + c.Subnet.ID}
}
