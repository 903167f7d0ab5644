package expr

import (
	"iter"
	"math"
	"slices"
	"strings"
)

// Kind says which of the closed set of types a Value has.
type Kind uint8

// The kinds of values.
const (
	KindNull Kind = iota
	KindBool
	KindInt
	KindFloat
	KindString
	KindArray
	KindObject
	KindLambda
	KindUnknown
)

// String names the kind as Azure's error messages do.
func (k Kind) String() string {
	switch k {
	case KindNull:
		return "Null"
	case KindBool:
		return "Boolean"
	case KindInt:
		return "Integer"
	case KindFloat:
		return "Float"
	case KindString:
		return "String"
	case KindArray:
		return "Array"
	case KindObject:
		return "Object"
	case KindLambda:
		return "Lambda"
	case KindUnknown:
		return "Unknown"
	}
	panic("expr: unknown kind")
}

// Value is Null, Bool, Int, Float, String, *Array, *Object, *Lambda or
// *Unknown. Values never change once built and may share their parts.
type Value interface {
	Kind() Kind
	value()
}

type (
	// Null is JSON's null. A resource's property that is null counts as absent.
	Null struct{}
	// Bool is true or false.
	Bool bool
	// Int is a whole number of 64 bits.
	Int int64
	// Float is any other number; only JSON and float() make them.
	Float float64
	// String is text; its length counts UTF-16 units, as Azure does.
	String string
)

// Kind returns KindNull.
func (Null) Kind() Kind { return KindNull }

// Kind returns KindBool.
func (Bool) Kind() Kind { return KindBool }

// Kind returns KindInt.
func (Int) Kind() Kind { return KindInt }

// Kind returns KindFloat.
func (Float) Kind() Kind { return KindFloat }

// Kind returns KindString.
func (String) Kind() Kind { return KindString }

// Kind returns KindArray.
func (*Array) Kind() Kind { return KindArray }

// Kind returns KindObject.
func (*Object) Kind() Kind { return KindObject }

// Kind returns KindLambda.
func (*Lambda) Kind() Kind { return KindLambda }

// Kind returns KindUnknown.
func (*Unknown) Kind() Kind { return KindUnknown }

func (Null) value()     {}
func (Bool) value()     {}
func (Int) value()      {}
func (Float) value()    {}
func (String) value()   {}
func (*Array) value()   {}
func (*Object) value()  {}
func (*Lambda) value()  {}
func (*Unknown) value() {}

// Item is a slot of an array.
type Item struct {
	Value Value
	// Origin is where the slot was written, or nil if a function made it.
	// Functions that select, join or reorder slots carry it along; what it is
	// is the caller's affair.
	Origin any
}

// Member is a named slot of an object; Origin as in Item.
type Member struct {
	Name   string
	Value  Value
	Origin any
}

// summary is what a container knows about all it holds, at any depth.
type summary struct {
	nodes   int // values inside, itself included; saturates
	depth   int // levels of containers, itself included
	reasons []Reason
	partial bool // something inside is unknown, open or may repeat
}

func (s *summary) add(v Value) {
	t := summarize(v)
	if s.nodes += t.nodes; s.nodes < 0 {
		s.nodes = math.MaxInt
	}
	s.depth = max(s.depth, t.depth+1)
	s.reasons = mergeReasons(s.reasons, t.reasons)
	s.partial = s.partial || t.partial
}

func summarize(v Value) summary {
	switch v := v.(type) {
	case *Array:
		return v.sum
	case *Object:
		return v.sum
	case *Unknown:
		return summary{nodes: v.nodes, reasons: v.Reasons, partial: true}
	}
	return summary{nodes: 1}
}

// Known reports whether nothing in the value, at any depth, is unknown.
func Known(v Value) bool { return !summarize(v).partial }

// Reasons returns what keeps the value, at any depth, from being known: sorted,
// without repeats, at most MaxReasons.
func Reasons(v Value) []Reason { return summarize(v).reasons }

// Size returns how many values v holds, itself included, each counted as often
// as it appears. Shared parts make it grow much faster than memory does, so a
// walker should look at it before it starts. It saturates.
func Size(v Value) int { return summarize(v).nodes }

// Array is a list of values. Items may be unknown; their number is not, unless
// MayRepeat says so.
type Array struct {
	items  []Item
	origin any
	repeat bool
	sum    summary
}

// NewArray makes an array of the items, which it keeps. The origin is where the
// array was written, or nil.
func NewArray(origin any, items ...Item) *Array {
	a := &Array{items: items, origin: origin, sum: summary{nodes: 1, depth: 1}}
	for _, it := range items {
		a.sum.add(it.Value)
	}
	return a
}

// ArrayOf makes an array of values without origins.
func ArrayOf(values ...Value) *Array {
	items := make([]Item, len(values))
	for i, v := range values {
		items[i].Value = v
	}
	return NewArray(nil, items...)
}

// repeating marks an array in which items may repeat; see MayRepeat.
func (a *Array) repeating() *Array {
	a.repeat, a.sum.partial = true, true
	return a
}

// Len returns the number of items; if MayRepeat, the most there can be.
func (a *Array) Len() int { return len(a.items) }

// At returns item i, 0 <= i < Len.
func (a *Array) At(i int) Item { return a.items[i] }

// Origin returns where the array was written, or nil if a function made it.
func (a *Array) Origin() any { return a.origin }

// MayRepeat reports that the array is a union() whose unknown items may be
// equal to others. Azure would have dropped those: Len is then only an upper
// bound, and items after the first unknown one may stand further ahead.
func (a *Array) MayRepeat() bool { return a.repeat }

// All iterates over the items.
func (a *Array) All() iter.Seq2[int, Item] {
	return func(yield func(int, Item) bool) {
		for i, it := range a.items {
			if !yield(i, it) {
				return
			}
		}
	}
}

// exactUpTo returns how many items stand at their final place.
func (a *Array) exactUpTo() int {
	if !a.repeat {
		return len(a.items)
	}
	for i, it := range a.items {
		if !Known(it.Value) {
			return i + 1
		}
	}
	return len(a.items)
}

// Object is a set of named values in the order they were written. Names ignore
// case when looked up; an exact match goes first, as two members may differ in
// case only.
type Object struct {
	members []Member
	origin  any
	rest    *Unknown
	exact   map[string]int // name to member; nil when the object is small
	folded  map[string]int // folded name to the first such member; as exact
	sum     summary
}

// smallObject is how many members are searched one by one. Most objects in
// templates have fewer; a map costs more than it saves there.
const smallObject = 12

// NewObject makes an object of the members, which it keeps; of members with
// exactly the same name the last wins, at the place of the first. The origin is
// where the object was written, or nil.
func NewObject(origin any, members ...Member) *Object {
	return newObject(origin, nil, members)
}

// NewOpenObject makes an object that may have more members at run time than
// those listed, like the state of a deployed resource: looking up a name that
// is not listed yields an Unknown, an access into rest.
func NewOpenObject(origin any, rest *Unknown, members ...Member) *Object {
	return newObject(origin, rest, members)
}

func newObject(origin any, rest *Unknown, members []Member) *Object {
	o := &Object{members: dedupe(members), origin: origin, rest: rest, sum: summary{nodes: 1, depth: 1}}
	for _, m := range o.members {
		o.sum.add(m.Value)
	}
	if len(o.members) > smallObject {
		o.exact = make(map[string]int, len(o.members))
		o.folded = make(map[string]int, len(o.members))
		for i, m := range slices.Backward(o.members) {
			o.exact[m.Name] = i
			o.folded[fold(m.Name)] = i
		}
	}
	if rest != nil {
		o.sum.partial = true
		o.sum.reasons = mergeReasons(o.sum.reasons, rest.Reasons)
	}
	return o
}

// dedupe keeps the last of the members with the same name, at the place of the
// first.
func dedupe(members []Member) []Member {
	if !repeats(members) {
		return members
	}
	seen := make(map[string]int, len(members))
	var out []Member
	for _, m := range members {
		if i, ok := seen[m.Name]; ok {
			out[i] = m
			continue
		}
		seen[m.Name] = len(out)
		out = append(out, m)
	}
	return out
}

func repeats(members []Member) bool {
	if len(members) > smallObject {
		seen := make(map[string]bool, len(members))
		for _, m := range members {
			seen[m.Name] = true
		}
		return len(seen) < len(members)
	}
	for i, m := range members {
		for _, n := range members[:i] {
			if m.Name == n.Name {
				return true
			}
		}
	}
	return false
}

// fold maps names that differ in case only to one text.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

// Len returns the number of listed members.
func (o *Object) Len() int { return len(o.members) }

// At returns member i in the order of writing, 0 <= i < Len.
func (o *Object) At(i int) Member { return o.members[i] }

// Origin returns where the object was written, or nil if a function made it.
func (o *Object) Origin() any { return o.origin }

// Rest stands for members that are not listed; nil means there are none.
func (o *Object) Rest() *Unknown { return o.rest }

// All iterates over the listed members.
func (o *Object) All() iter.Seq[Member] {
	return func(yield func(Member) bool) {
		for _, m := range o.members {
			if !yield(m) {
				return
			}
		}
	}
}

// Get finds a listed member: the one of exactly this name, else the first one
// whose name differs in case only.
func (o *Object) Get(name string) (Member, bool) {
	i := o.find(name)
	if i < 0 {
		return Member{}, false
	}
	return o.members[i], true
}

func (o *Object) find(name string) int {
	if o.exact != nil {
		if i, ok := o.exact[name]; ok {
			return i
		}
		if i, ok := o.folded[fold(name)]; ok {
			return i
		}
		return -1
	}
	folded := -1
	for i, m := range o.members {
		if m.Name == name {
			return i
		}
		if folded < 0 && strings.EqualFold(m.Name, name) {
			folded = i
		}
	}
	return folded
}

// Lambda is a function given to map, filter and the like; it is never the
// result of an evaluation.
type Lambda struct {
	params []string
	body   Expr
	env    *frame
	source *Call
}
