package arm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ipflow/ingest/arm/expr"
	"ipflow/ingest/jsontree"
)

// loopKind tells loops apart for copyIndex() without a name, which means the
// resource's, not that of one of its properties.
type loopKind uint8

const (
	resourceLoop loopKind = iota // of a resource, variable or output
	propertyLoop
)

// loop is one copy loop around an expression.
type loop struct {
	name  string
	index expr.Value
	kind  loopKind
	outer *loop
}

// frame is where an expression stands, and its expr.Scope: in a deployment,
// inside loops, or in the body of a user-defined function.
type frame struct {
	d     *deployment
	loops *loop
	fn    *function // not nil in the body of one
	args  []expr.Value
}

func (f frame) in(l *loop) frame {
	l.outer = f.loops
	f.loops = l
	return f
}

// Parameter implements expr.Scope.
func (f frame) Parameter(name string) (expr.Value, error) {
	if f.fn == nil {
		return f.d.parameter(name)
	}
	for i, p := range f.fn.parameters {
		if strings.EqualFold(p, name) && i < len(f.args) {
			return f.args[i], nil
		}
	}
	return nil, nil
}

// Variable implements expr.Scope.
func (f frame) Variable(name string) (expr.Value, error) {
	if f.fn != nil {
		return nil, nil
	}
	return f.d.variable(name)
}

// CopyIndex implements expr.Scope.
func (f frame) CopyIndex(name string) (expr.Value, error) {
	var innermost *loop
	for l := f.loops; l != nil; l = l.outer {
		switch {
		case name != "" && strings.EqualFold(l.name, name), name == "" && l.kind == resourceLoop:
			return l.index, nil
		case innermost == nil:
			innermost = l
		}
	}
	if name == "" && innermost != nil {
		return innermost.index, nil
	}
	return nil, nil
}

// Context implements expr.Scope.
func (f frame) Context() *expr.Context { return &f.d.context }

// Call implements expr.Scope.
func (f frame) Call(namespace, name string, args []expr.Value) (expr.Value, error) {
	fn := f.d.functions[fold(namespace+"."+name)]
	if fn == nil {
		return nil, nil
	}
	if len(args) != len(fn.parameters) {
		return nil, fmt.Errorf("the function %s.%s takes %d arguments, not %d", namespace, name, len(fn.parameters), len(args))
	}
	r := f.d.run
	if r.nested {
		// A function without end that calls itself twice would try all of the
		// ways to go too deep.
		return nil, errLimit
	}
	inner := frame{d: f.d, fn: fn, args: args}
	return r.eval(inner, fn.body, false), nil
}

// function is a user-defined function.
type function struct {
	parameters []string
	body       *jsontree.Node
}

// functions reads the section of the name.
func functions(n *jsontree.Node) map[string]*function {
	out := map[string]*function{}
	for _, ns := range n.Items() {
		prefix := ns.Get("namespace").Text()
		for _, m := range ns.Get("members").Members() {
			fn := &function{body: m.Value.Path("output", "value")}
			for _, p := range m.Value.Get("parameters").Items() {
				fn.parameters = append(fn.parameters, p.Get("name").Text())
			}
			out[fold(prefix+"."+m.Name)] = fn
		}
	}
	return out
}

// slot is a parameter, variable or output: evaluated when first asked for.
type slot struct {
	node  *jsontree.Node // its definition
	name  string
	copy  bool // a variable or output that a copy loop makes
	state slotState
	value expr.Value
}

type slotState uint8

const (
	untouched slotState = iota
	underway
	settled
)

// errCycle is wrapped by every error that says that a value rests on itself.
var errCycle = errors.New("it rests on itself")

// settle returns the value of a slot, evaluating it when it has not been. The
// word says what it is, for the message about a cycle.
func (d *deployment) settle(s *slot, what string, evaluate func() expr.Value) (expr.Value, error) {
	r := d.run
	label := what + " '" + s.name + "'"
	switch s.state {
	case settled:
		return s.value, nil
	case underway:
		from := max(slices.Index(r.stack, label), 0)
		chain := append(slices.Clone(r.stack[from:]), label)
		return nil, fmt.Errorf("%w: %s", errCycle, strings.Join(chain, " -> "))
	case untouched:
	}
	s.state = underway
	r.stack = append(r.stack, label)
	s.value = evaluate()
	r.stack = r.stack[:len(r.stack)-1]
	s.state = settled
	return s.value, nil
}

// variable returns a variable, nil when there is none.
func (d *deployment) variable(name string) (expr.Value, error) {
	s := d.variables[fold(name)]
	if s == nil {
		return nil, nil
	}
	return d.settle(s, "variable", func() expr.Value {
		if s.copy {
			return d.run.copied(d.frame(), s.node, s.name, resourceLoop)
		}
		return d.run.eval(d.frame(), s.node, true)
	})
}

// variables reads the section of the name. Names that are expressions do not
// occur: Azure wants them known.
func variables(n *jsontree.Node) map[string]*slot {
	out := map[string]*slot{}
	for _, m := range n.Members() {
		if fold(m.Name) == "copy" && isCopy(m.Value) {
			for _, c := range m.Value.Items() {
				name := c.Get("name").Text()
				out[fold(name)] = &slot{node: c, name: name, copy: true}
			}
			continue
		}
		out[fold(m.Name)] = &slot{node: m.Value, name: m.Name}
	}
	return out
}
