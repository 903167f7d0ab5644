package world

import (
	"fmt"
	"net/netip"

	"ipflow/ingest/network"
)

// beyond draws what VirtualNetwork holds besides address spaces: gateways with
// their sites and clients, and connected groups.
func (w *World) beyond() {
	for i, v := range []string{vnetA, vnetB} {
		if !w.chance(4) {
			continue
		}
		g := &network.Gateway{
			ID: fmt.Sprintf("/gateways/g%d", i), Name: fmt.Sprintf("g%d", i), SubnetID: v + "/subnets/GatewaySubnet",
			Type: []string{"Vpn", "vpn", "ExpressRoute", ""}[w.pick(4)], BGP: w.chance(4),
		}
		if w.chance(3) {
			g.Pools = Prefixes("172.16.0.0/24")
		}
		if w.chance(8) {
			g.DefaultSite = "/sites/s"
		}
		if w.chance(12) {
			g.Facts = []string{"unresolved:" + g.ID}
		}
		w.Net.Gateways = append(w.Net.Gateways, g)
		for j := range w.pick(3) {
			w.connection(g, j)
		}
	}
	if w.chance(2) {
		s := &network.LocalGateway{ID: "/sites/s", Name: "s", Prefixes: []netip.Prefix{drawn[w.pick(len(drawn))]}}
		if w.chance(8) {
			s.Facts = []string{"unresolved:site"}
		}
		w.Net.LocalGateways = append(w.Net.LocalGateways, s)
	}
	for _, v := range w.Net.VirtualNetworks {
		if w.chance(6) {
			g := &network.ConnectedGroup{ID: "/managers/m/mesh", MemberIDs: []string{vnetA, vnetB}, Deployed: w.chance(2)}
			if w.chance(4) {
				g.MemberIDs = append(g.MemberIDs, "/vnets/nobody")
			}
			v.Groups = append(v.Groups, g)
		}
	}
}

func (w *World) connection(g *network.Gateway, j int) {
	c := &network.Connection{ID: fmt.Sprintf("%s/connections/c%d", g.ID, j), GatewayID: g.ID, BGP: w.chance(8)}
	switch w.pick(4) {
	case 0, 1:
		c.LocalID = "/Sites/s"
	case 2:
		c.PeerID = "/gateways/g1"
	}
	if w.chance(12) {
		c.Facts = []string{"unresolved:" + c.ID}
	}
	w.Net.Connections = append(w.Net.Connections, c)
}

// observation draws what effective exports say about a NIC; nil mostly.
func (w *World) observation(c *network.NIC) *network.Observation {
	if !w.chance(5) {
		return nil
	}
	o := &network.Observation{}
	for _, t := range []**network.TagContent{&o.VirtualNetwork, &o.Internet, &o.AzureLoadBalancer} {
		if w.chance(2) {
			*t = w.content(c)
		}
	}
	if w.chance(2) {
		o.Tags = map[string]*network.TagContent{"nobody": w.content(c), "known": w.content(c)}
	}
	if w.chance(3) {
		o.Listed, o.SubnetGroup = true, w.groupRef()
		c.SubnetID, c.SubnetFact = "", ""
	}
	return o
}

func (w *World) content(c *network.NIC) *network.TagContent {
	t := &network.TagContent{Source: "effective rules"}
	for range w.pick(4) {
		t.Prefixes = append(t.Prefixes, drawn[w.pick(len(drawn))])
	}
	if w.chance(3) {
		t.Routes = append(t.Routes, network.Route{
			Prefix: drawn[w.pick(len(drawn))], NextHop: []string{"VirtualAppliance", "VirtualNetworkGateway"}[w.pick(2)],
		})
	}
	if w.chance(6) {
		t.Facts = []string{"tag-map-differs:" + c.ID}
	}
	return t
}

func observedText(c *network.NIC) string {
	o := c.Observed
	if o == nil {
		return "no"
	}
	return fmt.Sprintf("%+v %+v %+v %+v listed=%v %+v", o.VirtualNetwork, o.Internet, o.AzureLoadBalancer, o.Tags, o.Listed, o.SubnetGroup)
}
