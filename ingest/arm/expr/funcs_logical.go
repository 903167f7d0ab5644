package expr

import "strings"

// These functions evaluate only what they need: templates rely on it, as in
// if(empty(list), '', list[0]).
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-logical

// ifElse evaluates the branch that is taken. If the condition is unknown, the
// residue shows both.
func ifElse(c *call) (Value, error) {
	cond, err := c.ev.eval(c.expr.Args[0], c.env)
	if err != nil {
		return nil, err
	}
	switch cond := cond.(type) {
	case Bool:
		branch := c.expr.Args[2]
		if cond {
			branch = c.expr.Args[1]
		}
		return c.ev.eval(branch, c.env)
	case *Unknown:
		then, err := c.attempt(1)
		if err != nil {
			return nil, err
		}
		otherwise, err := c.attempt(2)
		if err != nil {
			return nil, err
		}
		if t, err := c.equal(then, otherwise); t == yes || err != nil {
			return then, err
		}
		return c.unknownOf([]Value{cond, then, otherwise}), nil
	}
	c.args = []Value{cond}
	return nil, c.badKind(0, boolKind)
}

// attempt evaluates an argument that may not be needed: an error in it is not
// yet one of the expression, unless the budget is used up.
func (c *call) attempt(i int) (Value, error) {
	v, err := c.ev.eval(c.expr.Args[i], c.env)
	switch {
	case err == nil:
		return v, nil
	case c.ev.budget.Steps <= 0 || c.ev.budget.Bytes <= 0:
		return nil, err
	}
	return deferred(c.expr.Args[i]), nil
}

// anyOf makes the body of and (decisive false) and or (decisive true): the first
// decisive argument is the result, even behind unknown ones, and what stands
// after it is not evaluated.
func anyOf(decisive Bool) func(*call) (Value, error) {
	return func(c *call) (Value, error) {
		var args []Value
		uncertain := false
		for i := range c.expr.Args {
			var v Value
			var err error
			if uncertain {
				v, err = c.attempt(i)
			} else {
				v, err = c.ev.eval(c.expr.Args[i], c.env)
			}
			if err != nil {
				return nil, err
			}
			args = append(args, v)
			switch v := v.(type) {
			case Bool:
				if v == decisive {
					return decisive, nil
				}
			case *Unknown:
				uncertain = true
			default:
				c.args = args
				return nil, c.badKind(i, boolKind)
			}
		}
		if uncertain {
			return c.unknownOf(args), nil
		}
		return !decisive, nil
	}
}

func not(c *call) (Value, error) { return !c.args[0].(Bool), nil }

// coalesce returns the first argument that is not null.
func coalesce(c *call) (Value, error) {
	var args []Value
	for i := range c.expr.Args {
		var v Value
		var err error
		if len(args) == 0 {
			v, err = c.ev.eval(c.expr.Args[i], c.env)
		} else {
			v, err = c.attempt(i)
		}
		if err != nil {
			return nil, err
		}
		switch v.Kind() {
		case KindNull:
			continue
		case KindUnknown:
			args = append(args, v)
			continue
		}
		if len(args) == 0 {
			return v, nil
		}
		args = append(args, v)
		break
	}
	switch {
	case len(args) == 0:
		return Null{}, nil
	case len(args) == 1:
		return args[0], nil // the others are null
	}
	return c.unknownOf(args), nil
}

func toBool(c *call) (Value, error) {
	switch v := c.args[0].(type) {
	case Bool:
		return v, nil
	case Int:
		return Bool(v != 0), nil
	case Float:
		return Bool(v != 0), nil
	case String:
		switch s := strings.TrimSpace(string(v)); {
		case strings.EqualFold(s, "true"):
			return Bool(true), nil
		case strings.EqualFold(s, "false"):
			return Bool(false), nil
		}
	}
	return nil, c.errorf("the template language function 'bool' was invoked with a parameter that is not valid: the value '%s' cannot be converted to the target type", show(c.args[0]))
}

func constant(v Value) func(*call) (Value, error) {
	return func(*call) (Value, error) { return v, nil }
}
