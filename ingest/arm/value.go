package arm

import (
	"errors"
	"strconv"

	"ipflow/ingest/arm/expr"
	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
)

// charge takes the cost of a value from the budget; false means that it is used
// up.
func (r *run) charge(n *jsontree.Node, values int) bool {
	const bytes = 64 // of a value with its slot
	r.budget.Steps -= int64(values)
	r.budget.Bytes -= int64(values) * bytes
	if r.budget.Steps > 0 && r.budget.Bytes > 0 {
		return true
	}
	r.budget.Steps, r.budget.Bytes = 0, 0
	r.limit(n, "its evaluation takes too many steps or too much memory")
	return false
}

var errLimit = errors.New("the template is too large to evaluate")

// eval evaluates a value of a template: strings in brackets, at any depth, are
// expressions. Faults are reported, and stand as unknown values. Where copies is
// set an array called copy in an object stands for the members it makes.
func (r *run) eval(f frame, n *jsontree.Node, copies bool) expr.Value {
	if r.depth >= maxDepth {
		r.limit(n, "values nest too deep, perhaps without end")
		return expr.UnknownError(nil, errLimit)
	}
	if !r.charge(n, 1) {
		return expr.UnknownError(nil, errLimit)
	}
	r.depth++
	defer func() { r.depth-- }()
	switch n.Kind() {
	case jsontree.String:
		return r.text(f, n)
	case jsontree.Array:
		list := n.Items()
		items := make([]expr.Item, len(list))
		for i, it := range list {
			items[i] = expr.Item{Value: r.eval(f, it, copies), Origin: it}
		}
		return expr.NewArray(n, items...)
	case jsontree.Object:
		return r.object(f, n, copies)
	case jsontree.Absent, jsontree.Null, jsontree.Bool, jsontree.Number:
	}
	return scalar(n)
}

// scalar is the value of null, a bool or a number.
func scalar(n *jsontree.Node) expr.Value {
	switch n.Kind() {
	case jsontree.Bool:
		v, _ := n.Bool()
		return expr.Bool(v)
	case jsontree.Number:
		if v, ok := n.Int(); ok {
			return expr.Int(v)
		}
		v, err := strconv.ParseFloat(n.Raw(), 64)
		if err != nil {
			return expr.UnknownError(nil, err) // beyond what Azure reads as well
		}
		return expr.Float(v)
	case jsontree.Absent, jsontree.Null, jsontree.String, jsontree.Array, jsontree.Object:
	}
	return expr.Null{}
}

// text evaluates a string.
func (r *run) text(f frame, n *jsontree.Node) expr.Value {
	if u := r.residues[n]; u != nil {
		return u
	}
	s := n.Text()
	if !expr.IsExpression(s) {
		return expr.String(expr.Unescape(s))
	}
	p, ok := r.parsed[s]
	if !ok {
		p.expr, p.err = expr.Parse(s)
		r.parsed[s] = p
	}
	if p.err != nil {
		r.tell(diag.Error, n.Origin(), "bad-expression", p.err.Error())
		return expr.UnknownError(nil, p.err)
	}
	v, err := expr.Eval(p.expr, f, r.budget)
	if err == nil {
		return v
	}
	if errors.Is(err, errCycle) || !errors.Is(err, expr.ErrBudget) {
		r.tell(diag.Error, n.Origin(), "bad-expression", err.Error())
	} else {
		r.nested = r.nested || f.fn != nil
		r.limit(n, err.Error())
	}
	return expr.UnknownError(p.expr, err)
}

// object evaluates the members of an object, whose names may be expressions too.
func (r *run) object(f frame, n *jsontree.Node, copies bool) expr.Value {
	list := n.Members()
	members := make([]expr.Member, 0, len(list))
	for _, m := range list {
		if copies && fold(m.Name) == "copy" && isCopy(m.Value) {
			members = append(members, r.propertyCopies(f, m.Value)...)
			continue
		}
		name := m.Name
		if expr.IsExpression(name) {
			v, ok := r.key(f, m)
			if !ok {
				continue
			}
			name = v
		} else {
			name = expr.Unescape(name)
		}
		members = append(members, expr.Member{Name: name, Value: r.eval(f, m.Value, copies), Origin: m.Value})
	}
	return expr.NewObject(n, members...)
}

// key evaluates the name of a member. One that is not known stays as it is
// written: no name that matters to a network is made so.
func (r *run) key(f frame, m jsontree.Member) (string, bool) {
	e, err := expr.Parse(m.Name)
	if err == nil {
		var v expr.Value
		v, err = expr.Eval(e, f, r.budget)
		if s, ok := v.(expr.String); ok && err == nil {
			return string(s), true
		}
		if v != nil && v.Kind() == expr.KindUnknown {
			return m.Name, true
		}
	}
	if err != nil {
		r.tell(diag.Error, m.Value.Origin(), "bad-expression", "the member's name: "+err.Error())
	} else {
		r.tell(diag.Error, m.Value.Origin(), "bad-expression", "the member's name is no string")
	}
	return "", false
}

// literal is a value in which nothing is an expression: parameter files.
func (r *run) literal(n *jsontree.Node) expr.Value {
	if !r.charge(n, 1) {
		return expr.UnknownError(nil, errLimit)
	}
	switch n.Kind() {
	case jsontree.String:
		return expr.String(n.Text())
	case jsontree.Array:
		list := n.Items()
		items := make([]expr.Item, len(list))
		for i, it := range list {
			items[i] = expr.Item{Value: r.literal(it), Origin: it}
		}
		return expr.NewArray(n, items...)
	case jsontree.Object:
		list := n.Members()
		members := make([]expr.Member, len(list))
		for i, m := range list {
			members[i] = expr.Member{Name: m.Name, Value: r.literal(m.Value), Origin: m.Value}
		}
		return expr.NewObject(n, members...)
	case jsontree.Absent, jsontree.Null, jsontree.Bool, jsontree.Number:
	}
	return scalar(n)
}

// isCopy reports whether a member called copy is a copy loop for properties.
func isCopy(n *jsontree.Node) bool {
	items := n.Items()
	for _, it := range items {
		if it.Get("name") == nil || it.Get("count") == nil || it.Get("input") == nil {
			return false
		}
	}
	return len(items) > 0
}

// propertyCopies makes the members that copy loops in an object stand for.
func (r *run) propertyCopies(f frame, n *jsontree.Node) []expr.Member {
	var out []expr.Member
	for _, c := range n.Items() {
		name, ok := r.eval(f, c.Get("name"), false).(expr.String)
		if !ok {
			r.tell(diag.Error, c.Origin(), "bad-copy", "the name of a copy loop must be a string that is known")
			continue
		}
		out = append(out, expr.Member{Name: string(name), Value: r.copied(f, c, string(name), propertyLoop), Origin: c})
	}
	return out
}

// copied is the array that a copy loop makes of its input.
func (r *run) copied(f frame, c *jsontree.Node, name string, kind loopKind) expr.Value {
	count, unknown := r.count(f, c)
	if unknown != nil {
		return unknown
	}
	input := c.Get("input")
	items := make([]expr.Item, 0, count)
	for i := range count {
		if r.budget.Steps <= 0 {
			return expr.UnknownError(nil, errLimit)
		}
		inner := f.in(&loop{name: name, index: expr.Int(i), kind: kind})
		items = append(items, expr.Item{Value: r.eval(inner, input, true), Origin: input})
	}
	return expr.NewArray(c, items...)
}

// count evaluates the number of iterations of a copy loop. Unknown is the value
// of what the loop makes when it is not known.
func (r *run) count(f frame, c *jsontree.Node) (n int, unknown *expr.Unknown) {
	node := c.Get("count")
	v := r.eval(f, node, false)
	if s, ok := v.(expr.String); ok {
		// Strings of digits occur in templates.
		if i, err := strconv.ParseInt(string(s), 10, 64); err == nil {
			v = expr.Int(i)
		}
	}
	switch v := v.(type) {
	case expr.Int:
		if 0 <= v && v <= maxCopies {
			return int(v), nil
		}
		r.tell(diag.Error, origin(node, c), "bad-copy", "a copy loop makes 0 to "+strconv.Itoa(maxCopies)+" copies, not "+strconv.FormatInt(int64(v), 10))
	case *expr.Unknown:
		return 0, loopOf(c, v)
	default:
		r.tell(diag.Error, origin(node, c), "bad-copy", "the count of a copy loop must be a number, not "+v.Kind().String())
	}
	return 0, expr.UnknownError(nil, errors.New("the count of the copy loop cannot be used"))
}

// loopOf is the value of a copy loop whose count is not known. The residue is no
// expression of the language; it is for the reader.
func loopOf(c *jsontree.Node, count *expr.Unknown) *expr.Unknown {
	args := []expr.Expr{count.Expr}
	if name := c.Get("name").Text(); name != "" {
		args = append([]expr.Expr{&expr.StringLit{Value: name}}, args...)
	}
	return expr.NewUnknown(&expr.Call{Name: "copy", Args: args}, count.Reasons...)
}

// origin is the place of n, or of what encloses it where n is absent.
func origin(n, enclosing *jsontree.Node) diag.Origin {
	if n == nil {
		return enclosing.Origin()
	}
	return n.Origin()
}
