package reach

import (
	"cmp"
	"net/netip"
	"slices"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// Located is addresses of a NIC that share a classifier.
type Located struct {
	At         index.Addresses
	Classifier *index.Classifier
}

// Locals returns the addresses of a NIC with their classifiers for a direction:
// the recorded ones, and where an ip configuration has none on record, every
// address of the subnet that it may have.
func (p *Prober) Locals(c *network.NIC, dir flow.Direction) (out []Located) {
	add := func(at index.Addresses, k *index.Classifier) {
		for i := range out {
			if out[i].Classifier == k {
				out[i].At = out[i].At.Or(at)
				return
			}
		}
		out = append(out, Located{at, k})
	}
	if v := p.variant; v != nil && v.nics[c] != nil {
		return p.variantLocals(c, v.nics[c], dir, add, &out)
	}
	known := index.Addresses{}
	for _, l := range p.ix.Locals(c) {
		a := l.Address.Netip()
		at := index.AddressesOf([]netip.Prefix{netip.PrefixFrom(a, a.BitLen())})
		known = known.Or(at)
		if dir == flow.Inbound {
			add(at, l.In)
		} else {
			add(at, l.Out)
		}
	}
	if !hasOpenAddress(c) {
		return out
	}
	p.note(c.ID + " has an address that is not recorded; answered for every address of its subnet")
	for _, part := range p.cutByRules(p.ix, c, dir, openAddresses(c).Minus(known)) {
		first := netip.Addr{}
		if len(part.V4) > 0 {
			first = part.V4[0].First.Netip()
		} else {
			first = part.V6[0].First.Netip()
		}
		add(part, p.ix.Classifier(c, dir, flow.AddressFrom(first)))
	}
	return out
}

// cutByRules cuts local addresses of a NIC, one range a part, where the local
// side of any of its rules begins or ends: in each part all addresses meet the
// same rules.
func (p *Prober) cutByRules(ix *index.Index, c *network.NIC, dir flow.Direction, at index.Addresses) (out []index.Addresses) {
	var sides []index.Addresses
	for _, r := range rulesOf(p.net, c, dir) {
		side := ix.Selectors().Side(c, r, dir == flow.Outbound, true)
		sides = append(sides, side.Sure)
		for _, d := range side.May {
			sides = append(sides, d.Where)
		}
	}
	v4 := cutSet(at.V4, sides, func(a index.Addresses) interval.Set[interval.IPv4] { return a.V4 })
	for _, r := range v4 {
		out = append(out, index.Addresses{V4: interval.Set[interval.IPv4]{r}})
	}
	v6 := cutSet(at.V6, sides, func(a index.Addresses) interval.Set[interval.IPv6] { return a.V6 })
	for _, r := range v6 {
		out = append(out, index.Addresses{V6: interval.Set[interval.IPv6]{r}})
	}
	return out
}

func rulesOf(n *network.Network, c *network.NIC, dir flow.Direction) (out []*network.Rule) {
	if admin := n.AdminRulesOf(c); admin != nil {
		out = append(out, admin.List(dir)...)
	}
	for _, g := range []*network.SecurityGroup{c.Group.Group, n.SubnetGroup(c).Group} {
		if g != nil {
			out = append(out, g.List(dir)...)
		}
	}
	return out
}

func cutSet[T interval.Point[T]](at interval.Set[T], sides []index.Addresses, family func(index.Addresses) interval.Set[T]) (out []interval.Range[T]) {
	var cuts []T
	for _, s := range sides {
		for _, r := range family(s) {
			cuts = append(cuts, r.First)
			if after, more := r.Last.Next(); more {
				cuts = append(cuts, after)
			}
		}
	}
	slices.SortFunc(cuts, T.Compare)
	cuts = slices.Compact(cuts)
	for _, r := range at {
		i, _ := slices.BinarySearchFunc(cuts, r.First, T.Compare)
		for ; i < len(cuts) && cuts[i].Compare(r.Last) <= 0; i++ {
			if before, more := cuts[i].Prev(); more && before.Compare(r.First) >= 0 {
				out = append(out, interval.Range[T]{First: r.First, Last: before})
			}
			r.First = cuts[i]
		}
		out = append(out, r)
	}
	return out
}

// addressesOf returns where a member is: what its NIC has and Within leaves.
func (p *Prober) addressesOf(m Member) (out index.Addresses) {
	for _, l := range p.Locals(m.NIC, flow.Inbound) {
		out = out.Or(l.At)
	}
	if m.Within != nil {
		out = out.And(*m.Within)
	}
	return out
}

// byNIC orders NICs by id.
func byNIC(a, b *network.NIC) int { return cmp.Compare(a.Index, b.Index) }
