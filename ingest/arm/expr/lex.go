package expr

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokString
	tokInt
	tokIdent
	tokOpen     // (
	tokClose    // )
	tokIndex    // [
	tokIndexEnd // ]
	tokDot
	tokComma
)

// String names the token the way Azure's own syntax errors do.
func (k tokenKind) String() string {
	switch k {
	case tokEnd:
		return "EndOfData"
	case tokString:
		return "Literal"
	case tokInt:
		return "Integer"
	case tokIdent:
		return "Identifier"
	case tokOpen:
		return "LeftParenthesis"
	case tokClose:
		return "RightParenthesis"
	case tokIndex:
		return "LeftSquareBracket"
	case tokIndexEnd:
		return "RightSquareBracket"
	case tokDot:
		return "Dot"
	case tokComma:
		return "Comma"
	}
	panic("expr: unknown token")
}

type token struct {
	kind tokenKind
	text string // the source of the token; of a string its value
	Span
}

// lexer cuts text[pos:end] into tokens.
type lexer struct {
	text     string
	pos, end int
}

var punctuation = map[byte]tokenKind{
	'(': tokOpen, ')': tokClose, '[': tokIndex, ']': tokIndexEnd, '.': tokDot, ',': tokComma,
}

func (l *lexer) next() (token, error) {
	l.skipSpace()
	start := l.pos
	if start >= l.end {
		return token{kind: tokEnd, Span: Span{start, start}}, nil
	}
	c := l.text[start]
	if k, ok := punctuation[c]; ok {
		l.pos++
		return token{kind: k, text: l.text[start:l.pos], Span: Span{start, l.pos}}, nil
	}
	switch {
	case c == '\'':
		return l.stringLit()
	case c == '-' || isDigit(c):
		return l.integer()
	}
	if n := identifierLength(l.text[start:l.end]); n > 0 {
		l.pos += n
		return token{kind: tokIdent, text: l.text[start:l.pos], Span: Span{start, l.pos}}, nil
	}
	return token{}, l.unexpected(start)
}

// skipSpace passes white space of any kind: templates in the wild hold
// non-breaking spaces and newlines inside expressions.
func (l *lexer) skipSpace() {
	for l.pos < l.end {
		r, n := utf8.DecodeRuneInString(l.text[l.pos:l.end])
		if !unicode.IsSpace(r) {
			return
		}
		l.pos += n
	}
}

func (l *lexer) stringLit() (token, error) {
	start := l.pos
	var b strings.Builder
	for from := start + 1; ; {
		i := strings.IndexByte(l.text[from:l.end], '\'')
		if i < 0 {
			return token{}, errorf(Span{start, l.end}, "the language expression is not valid: the string that opens at position '%d' is not closed", start)
		}
		b.WriteString(l.text[from : from+i])
		from += i + 1
		if from < l.end && l.text[from] == '\'' {
			b.WriteByte('\'')
			from++
			continue
		}
		l.pos = from
		return token{kind: tokString, text: b.String(), Span: Span{start, from}}, nil
	}
}

func (l *lexer) integer() (token, error) {
	start := l.pos
	p := start
	if l.text[p] == '-' {
		p++
	}
	digits := p
	for p < l.end && isDigit(l.text[p]) {
		p++
	}
	if p == digits {
		return token{}, l.unexpected(start)
	}
	// 1abc is neither a number nor a name.
	if identifierLength(l.text[p:l.end]) > 0 {
		return token{}, l.unexpected(p)
	}
	l.pos = p
	return token{kind: tokInt, text: l.text[start:p], Span: Span{start, p}}, nil
}

func (l *lexer) unexpected(at int) error {
	r, n := utf8.DecodeRuneInString(l.text[at:l.end])
	return errorf(Span{at, at + n}, "the language expression is not valid: the string character '%c' at position '%d' is not expected", r, at)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// identifierLength returns the bytes of the identifier that s starts with.
func identifierLength(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			return i
		}
		if r == '_' || r == '$' || unicode.IsLetter(r) || i > 0 && unicode.IsDigit(r) {
			continue
		}
		return i
	}
	return len(s)
}

func isIdentifier(s string) bool { return s != "" && identifierLength(s) == len(s) }
