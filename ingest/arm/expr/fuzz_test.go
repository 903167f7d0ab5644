package expr

import (
	"errors"
	"testing"
	"time"
)

func seeds(f *testing.F) {
	for _, cases := range functionCases {
		for _, c := range cases {
			f.Add("[" + c[0] + "]")
		}
	}
	for _, b := range bombs {
		f.Add(b)
	}
	f.Add("[[escaped]")
	f.Add("[f(.5)]")
}

func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			var pe *Error
			if !errors.As(err, &pe) || pe.Span.Start < 0 || pe.Span.End > len(text) || pe.Span.Start > pe.Span.End {
				t.Fatalf("Parse(%q): error %v with span %v", text, err, pe)
			}
			return
		}
		if len(Print(e)) > MaxLength {
			return // printing adds a space after each comma
		}
		roundTrip(t, e)
	})
}

func FuzzEval(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			return
		}
		start := time.Now()
		b := &Budget{Steps: 50_000, Bytes: 4 << 20}
		v, err := Eval(e, newScope(), b)
		if d := time.Since(start); d > 5*time.Second {
			t.Fatalf("%q took %v", text, d)
		}
		if err != nil {
			var ee *Error
			if !errors.As(err, &ee) || ee.Span.End > len(text) || ee.Msg == "" {
				t.Fatalf("%q: error %#v", text, err)
			}
			return
		}
		if b.depth != 0 {
			t.Fatalf("%q: the depth is %d afterwards", text, b.depth)
		}
		if !Known(v) && len(Reasons(v)) == 0 {
			t.Fatalf("%q: unknown without a reason", text)
		}
		if u, ok := v.(*Unknown); ok && len(Print(u.Expr)) <= MaxLength {
			if _, err := Parse(Print(u.Expr)); err != nil && countNodes(u.Expr) < MaxNesting {
				t.Fatalf("%q: the residue %s does not parse: %v", text, Print(u.Expr), err)
			}
		}
		if Size(v) < 10_000 {
			again, err := Eval(e, newScope(), &Budget{Steps: 50_000, Bytes: 4 << 20})
			if err != nil || written(again) != written(v) {
				t.Fatalf("%q: a second evaluation differs: %v", text, err)
			}
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,"x\u00e4\ud83d"],}`, `{'a':1,b:2,/*c*/}`, `[[[`, `"\`, `-`, `1e400`, "// c\n1", `"\u12`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b := &Budget{Steps: 100_000, Bytes: 8 << 20}
		v, err := parseJSON(text, b)
		if err != nil {
			return
		}
		s, err := compactJSON(v, NewBudget())
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseJSON(s, NewBudget())
		if err != nil {
			t.Fatalf("%q written as %q does not parse: %v", text, s, err)
		}
		if w, err := compactJSON(again, NewBudget()); err != nil || w != s {
			t.Fatalf("%q: %q, then %q", text, s, w)
		}
	})
}
