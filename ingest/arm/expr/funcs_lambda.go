package expr

import (
	"slices"
	"strings"
)

// makeLambda binds names to a body that is evaluated later.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-lambda
func makeLambda(c *call) (Value, error) {
	last := len(c.expr.Args) - 1
	l := &Lambda{body: c.expr.Args[last], env: c.env, source: c.expr}
	for _, a := range c.expr.Args[:last] {
		s, ok := a.(*StringLit)
		if !ok || !isIdentifier(s.Value) {
			return nil, errorf(a.Range(), "the template function 'lambda' expects the names of its variables as literal strings")
		}
		if slices.ContainsFunc(l.params, func(p string) bool { return strings.EqualFold(p, s.Value) }) {
			return nil, errorf(a.Range(), "the template function 'lambda' has two variables of the name '%s'", clip(s.Value))
		}
		l.params = append(l.params, s.Value)
	}
	return l, nil
}

func lambdaVariable(c *call) (Value, error) {
	v, ok := c.env.lookup(c.text(0))
	if !ok {
		return nil, c.errorf("the lambda variable '%s' is not found", clip(c.text(0)))
	}
	return v, nil
}

// lambda returns argument i, checked to take from least to most values.
func (c *call) lambda(i, least, most int) (*Lambda, error) {
	l := c.args[i].(*Lambda)
	if n := len(l.params); n < least || n > most {
		return nil, c.errorf("the template language function '%s' expects its %s parameter to be a lambda of %s variable(s): it has %d",
			c.expr.Name, ordinal(i), countRange(least, most), n)
	}
	return l, nil
}

// apply evaluates the lambda with as many of the values as it takes.
func (c *call) apply(l *Lambda, values ...Value) (Value, error) {
	return c.ev.eval(l.body, &frame{params: l.params, values: values[:len(l.params)], outer: l.env})
}

func mapItems(c *call) (Value, error) {
	l, err := c.lambda(1, 1, 2)
	if err != nil {
		return nil, err
	}
	in := c.args[0].(*Array)
	if in.repeat {
		// The values of items that may be absent could not be told from the others.
		return c.unknown(), nil
	}
	list := make([]Item, in.Len())
	for i, it := range in.items {
		v, err := c.apply(l, it.Value, Int(i))
		if err != nil {
			return nil, err
		}
		list[i].Value = v
	}
	return c.array(list)
}

func filterItems(c *call) (Value, error) {
	l, err := c.lambda(1, 1, 2)
	if err != nil {
		return nil, err
	}
	in := c.args[0].(*Array)
	var kept []Item
	var open []Value
	for i, it := range in.items {
		v, err := c.apply(l, it.Value, Int(i))
		if err != nil {
			return nil, err
		}
		switch v := v.(type) {
		case Bool:
			if v {
				kept = append(kept, it)
			}
		case *Unknown:
			open = append(open, v)
		default:
			return nil, c.errorf("the template language function 'filter' expects its lambda to return a value of type 'Boolean': it returned '%v'", v.Kind())
		}
	}
	if len(open) > 0 || in.repeat {
		return c.unknownFrom(open), nil
	}
	return c.array(kept)
}

// unknownFrom is unknown for the reasons of the arguments and of the values.
func (c *call) unknownFrom(values []Value) *Unknown {
	var reasons []Reason
	for _, v := range values {
		reasons = mergeReasons(reasons, Reasons(v))
	}
	return c.unknown(reasons...)
}

// reduce folds the items into the initial value, which may be unknown.
func reduce(c *call) (Value, error) {
	if c.args[0].Kind() == KindUnknown || c.args[2].Kind() == KindUnknown {
		return c.unknown(), nil
	}
	l, err := c.lambda(2, 2, 3)
	if err != nil {
		return nil, err
	}
	in := c.args[0].(*Array)
	if in.repeat {
		return c.unknown(), nil
	}
	v := c.args[1]
	for i, it := range in.items {
		if v, err = c.apply(l, v, it.Value, Int(i)); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// sortItems sorts by a lambda that tells whether its first value goes before its
// second; what neither goes before keeps its order.
func sortItems(c *call) (Value, error) {
	l, err := c.lambda(1, 2, 2)
	if err != nil {
		return nil, err
	}
	in := c.args[0].(*Array)
	if in.repeat {
		return c.unknown(), nil
	}
	var open []Value
	before := func(a, b Item) bool {
		if err != nil || len(open) > 0 {
			return false
		}
		var v Value
		if v, err = c.apply(l, a.Value, b.Value); err != nil {
			return false
		}
		switch v := v.(type) {
		case Bool:
			return bool(v)
		case *Unknown:
			open = append(open, v)
		default:
			err = c.errorf("the template language function 'sort' expects its lambda to return a value of type 'Boolean': it returned '%v'", v.Kind())
		}
		return false
	}
	sorted := slices.Clone(in.items)
	slices.SortStableFunc(sorted, func(a, b Item) int {
		switch {
		case before(a, b):
			return -1
		case before(b, a):
			return 1
		}
		return 0
	})
	switch {
	case err != nil:
		return nil, err
	case len(open) > 0:
		return c.unknownFrom(open), nil
	}
	return c.array(sorted)
}

// keyed calls each with every item and its key, until it returns false. The
// unknown value it returns, if any, is the result of the call.
func (c *call) keyed(each func(key string, it Item) error) (*Unknown, error) {
	l, err := c.lambda(1, 1, 1)
	if err != nil {
		return nil, err
	}
	var value *Lambda
	if len(c.args) == 3 {
		if value, err = c.lambda(2, 1, 1); err != nil {
			return nil, err
		}
	}
	in := c.args[0].(*Array)
	for _, it := range in.items {
		key, err := c.apply(l, it.Value)
		if err != nil {
			return nil, err
		}
		if key.Kind() == KindUnknown {
			return c.unknownFrom([]Value{key}), nil
		}
		name, ok := key.(String)
		if !ok {
			return nil, c.errorf("the template language function '%s' expects its lambda to return a value of type 'String': it returned '%v'", c.expr.Name, key.Kind())
		}
		if value != nil {
			v, err := c.apply(value, it.Value)
			if err != nil {
				return nil, err
			}
			it = Item{Value: v}
		}
		if err := each(string(name), it); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// toObject makes members of the items; of equal names the last wins.
func toObject(c *call) (Value, error) {
	var members []Member
	at := make(map[string]int)
	u, err := c.keyed(func(key string, it Item) error {
		m := Member{key, it.Value, it.Origin}
		if i, ok := at[fold(key)]; ok {
			members[i] = m
			return nil
		}
		at[fold(key)] = len(members)
		members = append(members, m)
		return nil
	})
	if u != nil || err != nil {
		return orUnknown(u), err
	}
	return c.object(members, nil)
}

// orUnknown keeps a nil pointer from becoming a value.
func orUnknown(u *Unknown) Value {
	if u == nil {
		return nil
	}
	return u
}

// groupBy collects the items of equal keys, groups in the order they appear.
func groupBy(c *call) (Value, error) {
	var names []string
	groups := make(map[string][]Item)
	u, err := c.keyed(func(key string, it Item) error {
		if _, ok := groups[key]; !ok {
			names = append(names, key)
		}
		groups[key] = append(groups[key], it)
		return nil
	})
	if c.args[0].(*Array).repeat && u == nil && err == nil {
		u = c.unknown()
	}
	if u != nil || err != nil {
		return orUnknown(u), err
	}
	members := make([]Member, len(names))
	for i, name := range names {
		v, err := c.array(groups[name])
		if err != nil {
			return nil, err
		}
		members[i] = Member{Name: name, Value: v}
	}
	return c.object(members, nil)
}

func mapValues(c *call) (Value, error) {
	l, err := c.lambda(1, 1, 1)
	if err != nil {
		return nil, err
	}
	o := c.args[0].(*Object)
	if o.rest != nil {
		return c.unknown(), nil
	}
	members := make([]Member, o.Len())
	for i, m := range o.members {
		v, err := c.apply(l, m.Value)
		if err != nil {
			return nil, err
		}
		members[i] = Member{Name: m.Name, Value: v}
	}
	return c.object(members, nil)
}
