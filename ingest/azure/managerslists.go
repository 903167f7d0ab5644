package azure

import (
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// isListedAdminRule reports whether n is an element of an answer of
// listNetworkManagerEffectiveSecurityAdminRules or listActiveSecurityAdminRules:
// a rule with what is told about its configuration.
func isListedAdminRule(n *jsontree.Node) bool {
	if id := n.Get("id"); id != nil && !network.SameKey(typeOf(id.Text()), typeAdminRule) {
		return false
	}
	for _, name := range []string{"ruleCollectionAppliesToGroups", "ruleGroups", "ruleCollectionDescription", "configurationDescription"} {
		if n.Get(name) != nil {
			return true
		}
	}
	return false
}

// isActive tells rules in force in a region from those at a virtual network.
func isActive(n *jsontree.Node) bool { return n.Get("region") != nil || n.Get("commitTime") != nil }

// isDeployment reports whether n is an element of an answer of
// listDeploymentStatus, or what a commit answered.
func isDeployment(n *jsontree.Node) bool {
	if n.Get("deploymentStatus") != nil && (n.Get("configurationIds") != nil || n.Get("deploymentType") != nil) {
		return true
	}
	return n.Get("configurationIds") != nil && n.Get("targetLocations") != nil
}

// adminLists reads the rules of one list, active and effective ones apart.
func (w *walk) adminLists(nodes []*jsontree.Node) {
	r := w.reader()
	byKind := map[bool]*network.AdminList{}
	for _, n := range nodes {
		active := isActive(n)
		l := byKind[active]
		if l == nil {
			l = &network.AdminList{Origin: n.Origin(), Active: active}
			byKind[active] = l
			w.listed.Lists = append(w.listed.Lists, l)
		}
		r.listedRule(l, n)
	}
}

func (r *reader) listedRule(l *network.AdminList, n *jsontree.Node) {
	id := n.Get("id").Text()
	if network.Key(typeOf(id)) != typeAdminRule {
		l.Facts = facts(l.Facts, []string{factAt(n)})
		r.faults.Errorf(n.Origin(), "no-id", "the admin rule has no id; export the list whole")
		return
	}
	out := network.ListedRule{
		ManagedRule: r.adminRule(n, properties(n), id, network.LastSegment(id)),
		Region:      n.Get("region").Text(),
	}
	groups, unread := r.ids(n.Get("ruleCollectionAppliesToGroups"), "networkGroupId")
	if len(groups) == 0 {
		groups, unread = r.ids(n.Get("ruleGroups"), "id")
	}
	if len(unread) == 0 {
		out.GroupIDs = groups
	}
	l.Rules = append(l.Rules, out)
}

// deployment reads an element that isDeployment recognises. Only deployments of
// security admin configurations count.
func (w *walk) deployment(n *jsontree.Node) {
	kind := either(n, "deploymentType", "commitType")
	switch network.Key(kind.Text()) {
	case "securityadmin", "adminpolicy":
	case "":
		w.faults.Warnf(n.Origin(), "bad-deployment", "the deployment has no type; it is read as one of security admin configurations")
	default:
		return
	}
	r := w.reader()
	ids, unread := r.ids(n.Get("configurationIds"), "id")
	regions, unreadRegions := r.texts(either(n, "region", "targetLocations"), "a region")
	for _, region := range regions {
		w.listed.Deployments = append(w.listed.Deployments, &network.AdminDeployment{
			Origin: n.Origin(), Region: region, ConfigurationIDs: ids,
			Status: n.Get("deploymentStatus").Text(), Time: n.Get("commitTime").Text(), Facts: facts(unread, unreadRegions),
		})
	}
	if len(regions) == 0 {
		w.faults.Errorf(n.Origin(), "bad-deployment", "the deployment names no region; export the list whole")
		w.listed.Deployments = append(w.listed.Deployments, &network.AdminDeployment{
			Origin: n.Origin(), ConfigurationIDs: ids, Facts: facts(unread, []string{factAt(n)}),
		})
	}
}

// goalState reads a row of securityadminregionalgoalstates: what a manager has
// committed to a region, version by version.
func (r *reader) goalState(res Resource) *network.AdminDeployment {
	p := res.Properties
	d := &network.AdminDeployment{
		Origin: res.Node.Origin(), ManagerID: network.ManagerOf(res.ID), Region: res.Node.Get("location").Text(),
		Status: get(p, "status").Text(), Time: get(p, "commitTimestamp").Text(),
	}
	configs := get(p, "securityAdminConfigurations")
	var unread, unreadRules []string
	d.ConfigurationIDs, unread = r.ids(configs, "id")
	d.RuleIDs, unreadRules = r.ids(get(p, "securityAdminRules"), "id")
	if len(unreadRules) > 0 {
		d.RuleIDs = nil
	}
	d.Facts = facts(unread)
	if configs == nil {
		d.Facts = facts(d.Facts, []string{factAt(res.Node)})
		r.faults.Errorf(res.Node.Origin(), "bad-deployment", "the row shows no security admin configurations; query it with its properties")
	}
	if d.Region == "" {
		d.Region = network.LastSegment(res.ID)
	}
	return d
}

// unfinished marks the lists of one page as parts of a longer answer.
func unfinished(lists []*network.AdminList) {
	for _, l := range lists {
		l.More = true
	}
}
