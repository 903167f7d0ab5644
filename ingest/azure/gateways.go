package azure

import (
	"net/netip"

	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// gateways reads virtual network gateways and what they are connected with.
func (b *builder) gateways() {
	b.net.Gateways = each(b, (*reader).gateway, whole, typeGateway)
	b.net.LocalGateways = each(b, (*reader).localGateway, whole, typeLocalGateway)
	b.net.Connections = each(b, (*reader).connection, whole, typeConnection)
}

// gateway reads a virtual network gateway. One that cannot be placed leaves no
// trace in verdicts, so it is reported.
func (r *reader) gateway(res Resource) *network.Gateway {
	p := res.Properties
	g := &network.Gateway{ID: res.ID, Name: res.Name, Origin: res.Node.Origin(), Type: get(p, "gatewayType").Text()}
	if g.Type == "" && res.Declared && !get(p, "gatewayType").Residue() {
		g.Type = "Vpn" // what the API takes when it is left out
	}
	var bgp, site string
	g.BGP, bgp = r.flag(get(p, "enableBgp"), false)
	g.DefaultSite, site = r.ref(get(p, "gatewayDefaultSite"))
	clients := get(p, "vpnClientConfiguration")
	pools, unread := r.addressSpace(get(clients, "vpnClientAddressPool"))
	if !clients.Residue() {
		for _, n := range list(clients.Get("vngClientConnectionConfigurations")) {
			more, bad := r.addressSpace(get(properties(n), "vpnClientAddressPool"))
			pools, unread = append(pools, more...), append(unread, bad...)
		}
	}
	g.Pools = pools
	g.Facts = facts([]string{bgp, site}, unread)
	for _, n := range list(get(p, "ipConfigurations")) {
		if g.SubnetID, _ = r.ref(get(properties(n), "subnet")); g.SubnetID != "" {
			return g
		}
	}
	r.faults.Warnf(g.Origin, "gateway-without-subnet",
		"gateway %s names no subnet; the virtual network it serves is not known from it", quote(g.Name))
	return g
}

func (r *reader) localGateway(res Resource) *network.LocalGateway {
	space := get(res.Properties, "localNetworkAddressSpace")
	g := &network.LocalGateway{ID: res.ID, Name: res.Name, Origin: res.Node.Origin()}
	g.Prefixes, g.Facts = r.addressSpace(space)
	if res.bare() {
		g.Facts = facts(g.Facts, []string{factAt(res.Node)})
	}
	return g
}

func (r *reader) connection(res Resource) *network.Connection {
	p := res.Properties
	c := &network.Connection{ID: res.ID, Name: res.Name, Origin: res.Node.Origin(), Type: get(p, "connectionType").Text()}
	var unread [4]string
	c.GatewayID, unread[0] = r.ref(get(p, "virtualNetworkGateway1"))
	c.PeerID, unread[1] = r.ref(get(p, "virtualNetworkGateway2"))
	c.LocalID, unread[2] = r.ref(get(p, "localNetworkGateway2"))
	c.BGP, unread[3] = r.flag(get(p, "enableBgp"), false)
	c.Facts = facts(unread[:])
	if c.GatewayID == "" {
		r.faults.Warnf(c.Origin, "connection-without-gateway",
			"connection %s names no virtual network gateway; what it leads to counts for none", quote(c.Name))
	}
	return c
}

// addressSpace reads {"addressPrefixes": […]}; absent and null are empty.
func (r *reader) addressSpace(n *jsontree.Node) (out []netip.Prefix, unread []string) {
	if n.Kind() == jsontree.Object {
		n = n.Get("addressPrefixes")
	}
	return r.prefixes("an address prefix", n)
}
