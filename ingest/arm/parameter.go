package arm

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"ipflow/ingest/arm/expr"
	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
)

// given is where a deployment's parameters get their values from.
type given interface {
	// value returns what was given for the parameter, nil when nothing was. The
	// definition may matter to what a text means.
	value(name string, definition *jsontree.Node) expr.Value
}

// parameterEntries is the object that holds the parameters of a parameter file.
// Its members may also be the whole file, as in those of old tools.
func parameterEntries(n *jsontree.Node) *jsontree.Node {
	if p := n.Get("parameters"); p.Kind() == jsontree.Object {
		return p
	}
	if n.Get("$schema") != nil {
		return nil
	}
	return n
}

// entry is the value of one member of a parameter file.
func (r *run) entry(name string, n *jsontree.Node) expr.Value {
	if v := n.Get("value"); v != nil {
		return r.literal(v)
	}
	if v := secret(name, n); v != nil {
		return v
	}
	if n.Get("expression") != nil {
		// What a .bicepparam file takes from outside, such as a variable of the
		// environment.
		return expr.UnknownParameter(name)
	}
	return nil
}

// secret is the value of a parameter that refers to a Key Vault, nil when it
// does not.
func secret(name string, n *jsontree.Node) expr.Value {
	ref := n.Get("reference")
	if ref.Kind() != jsontree.Object {
		return nil
	}
	residue := &expr.Call{Name: "parameters", Args: []expr.Expr{&expr.StringLit{Value: name}}}
	return expr.NewUnknown(residue, expr.Reason{Kind: expr.RuntimeFunction, Name: "Key Vault secret " + ref.Get("secretName").Text()})
}

// rootParameters are the values for a root template: single settings before
// files, later files before earlier ones.
type rootParameters struct {
	run   *run
	files []Input
	set   map[string]string // by folded name
}

func (g *rootParameters) value(name string, definition *jsontree.Node) expr.Value {
	if text, ok := g.set[fold(name)]; ok {
		return setting(text, definition)
	}
	for i := len(g.files) - 1; i >= 0; i-- {
		if n := parameterEntries(g.files[i].Root).Get(name); n != nil {
			if v := g.run.entry(name, n); v != nil {
				return v
			}
		}
	}
	return nil
}

// setting reads NAME=VALUE as the az command line does: by the parameter's type.
func setting(text string, definition *jsontree.Node) expr.Value {
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	err := d.Decode(&v)
	whole := err == nil && !d.More()
	if s, quoted := v.(string); whole && quoted {
		return expr.String(s)
	}
	if !whole || isText(definition) {
		return expr.String(text)
	}
	return fromJSON(v)
}

func isText(definition *jsontree.Node) bool {
	t := fold(definition.Get("type").Text())
	return t == "string" || t == "securestring"
}

// fromJSON is the value of what encoding/json decoded. Nesting is bounded by it.
func fromJSON(v any) expr.Value {
	switch v := v.(type) {
	case bool:
		return expr.Bool(v)
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return expr.Int(i)
		}
		f, _ := v.Float64()
		return expr.Float(f)
	case string:
		return expr.String(v)
	case []any:
		items := make([]expr.Value, len(v))
		for i, it := range v {
			items[i] = fromJSON(it)
		}
		return expr.ArrayOf(items...)
	case map[string]any:
		members := make([]expr.Member, 0, len(v))
		for _, name := range sortedKeys(v) {
			members = append(members, expr.Member{Name: name, Value: fromJSON(v[name])})
		}
		return expr.NewObject(nil, members...)
	}
	return expr.Null{}
}

// nestedParameters are the values that a template gives to a deployment in it:
// an object {name: {value: …}}, evaluated in the frame of that template.
type nestedParameters struct {
	run   *run
	frame frame
	node  *jsontree.Node // nil when there is none
	file  *jsontree.Node // of parametersLink
	whole expr.Value     // when the object is an expression
}

func (g *nestedParameters) value(name string, _ *jsontree.Node) expr.Value {
	if n := parameterEntries(g.file).Get(name); n != nil {
		return g.run.entry(name, n)
	}
	if g.node.Kind() == jsontree.String {
		return g.computed(name)
	}
	n := g.node.Get(name)
	switch {
	case n == nil:
		return nil
	case n.Kind() == jsontree.String:
		return valueOf(g.run.eval(g.frame, n, true))
	case n.Get("value") != nil:
		return g.run.eval(g.frame, n.Get("value"), true)
	}
	return secret(name, n)
}

// computed looks a parameter up in an object that an expression made.
func (g *nestedParameters) computed(name string) expr.Value {
	if g.whole == nil {
		g.whole = g.run.eval(g.frame, g.node, true)
	}
	switch whole := g.whole.(type) {
	case *expr.Object:
		if m, ok := whole.Get(name); ok {
			return valueOf(m.Value)
		}
		if whole.Rest() != nil {
			return whole.Rest()
		}
	case *expr.Unknown:
		return whole
	}
	return nil
}

// valueOf takes the value out of {"value": …}.
func valueOf(v expr.Value) expr.Value {
	switch v := v.(type) {
	case *expr.Object:
		if m, ok := v.Get("value"); ok {
			return m.Value
		}
		if v.Rest() != nil {
			return v.Rest()
		}
		return nil
	case *expr.Unknown:
		return v
	}
	return nil
}

// parameter returns a parameter, nil when there is none.
func (d *deployment) parameter(name string) (expr.Value, error) {
	s := d.parameters[fold(name)]
	if s == nil {
		return nil, nil
	}
	return d.settle(s, "parameter", func() expr.Value { return d.parameterValue(s) })
}

// parameterValue takes what was given, else the default, else null where that is
// allowed. A parameter without value is unknown: the template still loads.
func (d *deployment) parameterValue(s *slot) expr.Value {
	def := s.node.Get("defaultValue")
	if v := d.given.value(s.name, s.node); v != nil {
		if v.Kind() != expr.KindNull || def == nil {
			return d.typed(s, v)
		}
	}
	switch {
	case def != nil:
		return d.run.eval(d.frame(), def, true)
	case d.nullable(s.node):
		return expr.Null{}
	case d.parent == nil:
		return expr.UnknownParameter(s.name)
	}
	// Azure refuses this. The reason is not a missing parameter: two deployments
	// of one template would seem to lack the same.
	d.run.tell(diag.Error, d.decl.Origin(), "missing-parameter",
		fmt.Sprintf("the deployment gives no value for parameter '%s' of %s, which has no default", s.name, d.file))
	residue := &expr.Call{Name: "parameters", Args: []expr.Expr{&expr.StringLit{Value: s.name}}}
	return expr.NewUnknown(residue, expr.Reason{Kind: expr.Failed, Name: "no value was given for parameter '" + s.name + "' of a nested deployment"})
}

// nullable reports whether a parameter may be left out, by its own word or that
// of the type it refers to.
func (d *deployment) nullable(def *jsontree.Node) bool {
	const most = 8 // references that lead to each other
	for range most {
		if yes, ok := def.Get("nullable").Bool(); ok && yes {
			return true
		}
		name, ok := strings.CutPrefix(def.Get("$ref").Text(), "#/definitions/")
		if !ok {
			return false
		}
		def = d.definitions.Get(strings.NewReplacer("~1", "/", "~0", "~").Replace(name))
	}
	return false
}

// typed brings a given value to the parameter's type where text stands for it,
// as it often does in files, and warns about one that Azure would refuse.
func (d *deployment) typed(s *slot, v expr.Value) expr.Value {
	want := fold(s.node.Get("type").Text())
	ok := true
	switch want {
	case "int":
		if text, is := v.(expr.String); is {
			if i, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
				v = expr.Int(i)
			}
		}
		ok = v.Kind() == expr.KindInt
	case "bool":
		if text, is := v.(expr.String); is && (strings.EqualFold(string(text), "true") || strings.EqualFold(string(text), "false")) {
			v = expr.Bool(strings.EqualFold(string(text), "true"))
		}
		ok = v.Kind() == expr.KindBool
	case "string", "securestring":
		if i, is := v.(expr.Int); is {
			v = expr.String(strconv.FormatInt(int64(i), 10))
		}
		ok = v.Kind() == expr.KindString
	case "array":
		ok = v.Kind() == expr.KindArray
	case "object", "secureobject":
		ok = v.Kind() == expr.KindObject
	}
	if !ok && v.Kind() != expr.KindNull && v.Kind() != expr.KindUnknown {
		d.run.tell(diag.Warning, s.node.Origin(), "parameter-type",
			fmt.Sprintf("parameter '%s' is of type %s, but the value given is of type %s; Azure refuses that", s.name, want, v.Kind()))
	}
	d.allowed(s, v)
	return v
}

// allowed warns about a value that is none of allowedValues.
func (d *deployment) allowed(s *slot, v expr.Value) {
	list := s.node.Get("allowedValues").Items()
	text, ok := v.(expr.String)
	if len(list) == 0 || !ok {
		return
	}
	var words []string
	for _, it := range list {
		if strings.EqualFold(it.Text(), string(text)) {
			return
		}
		words = append(words, it.Text())
	}
	d.run.tell(diag.Warning, s.node.Origin(), "parameter-value",
		fmt.Sprintf("parameter '%s' is given the value %s, which is none of those allowed: %s; Azure refuses that", s.name, strconv.Quote(clip(string(text))), shortList(words)))
}

// clip shortens input text for a message.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
