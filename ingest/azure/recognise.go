package azure

import (
	"iter"
	"slices"
	"strings"

	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// maxNesting bounds how deep documents inside documents are looked for: a page
// inside an array inside a page.
const maxNesting = 6

// walk looks through one document.
type walk struct {
	*Decoder
	path string

	long  *jsontree.Node // the list that the parts belong to; nil without one, or when they have been joined
	parts []*Part
}

// document decides what a value is and collects what it holds; count is the
// number of resources or records in it.
func (w *walk) document(n *jsontree.Node, depth int) (kind Kind, count int) {
	switch n.Kind() {
	case jsontree.Absent, jsontree.Null:
		return Empty, 0
	case jsontree.Array:
		return w.elements(n, depth)
	case jsontree.Object:
		return w.object(n, depth)
	case jsontree.Bool, jsontree.Number, jsontree.String:
	}
	return Unrecognised, 0
}

// object follows the order of SEMANTICS §10: what says its kind itself comes
// first, plain resources last.
func (w *walk) object(n *jsontree.Node, depth int) (Kind, int) {
	if n.Empty() {
		return Empty, 0
	}
	schema := network.Key(n.Get("$schema").Text())
	switch {
	case strings.Contains(schema, "deploymenttemplate"),
		schema == "" && n.Get("contentVersion") != nil && n.Get("resources") != nil:
		w.templates = append(w.templates, Input{Path: w.path, Root: n})
		return ARMTemplate, n.Get("resources").Len()
	case strings.Contains(schema, "deploymentparameters"):
		w.parameters = append(w.parameters, Input{Path: w.path, Root: n})
		return ARMParameters, 0
	}
	_, resource := NewResource(n, w.path)
	switch {
	case !resource && isGraph(n):
		return w.graph(n)
	case !resource && n.Get("value").Kind() == jsontree.Array:
		return w.page(n, depth)
	case n.Get("values").Kind() == jsontree.Array && (n.Get("cloud") != nil || n.Get("changeNumber") != nil):
		w.tagFiles = append(w.tagFiles, Input{Path: w.path, Root: n})
		return ServiceTags, n.Get("values").Len()
	case !resource && firstOf(n.Get("networkInterfaces")).Get("securityRuleAssociations") != nil:
		return w.elements(n.Get("networkInterfaces"), maxNesting)
	case n.Get("records").Kind() == jsontree.Array && isRecord(firstOf(n.Get("records"))):
		return FlowLog, n.Get("records").Len()
	}
	f := &fold{}
	w.foldElements(f, slices.Values([]*jsontree.Node{n}), maxNesting)
	return w.finish(f)
}

func firstOf(list *jsontree.Node) *jsontree.Node {
	for n := range list.Elements() {
		return n
	}
	return nil
}

// isRecord reports whether n is a record of a flow log. A sample in Microsoft's
// documentation has a records array inside a record.
func isRecord(n *jsontree.Node) bool {
	if inner := n.Get("records"); inner.Kind() == jsontree.Array {
		n = firstOf(inner)
	}
	return strings.Contains(network.Key(n.Get("category").Text()), "flowevent")
}

// page reads a REST page, or what Windows PowerShell makes of an array.
func (w *walk) page(n *jsontree.Node, depth int) (Kind, int) {
	lists := len(w.listed.Lists)
	kind, count := w.elements(n.Get("value"), depth+1)
	for _, more := range []string{"nextLink", "odata.nextLink", "@odata.nextLink", "skipToken"} {
		if link := n.Get(more); link.Text() != "" {
			w.faults.Warnf(link.Origin(), "missing-page",
				"%s is set: this is one page of several; make sure that the following pages are in the snapshot", more)
			unfinished(w.listed.Lists[lists:])
			break
		}
	}
	switch kind {
	case AzureCLI, Empty:
		kind = REST
	case REST, ResourceGraph, ResourceGraphTable, PowerShell, EffectiveRules, EffectiveRoutes, EffectiveAdminRules, ActiveAdminRules, AdminDeployments, SecurityGroupView, Connectivity,
		ServiceTags, FlowLog, ARMTemplate, ARMParameters, Unrecognised:
	}
	return kind, count
}

// elements reads a list whose members are decided one by one. The kind is that
// of the first one recognised.
func (w *walk) elements(list *jsontree.Node, depth int) (Kind, int) {
	f := w.begin(list, false, false)
	w.foldElements(f, list.Elements(), depth)
	return w.finish(f)
}

func (w *walk) foldElements(f *fold, items iter.Seq[*jsontree.Node], depth int) {
	for n := range items {
		k, c := w.element(n, depth, &f.answers)
		if k == Unrecognised {
			f.noteStrange(n.Origin(), 1)
		}
		f.note(k, c)
		f.total++
	}
}

// finish ends the list: elements of effective answers belong together.
func (w *walk) finish(f *fold) (Kind, int) {
	if f.total == 0 {
		return Empty, 0
	}
	if len(f.answers.groups) > 0 {
		w.effective = append(w.effective, w.effectiveNSG(f.answers.groups))
	}
	w.adminLists(f.answers.admin)
	if len(f.answers.routes) > 0 {
		w.routes = append(w.routes, w.effectiveRoutes(f.answers.routes))
	}
	if f.strange > 0 && f.kind != Unrecognised {
		w.faults.Infof(f.firstStrange, "unrecognised",
			"%d of %d elements are no resources: they have neither an id nor a type with a name", f.strange, f.total)
	}
	return f.kind, f.count
}

// effectiveNodes gathers elements of effective rules, routes and admin rules: those of one
// list belong together.
type effectiveNodes struct{ groups, routes, admin []*jsontree.Node }

// element reads one member of a list.
func (w *walk) element(n *jsontree.Node, depth int, answers *effectiveNodes) (Kind, int) {
	switch n.Kind() {
	case jsontree.Object:
	case jsontree.Array:
		if depth < maxNesting {
			return w.document(n, depth+1)
		}
		return Unrecognised, 0
	case jsontree.String:
		if truncated(n.Text()) {
			w.faults.Errorf(n.Origin(), "truncated", "%s stands where an object should: %s", quote(n.Text()), depthRemedy)
			return PowerShell, 0
		}
		return Unrecognised, 0
	case jsontree.Absent, jsontree.Null, jsontree.Bool, jsontree.Number:
		return Unrecognised, 0
	}
	switch {
	case n.Get("effectiveSecurityRules") != nil && (n.Get("networkSecurityGroup") != nil || n.Get("association") != nil):
		answers.groups = append(answers.groups, n)
		return EffectiveRules, 1
	case n.Get("nextHopType") != nil && n.Get("addressPrefix") != nil && n.Get("id") == nil:
		answers.routes = append(answers.routes, n)
		return EffectiveRoutes, 1
	case isConnectivity(n):
		w.listedConnectivity(n)
		return Connectivity, 1
	case n.Get("securityRuleAssociations") != nil:
		w.securityGroupView(n)
		return SecurityGroupView, 1
	case isListedAdminRule(n):
		answers.admin = append(answers.admin, n)
		if isActive(n) {
			return ActiveAdminRules, 1
		}
		return EffectiveAdminRules, 1
	case isDeployment(n):
		w.deployment(n)
		return AdminDeployments, 1
	case isRecord(n):
		return FlowLog, 1
	}
	if depth < maxNesting && looksLikeDocument(n) {
		return w.object(n, depth+1)
	}
	r, ok := NewResource(n, w.path)
	if !ok {
		return Unrecognised, 0
	}
	kind := shape(r)
	w.collect(w.complete(r))
	return kind, 1
}

// looksLikeDocument reports whether an element of a list is a document of its
// own, as when pages were gathered with jq -s.
func looksLikeDocument(n *jsontree.Node) bool {
	for _, name := range []string{"$schema", "data", "value", "values", "records"} {
		if n.Get(name) != nil {
			return true
		}
	}
	return false
}

// shape tells the three spellings of a single resource apart.
func shape(r Resource) Kind {
	for _, m := range r.Node.Members() {
		switch m.Name {
		case "Id", "Name":
			return PowerShell
		}
	}
	if r.nested() {
		return REST
	}
	return AzureCLI
}

// securityGroupView says what to export in place of the older API's answer: it
// expands no tag and hides the groups' ids.
func (w *walk) securityGroupView(n *jsontree.Node) {
	w.faults.Warnf(n.Origin(), "security-group-view",
		"a security group view of %s is recognised but not evaluated; export 'az network nic list-effective-nsg' or the security groups themselves",
		quote(network.LastSegment(n.Get("id").Text())))
}
