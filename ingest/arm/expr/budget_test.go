package expr

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// bombs grow without measure from little text; each must end soon.
var bombs = map[string]string{
	"doubled-text":     "[reduce(range(0, 200), 'x', lambda('c', 'n', concat(lambdaVariables('c'), lambdaVariables('c'))))]",
	"doubled-array":    "[reduce(range(0, 200), createArray(1), lambda('c', 'n', concat(lambdaVariables('c'), lambdaVariables('c'))))]",
	"shared-then-read": "[string(reduce(range(0, 200), createArray(1), lambda('c', 'n', createArray(lambdaVariables('c'), lambdaVariables('c')))))]",
	"shared-compared":  "[equals(reduce(range(0, 100), 1, lambda('c', 'n', createArray(lambdaVariables('c'), lambdaVariables('c')))), reduce(range(0, 100), 1, lambda('c', 'n', createArray(lambdaVariables('c'), lambdaVariables('c')))))]",
	"nested-value":     "[reduce(range(0, 10000), 1, lambda('c', 'n', createArray(lambdaVariables('c'))))]",
	"nested-call":      "[reduce(range(0, 10000), 1, lambda('c', 'n', contoso.pair(lambdaVariables('c'))))]",
	"nested-loops":     "[map(range(0, 10000), lambda('a', map(range(0, 10000), lambda('b', map(range(0, 10000), lambda('c', 1))))))]",
	"wide-format":      "[format('" + strings.Repeat("{0,999999}", 2000) + "', 1)]",
	"replace":          "[reduce(range(0, 100), 'a', lambda('c', 'n', replace(lambdaVariables('c'), 'a', 'aa')))]",
	"union-quadratic":  "[union(map(range(0, 10000), lambda('x', createArray(lambdaVariables('x')))), map(range(0, 10000), lambda('x', createObject('a', lambdaVariables('x')))))]",
	"join":             "[reduce(range(0, 100), 'a', lambda('c', 'n', join(createArray(lambdaVariables('c'), lambdaVariables('c')), lambdaVariables('c'))))]",
	"json":             "[json(reduce(range(0, 100), '1', lambda('c', 'n', concat('[', lambdaVariables('c'), ',', lambdaVariables('c'), ']'))))]",
	"split":            "[split(reduce(range(0, 30), 'a', lambda('c', 'n', concat(lambdaVariables('c'), lambdaVariables('c')))), 'a')]",
}

func TestBombsEndSoon(t *testing.T) {
	for name, text := range bombs {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := evalText(t, text, newScope())
			if !errors.Is(err, ErrBudget) {
				t.Errorf("error %v, want ErrBudget", err)
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// An unknown value doubled again and again must neither hang nor print without
// end: its residue falls back to the source.
func TestResiduesStaySmall(t *testing.T) {
	v, err := evalText(t, "[reduce(range(0, 300), parameters('missing'), lambda('c', 'n', concat(lambdaVariables('c'), lambdaVariables('c'))))]", newScope())
	if err != nil {
		t.Fatal(err)
	}
	u := v.(*Unknown)
	if n := len(Print(u.Expr)); n > 100_000 {
		t.Errorf("the residue has %d bytes", n)
	}
	if len(u.Reasons) != 1 {
		t.Errorf("reasons %v", u.Reasons)
	}
	v, err = evalText(t, "[reduce(range(0, 9000), parameters('missing'), lambda('c', 'n', lambdaVariables('c').a))]", newScope())
	if err != nil {
		t.Fatal(err)
	}
	if n := countNodes(v.(*Unknown).Expr); n > maxResidue+2 {
		t.Errorf("the residue has %d nodes", n)
	}
}

func TestReasonsAreBounded(t *testing.T) {
	s := newScope()
	var values []Value
	for i := range 1000 {
		values = append(values, UnknownParameter(strings.Repeat("p", i+1)))
	}
	s.params["many"] = ArrayOf(values...)
	v, err := evalText(t, "[string(parameters('many'))]", s)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(Reasons(v)); n != MaxReasons {
		t.Errorf("%d reasons", n)
	}
}

// loopScope evaluates each variable as itself, without end.
type loopScope struct {
	*testScope
	budget *Budget
}

func (s loopScope) Variable(name string) (Value, error) {
	e, err := Parse("[concat('x', variables('" + name + "'))]")
	if err != nil {
		return nil, err
	}
	return Eval(e, s, s.budget)
}

func TestEndlessVariablesEnd(t *testing.T) {
	b := NewBudget()
	e, err := Parse("[variables('a')]")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Eval(e, loopScope{newScope(), b}, b)
	if !errors.Is(err, ErrBudget) {
		t.Errorf("error %v", err)
	}
	if len(err.Error()) > 1000 {
		t.Errorf("the message has %d bytes", len(err.Error()))
	}
}

func TestBudgetIsSharedAndUsedUp(t *testing.T) {
	b := &Budget{Steps: 40, Bytes: 1 << 20}
	e, err := Parse("[concat('a', 'b', 'c')]")
	if err != nil {
		t.Fatal(err)
	}
	evaluations := 0
	for err == nil {
		_, err = Eval(e, newScope(), b)
		evaluations++
	}
	if b.depth != 0 {
		t.Errorf("the depth is %d afterwards", b.depth)
	}
	if !errors.Is(err, ErrBudget) || evaluations < 3 || evaluations > 10 {
		t.Errorf("%d evaluations, then %v", evaluations, err)
	}
}
