package expr

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var ignoreSpans = cmpopts.IgnoreTypes(Span{})

func TestIsExpressionAndUnescape(t *testing.T) {
	for s, want := range map[string]struct {
		expression bool
		literal    string
	}{
		"[concat('a')]":   {expression: true},
		"[]":              {expression: true},
		"[[text]":         {literal: "[text]"},
		"[[a](b)]":        {literal: "[a](b)]"},
		"[[x":             {literal: "[[x"},
		"[text] more":     {literal: "[text] more"},
		"[text":           {literal: "[text"},
		" [concat('a')]":  {literal: " [concat('a')]"},
		"[concat('a')] ":  {literal: "[concat('a')] "},
		"":                {literal: ""},
		"[":               {literal: "["},
		"plain":           {literal: "plain"},
		"[[parameters()]": {literal: "[parameters()]"},
	} {
		if got := IsExpression(s); got != want.expression {
			t.Errorf("IsExpression(%q) = %t", s, got)
		}
		if got := Unescape(s); !want.expression && got != want.literal {
			t.Errorf("Unescape(%q) = %q, want %q", s, got, want.literal)
		}
	}
}

func TestParseTree(t *testing.T) {
	str := func(s string) Expr { return &StringLit{Value: s} }
	for text, want := range map[string]Expr{
		"['it''s']":         str("it's"),
		`['a\n']`:           str(`a\n`),
		"[ -12 ]":           &IntLit{Value: -12},
		"[f()]":             &Call{Name: "f"},
		"[__bicep.fN('a')]": &Call{Namespace: "__bicep", Name: "fN", Args: []Expr{str("a")}},
		"[((f( 1 , 2 )))]":  &Call{Name: "f", Args: []Expr{&IntLit{Value: 1}, &IntLit{Value: 2}}},
		"[f().a['b'][0].c]": &Property{
			Of: &Index{
				Of:  &Index{Of: &Property{Of: &Call{Name: "f"}, Name: "a"}, Key: str("b")},
				Key: &IntLit{Value: 0},
			},
			Name: "c",
		},
		"[\n  concat(\u00a0'a',\r\n\t'b')\n]": &Call{Name: "concat", Args: []Expr{str("a"), str("b")}},
		"[(f('x')).y]":                        &Property{Of: &Call{Name: "f", Args: []Expr{str("x")}}, Name: "y"},
	} {
		got, err := Parse(text)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got, ignoreSpans); diff != "" {
			t.Errorf("Parse(%q) (-want +got):\n%s", text, diff)
		}
	}
}

func TestParseSpans(t *testing.T) {
	const text = "[ f( g('x') , 7 ).a[ h() ] ]"
	e, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	Walk(e, func(e Expr) bool {
		got = append(got, text[e.Range().Start:e.Range().End])
		return true
	})
	want := []string{"f( g('x') , 7 ).a[ h() ]", "f( g('x') , 7 ).a", "f( g('x') , 7 )", "g('x')", "'x'", "7", "h()"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]struct {
		at  int
		msg string
	}{
		"concat('a')":               {0, "is not an expression"},
		"[]":                        {1, "expected token 'Identifier' and actual 'EndOfData'"},
		"[f(]":                      {3, "actual 'EndOfData'"},
		"[f('a' 'b')]":              {7, "expected token 'Comma' and actual 'Literal'"},
		"[f('a',)]":                 {7, "actual 'RightParenthesis'"},
		"[f('a]":                    {3, "is not closed"},
		"[parameters]":              {11, "expected token 'LeftParenthesis'"},
		"[a.b.c()]":                 {4, "expected token 'LeftParenthesis'"},
		"[f().]":                    {5, "expected token 'Identifier'"},
		"[f()[]":                    {5, "expected token 'Identifier'"},
		"[f() g()]":                 {5, "expected token 'EndOfData' and actual 'Identifier'"},
		"[f(1 + 2)]":                {5, "the string character '+' at position '5' is not expected"},
		"[f(1.5)]":                  {5, "actual 'Integer'"},
		"[f(1a)]":                   {4, "character 'a'"},
		"[-]":                       {1, "character '-'"},
		"[f(99999999999999999999)]": {3, "does not fit 64 bits"},
		"[f(\"a\")]":                {3, "character '\"'"},
		"[f(\xff)]":                 {3, "is not expected"},
		"['" + strings.Repeat("x", MaxLength) + "']": {0, "longer than '24576' characters"},
	} {
		_, err := Parse(text)
		e, ok := err.(*Error)
		if !ok {
			t.Errorf("Parse(%.40q): error %v", text, err)
			continue
		}
		if e.Span.Start != want.at || !strings.Contains(e.Msg, want.msg) {
			t.Errorf("Parse(%.40q): %q at %d, want %q at %d", text, e.Msg, e.Span.Start, want.msg, want.at)
		}
	}
}

func TestParseIsBounded(t *testing.T) {
	for _, text := range []string{
		"[" + strings.Repeat("f(", 5000) + strings.Repeat(")", 5000) + "]",
		"[" + strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000) + "]",
		"[f()" + strings.Repeat(".a", 5000) + "]",
		"[f()" + strings.Repeat("[g()", 1000) + strings.Repeat("]", 1000) + "]",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), "nests deeper than '256'") {
			t.Errorf("Parse(%.20q): %v", text, err)
		}
	}
	if _, err := Parse("[f()" + strings.Repeat(".a", 200) + "]"); err != nil {
		t.Error(err)
	}
}

func TestPrintRoundTrip(t *testing.T) {
	for text, want := range map[string]string{
		"[f( 'it''s','' , -3)]": "[f('it''s', '', -3)]",
		"[(a.b()).c['d e'][0]]": "[a.b().c['d e'][0]]",
		"[-0]":                  "[0]",
	} {
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Print(e); got != want {
			t.Errorf("Print(Parse(%s)) = %s, want %s", text, got, want)
		}
		roundTrip(t, e)
	}
}

func roundTrip(t *testing.T, e Expr) {
	t.Helper()
	text := Print(e)
	again, err := Parse(text)
	if err != nil {
		t.Errorf("Parse(Print(x)): %v of %s", err, text)
		return
	}
	if !Equal(e, again) || !cmp.Equal(e, again, ignoreSpans) {
		t.Errorf("Parse(Print(x)) differs from x: %s", text)
	}
}

func TestEqualTellsApart(t *testing.T) {
	texts := []string{"['a']", "['b']", "[1]", "[2]", "[f()]", "[n.f()]", "[f(1)]", "[f(2)]", "[f().a]", "[f().b]", "[f()['a']]", "[f()[1]]", "[g()[1]]"}
	for i, a := range texts {
		for j, b := range texts {
			x, err1 := Parse(a)
			y, err2 := Parse(b)
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			if Equal(x, y) != (i == j) {
				t.Errorf("Equal(%s, %s) = %t", a, b, i != j)
			}
		}
	}
	x, _ := Parse("[Concat()]")
	y, _ := Parse("[concat()]")
	if !Equal(x, y) {
		t.Error("function names differ by case")
	}
}
