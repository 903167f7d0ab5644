package arm

import (
	"math"
	"strconv"
	"strings"

	"ipflow/ingest/arm/expr"
	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
)

// emitter writes values as nodes.
type emitter struct {
	r   *run
	typ string // of the resource
	// note is called for every residue; nil where the node is read on as a
	// template.
	note func(at diag.Origin, u *expr.Unknown)
	// symbols says that ids of declared resources may hold symbols.
	symbols bool
}

// emit writes the resources into the result.
func (r *run) emit(out *Result) {
	first := len(out.Resources)
	for _, in := range r.order {
		if r.emitted >= maxResources*256 {
			r.cutOff(in.node, "its resources hold too many values")
			break
		}
		res := Resource{
			Type: in.typ, ID: in.id.tagged(r.tag()), Name: in.names[len(in.names)-1].tagged(r.tag()), Path: r.root.Path,
			Many: in.many != nil || in.d.many,
		}
		e := emitter{r: r, typ: in.typ, symbols: true}
		e.note = func(at diag.Origin, u *expr.Unknown) { out.unresolved(at, in.typ, u) }
		for _, d := range in.allDoubts() {
			res.Doubts = append(res.Doubts, d.at)
			out.unresolved(d.at, in.typ, d.value)
		}
		if name := joinWith("/", in.names); !name.known() && len(in.reasons) > 0 {
			out.unresolved(origin(in.node.Get("name"), in.node), in.typ, expr.NewUnknown(name.expr(), in.reasons...))
		}
		res.Node = e.resource(in)
		out.Resources = append(out.Resources, res)
	}
	if r.cut != nil {
		// What is missing may say anything about what is there.
		for i := first; i < len(out.Resources); i++ {
			out.Resources[i].Doubts = append(out.Resources[i].Doubts, *r.cut)
		}
	}
	e := emitter{r: r, symbols: true, note: func(diag.Origin, *expr.Unknown) {}}
	for _, s := range r.top.outputs {
		if v := r.top.output(s); v != nil {
			out.Outputs = append(out.Outputs, Output{Path: r.root.Path, Name: s.name, Node: e.node(v, s.node, "")})
		}
	}
	out.Diagnostics = append(out.Diagnostics, r.faults...)
}

// tag tells the symbols of this template from those of others.
func (r *run) tag() string {
	if !r.several {
		return ""
	}
	return r.root.Path + ": "
}

// unresolved lists a value that is not known.
func (out *Result) unresolved(at diag.Origin, typ string, u *expr.Unknown) {
	missing := make([]string, 0, len(u.Reasons))
	for _, reason := range u.Reasons {
		missing = append(missing, words(reason))
	}
	out.Unresolved = append(out.Unresolved, Unresolved{Origin: at, Type: typ, Expression: expr.Print(u.Expr), Missing: missing})
}

// words says what a value waits for.
func words(r expr.Reason) string {
	switch r.Kind {
	case expr.MissingParameter:
		return "parameter '" + r.Name + "' has no value"
	case expr.MissingContext:
		return r.Name + " is not given"
	case expr.RuntimeState:
		return "the state of " + r.Name + " is known to Azure only"
	case expr.RuntimeFunction:
		return r.Name + " is known to Azure only"
	case expr.Unsettled:
		return "what " + r.Name + " answers here is not documented"
	case expr.Failed:
		return r.Name
	}
	return r.String()
}

// node writes a value that an expression made as a node that can be read on as
// part of a template. At is where the expression stands.
func (r *run) node(v expr.Value, at *jsontree.Node) *jsontree.Node {
	e := emitter{r: r}
	return e.node(v, at, "")
}

func (e *emitter) resource(in *instance) *jsontree.Node {
	body := in.object()
	if body == nil {
		panic("arm: a resource is evaluated while none is")
	}
	if expr.Size(body) > maxEmitted {
		e.r.limit(in.node, "the resource is too large")
		u := expr.UnknownError(nil, errLimit)
		e.note(in.node.Origin(), u)
		return jsontree.NewObject(in.node.Origin(), []jsontree.Member{
			{Name: "properties", Value: jsontree.NewResidue(in.node.Origin(), expr.Print(u.Expr))},
		})
	}
	var members []jsontree.Member
	for m := range body.All() {
		at := place(m.Origin, in.node)
		switch fold(m.Name) {
		case "id":
			members = append(members, jsontree.Member{Name: m.Name, Value: jsontree.NewString(at.Origin(), in.id.tagged(e.r.tag()))})
		case "name":
			members = append(members, jsontree.Member{Name: m.Name, Value: e.name(joinWith("/", in.names), at)})
		default:
			members = append(members, jsontree.Member{Name: m.Name, Value: e.node(m.Value, at, m.Name)})
		}
	}
	return jsontree.NewObject(in.node.Origin(), members)
}

// name writes a name; one that is not known is a residue.
func (e *emitter) name(t text, at *jsontree.Node) *jsontree.Node {
	s := t.tagged(e.r.tag())
	if t.known() {
		return jsontree.NewString(at.Origin(), s)
	}
	return jsontree.NewResidue(at.Origin(), s)
}

// place is the node that wrote a slot, or else the one around it.
func place(o any, around *jsontree.Node) *jsontree.Node {
	if n, ok := o.(*jsontree.Node); ok && n != nil {
		return n
	}
	return around
}

// node writes a value. At is where the slot was written; slot is its name in an
// object.
func (e *emitter) node(v expr.Value, at *jsontree.Node, slot string) *jsontree.Node {
	e.r.emitted++
	switch v := v.(type) {
	case expr.Bool:
		return jsontree.NewBool(at.Origin(), bool(v))
	case expr.Int:
		return jsontree.NewNumber(at.Origin(), strconv.FormatInt(int64(v), 10))
	case expr.Float:
		if f := float64(v); !math.IsInf(f, 0) && !math.IsNaN(f) {
			return jsontree.NewNumber(at.Origin(), strconv.FormatFloat(f, 'g', -1, 64))
		}
	case expr.String:
		return jsontree.NewString(at.Origin(), string(v))
	case *expr.Array:
		return e.array(v, place(v.Origin(), at))
	case *expr.Object:
		if v.Rest() != nil {
			return e.residue(v.Rest(), at, slot)
		}
		return e.object(v, place(v.Origin(), at))
	case *expr.Unknown:
		return e.residue(v, at, slot)
	}
	return jsontree.NewNull(at.Origin())
}

func (e *emitter) array(v *expr.Array, at *jsontree.Node) *jsontree.Node {
	if expr.Size(v) > maxEmitted {
		return e.tooLarge(at)
	}
	items := make([]*jsontree.Node, 0, v.Len())
	for _, it := range v.All() {
		items = append(items, e.node(it.Value, place(it.Origin, at), ""))
	}
	return jsontree.NewArray(at.Origin(), items)
}

func (e *emitter) object(v *expr.Object, at *jsontree.Node) *jsontree.Node {
	if expr.Size(v) > maxEmitted {
		return e.tooLarge(at)
	}
	members := make([]jsontree.Member, 0, v.Len())
	for m := range v.All() {
		members = append(members, jsontree.Member{Name: m.Name, Value: e.node(m.Value, place(m.Origin, at), m.Name)})
	}
	return jsontree.NewObject(at.Origin(), members)
}

func (e *emitter) tooLarge(at *jsontree.Node) *jsontree.Node {
	e.r.limit(at, "a value is too large")
	return e.residue(expr.UnknownError(nil, errLimit), at, "")
}

// residue writes what is not known. The id of a resource that the template
// declares, with names that are not known, is that resource's symbol.
func (e *emitter) residue(u *expr.Unknown, at *jsontree.Node, slot string) *jsontree.Node {
	if e.note == nil {
		n := jsontree.NewResidue(at.Origin(), expr.Print(u.Expr))
		e.r.residues[n] = u
		return n
	}
	t := textOf(u.Expr, true)
	if e.symbols && deterministic(u.Reasons) && e.r.declared(t) {
		return jsontree.NewString(at.Origin(), t.tagged(e.r.tag()))
	}
	e.note(at.Origin(), u)
	if fold(slot) == "name" && deterministic(u.Reasons) {
		return e.name(t, at)
	}
	return jsontree.NewResidue(at.Origin(), expr.Print(u.Expr))
}

// deterministic reports whether equal residues mean equal values.
func deterministic(reasons []expr.Reason) bool {
	for _, r := range reasons {
		switch r.Kind {
		case expr.MissingParameter, expr.MissingContext, expr.RuntimeState:
		case expr.RuntimeFunction, expr.Unsettled, expr.Failed:
			return false
		}
	}
	return true
}

// declared reports whether an id is that of a resource which the template
// deploys, or of a child of one.
func (r *run) declared(t text) bool {
	id := fold(t.String())
	if !strings.HasPrefix(id, "/") {
		return false
	}
	provider := strings.LastIndex(id, "/providers/")
	if provider < 0 {
		return false
	}
	for len(id) > provider+len("/providers/") {
		if len(r.byID[id]) > 0 {
			return true
		}
		for range 2 {
			i := strings.LastIndexByte(id, '/')
			if i <= provider {
				return false
			}
			id = id[:i]
		}
	}
	return false
}
