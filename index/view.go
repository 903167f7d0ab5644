package index

import (
	"net/netip"
	"slices"
	"strings"
	"sync"

	"ipflow/ingest/network"
)

// A view is the network as the NICs of one subnet see it: what VirtualNetwork
// and Internet cover from there, and which ASG members are near. A NIC about
// which effective exports speak has a view of its own.
type view struct {
	compiler       *compiler
	nic            *network.NIC // any NIC of the subnet: only its subnet matters
	vnetKey        string
	virtualNetwork *reach
	internet       *reach
	loadBalancer   *reach

	mu    sync.Mutex
	asgs  map[string]*reach
	sides map[sideKey]*reach
}

// sideKey names one side of a rule in one role: a rule whose direction could
// not be read has its source both as local and as remote side.
type sideKey struct {
	rule          *network.Rule
	source, local bool
}

// viewOf returns the view of the NIC's subnet, made on first use. Subnets from
// which all looks the same share a view.
func (c *compiler) viewOf(nic *network.NIC) *view {
	key := network.Key(nic.SubnetID) + "\x00" + nic.SubnetFact
	if nic.Observed != nil {
		key += "\x00" + network.Key(nic.ID)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.views[key]
	if !ok {
		v = c.newView(nic)
		same := sight{vnetKey: v.vnetKey, virtualNetwork: v.virtualNetwork, internet: v.internet, loadBalancer: v.loadBalancer}
		if v.vnetKey == "" {
			same.fact = nic.SubnetFact
		}
		if nic.Observed != nil {
			same.observer = nic
		}
		if old := c.sights[same]; old != nil {
			v = old
		}
		c.sights[same], c.views[key] = v, v
	}
	return v
}

// sight is all that tells views apart.
type sight struct {
	vnetKey, fact                          string
	observer                               *network.NIC
	virtualNetwork, internet, loadBalancer *reach
}

func (c *compiler) newView(nic *network.NIC) *view {
	v := &view{compiler: c, nic: nic, vnetKey: nic.VirtualNetworkKey(), asgs: map[string]*reach{}, sides: map[sideKey]*reach{}}
	own := v.vnetSpace()
	v.virtualNetwork = v.observed(nic.ObservedVirtualNetwork(), func() *reach { return v.virtualNetworkReach(own) })
	v.internet = v.observed(nic.ObservedInternet(), func() *reach { return v.internetReach(own) })
	v.loadBalancer = v.observed(nic.ObservedLoadBalancer(), func() *reach { return c.loadBalancer })
	return v
}

// observed is a tag as exported for the NIC, or else as computed.
func (v *view) observed(t *network.TagContent, compute func() *reach) *reach {
	if t == nil {
		return compute()
	}
	in := v.compiler.intern
	var may []doubt
	for _, f := range t.Facts {
		may = append(may, doubt{in.fact(f), everything})
	}
	covered := slices.Clone(t.Prefixes)
	for _, r := range t.Routes {
		if v.compiler.assume.hopCounts(r.NextHop) {
			covered = append(covered, r.Prefix)
		}
	}
	return in.reach(fromPrefixes(covered), may)
}

// serviceTag unfolds a tag; what an export for this NIC says about it counts
// where no tag file does.
func (v *view) serviceTag(name string) *reach {
	if c := v.compiler; v.nic.Observed == nil || c.net.Tag(name) != nil {
		return c.serviceTag(name)
	}
	return v.observed(v.nic.Observed.Tags[network.Key(name)], func() *reach { return v.compiler.serviceTag(name) })
}

// space is a part of the address space, facts on which any further address may
// be part of it too, and parts that depend on facts of their own.
type space struct {
	known addresses
	facts []string
	may   []doubt
}

// vnetSpace is the virtual network's own space and that of the peers that count.
func (v *view) vnetSpace() space {
	vnet := v.compiler.net.VirtualNetworkOf(v.nic)
	if vnet == nil {
		return space{facts: []string{v.nic.VirtualNetworkFact()}}
	}
	s := space{known: fromPrefixes(vnet.Prefixes), facts: append([]string(nil), vnet.Facts...)}
	for _, p := range vnet.Peerings {
		switch {
		case p.Counts && !p.Includes(v.nic):
			s.may = append(s.may, doubt{v.compiler.intern.fact(p.PartialFact()), fromPrefixes(p.Prefixes)})
		case p.Counts:
			s.known = union(s.known, fromPrefixes(p.Prefixes))
		case p.Fact != "":
			s.facts = append(s.facts, p.Fact)
		}
	}
	return s
}

// privateRanges are the addresses a gateway may have learned.
var privateRanges = fromPrefixes([]netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("fc00::/7"),
})

// virtualNetworkReach adds to the space the host's address, the routes of the
// subnet's table and what gateways may have learned (service-tags-overview).
func (v *view) virtualNetworkReach(own space) *reach {
	in := v.compiler.intern
	sure := union(own.known, fromPrefixes([]netip.Prefix{netip.PrefixFrom(network.WireServer, 32)}))
	may := slices.Clone(own.may)
	add := func(where addresses, facts ...string) {
		for _, f := range facts {
			may = append(may, doubt{in.fact(f), where})
		}
	}
	add(everything, own.facts...)
	if vnet := v.compiler.net.VirtualNetworkOf(v.nic); vnet != nil {
		h := v.compiler.net.Hinterland(vnet)
		add(privateRanges, h.PrivateFacts...)
		add(everything, h.Facts...)
		for _, x := range h.Extents {
			if x.Fact == "" {
				sure = union(sure, fromPrefixes(x.Prefixes))
			} else {
				add(fromPrefixes(x.Prefixes), x.Fact)
			}
		}
	}
	switch subnet := v.nic.Subnet; {
	case subnet == nil:
		add(everything, v.nic.SubnetFact)
	case subnet.RouteTable.Table != nil:
		table := subnet.RouteTable.Table
		var routed []netip.Prefix
		for _, r := range table.Routes {
			if r.Prefix.IsValid() && v.compiler.assume.hopCounts(r.NextHop) {
				routed = append(routed, r.Prefix)
			}
		}
		sure = union(sure, fromPrefixes(routed))
		add(everything, table.Facts...)
	case subnet.RouteTable.Fact != "":
		add(everything, subnet.RouteTable.Fact)
	}
	return in.reach(sure, may)
}

// internetReach is the recorded list without the virtual network's space.
func (v *view) internetReach(own space) *reach {
	c := v.compiler
	if !c.assume.internetMinusVNet {
		return c.intern.reach(c.internet, nil)
	}
	outside := c.internet.minus(own.known)
	sure := outside
	var may []doubt
	for _, d := range own.may {
		may = append(may, doubt{d.fact, outside.and(d.where)})
		sure = sure.minus(d.where)
	}
	for _, f := range own.facts {
		may = append(may, doubt{c.intern.fact(f), outside})
		sure = addresses{}
	}
	return c.intern.reach(sure, may)
}

// remoteASG is where members of the group are in this view's virtual network.
func (v *view) remoteASG(id string) *reach {
	key := network.Key(id)
	v.mu.Lock()
	defer v.mu.Unlock()
	if r, ok := v.asgs[key]; ok {
		return r
	}
	in := v.compiler.intern
	var sure []netip.Prefix
	var may []doubt
	if f := v.compiler.net.MembersFact; f != "" {
		may = append(may, doubt{in.fact(f), everything})
	}
	for _, m := range slices.Concat(v.compiler.net.ASGMembers(id), v.compiler.net.DoubtfulMembers()) {
		there := m.NIC.VirtualNetworkKey()
		if there != v.vnetKey && there != "" && v.vnetKey != "" {
			continue
		}
		where, facts := everything, []string(nil)
		if m.Fact != "" {
			facts = append(facts, m.Fact)
		}
		if m.Address.IsValid() {
			where = fromPrefixes([]netip.Prefix{netip.PrefixFrom(m.Address, m.Address.BitLen())})
		} else {
			if s := m.NIC.Subnet; s != nil && len(s.Prefixes) > 0 {
				where = fromPrefixes(s.Prefixes)
			}
			facts = append(facts, m.NIC.AddressFact())
		}
		switch {
		case v.vnetKey == "":
			facts = append(facts, v.nic.SubnetFact)
		case there == "":
			facts = append(facts, m.NIC.SubnetFact)
		}
		if len(facts) == 0 {
			sure = append(sure, netip.PrefixFrom(m.Address, m.Address.BitLen()))
		}
		for _, f := range facts {
			may = append(may, doubt{in.fact(f), where})
		}
	}
	r := in.reach(fromPrefixes(sure), may)
	v.asgs[key] = r
	return r
}

// reachOf returns one side of a rule as this view sees it, cached.
func (v *view) reachOf(key sideKey) *reach {
	selectors := key.rule.Destination
	if key.source {
		selectors = key.rule.Source
	}
	if len(selectors) == 1 {
		switch selectors[0].Kind {
		case network.SelectAny, network.SelectVirtualNetwork, network.SelectInternet, network.SelectAzureLoadBalancer:
			return v.selector(selectors[0], key.local)
		case network.SelectServiceTag:
			if v.nic.Observed == nil {
				return v.compiler.serviceTag(selectors[0].Text)
			}
		case network.SelectPrefix, network.SelectASG, network.SelectUnknown:
		}
	}
	v.mu.Lock()
	x, ok := v.sides[key]
	v.mu.Unlock()
	if ok {
		return x
	}
	x = v.side(key.rule, selectors, key.local)
	v.mu.Lock()
	v.sides[key] = x
	v.mu.Unlock()
	return x
}

// assumptions is the network's choices in the form the compiler asks them.
type assumptions struct {
	emptyASGDisables, emptySideUnknown, internetMinusVNet, literalAnyBoth bool
	icmpOnIPv6, portlessPorts, udrNextHops                                string
}

func readAssumptions(a network.Assumptions) assumptions {
	return assumptions{
		emptyASGDisables:  a.Value("empty-asg-disables-rule") == "on",
		emptySideUnknown:  a.Value("empty-side") == "unknown",
		internetMinusVNet: a.Value("internet-minus-vnet") == "on",
		literalAnyBoth:    a.Value("literal-any") == "both",
		icmpOnIPv6:        a.Value("icmp-on-ipv6"),
		portlessPorts:     a.Value("portless-ports"),
		udrNextHops:       a.Value("udr-next-hops"),
	}
}

// hopCounts reports whether routes with the next hop type add to VirtualNetwork.
func (a *assumptions) hopCounts(hop string) bool {
	switch a.udrNextHops {
	case "all":
		return true
	case "none":
		return false
	case "appliance":
		return strings.EqualFold(hop, "VirtualAppliance")
	}
	return strings.EqualFold(hop, "VirtualAppliance") || strings.EqualFold(hop, "VirtualNetworkGateway")
}
