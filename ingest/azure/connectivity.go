package azure

import (
	"path"
	"slices"
	"strings"

	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// isConnectivity reports whether an element is of an answer that lists effective
// or active connectivity configurations: it spells its groups out, or says when
// it was committed.
func isConnectivity(n *jsontree.Node) bool {
	return properties(n).Get("connectivityTopology") != nil && (n.Get("configurationGroups") != nil || n.Get("commitTime") != nil)
}

// listedConnectivity reads such an element. Effective lists do not name their
// virtual network; the file is named after it. Active lists name a region.
func (w *walk) listedConnectivity(n *jsontree.Node) {
	r := w.reader()
	c := r.connectivity(Resource{ID: n.Get("id").Text(), Name: network.LastSegment(n.Get("id").Text()), Node: n, Properties: properties(n)})
	c.Listed, c.Region = true, n.Get("region").Text()
	if c.Region == "" {
		c.VirtualNetwork, _, _ = strings.Cut(path.Base(strings.ReplaceAll(w.path, `\`, "/")), ".")
	}
	w.connectivity = append(w.connectivity, c)
}

func (r *reader) connectivity(res Resource) *network.Connectivity {
	c := &network.Connectivity{ID: res.ID, Name: res.Name, Origin: res.Node.Origin()}
	mesh := strings.EqualFold(get(res.Properties, "connectivityTopology").Text(), "Mesh")
	for _, n := range list(get(res.Properties, "appliesToGroups")) {
		id, unread := r.ref(get(n, "networkGroupId"))
		if unread != "" {
			r.faults.Warnf(n.Origin(), "bad-reference", "a network group of connectivity configuration %s cannot be read; who it connects is not known", quote(c.Name))
		}
		if id != "" && (mesh || strings.EqualFold(n.Get("groupConnectivity").Text(), "DirectlyConnected")) {
			c.Groups = append(c.Groups, network.ConnectedMembers{GroupID: id, Global: strings.EqualFold(n.Get("isGlobal").Text(), "true")})
		}
	}
	return c
}

// connectivities reads connectivity configurations and adds those listed as
// being at work.
func (b *builder) connectivities(listed []*network.Connectivity) {
	b.net.Connectivity = each(b, (*reader).connectivity, whole, typeConnectivity)
	slices.SortStableFunc(listed, func(a, b *network.Connectivity) int { return a.Origin.Compare(b.Origin) })
	b.net.Connectivity = append(b.net.Connectivity, listed...)
}
