package azure

import (
	"maps"
	"slices"

	"ipflow/ingest/diag"
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

// gather groups resources by type and id: what two types say of one id is two things,
// as only one of them can be right and nothing tells which. Entries stand in order of
// first sight.
func gather(resources []Resource) map[string][]*entry {
	type named struct{ kind, key string }
	sortResources(resources)
	byType := map[string][]*entry{}
	byID := make(map[named]*entry, len(resources))
	for _, r := range resources {
		name := named{r.Type, network.Key(r.ID)}
		e := byID[name]
		if e == nil {
			e = &entry{id: r.ID}
			byID[name] = e
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
	out := decoded(&b.reader, &e.bodies[win], decode)
	if len(e.bodies) == 1 && len(e.bodies[0].Doubts) == 0 {
		return out
	}
	differ := make([]bool, len(e.bodies))
	for i := range e.bodies {
		if i == win || e.bodies[i].bare() {
			continue
		}
		// What is wrong with a body that does not count is not worth a word.
		var ignored diag.List
		other := decoded(&reader{&ignored, b.store}, &e.bodies[i], decode)
		if !alike(plain(out), plain(other)) {
			differ[i] = true
			b.conflict(e.id, e.bodies[win].origin(), e.bodies[i].origin())
		}
	}
	if doubts := e.doubtsOf(win, differ); len(doubts) > 0 {
		putInDoubt(out, doubts, slices.Contains(differ, true))
	}
	return out
}

// decoded is what the body says, read now or ahead.
func decoded[T any](r *reader, body *Resource, decode func(*reader, Resource) *T) *T {
	if body.ahead == nil {
		return decode(r, *body)
	}
	*r.faults = append(*r.faults, body.ahead.faults...)
	return body.ahead.value.(*T)
}

// conflict reports two different bodies for one id.
func (r *reader) conflict(id string, winner, loser diag.Origin) {
	place := loser.String()
	if loser.Pointer != "" {
		place += " " + loser.Pointer
	}
	r.faults.Warnf(winner, "conflicting-bodies",
		"%s is described differently at %s; this description is later in path order and counts", id, place)
}

// entries are those of a type that is read.
func (b *builder) entries(t string) []*entry {
	if readAhead[t] == nil && !readLater[t] {
		panic("azure: " + t + " is neither in readAhead nor in readLater")
	}
	return b.byType[t]
}

// each runs settle over all entries of the types, in order of first sight.
func each[T any](b *builder, decode func(*reader, Resource) *T, plain func(*T) any, types ...string) []*T {
	var out []*T
	for _, t := range types {
		for _, e := range b.entries(t) {
			out = append(out, settle(b, e, decode, plain))
		}
	}
	return out
}

// whole compares a decoded object as it is.
func whole[T any](t *T) any { return t }
