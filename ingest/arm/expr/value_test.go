package expr

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestObjectLookup(t *testing.T) {
	for _, n := range []int{3, 40} { // searched one by one, and by map
		var members []Member
		for i := range n {
			members = append(members, Member{Name: fmt.Sprintf("Key%d", i), Value: Int(i)})
		}
		members = append(members, Member{Name: "KEY1", Value: Int(100)}, Member{Name: "Key2", Value: Int(200)})
		o := NewObject("here", members...)
		if o.Len() != n+1 || o.Origin() != "here" {
			t.Fatalf("%d members, origin %v", o.Len(), o.Origin())
		}
		for name, want := range map[string]Int{"Key0": 0, "KEY0": 0, "key1": 1, "KEY1": 100, "Key1": 1, "key2": 200} {
			if m, ok := o.Get(name); !ok || m.Value != want {
				t.Errorf("n=%d: Get(%s) = %v, %t, want %d", n, name, m.Value, ok, want)
			}
		}
		if o.At(2).Name != "Key2" {
			t.Errorf("the repeated name moved: %s", o.At(2).Name)
		}
		if _, ok := o.Get("key"); ok {
			t.Error("found a name that is not there")
		}
	}
}

func TestOriginsTravelWithSlots(t *testing.T) {
	s := newScope()
	s.params["rules"] = NewArray("list", Item{String("a"), "first"}, Item{NewObject("object", Member{"port", Int(1), "member"}), "second"})
	for text, want := range map[string][]any{
		"[skip(parameters('rules'), 1)]":                                                {"second"},
		"[concat(parameters('rules'), createArray(1))]":                                 {"first", "second", nil},
		"[union(createArray('b'), parameters('rules'))]":                                {nil, "first", "second"},
		"[filter(parameters('rules'), lambda('x', equals(lambdaVariables('x'), 'a')))]": {"first"},
		"[flatten(createArray(parameters('rules')))]":                                   {"first", "second"},
	} {
		v, err := evalText(t, text, s)
		if err != nil {
			t.Fatal(err)
		}
		var got []any
		for _, it := range v.(*Array).All() {
			got = append(got, it.Origin)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	v, err := evalText(t, "[union(createObject('x', 1), parameters('rules')[1])]", s)
	if err != nil {
		t.Fatal(err)
	}
	if m, _ := v.(*Object).Get("port"); m.Origin != "member" {
		t.Errorf("a merged member has the origin %v", m.Origin)
	}
}

func TestOpenIsDeep(t *testing.T) {
	u := NewUnknown(&Call{Name: "reference", Args: []Expr{&StringLit{Value: "v"}}}, Reason{RuntimeState, "v"})
	s := newScope()
	s.params["vnet"] = Open(NewObject(nil, Member{Name: "subnets", Value: ArrayOf(NewObject(nil, Member{Name: "name", Value: String("s")}))}), u)
	check(t, "[parameters('vnet').subnets[0].name]", `"s"`, s)
	check(t, "[parameters('vnet').subnets[0].id]", "<[reference('v').subnets[0].id]>", s)
	check(t, "[length(parameters('vnet').subnets)]", "1", s)
	check(t, "[parameters('vnet').subnets[1]]", "error: index '1' is out of bounds", s)
	check(t, "[union(parameters('vnet'), createObject('x', 1)).y]", "<[reference('v').y]>", s)
	check(t, "[union(createObject('x', 1), parameters('vnet'))]", "<[union(createObject('x', 1), reference('v'))]>", s)
}

func TestAccessErrors(t *testing.T) {
	for text, want := range map[string]string{
		"[createObject('a', 1, 'b', 2).c]":               "error: the language expression property 'c' doesn't exist, available properties are 'a, b'",
		"[createArray(1)[1]]":                            "error: the language expression property array index '1' is out of bounds",
		"[createArray(1)[-1]]":                           "error: out of bounds",
		"[createArray(1)['0']]":                          "error: indexed by an integer",
		"[createArray(1).a]":                             "error: property 'a' can't be evaluated",
		"[null().a]":                                     "error: property 'a' can't be evaluated: the value it is taken from is of type 'Null'",
		"['abc'[0]]":                                     "error: can't be evaluated",
		"[createObject('a', 1)[0]]":                      "error: property name must be a string",
		"[createObject('A b', 1)['a B']]":                "1",
		"[parameters('list')[parameters('missing')]]":    "<[createArray(1, parameters('missing'), 3)[parameters('missing')]]>",
		"[parameters('list')[2]]":                        "3",
		"[parameters('missing')[0]['x y'].z]":            "<[parameters('missing')[0]['x y'].z]>",
		"[union(parameters('list'), createArray(1))[0]]": "1",
		"[union(parameters('list'), createArray(1))[2]]": "<[createArray(1, parameters('missing'), 3)[2]]>",
	} {
		check(t, text, want, newScope())
	}
}

func TestUnknownErrorKeepsTheRestGoing(t *testing.T) {
	s := newScope()
	s.params["failed"] = UnknownError(nil, &Error{Msg: strings.Repeat("ü", 100)})
	v, err := evalText(t, "[createArray(1, parameters('failed'))]", s)
	if err != nil {
		t.Fatal(err)
	}
	reasons := Reasons(v)
	if len(reasons) != 1 || reasons[0].Kind != Failed || !strings.HasSuffix(reasons[0].Name, "ü…") {
		t.Errorf("reasons %v", reasons)
	}
	roundTrip(t, v.(*Array).At(1).Value.(*Unknown).Expr)
}

func TestReasonStrings(t *testing.T) {
	for r, want := range map[Reason]string{
		{MissingParameter, "p"}:       "parameter:p",
		{MissingContext, "tenant()"}:  "context:tenant()",
		{RuntimeState, "id"}:          "state:id",
		{RuntimeFunction, "listKeys"}: "function:listKeys",
		{Unsettled, "replace"}:        "unsettled:replace",
		{Failed, "x"}:                 "failed:x",
	} {
		if got := r.String(); got != want {
			t.Errorf("%+v: %s", r, got)
		}
	}
}

func TestMessagesStayShort(t *testing.T) {
	var members []Member
	for i := range 500 {
		members = append(members, Member{Name: fmt.Sprintf("%s%d", strings.Repeat("k", 200), i), Value: Null{}})
	}
	s := newScope()
	s.params["wide"] = NewObject(nil, members...)
	_, err := evalText(t, "[parameters('wide').x]", s)
	if err == nil || len(err.Error()) > 3000 {
		t.Errorf("error of %d bytes", len(err.Error()))
	}
}

func TestSizeSeesSharedParts(t *testing.T) {
	v, err := evalText(t, "[reduce(range(0, 100), 1, lambda('c', 'n', createArray(lambdaVariables('c'), lambdaVariables('c'))))]", newScope())
	if err != nil {
		t.Fatal(err)
	}
	if n := Size(v); n < 1<<60 {
		t.Errorf("Size is %d", n)
	}
	if n := Size(ArrayOf(Int(1), NewObject(nil, Member{Name: "a", Value: Null{}}))); n != 4 {
		t.Errorf("Size is %d, want 4", n)
	}
}
