package azure

import (
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// Resource is one resource in any export shape.
type Resource struct {
	Type string // lower case, "microsoft.network/networksecuritygroups"
	ID   string // full ARM id, casing as written
	Name string // last segment of its name
	// Node is the whole object. Properties is what to read its properties
	// from: the object's properties, or the object itself where the export
	// flattened them.
	Node, Properties *jsontree.Node
	Path             string
	// Declared says that the resource is written by a template: what is absent
	// has Azure's default value. In an export it may have been left out.
	Declared bool
	// Projected says that a query chose the columns: what is absent is unknown.
	Projected bool
	// Doubts are the places in a template that leave open whether the resource
	// exists. Many says that it stands for an unknown number of resources.
	Doubts []diag.Origin
	Many   bool
	// Cut says that the query found more rows than its result holds.
	Cut bool

	written string   // its type as the source spells it
	ahead   *reading // when it was read ahead: then there are no nodes any more
}

// origin is where the resource stands.
func (r *Resource) origin() diag.Origin {
	if r.ahead != nil {
		return r.ahead.origin
	}
	return r.Node.Origin()
}

// zeroSubscription stands in where a resource does not say whose it is.
const zeroSubscription = "00000000-0000-0000-0000-000000000000"

// NewResource normalises one object; ok is false when it is no resource: it has
// neither an ARM id nor a resource type with a name.
func NewResource(n *jsontree.Node, path string) (r Resource, ok bool) {
	if n.Kind() != jsontree.Object {
		return Resource{}, false
	}
	r = Resource{Node: n, Path: path}
	r.identify()
	return r, r.Type != "" && (r.ID != "" || r.Name != "")
}

// identify reads type, id and name where they are not set.
func (r *Resource) identify() {
	n := r.Node
	if r.Properties == nil {
		r.Properties = properties(n)
	}
	if id := n.Get("id").Text(); r.ID == "" && typeOf(id) != "" {
		r.ID = id
	}
	if r.written == "" {
		r.written = r.Type
	}
	if r.written == "" {
		if r.written = n.Get("type").Text(); !strings.Contains(r.written, "/") {
			r.written = typeOf(r.ID)
		}
	}
	r.Type = network.Key(r.written)
	if r.Name == "" {
		r.Name = network.LastSegment(n.Get("name").Text())
	}
	if r.Name == "" {
		r.Name = network.LastSegment(r.ID)
	}
}

// complete fills in what a resource does not say about itself. An id that has to
// be made up is reported when even the parts of it are missing.
func (d *Decoder) complete(r Resource) Resource {
	r.identify()
	if r.ID != "" {
		return r
	}
	sub, group := r.Node.Get("subscriptionId").Text(), r.Node.Get("resourceGroup").Text()
	if group == "" {
		group = r.Node.Get("resourceGroupName").Text()
	}
	guessed := sub == "" || group == ""
	if sub == "" {
		sub = zeroSubscription
	}
	if group == "" {
		group = "rg"
	}
	r.ID = "/subscriptions/" + sub + "/resourceGroups/" + group + "/providers/" + childPath(azureCasing(r.written), r.Node.Get("name").Text())
	if guessed {
		d.faults.Warnf(r.Node.Origin(), "no-id",
			"%s %q has no id; %s is assumed, references that name it otherwise find nothing; export it with its id", azureCasing(r.written), r.Name, r.ID)
	}
	return r
}

// childPath interleaves a type and a name: a/b/c and x/y give a/b/x/c/y.
func childPath(typ, name string) string {
	types, names := strings.Split(typ, "/"), strings.Split(name, "/")
	if len(names) != len(types)-1 {
		return typ + "/" + name
	}
	var b strings.Builder
	b.WriteString(types[0])
	for i, n := range names {
		b.WriteString("/" + types[i+1] + "/" + n)
	}
	return b.String()
}

// typeOf returns the resource type that an ARM id names, "" when it is none.
func typeOf(id string) string {
	const marker = "/providers/"
	i := lastFold(id, marker)
	if i < 0 {
		if s := strings.Split(id, "/"); len(s) == 5 && s[0] == "" && strings.EqualFold(s[1], "subscriptions") && strings.EqualFold(s[3], "resourceGroups") {
			return "Microsoft.Resources/resourceGroups"
		}
		if s := strings.Split(id, "/"); len(s) == 3 && s[0] == "" && strings.EqualFold(s[1], "subscriptions") && s[2] != "" {
			return "Microsoft.Resources/subscriptions"
		}
		return ""
	}
	// A namespace, then types and names by turns: a/T/name/U/name has the type
	// a/T/U. That of a top-level resource stands in the id as it is.
	inside := id[i+len(marker):]
	provider := strings.IndexByte(inside, '/')
	if provider < 0 || !network.KeepsLength(id) {
		// Lowering changes the length of some letters outside ASCII; ids with
		// them are none.
		return ""
	}
	t, parts := "", inside[provider+1:]
	for first := true; ; first = false {
		word, rest, _ := strings.Cut(parts, "/")
		name, next, more := strings.Cut(rest, "/")
		if word == "" || name == "" {
			return ""
		}
		if first {
			t = inside[:provider+1+len(word)]
		} else {
			t += "/" + word
		}
		if !more {
			return t
		}
		parts = next
	}
}

// lastFold returns where the last instance of a word in lower case begins in s,
// ASCII case aside, -1 without one.
func lastFold(s, word string) int {
	for end := len(s); end >= len(word); {
		i := strings.LastIndexByte(s[:end], word[len(word)-1])
		if i < len(word)-1 {
			break
		}
		if begin := i + 1 - len(word); network.SameKey(s[begin:i+1], word) {
			return begin
		}
		end = i
	}
	return -1
}

// properties returns where the properties of an object or child object stand.
func properties(n *jsontree.Node) *jsontree.Node { return orFlat(n.Get("properties"), n) }

// orFlat is properties of an object whose member of that name is known.
func orFlat(p, n *jsontree.Node) *jsontree.Node {
	if p.Kind() == jsontree.Object || p.Residue() {
		return p
	}
	return n
}

// nested reports whether the resource has a properties object.
func (r *Resource) nested() bool { return r.Properties != r.Node }

// hides reports whether the absence of a property that exports always carry
// means that the export left it out. Exports with a properties object are whole.
func (r *Resource) hides(names ...string) bool {
	if r.Declared || r.nested() && !r.Projected || r.Properties.Residue() {
		return false
	}
	for _, name := range names {
		if r.Properties.Get(name) != nil {
			return false
		}
	}
	return true
}

// identity are the members that say which resource it is, not what it is like.
var identity = map[string]bool{
	"id": true, "name": true, "type": true, "location": true, "resourcegroup": true, "resourcegroupname": true,
	"subscriptionid": true, "tenantid": true, "tags": true, "kind": true, "sku": true, "etag": true, "zones": true,
	"identity": true, "plan": true, "managedby": true, "extendedlocation": true, "properties": true,
}

// telling lists, by type, members of which a body shows at least one.
var telling = map[string][]string{
	typeNSG:         {"securityRules", "defaultSecurityRules"},
	typeNIC:         {"ipConfigurations"},
	typeScaleSetNIC: {"ipConfigurations"},
	typeVNet:        {"addressSpace", "subnets"},
	typeSubnet:      {"addressPrefix", "addressPrefixes"},
	typeRouteTable:  {"routes"},
	typeRule:        ruleWords,
	typeDefaultRule: ruleWords,
}

// bare reports whether little more than the identity of the resource is visible:
// a reference or a projected row, not a body.
func (r *Resource) bare() bool {
	if r.ahead != nil {
		return r.ahead.bare
	}
	return r.bareNode()
}

func (r *Resource) bareNode() bool {
	switch {
	case r.Declared || r.nested() || r.Properties.Residue():
		return false
	case r.Projected:
		return true
	case telling[r.Type] != nil:
		return r.hides(telling[r.Type]...)
	}
	for _, m := range r.Node.Members() {
		if !identity[network.Key(m.Name)] && m.Value.Kind() != jsontree.Null {
			return false
		}
	}
	return true
}

// child normalises an object inside another: a subnet of a virtual network.
func (r *Resource) child(n *jsontree.Node, segment string) Resource {
	c := Resource{
		Type: r.Type + "/" + network.Key(segment), Node: n, Properties: properties(n),
		Path: r.Path, Declared: r.Declared, Projected: false, Doubts: r.Doubts, Many: r.Many,
	}
	c.ID, c.Name = childIdentity(n, r.ID, segment)
	return c
}

// childIdentity returns id and name of an object inside the resource parent.
func childIdentity(n *jsontree.Node, parent, segment string) (id, name string) {
	return identityOf(n.Get("id"), n.Get("name"), parent, segment)
}

// identityOf is childIdentity of an object with these members.
func identityOf(idMember, nameMember *jsontree.Node, parent, segment string) (id, name string) {
	id, name = idMember.Text(), network.LastSegment(nameMember.Text())
	if idMember.Residue() {
		id = ""
	}
	if name == "" {
		name = network.LastSegment(id)
	}
	if id == "" {
		id = parent + "/" + segment + "/" + name
	}
	return id, name
}

// factAt is the fact that the value at a node is not known.
func factAt(n *jsontree.Node) string { return factOf(n.Origin()) }

func factOf(o diag.Origin) string { return "unresolved:" + o.File + "#" + o.Pointer }
