package network

import (
	"slices"
	"strings"

	"ipflow/ingest/diag"
)

// Connectivity is a connectivity configuration of a network manager: members of
// its directly connected groups reach each other without peerings.
type Connectivity struct {
	ID, Name string
	Origin   diag.Origin
	Groups   []ConnectedMembers
	// Listed says that the answer of an effective or active list shows it at
	// work: in the virtual network of that name or in the region; both are ""
	// when the answer does not say where.
	Listed                 bool
	VirtualNetwork, Region string
}

// ConnectedMembers is one group of a configuration whose members are connected.
type ConnectedMembers struct {
	GroupID string
	Global  bool // across regions
}

// connectedGroups places the configurations at the virtual networks that are
// known members of their groups.
func (l *linker) connectedGroups() {
	if len(l.n.Connectivity) == 0 {
		return
	}
	m := newMembers(l.n)
	for _, c := range l.n.Connectivity {
		for _, g := range c.Groups {
			ids := m.of[Key(g.GroupID)]
			if len(ids) == 0 {
				l.faults.Warnf(c.Origin, "unknown-group-members",
					"no member of network group %s is in the snapshot; who is connected by %s is not known; export its static members and the Resource Graph table networkGroupMemberships",
					LastSegment(g.GroupID), c.Name)
			}
			for _, v := range l.n.VirtualNetworks {
				if _, ok := ids[Key(v.ID)]; ok {
					l.connect(v, c, g, ids)
				}
			}
		}
	}
}

// connect gives the virtual network the other members. Those whose region is not
// known to be the same, where that matters, are members in doubt.
func (l *linker) connect(v *VirtualNetwork, c *Connectivity, g ConnectedMembers, ids map[string]string) {
	deployed := c.Listed && (c.VirtualNetwork != "" && strings.EqualFold(c.VirtualNetwork, v.Name) ||
		c.Region != "" && regionKey(c.Region) == regionKey(v.Location))
	near, far := &ConnectedGroup{ID: c.ID, Deployed: deployed}, &ConnectedGroup{ID: c.ID}
	for key, id := range ids {
		if key == Key(v.ID) || strings.Contains(key, "/subnets/") {
			continue
		}
		other := ""
		if o := l.vnets[key]; o != nil {
			other = o.Location
		}
		switch {
		case g.Global || other != "" && regionKey(other) == regionKey(v.Location):
			near.MemberIDs = append(near.MemberIDs, id)
		case other == "" || v.Location == "":
			far.MemberIDs = append(far.MemberIDs, id)
		}
	}
	for _, group := range []*ConnectedGroup{near, far} {
		if len(group.MemberIDs) > 0 {
			slices.SortFunc(group.MemberIDs, func(a, b string) int { return strings.Compare(Key(a), Key(b)) })
			v.Groups = append(v.Groups, group)
		}
	}
}
