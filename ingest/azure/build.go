package azure

import (
	"maps"
	"slices"

	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// builder turns resources into a network, one method per resource family.
type builder struct {
	reader
	net    *network.Network
	byType map[string][]*entry

	groups map[string]*network.SecurityGroup
	tables map[string]*network.RouteTable
}

// entry is everything that the snapshot says about one id.
type entry struct {
	id     string
	bodies []Resource // in path order
}

// referenceOnly reports whether no document describes the id, only names it.
func (e *entry) referenceOnly() bool {
	return !slices.ContainsFunc(e.bodies, func(r Resource) bool { return !r.bare() })
}

func newBuilder(faults *diag.List, store *store, resources []Resource) *builder {
	return &builder{
		reader: reader{faults, store},
		net:    &network.Network{Internet: network.DefaultInternet(true)},
		byType: gather(resources),
		groups: map[string]*network.SecurityGroup{},
		tables: map[string]*network.RouteTable{},
	}
}

// gather groups resources by type and id. Entries stand in order of first sight.
func gather(resources []Resource) map[string][]*entry {
	sortResources(resources)
	byType := map[string][]*entry{}
	byID := make(map[string]*entry, len(resources))
	for _, r := range resources {
		key := network.Key(r.ID)
		e := byID[key]
		if e == nil {
			e = &entry{id: r.ID}
			byID[key] = e
			byType[r.Type] = append(byType[r.Type], e)
		}
		e.bodies = append(e.bodies, r)
	}
	return byType
}

func (b *builder) build() {
	b.virtualNetworks()
	b.securityGroups()
	b.routeTables()
	b.networkInterfaces()
	b.scaleSets()
	b.privateEndpoints()
	b.virtualMachines()
	b.smallThings()
	b.watchers()
	b.gateways()
	b.loadBalancers()
}

// counts returns the number of distinct resources by type.
func (b *builder) counts() map[string]int {
	out := map[string]int{}
	for _, key := range slices.Sorted(maps.Keys(b.byType)) {
		// Of the spellings in the snapshot the one with most capitals.
		spelling := ""
		for _, e := range b.byType[key] {
			for _, r := range e.bodies {
				if w := azureCasing(r.written); spelling == "" || w < spelling {
					spelling = w
				}
			}
		}
		out[spelling] = len(b.byType[key])
	}
	return out
}

// settle decodes the body of an entry that counts: the last in path order that is
// more than a reference. Bodies that say something else are reported. The two are
// compared after same, so that shape, order and volatile fields do not matter.
func settle[T any](b *builder, e *entry, decode func(*reader, Resource) *T, plain func(*T) any) *T {
	win := len(e.bodies) - 1
	for i := win; i >= 0; i-- {
		if !e.bodies[i].bare() {
			win = i
			break
		}
	}
	out := decode(&b.reader, e.bodies[win])
	differ := make([]bool, len(e.bodies))
	for i := range e.bodies {
		if i == win || e.bodies[i].bare() {
			continue
		}
		// What is wrong with a body that does not count is not worth a word.
		var ignored diag.List
		other := decode(&reader{&ignored, b.store}, e.bodies[i])
		if !alike(plain(out), plain(other)) {
			differ[i] = true
			b.conflict(e.id, e.bodies[win].Node, e.bodies[i].Node)
		}
	}
	if doubts := e.doubtsOf(win, differ); len(doubts) > 0 {
		putInDoubt(out, doubts, slices.Contains(differ, true))
	}
	return out
}

// conflict reports two different bodies for one id.
func (r *reader) conflict(id string, winner, loser *jsontree.Node) {
	at := loser.Origin()
	place := at.String()
	if at.Pointer != "" {
		place += " " + at.Pointer
	}
	r.faults.Warnf(winner.Origin(), "conflicting-bodies",
		"%s is described differently at %s; this description is later in path order and counts", id, place)
}

// each runs settle over all entries of the types, in order of first sight.
func each[T any](b *builder, decode func(*reader, Resource) *T, plain func(*T) any, types ...string) []*T {
	var out []*T
	for _, t := range types {
		for _, e := range b.byType[t] {
			out = append(out, settle(b, e, decode, plain))
		}
	}
	return out
}

// whole compares a decoded object as it is.
func whole[T any](t *T) any { return t }
