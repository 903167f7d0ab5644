package azure

import (
	"slices"
	"sync"

	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// Parts reads documents, and long lists in pieces, for a Decoder to Join. Its
// methods may run concurrently. The zero value is ready to use.
//
// Resources of the types in readAhead are read at once, each into an object of the
// network that stands alone, so that the tree of the document can be let go:
// nothing in a Part leads to the nodes of them, nor to the text.
type Parts struct {
	mu     sync.Mutex
	stores []*store // not in use
}

// Part is what a document, or a piece of one, says.
type Part struct {
	decoder Decoder
	fold    fold
	rows    bool // the fold is of rows
}

// start returns a Part to be filled; done gives back what filling it needed.
func (p *Parts) start() (part *Part, done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var s *store
	if n := len(p.stores); n > 0 {
		s, p.stores = p.stores[n-1], p.stores[:n-1]
	} else {
		s = newStore()
	}
	part = &Part{decoder: Decoder{store: s}}
	return part, func() {
		part.decoder.store = nil
		s.letGo()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.stores = append(p.stores, s)
	}
}

// Document reads a whole document.
func (p *Parts) Document(path string, root *jsontree.Node) *Part {
	part, done := p.start()
	defer done()
	w := walk{Decoder: &part.decoder, path: path}
	w.read(root)
	return part
}

// Elements reads elements of a long list, which is a document or the member of one.
func (p *Parts) Elements(path, member string, elements *jsontree.Node) *Part {
	part, done := p.start()
	defer done()
	w := walk{Decoder: &part.decoder, path: path}
	switch {
	case network.SameKey(member, "data"):
		part.rows = true
		w.foldRows(&part.fold, elements.Elements(), false)
	case member == "":
		w.foldElements(&part.fold, elements.Elements(), 0)
	default:
		w.foldElements(&part.fold, elements.Elements(), 1)
	}
	return part
}

// Long reads a document whose list holds only its last elements; the parts are those
// before, in order. It is false when the list turns out to be another one than
// it seemed: then the document has to be read as a whole.
func (p *Parts) Long(path string, root, list *jsontree.Node, parts []*Part) (*Part, bool) {
	part, done := p.start()
	defer done()
	w := walk{Decoder: &part.decoder, path: path, long: list, parts: parts}
	w.read(root)
	return part, w.long == nil
}

// Detached reports whether nothing in the part leads to the nodes that it was read
// from, nor to their text.
func (p *Part) Detached() bool {
	d, a := &p.decoder, &p.fold.answers
	return len(d.templates)+len(d.parameters)+len(d.effective)+len(d.routes)+len(d.connectivity)+len(d.tagFiles)+
		len(d.listed.Lists)+len(d.listed.Deployments)+len(a.groups)+len(a.routes)+len(a.admin) == 0 &&
		!slices.ContainsFunc(d.resources, func(r Resource) bool { return r.ahead == nil })
}

// read recognises the document and collects what it holds.
func (w *walk) read(root *jsontree.Node) {
	kind, n := w.document(root, 0)
	w.documents = append(w.documents, DocumentInfo{Path: w.path, Kind: kind, Resources: n})
}

// Join collects what a part says. Parts are joined in the order of their paths and,
// in a file, of the text.
func (d *Decoder) Join(p *Part) {
	o := &p.decoder
	d.documents = append(d.documents, o.documents...)
	d.templates = append(d.templates, o.templates...)
	d.parameters = append(d.parameters, o.parameters...)
	d.effective = append(d.effective, o.effective...)
	d.routes = append(d.routes, o.routes...)
	d.connectivity = append(d.connectivity, o.connectivity...)
	d.resources = append(d.resources, o.resources...)
	d.tagFiles = append(d.tagFiles, o.tagFiles...)
	d.faults = append(d.faults, o.faults...)
	d.listed.Lists = append(d.listed.Lists, o.listed.Lists...)
	d.listed.Deployments = append(d.listed.Deployments, o.listed.Deployments...)
}

// fold is what is known of a list after some of its elements.
type fold struct {
	kind         Kind // of the first one recognised
	total, count int  // elements, and the resources in them
	strange      int  // elements that are none
	firstStrange diag.Origin
	answers      effectiveNodes
}

func (f *fold) note(kind Kind, count int) {
	f.count += count
	switch f.kind {
	case "":
		f.kind = kind
	case Unrecognised, Empty:
		if kind != Unrecognised {
			f.kind = kind
		}
	case AzureCLI, REST, ResourceGraph, ResourceGraphTable, PowerShell, EffectiveRules, EffectiveRoutes, EffectiveAdminRules, ActiveAdminRules, AdminDeployments, SecurityGroupView, Connectivity,
		ServiceTags, FlowLog, ARMTemplate, ARMParameters:
	}
}

func (f *fold) noteStrange(at diag.Origin, count int) {
	if f.strange == 0 {
		f.firstStrange = at
	}
	f.strange += count
}

// join adds the elements that follow.
func (f *fold) join(next *fold) {
	f.total += next.total
	if next.kind != "" {
		f.note(next.kind, 0)
	}
	f.count += next.count
	if next.strange > 0 {
		f.noteStrange(next.firstStrange, next.strange)
	}
	f.answers.groups = append(f.answers.groups, next.answers.groups...)
	f.answers.routes = append(f.answers.routes, next.answers.routes...)
	f.answers.admin = append(f.answers.admin, next.answers.admin...)
}

// begin is the fold of a list before its own elements: of the pieces before them, if
// it is the long one.
func (w *walk) begin(list *jsontree.Node, rows, cut bool) *fold {
	f := &fold{}
	if list == nil || list != w.long {
		return f
	}
	for _, p := range w.parts {
		if p.rows != rows {
			return f
		}
	}
	w.long = nil
	count := 0
	for _, p := range w.parts {
		count += len(p.decoder.resources)
	}
	w.resources = slices.Grow(w.resources, count)
	for _, p := range w.parts {
		for i := range p.decoder.resources {
			p.decoder.resources[i].Cut = cut
		}
		w.Join(p)
		f.join(&p.fold)
	}
	return f
}

// reading is what a resource says, read ahead.
type reading struct {
	value  any // what the function of readAhead returned; nil where nobody asks
	faults diag.List
	origin diag.Origin
	bare   bool
}

// readAhead are the types that are read with their document.
var readAhead = map[string]func(*reader, Resource) any{
	typeNSG:            ahead((*reader).securityGroup),
	typeNIC:            ahead((*reader).nic),
	typeScaleSetNIC:    ahead((*reader).nic),
	typeScaleSetOldNIC: ahead((*reader).nic),
	typeVM:             ahead((*reader).virtualMachine),
	typeScaleSetVM:     ahead((*reader).virtualMachine),
	typeASG:            ahead((*reader).asg),
	typePublicIP:       ahead((*reader).publicIP),
}

// readLater are the types that are read at the end: rare ones, and those whose
// children are resources too. Of all others only the number counts.
var readLater = func() map[string]bool {
	m := map[string]bool{}
	for _, t := range []string{
		typeVNet, typeSubnet, typePeering, typeRule, typeDefaultRule, typeRouteTable, typeRoute, typePE, typeScaleSet,
		typeWatcher, typeFlowLog, typeGateway, typeLocalGateway, typeConnection, typeBalancer, typeAppGateway, typeConnectivity,
		typeManager, typeNetworkGroup, typeStaticMember, typeMembership, typeAdminConfig,
		typeAdminCollection, typeAdminCollection + snapshots, typeAdminRule, typeAdminRule + snapshots,
		typeEffectiveAdmin, typeGoalState, typeSubscription, typeManagementGroup,
	} {
		m[t] = true
	}
	return m
}()

func ahead[T any](read func(*reader, Resource) *T) func(*reader, Resource) any {
	return func(r *reader, res Resource) any { return read(r, res) }
}

// collect adds a resource of an export. Its nodes are kept only if they will be read.
func (w *walk) collect(r Resource) {
	read := readAhead[r.Type]
	if read != nil || !readLater[r.Type] {
		r.ahead = &reading{}
		r.ID, r.Name = w.store.text(r.ID), w.store.text(r.Name)
		r.Type, r.written = w.store.word(r.Type), w.store.word(r.written)
	}
	if read != nil {
		r.ahead.origin, r.ahead.bare = r.Node.Origin(), r.bareNode()
		r.ahead.value = read(&reader{&r.ahead.faults, w.store}, r)
	}
	if r.ahead != nil {
		r.Node, r.Properties = nil, nil
	}
	w.resources = append(w.resources, r)
}
