package network

import (
	"path"
	"slices"
	"strings"
)

// A claim is a list of effective rules and the virtual networks it may be of.
// Azure's answer does not name the virtual network, but the network groups its
// rules are for.
type claim struct {
	list  *AdminList
	ids   string          // of its rules: what the list says
	sure  []string        // virtual networks that are members for every rule, by key
	maybe map[string]bool // those and others that may be
}

// attribute finds the virtual network of each effective list. One that cannot be
// placed makes the admin rules of every virtual network it may be of unknown.
func (a *adminLinker) attribute() {
	var open []*claim
	for _, list := range a.from.Lists {
		if !list.Active {
			open = append(open, a.claim(list))
		}
	}
	for _, find := range []func(*claim, []*claim) string{a.onlyCandidate, a.namedAfter, a.onlyMember, a.besideIt} {
		open = a.settle(open, find)
	}
	a.checkSeveral()
	// What is left are lists of the virtual networks without one.
	for changed := true; changed; {
		before := len(open)
		open = a.settle(open, a.leftOver)
		changed = len(open) < before
	}
	open = a.alike(open)
	for _, c := range open {
		a.refuse(c)
	}
}

func (a *adminLinker) claim(list *AdminList) *claim {
	c := &claim{list: list, maybe: map[string]bool{}}
	var ids []string
	for _, r := range list.Rules {
		ids = append(ids, Key(r.ID))
	}
	slices.Sort(ids)
	c.ids = strings.Join(ids, "\n")
	for _, v := range a.n.VirtualNetworks {
		sure, maybe := true, true
		for _, r := range list.Rules {
			if len(r.GroupIDs) == 0 {
				sure = false
				continue
			}
			to := a.members.reach(v.ID, r.GroupIDs, nil)
			sure = sure && (to.sure || len(to.subnets) > 0)
			maybe = maybe && !to.none()
		}
		if maybe {
			c.maybe[Key(v.ID)] = true
		}
		if maybe && sure {
			c.sure = append(c.sure, Key(v.ID))
		}
	}
	return c
}

// settle attributes the lists for which find names a virtual network and returns
// the others.
func (a *adminLinker) settle(open []*claim, find func(*claim, []*claim) string) (rest []*claim) {
	found := make([]string, len(open))
	for i, c := range open {
		found[i] = find(c, open)
	}
	for i, c := range open {
		if found[i] == "" {
			rest = append(rest, c)
		} else {
			a.effective[found[i]] = append(a.effective[found[i]], c.list)
		}
	}
	return rest
}

// onlyCandidate: no other virtual network can be meant, or there is no other.
func (a *adminLinker) onlyCandidate(c *claim, _ []*claim) string {
	if len(c.maybe) != 1 {
		return ""
	}
	for v := range c.maybe {
		return v
	}
	return ""
}

// namedAfter: the file has the name of one virtual network it may be of: V.json,
// V.admin.json. Exports of single NICs go by their names too.
func (a *adminLinker) namedAfter(c *claim, _ []*claim) string {
	stem := Key(path.Base(strings.ReplaceAll(c.list.Origin.File, `\`, "/"))) + "."
	best, found := "", ""
	for _, v := range a.n.VirtualNetworks {
		switch name := Key(v.Name); {
		case name == "" || !c.maybe[Key(v.ID)] || !strings.HasPrefix(stem, name+"."):
		case len(name) > len(best):
			best, found = name, Key(v.ID)
		case name == best:
			found = "" // of two resource groups
		}
	}
	return found
}

// onlyMember: one virtual network is surely a member for every rule, and no
// second list could be its own as well.
func (a *adminLinker) onlyMember(c *claim, open []*claim) string {
	if len(c.sure) != 1 {
		return ""
	}
	for _, other := range open {
		if other != c && slices.Equal(other.sure, c.sure) && !other.list.More && !c.list.More {
			return ""
		}
	}
	if a.effective[c.sure[0]] != nil {
		return ""
	}
	return c.sure[0]
}

// besideIt: the only list in a directory that describes one virtual network.
func (a *adminLinker) besideIt(c *claim, _ []*claim) string {
	dir := dirOf(c.list.Origin.File)
	for _, list := range a.from.Lists {
		if list != c.list && !list.Active && dirOf(list.Origin.File) == dir && !list.More && !c.list.More {
			return ""
		}
	}
	beside := ""
	for _, v := range a.n.VirtualNetworks {
		if dirOf(v.Origin.File) != dir {
			continue
		}
		if beside != "" {
			return ""
		}
		beside = Key(v.ID)
	}
	if !c.maybe[beside] || a.effective[beside] != nil {
		return ""
	}
	return beside
}

func dirOf(file string) string { return path.Dir(strings.ReplaceAll(file, `\`, "/")) }

// leftOver: all other candidates have a list of their own, which says something
// else. A virtual network that is not surely a member may have none at all.
func (a *adminLinker) leftOver(c *claim, open []*claim) string {
	var left []string
	for v := range c.maybe {
		if a.effective[v] == nil && a.unattributed[v] == nil {
			left = append(left, v)
		}
	}
	if len(left) != 1 || !slices.Contains(c.sure, left[0]) {
		return ""
	}
	for _, other := range open {
		if other != c && other.maybe[left[0]] {
			return ""
		}
	}
	return left[0]
}

// alike attributes as many equal lists as there are virtual networks they may be
// of: which is whose does not matter then.
func (a *adminLinker) alike(open []*claim) (rest []*claim) {
	found := map[string]*AdminList{}
	for _, c := range open {
		var left []string
		for v := range c.maybe {
			if a.effective[v] == nil {
				left = append(left, v)
			}
		}
		equal := 0
		for _, other := range open {
			if other.ids == c.ids && !other.list.More {
				equal++
			} else if slices.ContainsFunc(left, func(v string) bool { return other.maybe[v] }) {
				equal = -len(open)
			}
		}
		if equal < 1 || equal != len(left) {
			rest = append(rest, c)
			continue
		}
		for _, v := range left {
			found[v] = c.list
		}
	}
	for v, list := range found {
		a.effective[v] = []*AdminList{list}
	}
	return rest
}

// checkSeveral takes back what was attributed to one virtual network by several
// lists that are no pages of one answer and do not say the same.
func (a *adminLinker) checkSeveral() {
	for _, v := range a.n.VirtualNetworks {
		key := Key(v.ID)
		lists := a.effective[key]
		last := 0
		for _, list := range lists {
			if !list.More {
				last++
			}
		}
		if last < 2 {
			continue
		}
		first := a.claim(lists[0]).ids
		if len(lists) == last && !slices.ContainsFunc(lists, func(l *AdminList) bool { return a.claim(l).ids != first }) {
			a.effective[key] = lists[:1]
			continue
		}
		delete(a.effective, key)
		for _, list := range lists {
			a.refuse(&claim{list: list, maybe: map[string]bool{key: true}})
		}
	}
}

// refuse makes the admin rules of every candidate without a better source
// unknown and says how to export the list so that it can be placed.
func (a *adminLinker) refuse(c *claim) {
	const most = 4
	o := c.list.Origin
	var names []string
	for _, v := range a.n.VirtualNetworks {
		key := Key(v.ID)
		if c.maybe[key] && a.effective[key] == nil {
			names = append(names, v.Name)
			a.unattributed[key] = append(a.unattributed[key], "unattributed-admin-rules:"+o.File+"#"+o.Pointer)
		}
	}
	if len(names) == 0 {
		a.faults.Infof(o, "unattributed-admin-rules",
			"these effective admin rules are of no virtual network in the snapshot, or repeat what another file says; they do not count")
		return
	}
	more := ""
	if len(names) > most {
		more = ", …"
		names = names[:most]
	}
	a.faults.Errorf(o, "unattributed-admin-rules",
		"these effective admin rules do not say of which virtual network they are; every one they may be of (%s%s) has unknown admin rules; "+
			"export the network group memberships (Resource Graph, networkresources of type microsoft.network/networkgroupmemberships), "+
			"or name the file after the virtual network (%s.json), or keep the two in a directory of their own", strings.Join(names, ", "), more, names[0])
}
