package network

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tree indexes collections and rules by the configuration they are part of. Of
// what exists only in committed versions the newest stands for the live one: a
// collection as it is, a rule in doubt, since it may have been removed since.
func (a *adminLinker) tree() {
	number := func(version string) int {
		n, _ := strconv.Atoi(version)
		return n
	}
	newest := func(a, b string) int {
		ra, va := live(a)
		rb, vb := live(b)
		return cmp.Or(
			strings.Compare(Key(ra), Key(rb)),
			cmp.Compare(len(va), len(vb))*btoi(va == "" || vb == ""), // live ones first
			-cmp.Compare(number(va), number(vb)),
		)
	}
	slices.SortStableFunc(a.from.Collections, func(x, y *AdminCollection) int { return newest(x.ID, y.ID) })
	for _, c := range a.from.Collections {
		id, _ := live(c.ID)
		if a.collections[Key(id)] == nil {
			a.collections[Key(id)] = c
			k := Key(configurationOf(id))
			a.parts[k] = append(a.parts[k], Key(id))
		}
	}
	slices.SortStableFunc(a.from.Rules, func(x, y *ManagedRule) int { return newest(x.ID, y.ID) })
	seen := map[string]bool{}
	for _, r := range a.from.Rules {
		id, version := live(r.ID)
		if seen[Key(id)] {
			continue
		}
		seen[Key(id)] = true
		if version != "" {
			c := *r.Rule
			c.Facts = slices.Clone(c.Facts)
			c.AddFact("rule-version:" + r.ID)
			r = &ManagedRule{&c, r.SourceGroups, r.DestinationGroups}
			a.inDoubt = append(a.inDoubt, r)
		}
		k := Key(configurationOf(id))
		a.rulesOf[k] = append(a.rulesOf[k], r)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// goalStates keeps, of each manager and region, the deployment committed last.
func (a *adminLinker) goalStates() {
	a.deployed = map[string]map[string]*AdminDeployment{}
	slices.SortStableFunc(a.from.Deployments, func(x, y *AdminDeployment) int {
		return cmp.Or(commitTime(x).Compare(commitTime(y)), x.Origin.Compare(y.Origin))
	})
	for _, d := range a.from.Deployments {
		m := Key(a.managerOf(d))
		if m == "" && len(d.ConfigurationIDs)+len(d.Facts) == 0 {
			continue // nothing is deployed, by nobody knows whom
		}
		if a.deployed[m] == nil {
			a.deployed[m] = map[string]*AdminDeployment{}
		}
		a.deployed[m][regionKey(d.Region)] = d
	}
}

// commitTime is the zero time when the deployment does not say.
func commitTime(d *AdminDeployment) time.Time {
	t, err := time.Parse(time.RFC3339Nano, d.Time)
	if err != nil {
		return time.Time{}
	}
	return t
}

// managerOf returns the manager whose deployment it is, "" when nothing tells.
func (a *adminLinker) managerOf(d *AdminDeployment) string {
	if d.ManagerID != "" {
		return d.ManagerID
	}
	for _, id := range d.ConfigurationIDs {
		if m := ManagerOf(a.configuration("", id)); m != "" {
			return m
		}
	}
	if len(a.from.Managers) == 1 {
		return a.from.Managers[0].ID
	}
	return ""
}

// configuration returns the id of a configuration given by id, by that of a
// committed version, or by bare name; the name as it is when nothing has it.
func (a *adminLinker) configuration(manager, ref string) string {
	if strings.Contains(ref, "/") {
		id, _ := live(ref)
		return id
	}
	for _, c := range a.from.Configurations {
		if strings.EqualFold(c.Name, ref) && (manager == "" || Key(ManagerOf(c.ID)) == Key(manager)) {
			return c.ID
		}
	}
	return ref
}

// managerIDs lists every manager that anything names, sorted; "" stands for
// deployments of nobody knows which one.
func (a *adminLinker) managerIDs() []string {
	ids := map[string]string{}
	add := func(id string) {
		if _, ok := ids[Key(id)]; !ok {
			ids[Key(id)] = id
		}
	}
	for _, m := range a.from.Managers {
		add(m.ID)
	}
	for _, c := range a.from.Configurations {
		add(ManagerOf(c.ID))
	}
	for _, r := range a.from.Rules {
		add(ManagerOf(r.ID))
	}
	for m := range a.deployed {
		add(m)
	}
	for m := range a.active {
		add(m)
	}
	var out []string
	for _, id := range ids {
		out = append(out, id)
	}
	slices.SortFunc(out, func(x, y string) int { return strings.Compare(Key(x), Key(y)) })
	return out
}

// fromManager adds what one manager has in force, by the best source about it.
func (a *adminLinker) fromManager(s *adminSet, t adminTarget, manager string) {
	if a.fromActive(s, t, manager, "") {
		return
	}
	if byRegion := a.deployed[Key(manager)]; len(byRegion) > 0 {
		a.fromDeployments(s, t, manager, byRegion)
		return
	}
	choice := a.n.Assumptions.Value("admin-configurations")
	for _, c := range a.configurationIDs(manager) {
		switch choice {
		case "ignored":
			a.tellIgnored(t, c)
		case "deployed":
			a.fromConfiguration(s, t, c, nil, nil, "configuration "+LastSegment(c)+", assumed deployed")
		case "unknown":
			a.fromConfiguration(s, t, c, nil, []string{"undeployed-configuration:" + c}, "configuration "+LastSegment(c)+", not known to be deployed")
		}
	}
}

// configurationIDs lists the configurations of a manager that have a body or
// rules, sorted.
func (a *adminLinker) configurationIDs(manager string) []string {
	ids := map[string]string{}
	for _, c := range a.from.Configurations {
		id, _ := live(c.ID)
		ids[Key(id)] = id
	}
	for k, rules := range a.rulesOf {
		if ids[k] == "" {
			ids[k] = configurationOf(rules[0].ID)
		}
	}
	var out []string
	for _, id := range ids {
		if Key(ManagerOf(id)) == Key(manager) {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, func(x, y string) int { return strings.Compare(Key(x), Key(y)) })
	return out
}

func (a *adminLinker) tellIgnored(t adminTarget, id string) {
	if a.told["ignored:"+Key(id)] || len(a.rulesOf[Key(id)]) == 0 || t.vnet == nil {
		return
	}
	a.told["ignored:"+Key(id)] = true
	origin := a.rulesOf[Key(id)][0].Origin
	if c := a.configs[Key(id)]; c != nil {
		origin = c.Origin
	}
	a.faults.Warnf(origin, "not-deployed",
		"nothing shows where security admin configuration %s is deployed, so its rules do not count; add the output of 'az network manager list-deploy-status' or of list-effective-security-admin-rule, or --assume admin-configurations=deployed", id)
}

// fromActive adds the active rules of the target's region, of one configuration
// or of all; found is false when the lists hold none.
func (a *adminLinker) fromActive(s *adminSet, t adminTarget, manager, configuration string) (found bool) {
	var facts []string
	if t.region() == "" {
		facts = []string{"missing-location:" + t.id}
	}
	seen := map[string]bool{}
	more, last := "", false
	for _, r := range a.active[Key(manager)] {
		if t.region() != "" && regionKey(r.Region) != t.region() || configuration != "" && Key(configurationOf(r.ID)) != Key(configuration) {
			continue
		}
		found = true
		s.facts = append(s.facts, r.list.Facts...)
		if r.list.More {
			more = "missing-page:" + r.list.Origin.File + "#" + r.list.Origin.Pointer
		} else {
			last = true
		}
		if seen[Key(r.ID)] {
			continue
		}
		seen[Key(r.ID)] = true
		p := placement{rule: r.Rule, facts: facts}
		if groups := r.GroupIDs; len(groups) > 0 {
			p.reach = a.members.reach(t.id, groups, nil)
		} else {
			p.reach = a.collectionReach(t, a.places[r.Rule].collection, collectionOf(r.ID))
		}
		if !p.reach.none() {
			s.add("active admin rules "+r.list.Origin.File, p)
		}
	}
	if found && !last {
		s.facts = append(s.facts, more)
	}
	return found
}

// collectionReach is where a collection, given by the key of its id and by an id
// within it, applies.
func (a *adminLinker) collectionReach(t adminTarget, collection, within string) reach {
	key := reachKey{t.id, collection}
	r, known := a.reaches[key]
	if !known {
		r = reach{facts: []string{"missing-rule-collection:" + collectionOf(within)}}
		if c := a.collections[key.collection]; c != nil {
			r = a.members.reach(t.id, c.GroupIDs, c.Facts)
		}
		a.reaches[key] = r
	}
	return r
}

// fromDeployments adds what is deployed to the target's region: when that is not
// known, what is deployed anywhere, in doubt.
func (a *adminLinker) fromDeployments(s *adminSet, t adminTarget, manager string, byRegion map[string]*AdminDeployment) {
	var regions []string
	for region := range byRegion {
		if t.region() == "" || region == "" || region == t.region() {
			regions = append(regions, region)
		}
	}
	slices.Sort(regions)
	for _, region := range regions {
		d := byRegion[region]
		s.facts = append(s.facts, d.Facts...)
		for _, ref := range d.ConfigurationIDs {
			id := a.configuration(manager, ref)
			var facts []string
			if t.region() == "" {
				facts = append(facts, "missing-location:"+t.id)
			}
			if !strings.EqualFold(d.Status, "Deployed") && !strings.EqualFold(d.Status, "Succeeded") {
				facts = append(facts, "undeployed-configuration:"+id)
			}
			a.fromConfiguration(s, t, id, d.RuleIDs, facts, "deployment "+d.Origin.String())
		}
	}
	if len(regions) == 0 && !a.told["region:"+manager+t.region()] {
		a.told["region:"+manager+t.region()] = true
		a.faults.Infof(byRegion[sortedKey(byRegion)].Origin, "not-deployed",
			"no deployment of network manager %s in region %s is in the snapshot: its admin rules do not count there", manager, t.vnet.Location)
	}
}

func sortedKey(m map[string]*AdminDeployment) string {
	var first string
	for k := range m {
		if first == "" || k < first {
			first = k
		}
	}
	return first
}

// fromConfiguration adds the rules of a configuration in force: the committed
// versions listed, if the snapshot holds them all, else the live ones, which may
// be newer. Facts put each in doubt.
func (a *adminLinker) fromConfiguration(s *adminSet, t adminTarget, id string, committed, facts []string, source string) {
	rules := a.committed(id, committed)
	if rules == nil {
		rules = a.rulesOf[Key(id)]
	}
	filled := map[string]bool{}
	for _, r := range rules {
		collection := a.places[r.Rule].collection
		filled[collection] = true
		p := placement{rule: r.Rule, reach: a.collectionReach(t, collection, r.ID), facts: slices.Clone(facts)}
		if !p.reach.none() {
			s.add(source, p)
		}
	}
	empty := len(rules) == 0
	for _, key := range a.parts[Key(id)] {
		c := a.collections[key]
		if !filled[key] {
			if r := a.collectionReach(t, key, c.ID); !r.none() {
				s.facts = append(s.facts, "missing-admin-rules:"+c.ID)
			}
		}
		empty = false
	}
	if empty {
		s.facts = append(s.facts, "missing-admin-rules:"+id)
	}
}

// committed returns the rule versions of one configuration, nil unless all are known.
func (a *adminLinker) committed(configuration string, ids []string) (out []*ManagedRule) {
	for _, id := range ids {
		if Key(configurationOf(id)) != Key(configuration) {
			continue
		}
		r := a.versions[Key(id)]
		if r == nil {
			return nil
		}
		out = append(out, r)
	}
	return out
}

// fromRow adds the rules of the configurations that Resource Graph shows in
// force: active ones where those are listed, else the configurations' own.
func (a *adminLinker) fromRow(s *adminSet, t adminTarget, row *EffectiveConfigurations) {
	s.facts = append(s.facts, row.Facts...)
	for _, ref := range row.ConfigurationIDs {
		id := a.configuration("", ref)
		if a.fromActive(s, t, ManagerOf(id), id) {
			continue
		}
		var facts, committed []string
		if row.State != "" && !strings.EqualFold(row.State, "Succeeded") {
			facts = append(facts, "undeployed-configuration:"+id)
		}
		if d := a.deployed[Key(ManagerOf(id))][t.region()]; d != nil {
			committed = d.RuleIDs
		}
		a.fromConfiguration(s, t, id, committed, facts, "Resource Graph row "+row.Origin.String())
	}
}

// fromLists adds the effective rules of a virtual network; several lists are
// pages of one answer.
func (a *adminLinker) fromLists(s *adminSet, t adminTarget, lists []*AdminList) {
	seen := map[string]bool{}
	complete := false
	for _, list := range lists {
		s.facts = append(s.facts, list.Facts...)
		complete = complete || !list.More
		for _, r := range list.Rules {
			if seen[Key(r.ID)] {
				continue
			}
			seen[Key(r.ID)] = true
			// The rule reaches some of the virtual network: all of it unless
			// it is for a group of which only subnets are members.
			to := a.members.reach(t.id, r.GroupIDs, nil)
			if len(to.subnets) == 0 || to.sure {
				to = reach{sure: true}
			}
			s.add("effective admin rules "+list.Origin.File, placement{rule: r.Rule, reach: to})
		}
	}
	if !complete {
		o := lists[0].Origin
		s.facts = append(s.facts, "missing-page:"+o.File+"#"+o.Pointer)
	}
}
