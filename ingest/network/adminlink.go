package network

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ipflow/ingest/flow"
)

// adminRules works out which security admin rules reach which subnet and numbers
// them. Of four sources the best one counts, for each virtual network: its list
// of effective rules; the configurations that Resource Graph shows in force; for
// each manager the active rules of the region, then the region's deployment; the
// configuration tree alone only by assumption ("concept-deployments").
func (l *linker) adminRules() {
	a := newAdminLinker(l)
	a.expand()
	a.attribute()
	exempt := a.exemptSubnets()
	sets := map[string]*adminSet{}
	set := func(vnet string) *adminSet {
		s := sets[Key(vnet)]
		if s == nil {
			s = a.set(adminTarget{vnet, l.vnets[Key(vnet)]})
			sets[Key(vnet)] = s
		}
		return s
	}
	for _, v := range l.n.VirtualNetworks {
		if v.Admin == nil {
			v.Admin = a.at(set(v.ID), "")
		}
	}
	for _, s := range l.n.Subnets {
		s.AdminExempt = exempt(s.ID, s)
		if s.Admin == nil && s.AdminExempt == "" {
			s.Admin = a.inSubnet(set, s.ID, s.VirtualNetwork)
		}
	}
	l.n.adminElsewhere = map[string]*AdminRules{}
	for _, c := range l.n.NICs {
		if c.Subnet == nil && c.SubnetID != "" && exempt(c.SubnetID, nil) == "" {
			l.n.adminElsewhere[Key(c.SubnetID)] = a.inSubnet(set, c.SubnetID, l.vnets[c.VirtualNetworkKey()])
		}
	}
	a.number()
	// A NIC whose subnet is not known may be anywhere.
	l.n.adminNowhere = map[string]*AdminRules{}
	if len(a.numbered) == 0 {
		return
	}
	for _, c := range l.n.NICs {
		if c.Subnet == nil && c.SubnetID == "" && l.n.adminNowhere[c.SubnetFact] == nil {
			l.n.adminNowhere[c.SubnetFact] = &AdminRules{Source: "not known: the NIC's subnet is not", Facts: []string{c.SubnetFact}}
		}
	}
}

// inSubnet returns the rules of one subnet. Those given to its virtual network
// before Link stand.
func (a *adminLinker) inSubnet(set func(string) *adminSet, id string, v *VirtualNetwork) *AdminRules {
	if v == nil {
		return a.at(set(ParentID(id)), id)
	}
	s := set(v.ID)
	if v.Admin != nil && !s.forSubnets() {
		return v.Admin
	}
	return a.at(s, id)
}

type adminLinker struct {
	*linker
	from        *AdminSources
	members     *members
	managers    map[string]*NetworkManager
	configs     map[string]*AdminConfiguration
	ids         []string                    // of managers
	collections map[string]*AdminCollection // by live id
	parts       map[string][]string         // collections of a configuration, by live id
	rulesOf     map[string][]*ManagedRule   // live ones, by configuration
	versions    map[string]*ManagedRule     // committed ones, by id
	inDoubt     []*ManagedRule              // committed ones that stand for live ones
	rows        map[string]*EffectiveConfigurations
	active      map[string][]activeRule // by manager
	deployed    map[string]map[string]*AdminDeployment
	scopes      map[string]*ManagementScope

	effective    map[string][]*AdminList // attributed, by virtual network
	unattributed map[string][]string     // facts, by virtual network

	places   map[*Rule]rulePlace
	reaches  map[reachKey]reach
	copies   map[doubtKey]*Rule
	interned map[string]*AdminRules
	numbered map[*AdminRules]bool
	told     map[string]bool
}

type activeRule struct {
	ListedRule
	list *AdminList
}

type doubtKey struct {
	rule  *Rule
	facts string
}

// rulePlace is what is asked of a rule for every virtual network.
type rulePlace struct {
	ordinal             int    // among all rules of one manager
	manager, collection string // keys of their ids
}

type reachKey struct{ vnet, collection string }

// adminTarget is a virtual network, nil when not in the snapshot.
type adminTarget struct {
	id   string
	vnet *VirtualNetwork
}

// region is "" when not known.
func (t adminTarget) region() string {
	if t.vnet == nil {
		return ""
	}
	return regionKey(t.vnet.Location)
}

// adminSet is every rule that reaches some of a virtual network.
type adminSet struct {
	items    []placement
	facts    []string // further rules may be among them
	sources  []string
	managers []string // in order of evaluation
	ordered  bool     // that order is certain
}

// placement is a rule and where it applies; facts put it in doubt everywhere.
type placement struct {
	rule    *Rule
	reach   reach
	facts   []string
	manager int // place of its manager, once those are in order
	ordinal int // among the rules of its manager
}

func (s *adminSet) add(source string, items ...placement) {
	if len(items) > 0 && !slices.Contains(s.sources, source) {
		s.sources = append(s.sources, source)
	}
	s.items = append(s.items, items...)
}

func (s *adminSet) forSubnets() bool {
	return slices.ContainsFunc(s.items, func(p placement) bool { return len(p.reach.subnets) > 0 })
}

// in returns the facts on which the rule applies to a subnet, given by key.
func (p *placement) in(subnet string) (facts []string, applies bool) {
	switch {
	case p.reach.sure || p.reach.subnets[subnet]:
		return p.facts, true
	case len(p.reach.facts) > 0:
		return slices.Concat(p.facts, p.reach.facts), true
	}
	return nil, false
}

func newAdminLinker(l *linker) *adminLinker {
	s := &l.n.Managed
	a := &adminLinker{
		linker: l, from: s, members: newMembers(l.n),
		managers:    byKey(s.Managers, func(x *NetworkManager) string { return x.ID }),
		configs:     byKey(s.Configurations, func(x *AdminConfiguration) string { return x.ID }),
		collections: map[string]*AdminCollection{}, parts: map[string][]string{}, rulesOf: map[string][]*ManagedRule{},
		rows:      byKey(s.Effective, func(x *EffectiveConfigurations) string { return x.VirtualNetworkID }),
		active:    map[string][]activeRule{},
		scopes:    byKey(s.Scopes, func(x *ManagementScope) string { return x.ID }),
		effective: map[string][]*AdminList{}, unattributed: map[string][]string{},
		places: map[*Rule]rulePlace{}, reaches: map[reachKey]reach{}, copies: map[doubtKey]*Rule{}, interned: map[string]*AdminRules{}, numbered: map[*AdminRules]bool{}, told: map[string]bool{},
	}
	a.versions = byKey(s.Rules, func(x *ManagedRule) string { return x.ID })
	a.tree()
	for _, list := range s.Lists {
		for _, r := range list.Rules {
			if list.Active {
				m := Key(ManagerOf(r.ID))
				a.active[m] = append(a.active[m], activeRule{r, list})
			}
		}
	}
	a.goalStates()
	a.ids = a.managerIDs()
	return a
}

// expand turns the network groups that rules name into prefixes, once per rule,
// and finds the place of each rule among the others.
func (a *adminLinker) expand() {
	known := map[string][]Selector{}
	side := func(groups []string) (out []Selector) {
		for _, id := range groups {
			if known[Key(id)] == nil {
				known[Key(id)] = a.members.selectors(a.linker, id)
			}
			out = append(out, known[Key(id)]...)
		}
		return out
	}
	var all []*Rule
	rule := func(r *ManagedRule) {
		r.Source = append(r.Source, side(r.SourceGroups)...)
		r.Destination = append(r.Destination, side(r.DestinationGroups)...)
		all = append(all, r.Rule)
	}
	for _, r := range a.from.Rules {
		rule(r)
	}
	for _, r := range a.inDoubt {
		rule(r)
	}
	for _, list := range a.from.Lists {
		for _, r := range list.Rules {
			rule(r.ManagedRule)
		}
	}
	SortAdminRules(all, func(string) int { return 0 })
	for i, r := range all {
		a.places[r] = rulePlace{i, Key(r.ManagerID), Key(collectionOf(r.ID))}
	}
}

// set gathers the rules of one virtual network from the best source there is.
func (a *adminLinker) set(t adminTarget) *adminSet {
	s := &adminSet{}
	key := Key(t.id)
	switch row := a.rows[key]; {
	case a.effective[key] != nil:
		a.fromLists(s, t, a.effective[key])
	case row != nil:
		a.fromRow(s, t, row)
	case a.unattributed[key] != nil:
		s.facts = append(s.facts, a.unattributed[key]...)
	default:
		for _, m := range a.ids {
			if a.inScope(m, t) {
				a.fromManager(s, t, m)
			}
		}
	}
	a.order(s, t)
	slices.SortStableFunc(s.items, func(p, q placement) int {
		return cmp.Or(cmp.Compare(p.manager, q.manager), cmp.Compare(p.ordinal, q.ordinal))
	})
	a.intentPolicy(s, t)
	if t.vnet == nil {
		for i := range s.items {
			s.items[i].facts = append(s.items[i].facts, "missing-vnet:"+t.id)
		}
	}
	return s
}

// at returns the rules of a set that apply to a subnet, in order of evaluation;
// nil when none do.
func (a *adminLinker) at(s *adminSet, subnet string) *AdminRules {
	var rules []*Rule
	for i := range s.items {
		if facts, applies := s.items[i].in(Key(subnet)); applies {
			rules = append(rules, a.doubtful(s.items[i].rule, facts))
		}
	}
	if len(rules)+len(s.facts) == 0 {
		return nil
	}
	a.checkPriorities(rules)
	if !s.ordered {
		rules = append(a.maybeFirst(rules), rules...)
	}
	out := &AdminRules{Source: strings.Join(s.sources, "; "), Rules: rules, Facts: slices.Clone(s.facts)}
	slices.Sort(out.Facts)
	out.Facts = slices.Compact(out.Facts)
	return a.intern(out)
}

// maybeFirst returns the rules in doubt about their manager's place. Before the
// same rules without doubt they stand for every order of the managers: a verdict
// is certain only if it does not depend on it.
func (a *adminLinker) maybeFirst(rules []*Rule) []*Rule {
	out := make([]*Rule, len(rules))
	for i, r := range rules {
		out[i] = a.doubtful(r, []string{"manager-order:" + r.ManagerID})
	}
	return out
}

// doubtful returns the rule with further facts: the same copy for the same facts.
func (a *adminLinker) doubtful(r *Rule, facts []string) *Rule {
	if len(facts) == 0 {
		return r
	}
	key := doubtKey{r, strings.Join(facts, "\x00")}
	if old := a.copies[key]; old != nil {
		return old
	}
	c := *r
	c.Facts = slices.Clone(r.Facts)
	for _, f := range facts {
		c.AddFact(f)
	}
	// Other facts in another order may come to the same.
	canonical := doubtKey{r, strings.Join(c.Facts, "\x00")}
	if a.copies[canonical] == nil {
		a.copies[canonical] = &c
	}
	a.copies[key] = a.copies[canonical]
	return a.copies[key]
}

// intern returns the one AdminRules with the content.
func (a *adminLinker) intern(x *AdminRules) *AdminRules {
	var b strings.Builder
	for _, r := range x.Rules {
		fmt.Fprintf(&b, "%p,", r)
	}
	fmt.Fprintf(&b, "%q%q", x.Facts, x.Source)
	if old := a.interned[b.String()]; old != nil {
		return old
	}
	a.interned[b.String()] = x
	return x
}

// checkPriorities warns about rules of one manager that share a priority.
func (a *adminLinker) checkPriorities(rules []*Rule) {
	for i, r := range rules {
		for _, q := range rules[i+1:] {
			if q.Priority != r.Priority || Key(q.ManagerID) != Key(r.ManagerID) {
				break
			}
			if q.Direction != r.Direction {
				continue
			}
			if Key(q.ID) == Key(r.ID) || len(q.Facts)+len(r.Facts) > 0 || a.told[r.ID+"\x00"+q.ID] {
				break
			}
			a.told[r.ID+"\x00"+q.ID] = true
			a.faults.Warnf(q.Origin, "duplicate-priority",
				"admin rules %s and %s share priority %d %s at one virtual network; which goes first is not documented; a denying one is put first, then the order of ids",
				r.ID, q.ID, r.Priority, r.Direction)
			break
		}
	}
}

// number gives every rule that applies somewhere its reference.
func (a *adminLinker) number() {
	seen := map[*Rule]bool{}
	number := func(x *AdminRules) {
		if x == nil || a.numbered[x] {
			return
		}
		a.numbered[x] = true
		for _, r := range x.Rules {
			if !seen[r] {
				seen[r] = true
				r.Ref = flow.RuleRef(len(a.n.rules))
				a.n.rules = append(a.n.rules, r)
			}
		}
	}
	for _, v := range a.n.VirtualNetworks {
		number(v.Admin)
	}
	for _, s := range a.n.Subnets {
		number(s.Admin)
	}
	for _, id := range slices.Sorted(maps.Keys(a.n.adminElsewhere)) {
		number(a.n.adminElsewhere[id])
	}
}
