package verify

import (
	"fmt"
	"net/netip"

	"ipflow/ingest/network"
)

// beyond draws what VirtualNetwork holds besides address spaces: gateways with
// their sites and clients, and connected groups.
func (w *world) beyond() {
	for i, v := range []string{vnetA, vnetB} {
		if !w.chance(4) {
			continue
		}
		g := &network.Gateway{
			ID: fmt.Sprintf("/gateways/g%d", i), Name: fmt.Sprintf("g%d", i), SubnetID: v + "/subnets/GatewaySubnet",
			Type: []string{"Vpn", "vpn", "ExpressRoute", ""}[w.pick(4)], BGP: w.chance(4),
		}
		if w.chance(3) {
			g.Pools = parsePrefixes("172.16.0.0/24")
		}
		if w.chance(8) {
			g.DefaultSite = "/sites/s"
		}
		if w.chance(12) {
			g.Facts = []string{"unresolved:" + g.ID}
		}
		w.net.Gateways = append(w.net.Gateways, g)
		for j := range w.pick(3) {
			w.connection(g, j)
		}
	}
	if w.chance(2) {
		s := &network.LocalGateway{ID: "/sites/s", Name: "s", Prefixes: []netip.Prefix{worldPrefixes[w.pick(len(worldPrefixes))]}}
		if w.chance(8) {
			s.Facts = []string{"unresolved:site"}
		}
		w.net.LocalGateways = append(w.net.LocalGateways, s)
	}
	for _, v := range w.net.VirtualNetworks {
		if w.chance(6) {
			g := &network.ConnectedGroup{ID: "/managers/m/mesh", MemberIDs: []string{vnetA, vnetB}, Deployed: w.chance(2)}
			if w.chance(4) {
				g.MemberIDs = append(g.MemberIDs, "/vnets/nobody")
			}
			v.Groups = append(v.Groups, g)
		}
	}
}

func (w *world) connection(g *network.Gateway, j int) {
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
	w.net.Connections = append(w.net.Connections, c)
}

// observation draws what effective exports say about a NIC; nil mostly.
func (w *world) observation(c *network.NIC) *network.Observation {
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

func (w *world) content(c *network.NIC) *network.TagContent {
	t := &network.TagContent{Source: "effective rules"}
	for range w.pick(4) {
		t.Prefixes = append(t.Prefixes, worldPrefixes[w.pick(len(worldPrefixes))])
	}
	if w.chance(3) {
		t.Routes = append(t.Routes, network.Route{
			Prefix: worldPrefixes[w.pick(len(worldPrefixes))], NextHop: []string{"VirtualAppliance", "VirtualNetworkGateway"}[w.pick(2)],
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
