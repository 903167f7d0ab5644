package effective

import (
	"net/netip"
	"slices"
	"strings"

	"ipflow/index"
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
		facts = append(facts, vnet.GatewayFacts...)
		for _, p := range vnet.Peerings {
			if p.Counts {
				add("peering "+p.Name, p.Prefixes...)
			} else if p.Fact != "" {
				facts = append(facts, p.Fact)
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
			if r.Prefix.IsValid() && hopCounts(n.Assumptions, r.NextHop) {
				add("route "+r.Name+" of table "+table.Name, r.Prefix)
			}
		}
	case s.RouteTable.Fact != "":
		facts = append(facts, s.RouteTable.Fact)
	}
	slices.Sort(facts)
	return parts, slices.Compact(facts)
}

// hopCounts reports whether routes with the next hop type add to VirtualNetwork.
func hopCounts(a network.Assumptions, hop string) bool {
	switch choice := a.Value("udr-next-hops"); choice {
	case "all":
		return true
	case "none":
		return false
	case "appliance":
		return strings.EqualFold(hop, "VirtualAppliance")
	}
	return strings.EqualFold(hop, "VirtualAppliance") || strings.EqualFold(hop, "VirtualNetworkGateway")
}

// tags expands selectors as one NIC sees them.
type tags struct {
	net  *network.Network
	nic  *network.NIC
	sets *index.Selectors
	ipv6 bool // the virtual network has IPv6
}

func newTags(n *network.Network, nic *network.NIC) *tags {
	t := &tags{net: n, nic: nic, sets: index.NewSelectors(n)}
	if v := n.VirtualNetworkOf(nic); v != nil {
		t.ipv6 = slices.ContainsFunc(v.Prefixes, func(p netip.Prefix) bool { return p.Addr().Is6() })
	}
	return t
}

// name returns the canonical spelling of a tag, "" for what is no tag.
func (t *tags) name(s network.Selector) string {
	switch s.Kind {
	case network.SelectVirtualNetwork:
		return "VirtualNetwork"
	case network.SelectInternet:
		return "Internet"
	case network.SelectAzureLoadBalancer:
		return "AzureLoadBalancer"
	case network.SelectServiceTag:
		if tag := t.net.Tag(s.Text); tag != nil {
			return tag.Name
		}
		return s.Text
	case network.SelectAny, network.SelectPrefix, network.SelectASG, network.SelectUnknown:
	}
	return ""
}

// expand returns what a tag certainly covers and the facts on which it covers
// more.
func (t *tags) expand(s network.Selector) (prefixes []netip.Prefix, facts []string) {
	prefixes = []netip.Prefix{}
	switch s.Kind {
	case network.SelectVirtualNetwork:
		parts, facts := Parts(t.net, t.nic)
		for _, p := range parts {
			prefixes = append(prefixes, p.Prefix)
		}
		return prefixes, facts
	case network.SelectAzureLoadBalancer:
		return network.LoadBalancerPrefixes, nil
	case network.SelectServiceTag:
		if tag := t.net.Tag(s.Text); tag != nil {
			return append(prefixes, tag.Prefixes...), nil
		}
		return prefixes, []string{"unknown-tag:" + s.Text}
	case network.SelectInternet:
		reach := t.sets.Of(t.nic, s)
		for _, p := range reach.Sure.Prefixes() {
			if p.Addr().Is4() || t.ipv6 {
				prefixes = append(prefixes, p)
			}
		}
		for _, d := range reach.May {
			facts = append(facts, d.Fact)
		}
		return prefixes, facts
	case network.SelectAny, network.SelectPrefix, network.SelectASG, network.SelectUnknown:
	}
	panic("effective: not a tag: " + s.Text)
}

// members returns the addresses of an application security group in the NIC's
// virtual network, and the facts on which there are more.
func (t *tags) members(id string) (prefixes []netip.Prefix, facts []string) {
	reach := t.sets.Of(t.nic, network.Selector{Kind: network.SelectASG, Text: id})
	for _, m := range t.net.ASGMembers(id) {
		p := netip.Prefix{}
		if m.Address.IsValid() {
			p = netip.PrefixFrom(m.Address, m.Address.BitLen())
		}
		if p.IsValid() && reach.Sure.Covers(index.AddressesOf([]netip.Prefix{p})) && !slices.Contains(prefixes, p) {
			prefixes = append(prefixes, p)
		}
	}
	for _, d := range reach.May {
		facts = append(facts, d.Fact)
	}
	return prefixes, facts
}
