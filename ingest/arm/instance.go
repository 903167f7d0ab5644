package arm

import (
	"strconv"
	"strings"

	"ipflow/ingest/arm/expr"
	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
)

const noIndex = -1

// doubt is a value that leaves open whether, or how often, something exists.
type doubt struct {
	at    diag.Origin
	value *expr.Unknown
}

// declaration is what a template writes down as one resource, for one turn of
// its copy loop.
type declaration struct {
	node   *jsontree.Node
	symbol string
	parent *instance
	loop   string // name of its copy loop
	index  int    // in that loop; noIndex when it has none
	many   *doubt // the loop's count is not known
}

// instance is one resource.
type instance struct {
	declaration
	d     *deployment
	frame frame

	typ      string // as written, full
	names    []text // segments of the name
	id       text
	reasons  []expr.Reason // why its name is not known
	existing bool          // only referred to, not deployed
	doubts   []doubt

	body     *expr.Object
	state    slotState
	nested   *deployment // of a deployment; nil until asked for, or when not found
	searched bool
}

// add evaluates what makes a resource: condition, type and name.
func (d *deployment) add(decl declaration, f frame) {
	r := d.run
	if r.resources >= maxResources {
		r.resources++
		r.cutOff(decl.node, "it makes more than "+strconv.Itoa(maxResources)+" resources")
		return
	}
	r.resources++
	in := &instance{declaration: decl, d: d, frame: f}
	if decl.parent != nil {
		in.doubts = append(in.doubts, decl.parent.doubts...)
		if in.many == nil {
			in.many = decl.parent.many
		}
	}
	if !in.condition() {
		return
	}
	if yes, ok := decl.node.Get("existing").Bool(); ok && yes {
		in.existing = true
	}
	if !in.identify() {
		return
	}
	d.instances = append(d.instances, in)
	if decl.symbol != "" {
		key := fold(decl.symbol)
		d.symbols[key] = append(d.symbols[key], in)
	}
	if !in.existing {
		key := fold(in.id.String())
		r.byID[key] = append(r.byID[key], in)
	}
	if children := decl.node.Get("resources"); children != nil {
		d.declareAll(children, in, f)
	}
}

// condition reports whether the resource may be deployed.
func (in *instance) condition() bool {
	n := in.node.Get("condition")
	if n == nil {
		return true
	}
	switch v := in.d.run.eval(in.frame, n, false).(type) {
	case expr.Bool:
		return bool(v)
	case expr.String:
		// "true" and "false" as text occur, and Azure takes them.
		switch {
		case strings.EqualFold(string(v), "true"):
			return true
		case strings.EqualFold(string(v), "false"):
			return false
		}
		in.d.run.tell(diag.Error, n.Origin(), "bad-condition", "a condition must be true or false, not "+strconv.Quote(clip(string(v))))
	case *expr.Unknown:
		in.doubts = append(in.doubts, doubt{n.Origin(), v})
		return true
	case expr.Null:
		return true
	default:
		in.d.run.tell(diag.Error, n.Origin(), "bad-condition", "a condition must be true or false, not "+v.Kind().String())
	}
	in.doubts = append(in.doubts, doubt{n.Origin(), expr.UnknownError(nil, errBadCondition)})
	return true
}

// identify finds type, name and id.
func (in *instance) identify() bool {
	r := in.d.run
	typ, ok := r.eval(in.frame, in.node.Get("type"), false).(expr.String)
	if !ok || typ == "" {
		r.tell(diag.Error, origin(in.node.Get("type"), in.node), "no-type", "the resource has no type that is known")
		return false
	}
	in.typ = strings.Trim(string(typ), "/")
	nameNode := in.node.Get("name")
	var name text
	switch v := r.eval(in.frame, nameNode, false).(type) {
	case expr.String:
		name = literalText(string(v))
	case expr.Int:
		name = literalText(strconv.FormatInt(int64(v), 10))
	case *expr.Unknown:
		name, in.reasons = textOf(v.Expr, true), v.Reasons
	default:
		r.tell(diag.Error, origin(nameNode, in.node), "no-name", "the resource has no name")
		return false
	}
	in.names = name.split()
	if in.parent != nil && len(in.reasons) == 0 {
		in.reasons = in.parent.reasons
	}
	in.adopt()
	types := strings.Split(in.typ, "/")
	if len(types) < 2 {
		r.tell(diag.Error, in.node.Get("type").Origin(), "bad-type", strconv.Quote(clip(in.typ))+" is not a resource type; it is written as Microsoft.Network/networkSecurityGroups")
		return false
	}
	if len(in.names) != len(types)-1 {
		r.tell(diag.Error, origin(nameNode, in.node), "bad-name",
			"the name "+strconv.Quote(clip(name.String()))+" does not have as many segments as the type "+in.typ+"; Azure refuses that")
		return false
	}
	in.id = in.makeID(types)
	if !deterministic(in.reasons) {
		// Equal expressions, different names: newGuid() in each.
		if n := len(r.byID[fold(in.id.String())]); n > 0 {
			last := &in.names[len(in.names)-1]
			*last = join(*last, literalText("~"+strconv.Itoa(n+1)))
			in.id = in.makeID(types)
		}
	}
	return true
}

// adopt gives a child resource the full type and name. The short form is that of
// the language; the full one occurs and Azure takes it.
func (in *instance) adopt() {
	if in.parent == nil || in.extends() {
		return
	}
	if !strings.HasPrefix(fold(in.typ), fold(in.parent.typ)+"/") {
		in.typ = in.parent.typ + "/" + in.typ
	}
	if len(in.names) < strings.Count(in.typ, "/") {
		in.names = append(append([]text{}, in.parent.names...), in.names...)
	}
}

// extends reports whether a resource inside another is no child of it but an
// extension, such as a lock.
func (in *instance) extends() bool {
	if in.parent == nil {
		return false
	}
	namespace, _, full := strings.Cut(in.typ, "/")
	return full && strings.Contains(namespace, ".") && !strings.HasPrefix(fold(in.typ), fold(in.parent.typ)+"/")
}

// makeID builds the id: scope, provider, types and names in turn.
func (in *instance) makeID(types []string) text {
	prefix := in.d.prefix
	switch {
	case in.extends():
		prefix = in.parent.id
	case in.node.Get("scope") != nil && !in.isDeployment():
		prefix = in.scope()
	case fold(in.typ) == "microsoft.resources/resourcegroups":
		return join(prefix, literalText("/resourceGroups/"), in.names[0])
	case in.isDeployment():
		prefix = in.scope()
	}
	id := join(prefix, literalText("/providers/"+types[0]))
	for i, name := range in.names {
		id = join(id, literalText("/"+types[i+1]+"/"), name)
	}
	return id
}

// scope is the id of the scope that the resource itself names, or else that of
// its deployment.
func (in *instance) scope() text {
	if in.isDeployment() {
		c := in.d.target()
		in.retarget(&c)
		return scopePrefix(&c)
	}
	s := in.d.run.textAt(in.frame, in.node.Get("scope"))
	if strings.HasPrefix(s.String(), "/") || len(s) > 0 && s[0].residue != nil {
		if s.String() == "/" {
			return nil
		}
		return s
	}
	return join(in.d.prefix, literalText("/providers/"), s)
}

func (in *instance) isDeployment() bool { return fold(in.typ) == "microsoft.resources/deployments" }

// control are the members that steer the deployment and are no part of the
// resource. Names are as fold writes them.
var control = map[string]bool{
	"id": true, "type": true, "name": true, "copy": true, "condition": true, "dependson": true, "comments": true,
	"resources": true, "existing": true, "metadata": true, "scope": true, "asserts": true, "import": true, "extension": true,
}

// object evaluates the resource; nil while it is being evaluated, as when it
// refers to itself.
func (in *instance) object() *expr.Object {
	if in.state != untouched {
		return in.body
	}
	in.state = underway
	r := in.d.run
	members := []expr.Member{
		{Name: "id", Value: textValue(in.id, in.reasons), Origin: in.node},
		{Name: "type", Value: expr.String(in.typ), Origin: origin1(in.node.Get("type"), in.node)},
		{Name: "name", Value: textValue(joinWith("/", in.names), in.reasons), Origin: origin1(in.node.Get("name"), in.node)},
	}
	for _, m := range in.node.Members() {
		if !control[fold(m.Name)] {
			members = append(members, expr.Member{Name: m.Name, Value: r.eval(in.frame, m.Value, true), Origin: m.Value})
		}
	}
	in.body = expr.NewObject(in.node, members...)
	in.state = settled
	return in.body
}

func origin1(n, enclosing *jsontree.Node) *jsontree.Node {
	if n == nil {
		return enclosing
	}
	return n
}
