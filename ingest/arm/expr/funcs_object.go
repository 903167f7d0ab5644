package expr

import (
	"slices"
	"strings"
)

// createObject makes an object of names and values in turn. Names that differ in
// case only are different members; exactly equal ones are an error.
func createObject(c *call) (Value, error) {
	if len(c.args)%2 != 0 {
		return nil, c.errorf("unable to evaluate template language function 'createObject': function requires an even number of argument(s) while %d were provided", len(c.args))
	}
	members := make([]Member, 0, len(c.args)/2)
	seen := make(map[string]bool, len(c.args)/2)
	for i := 0; i < len(c.args); i += 2 {
		if c.args[i].Kind() == KindUnknown {
			return c.unknown(), nil
		}
		if !textKind.has(c.args[i].Kind()) {
			return nil, c.badKind(i, stringKind)
		}
		name := c.text(i)
		if seen[name] {
			return nil, c.errorf("the template language function 'createObject' received the property name '%s' twice", clip(name))
		}
		seen[name] = true
		members = append(members, Member{Name: name, Value: c.args[i+1]})
	}
	return c.object(members, nil)
}

// sortedMembers returns the members by name without regard to case, those that
// differ in case only in the order of writing.
func (c *call) sortedMembers(o *Object) ([]Member, error) {
	if err := c.spend(o.Len()*4, containerCost*o.Len()); err != nil {
		return nil, err
	}
	// OrdinalIgnoreCase compares upper-cased text, which puts '_' after letters.
	type keyed struct {
		key string
		m   Member
	}
	list := make([]keyed, o.Len())
	for i, m := range o.members {
		list[i] = keyed{upper(m.Name), m}
	}
	slices.SortStableFunc(list, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	members := make([]Member, len(list))
	for i, k := range list {
		members[i] = k.m
	}
	return members, nil
}

func items(c *call) (Value, error) {
	o := c.args[0].(*Object)
	if o.rest != nil {
		return c.unknown(), nil
	}
	members, err := c.sortedMembers(o)
	if err != nil {
		return nil, err
	}
	list := make([]Item, len(members))
	for i, m := range members {
		pair, err := c.object([]Member{{Name: "key", Value: String(m.Name), Origin: m.Origin}, {Name: "value", Value: m.Value, Origin: m.Origin}}, nil)
		if err != nil {
			return nil, err
		}
		list[i] = Item{pair, m.Origin}
	}
	return c.array(list)
}

func objectKeys(c *call) (Value, error) {
	o := c.args[0].(*Object)
	if o.rest != nil {
		return c.unknown(), nil
	}
	members, err := c.sortedMembers(o)
	if err != nil {
		return nil, err
	}
	list := make([]Item, len(members))
	for i, m := range members {
		list[i] = Item{String(m.Name), m.Origin}
	}
	return c.array(list)
}

// tryGet takes one step that may fail, and then ordinary ones.
func tryGet(c *call) (Value, error) {
	from, key := c.args[0], c.args[1]
	if from.Kind() == KindUnknown || key.Kind() == KindUnknown {
		return c.unknown(), nil
	}
	var found Value = Null{}
	switch key := key.(type) {
	case *Object:
		if a, i, ok := c.fromEnd(from, key); ok {
			found = c.item(a, i)
		}
	case Int:
		if a, ok := from.(*Array); ok {
			found = c.item(a, int64(key))
		}
	case String:
		if o, ok := from.(*Object); ok {
			if m, ok := o.Get(string(key)); ok {
				found = m.Value
			} else if o.rest != nil {
				return c.unknown(), nil
			}
		}
	default:
		return nil, c.badKind(1, stringKind|intKind)
	}
	return c.steps(found, c.args[2:])
}

// item is a[i], null when out of range, unknown when a union left its place
// open.
func (c *call) item(a *Array, i int64) Value {
	switch {
	case i < 0 || i >= int64(a.Len()):
		return Null{}
	case int(i) >= a.exactUpTo():
		return c.unknown()
	}
	return a.At(int(i)).Value
}

// fromEnd reads a step that Bicep writes as createObject('value', n, 'fromEnd',
// true()): an index from the end, 1 being the last.
func (c *call) fromEnd(from Value, key *Object) (a *Array, i int64, ok bool) {
	n, _ := key.Get("value")
	end, _ := key.Get("fromEnd")
	index, isInt := n.Value.(Int)
	a, isArray := from.(*Array)
	if !isInt || !isArray {
		return nil, 0, false
	}
	if end.Value == Bool(true) {
		if a.repeat {
			return a, int64(a.Len()) - 1, true // item says unknown
		}
		return a, int64(a.Len()) - int64(index), true
	}
	return a, int64(index), true
}

// steps dereferences as [..] does, except that null stays null at the start.
func (c *call) steps(v Value, keys []Value) (Value, error) {
	if v.Kind() == KindNull {
		return v, nil
	}
	for _, key := range keys {
		if k, ok := key.(*Object); ok && v.Kind() != KindUnknown {
			a, i, ok := c.fromEnd(v, k)
			if !ok {
				return nil, c.errorf("the language expression property '%s' can't be evaluated", show(key))
			}
			v, key = a, Int(i)
		}
		var err error
		if v, err = c.ev.access(c.expr, v, key); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// toJSON parses text. Null gives an empty object, as in Azure's engine.
func toJSON(c *call) (Value, error) {
	if c.args[0].Kind() == KindNull {
		return NewObject(nil), nil
	}
	return c.parsed(c.text(0))
}

func (c *call) parsed(text string) (Value, error) {
	if err := c.spend(len(text), 0); err != nil {
		return nil, err
	}
	v, err := parseJSON(text, c.ev.budget)
	if err != nil {
		return nil, c.errorf("the template language function '%s' parameter is not valid: the provided value '%s' cannot be parsed as JSON: %v", c.expr.Name, clip(text), err)
	}
	return v, nil
}

// shallowMerge joins a list of objects, one level deep, the last one winning.
func shallowMerge(c *call) (Value, error) {
	var members []Member
	var rest *Unknown
	for _, it := range c.args[0].(*Array).items {
		switch o := it.Value.(type) {
		case *Object:
			if rest != nil || o.rest != nil && len(members) > 0 {
				return c.unknown(), nil
			}
			rest = o.rest
			for _, m := range o.members {
				members = put(members, m)
			}
			if err := c.spend(o.Len()*(1+len(members)/8), 0); err != nil {
				return nil, err
			}
		case *Unknown:
			return c.unknown(), nil
		default:
			return nil, c.errorf("the template language function 'shallowMerge' expects an array of objects: an item is of type '%v'", o.Kind())
		}
	}
	return c.object(members, rest)
}

// put sets a member, by name without regard to case.
func put(members []Member, m Member) []Member {
	for i := range members {
		if strings.EqualFold(members[i].Name, m.Name) {
			members[i].Value, members[i].Origin = m.Value, m.Origin
			return members
		}
	}
	return append(members, m)
}
