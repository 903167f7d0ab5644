package expr

import "strings"

// Span is a half-open range of bytes [Start, End) in the text given to Parse,
// its opening bracket included.
type Span struct{ Start, End int }

// Range returns the span itself; every node has it by embedding.
func (s Span) Range() Span { return s }

// Expr is a node of the syntax tree: *StringLit, *IntLit, *Call, *Property or
// *Index. Nodes never change once built and may be shared between trees.
type Expr interface {
	Range() Span
	node()
}

// StringLit is a string between quotes; Value has no doubled quotes left.
type StringLit struct {
	Span
	Value string
}

// IntLit is a whole number.
type IntLit struct {
	Span
	Value int64
}

// Call is a function call. Namespace is "" for the functions of the language
// and the namespace of a user-defined function. Names keep their spelling.
type Call struct {
	Span
	Namespace, Name string
	Args            []Expr
}

// Property is Of.Name; Name is an identifier.
type Property struct {
	Span
	Of   Expr
	Name string
}

// Index is Of[Key].
type Index struct {
	Span
	Of, Key Expr
}

func (*StringLit) node() {}
func (*IntLit) node()    {}
func (*Call) node()      {}
func (*Property) node()  {}
func (*Index) node()     {}

// Walk calls visit for e and, where visit returned true, for what is below it,
// in the order of the text.
func Walk(e Expr, visit func(Expr) bool) {
	if !visit(e) {
		return
	}
	switch e := e.(type) {
	case *Call:
		for _, a := range e.Args {
			Walk(a, visit)
		}
	case *Property:
		Walk(e.Of, visit)
	case *Index:
		Walk(e.Of, visit)
		Walk(e.Key, visit)
	}
}

// Equal reports whether two trees are the same apart from their spans and the
// case of function names.
func Equal(a, b Expr) bool {
	switch a := a.(type) {
	case *StringLit:
		b, ok := b.(*StringLit)
		return ok && a.Value == b.Value
	case *IntLit:
		b, ok := b.(*IntLit)
		return ok && a.Value == b.Value
	case *Call:
		b, ok := b.(*Call)
		if !ok || !strings.EqualFold(a.Name, b.Name) || !strings.EqualFold(a.Namespace, b.Namespace) || len(a.Args) != len(b.Args) {
			return false
		}
		for i := range a.Args {
			if !Equal(a.Args[i], b.Args[i]) {
				return false
			}
		}
		return true
	case *Property:
		b, ok := b.(*Property)
		return ok && a.Name == b.Name && Equal(a.Of, b.Of)
	case *Index:
		b, ok := b.(*Index)
		return ok && Equal(a.Of, b.Of) && Equal(a.Key, b.Key)
	}
	return a == nil && b == nil
}

// access is of.key where the key is an identifier, else of['key'].
func access(at Span, of Expr, key string) Expr {
	if isIdentifier(key) {
		return &Property{Span: at, Of: of, Name: key}
	}
	return &Index{Span: at, Of: of, Key: &StringLit{Span: at, Value: key}}
}
