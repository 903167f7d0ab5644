package expr

import "strings"

func toArray(c *call) (Value, error) {
	if a, ok := c.args[0].(*Array); ok {
		return a, nil
	}
	return c.array([]Item{{Value: c.args[0]}})
}

func createArray(c *call) (Value, error) {
	list := make([]Item, len(c.args))
	for i, v := range c.args {
		list[i].Value = v
	}
	return c.array(list)
}

// length counts items, members or UTF-16 units; null has none.
func length(c *call) (Value, error) {
	switch v := c.args[0].(type) {
	case *Array:
		if v.repeat {
			return c.unknown(), nil
		}
		return Int(v.Len()), nil
	case *Object:
		if v.rest != nil {
			return c.unknown(), nil
		}
		return Int(v.Len()), nil
	}
	return Int(unitCount(c.text(0))), nil
}

func empty(c *call) (Value, error) {
	switch v := c.args[0].(type) {
	case *Array:
		return Bool(v.Len() == 0), nil
	case *Object:
		if v.Len() == 0 && v.rest != nil {
			return c.unknown(), nil
		}
		return Bool(v.Len() == 0), nil
	}
	return Bool(c.text(0) == ""), nil
}

// contains looks for a member by name without regard to case, an item by deep
// equality, a part of a text with regard to case.
func contains(c *call) (Value, error) {
	what := c.args[1]
	switch in := c.args[0].(type) {
	case *Unknown:
		return c.unknown(), nil
	case *Array:
		found := no
		for _, it := range in.items {
			t, err := c.equal(it.Value, what)
			if err != nil || t == yes {
				return c.result(t, err)
			}
			if t == maybe {
				found = maybe
			}
		}
		return c.result(found, nil)
	case *Object:
		if what.Kind() == KindUnknown {
			if in.Len() == 0 && in.rest == nil {
				return Bool(false), nil
			}
			return c.unknown(), nil
		}
		if !textKind.has(what.Kind()) {
			return nil, c.badKind(1, stringKind)
		}
		if _, ok := in.Get(c.text(1)); !ok && in.rest != nil {
			return c.unknown(), nil
		} else {
			return Bool(ok), nil
		}
	}
	if what.Kind() == KindUnknown {
		return c.unknown(), nil
	}
	if !textKind.has(what.Kind()) {
		return nil, c.badKind(1, stringKind)
	}
	return Bool(strings.Contains(c.text(0), c.text(1))), nil
}

// edge makes the body of first and last.
func edge(last bool) func(*call) (Value, error) {
	return func(c *call) (Value, error) {
		n := 0
		switch v := c.args[0].(type) {
		case Null:
			return v, nil
		case *Array:
			if v.Len() == 0 {
				return Null{}, nil
			}
			if last {
				n = v.Len() - 1
			}
			return c.item(v, int64(n)), nil
		}
		s := c.text(0)
		units := unitCount(s)
		if units == 0 {
			return String(""), nil
		}
		if last {
			n = units - 1
		}
		return c.string(cutUnits(s, n, n+1))
	}
}

// part makes the body of take and skip.
func part(skip bool) func(*call) (Value, error) {
	return func(c *call) (Value, error) {
		span := func(size int) (from, to int) {
			n := int(max(0, min(c.int(1), int64(size))))
			if skip {
				return n, size
			}
			return 0, n
		}
		switch v := c.args[0].(type) {
		case Null:
			return v, nil
		case *Array:
			from, to := span(v.Len())
			if v.repeat && (skip && from > 0 || !skip && to > v.exactUpTo()) {
				return c.unknown(), nil
			}
			a, err := c.newArray(v.items[from:to:to])
			if err != nil {
				return nil, err
			}
			if v.repeat && skip {
				a.repeating()
			}
			return a, nil
		}
		s := c.text(0)
		from, to := span(unitCount(s))
		return c.string(cutUnits(s, from, to))
	}
}

// flatten joins the arrays that are the items of an array, one level deep.
func flatten(c *call) (Value, error) {
	a := c.args[0].(*Array)
	var all []Item
	repeat := a.repeat
	for _, it := range a.items {
		switch v := it.Value.(type) {
		case *Array:
			if err := c.spend(v.Len(), containerCost*v.Len()); err != nil {
				return nil, err
			}
			all = append(all, v.items...)
			repeat = repeat || v.repeat
		case *Unknown:
			return c.unknown(), nil
		default:
			return nil, c.errorf("the template language function 'flatten' expects an array of arrays: an item is of type '%v'", v.Kind())
		}
	}
	if a.repeat {
		return c.unknown(), nil // an array may be there twice
	}
	out, err := c.newArray(all)
	if err != nil {
		return nil, err
	}
	if repeat {
		out.repeating()
	}
	return out, nil
}

// union joins arrays without repeats, or objects member by member: of two values
// that are objects the union, of any others the later one, null too.
func union(c *call) (Value, error) {
	first := c.args[0].Kind()
	for i, v := range c.args {
		if v.Kind() != first {
			c.args = c.args[i-1 : i+1]
			return nil, c.errorf("the template language function 'union' expects all its parameters to be of the same type: '%v' and '%v' were provided", first, v.Kind())
		}
	}
	if first == KindArray {
		return c.unionArrays(c.args)
	}
	merged := c.args[0].(*Object)
	for _, v := range c.args[1:] {
		var err error
		if merged, err = c.merge(merged, v.(*Object)); err != nil || merged == nil {
			return c.unknownIfNil(merged, err)
		}
	}
	return merged, nil
}

func (c *call) unknownIfNil(o *Object, err error) (Value, error) {
	if err != nil {
		return nil, err
	}
	if o == nil {
		return c.unknown(), nil
	}
	return o, nil
}

// unionArrays keeps the first of equal items. Unknown items are all kept: they
// may be equal to others, which the result then says (Array.MayRepeat).
func (c *call) unionArrays(arrays []Value) (Value, error) {
	var kept []Item
	repeat := false
	scalars := make(map[Value]bool)
	for _, v := range arrays {
		repeat = repeat || v.(*Array).repeat
	next:
		for _, it := range v.(*Array).items {
			scalar := anyKind.has(it.Value.Kind()) && it.Value.Kind() != KindArray && it.Value.Kind() != KindObject
			if scalar && scalars[it.Value] {
				continue
			}
			for _, k := range kept {
				if scalar && Known(k.Value) {
					continue // the map has those
				}
				t, err := c.equal(k.Value, it.Value)
				if err != nil {
					return nil, err
				}
				if t == yes {
					continue next
				}
				repeat = repeat || t == maybe
			}
			if scalar {
				scalars[it.Value] = true
			}
			if err := c.spend(1, 0); err != nil {
				return nil, err
			}
			kept = append(kept, it)
		}
	}
	a, err := c.newArray(kept)
	if err != nil {
		return nil, err
	}
	if repeat {
		a.repeating()
	}
	return a, nil
}

// merge is a with b laid over it; nil when that is not decided.
func (c *call) merge(a, b *Object) (*Object, error) {
	if b.rest != nil {
		return nil, nil // it may override any member of a
	}
	members := make([]Member, a.Len(), a.Len()+b.Len())
	copy(members, a.members)
	for _, m := range b.members {
		i := a.find(m.Name)
		if i < 0 {
			if a.rest != nil {
				if u := m.Value.Kind(); u == KindObject || u == KindUnknown {
					return nil, nil
				}
			}
			members = append(members, m)
			continue
		}
		was, is := a.members[i].Value, m.Value
		x, ok1 := was.(*Object)
		y, ok2 := is.(*Object)
		switch {
		case ok1 && ok2:
			inner, err := c.merge(x, y)
			if err != nil || inner == nil {
				return nil, err
			}
			members[i].Value, members[i].Origin = inner, m.Origin
		case ok1 && is.Kind() == KindUnknown || ok2 && was.Kind() == KindUnknown:
			u := c.ev.unknown(c.expr, []Value{was, is}, func(l []Expr) Expr {
				return &Call{Span: c.expr.Span, Name: c.expr.Name, Args: l}
			})
			members[i].Value, members[i].Origin = u, m.Origin
		default:
			members[i].Value, members[i].Origin = is, m.Origin
		}
	}
	if err := c.spend(len(members), containerCost*len(members)); err != nil {
		return nil, err
	}
	return newObject(a.origin, a.rest, members), nil
}

// distinct is the union of an array with itself.
func distinct(c *call) (Value, error) { return c.unionArrays(c.args) }

// intersection keeps what is in all arrays, or the members that are equal, by
// name too, in all objects.
func intersection(c *call) (Value, error) {
	first := c.args[0].Kind()
	for _, v := range c.args {
		if v.Kind() != first {
			return nil, c.errorf("the template language function 'intersection' expects all its parameters to be of the same type: '%v' and '%v' were provided", first, v.Kind())
		}
	}
	if first == KindArray {
		return c.commonItems()
	}
	var kept []Member
next:
	for _, m := range c.args[0].(*Object).members {
		for _, v := range c.args[1:] {
			n, ok := v.(*Object).Get(m.Name)
			if !ok || n.Name != m.Name {
				continue next
			}
			t, err := c.equal(m.Value, n.Value)
			if err != nil {
				return nil, err
			}
			if t != yes {
				continue next
			}
		}
		kept = append(kept, m)
	}
	return c.object(kept, nil)
}

func (c *call) commonItems() (Value, error) {
	unique, err := c.unionArrays(c.args[:1])
	if err != nil {
		return nil, err
	}
	var kept []Item
next:
	for _, it := range unique.(*Array).items {
		for _, v := range c.args[1:] {
			found := no
			for _, other := range v.(*Array).items {
				if found, err = c.equal(it.Value, other.Value); err != nil {
					return nil, err
				}
				if found == yes {
					break
				}
			}
			if found != yes {
				continue next
			}
		}
		kept = append(kept, it)
	}
	return c.array(kept)
}

// indexFromEnd is a[^n]: n is 1 for the last item.
func indexFromEnd(c *call) (Value, error) {
	a, n := c.args[0].(*Array), c.int(1)
	if n < 1 || n > int64(a.Len()) {
		return nil, c.errorf("the language expression property array index '%d' is out of bounds", n)
	}
	if a.repeat {
		return c.unknown(), nil
	}
	return a.At(a.Len() - int(n)).Value, nil
}

func tryIndexFromEnd(c *call) (Value, error) {
	if c.args[0].Kind() == KindUnknown || c.args[1].Kind() == KindUnknown {
		return c.unknown(), nil
	}
	var found Value = Null{}
	a, isArray := c.args[0].(*Array)
	n, isInt := c.args[1].(Int)
	if isArray && isInt && n >= 1 && int64(n) <= int64(a.Len()) {
		if a.repeat {
			return c.unknown(), nil
		}
		found = a.At(a.Len() - int(n)).Value
	}
	return c.steps(found, c.args[2:])
}
