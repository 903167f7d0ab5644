package assert

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// Mutant is a rule with one field changed.
type Mutant struct {
	Rule           *network.Rule
	Field, Was, Is string
	changed        *network.Rule
	after          *network.Rule // the rule behind which the changed one stands, of priority; nil otherwise
}

// maxSelectors is how many prefixes of one side of a rule are changed; of more
// some are, spread evenly.
const maxSelectors = 8

// mutantsOf returns the single changes of a user rule, always in the same order.
func mutantsOf(r *network.Rule) (out []Mutant) {
	if r.Kind != network.UserRule || len(r.Facts) > 0 || r.Access == flow.Unknown || r.Direction == 0 {
		return nil
	}
	add := func(field, was, is string, change func(*network.Rule)) {
		c := *r
		change(&c)
		out = append(out, Mutant{Rule: r, Field: field, Was: was, Is: is, changed: &c})
	}
	other := flow.Allow + flow.Deny - r.Access
	add("access", r.Access.String(), other.String(), func(c *network.Rule) { c.Access = other })
	turned := flow.Inbound + flow.Outbound - r.Direction
	add("direction", r.Direction.String(), turned.String(), func(c *network.Rule) { c.Direction = turned })
	if next := nextRule(r); next != nil {
		add("priority", fmt.Sprint(r.Priority), fmt.Sprintf("after %s (%d)", next.Name, next.Priority), func(*network.Rule) {})
		out[len(out)-1].after = next
	}
	for _, p := range otherProtocols(r.Protocol) {
		add("protocol", protocolText(r.Protocol), protocolText(p), func(c *network.Rule) { c.Protocol = p })
	}
	for _, side := range []struct {
		field string
		list  []flow.PortRange
		set   func(*network.Rule, []flow.PortRange)
	}{
		{"destination ports", r.DestinationPorts, func(c *network.Rule, l []flow.PortRange) { c.DestinationPorts = l }},
		{"source ports", r.SourcePorts, func(c *network.Rule, l []flow.PortRange) { c.SourcePorts = l }},
	} {
		for i, is := range side.list {
			if is == flow.AllPorts && side.field == "source ports" {
				continue // nobody writes suites about the first and last of them
			}
			for _, p := range otherPorts(is) {
				add(side.field, portText(is), portText(p), func(c *network.Rule) { side.set(c, replaced(side.list, i, p)) })
			}
		}
	}
	for _, side := range []struct {
		field string
		list  []network.Selector
		set   func(*network.Rule, []network.Selector)
	}{
		{"source", r.Source, func(c *network.Rule, l []network.Selector) { c.Source = l }},
		{"destination", r.Destination, func(c *network.Rule, l []network.Selector) { c.Destination = l }},
	} {
		for _, i := range spread(len(side.list), maxSelectors) {
			for _, s := range otherSelectors(side.list[i]) {
				add(side.field, selectorText(side.list[i]), selectorText(s), func(c *network.Rule) { side.set(c, replaced(side.list, i, s)) })
			}
		}
	}
	return out
}

// nextRule is the user rule that follows in the same direction; nil when none does.
func nextRule(r *network.Rule) *network.Rule {
	list := r.Group.List(r.Direction)
	for i, x := range list {
		if x == r && i+1 < len(list) && list[i+1].Kind == network.UserRule {
			return list[i+1]
		}
	}
	return nil
}

func replaced[T any](list []T, i int, with T) []T {
	out := slices.Clone(list)
	out[i] = with
	return out
}

// spread returns at most so many of the positions 0 to n-1, evenly.
func spread(n, most int) (out []int) {
	if n <= most {
		most = n
	}
	for i := range most {
		out = append(out, i*n/most)
	}
	return out
}

func otherProtocols(p network.ProtocolMatch) []network.ProtocolMatch {
	switch p {
	case network.AnyProtocol:
		return []network.ProtocolMatch{network.ProtocolMatch(flow.TCP)}
	case network.ProtocolMatch(flow.TCP):
		return []network.ProtocolMatch{network.ProtocolMatch(flow.UDP), network.AnyProtocol}
	}
	return []network.ProtocolMatch{network.ProtocolMatch(flow.TCP), network.AnyProtocol}
}

// otherPorts moves each end of a range by one.
func otherPorts(p flow.PortRange) (out []flow.PortRange) {
	if p.First > 0 {
		out = append(out, flow.PortRange{First: p.First - 1, Last: p.Last})
	}
	if p.Last < 65535 {
		out = append(out, flow.PortRange{First: p.First, Last: p.Last + 1})
	}
	if p.First < p.Last {
		out = append(out, flow.PortRange{First: p.First + 1, Last: p.Last}, flow.PortRange{First: p.First, Last: p.Last - 1})
	}
	return out
}

// otherSelectors makes a prefix wider or one of its halves, and of everything
// else everything.
func otherSelectors(s network.Selector) (out []network.Selector) {
	prefix := func(p netip.Prefix) {
		p = p.Masked()
		out = append(out, network.Selector{Kind: network.SelectPrefix, Prefix: p, Text: p.String()})
	}
	switch s.Kind {
	case network.SelectPrefix:
		p := s.Prefix
		if p.Bits() > 0 {
			prefix(netip.PrefixFrom(p.Addr(), p.Bits()-1))
		}
		if p.Bits() < p.Addr().BitLen() {
			low := netip.PrefixFrom(p.Addr(), p.Bits()+1)
			prefix(low)
			prefix(netip.PrefixFrom(otherHalf(low), low.Bits()))
		}
	case network.SelectAny:
		prefix(netip.MustParsePrefix("0.0.0.0/1"))
	case network.SelectVirtualNetwork, network.SelectInternet, network.SelectAzureLoadBalancer, network.SelectServiceTag, network.SelectASG:
		out = append(out, network.Selector{Kind: network.SelectAny, Text: "*"})
	case network.SelectUnknown:
	}
	return out
}

// otherHalf returns the first address of the other half of the prefix around p.
func otherHalf(p netip.Prefix) netip.Addr {
	a := p.Addr().As16()
	bit := p.Bits() - 1
	if p.Addr().Is4() {
		bit += 96
	}
	a[bit/8] ^= 0x80 >> (bit % 8)
	return netip.AddrFrom16(a).Unmap()
}

func protocolText(p network.ProtocolMatch) string {
	if p == network.AnyProtocol {
		return "*"
	}
	return flow.Protocol(p).String()
}

func selectorText(s network.Selector) string {
	if s.Kind == network.SelectASG {
		return network.LastSegment(s.Text)
	}
	return s.Text
}

// groupWith returns a copy of the rule's group in which the changed rule stands.
func (m *Mutant) groupWith() *network.SecurityGroup {
	g := *m.Rule.Group
	m.changed.Group = &g
	g.Rules = nil
	for _, r := range m.Rule.Group.Rules {
		switch {
		case r == m.Rule && m.after != nil:
		case r == m.Rule:
			g.Rules = append(g.Rules, m.changed)
		case r == m.after:
			g.Rules = append(g.Rules, r, m.changed)
		default:
			g.Rules = append(g.Rules, r)
		}
	}
	return &g
}

// String tells the change: "nsg/web: access Allow → Deny".
func (m *Mutant) String() string {
	name := network.LastSegment(m.Rule.GroupID()) + "/" + m.Rule.Name
	return strings.Join([]string{name + ":", m.Field, m.Was, "→", m.Is}, " ")
}
