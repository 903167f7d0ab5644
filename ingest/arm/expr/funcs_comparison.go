package expr

import (
	"cmp"
	"strings"
)

// truth is the answer to a question about values that may be unknown.
type truth uint8

const (
	maybe truth = iota
	no
	yes
)

// truthOf is yes or no.
func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// result turns an answer into the call's result.
func (c *call) result(t truth, err error) (Value, error) {
	switch {
	case err != nil:
		return nil, err
	case t == maybe:
		return c.unknown(), nil
	}
	return Bool(t == yes), nil
}

// equal compares deeply, as Newtonsoft's DeepEquals: strings and member names
// by case, members in any order, numbers of different type apart.
func (c *call) equal(a, b Value) (truth, error) {
	if err := c.spend(1, 0); err != nil {
		return no, err
	}
	if a.Kind() == KindUnknown || b.Kind() == KindUnknown {
		return maybe, nil
	}
	if a.Kind() != b.Kind() {
		return no, nil
	}
	switch a := a.(type) {
	case *Array:
		return c.equalArrays(a, b.(*Array))
	case *Object:
		return c.equalObjects(a, b.(*Object))
	}
	return truthOf(a == b), nil
}

func (c *call) equalArrays(a, b *Array) (truth, error) {
	if a.repeat || b.repeat {
		return maybe, nil
	}
	if a.Len() != b.Len() {
		return no, nil
	}
	all := yes
	for i := range a.items {
		t, err := c.equal(a.items[i].Value, b.items[i].Value)
		if err != nil || t == no {
			return no, err
		}
		if t == maybe {
			all = maybe
		}
	}
	return all, nil
}

func (c *call) equalObjects(a, b *Object) (truth, error) {
	if a.Len() != b.Len() && a.rest == nil && b.rest == nil {
		return no, nil
	}
	all := yes
	if a.rest != nil || b.rest != nil {
		all = maybe
	}
	for _, m := range a.members {
		n, ok := b.Get(m.Name)
		if !ok || n.Name != m.Name {
			if b.rest == nil {
				return no, nil
			}
			continue
		}
		t, err := c.equal(m.Value, n.Value)
		if err != nil || t == no {
			return no, err
		}
		if t == maybe {
			all = maybe
		}
	}
	for _, m := range b.members {
		if n, ok := a.Get(m.Name); (!ok || n.Name != m.Name) && a.rest == nil {
			return no, nil
		}
	}
	return all, nil
}

// equals compares numbers by value; everything else as equal does.
func equals(c *call) (Value, error) {
	a, b := c.args[0], c.args[1]
	if x, ok := number(a); ok {
		if y, ok := number(b); ok && a.Kind() != b.Kind() {
			return Bool(x == y), nil
		}
	}
	return c.result(c.equal(a, b))
}

func number(v Value) (float64, bool) {
	switch v := v.(type) {
	case Int:
		return float64(v), true
	case Float:
		return float64(v), true
	}
	return 0, false
}

// ordered makes the body of less, greater and the like: want is asked about the
// sign of the comparison.
func ordered(want func(sign int) bool) func(*call) (Value, error) {
	return func(c *call) (Value, error) {
		a, b := c.args[0], c.args[1]
		if textKind.has(a.Kind()) != textKind.has(b.Kind()) {
			return nil, c.errorf("the template language function '%s' expects two parameters of matching types. The function was invoked with values of type '%v' and '%v' that do not match",
				c.expr.Name, a.Kind(), b.Kind())
		}
		if textKind.has(a.Kind()) {
			if err := c.spend(len(c.text(0))+len(c.text(1)), 0); err != nil {
				return nil, err
			}
			sign, settled := collate(c.text(0), c.text(1))
			if !settled {
				return c.unsettled(), nil
			}
			return Bool(want(sign)), nil
		}
		if a.Kind() == KindInt && b.Kind() == KindInt {
			return Bool(want(cmp.Compare(c.int(0), c.int(1)))), nil
		}
		x, _ := number(a)
		y, _ := number(b)
		return Bool(want(cmp.Compare(x, y))), nil
	}
}

// collationOrder is the order of ASCII in the root collation, apart from letter
// case: white space, punctuation, symbols, digits, letters.
const collationOrder = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz"

// collate compares text as .NET's invariant culture does: letters first without
// regard to case, then lower before upper. .NET has two implementations, which
// differ in the weight of hyphens and apostrophes and on most of Unicode; where
// that would matter the answer is not settled.
func collate(a, b string) (sign int, settled bool) {
	if a == b {
		return 0, true
	}
	const light = "-'"
	strip := func(s string) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(light, r) {
				return -1
			}
			return r
		}, s)
	}
	full, ok1 := collateASCII(a, b)
	lightly, ok2 := collateASCII(strip(a), strip(b))
	return full, ok1 && ok2 && full == lightly
}

func collateASCII(a, b string) (sign int, settled bool) {
	lowerFirst := 0
	for i := 0; i < len(a) && i < len(b); i++ {
		x, y := weight(a[i]), weight(b[i])
		if x < 0 || y < 0 {
			return 0, false
		}
		if x != y {
			// What follows decides nothing, but must not combine with this.
			return cmp.Compare(x, y), isASCII(a) && isASCII(b)
		}
		if lowerFirst == 0 && a[i] != b[i] {
			lowerFirst = cmp.Compare(b[i], a[i]) // in ASCII upper case is lower
		}
	}
	if !isASCII(a) || !isASCII(b) {
		return 0, false
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), lowerFirst), true
}

func weight(b byte) int {
	if 'A' <= b && b <= 'Z' {
		b += 'a' - 'A'
	}
	return strings.IndexByte(collationOrder, b)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
