package network

import (
	"net/netip"
	"slices"
	"strings"

	"ipflow/ingest/diag"
)

// Gateway is a virtual network gateway: the prefixes behind it are part of
// VirtualNetwork, and the snapshot may not know them all.
type Gateway struct {
	ID, Name string
	Origin   diag.Origin
	SubnetID string // of its ip configurations: the GatewaySubnet
	Type     string // gatewayType: "Vpn", "ExpressRoute"; "" when the snapshot does not say
	BGP      bool   // enableBgp: it learns prefixes that no resource lists
	Pools    []netip.Prefix
	// DefaultSite is gatewayDefaultSite, the local network gateway that gets all
	// traffic without another route; "" when there is none.
	DefaultSite string
	Facts       []string // what could not be read about it
}

// LocalGateway is a local network gateway: a site and the prefixes there.
type LocalGateway struct {
	ID, Name string
	Origin   diag.Origin
	Prefixes []netip.Prefix
	Facts    []string
}

// Connection joins a virtual network gateway to a site or to another gateway.
// Azure keeps one for each end of two gateways.
type Connection struct {
	ID, Name  string
	Origin    diag.Origin
	Type      string // IPsec, Vnet2Vnet, ExpressRoute
	GatewayID string // virtualNetworkGateway1, which owns the connection
	PeerID    string // virtualNetworkGateway2
	LocalID   string // localNetworkGateway2
	BGP       bool
	Facts     []string
}

// ConnectedGroup is a mesh that Azure Virtual Network Manager makes of the
// members of a network group, seen from one virtual network.
type ConnectedGroup struct {
	ID        string   // the connectivity configuration
	MemberIDs []string // virtual networks that are directly connected
	// Deployed says that an effective export shows the configuration at work;
	// otherwise it may never have been committed.
	Deployed bool
}

// Extent is a part of VirtualNetwork beyond the address spaces of the virtual
// network and its peers.
type Extent struct {
	From     string // for readers: "site X", "clients of gateway X"
	Prefixes []netip.Prefix
	Fact     string // why it may not be part of it; "" when it surely is
}

// Hinterland is what VirtualNetwork holds beyond the address spaces of a virtual
// network and its peers, host address and routes left out.
type Hinterland struct {
	Extents []Extent
	Facts   []string // sorted; on each any other address may be in it
	// PrivateFacts, sorted: on each any other private address may be in it. A
	// gateway is taken to have learned private prefixes only.
	PrivateFacts []string
}

// Hinterland returns what lies behind the gateways and in the connected groups
// that the virtual network uses.
func (n *Network) Hinterland(v *VirtualNetwork) Hinterland {
	h := Hinterland{PrivateFacts: slices.Clone(n.gatewayFactsOf[v])}
	for _, g := range n.gatewaysOf[v] {
		n.behind(&h, g)
	}
	for _, g := range v.Groups {
		n.connected(&h, v, g)
	}
	for _, list := range []*[]string{&h.Facts, &h.PrivateFacts} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return h
}

// behind adds what a gateway reaches: its clients, and the sites and virtual
// networks of its connections (service-tags-overview: "all connected
// on-premises address spaces, … virtual networks connected to a virtual network
// gateway").
func (n *Network) behind(h *Hinterland, g *Gateway) {
	unknown := "gateway-prefixes:" + g.ID
	if len(g.Pools) > 0 {
		h.Extents = append(h.Extents, Extent{From: "clients of gateway " + g.Name, Prefixes: g.Pools})
	}
	h.Facts = append(h.Facts, g.Facts...)
	if g.DefaultSite != "" {
		// "This tag might also contain default routes."
		h.Facts = append(h.Facts, "gateway-default-site:"+g.ID)
	}
	if g.BGP || !strings.EqualFold(g.Type, "Vpn") {
		h.PrivateFacts = append(h.PrivateFacts, unknown)
	}
	own := n.connectionsOf[Key(g.ID)]
	switch n.Assumptions.Value("gateway-connections") {
	case "complete":
	case "unknown":
		h.PrivateFacts = append(h.PrivateFacts, unknown)
	default:
		if len(own) == 0 {
			h.PrivateFacts = append(h.PrivateFacts, unknown)
		}
	}
	for _, c := range own {
		n.across(h, g, c)
	}
}

// across adds what one connection leads to.
func (n *Network) across(h *Hinterland, g *Gateway, c *Connection) {
	h.Facts = append(h.Facts, c.Facts...)
	if c.BGP {
		h.PrivateFacts = append(h.PrivateFacts, "gateway-prefixes:"+g.ID)
	}
	switch {
	case c.LocalID != "":
		site := n.localGateways[Key(c.LocalID)]
		if site == nil {
			h.PrivateFacts = append(h.PrivateFacts, "gateway-prefixes:"+c.LocalID)
			return
		}
		h.Facts = append(h.Facts, site.Facts...)
		h.Extents = append(h.Extents, Extent{From: "site " + site.Name, Prefixes: site.Prefixes})
	case c.PeerID != "":
		peer := n.gatewaysByKey[Key(c.PeerID)]
		var v *VirtualNetwork
		if peer != nil {
			v = n.vnetsByKey[Key(ParentID(peer.SubnetID))]
		}
		if v == nil {
			h.PrivateFacts = append(h.PrivateFacts, "gateway-prefixes:"+c.PeerID)
			return
		}
		h.Facts = append(h.Facts, v.Facts...)
		h.Extents = append(h.Extents, Extent{From: "virtual network " + v.Name + " behind gateway " + peer.Name, Prefixes: v.Prefixes})
	case len(c.Facts) == 0:
		h.PrivateFacts = append(h.PrivateFacts, "gateway-prefixes:"+g.ID)
	}
}

// connected adds the other members of a connected group, as the assumption
// connected-groups wants it.
func (n *Network) connected(h *Hinterland, v *VirtualNetwork, g *ConnectedGroup) {
	fact := "connected-group:" + g.ID
	switch n.Assumptions.Value("connected-groups") {
	case "exclude":
		return
	case "include":
		if g.Deployed {
			fact = ""
		}
	}
	for _, id := range g.MemberIDs {
		if Key(id) == Key(v.ID) {
			continue
		}
		member := n.vnetsByKey[Key(id)]
		if member == nil {
			h.Facts = append(h.Facts, "missing-peer:"+id)
			continue
		}
		h.Facts = append(h.Facts, member.Facts...)
		h.Extents = append(h.Extents, Extent{From: "connected group, " + member.Name, Prefixes: member.Prefixes, Fact: fact})
	}
}

// gateways gives every virtual network the gateways whose hinterland it shares:
// its own, and those of a peer it uses and that lets it ("gateway transit",
// vpn-gateway-peering-gateway-transit).
func (l *linker) gateways() {
	n := l.n
	n.gatewaysByKey = byKey(n.Gateways, func(x *Gateway) string { return x.ID })
	n.localGateways = byKey(n.LocalGateways, func(x *LocalGateway) string { return x.ID })
	n.connectionsOf = map[string][]*Connection{}
	for _, c := range n.Connections {
		n.connectionsOf[Key(c.GatewayID)] = append(n.connectionsOf[Key(c.GatewayID)], c)
	}
	own := map[*VirtualNetwork][]*Gateway{}
	for _, g := range n.Gateways {
		if v := l.vnets[Key(ParentID(g.SubnetID))]; v != nil {
			own[v] = append(own[v], g)
		}
	}
	unseen := map[*VirtualNetwork][]string{}
	for _, v := range n.VirtualNetworks {
		for _, s := range v.Subnets {
			// A Route Server learns prefixes too, and no resource lists them.
			if strings.EqualFold(s.Name, "GatewaySubnet") && len(own[v]) == 0 || strings.EqualFold(s.Name, "RouteServerSubnet") {
				unseen[v] = append(unseen[v], "gateway-prefixes:"+s.ID)
			}
		}
	}
	n.gatewaysOf, n.gatewayFactsOf = map[*VirtualNetwork][]*Gateway{}, map[*VirtualNetwork][]string{}
	for _, v := range n.VirtualNetworks {
		n.gatewaysOf[v] = slices.Clone(own[v])
		n.gatewayFactsOf[v] = slices.Clone(unseen[v])
		for _, p := range v.Peerings {
			if p.UseRemoteGateways {
				l.remoteGateways(v, p, own[p.RemoteVNet], unseen[p.RemoteVNet])
			}
		}
	}
}

func (l *linker) remoteGateways(v *VirtualNetwork, p *Peering, own []*Gateway, unseen []string) {
	connected := p.State == "" || strings.EqualFold(p.State, "Connected")
	if !connected && p.Fact == "" {
		return
	}
	back := -1
	if p.RemoteVNet != nil {
		back = slices.IndexFunc(p.RemoteVNet.Peerings, func(q *Peering) bool { return Key(q.RemoteID) == Key(v.ID) })
	}
	switch {
	case back < 0, p.Fact != "", !p.AllowAccess, len(own)+len(unseen) == 0,
		len(p.RemoteVNet.Peerings[back].Facts) > 0:
		// The hub, its word on transit or its gateway is not in the snapshot; or
		// access is blocked, and nobody documents what that does to transit.
		l.n.gatewayFactsOf[v] = append(l.n.gatewayFactsOf[v], "gateway-prefixes:"+p.RemoteID)
	case !p.RemoteVNet.Peerings[back].AllowGatewayTransit:
		l.faults.Warnf(p.Origin, "no-gateway-transit",
			"peering %s uses the gateway of %s, which does not allow gateway transit; the prefixes behind it do not count", p.Name, p.RemoteID)
		return
	}
	l.n.gatewaysOf[v] = append(l.n.gatewaysOf[v], own...)
	l.n.gatewayFactsOf[v] = append(l.n.gatewayFactsOf[v], unseen...)
}
