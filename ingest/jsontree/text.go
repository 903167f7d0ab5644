package jsontree

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// unquote resolves the escapes of a string that Parse has checked.
func unquote(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			var r rune
			r, s = codePoint(s)
			b.WriteRune(r)
		default:
			b.WriteByte(c)
		}
	}
}

// codePoint reads the digits after \u, and a second escape where the two are a
// surrogate pair. A surrogate on its own is U+FFFD.
func codePoint(s string) (r rune, rest string) {
	r, _ = hex4(s)
	rest = s[4:]
	if !utf16.IsSurrogate(r) {
		return r, rest
	}
	if strings.HasPrefix(rest, `\u`) {
		low, _ := hex4(rest[2:])
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, rest[6:]
		}
	}
	return utf8.RuneError, rest
}

func hex4(s string) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for i := range 4 {
		c := lower(s[i])
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 + rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 + rune(c-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// Encode returns n as compact JSON, members in source order and duplicates
// included. The absent value is null.
func (n *Node) Encode() []byte { return n.appendTo(nil) }

func (n *Node) appendTo(b []byte) []byte {
	switch n.Kind() {
	case Absent, Null:
		return append(b, "null"...)
	case Bool, Number:
		return append(b, n.raw()...)
	case String:
		return appendQuoted(b, n.Text())
	case Array:
		b = append(b, '[')
		for i, item := range n.Items() {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.appendTo(b)
		}
		return append(b, ']')
	case Object:
		b = append(b, '{')
		for i, m := range n.Members() {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendQuoted(b, m.Name)
			b = append(b, ':')
			b = m.Value.appendTo(b)
		}
		return append(b, '}')
	}
	panic("jsontree: " + n.Kind().String())
}

// appendQuoted writes a JSON string. Unlike encoding/json it leaves <, > and &
// alone, so that residues read as they were written.
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r < 0x20 || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
