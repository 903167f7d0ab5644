package reach

import (
	"net/netip"
	"slices"

	"ipflow/index"
	"ipflow/ingest/network"
)

// Held is which addresses an end holds for one NIC: surely, and at most. Facts
// are why they differ, sorted.
type Held struct {
	Sure, Most index.Addresses
	Facts      []string
}

// Far returns the addresses of an end at the other side of a NIC's flows. They
// rest on addresses only: whoever has the address of a member counts.
//
// c is not looked at when the end is made of NICs.
func (p *Prober) Far(e *End, c *network.NIC) (out Held) {
	switch {
	case e.tag != nil:
		out = heldTag(p.ix.Selectors().Of(c, *e.tag))
		out.Sure, out.Most = out.Sure.Minus(e.without), out.Most.Minus(e.without)
		return out
	case !e.IsNICs() || len(e.Prefixes) > 0:
		return Held{Sure: e.addresses, Most: e.addresses}
	case e.held != nil:
		return *e.held
	}
	out.Most = p.memberAddresses(e)
	for _, m := range e.Members {
		known := recorded(m.NIC)
		switch {
		case m.Within != nil:
			known = known.And(*m.Within)
		case m.known != nil:
			known = known.And(*m.known)
		}
		out.Sure = out.Sure.Or(known)
		if hasOpenAddress(m.NIC) {
			out.Facts = append(out.Facts, m.NIC.AddressFact())
		}
	}
	out.Facts = sorted(out.Facts)
	return out
}

// Prepare looks up once what many questions ask of an end.
func (p *Prober) Prepare(e *End) {
	if !e.IsNICs() || len(e.Prefixes) > 0 || e.held != nil {
		return
	}
	p.notes, p.noted = nil, map[string]bool{}
	held := p.Far(e, nil)
	e.held = &held
	e.notes = append(slices.Clip(e.notes), p.notes...)
}

// Near returns which addresses of the NIC itself an end holds.
func (p *Prober) Near(e *End, c *network.NIC) (out Held) {
	if e.IsNICs() {
		i, found := slices.BinarySearchFunc(e.Members, c, func(m Member, c *network.NIC) int { return byNIC(m.NIC, c) })
		if !found {
			return out
		}
		m := &e.Members[i]
		switch {
		case m.Within != nil:
			return Held{Sure: *m.Within, Most: *m.Within}
		case m.known != nil:
			return Held{Sure: *m.known, Most: everything, Facts: []string{c.AddressFact()}}
		}
		return Held{Sure: everything, Most: everything}
	}
	if out = p.Far(e, c); !hasOpenAddress(c) {
		return out
	}
	// What the subnet may give the NIC counts only if the end holds all of it.
	if open := openAddresses(c); !out.Sure.Covers(open) {
		out.Sure = out.Sure.And(recorded(c))
		out.Facts = sorted(append(slices.Clip(out.Facts), c.AddressFact()))
	}
	return out
}

func heldTag(r index.Reach) Held {
	out := Held{Sure: r.Sure, Most: r.Most()}
	for _, d := range r.May {
		if !r.Sure.Covers(d.Where) {
			out.Facts = append(out.Facts, d.Fact)
		}
	}
	out.Facts = sorted(out.Facts)
	return out
}

// recorded returns the addresses of the NIC that are on record.
func recorded(c *network.NIC) index.Addresses {
	var list []netip.Prefix
	for i := range c.IPConfigs {
		if a := c.IPConfigs[i].Address; a.IsValid() {
			list = append(list, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return index.AddressesOf(list)
}

// hasOpenAddress reports whether the NIC has an address that is not on record.
func hasOpenAddress(c *network.NIC) bool {
	return len(c.IPConfigs) == 0 || slices.ContainsFunc(c.IPConfigs, func(x network.IPConfig) bool { return !x.Address.IsValid() })
}

// openAddresses returns where an address that is not on record may be.
func openAddresses(c *network.NIC) index.Addresses {
	if c.Subnet != nil && len(c.Subnet.Prefixes) > 0 {
		return index.AddressesOf(c.Subnet.Prefixes)
	}
	return everything
}

// missingNICs are facts on which a machine has more NICs than are shown.
func missingNICs(m *network.VirtualMachine) (out []string) {
	for _, id := range m.NICIDs {
		if !slices.ContainsFunc(m.NICs, func(c *network.NIC) bool { return network.Key(c.ID) == network.Key(id) }) {
			out = append(out, "missing-nic:"+id)
		}
	}
	return sorted(out)
}

// placeDoubts are facts on which a subnet or virtual network holds more NICs: of
// those whose subnet nobody could read, and of an export that is cut off. A NIC
// that names another subnet, in the snapshot or not, is none of them.
func placeDoubts(n *network.Network) (out []string) {
	for _, c := range n.NICs {
		if c.SubnetID == "" {
			out = append(out, c.SubnetFact)
		}
	}
	return sorted(append(out, n.MembersFact))
}

// groupDoubts are facts on which a security group stands at more NICs.
func groupDoubts(n *network.Network, g *network.SecurityGroup) (out []string) {
	for _, c := range n.NICs {
		for _, ref := range []network.GroupRef{c.Group, n.SubnetGroup(c)} {
			if ref.Group == nil && (ref.ID == "" || network.Key(ref.ID) == network.Key(g.ID)) {
				out = append(out, ref.Fact)
			}
		}
	}
	return sorted(append(out, n.MembersFact))
}

// asgDoubts are facts on which an application security group has more members.
func asgDoubts(n *network.Network, id string) (out []string) {
	for _, m := range n.DoubtfulMembers() {
		for i := range m.NIC.IPConfigs {
			if x := &m.NIC.IPConfigs[i]; x.Address == m.Address && x.ASGFact != "" && !x.InASG(id) {
				out = append(out, x.ASGFact)
			}
		}
	}
	return sorted(append(out, n.MembersFact))
}

// sorted sorts facts and drops repeats and "".
func sorted(facts []string) []string {
	facts = slices.DeleteFunc(facts, func(f string) bool { return f == "" })
	slices.Sort(facts)
	return slices.Compact(facts)
}
