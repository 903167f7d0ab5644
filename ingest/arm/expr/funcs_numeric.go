package expr

import (
	"math"
	"strconv"
	"strings"
)

// arithmetic makes the body of a function of two whole numbers; op reports false
// when the result does not fit 64 bits.
func arithmetic(op func(a, b int64) (int64, bool)) func(*call) (Value, error) {
	return func(c *call) (Value, error) {
		n, ok := op(c.int(0), c.int(1))
		if !ok {
			return nil, c.errorf("the template language function '%s' detected an overflow of '%d' and '%d'", c.expr.Name, c.int(0), c.int(1))
		}
		return Int(n), nil
	}
}

func add(a, b int64) (int64, bool) {
	n := a + b
	return n, (n > a) == (b > 0)
}

func sub(a, b int64) (int64, bool) {
	n := a - b
	return n, (n < a) == (b > 0)
}

func mul(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	n := a * b
	return n, n/b == a && (a != math.MinInt64 || b != -1) && (b != math.MinInt64 || a != -1)
}

// div truncates toward zero, as C# does.
func div(a, b int64) (int64, bool) { return a / b, a != math.MinInt64 || b != -1 }

// mod has the sign of the dividend, as in C#.
func mod(a, b int64) (int64, bool) {
	if b == -1 {
		return 0, a != math.MinInt64
	}
	return a % b, true
}

// divided refuses a divisor of zero.
func divided(op func(a, b int64) (int64, bool)) func(*call) (Value, error) {
	body := arithmetic(op)
	return func(c *call) (Value, error) {
		if c.int(1) == 0 {
			return nil, c.errorf("the template language function '%s' cannot divide by zero", c.expr.Name)
		}
		return body(c)
	}
}

// toInt reads text as .NET's long.TryParse does: a sign and white space around
// are accepted.
func toInt(c *call) (Value, error) {
	if n, ok := c.args[0].(Int); ok {
		return n, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(c.text(0)), 10, 64)
	if err != nil {
		return nil, c.errorf("the template language function 'int' cannot convert provided value '%s' to integer value", clip(c.text(0)))
	}
	return Int(n), nil
}

func toFloat(c *call) (Value, error) {
	if f, ok := number(c.args[0]); ok {
		return Float(f), nil
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(c.text(0)), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) || strings.ContainsAny(c.text(0), "xXpP_") {
		return nil, c.errorf("the template language function 'float' was invoked with a parameter that is not valid: the value '%s' cannot be converted to the target type", clip(c.text(0)))
	}
	return Float(f), nil
}

// extreme makes the body of min and max, which take numbers or one array of
// them; sign is -1 for the smallest.
func extreme(sign int) func(*call) (Value, error) {
	better := ordered(func(s int) bool { return s == sign })
	return func(c *call) (Value, error) {
		values := c.args
		if a, ok := c.args[0].(*Array); ok && len(c.args) == 1 {
			values = nil
			for _, it := range a.items {
				values = append(values, it.Value)
			}
		}
		if len(values) == 0 {
			return nil, c.errorf("the template language function '%s' expects at least one number: the array is empty", c.expr.Name)
		}
		if err := c.spend(len(values), 0); err != nil {
			return nil, err
		}
		best, float := values[0], false
		for _, v := range values {
			if !numberKind.has(v.Kind()) {
				return nil, c.errorf("the template language function '%s' expects numbers or one array of numbers: the provided value is of type '%v'", c.expr.Name, v.Kind())
			}
			float = float || v.Kind() == KindFloat
			pair := &call{ev: c.ev, expr: c.expr, args: []Value{v, best}}
			if is, err := better(pair); err != nil {
				return nil, err
			} else if is == Bool(true) {
				best = v
			}
		}
		if f, _ := number(best); float {
			return Float(f), nil
		}
		return best, nil
	}
}

// maxRange is Azure's limit on the count of range().
const maxRange = 10000

// rangeOf counts up from a start.
func rangeOf(c *call) (Value, error) {
	start, count := c.int(0), c.int(1)
	if count < 0 || count > maxRange {
		return nil, c.errorf("the template language function 'range' expects its second parameter to be from '0' to '%d': '%d' was provided", maxRange, count)
	}
	if start < math.MinInt32 || start+count-1 > math.MaxInt32 || start > math.MaxInt32 {
		return nil, c.errorf("the template language function 'range' expects its numbers to fit 32 bits: '%d' and '%d' were provided", start, count)
	}
	items := make([]Item, count)
	for i := range items {
		items[i].Value = Int(start + int64(i))
	}
	return c.array(items)
}
