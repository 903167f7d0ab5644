package oracle

import (
	"net/netip"
	"slices"
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// truth is three-valued: an undecidable match is maybe, on named facts.
type truth uint8

const (
	no truth = iota
	maybe
	yes
)

type match struct {
	truth truth
	facts []string // valid iff truth is maybe
}

var (
	isYes = match{truth: yes}
	isNo  = match{truth: no}
)

func undecided(facts ...string) match { return match{maybe, facts} }

func when(b bool) match {
	if b {
		return isYes
	}
	return isNo
}

// both is three-valued AND: an uncertain field leaves the rule uncertain unless
// another field surely does not match.
func both(ms ...match) match {
	out := isYes
	for _, m := range ms {
		switch m.truth {
		case no:
			return isNo
		case maybe:
			out = undecided(append(slices.Clip(out.facts), m.facts...)...)
		case yes:
		}
	}
	return out
}

// either is three-valued OR.
func either(ms ...match) match {
	out := isNo
	for _, m := range ms {
		switch m.truth {
		case yes:
			return isYes
		case maybe:
			out = undecided(append(slices.Clip(out.facts), m.facts...)...)
		case no:
		}
	}
	return out
}

// question is one packet at one NIC.
type question struct {
	net *network.Network
	nic *network.NIC
	t   flow.Tuple
}

func (q *question) assume(name string) string { return q.net.Assumptions.Value(name) }

// matches compares the five-tuple ("network-security-groups-overview": rules are
// evaluated on source, source port, destination, destination port, protocol).
func (q *question) matches(r *network.Rule) match {
	own := isYes
	if len(r.Facts) > 0 {
		own = undecided(r.Facts...)
	}
	source, destination := q.t.Remote, q.t.Local
	if q.t.Direction == flow.Outbound {
		source, destination = q.t.Local, q.t.Remote
	}
	return both(
		q.protocol(r),
		q.side(r, r.Source, source.Netip(), q.t.Direction == flow.Outbound),
		q.side(r, r.Destination, destination.Netip(), q.t.Direction == flow.Inbound),
		q.ports(r),
		own,
	)
}

func (q *question) protocol(r *network.Rule) match {
	if r.Protocol == network.AnyProtocol {
		return isYes
	}
	p := flow.Protocol(r.Protocol)
	overIPv6 := !q.t.Remote.Is4() && (q.t.Protocol == flow.ICMP || q.t.Protocol == flow.ICMPv6)
	if p == flow.ICMP && overIPv6 {
		switch q.assume("icmp-on-ipv6") {
		case "match":
			return isYes
		case "never":
			return isNo
		}
		return undecided("icmp-on-ipv6:" + r.ID)
	}
	return when(p == q.t.Protocol)
}

// ports compares both ports; protocols without ports meet the assumption
// portless-ports where the rule restricts them.
func (q *question) ports(r *network.Rule) match {
	if !q.t.Protocol.HasPorts() {
		if full(r.SourcePorts) && full(r.DestinationPorts) {
			return isYes
		}
		switch q.assume("portless-ports") {
		case "ignore":
			return isYes
		case "never":
			return isNo
		}
		return undecided("ports-on-portless:" + r.ID)
	}
	source, destination := q.t.Ports()
	return both(when(inAny(r.DestinationPorts, destination)), q.sourcePort(r, source))
}

func (q *question) sourcePort(r *network.Rule, source uint16) match {
	if !q.t.AnySourcePort {
		return when(inAny(r.SourcePorts, source))
	}
	if full(r.SourcePorts) {
		return isYes
	}
	return undecided("source-port-unspecified:" + r.ID)
}

func inAny(ranges []flow.PortRange, p uint16) bool {
	return slices.ContainsFunc(ranges, func(r flow.PortRange) bool { return r.Contains(p) })
}

// full reports whether the ranges together hold every port.
func full(ranges []flow.PortRange) bool {
	next := 0 // the lowest port not yet seen
	for next <= 65535 {
		grown := false
		for _, r := range ranges {
			if int(r.First) <= next && int(r.Last) >= next {
				next, grown = int(r.Last)+1, true
			}
		}
		if !grown {
			return false
		}
	}
	return true
}

// side compares an address with one side of the rule.
func (q *question) side(r *network.Rule, selectors []network.Selector, a netip.Addr, local bool) match {
	if len(selectors) == 0 {
		if q.assume("empty-side") == "unknown" {
			return undecided("invalid-rule:" + r.ID)
		}
		return isNo
	}
	if q.assume("empty-asg-disables-rule") == "on" && q.hasEmptyASG(selectors) {
		return isNo
	}
	out := isNo
	for _, s := range selectors {
		out = either(out, q.selects(s, a, local))
	}
	return out
}

// hasEmptyASG: several groups are listed and one of them has no member.
func (q *question) hasEmptyASG(selectors []network.Selector) bool {
	listed, empty := 0, false
	for _, s := range selectors {
		if s.Kind == network.SelectASG {
			listed++
			empty = empty || len(q.net.ASGMembers(s.Text)) == 0
		}
	}
	return listed > 1 && empty
}

func (q *question) selects(s network.Selector, a netip.Addr, local bool) match {
	switch s.Kind {
	case network.SelectAny:
		return isYes
	case network.SelectPrefix:
		if s.Prefix.Bits() == 0 && q.assume("literal-any") == "both" {
			return isYes
		}
		return when(s.Prefix.Contains(a))
	case network.SelectVirtualNetwork:
		return q.virtualNetwork(a)
	case network.SelectInternet:
		return q.internet(a)
	case network.SelectAzureLoadBalancer:
		if t := q.nic.ObservedLoadBalancer(); t != nil {
			return q.observed(t, a)
		}
		return when(holds(network.LoadBalancerPrefixes, a))
	case network.SelectServiceTag:
		if t := q.net.TagAt(q.nic, s.Text); t != nil {
			return q.observed(t, a)
		}
		return undecided("unknown-tag:" + s.Text)
	case network.SelectASG:
		if local {
			return q.localMember(s.Text, a)
		}
		return q.remoteMember(s.Text, a)
	case network.SelectUnknown:
		return undecided(s.Fact)
	}
	panic("oracle: selector kind")
}

func holds(prefixes []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// virtualNetwork: "all IP address ranges defined for the virtual network, …
// peered virtual networks, … the virtual IP address of the host, and address
// prefixes used on user-defined routes" (service-tags-overview). It is the tag
// as this NIC's subnet sees it.
func (q *question) virtualNetwork(a netip.Addr) match {
	if t := q.nic.ObservedVirtualNetwork(); t != nil {
		return q.observed(t, a)
	}
	ms := []match{when(a == network.WireServer)}
	if v := q.net.VirtualNetworkOf(q.nic); v == nil {
		ms = append(ms, undecided(q.nic.VirtualNetworkFact()))
	} else {
		ms = append(ms, q.ownSpace(v, a), q.peerSpace(v, a), q.hinterland(v, a))
	}
	return either(append(ms, q.routes(a))...)
}

func (q *question) ownSpace(v *network.VirtualNetwork, a netip.Addr) match {
	own := when(holds(v.Prefixes, a))
	if len(v.Facts) > 0 {
		own = either(own, undecided(v.Facts...))
	}
	return own
}

func (q *question) peerSpace(v *network.VirtualNetwork, a netip.Addr) match {
	out := isNo
	for _, p := range v.Peerings {
		switch {
		case p.Counts && !p.Includes(q.nic):
			// Microsoft does not say what the tag holds in subnets that take no
			// part in a subnet peering.
			out = either(out, both(when(holds(p.Prefixes, a)), undecided(p.PartialFact())))
		case p.Counts:
			out = either(out, when(holds(p.Prefixes, a)))
		case p.Fact != "":
			out = either(out, undecided(p.Fact))
		}
	}
	return out
}

// hinterland: "all connected on-premises address spaces, … virtual networks
// connected to a virtual network gateway" (service-tags-overview), and connected
// groups.
func (q *question) hinterland(v *network.VirtualNetwork, a netip.Addr) match {
	h := q.net.Hinterland(v)
	out := isNo
	for _, x := range h.Extents {
		m := when(holds(x.Prefixes, a))
		if x.Fact != "" {
			m = both(m, undecided(x.Fact))
		}
		out = either(out, m)
	}
	if len(h.Facts) > 0 {
		out = either(out, undecided(h.Facts...))
	}
	if len(h.PrivateFacts) > 0 && private(a) {
		out = either(out, undecided(h.PrivateFacts...))
	}
	return out
}

// observed: what Azure itself said about this NIC.
func (q *question) observed(t *network.TagContent, a netip.Addr) match {
	if holds(t.Prefixes, a) {
		return isYes
	}
	for _, r := range t.Routes {
		if r.Prefix.Contains(a) && q.hopCounts(r.NextHop) {
			return isYes
		}
	}
	if len(t.Facts) > 0 {
		return undecided(t.Facts...)
	}
	return isNo
}

// private: the addresses a gateway may have learned. On-premises networks that
// use public ranges are not considered.
func private(a netip.Addr) bool {
	return a.IsPrivate() || netip.MustParsePrefix("100.64.0.0/10").Contains(a)
}

// routes: prefixes of user-defined routes on the subnet whose next hop counts.
func (q *question) routes(a netip.Addr) match {
	if q.nic.Subnet == nil {
		return undecided(q.nic.SubnetFact)
	}
	ref := q.nic.Subnet.RouteTable
	if ref.Table == nil {
		if ref.Fact != "" {
			return undecided(ref.Fact)
		}
		return isNo
	}
	out := isNo
	for _, r := range ref.Table.Routes {
		if r.Prefix.IsValid() && q.hopCounts(r.NextHop) {
			out = either(out, when(r.Prefix.Contains(a)))
		}
	}
	if len(ref.Table.Facts) > 0 {
		out = either(out, undecided(ref.Table.Facts...))
	}
	return out
}

func (q *question) hopCounts(hop string) bool {
	appliance, gateway := strings.EqualFold(hop, "VirtualAppliance"), strings.EqualFold(hop, "VirtualNetworkGateway")
	switch q.assume("udr-next-hops") {
	case "none":
		return false
	case "all":
		return true
	case "appliance":
		return appliance
	}
	return appliance || gateway
}

// internet: "the IP address space that's outside the virtual network and
// reachable by the public internet" (service-tags-overview), as recorded.
func (q *question) internet(a netip.Addr) match {
	if t := q.nic.ObservedInternet(); t != nil {
		return q.observed(t, a)
	}
	if !q.net.Internet.Contains(a) {
		return isNo
	}
	if q.assume("internet-minus-vnet") == "off" {
		return isYes
	}
	v := q.net.VirtualNetworkOf(q.nic)
	if v == nil {
		return undecided(q.nic.VirtualNetworkFact())
	}
	inside := either(q.ownSpace(v, a), q.peerSpace(v, a))
	switch inside.truth {
	case yes:
		return isNo
	case no:
		return isYes
	case maybe:
	}
	return inside
}

// localMember: the rule "is only applied to the network interfaces that are
// members" (application-security-groups); membership is the ip configuration's.
func (q *question) localMember(asg string, a netip.Addr) match {
	configs := q.nic.IPConfigsFor(a)
	members := 0
	var facts []string
	for _, c := range configs {
		switch {
		case c.InASG(asg):
			members++
		case c.ASGFact != "":
			facts = append(facts, c.ASGFact)
		}
	}
	switch {
	case members == len(configs) && members > 0:
		return isYes
	case members > 0:
		return undecided(append(facts, q.nic.AddressFact())...)
	case len(facts) > 0:
		return undecided(facts...)
	}
	return isNo
}

// remoteMember: the remote address is that of a member in the same virtual
// network.
func (q *question) remoteMember(asg string, a netip.Addr) match {
	out := isNo
	if q.net.MembersFact != "" {
		out = undecided(q.net.MembersFact)
	}
	for _, m := range q.net.ASGMembers(asg) {
		out = either(out, q.isMember(m, a))
	}
	for _, m := range q.net.DoubtfulMembers() {
		out = either(out, both(q.isMember(m, a), undecided(m.Fact)))
	}
	return out
}

func (q *question) isMember(m network.Member, a netip.Addr) match {
	here, there := q.nic.VirtualNetworkKey(), m.NIC.VirtualNetworkKey()
	if here != there && here != "" && there != "" {
		return isNo
	}
	at := when(m.Address == a)
	if !m.Address.IsValid() {
		at = q.mayOwn(m.NIC, a)
	}
	switch {
	case here == "":
		at = both(at, undecided(q.nic.SubnetFact))
	case there == "":
		at = both(at, undecided(m.NIC.SubnetFact))
	}
	return at
}

// mayOwn: a NIC whose address is not recorded may have any of its subnet's, or
// any at all when the subnet is not known.
func (q *question) mayOwn(c *network.NIC, a netip.Addr) match {
	if c.Subnet != nil && len(c.Subnet.Prefixes) > 0 && !holds(c.Subnet.Prefixes, a) {
		return isNo
	}
	return undecided(c.AddressFact())
}
