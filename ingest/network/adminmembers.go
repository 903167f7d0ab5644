package network

import (
	"net/netip"
	"slices"
)

// A reach is how far rules go within one virtual network.
type reach struct {
	sure    bool            // to every subnet
	facts   []string        // to every subnet, if these turn out so
	subnets map[string]bool // to these surely, by key
}

func (r *reach) none() bool { return !r.sure && len(r.facts) == 0 && len(r.subnets) == 0 }

// members knows who is in which network group.
type members struct {
	listed   bool                         // groups have no members but those exported
	of       map[string]map[string]string // by group: ids by key
	subnets  map[[2]string][]string       // by group and virtual network: keys
	facts    map[string][]string          // by group: there may be others
	rows     map[string]*GroupMembership  // by resource
	counted  map[string]bool              // groups that some uncut row names
	surveyed map[string]bool              // subscriptions of uncut rows
}

func newMembers(n *Network) *members {
	m := &members{
		listed: n.Assumptions.Value("network-group-members") == "listed",
		of:     map[string]map[string]string{}, subnets: map[[2]string][]string{}, facts: map[string][]string{}, rows: map[string]*GroupMembership{},
		counted: map[string]bool{}, surveyed: map[string]bool{},
	}
	for _, s := range n.Managed.Members {
		group := Key(ParentID(s.ID))
		if s.ResourceID == "" {
			m.facts[group] = append(m.facts[group], s.Fact)
			continue
		}
		m.add(group, s.ResourceID)
	}
	for _, row := range n.Managed.Memberships {
		m.rows[Key(row.ResourceID)] = row
		if !row.Cut {
			m.surveyed[subscriptionOf(row.ResourceID)] = true
		}
		for _, g := range row.GroupIDs {
			m.add(Key(g), row.ResourceID)
			m.counted[Key(g)] = m.counted[Key(g)] || !row.Cut
		}
	}
	return m
}

func (m *members) add(group, id string) {
	if m.of[group] == nil {
		m.of[group] = map[string]string{}
	}
	if _, known := m.of[group][Key(id)]; known {
		return
	}
	m.of[group][Key(id)] = id
	if within(id, "subnets") != "" {
		at := [2]string{group, Key(ParentID(id))}
		m.subnets[at] = append(m.subnets[at], Key(id))
	}
}

// reach says where in a virtual network rules for the groups apply. A virtual
// network that no export names as a member is one only in doubt: Azure Policy
// may have added it. It is none when Resource Graph shows its memberships, or
// those of the group or of its subscription, without this one.
func (m *members) reach(vnet string, groups, facts []string) (r reach) {
	key := Key(vnet)
	r.facts = slices.Clone(facts)
	for _, id := range groups {
		g := Key(id)
		if _, ok := m.of[g][key]; ok {
			r.sure = true
		}
		for _, subnet := range m.subnets[[2]string{g, key}] {
			if r.subnets == nil {
				r.subnets = map[string]bool{}
			}
			r.subnets[subnet] = true
		}
		r.facts = append(r.facts, m.facts[g]...)
		row := m.rows[key]
		switch {
		case row != nil:
			r.facts = append(r.facts, row.Facts...)
		case !m.listed && !m.counted[g] && !m.surveyed[subscriptionOf(vnet)]:
			r.facts = append(r.facts, "missing-members:"+id)
		}
	}
	if r.sure {
		r.facts = nil
	}
	return r
}

// selectors returns what a network group covers as a source or destination: the
// address spaces of its members, of IPv4 alone where they have both families
// (concept-security-admin-rules-network-group).
func (m *members) selectors(l *linker, id string) []Selector {
	var prefixes []netip.Prefix
	facts := slices.Clone(m.facts[Key(id)])
	for key, member := range m.of[Key(id)] {
		switch v, s := l.vnets[key], l.subnetAt[key]; {
		case v != nil:
			prefixes, facts = append(prefixes, v.Prefixes...), append(facts, v.Facts...)
		case s != nil && len(s.Prefixes) > 0:
			prefixes = append(prefixes, s.Prefixes...)
		case within(member, "subnets") != "":
			facts = append(facts, "missing-subnet:"+member)
		default:
			facts = append(facts, "missing-vnet:"+member)
		}
	}
	if !m.listed && !m.counted[Key(id)] {
		facts = append(facts, "missing-members:"+id)
	}
	is4 := func(p netip.Prefix) bool { return p.Addr().Is4() }
	switch {
	case slices.ContainsFunc(prefixes, is4):
		prefixes = slices.DeleteFunc(prefixes, func(p netip.Prefix) bool { return !is4(p) })
	case len(facts) > 0:
		prefixes = nil // a member not known may bring IPv4 and oust these
	}
	slices.SortFunc(prefixes, netip.Prefix.Compare)
	var out []Selector
	for _, p := range slices.Compact(prefixes) {
		out = append(out, Selector{Kind: SelectPrefix, Prefix: p, Text: p.String()})
	}
	slices.Sort(facts)
	for _, f := range slices.Compact(facts) {
		out = append(out, Selector{Kind: SelectUnknown, Text: id, Fact: f})
	}
	return out
}
