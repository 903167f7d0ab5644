package azure

import (
	"slices"
	"strings"

	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// managers reads Azure Virtual Network Manager: managers, groups and their
// members, security admin configurations, and what Resource Graph says about
// them. What the listing APIs answer was gathered with the documents.
func (b *builder) managers(listed *network.AdminSources) {
	s := &b.net.Managed
	s.Lists, s.Deployments = listed.Lists, listed.Deployments
	slices.SortStableFunc(s.Lists, func(a, b *network.AdminList) int { return a.Origin.Compare(b.Origin) })
	slices.SortStableFunc(s.Deployments, func(a, b *network.AdminDeployment) int { return a.Origin.Compare(b.Origin) })
	s.Managers = each(b, (*reader).networkManager, whole, typeManager)
	s.Groups = each(b, (*reader).networkGroup, whole, typeNetworkGroup)
	s.Members = each(b, (*reader).staticMember, whole, typeStaticMember)
	s.Memberships = each(b, (*reader).groupMembership, whole, typeMembership)
	s.Configurations = each(b, (*reader).adminConfiguration, whole, typeAdminConfig)
	s.Collections = each(b, (*reader).adminCollection, whole, typeAdminCollection, typeAdminCollection+snapshots)
	s.Rules = each(b, (*reader).standaloneAdminRule, whole, typeAdminRule, typeAdminRule+snapshots)
	s.Effective = each(b, (*reader).effectiveConfigurations, whole, typeEffectiveAdmin)
	s.Deployments = append(s.Deployments, each(b, (*reader).goalState, whole, typeGoalState)...)
	s.Scopes = each(b, (*reader).managementScope, whole, typeSubscription, typeManagementGroup)
	b.net.ApplicationGateways = each(b, (*reader).applicationGateway, whole, typeAppGateway)
}

// either returns the first of the members that is there: Resource Graph has
// some in both cases and under two names.
func either(n *jsontree.Node, names ...string) *jsontree.Node {
	for _, name := range names {
		if m := get(n, name); m != nil {
			return m
		}
	}
	return nil
}

// texts reads a list of texts. Facts says which could not be read.
func (r *reader) texts(n *jsontree.Node, what string) (out, unread []string) {
	if n.Residue() {
		return nil, []string{factAt(n)}
	}
	for _, item := range words(n) {
		switch {
		case item.Residue():
			unread = append(unread, factAt(item))
		case item.Kind() != jsontree.String || truncated(item.Text()):
			r.badPrefix(item, what)
			unread = append(unread, factAt(item))
		default:
			out = append(out, strings.TrimSpace(item.Text()))
		}
	}
	return out, unread
}

// ids reads a list of references by the member that holds the id, or of ids. The
// order says nothing.
func (r *reader) ids(n *jsontree.Node, member string) (out, unread []string) {
	if n.Residue() {
		return nil, []string{factAt(n)}
	}
	for _, item := range list(n) {
		if item.Kind() == jsontree.Object {
			if id := item.Get(member); id != nil {
				item = id
			}
		}
		id, fact := r.ref(item)
		switch {
		case id != "":
			out = append(out, id)
		case fact != "":
			unread = append(unread, fact)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(network.Key(a), network.Key(b)) })
	return out, unread
}

func (r *reader) networkManager(res Resource) *network.NetworkManager {
	m := &network.NetworkManager{ID: res.ID, Name: res.Name, Origin: res.Node.Origin()}
	scopes := get(res.Properties, "networkManagerScopes")
	if scopes.Residue() {
		m.Facts = []string{factAt(scopes)}
		return m
	}
	all := append([]*jsontree.Node{scopes}, list(scopes.Get("crossTenantScopes"))...)
	for _, n := range all {
		subs, unread := r.texts(n.Get("subscriptions"), "the id of a subscription")
		groups, unread2 := r.texts(n.Get("managementGroups"), "the id of a management group")
		m.Subscriptions, m.ManagementGroups = append(m.Subscriptions, subs...), append(m.ManagementGroups, groups...)
		m.Facts = facts(m.Facts, unread, unread2)
	}
	slices.Sort(m.Subscriptions)
	slices.Sort(m.ManagementGroups)
	return m
}

func (r *reader) networkGroup(res Resource) *network.NetworkGroup {
	return &network.NetworkGroup{ID: res.ID, Name: res.Name, Origin: res.Node.Origin()}
}

func (r *reader) staticMember(res Resource) *network.GroupMember {
	m := &network.GroupMember{ID: res.ID, Origin: res.Node.Origin()}
	n := get(res.Properties, "resourceId")
	m.ResourceID, m.Fact = r.ref(n)
	if m.ResourceID == "" && m.Fact == "" {
		m.Fact = factAt(res.Node)
		r.faults.Errorf(res.Node.Origin(), "bad-reference", "static member %s names no resource; export it with its resourceId", quote(res.Name))
	}
	return m
}

// groupMembership reads a row of networkgroupmemberships. Its id is that of the
// member with a suffix.
func (r *reader) groupMembership(res Resource) *network.GroupMembership {
	m := &network.GroupMembership{ID: res.ID, Origin: res.Node.Origin(), ResourceID: extended(res.ID), Cut: res.Cut}
	groups := get(res.Properties, "groupMemberships")
	m.GroupIDs, m.Facts = r.ids(groups, "networkGroupId")
	if groups == nil {
		m.Facts = []string{factAt(res.Node)}
		r.faults.Errorf(res.Node.Origin(), "hidden-memberships", "the row shows no group memberships; query it with its properties")
	}
	return m
}

// extended returns the id of the resource that an extension resource's id starts
// with: ID/providers/Microsoft.Network/networkGroupMemberships/default.
func extended(id string) string {
	if network.Key(id) == "" || len(network.Key(id)) != len(id) {
		return ""
	}
	return id[:max(strings.LastIndex(network.Key(id), "/providers/"), 0)]
}

func (r *reader) adminConfiguration(res Resource) *network.AdminConfiguration {
	c := &network.AdminConfiguration{ID: res.ID, Name: res.Name, Origin: res.Node.Origin()}
	c.IntentPolicyServices, c.Facts = r.texts(get(res.Properties, "applyOnNetworkIntentPolicyBasedServices"), "None, AllowRulesOnly or All")
	for _, word := range c.IntentPolicyServices {
		switch network.Key(word) {
		case "none", "allowrulesonly", "all":
		default:
			c.Facts = facts(c.Facts, []string{"invalid-admin-configuration:" + c.ID})
			r.faults.Errorf(res.Node.Origin(), "bad-word", "applyOnNetworkIntentPolicyBasedServices: %s is not None, AllowRulesOnly or All%s",
				quote(word), meant(word, "None", "AllowRulesOnly", "All"))
		}
	}
	if res.bare() || res.Projected && res.hides("applyOnNetworkIntentPolicyBasedServices") {
		c.Facts = facts(c.Facts, []string{factAt(res.Node)})
	}
	return c
}

func (r *reader) adminCollection(res Resource) *network.AdminCollection {
	c := &network.AdminCollection{ID: res.ID, Name: res.Name, Origin: res.Node.Origin()}
	groups := get(res.Properties, "appliesToGroups")
	c.GroupIDs, c.Facts = r.ids(groups, "networkGroupId")
	if res.hides("appliesToGroups") {
		c.Facts = facts(c.Facts, []string{factAt(res.Node)})
		r.faults.Errorf(res.Node.Origin(), "hidden-groups",
			"the network groups that rule collection %s applies to are not visible here; export it whole", quote(c.Name))
	}
	return c
}

func (r *reader) standaloneAdminRule(res Resource) *network.ManagedRule {
	name := res.Name
	if i := strings.LastIndex(network.Key(res.ID), "/snapshots/"); i >= 0 && len(network.Key(res.ID)) == len(res.ID) {
		name = network.LastSegment(res.ID[:i])
	}
	return r.adminRule(res.Node, res.Properties, res.ID, name)
}

// effectiveConfigurations reads a row of effectivesecurityadminrules.
func (r *reader) effectiveConfigurations(res Resource) *network.EffectiveConfigurations {
	e := &network.EffectiveConfigurations{
		ID: res.ID, Origin: res.Node.Origin(), VirtualNetworkID: extended(res.ID),
		State: get(res.Properties, "provisioningState").Text(),
	}
	configs := get(res.Properties, "effectiveSecurityAdminConfigurations")
	e.ConfigurationIDs, e.Facts = r.ids(configs, "id")
	if configs == nil {
		e.Facts = []string{factAt(res.Node)}
		r.faults.Errorf(res.Node.Origin(), "hidden-configurations", "the row shows no effective configurations; query it with its properties")
	}
	return e
}

// managementScope reads the management groups above a subscription or group, as
// Resource Graph's resourcecontainers list them: nearest first.
func (r *reader) managementScope(res Resource) *network.ManagementScope {
	s := &network.ManagementScope{ID: res.ID, Origin: res.Node.Origin()}
	chain := get(res.Properties, "managementGroupAncestorsChain")
	if chain == nil {
		chain = get(res.Properties, "details", "managementGroupAncestorsChain")
	}
	for _, item := range list(chain) {
		if name := item.Get("name").Text(); name != "" {
			s.Ancestors = append(s.Ancestors, name)
		}
	}
	return s
}

func (r *reader) applicationGateway(res Resource) *network.ApplicationGateway {
	g := &network.ApplicationGateway{ID: res.ID, Name: res.Name, Origin: res.Node.Origin()}
	for _, n := range list(get(res.Properties, "gatewayIPConfigurations")) {
		if id, _ := r.ref(get(properties(n), "subnet")); id != "" {
			g.SubnetIDs = append(g.SubnetIDs, id)
		}
	}
	return g
}
