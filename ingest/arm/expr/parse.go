package expr

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of an expression's text.
const (
	// MaxLength is Azure's own limit on an expression, in characters.
	// https://learn.microsoft.com/azure/azure-resource-manager/templates/best-practices#template-limits
	MaxLength = 24576
	// MaxNesting bounds how deep calls and accesses nest; Azure states no limit.
	MaxNesting = 256
)

// IsExpression reports whether Azure reads a template's string as an
// expression: it starts with [, ends with ] and does not start with [[.
// Parameter-file values and metadata are never expressions; that is for the
// caller to know.
func IsExpression(s string) bool {
	return len(s) >= 2 && s[0] == '[' && s[len(s)-1] == ']' && s[1] != '['
}

// Unescape returns what a string that is not an expression stands for:
// "[[text]" is the literal "[text]", all others are themselves.
func Unescape(s string) string {
	if strings.HasPrefix(s, "[[") && strings.HasSuffix(s, "]") {
		return s[1:]
	}
	return s
}

// Parse reads an expression with its brackets, "[...]". The error is an *Error;
// spans count bytes from the opening bracket.
func Parse(text string) (Expr, error) {
	if !IsExpression(text) {
		return nil, errorf(Span{0, len(text)}, "'%s' is not an expression: it needs one '[' in front and a ']' at its end", clip(text))
	}
	if len(text) > MaxLength && utf8.RuneCountInString(text) > MaxLength {
		return nil, errorf(Span{0, len(text)}, "the language expression is longer than '%d' characters", MaxLength)
	}
	p := parser{lex: lexer{text: text, pos: 1, end: len(text) - 1}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	e, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.expected(tokEnd)
	}
	return e, nil
}

type parser struct {
	lex   lexer
	tok   token // the one not yet used
	last  int   // where the token used last ended
	depth int
}

func (p *parser) advance() error {
	p.last = p.tok.End
	t, err := p.lex.next()
	if err != nil {
		return err
	}
	p.tok = t
	return nil
}

func (p *parser) expected(k tokenKind) error {
	return errorf(p.tok.Span, "unable to parse language expression: expected token '%v' and actual '%v' at position '%d'", k, p.tok.kind, p.tok.Start)
}

func (p *parser) take(k tokenKind) error {
	if p.tok.kind != k {
		return p.expected(k)
	}
	return p.advance()
}

func (p *parser) deeper() error {
	p.depth++
	if p.depth > MaxNesting {
		return errorf(p.tok.Span, "the language expression nests deeper than '%d'", MaxNesting)
	}
	return nil
}

// expression := primary { '.' identifier | '[' expression ']' }
func (p *parser) expression() (Expr, error) {
	depth := p.depth
	defer func() { p.depth = depth }()
	if err := p.deeper(); err != nil {
		return nil, err
	}
	start := p.tok.Start
	e, err := p.primary()
	if err != nil {
		return nil, err
	}
	// Each access is one more level of the tree, though not of the parser.
	for p.tok.kind == tokDot || p.tok.kind == tokIndex {
		if err := p.deeper(); err != nil {
			return nil, err
		}
		if e, err = p.postfix(e, start); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (p *parser) postfix(of Expr, start int) (Expr, error) {
	dot := p.tok.kind == tokDot
	if err := p.advance(); err != nil {
		return nil, err
	}
	if dot {
		name := p.tok.text
		if err := p.take(tokIdent); err != nil {
			return nil, err
		}
		return &Property{Span: Span{start, p.last}, Of: of, Name: name}, nil
	}
	key, err := p.expression()
	if err != nil {
		return nil, err
	}
	if err := p.take(tokIndexEnd); err != nil {
		return nil, err
	}
	return &Index{Span: Span{start, p.last}, Of: of, Key: key}, nil
}

// primary := string | integer | call | '(' expression ')'
func (p *parser) primary() (Expr, error) {
	t := p.tok
	switch t.kind {
	case tokString:
		return &StringLit{Span: t.Span, Value: t.text}, p.advance()
	case tokInt:
		n, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			return nil, errorf(t.Span, "the language expression is not valid: the number '%s' does not fit 64 bits", clip(t.text))
		}
		return &IntLit{Span: t.Span, Value: n}, p.advance()
	case tokIdent:
		return p.call()
	case tokOpen:
		if err := p.advance(); err != nil {
			return nil, err
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		return e, p.take(tokClose)
	}
	return nil, p.expected(tokIdent)
}

// call := identifier [ '.' identifier ] '(' [ expression { ',' expression } ] ')'
func (p *parser) call() (Expr, error) {
	c := &Call{Span: p.tok.Span, Name: p.tok.text}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind == tokDot {
		if err := p.advance(); err != nil {
			return nil, err
		}
		c.Namespace, c.Name = c.Name, p.tok.text
		if err := p.take(tokIdent); err != nil {
			return nil, err
		}
	}
	if err := p.take(tokOpen); err != nil {
		return nil, err
	}
	for p.tok.kind != tokClose {
		if len(c.Args) > 0 {
			if err := p.take(tokComma); err != nil {
				return nil, err
			}
		}
		a, err := p.expression()
		if err != nil {
			return nil, err
		}
		c.Args = append(c.Args, a)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	c.End = p.last
	return c, nil
}
