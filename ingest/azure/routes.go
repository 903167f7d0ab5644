package azure

import (
	"slices"
	"strings"

	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// nextHops are the next hop types of user-defined routes.
var nextHops = []string{"VirtualNetworkGateway", "VnetLocal", "Internet", "VirtualAppliance", "None"}

// routeTables reads route tables and adds the routes that are documents of their own.
func (b *builder) routeTables() {
	for _, e := range b.entries(typeRouteTable) {
		t := settle(b, e, (*reader).routeTable, plainTable)
		b.tables[network.Key(t.ID)] = t
		b.net.RouteTables = append(b.net.RouteTables, t)
	}
	for _, e := range b.entries(typeRoute) {
		one := settle(b, e, (*reader).standaloneRoute, whole)
		id := network.ParentID(e.id)
		t := b.tables[network.Key(id)]
		if t == nil {
			t = b.missingTable(id, one)
		}
		t.Facts = facts(t.Facts, one.Facts)
		for _, route := range one.Routes {
			b.attachRoute(t, route)
		}
	}
}

func (b *builder) missingTable(id string, one *network.RouteTable) *network.RouteTable {
	b.faults.Warnf(one.Origin, "missing-route-table",
		"route %s belongs to %s, which is not in the snapshot; export the route table itself", quote(one.Name), id)
	t := &network.RouteTable{
		ID: id, Name: network.LastSegment(id), Origin: one.Origin, Facts: []string{"missing-route-table:" + id},
	}
	b.tables[network.Key(id)] = t
	b.net.RouteTables = append(b.net.RouteTables, t)
	return t
}

func (b *builder) attachRoute(t *network.RouteTable, route network.Route) {
	i := slices.IndexFunc(t.Routes, func(r network.Route) bool { return strings.EqualFold(r.Name, route.Name) })
	switch {
	case i < 0:
		t.Routes = append(t.Routes, route)
	case !alike(t.Routes[i], route):
		b.faults.Warnf(route.Origin, "conflicting-bodies",
			"route %s of %s is described differently at %s; this description counts", quote(route.Name), t.ID, t.Routes[i].Origin)
		t.Routes[i] = route
	}
}

func plainTable(t *network.RouteTable) any {
	return network.RouteTable{ID: t.ID, Routes: t.Routes, Facts: t.Facts}
}

func (r *reader) routeTable(res Resource) *network.RouteTable {
	t := &network.RouteTable{ID: res.ID, Name: res.Name, Origin: res.Node.Origin()}
	routes := get(res.Properties, "routes")
	if res.hides("routes") {
		t.Facts = append(t.Facts, factAt(res.Node))
		r.faults.Errorf(res.Node.Origin(), "hidden-routes",
			"the routes of %s are not visible here; export the route table whole", quote(t.Name))
	}
	for _, item := range list(routes) {
		switch {
		case item.Kind() == jsontree.Object:
			r.route(t, item, properties(item))
		case item.Residue():
			t.Facts = append(t.Facts, factAt(item))
		default:
			t.Facts = append(t.Facts, factAt(item))
			r.badPrefix(item, "a route")
		}
	}
	t.SubnetIDs = r.backReferences(res.Properties.Get("subnets"))
	t.Facts = facts(t.Facts)
	return t
}

// standaloneRoute reads a route that is a resource of its own, as a table of one.
func (r *reader) standaloneRoute(res Resource) *network.RouteTable {
	t := &network.RouteTable{ID: res.ID, Name: res.Name, Origin: res.Node.Origin()}
	r.route(t, res.Node, res.Properties)
	return t
}

// route reads one route. Of one that cannot be read the table keeps a fact.
func (r *reader) route(t *network.RouteTable, n, p *jsontree.Node) {
	route := network.Route{Name: network.LastSegment(n.Get("name").Text()), Origin: n.Origin()}
	prefix, hop := get(p, "addressPrefix"), get(p, "nextHopType")
	route.NextHop = hop.Text()
	for _, f := range []*jsontree.Node{prefix, hop} {
		if f.Residue() {
			t.Facts = facts(t.Facts, []string{factAt(f)})
			return
		}
	}
	s, remark, ok := network.ParseSelector(prefix.Text())
	switch {
	case !ok || s.Kind == network.SelectAny || truncated(prefix.Text()):
		r.badPrefix(orElse(prefix, n), "an address prefix or service tag of a route")
		t.Facts = facts(t.Facts, []string{factAt(n)})
		return
	case s.Kind == network.SelectPrefix:
		route.Prefix = s.Prefix
		if remark != "" {
			r.faults.Warnf(prefix.Origin(), remarkCode(remark), "%s", remark)
		}
	default:
		route.Tag = s.Text
	}
	if !slices.ContainsFunc(nextHops, func(h string) bool { return strings.EqualFold(h, route.NextHop) }) {
		r.faults.Errorf(orElse(hop, n).Origin(), "bad-next-hop", "%s is not a next hop type; it is one of %s%s",
			describe(hop), strings.Join(nextHops, ", "), meant(route.NextHop, nextHops...))
		t.Facts = facts(t.Facts, []string{factAt(n)})
		return
	}
	t.Routes = append(t.Routes, route)
}

// orElse returns n, or its container where n is absent and has no place.
func orElse(n, container *jsontree.Node) *jsontree.Node {
	if n.Kind() == jsontree.Absent {
		return container
	}
	return n
}
