package expr

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxJSONDepth bounds the nesting of JSON text; Newtonsoft, which Azure uses,
// stops at 64 by default but the engine raises it.
const maxJSONDepth = 200

// jsonReader reads JSON as leniently as Newtonsoft does: comments, trailing
// commas, single quotes and bare names are accepted, of equal names the last
// wins.
type jsonReader struct {
	text   string
	pos    int
	depth  int
	budget *Budget
}

func parseJSON(text string, b *Budget) (Value, error) {
	r := jsonReader{text: text, budget: b}
	v, err := r.value()
	if err != nil {
		return nil, err
	}
	if err := r.space(); err != nil {
		return nil, err
	}
	if r.pos < len(r.text) {
		return nil, r.bad("more text after the value")
	}
	return v, nil
}

func (r *jsonReader) bad(what string) error {
	return fmt.Errorf("%s at position '%d'", what, r.pos)
}

// space passes white space and comments.
func (r *jsonReader) space() error {
	for r.pos < len(r.text) {
		rest := r.text[r.pos:]
		switch {
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			r.pos++
		case strings.HasPrefix(rest, "//"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			r.pos += n
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return r.bad("a comment without an end")
			}
			r.pos += n + 4
		default:
			return nil
		}
	}
	return nil
}

func (r *jsonReader) peek() byte {
	if r.pos < len(r.text) {
		return r.text[r.pos]
	}
	return 0
}

func (r *jsonReader) value() (Value, error) {
	if err := r.space(); err != nil {
		return nil, err
	}
	if err := r.budget.spend(1, containerCost); err != nil {
		return nil, err
	}
	switch c := r.peek(); {
	case c == '{' || c == '[':
		r.depth++
		defer func() { r.depth-- }()
		if r.depth > maxJSONDepth {
			return nil, r.bad("too many levels")
		}
		r.pos++
		if c == '{' {
			return r.object()
		}
		return r.array()
	case c == '"' || c == '\'':
		s, err := r.str()
		return String(s), err
	case c == '-' || isDigit(c):
		return r.number()
	}
	switch w := r.word(); w {
	case "true":
		return Bool(true), nil
	case "false":
		return Bool(false), nil
	case "null":
		return Null{}, nil
	}
	return nil, r.bad("no JSON value")
}

func (r *jsonReader) word() string {
	start := r.pos
	for r.pos < len(r.text) {
		c := r.text[r.pos]
		if c != '_' && c != '$' && !isDigit(c) && (c|0x20 < 'a' || 'z' < c|0x20) {
			break
		}
		r.pos++
	}
	return r.text[start:r.pos]
}

// more passes the comma before the next element, and reports whether there is
// one before the closing bracket.
func (r *jsonReader) more(end byte, first bool) (bool, error) {
	if err := r.space(); err != nil {
		return false, err
	}
	if r.peek() == end {
		r.pos++
		return false, nil
	}
	if first {
		return true, nil
	}
	if r.peek() != ',' {
		return false, r.bad("no comma")
	}
	r.pos++
	if err := r.space(); err != nil {
		return false, err
	}
	if r.peek() == end {
		r.pos++
		return false, nil
	}
	return true, nil
}

func (r *jsonReader) array() (Value, error) {
	var items []Item
	for {
		ok, err := r.more(']', len(items) == 0)
		if err != nil {
			return nil, err
		}
		if !ok {
			return NewArray(nil, items...), nil
		}
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		items = append(items, Item{Value: v})
	}
}

func (r *jsonReader) object() (Value, error) {
	var members []Member
	for {
		ok, err := r.more('}', len(members) == 0)
		if err != nil {
			return nil, err
		}
		if !ok {
			return NewObject(nil, members...), nil
		}
		var name string
		if c := r.peek(); c == '"' || c == '\'' {
			if name, err = r.str(); err != nil {
				return nil, err
			}
		} else if name = r.word(); name == "" {
			return nil, r.bad("no property name")
		}
		if err := r.space(); err != nil {
			return nil, err
		}
		if r.peek() != ':' {
			return nil, r.bad("no colon")
		}
		r.pos++
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		members = append(members, Member{Name: name, Value: v})
	}
}

func (r *jsonReader) number() (Value, error) {
	start := r.pos
	for r.pos < len(r.text) && strings.IndexByte("+-.eE0123456789", r.text[r.pos]) >= 0 {
		r.pos++
	}
	text := r.text[start:r.pos]
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Int(n), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, r.bad("no JSON number")
	}
	return Float(f), nil
}

func (r *jsonReader) str() (string, error) {
	quote := r.peek()
	r.pos++
	var b strings.Builder
	for {
		n := strings.IndexAny(r.text[r.pos:], `\`+string(rune(quote)))
		if n < 0 {
			return "", r.bad("a string without an end")
		}
		b.WriteString(r.text[r.pos : r.pos+n])
		r.pos += n + 1
		if r.text[r.pos-1] == quote {
			return b.String(), r.budget.spend(0, b.Len())
		}
		c, err := r.escape()
		if err != nil {
			return "", err
		}
		b.WriteRune(c)
	}
}

const (
	escapes   = `"\/'bfnrt`
	unescaped = "\"\\/'\b\f\n\r\t"
)

func (r *jsonReader) escape() (rune, error) {
	c := r.peek()
	r.pos++
	if i := strings.IndexByte(escapes, c); i >= 0 && c != 0 {
		return rune(unescaped[i]), nil
	}
	if c != 'u' {
		return 0, r.bad("an unknown escape")
	}
	u, err := r.hex4()
	if err != nil || !utf16.IsSurrogate(u) {
		return u, err
	}
	if strings.HasPrefix(r.text[r.pos:], `\u`) {
		back := r.pos
		r.pos += 2
		low, err := r.hex4()
		if err != nil {
			return 0, err
		}
		if pair := utf16.DecodeRune(u, low); pair != utf8.RuneError {
			return pair, nil
		}
		r.pos = back
	}
	return utf8.RuneError, nil
}

func (r *jsonReader) hex4() (rune, error) {
	if r.pos+4 > len(r.text) {
		return 0, r.bad("a short escape")
	}
	n, err := strconv.ParseUint(r.text[r.pos:r.pos+4], 16, 16)
	if err != nil {
		return 0, r.bad("a bad escape")
	}
	r.pos += 4
	return rune(n), nil
}

// jsonWriter writes known values as compact JSON, as Newtonsoft does.
type jsonWriter struct {
	b      strings.Builder
	budget *Budget
}

func compactJSON(v Value, b *Budget) (string, error) {
	w := jsonWriter{budget: b}
	if err := w.write(v); err != nil {
		return "", err
	}
	return w.b.String(), nil
}

func (w *jsonWriter) write(v Value) error {
	start := w.b.Len()
	switch v := v.(type) {
	case Null:
		w.b.WriteString("null")
	case Bool:
		w.b.WriteString(strconv.FormatBool(bool(v)))
	case Int:
		w.b.WriteString(strconv.FormatInt(int64(v), 10))
	case Float:
		w.b.WriteString(formatFloat(float64(v)))
	case String:
		w.quote(string(v))
	case *Array:
		w.b.WriteByte('[')
		for i, it := range v.items {
			if i > 0 {
				w.b.WriteByte(',')
			}
			if err := w.write(it.Value); err != nil {
				return err
			}
		}
		w.b.WriteByte(']')
		return w.budget.spend(1, 2+len(v.items))
	case *Object:
		w.b.WriteByte('{')
		for i, m := range v.members {
			if i > 0 {
				w.b.WriteByte(',')
			}
			w.quote(m.Name)
			w.b.WriteByte(':')
			if err := w.write(m.Value); err != nil {
				return err
			}
			if err := w.budget.spend(0, len(m.Name)+4); err != nil {
				return err
			}
		}
		w.b.WriteByte('}')
		return w.budget.spend(1, 2)
	default:
		panic("expr: " + v.Kind().String() + " written as JSON")
	}
	return w.budget.spend(1, w.b.Len()-start)
}

func (w *jsonWriter) quote(s string) {
	w.b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.b.WriteByte('\\')
			w.b.WriteRune(r)
		case strings.ContainsRune("\b\f\n\r\t", r):
			w.b.WriteByte('\\')
			w.b.WriteByte("btn?fr"[r-'\b'])
		case r < ' ' || r == 0x85 || r == 0x2028 || r == 0x2029:
			fmt.Fprintf(&w.b, `\u%04x`, r)
		default:
			w.b.WriteRune(r)
		}
	}
	w.b.WriteByte('"')
}

// formatFloat writes the shortest text that reads back as f, with a fraction or
// an exponent, so that it stays a float.
func formatFloat(f float64) string {
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-5 || a >= 1e15) {
		format = 'E'
	}
	s := strconv.FormatFloat(f, format, -1, 64)
	if !strings.ContainsAny(s, ".EIN") {
		s += ".0"
	}
	return s
}
