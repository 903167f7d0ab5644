package world

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// A World is a tiny network drawn from bytes: few addresses, few ports, so that
// rules collide. Every choice takes one byte; exhausted bytes choose 0.
type World struct {
	Net *network.Network

	bytes []byte
}

func (w *World) pick(n int) int {
	if len(w.bytes) == 0 {
		return 0
	}
	b := int(w.bytes[0]) % n
	w.bytes = w.bytes[1:]
	return b
}

func (w *World) chance(outOf int) bool { return w.pick(outOf) == 1 }

// What EachTuple asks: every remote address, port and protocol of the worlds.
var (
	Remotes = Addrs("10.0.0.4", "10.0.0.5", "10.0.1.4", "10.1.0.4", "10.2.0.4", "172.16.0.9", "8.8.8.8", "20.50.0.1",
		"168.63.129.16", "192.0.2.1", "fd00::4", "fd00:1::4", "2001:db8::8", "2600::1", "fe80::1234:5678:9abc")
	drawn = Prefixes("10.0.0.4/32", "10.0.0.0/24", "10.0.0.0/16", "10.0.0.0/15", "8.8.8.0/24", "0.0.0.0/0", "0.0.0.0/1",
		"20.50.0.0/16", "172.16.0.0/12", "::/0", "fd00::/32", "2001:db8::8/128")
	Ports     = []uint16{0, 4, 5, 6, 7, 65535}
	Protocols = []flow.Protocol{flow.TCP, flow.UDP, flow.ICMP, flow.ESP, flow.ICMPv6, 47}
)

// Addrs parses addresses.
func Addrs(texts ...string) (out []netip.Addr) {
	for _, t := range texts {
		out = append(out, netip.MustParseAddr(t))
	}
	return out
}

// Prefixes parses prefixes.
func Prefixes(texts ...string) (out []netip.Prefix) {
	for _, t := range texts {
		out = append(out, netip.MustParsePrefix(t))
	}
	return out
}

const (
	vnetA = "/vnets/A"
	vnetB = "/vnets/B"
)

// New draws a network and links it.
func New(bytes []byte) *World {
	w := Draw(bytes)
	network.Link(w.Net)
	return w
}

// Draw draws a network and leaves it unlinked.
func Draw(bytes []byte) *World {
	w := &World{bytes: bytes, Net: &network.Network{}}
	n := w.Net
	n.Internet = network.DefaultInternet(!w.chance(8))
	for _, a := range network.AllAssumptions() {
		if w.chance(6) {
			if err := n.Assumptions.Set(a.Name, a.Values[w.pick(len(a.Values))]); err != nil {
				panic(err)
			}
		}
	}
	if w.chance(3) {
		n.Tags = network.NewServiceTags(diag.Origin{}, "1", "Public")
		n.Tags.Add(&network.ServiceTag{Name: "Known", Prefixes: Prefixes("8.8.8.8/32", "10.1.0.0/16", "2600::/16")})
	}
	if w.chance(24) {
		n.MembersFact = "truncated-export:nics.json"
	}
	// Rules last: they take the bytes that are left, and what surrounds them is
	// drawn even from few.
	w.vnets()
	w.nics()
	w.admin()
	w.groups()
	return w
}

func (w *World) groups() {
	for i := range 3 {
		g := &network.SecurityGroup{ID: fmt.Sprintf("/nsgs/g%d", i), Name: fmt.Sprintf("g%d", i)}
		for j := range w.pick(7) {
			g.Rules = append(g.Rules, w.rule(g, j))
		}
		if i != 2 || !w.chance(4) { // the last group may be missing
			w.Net.SecurityGroups = append(w.Net.SecurityGroups, g)
		}
		if w.chance(16) {
			g.Facts = []string{"unresolved:" + g.ID}
		}
	}
}

func (w *World) rule(g *network.SecurityGroup, j int) *network.Rule {
	r := &network.Rule{ID: fmt.Sprintf("%s/securityRules/r%d", g.ID, j), Name: fmt.Sprintf("r%d", j), Group: g}
	r.Priority = int32(100 + w.pick(6))
	r.Direction = flow.Direction(1 + w.pick(2))
	r.Access = flow.Access(1 + w.pick(2))
	r.Protocol = [...]network.ProtocolMatch{network.AnyProtocol, 6, 17, 1, 50, 6}[w.pick(6)]
	if w.chance(12) {
		r.AddFact("unresolved:" + r.ID)
		switch w.pick(3) {
		case 0:
			r.Access = flow.Unknown
		case 1:
			r.Direction = 0
		}
	}
	r.Source, r.Destination = w.selectors(r), w.selectors(r)
	r.SourcePorts = []flow.PortRange{flow.AllPorts}
	if w.chance(4) {
		r.SourcePorts = w.portRanges()
	}
	r.DestinationPorts = []flow.PortRange{flow.AllPorts}
	if w.chance(2) {
		r.DestinationPorts = w.portRanges()
	}
	return r
}

func (w *World) portRanges() []flow.PortRange {
	var out []flow.PortRange
	for range 1 + w.pick(2) {
		a, b := Ports[w.pick(6)], Ports[w.pick(6)]
		out = append(out, flow.PortRange{First: min(a, b), Last: max(a, b)})
	}
	return out
}

func (w *World) selectors(r *network.Rule) []network.Selector {
	if w.chance(24) {
		return nil
	}
	var out []network.Selector
	for range 1 + w.pick(3)/2 {
		out = append(out, w.selector(r))
	}
	return out
}

func (w *World) selector(r *network.Rule) network.Selector {
	texts := []string{
		"*", "VirtualNetwork", "Internet", "AzureLoadBalancer", "Known", "known", "Nobody", "Nobody.Else", "AzurePlatformDNS",
		"asg:a", "asg:b", "asg:empty", "unreadable",
	}
	i := w.pick(len(texts) + len(drawn))
	if i >= len(texts) {
		return network.Selector{Kind: network.SelectPrefix, Prefix: drawn[i-len(texts)], Text: drawn[i-len(texts)].String()}
	}
	if asg, ok := strings.CutPrefix(texts[i], "asg:"); ok {
		return network.Selector{Kind: network.SelectASG, Text: "/asgs/" + asg}
	}
	if texts[i] == "unreadable" {
		return network.Selector{Kind: network.SelectUnknown, Text: "?", Fact: "invalid-rule:" + r.ID}
	}
	s, _, ok := network.ParseSelector(texts[i])
	if !ok {
		panic(texts[i])
	}
	return s
}

func (w *World) groupRef() network.GroupRef {
	switch i := w.pick(6); i {
	case 0, 1, 2:
		return network.GroupRef{ID: fmt.Sprintf("/NSGS/g%d", i)}
	case 3:
		return network.GroupRef{Fact: "unresolved:nsg"}
	}
	return network.GroupRef{}
}

func (w *World) vnets() {
	a := &network.VirtualNetwork{ID: vnetA, Name: "A", Prefixes: Prefixes("10.0.0.0/16", "fd00::/32")}
	if w.chance(4) {
		a.Prefixes = append(a.Prefixes, Prefixes("20.50.0.0/16")...)
	}
	if w.chance(12) {
		a.Facts = []string{"unresolved:space"}
	}
	b := &network.VirtualNetwork{ID: vnetB, Name: "B", Prefixes: Prefixes("10.1.0.0/16", "fd00:1::/32")}
	if w.chance(2) {
		a.Peerings = append(a.Peerings, w.peering(vnetA, vnetB))
	}
	if w.chance(3) {
		b.Peerings = append(b.Peerings, w.peering(vnetB, vnetA))
	}
	for i, v := range []*network.VirtualNetwork{a, b} {
		if w.chance(10) {
			continue // not in the snapshot
		}
		w.Net.VirtualNetworks = append(w.Net.VirtualNetworks, v)
		for j := range 2 {
			s := &network.Subnet{
				ID: fmt.Sprintf("%s/subnets/s%d", v.ID, j), Name: fmt.Sprintf("s%d", j), VirtualNetworkID: v.ID,
				Prefixes: Prefixes(fmt.Sprintf("10.%d.%d.0/24", i, j), fmt.Sprintf("fd00:%d::/64", i)), Group: w.groupRef(),
			}
			if w.chance(3) {
				s.RouteTable = network.RouteTableRef{ID: fmt.Sprintf("/tables/t%d", w.pick(3))}
			}
			s.PrivateEndpointPolicies = []string{"", "Disabled", "enabled", "NetworkSecurityGroupEnabled", "[unresolved]"}[w.pick(5)]
			w.Net.Subnets = append(w.Net.Subnets, s)
		}
	}
	w.beyond()
	for i := range 2 { // the third table is missing
		t := &network.RouteTable{ID: fmt.Sprintf("/tables/t%d", i)}
		hops := []string{"VirtualAppliance", "VirtualNetworkGateway", "Internet", "None"}
		for range w.pick(3) {
			t.Routes = append(t.Routes, network.Route{Prefix: drawn[w.pick(len(drawn))], NextHop: hops[w.pick(4)]})
		}
		if w.chance(8) {
			t.Facts = []string{"unresolved:routes"}
		}
		w.Net.RouteTables = append(w.Net.RouteTables, t)
	}
}

// admin draws security admin rules for some subnets; with luck their list is
// not fully known.
func (w *World) admin() {
	if !w.chance(2) {
		return
	}
	a := &network.AdminRules{}
	for j := range w.pick(4) {
		r := w.rule(&network.SecurityGroup{ID: "/managers/m/rules"}, j)
		r.Group, r.Kind, r.ManagerID = nil, network.AdminRule, "/managers/m"
		r.Always = r.Access == flow.Allow && w.chance(2)
		a.Rules = append(a.Rules, r)
	}
	network.SortAdminRules(a.Rules, func(string) int { return 0 })
	if w.chance(12) {
		a.Facts = []string{"unresolved:admin"}
	}
	for _, v := range w.Net.VirtualNetworks {
		if w.chance(2) {
			v.Admin = a
		}
	}
}

func (w *World) peering(from, to string) *network.Peering {
	p := &network.Peering{ID: from + "/peerings/p", Name: "p", RemoteID: to, AllowAccess: !w.chance(4)}
	p.State = []string{"Connected", "Connected", "Initiated", ""}[w.pick(4)]
	if w.chance(2) {
		p.RemoteKnown, p.Remote = true, Prefixes("10.1.0.0/16")
	}
	if p.Partial = w.chance(3); p.Partial {
		p.LocalSubnets = [][]string{nil, {"S0"}, {"s1"}, {"s0", "s1"}}[w.pick(4)]
		p.RemoteSubnets = [][]string{nil, {"s0"}, {"s1", "s0"}, {"nowhere"}}[w.pick(4)]
	}
	p.OnlyIPv6 = w.chance(10)
	p.AllowGatewayTransit = !w.chance(3)
	p.UseRemoteGateways = w.chance(6)
	if w.chance(16) {
		p.Facts = []string{"unresolved:peering"}
	}
	return p
}

func (w *World) nics() {
	addrs := [][]netip.Addr{Addrs("10.0.0.4", "fd00::4"), Addrs("10.0.0.5"), Addrs("10.1.0.4", "fd00:1::4")}
	subnets := []string{vnetA + "/subnets/s0", vnetA + "/subnets/s1", vnetB + "/subnets/s0"}
	for i := range addrs {
		c := &network.NIC{ID: fmt.Sprintf("/nics/n%d", i), Name: fmt.Sprintf("n%d", i), Group: w.groupRef(), SubnetID: subnets[i]}
		switch w.pick(16) {
		case 1:
			c.SubnetID = vnetA + "/subnets/elsewhere"
		case 2:
			c.SubnetID, c.SubnetFact = "", "unresolved:subnet"
		case 3:
			c.PrivateEndpoint = "/endpoints/e"
		case 4, 5, 6:
			c.SubnetID = vnetA + "/subnets/s0" // with the first one
		}
		for j, a := range addrs[i] {
			cfg := network.IPConfig{Name: fmt.Sprintf("c%d", j), Address: a}
			if w.chance(12) {
				cfg.Address = netip.Addr{}
			}
			for _, g := range []string{"/ASGS/a", "/asgs/b"} {
				if w.chance(3) {
					cfg.ASGs = append(cfg.ASGs, g)
				}
			}
			if w.chance(16) {
				cfg.ASGFact = "unresolved:asgs-of-" + c.Name
			}
			c.IPConfigs = append(c.IPConfigs, cfg)
		}
		c.Observed = w.observation(c)
		w.Net.NICs = append(w.Net.NICs, c)
	}
}

// EachTuple calls f for every question of the world until it returns false.
func (w *World) EachTuple(f func(*network.NIC, flow.Tuple) bool) {
	for _, c := range w.Net.NICs {
		locals := []netip.Addr{netip.MustParseAddr("10.0.0.77")} // an address no ip configuration owns
		for i := range c.IPConfigs {
			if a := c.IPConfigs[i].Address; a.IsValid() {
				locals = append(locals, a)
			}
		}
		for _, local := range locals {
			for _, remote := range Remotes {
				if local.Is4() == remote.Is4() && !w.eachService(c, local, remote, f) {
					return
				}
			}
		}
	}
}

func (w *World) eachService(c *network.NIC, local, remote netip.Addr, f func(*network.NIC, flow.Tuple) bool) bool {
	t := flow.Tuple{Local: flow.AddressFrom(local), Remote: flow.AddressFrom(remote)}
	for _, t.Direction = range [...]flow.Direction{flow.Inbound, flow.Outbound} {
		for _, t.Protocol = range Protocols {
			ports := Ports
			if !t.Protocol.HasPorts() {
				ports = ports[:1]
			}
			for _, t.LocalPort = range ports {
				for _, t.RemotePort = range ports {
					for _, t.AnySourcePort = range [...]bool{false, true} {
						if !f(c, t) {
							return false
						}
					}
				}
			}
		}
	}
	return true
}

// String prints the world for a failing test.
func (w *World) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "assume %s\n", w.Net.Assumptions)
	for _, v := range w.Net.VirtualNetworks {
		fmt.Fprintf(&b, "vnet %s %v facts=%v hinterland=%+v\n", v.ID, v.Prefixes, v.Facts, w.Net.Hinterland(v))
		for _, p := range v.Peerings {
			fmt.Fprintf(&b, "  peering %+v\n", *p)
		}
	}
	for _, s := range w.Net.Subnets {
		fmt.Fprintf(&b, "subnet %s nsg=%q fact=%q table=%q fact=%q\n", s.ID, s.Group.ID, s.Group.Fact, s.RouteTable.ID, s.RouteTable.Fact)
	}
	for _, t := range w.Net.RouteTables {
		fmt.Fprintf(&b, "table %s %v facts=%v\n", t.ID, t.Routes, t.Facts)
	}
	for _, c := range w.Net.NICs {
		fmt.Fprintf(&b, "nic %s subnet=%q fact=%q nsg=%q fact=%q configs=%+v observed=%s\n", c.ID, c.SubnetID, c.SubnetFact, c.Group.ID, c.Group.Fact, c.IPConfigs, observedText(c))
	}
	for _, v := range w.Net.VirtualNetworks {
		if v.Admin != nil {
			fmt.Fprintf(&b, "admin of %s facts=%v\n", v.ID, v.Admin.Facts)
			writeRules(&b, v.Admin.Rules)
		}
	}
	for _, g := range w.Net.SecurityGroups {
		fmt.Fprintf(&b, "nsg %s facts=%v\n", g.ID, g.Facts)
		writeRules(&b, g.Rules)
	}
	return b.String()
}

func writeRules(b *strings.Builder, rules []*network.Rule) {
	for _, r := range rules {
		if r.Kind == network.DefaultRule {
			continue
		}
		fmt.Fprintf(b, "  [%d] %s %d %s %s always=%v proto=%d %v:%v -> %v:%v facts=%v\n", r.Ref, r.Name, r.Priority, r.Direction, r.Access, r.Always,
			r.Protocol, selectorTexts(r.Source), r.SourcePorts, selectorTexts(r.Destination), r.DestinationPorts, r.Facts)
	}
}

func selectorTexts(list []network.Selector) []string {
	out := slices.Collect(func(yield func(string) bool) {
		for _, s := range list {
			if !yield(s.Text) {
				return
			}
		}
	})
	return out
}
