package corpus

import (
	"fmt"
	"net/netip"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// Estate is a made-up Azure network: a hub and its spokes, each a virtual
// network of subnets; every subnet and every NIC has a security group.
//
// It holds the plan (which object belongs to which); the objects themselves are
// drawn anew whenever they are asked for.
type Estate struct {
	o       Options
	vnets   int
	perVNet int        // subnets of a virtual network
	sizes   []int      // custom rules of each group
	list    []ListRule // the rules of the only group, for NewListEstate; nil otherwise
	tags    []*network.ServiceTag
	ranked  []*network.ServiceTag // tags by how often rules name them

	subnetGroup, nicGroup []int32
	// Members of group g are subnetsOf[subnetsFrom[g]:subnetsFrom[g+1]].
	subnetsOf, subnetsFrom []int32
	nicsOf, nicsFrom       []int32
}

// workloadsPerSubnet is chosen so that the 500 NICs of the published figures
// have about as many different pairs of lists as there: one for two NICs and
// directions.
const workloadsPerSubnet = 4

// New plans an estate. An error says which option is out of its range.
func New(o Options) (*Estate, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	e := &Estate{o: o, tags: makeTags(o.Seed), sizes: groupSizes(o.NSGs, o.Rules)}
	e.ranked = rankTags(e.tags)
	e.perVNet = max(subnetsLeast, (o.Subnets+255)/256)
	e.vnets = (o.Subnets + e.perVNet - 1) / e.perVNet
	s := newStream(o.Seed, kindPlan, 0)
	e.subnetGroup = make([]int32, o.Subnets)
	for i := range e.subnetGroup {
		e.subnetGroup[i] = e.groupNear(s, e.vnetOfSubnet(i))
	}
	// The NICs of a subnet belong to a few workloads, each with its own group.
	workload := make([][workloadsPerSubnet]int32, o.Subnets)
	for i := range workload {
		for k := range workload[i] {
			workload[i][k] = e.groupNear(s, e.vnetOfSubnet(i))
		}
	}
	e.nicGroup = make([]int32, o.NICs)
	for i := range e.nicGroup {
		e.nicGroup[i] = workload[e.subnetOfNIC(i)][s.IntN(workloadsPerSubnet)]
	}
	e.subnetsOf, e.subnetsFrom = membersByGroup(e.subnetGroup, o.NSGs)
	e.nicsOf, e.nicsFrom = membersByGroup(e.nicGroup, o.NSGs)
	return e, nil
}

// groupNear picks a group whose home is the virtual network; group g is at home
// in network g mod vnets.
func (e *Estate) groupNear(s *stream, vnet int) int32 {
	near := (e.o.NSGs - vnet + e.vnets - 1) / e.vnets
	if near <= 0 {
		return int32(vnet % e.o.NSGs)
	}
	return int32(vnet + e.vnets*s.IntN(near))
}

func (e *Estate) vnetOfSubnet(i int) int { return i / e.perVNet }
func (e *Estate) homeOf(group int) int   { return group % e.vnets }

// subnetOfNIC fills the subnets evenly, neighbours together.
func (e *Estate) subnetOfNIC(i int) int { return i * e.o.Subnets / e.o.NICs }

// firstNIC is the first NIC of a subnet.
func (e *Estate) firstNIC(subnet int) int {
	return (subnet*e.o.NICs + e.o.Subnets - 1) / e.o.Subnets
}

// subnetsIn are the subnets from, from+1 … to-1 of a virtual network.
func (e *Estate) subnetsIn(vnet int) (from, to int) {
	return vnet * e.perVNet, min((vnet+1)*e.perVNet, e.o.Subnets)
}

// asgOf is the application security group of a NIC: neighbours share one.
func (e *Estate) asgOf(nic int) int { return nic * e.o.ASGs / e.o.NICs }

func membersByGroup(groupOf []int32, groups int) (members, from []int32) {
	from = make([]int32, groups+1)
	for _, g := range groupOf {
		from[g+1]++
	}
	for g := range groups {
		from[g+1] += from[g]
	}
	members = make([]int32, len(groupOf))
	next := append([]int32(nil), from...)
	for i, g := range groupOf {
		members[next[g]] = int32(i)
		next[g]++
	}
	return members, from
}

// Network builds the estate in memory, linked, with the newest recorded content
// of the Internet tag.
func (e *Estate) Network() *network.Network {
	n := &network.Network{Internet: network.DefaultInternet(true)}
	if e.list == nil {
		n.Tags = serviceTags(e.tags)
	}
	for v := range e.vnets {
		vnet, subnets := e.vnet(v)
		n.VirtualNetworks = append(n.VirtualNetworks, vnet)
		n.Subnets = append(n.Subnets, subnets...)
		if e.list == nil {
			n.RouteTables = append(n.RouteTables, e.routeTable(v))
		}
	}
	for g := range e.o.NSGs {
		n.SecurityGroups = append(n.SecurityGroups, e.group(g))
	}
	for i := range e.o.NICs {
		n.NICs = append(n.NICs, e.nic(i))
	}
	for a := 0; a < e.o.ASGs && e.list == nil; a++ {
		n.ASGs = append(n.ASGs, &network.ApplicationSecurityGroup{ID: e.asgID(a), Name: network.LastSegment(e.asgID(a))})
	}
	network.Link(n)
	return n
}

// vnetPrefixes is the address space of a virtual network.
func (e *Estate) vnetPrefixes(v int) []netip.Prefix {
	out := []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(v)}), 16)}
	if e.o.IPv6 > 0 {
		out = append(out, netip.PrefixFrom(address6(v, 0, 0), 48))
	}
	return out
}

func (e *Estate) subnetPrefixes(i int) []netip.Prefix {
	v := e.vnetOfSubnet(i)
	out := []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(v), byte(i - v*e.perVNet)}), 24)}
	if e.o.IPv6 > 0 {
		out = append(out, netip.PrefixFrom(address6(v, i-v*e.perVNet, 0), 64))
	}
	return out
}

// address6 is fd5a:7e00:VNET:SUBNET::HOST.
func address6(vnet, subnet, host int) netip.Addr {
	return netip.AddrFrom16([16]byte{
		0: 0xfd, 1: 0x5a, 2: 0x7e, 4: byte(vnet >> 8), 5: byte(vnet), 6: byte(subnet >> 8), 7: byte(subnet), 14: byte(host >> 8), 15: byte(host),
	})
}

// nicAddress is an address of a NIC; n is 0 for its own, 1 for a second one.
func (e *Estate) nicAddress(i, n int) netip.Addr {
	subnet := e.subnetOfNIC(i)
	v := e.vnetOfSubnet(subnet)
	host := 4 + 2*(i-e.firstNIC(subnet)) + n // Azure keeps the first four
	return netip.AddrFrom4([4]byte{10, byte(v), byte(subnet - v*e.perVNet), byte(host)})
}

func (e *Estate) nicAddress6(i int) netip.Addr {
	subnet := e.subnetOfNIC(i)
	v := e.vnetOfSubnet(subnet)
	return address6(v, subnet-v*e.perVNet, 4+2*(i-e.firstNIC(subnet)))
}

// vnet draws a virtual network: the first is the hub, peered with all others.
func (e *Estate) vnet(v int) (*network.VirtualNetwork, []*network.Subnet) {
	vnet := &network.VirtualNetwork{ID: e.vnetID(v), Name: network.LastSegment(e.vnetID(v)), Location: e.location(v), Prefixes: e.vnetPrefixes(v)}
	peer := func(remote int) {
		name := "peer-to-" + network.LastSegment(e.vnetID(remote))
		vnet.Peerings = append(vnet.Peerings, &network.Peering{
			ID: vnet.ID + "/virtualNetworkPeerings/" + name, Name: name,
			RemoteID: e.vnetID(remote), State: "Connected", AllowAccess: true,
			Remote: e.vnetPrefixes(remote), RemoteKnown: true, SyncLevel: "FullyInSync",
		})
	}
	if v > 0 {
		peer(0)
	} else {
		for r := 1; r < e.vnets; r++ {
			peer(r)
		}
	}
	var subnets []*network.Subnet
	from, to := e.subnetsIn(v)
	for i := from; i < to; i++ {
		s := &network.Subnet{
			ID: e.subnetID(i), Name: network.LastSegment(e.subnetID(i)), VirtualNetworkID: vnet.ID, Prefixes: e.subnetPrefixes(i),
			PrivateEndpointPolicies: "Disabled",
		}
		if e.list == nil {
			s.Group.ID = e.groupID(int(e.subnetGroup[i]))
		}
		if e.routed(i) {
			s.RouteTable.ID = e.tableID(v)
		}
		subnets = append(subnets, s)
	}
	return vnet, subnets
}

// routed reports whether a subnet uses its virtual network's route table.
func (e *Estate) routed(subnet int) bool { return subnet%2 == 1 }

// routeTable sends on-premises ranges through an appliance in the hub.
func (e *Estate) routeTable(v int) *network.RouteTable {
	t := &network.RouteTable{ID: e.tableID(v), Name: network.LastSegment(e.tableID(v))}
	for i := range 1 + v%4 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, byte(16 * i)}), 20)
		t.Routes = append(t.Routes, network.Route{Name: fmt.Sprintf("to-site-%02d", i), Prefix: p, NextHop: "VirtualAppliance"})
	}
	from, to := e.subnetsIn(v)
	for i := from; i < to; i++ {
		if e.routed(i) {
			t.SubnetIDs = append(t.SubnetIDs, e.subnetID(i))
		}
	}
	return t
}

// nic draws a network interface: one ip configuration, now and then a second
// one, and an IPv6 one for the share that Options.IPv6 asks for.
func (e *Estate) nic(i int) *network.NIC {
	s := newStream(e.o.Seed, kindNIC, uint64(i))
	subnet := e.subnetID(e.subnetOfNIC(i))
	c := &network.NIC{
		ID: e.nicID(i), Name: network.LastSegment(e.nicID(i)), VMID: e.vmID(i),
		MAC:      fmt.Sprintf("00-0D-3A-%02X-%02X-%02X", byte(i>>16), byte(i>>8), byte(i)),
		SubnetID: subnet,
	}
	c.Group.ID = e.groupID(int(e.nicGroup[i]))
	c.IPForwarding = e.list != nil
	var asgs []string
	if e.list == nil {
		asgs = []string{e.asgID(e.asgOf(i))}
	}
	if other := e.asgOf(min(i+e.o.NICs/e.o.ASGs, e.o.NICs-1)); s.chance(0.1) && other != e.asgOf(i) {
		asgs = append(asgs, e.asgID(other))
	}
	add := func(a netip.Addr) {
		c.IPConfigs = append(c.IPConfigs, network.IPConfig{
			Name: fmt.Sprintf("ipconfig%d", len(c.IPConfigs)+1), Address: a, Primary: len(c.IPConfigs) == 0, ASGs: asgs, SubnetID: subnet,
		})
	}
	add(e.nicAddress(i, 0))
	if s.chance(0.05) {
		add(e.nicAddress(i, 1))
	}
	if s.chance(e.o.IPv6) {
		add(e.nicAddress6(i))
	}
	return c
}

// group draws a security group without its default rules.
func (e *Estate) group(g int) *network.SecurityGroup {
	out := &network.SecurityGroup{ID: e.groupID(g), Name: network.LastSegment(e.groupID(g))}
	for _, i := range e.subnetsOf[e.subnetsFrom[g]:e.subnetsFrom[g+1]] {
		out.SubnetIDs = append(out.SubnetIDs, e.subnetID(int(i)))
	}
	for _, i := range e.nicsOf[e.nicsFrom[g]:e.nicsFrom[g+1]] {
		out.NICIDs = append(out.NICIDs, e.nicID(int(i)))
	}
	d := ruleDrawer{e: e, s: newStream(e.o.Seed, kindGroup, uint64(g)), group: out, home: e.homeOf(g)}
	if e.list != nil {
		out.SubnetIDs, out.Rules = nil, listRules(out, e.list)
		return out
	}
	n := e.sizes[g]
	step := min(10, (maxPriority-minPriority)/max(n, 1))
	for i := range n {
		out.Rules = append(out.Rules, d.rule(int32(minPriority+step*i)))
	}
	return out
}

// Azure's range for the priorities of custom rules.
const minPriority, maxPriority = 100, 4096

// icmp is the protocol whose rules name no ports.
const icmp = network.ProtocolMatch(flow.ICMP)
