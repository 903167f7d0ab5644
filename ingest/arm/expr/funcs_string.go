package expr

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Azure counts text in UTF-16 units. Text cut inside a surrogate pair gets a
// replacement character.

func unitCount(s string) int {
	if isASCII(s) {
		return len(s)
	}
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// cutUnits is s[from:to] in UTF-16 units, which must be within it.
func cutUnits(s string, from, to int) string {
	if isASCII(s) {
		return s[from:to]
	}
	return string(utf16.Decode(utf16.Encode([]rune(s))[from:to]))
}

// dotless and dotted are the Turkish letters that the invariant culture leaves
// alone.
const (
	dotless = 'ı'
	dotted  = 'İ'
)

func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r == dotted {
			return r
		}
		return unicode.ToLower(r)
	}, s)
}

func upper(s string) string {
	return strings.Map(func(r rune) rune {
		if r == dotless {
			return r
		}
		return unicode.ToUpper(r)
	}, s)
}

func toLower(c *call) (Value, error) { return c.string(lower(c.text(0))) }
func toUpper(c *call) (Value, error) { return c.string(upper(c.text(0))) }
func trim(c *call) (Value, error)    { return c.string(strings.TrimSpace(c.text(0))) }

// display writes a known scalar as concat and string do: true is True.
func display(v Value) string {
	switch v := v.(type) {
	case Bool:
		if v {
			return "True"
		}
		return "False"
	case String:
		return string(v)
	case Int:
		return strconv.FormatInt(int64(v), 10)
	case Float:
		return strings.TrimSuffix(formatFloat(float64(v)), ".0")
	}
	return ""
}

// toString writes an object or array as compact JSON, null as ”.
func toString(c *call) (Value, error) {
	if k := c.args[0].Kind(); k == KindArray || k == KindObject {
		s, err := compactJSON(c.args[0], c.ev.budget)
		if err != nil {
			return nil, err
		}
		return String(s), nil
	}
	return c.string(display(c.args[0]))
}

// concat joins arrays, or else text, numbers and bools; null adds nothing.
func concat(c *call) (Value, error) {
	if len(c.args) == 0 {
		return nil, c.errorf("unable to evaluate template language function 'concat': at least one parameter should be provided")
	}
	arrays, unknowns := 0, 0
	for i, v := range c.args {
		switch k := v.Kind(); {
		case k == KindArray:
			arrays++
		case k == KindUnknown:
			unknowns++
		case !(stringKind | intKind | boolKind | nullKind).has(k):
			return nil, c.badKind(i, stringKind|intKind|boolKind|arrayKind)
		}
	}
	switch {
	case arrays > 0 && arrays+unknowns < len(c.args):
		return nil, c.errorf("the template language function 'concat' expects either arrays only or no array: both were provided")
	case unknowns > 0:
		return c.unknown(), nil
	case arrays > 0:
		return c.joinArrays()
	}
	n := 0
	parts := make([]string, len(c.args))
	for i, v := range c.args {
		parts[i] = display(v)
		n += len(parts[i])
	}
	if err := c.spend(len(parts), n); err != nil {
		return nil, err
	}
	return String(strings.Join(parts, "")), nil
}

func (c *call) joinArrays() (Value, error) {
	n, repeat := 0, false
	for _, v := range c.args {
		a := v.(*Array)
		n += a.Len()
		repeat = repeat || a.repeat
	}
	if err := c.spend(n, 0); err != nil {
		return nil, err
	}
	all := make([]Item, 0, n)
	for _, v := range c.args {
		all = append(all, v.(*Array).items...)
	}
	a, err := c.newArray(all)
	if err != nil {
		return nil, err
	}
	if repeat {
		a.repeating()
	}
	return a, nil
}

func padLeft(c *call) (Value, error) {
	const most = 16 // Azure's own limit
	width, pad := c.int(1), " "
	if width < 1 || width > most {
		return nil, c.errorf("unable to evaluate template language function 'padLeft': the second parameter is invalid. Total width must be a positive integer value and not greater than '%d', while '%d' was provided", most, width)
	}
	if len(c.args) == 3 && c.args[2].Kind() == KindString {
		pad = c.text(2)
	}
	if unitCount(pad) != 1 {
		return nil, c.errorf("unable to evaluate template language function 'padLeft': the third parameter is invalid. The padding character must be a single character, while '%s' was provided", clip(pad))
	}
	s := display(c.args[0])
	return c.string(strings.Repeat(pad, max(0, int(width)-unitCount(s))) + s)
}

// replace replaces all occurrences. Whether Azure minds case here is not
// documented, and two of its own implementations differ: the answer is known
// only where it does not matter.
func replace(c *call) (Value, error) {
	s, from, to := c.text(0), c.text(1), c.text(2)
	if from == "" {
		return nil, c.errorf("the template language function 'replace' expects its second parameter to be a non-empty string")
	}
	if err := c.spend(len(s), len(s)+strings.Count(s, from)*len(to)); err != nil {
		return nil, err
	}
	if !sameMatches(s, from) {
		return c.unsettled(), nil
	}
	return String(strings.ReplaceAll(s, from, to)), nil
}

// sameMatches reports whether looking for part in s, from left to right, finds
// the same places with and without regard to case.
func sameMatches(s, part string) bool {
	ls, lp := lower(s), lower(part)
	if len(ls) != len(s) || len(lp) != len(part) {
		return !strings.Contains(ls, lp)
	}
	for from := 0; ; {
		i := strings.Index(ls[from:], lp)
		if i < 0 {
			return true
		}
		if !strings.HasPrefix(s[from+i:], part) {
			return false
		}
		from += i + len(part)
	}
}

// split keeps empty entries. At each place the first delimiter of the list that
// fits is taken, as .NET does.
func split(c *call) (Value, error) {
	if c.args[0].Kind() == KindNull {
		return c.array(nil)
	}
	var delimiters []string
	switch d := c.args[1].(type) {
	case String:
		delimiters = []string{string(d)}
	case *Array:
		for _, it := range d.items {
			if !textKind.has(it.Value.Kind()) {
				return nil, c.errorf("the template language function 'split' expects its second parameter to be a string or an array of strings: an item is of type '%v'", it.Value.Kind())
			}
			s, _ := it.Value.(String)
			delimiters = append(delimiters, string(s))
		}
	}
	s := c.text(0)
	if err := c.spend(len(s)*(len(delimiters)+1), len(s)); err != nil {
		return nil, err
	}
	var parts []Item
	start := 0
	for i := 0; i < len(s); {
		n := 0
		for _, d := range delimiters {
			if d != "" && strings.HasPrefix(s[i:], d) {
				n = len(d)
				break
			}
		}
		if n == 0 {
			i++
			continue
		}
		parts = append(parts, Item{Value: String(s[start:i])})
		i += n
		start = i
	}
	return c.array(append(parts, Item{Value: String(s[start:])}))
}

func join(c *call) (Value, error) {
	a := c.args[0].(*Array)
	parts := make([]string, a.Len())
	n := 0
	for i, it := range a.items {
		if !(textKind | intKind | boolKind).has(it.Value.Kind()) {
			return nil, c.errorf("the template language function 'join' expects an array of strings: the item '%d' is of type '%v'", i, it.Value.Kind())
		}
		parts[i] = display(it.Value)
		n += len(parts[i]) + len(c.text(1))
	}
	if err := c.spend(len(parts), n); err != nil {
		return nil, err
	}
	return String(strings.Join(parts, c.text(1))), nil
}

func substring(c *call) (Value, error) {
	s := c.text(0)
	units := int64(unitCount(s))
	start, count := int64(0), units
	if len(c.args) > 1 {
		start = c.int(1)
		count = units - start
	}
	if len(c.args) > 2 {
		count = c.int(2)
	}
	if start < 0 || count < 0 && len(c.args) > 2 {
		return nil, c.errorf("unable to evaluate template language function 'substring': the index '%d' and length '%d' must not be negative", start, count)
	}
	if start > units || count > units-start {
		return nil, c.errorf("unable to evaluate template language function 'substring': the index and length parameters must refer to a location within the string. The index parameter: '%d', the length parameter: '%d', the length of the string parameter: '%d'",
			start, max(count, 0), units)
	}
	return c.string(cutUnits(s, int(start), int(start+count)))
}

// affix makes the body of startsWith and endsWith, which ignore case.
func affix(has func(s, affix string) bool) func(*call) (Value, error) {
	return func(c *call) (Value, error) {
		return Bool(has(lower(c.text(0)), lower(c.text(1)))), nil
	}
}

// indexIn makes the body of indexOf and lastIndexOf: text without regard to
// case, arrays with; find works on the former, the array is walked from the
// given end.
func indexIn(find func(s, part string) int, fromEnd bool) func(*call) (Value, error) {
	return func(c *call) (Value, error) {
		switch in := c.args[0].(type) {
		case Null:
			return Int(-1), nil
		case *Array:
			return c.indexInArray(in, fromEnd)
		}
		if !textKind.has(c.args[1].Kind()) {
			return nil, c.badKind(1, stringKind)
		}
		s := lower(c.text(0))
		i := find(s, lower(c.text(1)))
		if i < 0 {
			return Int(-1), nil
		}
		return Int(unitCount(s[:i])), nil
	}
}

func (c *call) indexInArray(in *Array, fromEnd bool) (Value, error) {
	for n := range in.items {
		i := n
		if fromEnd {
			i = len(in.items) - 1 - n
		}
		t, err := c.equal(in.items[i].Value, c.args[1])
		switch {
		case err != nil:
			return nil, err
		case t == maybe || t == yes && (i >= in.exactUpTo()):
			return c.unknown(), nil
		case t == yes:
			return Int(i), nil
		}
	}
	return Int(-1), nil
}

// like matches '*' with any text, without regard to case. What '?' means there
// is not documented.
func like(c *call) (Value, error) {
	pattern := lower(c.text(1))
	if strings.Contains(pattern, "?") {
		return c.unsettled(), nil
	}
	if err := c.spend(len(pattern)+len(c.text(0)), 0); err != nil {
		return nil, err
	}
	parts := strings.Split(pattern, "*")
	s := lower(c.text(0))
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return Bool(s == pattern), nil
	}
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return Bool(false), nil
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, ok := strings.Cut(s, part)
		if !ok {
			return Bool(false), nil
		}
		s = rest
	}
	return Bool(true), nil
}

func toBase64(c *call) (Value, error) {
	return c.string(base64.StdEncoding.EncodeToString([]byte(c.text(0))))
}

// decodeBase64 ignores white space, as .NET does, and replaces what is not
// UTF-8.
func decodeBase64(s string) (string, bool) {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, s)
	b, err := base64.StdEncoding.DecodeString(s)
	return strings.ToValidUTF8(string(b), string(utf8.RuneError)), err == nil
}

func base64ToString(c *call) (Value, error) {
	s, ok := decodeBase64(c.text(0))
	if !ok {
		return nil, c.errorf("the template language function '%s' was invoked with a parameter that is not valid: the value cannot be decoded from base64 representation", c.expr.Name)
	}
	return c.string(s)
}

func base64ToJSON(c *call) (Value, error) {
	s, err := base64ToString(c)
	if err != nil {
		return nil, err
	}
	return c.parsed(string(s.(String)))
}
