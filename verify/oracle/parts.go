package oracle

import (
	"net/netip"
	"slices"

	"ipflow/ingest/network"
)

// Part is one prefix of the VirtualNetwork tag and where it comes from.
type Part struct {
	Prefix netip.Prefix
	From   string // for readers: "virtual network X", "host", "peering X", "route X of table Y"
}

// Parts computes the VirtualNetwork tag as the NIC sees it, in the order of
// recorded expansions: the virtual network's space, the host's address, peers,
// user-defined routes (service-tags-overview). Facts, sorted, are what may add
// more; without any the parts are all of it.
func Parts(n *network.Network, nic *network.NIC) (parts []Part, facts []string) {
	q := question{net: n, nic: nic}
	if t := nic.ObservedVirtualNetwork(); t != nil {
		for _, p := range t.Prefixes {
			parts = append(parts, Part{p, t.SourceOf()})
		}
		for _, r := range t.Routes {
			if q.hopCounts(r.NextHop) {
				parts = append(parts, Part{r.Prefix, t.SourceOf()})
			}
		}
		facts = slices.Clone(t.Facts)
		slices.Sort(facts)
		return parts, slices.Compact(facts)
	}
	add := func(from string, prefixes ...netip.Prefix) {
		for _, p := range prefixes {
			if !slices.ContainsFunc(parts, func(q Part) bool { return q.Prefix == p }) {
				parts = append(parts, Part{p, from})
			}
		}
	}
	host := netip.PrefixFrom(network.WireServer, network.WireServer.BitLen())
	vnet := n.VirtualNetworkOf(nic)
	if vnet == nil {
		add("host", host)
		facts = append(facts, nic.VirtualNetworkFact())
	} else {
		add("virtual network "+vnet.Name, vnet.Prefixes...)
		add("host", host)
		facts = append(facts, vnet.Facts...)
		for _, p := range vnet.Peerings {
			switch {
			case p.Counts && !p.Includes(nic):
				facts = append(facts, p.PartialFact())
			case p.Counts:
				add("peering "+p.Name, p.Prefixes...)
			case p.Fact != "":
				facts = append(facts, p.Fact)
			}
		}
		h := n.Hinterland(vnet)
		facts = append(append(facts, h.Facts...), h.PrivateFacts...)
		for _, x := range h.Extents {
			if x.Fact == "" {
				add(x.From, x.Prefixes...)
			} else {
				facts = append(facts, x.Fact)
			}
		}
	}
	switch s := nic.Subnet; {
	case s == nil:
		facts = append(facts, nic.SubnetFact)
	case s.RouteTable.Table != nil:
		table := s.RouteTable.Table
		facts = append(facts, table.Facts...)
		for _, r := range table.Routes {
			if r.Prefix.IsValid() && q.hopCounts(r.NextHop) {
				add("route "+r.Name+" of table "+table.Name, r.Prefix)
			}
		}
	case s.RouteTable.Fact != "":
		facts = append(facts, s.RouteTable.Fact)
	}
	slices.Sort(facts)
	return parts, slices.Compact(facts)
}
