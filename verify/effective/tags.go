package effective

import (
	"net/netip"
	"slices"

	"ipflow/index"
	"ipflow/ingest/network"
	"ipflow/verify/oracle"
)

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
		parts, facts := oracle.Parts(t.net, t.nic)
		for _, p := range parts {
			prefixes = append(prefixes, p.Prefix)
		}
		return prefixes, facts
	case network.SelectAzureLoadBalancer:
		if o := t.nic.ObservedLoadBalancer(); o != nil {
			return o.Prefixes, o.Facts
		}
		return network.LoadBalancerPrefixes, nil
	case network.SelectServiceTag:
		if tag := t.net.TagAt(t.nic, s.Text); tag != nil {
			return append(prefixes, tag.Prefixes...), tag.Facts
		}
		return prefixes, []string{"unknown-tag:" + s.Text}
	case network.SelectInternet:
		if o := t.nic.ObservedInternet(); o != nil {
			return o.Prefixes, o.Facts
		}
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
