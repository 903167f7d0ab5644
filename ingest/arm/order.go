package arm

import (
	"strings"

	"ipflow/ingest/arm/expr"
)

// inOrder lists the resources so that each follows those it depends on; of two
// descriptions of one resource the one deployed last counts. Otherwise the order
// of the text is kept, and in a cycle, which Azure refuses, as well.
func (d *deployment) inOrder() []*instance {
	names := map[string][]*instance{}
	note := func(key string, in *instance) {
		if key != "" {
			names[fold(key)] = append(names[fold(key)], in)
		}
	}
	for _, in := range d.instances {
		name := joinWith("/", in.names).String()
		note(in.id.String(), in)
		note(in.typ+"/"+name, in)
		note(name, in)
		note(in.symbol, in)
		note(in.loop, in)
	}
	o := ordering{names: names, state: map[*instance]slotState{}, done: map[string]bool{}}
	for _, in := range d.instances {
		o.visit(in, 0)
	}
	return o.out
}

type ordering struct {
	names map[string][]*instance
	state map[*instance]slotState
	done  map[string]bool // names of which all resources were visited
	out   []*instance
}

func (o *ordering) visit(in *instance, depth int) {
	if o.state[in] != untouched || depth > maxDepth {
		return
	}
	o.state[in] = underway
	if in.parent != nil {
		o.visit(in.parent, depth+1)
	}
	for _, key := range in.dependencies() {
		if o.done[key] {
			continue
		}
		for _, other := range o.names[key] {
			o.visit(other, depth+1)
		}
		o.done[key] = true
	}
	if o.state[in] == underway {
		o.state[in] = settled
		o.out = append(o.out, in)
	}
}

// dependencies are what dependsOn names, folded.
func (in *instance) dependencies() []string {
	n := in.node.Get("dependsOn")
	if n == nil {
		return nil
	}
	r := in.d.run
	var out []string
	add := func(v expr.Value) {
		switch v := v.(type) {
		case expr.String:
			out = append(out, fold(strings.TrimSuffix(string(v), "/")))
		case *expr.Unknown:
			out = append(out, fold(textOf(v.Expr, true).String()))
		}
	}
	switch v := r.eval(in.frame, n, false).(type) {
	case *expr.Array:
		for _, it := range v.All() {
			add(it.Value)
		}
	default:
		add(v)
	}
	return out
}
