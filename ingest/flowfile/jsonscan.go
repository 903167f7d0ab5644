package flowfile

import (
	"bytes"
	"encoding/json"
	"unicode/utf16"
	"unicode/utf8"
)

// objectScanner walks the members of a JSON object that stands on one line. It
// is strict: what encoding/json would refuse, it refuses.
type objectScanner struct {
	line    []byte
	pos     int
	members int
	scratch []byte // unescaped strings of the line
}

// start takes a line and reports whether an object opens it.
func (s *objectScanner) start(line []byte) bool {
	s.line, s.pos, s.members = line, 0, 0
	// Unescaped strings are no longer than their source, and members point into
	// scratch, so it must not move while a line is read.
	if cap(s.scratch) < len(line) {
		s.scratch = make([]byte, 0, 2*len(line))
	}
	s.scratch = s.scratch[:0]
	return s.take('{')
}

func (s *objectScanner) space() {
	for s.pos < len(s.line) {
		switch s.line[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

func (s *objectScanner) take(c byte) bool {
	s.space()
	if s.pos < len(s.line) && s.line[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// member returns the next member: its key, its value as text and the kind of
// the value, as in column.Batch.Kinds. more is false after the last one; ok is
// false when the line is not one JSON object.
func (s *objectScanner) member() (key, value []byte, kind byte, more, ok bool) {
	if s.take('}') {
		s.space()
		return nil, nil, 0, false, s.pos == len(s.line)
	}
	if s.members > 0 && !s.take(',') {
		return nil, nil, 0, false, false
	}
	s.members++
	s.space()
	if key, ok = s.text(); !ok || !s.take(':') {
		return nil, nil, 0, false, false
	}
	s.space()
	value, kind, ok = s.value()
	return key, value, kind, true, ok
}

func (s *objectScanner) value() (value []byte, kind byte, ok bool) {
	if s.pos >= len(s.line) {
		return nil, 0, false
	}
	switch c := s.line[s.pos]; {
	case c == '"':
		value, ok = s.text()
		return value, 's', ok
	case c == '-' || c >= '0' && c <= '9':
		value, ok = s.number()
		return value, 'n', ok
	case c == '{' || c == '[':
		value, ok = s.nested()
		return value, 'o', ok
	}
	for _, w := range [...]struct {
		word string
		kind byte
	}{{"null", 0}, {"true", 'b'}, {"false", 'b'}} {
		if bytes.HasPrefix(s.line[s.pos:], []byte(w.word)) {
			value = s.line[s.pos : s.pos+len(w.word)]
			s.pos += len(w.word)
			if w.kind == 0 {
				value = nil
			}
			return value, w.kind, true
		}
	}
	return nil, 0, false
}

// text reads a string and returns what it means.
func (s *objectScanner) text() ([]byte, bool) {
	if s.pos >= len(s.line) || s.line[s.pos] != '"' {
		return nil, false
	}
	first := s.pos + 1
	for i := first; i < len(s.line); i++ {
		switch c := s.line[i]; {
		case c == '"':
			s.pos = i + 1
			return s.line[first:i], true
		case c == '\\':
			return s.escaped(first, i)
		case c < ' ':
			return nil, false
		}
	}
	return nil, false
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escaped reads the string that starts at first and has its first escape at i.
func (s *objectScanner) escaped(first, i int) ([]byte, bool) {
	start := len(s.scratch)
	s.scratch = append(s.scratch, s.line[first:i]...)
	for i < len(s.line) {
		c := s.line[i]
		switch {
		case c == '"':
			s.pos = i + 1
			return s.scratch[start:], true
		case c < ' ':
			return nil, false
		case c != '\\':
			s.scratch = append(s.scratch, c)
			i++
		case i+1 == len(s.line):
			return nil, false
		case s.line[i+1] == 'u':
			r, ok := s.hex(i + 2)
			if !ok {
				return nil, false
			}
			i += 6
			if utf16.IsSurrogate(r) {
				// A lone half means nothing; encoding/json reads it so too.
				half := r
				r = utf8.RuneError
				if i+1 < len(s.line) && s.line[i] == '\\' && s.line[i+1] == 'u' {
					if low, ok := s.hex(i + 2); ok {
						if both := utf16.DecodeRune(half, low); both != utf8.RuneError {
							r = both
							i += 6
						}
					}
				}
			}
			s.scratch = utf8.AppendRune(s.scratch, r)
		default:
			e := escapes[s.line[i+1]]
			if e == 0 {
				return nil, false
			}
			s.scratch = append(s.scratch, e)
			i += 2
		}
	}
	return nil, false
}

func (s *objectScanner) hex(i int) (rune, bool) {
	if i+4 > len(s.line) {
		return 0, false
	}
	var r rune
	for _, c := range s.line[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

func (s *objectScanner) digits() bool {
	first := s.pos
	for s.pos < len(s.line) && s.line[s.pos] >= '0' && s.line[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > first
}

func (s *objectScanner) at(chars string) bool {
	return s.pos < len(s.line) && bytes.IndexByte([]byte(chars), s.line[s.pos]) >= 0
}

func (s *objectScanner) number() ([]byte, bool) {
	first := s.pos
	if s.at("-") {
		s.pos++
	}
	if s.at("0") {
		s.pos++
	} else if !s.digits() {
		return nil, false
	}
	if s.at(".") {
		s.pos++
		if !s.digits() {
			return nil, false
		}
	}
	if s.at("eE") {
		s.pos++
		if s.at("+-") {
			s.pos++
		}
		if !s.digits() {
			return nil, false
		}
	}
	return s.line[first:s.pos], true
}

// nested reads an array or object and returns its source text.
func (s *objectScanner) nested() ([]byte, bool) {
	first, depth := s.pos, 0
	for s.pos < len(s.line) {
		switch s.line[s.pos] {
		case '"':
			for s.pos++; s.pos < len(s.line) && s.line[s.pos] != '"'; s.pos++ {
				if s.line[s.pos] == '\\' {
					s.pos++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.pos++
		if depth == 0 {
			if s.pos > len(s.line) {
				return nil, false
			}
			v := s.line[first:s.pos]
			return v, json.Valid(v)
		}
	}
	return nil, false
}
