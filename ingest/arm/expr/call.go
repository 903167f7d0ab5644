package expr

import (
	"fmt"
	"strings"
)

// text returns argument i, a string or null, as a string.
func (c *call) text(i int) string {
	s, _ := c.args[i].(String)
	return string(s)
}

func (c *call) int(i int) int64 { return int64(c.args[i].(Int)) }

// string returns s as the result.
func (c *call) string(s string) (Value, error) {
	if err := c.spend(0, len(s)); err != nil {
		return nil, err
	}
	return String(s), nil
}

// array returns the items as the result.
func (c *call) array(items []Item) (Value, error) {
	a, err := c.newArray(items)
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (c *call) newArray(items []Item) (*Array, error) {
	if err := c.spend(len(items), containerCost*(len(items)+1)); err != nil {
		return nil, err
	}
	a := NewArray(nil, items...)
	if a.sum.depth > maxValueDepth {
		return nil, c.tooDeep()
	}
	return a, nil
}

// object returns the members as the result; rest may be nil.
func (c *call) object(members []Member, rest *Unknown) (Value, error) {
	if err := c.spend(len(members), containerCost*(len(members)+1)); err != nil {
		return nil, err
	}
	o := newObject(nil, rest, members)
	if o.sum.depth > maxValueDepth {
		return nil, c.tooDeep()
	}
	return o, nil
}

// kindSet is a set of kinds, as the table of functions writes it.
type kindSet uint16

const (
	nullKind   kindSet = 1 << KindNull
	boolKind   kindSet = 1 << KindBool
	intKind    kindSet = 1 << KindInt
	floatKind  kindSet = 1 << KindFloat
	stringKind kindSet = 1 << KindString
	arrayKind  kindSet = 1 << KindArray
	objectKind kindSet = 1 << KindObject
	lambdaKind kindSet = 1 << KindLambda

	// textKind is what Azure takes for text: null counts as ''.
	textKind   = stringKind | nullKind
	numberKind = intKind | floatKind
	anyKind    = nullKind | boolKind | intKind | floatKind | stringKind | arrayKind | objectKind
)

func (s kindSet) has(k Kind) bool { return s&(1<<k) != 0 }

// String lists the kinds as Azure's errors do.
func (s kindSet) String() string {
	var names []string
	for k := KindNull; k < KindUnknown; k++ {
		if s.has(k) {
			names = append(names, k.String())
		}
	}
	return strings.Join(names, ", ")
}

func (c *call) badKind(i int, want kindSet) error {
	which := "its parameter"
	if len(c.expr.Args) > 1 {
		which = "its " + ordinal(i) + " parameter"
	}
	return c.errorf("the template language function '%s' expects %s to be of type '%v': the provided value is of type '%v'",
		c.expr.Name, which, want, c.args[i].Kind())
}

func ordinal(i int) string {
	words := [...]string{"first", "second", "third", "fourth", "fifth"}
	if i < len(words) {
		return words[i]
	}
	return fmt.Sprintf("%dth", i+1)
}

// show writes a value for a message.
func show(v Value) string {
	switch v := v.(type) {
	case String:
		return clip(string(v))
	case *Array, *Object, *Lambda, *Unknown:
		return v.Kind().String()
	}
	s, err := compactJSON(v, NewBudget())
	if err != nil {
		panic("expr: a scalar over budget")
	}
	return s
}

// names lists the members of an object for a message, the first ones if there
// are many.
func names(o *Object) string {
	const most = 20
	var list []string
	for i, m := range o.members {
		if i == most {
			list = append(list, "…")
			break
		}
		list = append(list, clip(m.Name))
	}
	return strings.Join(list, ", ")
}
