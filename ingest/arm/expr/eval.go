package expr

import "strings"

// Eval evaluates e. An error is an *Error that says where in e it happened; it
// wraps ErrBudget when the budget ran out, and the Scope's error when that was
// the cause. The value may be, or hold, an *Unknown.
func Eval(e Expr, s Scope, b *Budget) (Value, error) {
	ev := evaluator{scope: s, budget: b}
	v, err := ev.eval(e, nil)
	if err != nil {
		return nil, err
	}
	if l, ok := v.(*Lambda); ok {
		return nil, errorf(e.Range(), "the template function '%s' is only expected as an argument of another function", l.source.Name)
	}
	return v, nil
}

type evaluator struct {
	scope  Scope
	budget *Budget
}

// frame binds the parameters of a lambda.
type frame struct {
	params []string
	values []Value
	outer  *frame
}

func (f *frame) lookup(name string) (Value, bool) {
	for ; f != nil; f = f.outer {
		for i, p := range f.params {
			if strings.EqualFold(p, name) {
				return f.values[i], true
			}
		}
	}
	return nil, false
}

func (ev *evaluator) eval(e Expr, env *frame) (Value, error) {
	if err := ev.budget.enter(); err != nil {
		return nil, &Error{Span: e.Range(), Msg: err.Error(), Err: err}
	}
	defer ev.budget.leave()
	switch e := e.(type) {
	case *StringLit:
		return String(e.Value), nil
	case *IntLit:
		return Int(e.Value), nil
	case *Property:
		of, err := ev.eval(e.Of, env)
		if err != nil {
			return nil, err
		}
		return ev.access(e, of, String(e.Name))
	case *Index:
		of, err := ev.eval(e.Of, env)
		if err != nil {
			return nil, err
		}
		key, err := ev.eval(e.Key, env)
		if err != nil {
			return nil, err
		}
		return ev.access(e, of, key)
	case *Call:
		return ev.call(e, env)
	}
	panic("expr: unknown node")
}

// access is of[key], with Azure's errors.
func (ev *evaluator) access(e Expr, of, key Value) (Value, error) {
	at := e.Range()
	if u, ok := of.(*Unknown); ok {
		return ev.below(e, u, key), nil
	}
	if _, ok := key.(*Unknown); ok {
		return ev.unknown(e, []Value{of, key}, func(l []Expr) Expr { return &Index{Span: at, Of: l[0], Key: l[1]} }), nil
	}
	switch of := of.(type) {
	case *Object:
		name, ok := key.(String)
		if !ok {
			return nil, errorf(at, "the language expression property '%s' can't be evaluated, property name must be a string", show(key))
		}
		if m, ok := of.Get(string(name)); ok {
			return m.Value, nil
		}
		if of.rest != nil {
			return ev.below(e, of.rest, key), nil
		}
		return nil, errorf(at, "the language expression property '%s' doesn't exist, available properties are '%s'", clip(string(name)), names(of))
	case *Array:
		i, ok := key.(Int)
		if !ok {
			return nil, errorf(at, "the language expression property '%s' can't be evaluated, an array is indexed by an integer", show(key))
		}
		if i < 0 || int64(i) >= int64(of.Len()) {
			return nil, errorf(at, "the language expression property array index '%d' is out of bounds", i)
		}
		if int(i) >= of.exactUpTo() {
			return ev.unknown(e, []Value{of, key}, func(l []Expr) Expr { return &Index{Span: at, Of: l[0], Key: l[1]} }), nil
		}
		return of.At(int(i)).Value, nil
	}
	return nil, errorf(at, "the language expression property '%s' can't be evaluated: the value it is taken from is of type '%v'", show(key), of.Kind())
}

// below is the unknown value of an access into u.
func (ev *evaluator) below(e Expr, u *Unknown, key Value) Value {
	at := e.Range()
	if name, ok := key.(String); ok && u.nodes < maxResidue {
		return u.member(at, string(name))
	}
	return ev.unknown(e, []Value{u, key}, func(l []Expr) Expr { return &Index{Span: at, Of: l[0], Key: l[1]} })
}

// unknown makes the unknown result of e from the values it was made of. When
// their literals would be too large, the residue is e as it stands.
func (ev *evaluator) unknown(e Expr, from []Value, residue func(literals []Expr) Expr, reasons ...Reason) *Unknown {
	sum := summary{nodes: 1}
	for _, v := range from {
		sum.add(v)
	}
	for _, r := range reasons {
		sum.reasons = mergeReasons(sum.reasons, []Reason{r})
	}
	if len(sum.reasons) == 0 {
		panic("expr: an unknown value without a reason")
	}
	u := &Unknown{Expr: e, Reasons: sum.reasons}
	if sum.nodes <= maxResidue {
		literals := make([]Expr, len(from))
		for i, v := range from {
			literals[i] = literal(e.Range(), v)
		}
		u.Expr = residue(literals)
	}
	u.nodes = countNodes(u.Expr)
	return u
}

// call is one call under evaluation, as its body sees it.
type call struct {
	ev   *evaluator
	expr *Call
	row  *row
	env  *frame
	args []Value
}

func (ev *evaluator) call(e *Call, env *frame) (Value, error) {
	if e.Namespace != "" {
		return ev.userCall(e, env)
	}
	r := lookup(e.Name)
	if r == nil {
		return nil, &Error{Span: e.Span, Func: e.Name, Msg: "the template function '" + clip(e.Name) + "' is not valid" + didYouMean(e.Name)}
	}
	c := &call{ev: ev, expr: e, row: r, env: env}
	if n := len(e.Args); n < r.min || r.max >= 0 && n > r.max {
		return nil, c.errorf("unable to evaluate template language function '%s': function requires %s argument(s) while %d were provided", e.Name, r.arity(), n)
	}
	if r.lazy != nil {
		v, err := r.lazy(c)
		return v, c.located(err)
	}
	if err := c.evalArgs(); err != nil {
		return nil, err
	}
	undecided := false
	for i, v := range c.args {
		if v.Kind() == KindUnknown {
			undecided = undecided || r.mode != raw
			continue
		}
		if want := r.kind(i); !want.has(v.Kind()) {
			return nil, c.badKind(i, want)
		}
		undecided = undecided || r.mode == whole && !Known(v)
	}
	if undecided {
		if written := residues[r.name]; written != nil {
			return c.unknownOf(written(c)), nil
		}
		return c.unknown(), nil
	}
	v, err := r.body(c)
	return v, c.located(err)
}

func (c *call) evalArgs() error {
	c.args = make([]Value, len(c.expr.Args))
	for i, a := range c.expr.Args {
		v, err := c.ev.eval(a, c.env)
		if err != nil {
			return err
		}
		c.args[i] = v
	}
	return nil
}

func (ev *evaluator) userCall(e *Call, env *frame) (Value, error) {
	c := &call{ev: ev, expr: e, env: env}
	if err := c.evalArgs(); err != nil {
		return nil, err
	}
	for i, v := range c.args {
		if v.Kind() == KindLambda {
			return nil, c.badKind(i, anyKind)
		}
	}
	v, err := ev.scope.Call(e.Namespace, e.Name, c.args)
	if err != nil {
		return nil, c.foreign(err)
	}
	if v == nil {
		return nil, c.errorf("the template function '%s.%s' is not valid: no user-defined function has this name", clip(e.Namespace), clip(e.Name))
	}
	return c.checked(v)
}

// checked passes on a value that a Scope made, unless it nests too deep to be
// walked.
func (c *call) checked(v Value) (Value, error) {
	if summarize(v).depth > maxValueDepth {
		return nil, c.tooDeep()
	}
	return v, nil
}

func (c *call) tooDeep() error {
	return &Error{Span: c.expr.Span, Func: c.expr.Name, Msg: "the value nests too deep", Err: ErrBudget}
}

func (c *call) errorf(format string, args ...any) error {
	err := errorf(c.expr.Span, format, args...)
	err.Func = c.expr.Name
	return err
}

// located gives an error of the budget its place in this expression; errors of
// this expression have theirs.
func (c *call) located(err error) error {
	if err == nil {
		return nil
	}
	// No errors.As: a wrapped one has its place in another text.
	if e, ok := err.(*Error); ok {
		return e
	}
	return c.foreign(err)
}

// foreign gives an error of a Scope its place in this expression. It may be an
// *Error already, but of another text.
func (c *call) foreign(err error) error {
	return &Error{Span: c.expr.Span, Func: c.expr.Name, Msg: err.Error(), Err: err}
}

// spend charges the budget.
func (c *call) spend(steps, bytes int) error { return c.ev.budget.spend(steps, bytes) }

// unknown is the result of a call that its arguments do not decide.
func (c *call) unknown(reasons ...Reason) *Unknown { return c.unknownOf(c.args, reasons...) }

func (c *call) unknownOf(args []Value, reasons ...Reason) *Unknown {
	return c.ev.unknown(c.expr, args, func(l []Expr) Expr {
		return &Call{Span: c.expr.Span, Name: c.expr.Name, Args: l}
	}, reasons...)
}

// unsettled is the result of a call whose answer is not documented.
func (c *call) unsettled() *Unknown {
	return c.unknown(Reason{Unsettled, strings.ToLower(c.expr.Name)})
}

// deferred stands in a residue for an argument that was not evaluated.
func deferred(e Expr) *Unknown { return &Unknown{Expr: e, nodes: countNodes(e)} }
