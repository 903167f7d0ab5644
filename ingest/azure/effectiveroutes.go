package azure

import (
	"net/netip"
	"slices"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// EffectiveRoutesOf is one answer of the effective-routes API. The answer does
// not say which NIC it is about; the file is named after it.
type EffectiveRoutesOf struct {
	Path   string
	Origin diag.Origin
	Routes []EffectiveRoute
	Facts  []string // routes that could not be read
}

// EffectiveRoute is one route in force or shadowed.
type EffectiveRoute struct {
	Source   string // Default, User, VirtualNetworkGateway
	NextHop  string
	Prefixes []netip.Prefix
}

func (w *walk) effectiveRoutes(nodes []*jsontree.Node) EffectiveRoutesOf {
	r := w.reader()
	out := EffectiveRoutesOf{Path: w.path, Origin: nodes[0].Origin()}
	for _, n := range nodes {
		e := EffectiveRoute{Source: n.Get("source").Text(), NextHop: n.Get("nextHopType").Text()}
		var unread []string
		e.Prefixes, unread = r.prefixes("an address prefix", n.Get("addressPrefix"))
		out.Facts = append(out.Facts, unread...)
		out.Routes = append(out.Routes, e)
	}
	return out
}

// observeRoutes computes VirtualNetwork from the routes of a NIC, unless its
// effective rules say what it is. In it are
//
//   - the prefixes of the virtual network, its peers and connected groups (next
//     hops VnetLocal, VNetPeering, VNetGlobalPeering, ConnectedGroup), in force or
//     shadowed by another route: the address space stays what it is;
//   - prefixes a gateway learned (source VirtualNetworkGateway), and other routes
//     to a gateway;
//   - user routes to an appliance or gateway, as udr-next-hops says;
//   - the host's address.
//
// A learned default route leaves all else in doubt: "This tag might also contain
// default routes" (service-tags-overview).
func (b *builder) observeRoutes(e EffectiveRoutesOf) {
	c := b.nicOfFile(e.Path)
	if c == nil {
		b.faults.Infof(e.Origin, "effective-nic-unknown",
			"effective routes do not say which NIC they are of; name the file after it (NIC.json), then its VirtualNetwork tag is taken from them")
		return
	}
	if c.Observed == nil {
		c.Observed = &network.Observation{}
	}
	if c.Observed.VirtualNetwork != nil {
		if c.Observed.VirtualNetwork.Source == routesSource {
			b.faults.Warnf(e.Origin, "conflicting-bodies", "the effective routes of NIC %s are in the snapshot twice; those at %s count", quote(c.Name), c.Observed.VirtualNetwork.Origin)
		}
		return
	}
	t := &network.TagContent{Source: routesSource, Origin: e.Origin, Facts: facts(e.Facts)}
	for _, r := range e.Routes {
		hop, user := network.Key(r.NextHop), strings.EqualFold(r.Source, "User")
		counts := false
		switch hop {
		case "vnetlocal", "vnetpeering", "vnetglobalpeering", "connectedgroup":
			counts = !user
		case "virtualnetworkgateway":
			counts = true
		}
		for _, p := range r.Prefixes {
			switch {
			case user && (hop == "virtualappliance" || hop == "virtualnetworkgateway"):
				t.Routes = append(t.Routes, network.Route{Prefix: p, NextHop: r.NextHop, Origin: e.Origin})
			case !counts:
			case p.Bits() == 0:
				t.Facts = facts(t.Facts, []string{"learned-default-route:" + c.ID})
			case !slices.Contains(t.Prefixes, p):
				t.Prefixes = append(t.Prefixes, p)
			}
		}
	}
	t.Prefixes = append(t.Prefixes, netip.PrefixFrom(network.WireServer, network.WireServer.BitLen()))
	c.Observed.VirtualNetwork = t
}

const routesSource = "effective routes"

// samePrefixes reports whether two lists hold the same prefixes in any order.
func samePrefixes(a, b []netip.Prefix) bool {
	return len(common(a, b)) == len(a) && len(common(b, a)) == len(b)
}

// common returns the prefixes of a that are in b too.
func common(a, b []netip.Prefix) []netip.Prefix {
	in := make(map[netip.Prefix]bool, len(b))
	for _, p := range b {
		in[p] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(p netip.Prefix) bool { return !in[p] })
}

// samePorts is samePrefixes for ports.
func samePorts(a, b []flow.PortRange) bool {
	in := func(list []flow.PortRange) func(flow.PortRange) bool {
		return func(p flow.PortRange) bool { return !slices.Contains(list, p) }
	}
	return !slices.ContainsFunc(a, in(b)) && !slices.ContainsFunc(b, in(a))
}
