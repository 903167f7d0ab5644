package expr

import (
	"errors"
	"strings"
	"testing"
)

// testScope answers from maps; names are lower case.
type testScope struct {
	params, vars map[string]Value
	loops        map[string]Value
	state        map[string]Value // by id, or function and id
	ctx          Context
}

const zeroSub = "00000000-0000-0000-0000-000000000000"

func newScope() *testScope {
	return &testScope{
		ctx: Context{SubscriptionID: zeroSub, ResourceGroup: "myRg"},
		params: map[string]Value{
			"name":    String("web"),
			"missing": UnknownParameter("missing"),
			"list":    ArrayOf(Int(1), UnknownParameter("missing"), Int(3)),
			"mixed":   NewObject(nil, Member{Name: "known", Value: Int(1)}, Member{Name: "open", Value: UnknownParameter("missing")}),
			"state":   Open(NewObject(nil, Member{Name: "a", Value: NewObject(nil, Member{Name: "b", Value: Int(1)})}), NewUnknown(&Call{Name: "reference", Args: []Expr{&StringLit{Value: "x"}}}, Reason{RuntimeState, "x"})),
		},
		vars: map[string]Value{"prefix": String("nsg-")},
		loops: map[string]Value{
			"":       Int(2),
			"subnet": Int(5),
			"open":   UnknownParameter("count"),
		},
		state: map[string]Value{},
	}
}

func (s *testScope) Parameter(name string) (Value, error) {
	if strings.EqualFold(name, "broken") {
		return nil, errors.New("the default is broken")
	}
	return s.params[strings.ToLower(name)], nil
}

func (s *testScope) Variable(name string) (Value, error) { return s.vars[strings.ToLower(name)], nil }

func (s *testScope) CopyIndex(loop string) (Value, error) { return s.loops[strings.ToLower(loop)], nil }

func (s *testScope) Call(namespace, name string, args []Value) (Value, error) {
	if !strings.EqualFold(namespace+"."+name, "contoso.pair") {
		return nil, nil
	}
	return ArrayOf(args...), nil
}

func (s *testScope) Runtime(function string, args []Value) (Value, error) {
	id, _ := args[0].(String)
	return s.state[function+" "+string(id)], nil
}

func (s *testScope) Context() *Context { return &s.ctx }

func evalText(t testing.TB, text string, s Scope) (Value, error) {
	t.Helper()
	e, err := Parse(text)
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return Eval(e, s, NewBudget())
}

// written writes a value as a test expects it: JSON, with unknown values as
// expressions in angle brackets.
func written(v Value) string {
	switch v := v.(type) {
	case *Unknown:
		return "<" + Print(v.Expr) + ">"
	case *Array:
		var parts []string
		for _, it := range v.All() {
			parts = append(parts, written(it.Value))
		}
		end := "]"
		if v.MayRepeat() {
			end = "]?"
		}
		return "[" + strings.Join(parts, ",") + end
	case *Object:
		var parts []string
		for m := range v.All() {
			parts = append(parts, `"`+m.Name+`":`+written(m.Value))
		}
		if v.Rest() != nil {
			parts = append(parts, "...")
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	s, err := compactJSON(v, NewBudget())
	if err != nil {
		panic(err)
	}
	return s
}
