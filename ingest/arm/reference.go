package arm

import (
	"strconv"
	"strings"

	"ipflow/ingest/arm/expr"
	"ipflow/ingest/jsontree"
)

// Runtime implements expr.Scope: what templates say about the state of the
// resources they deploy. Objects are open: Azure adds to them.
func (f frame) Runtime(function string, args []expr.Value) (expr.Value, error) {
	if f.fn != nil {
		return nil, nil
	}
	name, ok := args[0].(expr.String)
	if !ok {
		return nil, nil
	}
	r := f.d.run
	full := false
	for _, a := range args[1:] {
		if s, ok := a.(expr.String); ok && strings.EqualFold(string(s), "full") {
			full = true
		}
	}
	switch function {
	case "reference":
		if in := r.find(f.d, string(name)); in != nil {
			return in.reference(args, full), nil
		}
	case "references":
		return r.loopState(f.d, string(name), args, full), nil
	case "listoutputswithsecurevalues":
		in := r.find(f.d, string(name))
		if in == nil || !in.isDeployment() {
			return nil, nil
		}
		if child := in.deployment(); child != nil {
			return child.outputsValue(), nil
		}
	}
	return nil, nil
}

// loopState is the array of states that references('symbol') returns.
func (r *run) loopState(d *deployment, symbol string, args []expr.Value, full bool) expr.Value {
	list := d.symbols[fold(symbol)]
	if len(list) == 0 {
		return nil
	}
	var items []expr.Value
	for _, in := range list {
		if in.many != nil {
			return nil
		}
		v := in.reference(append([]expr.Value{expr.String(in.id.String())}, args[1:]...), full)
		if v == nil {
			v = in.unknownState(args)
		}
		items = append(items, v)
	}
	return expr.ArrayOf(items...)
}

// find looks for the resource that a reference means: by symbolic name, by name
// in the same template, or by id anywhere. A resource that is certainly not
// deployed is not found.
func (r *run) find(d *deployment, name string) *instance {
	if name == "" {
		return nil
	}
	if in := d.named(name); in != nil {
		return in
	}
	// In a deployment with outer scope the resources beside stand in the child.
	for _, child := range r.all {
		if child.evaluate != nil && child.evaluate.d == d {
			if in := child.named(name); in != nil {
				return in
			}
		}
	}
	if !strings.HasPrefix(name, "/") {
		return nil
	}
	if list := r.byID[fold(name)]; len(list) == 0 {
		r.expandAll()
	}
	if list := r.byID[fold(name)]; len(list) == 1 {
		return list[0]
	}
	return nil
}

// named looks in one template.
func (d *deployment) named(name string) *instance {
	d.expand()
	if in := d.bySymbol(name); in != nil {
		return in
	}
	var whole, last []*instance
	for _, in := range d.instances {
		if !d.run.charge(in.node, 1) {
			return nil
		}
		full := joinWith("/", in.names).String()
		switch {
		case in.existing:
		case strings.EqualFold(in.id.String(), name):
			return in
		case strings.HasPrefix(name, "/"):
		case strings.EqualFold(full, name), strings.EqualFold(in.typ+"/"+full, name):
			whole = append(whole, in)
		case strings.EqualFold(in.names[len(in.names)-1].String(), name):
			last = append(last, in)
		}
	}
	// Of several with one name nothing says which is meant.
	for _, list := range [][]*instance{whole, last} {
		if len(list) == 1 {
			return list[0]
		}
		if len(list) > 1 {
			return nil
		}
	}
	return nil
}

// bySymbol looks for a symbolic name, that of a loop with an index.
func (d *deployment) bySymbol(name string) *instance {
	index := 0
	if base, rest, ok := strings.Cut(name, "["); ok {
		i, err := strconv.Atoi(strings.TrimSuffix(rest, "]"))
		if err != nil {
			return nil
		}
		name, index = base, i
	}
	for _, in := range d.symbols[fold(name)] {
		if in.index == index || in.index == noIndex && index == 0 {
			if in.existing {
				// Another template of the snapshot may deploy it.
				if list := d.run.byID[fold(in.id.String())]; len(list) == 1 {
					return list[0]
				}
			}
			return in
		}
	}
	return nil
}

// expandAll finds the resources of all deployments that are known so far, and of
// those in them.
func (r *run) expandAll() {
	for i := 0; i < len(r.all); i++ {
		d := r.all[i]
		if d.expanded {
			for j := 0; j < len(d.instances); j++ {
				if in := d.instances[j]; in.isDeployment() && !in.existing {
					in.deployment()
				}
			}
			continue
		}
		d.expand()
		i--
	}
}

// unknownState is the state of the resource as only Azure knows it.
func (in *instance) unknownState(args []expr.Value) *expr.Unknown {
	call := &expr.Call{Name: "reference", Args: []expr.Expr{&expr.StringLit{Value: in.id.String()}}}
	for _, a := range args[1:] {
		if s, ok := a.(expr.String); ok {
			call.Args = append(call.Args, &expr.StringLit{Value: string(s)})
		}
	}
	return expr.NewUnknown(call, expr.Reason{Kind: expr.RuntimeState, Name: in.id.String()})
}

// reference is the state of the resource as far as templates say it, nil when
// they say nothing.
func (in *instance) reference(args []expr.Value, full bool) expr.Value {
	unknown := in.unknownState(args)
	if in.existing {
		return unknown
	}
	if in.isDeployment() {
		return in.deploymentState(unknown, full)
	}
	body := in.object()
	if body == nil {
		return unknown
	}
	var properties expr.Value = expr.NewOpenObject(nil, unknown)
	if m, ok := body.Get("properties"); ok && m.Value.Kind() == expr.KindObject {
		properties = m.Value
	}
	if expr.Size(properties) > maxEmitted || !in.d.run.charge(in.node, expr.Size(properties)) {
		return unknown
	}
	properties = in.withIDs(properties.(*expr.Object))
	if !full {
		return expr.Open(properties, unknown)
	}
	var members []expr.Member
	for m := range body.All() {
		if fold(m.Name) == "properties" {
			m.Value = properties
		}
		members = append(members, m)
	}
	return expr.Open(expr.NewObject(nil, members...), unknown)
}

// withIDs adds the ids that Azure gives to the entries of lists: a subnet in a
// virtual network, an ip configuration of a NIC.
func (in *instance) withIDs(properties *expr.Object) expr.Value {
	if !in.id.known() || !strings.HasPrefix(fold(in.typ), "microsoft.network/") {
		return properties
	}
	members := make([]expr.Member, 0, properties.Len())
	for m := range properties.All() {
		if a, ok := m.Value.(*expr.Array); ok && !a.MayRepeat() {
			m.Value = in.entriesWithIDs(m.Name, a)
		}
		members = append(members, m)
	}
	return expr.NewObject(properties.Origin(), members...)
}

func (in *instance) entriesWithIDs(property string, a *expr.Array) expr.Value {
	items := make([]expr.Item, 0, a.Len())
	for _, it := range a.All() {
		if o, ok := it.Value.(*expr.Object); ok {
			name, named := o.Get("name")
			s, known := name.Value.(expr.String)
			_, has := o.Get("id")
			if named && known && !has {
				members := []expr.Member{{Name: "id", Value: expr.String(in.id.String() + "/" + property + "/" + string(s))}}
				for m := range o.All() {
					members = append(members, m)
				}
				it.Value = expr.NewObject(o.Origin(), members...)
			}
		}
		items = append(items, it)
	}
	return expr.NewArray(a.Origin(), items...)
}

// deploymentState is the state of a deployment: its outputs.
func (in *instance) deploymentState(unknown *expr.Unknown, full bool) expr.Value {
	child := in.deployment()
	if child == nil {
		return unknown
	}
	members := []expr.Member{{Name: "outputs", Value: child.outputsValue()}, {Name: "provisioningState", Value: expr.String("Succeeded")}}
	state := expr.NewOpenObject(nil, unknown, members...)
	if !full {
		return state
	}
	rest := expr.NewUnknown(unknown.Expr, unknown.Reasons...)
	return expr.NewOpenObject(nil, rest, expr.Member{Name: "properties", Value: state})
}

// outputsValue is the object of outputs as a reference shows it. An output that
// is under evaluation is one that the asking value does not need, or Azure would
// refuse the template as circular.
func (d *deployment) outputsValue() expr.Value {
	var members []expr.Member
	for _, s := range d.outputs {
		v := d.output(s)
		if v == nil {
			continue
		}
		inner := []expr.Member{{Name: "type", Value: expr.String(s.node.Get("type").Text())}, {Name: "value", Value: v, Origin: s.node}}
		members = append(members, expr.Member{Name: s.name, Value: expr.NewObject(nil, inner...), Origin: s.node})
	}
	return expr.NewObject(nil, members...)
}

// output is the value of an output, nil when its condition is false.
func (d *deployment) output(s *slot) expr.Value {
	r := d.run
	if s.state == underway {
		return expr.UnknownError(nil, errCycle)
	}
	v, err := d.settle(s, "output", func() expr.Value {
		f := d.frame()
		if c := s.node.Get("condition"); c != nil {
			switch v := r.eval(f, c, false).(type) {
			case expr.Bool:
				if !v {
					return nil
				}
			case *expr.Unknown:
				return v
			}
		}
		if c := s.node.Get("copy"); c.Kind() == jsontree.Object {
			return r.copied(f, c, s.name, resourceLoop)
		}
		return r.eval(f, s.node.Get("value"), true)
	})
	if err != nil {
		return expr.UnknownError(nil, err)
	}
	return v
}
