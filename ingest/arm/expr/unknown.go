package expr

import (
	"cmp"
	"slices"
)

// ReasonKind says what sort of fact is missing.
type ReasonKind uint8

// The kinds of missing facts.
const (
	// MissingParameter is a parameter without a value; Name is its name.
	MissingParameter ReasonKind = iota
	// MissingContext is a fact of the deployment; Name is the expression for it,
	// such as resourceGroup().location.
	MissingContext
	// RuntimeState is the state of a resource; Name is its id, name or symbol.
	RuntimeState
	// RuntimeFunction is a function only Azure can answer, such as listKeys or
	// utcNow; Name is the function.
	RuntimeFunction
	// Unsettled is a function whose answer for these arguments is not documented
	// and not observed; Name is the function.
	Unsettled
	// Failed is an evaluation elsewhere that ended with an error; Name says it.
	Failed
)

// Reason is one fact that a value waits for.
type Reason struct {
	Kind ReasonKind
	Name string
}

// String renders the reason as KIND:NAME.
func (r Reason) String() string {
	switch r.Kind {
	case MissingParameter:
		return "parameter:" + r.Name
	case MissingContext:
		return "context:" + r.Name
	case RuntimeState:
		return "state:" + r.Name
	case RuntimeFunction:
		return "function:" + r.Name
	case Unsettled:
		return "unsettled:" + r.Name
	case Failed:
		return "failed:" + r.Name
	}
	panic("expr: unknown reason kind")
}

func (r Reason) compare(s Reason) int {
	return cmp.Or(cmp.Compare(r.Kind, s.Kind), cmp.Compare(r.Name, s.Name))
}

// MaxReasons is how many reasons a value keeps: the first ones in order.
const MaxReasons = 64

// Unknown is a value that only Azure knows. It spreads through the functions it
// is given to.
type Unknown struct {
	// Expr is what is left to evaluate, known parts as literals. It is for the
	// reader; a residue that grew too large is the source expression instead.
	Expr Expr
	// Reasons is sorted, without repeats and never empty.
	Reasons []Reason
	nodes   int
}

// NewUnknown makes an unknown value with its residue and reasons (at least one).
func NewUnknown(residue Expr, reasons ...Reason) *Unknown {
	if len(reasons) == 0 {
		panic("expr: an unknown value without a reason")
	}
	var merged []Reason
	for _, r := range reasons {
		merged = mergeReasons(merged, []Reason{r})
	}
	return &Unknown{Expr: residue, Reasons: merged, nodes: countNodes(residue)}
}

// UnknownParameter is the value of a parameter that was given none.
func UnknownParameter(name string) *Unknown {
	return NewUnknown(&Call{Name: "parameters", Args: []Expr{&StringLit{Value: name}}}, Reason{MissingParameter, name})
}

// UnknownError stands for something whose evaluation failed with err, so that
// the rest of a document can still be evaluated. The residue may be nil.
func UnknownError(residue Expr, err error) *Unknown {
	msg := clip(err.Error())
	if residue == nil {
		residue = &Call{Name: "fail", Args: []Expr{&StringLit{Value: msg}}}
	}
	return NewUnknown(residue, Reason{Failed, msg})
}

// member is the unknown value of u.name.
func (u *Unknown) member(at Span, name string) *Unknown {
	return u.derive(access(at, u.Expr, name))
}

func (u *Unknown) derive(e Expr) *Unknown {
	return &Unknown{Expr: e, Reasons: u.Reasons, nodes: u.nodes + 2}
}

// Open returns v as the run-time state of a resource would be: every object in
// it, at any depth, may have further members, found by an access into u.
func Open(v Value, u *Unknown) Value {
	switch v := v.(type) {
	case *Object:
		members := make([]Member, len(v.members))
		for i, m := range v.members {
			members[i] = Member{m.Name, Open(m.Value, u.member(Span{}, m.Name)), m.Origin}
		}
		return newObject(v.origin, u, members)
	case *Array:
		items := make([]Item, len(v.items))
		for i, it := range v.items {
			at := u.derive(&Index{Of: u.Expr, Key: &IntLit{Value: int64(i)}})
			items[i] = Item{Open(it.Value, at), it.Origin}
		}
		a := NewArray(v.origin, items...)
		if v.repeat {
			a.repeating()
		}
		return a
	}
	return v
}

// mergeReasons joins two sorted sets. It returns one of them if it covers both.
func mergeReasons(a, b []Reason) []Reason {
	switch {
	case len(b) == 0 || covers(a, b):
		return a
	case len(a) == 0 || covers(b, a):
		return b
	}
	out := slices.Concat(a, b)
	slices.SortFunc(out, Reason.compare)
	out = slices.Compact(out)
	return out[:min(len(out), MaxReasons)]
}

func covers(a, b []Reason) bool {
	if len(a) > 0 && len(b) > 0 && &a[0] == &b[0] {
		return len(a) >= len(b)
	}
	for _, r := range b {
		if _, ok := slices.BinarySearchFunc(a, r, Reason.compare); !ok {
			return false
		}
	}
	return true
}

// maxResidue is how many nodes a residue may have. Printed residues are read by
// people; and shared parts would make them grow without bound.
const maxResidue = 2048

// countNodes counts the nodes of e, at most maxResidue+1.
func countNodes(e Expr) int {
	n := 0
	Walk(e, func(Expr) bool {
		n++
		return n <= maxResidue
	})
	return n
}

// literal writes a value as an expression. Lambdas are written as they stand in
// the source. Look at Size first: the expression has about as many nodes.
func literal(at Span, v Value) Expr {
	call := func(name string, args ...Expr) Expr { return &Call{Span: at, Name: name, Args: args} }
	switch v := v.(type) {
	case Null:
		return call("null")
	case Bool:
		if v {
			return call("true")
		}
		return call("false")
	case Int:
		return &IntLit{Span: at, Value: int64(v)}
	case Float:
		return call("json", &StringLit{Span: at, Value: formatFloat(float64(v))})
	case String:
		return &StringLit{Span: at, Value: string(v)}
	case *Array:
		args := make([]Expr, len(v.items))
		for i, it := range v.items {
			args[i] = literal(at, it.Value)
		}
		return call("createArray", args...)
	case *Object:
		if v.rest != nil {
			return v.rest.Expr
		}
		var args []Expr
		for _, m := range v.members {
			args = append(args, &StringLit{Span: at, Value: m.Name}, literal(at, m.Value))
		}
		return call("createObject", args...)
	case *Lambda:
		return v.source
	case *Unknown:
		return v.Expr
	}
	panic("expr: unknown value type")
}
