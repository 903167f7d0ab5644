package azure

import (
	"slices"

	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// virtualNetworks reads virtual networks with their subnets and peerings, whether
// those stand inside or are documents of their own.
func (b *builder) virtualNetworks() {
	vnets := map[string]*network.VirtualNetwork{}
	var children []Resource
	for _, e := range b.entries(typeVNet) {
		var body Resource
		v := settle(b, e, func(r *reader, res Resource) *network.VirtualNetwork {
			if r == &b.reader {
				body = res
			}
			return r.virtualNetwork(res)
		}, whole)
		vnets[network.Key(v.ID)] = v
		b.net.VirtualNetworks = append(b.net.VirtualNetworks, v)
		children = append(children, b.inline(v, body)...)
	}
	// Of an inline and a standalone child in one file the latter comes later,
	// as templates deploy them.
	for _, t := range []string{typeSubnet, typePeering} {
		for _, e := range b.entries(t) {
			children = append(children, e.bodies...)
		}
	}
	byType := gather(children)
	for _, e := range byType[typeSubnet] {
		b.net.Subnets = append(b.net.Subnets, settle(b, e, (*reader).subnet, whole))
	}
	for _, e := range byType[typePeering] {
		p := settle(b, e, (*reader).peering, whole)
		if v := vnets[network.Key(network.ParentID(p.ID))]; v != nil {
			v.Peerings = append(v.Peerings, p)
			continue
		}
		b.faults.Warnf(p.Origin, "missing-vnet",
			"peering %s belongs to %s, which is not in the snapshot; export the virtual network", quote(p.Name), network.ParentID(p.ID))
	}
}

func (r *reader) virtualNetwork(res Resource) *network.VirtualNetwork {
	v := &network.VirtualNetwork{ID: res.ID, Name: res.Name, Origin: res.Node.Origin(), Location: res.Node.Get("location").Text()}
	if res.Node.Get("location").Residue() {
		v.Location = ""
	}
	space := get(res.Properties, "addressSpace")
	if res.hides("addressSpace") {
		v.Facts = append(v.Facts, factAt(res.Node))
		r.faults.Errorf(res.Node.Origin(), "hidden-address-space",
			"the address space of %s is not visible here; export the virtual network whole", quote(v.Name))
	}
	var unread []string
	v.Prefixes, unread = r.prefixes("an address prefix", get(space, "addressPrefixes"))
	if space.Kind() == jsontree.String && !space.Residue() && !blank(space) {
		unread = append(unread, factAt(space))
		r.badPrefix(space, "an address space")
	}
	v.Facts = facts(v.Facts, unread, r.unreadChildren(res, "subnets"), r.unreadChildren(res, "virtualNetworkPeerings"))
	if res.Projected && res.hides("virtualNetworkPeerings") {
		v.Facts = facts(v.Facts, []string{factAt(res.Node)})
	}
	return v
}

// unreadChildren returns facts for children that are no objects. A subnet that is
// not there is missed by the NICs in it; a peering would be missed by nobody.
func (r *reader) unreadChildren(res Resource, segment string) []string {
	n := get(res.Properties, segment)
	if n.Residue() {
		return []string{factAt(n)}
	}
	var out []string
	for _, item := range list(n) {
		switch {
		case item.Residue():
			out = append(out, factAt(item))
		case item.Kind() != jsontree.Object:
			out = append(out, factAt(item))
			if truncated(item.Text()) {
				r.faults.Errorf(item.Origin(), "truncated", "%s stands where one of the %s should: %s", quote(item.Text()), segment, depthRemedy)
			} else {
				r.faults.Errorf(item.Origin(), "bad-child", "%s stands where one of the %s should", describe(item), segment)
			}
		}
	}
	return out
}

// inline returns the children written inside the virtual network.
func (b *builder) inline(v *network.VirtualNetwork, res Resource) []Resource {
	var out []Resource
	for _, segment := range []string{"subnets", "virtualNetworkPeerings"} {
		for _, item := range list(res.Properties.Get(segment)) {
			if item.Kind() != jsontree.Object {
				continue
			}
			c := res.child(item, segment)
			if c.Name == "" {
				b.faults.Errorf(item.Origin(), "no-name", "one of the %s has neither name nor id", segment)
				v.Facts = facts(v.Facts, []string{factAt(item)})
				continue
			}
			out = append(out, c)
		}
	}
	return out
}

func (r *reader) subnet(res Resource) *network.Subnet {
	p := res.Properties
	s := &network.Subnet{
		ID: res.ID, Name: res.Name, Origin: res.Node.Origin(), VirtualNetworkID: network.ParentID(res.ID),
		PrivateEndpointPolicies: get(p, "privateEndpointNetworkPolicies").Text(),
	}
	// A prefix that cannot be read changes no verdict: the virtual network's
	// address space counts. It is reported all the same.
	s.Prefixes, _ = r.prefixes("an address prefix", get(p, "addressPrefix"), get(p, "addressPrefixes"))
	for _, d := range list(get(p, "delegations")) {
		if name := get(properties(d), "serviceName"); name.Text() != "" && !name.Residue() {
			s.Delegations = append(s.Delegations, name.Text())
		}
	}
	s.HasGateways = len(words(get(p, "applicationGatewayIPConfigurations"))) > 0
	s.Group.ID, s.Group.Fact = r.ref(get(p, "networkSecurityGroup"))
	s.RouteTable.ID, s.RouteTable.Fact = r.ref(get(p, "routeTable"))
	if res.hides("addressPrefix", "addressPrefixes", "networkSecurityGroup", "routeTable") || res.Projected && res.hides("networkSecurityGroup") {
		s.Group.Fact, s.RouteTable.Fact = factAt(res.Node), factAt(res.Node)
		r.faults.Errorf(res.Node.Origin(), "hidden-subnet",
			"the security group of subnet %s is not visible here; export the virtual network whole", quote(s.Name))
	}
	return s
}

func (r *reader) peering(res Resource) *network.Peering {
	p := res.Properties
	out := &network.Peering{ID: res.ID, Name: res.Name, Origin: res.Node.Origin()}
	var unread [5]string
	out.RemoteID, unread[0] = r.ref(get(p, "remoteVirtualNetwork"))
	if out.RemoteID == "" && unread[0] == "" {
		unread[0] = factAt(res.Node)
		r.faults.Errorf(res.Node.Origin(), "bad-peering", "peering %s names no remote virtual network", quote(out.Name))
	}
	out.AllowAccess, unread[1] = r.flag(get(p, "allowVirtualNetworkAccess"), true)
	out.UseRemoteGateways, unread[2] = r.flag(get(p, "useRemoteGateways"), false)
	out.AllowGatewayTransit, unread[4] = r.flag(get(p, "allowGatewayTransit"), false)
	if state := get(p, "peeringState"); state.Residue() {
		unread[3] = factAt(state)
	} else {
		out.State = state.Text()
	}
	out.SyncLevel = get(p, "peeringSyncLevel").Text()
	complete, partial := r.flag(get(p, "peerCompleteVnets"), true)
	out.Partial = !complete
	var onlyIPv6 string
	out.OnlyIPv6, onlyIPv6 = r.flag(get(p, "enableOnlyIPv6Peering"), false)
	var names [2]string
	out.LocalSubnets, names[0] = subnetNames(get(p, "localSubnetNames"))
	out.RemoteSubnets, names[1] = subnetNames(get(p, "remoteSubnetNames"))
	// PowerShell calls the synced address space PeeredRemoteAddressSpace.
	space := get(p, "remoteAddressSpace")
	if space == nil {
		space = get(p, "peeredRemoteAddressSpace")
	}
	var spaceFacts []string
	if space.Kind() == jsontree.Object {
		out.Remote, spaceFacts = r.prefixes("an address prefix", space.Get("addressPrefixes"))
		out.RemoteKnown = space.Get("addressPrefixes") != nil
	} else if !blank(space) {
		spaceFacts = []string{factAt(space)}
		if !space.Residue() {
			r.badPrefix(space, "an address space")
		}
	}
	out.Facts = facts(unread[:], spaceFacts, []string{partial, onlyIPv6})
	if out.Partial {
		out.Facts = facts(out.Facts, names[:])
	}
	// Peered address spaces change with time and differ by tool; order is noise.
	slices.SortFunc(out.Remote, comparePrefixes)
	return out
}

// subnetNames reads the subnets that one side of a partial peering takes in.
func subnetNames(n *jsontree.Node) (out []string, fact string) {
	if n.Residue() {
		return nil, factAt(n)
	}
	for _, item := range words(n) {
		if item.Residue() {
			return nil, factAt(item)
		}
		out = append(out, item.Text())
	}
	slices.Sort(out)
	return out, ""
}
