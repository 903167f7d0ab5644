package arm

import (
	"strconv"
	"strings"

	"ipflow/ingest/arm/expr"
	"ipflow/ingest/jsontree"
)

// text is a string of which parts may be unknown: names and ids.
type text []fragment

// fragment is literal text, or an expression whose value is not known.
type fragment struct {
	literal string
	residue expr.Expr
}

func literalText(s string) text {
	if s == "" {
		return nil
	}
	return text{{literal: s}}
}

func residueText(e expr.Expr) text { return text{{residue: e}} }

// join puts texts after one another; literals that meet become one.
func join(parts ...text) text {
	var out text
	for _, p := range parts {
		for _, f := range p {
			if n := len(out); f.residue == nil && n > 0 && out[n-1].residue == nil {
				out[n-1].literal += f.literal
				continue
			}
			out = append(out, f)
		}
	}
	return out
}

func joinWith(separator string, parts []text) text {
	var out text
	for i, p := range parts {
		if i > 0 {
			out = join(out, literalText(separator))
		}
		out = join(out, p)
	}
	return out
}

// split cuts the text at the slashes of its literal parts. An expression is
// taken to be inside one segment.
func (t text) split() []text {
	var out []text
	var segment text
	for _, f := range t {
		if f.residue != nil {
			segment = append(segment, f)
			continue
		}
		for i, piece := range strings.Split(f.literal, "/") {
			if i > 0 {
				out, segment = append(out, segment), nil
			}
			segment = join(segment, literalText(piece))
		}
	}
	return append(out, segment)
}

// known reports whether no part is an expression.
func (t text) known() bool {
	for _, f := range t {
		if f.residue != nil {
			return false
		}
	}
	return true
}

// outline is the text for a message: unknown parts are left out.
func (t text) outline() string {
	var b strings.Builder
	for _, f := range t {
		if f.residue != nil {
			b.WriteString("…")
		}
		b.WriteString(f.literal)
	}
	return b.String()
}

// String writes the text. A segment that holds an expression becomes one in
// brackets, the same for equal segments however they were put together; a slash
// in it is written %2F, so that the text is still cut into segments at slashes.
func (t text) String() string { return t.tagged("") }

// tagged is String with a tag at the start of each expression, which tells apart
// equal expressions of different templates.
func (t text) tagged(tag string) string {
	if t.known() {
		if len(t) == 0 {
			return ""
		}
		return t[0].literal
	}
	var b strings.Builder
	for i, segment := range t.split() {
		if i > 0 {
			b.WriteByte('/')
		}
		switch {
		case segment.known():
			b.WriteString(segment.String())
		default:
			b.WriteString("[" + strings.ReplaceAll(tag+expr.Print(segment.expr())[1:], "/", "%2F"))
		}
	}
	return b.String()
}

// expr is the text as an expression.
func (t text) expr() expr.Expr {
	if len(t) == 1 && t[0].residue != nil {
		return t[0].residue
	}
	call := &expr.Call{Name: "concat"}
	for _, f := range t {
		if f.residue != nil {
			call.Args = append(call.Args, f.residue)
		} else {
			call.Args = append(call.Args, &expr.StringLit{Value: f.literal})
		}
	}
	return call
}

// textOf takes a residue apart: what concat, format and the functions that build
// ids put together becomes visible. For an identity, which ignores case, changes
// of case are left out.
func textOf(e expr.Expr, identity bool) text {
	switch e := e.(type) {
	case *expr.StringLit:
		return literalText(e.Value)
	case *expr.IntLit:
		return literalText(strconv.FormatInt(e.Value, 10))
	case *expr.Call:
		if e.Namespace == "" {
			if t, ok := textOfCall(e, identity); ok {
				return t
			}
		}
	}
	return residueText(e)
}

func textOfCall(e *expr.Call, identity bool) (text, bool) {
	switch fold(e.Name) {
	case "concat":
		var out text
		for _, a := range e.Args {
			out = join(out, textOf(a, identity))
		}
		return out, true
	case "format":
		return formatted(e.Args, identity)
	case "tolower", "toupper":
		if identity && len(e.Args) == 1 {
			return textOf(e.Args[0], true), true
		}
	case "resourceid":
		return idText(e.Args)
	case "subscriptionresourceid":
		if len(e.Args) > 0 && isGUID(e.Args[0]) {
			return providerText(join(literalText("/subscriptions/"), textOf(e.Args[0], true)), e.Args[1:])
		}
	case "extensionresourceid":
		if len(e.Args) > 2 {
			return providerText(textOf(e.Args[0], true), e.Args[1:])
		}
	}
	return nil, false
}

// formatted takes format('{0}-{1}', …) apart; only plain places are understood.
func formatted(args []expr.Expr, identity bool) (text, bool) {
	if len(args) == 0 {
		return nil, false
	}
	pattern, ok := args[0].(*expr.StringLit)
	if !ok || strings.Contains(pattern.Value, "{{") || strings.Contains(pattern.Value, "}}") {
		return nil, false
	}
	var out text
	rest := pattern.Value
	for {
		before, after, found := strings.Cut(rest, "{")
		out = join(out, literalText(before))
		if !found {
			return out, true
		}
		place, tail, closed := strings.Cut(after, "}")
		i, err := strconv.Atoi(place)
		if !closed || err != nil || i < 0 || i+1 >= len(args) {
			return nil, false
		}
		out = join(out, textOf(args[i+1], identity))
		rest = tail
	}
}

// idText takes resourceId(subscription, group, type, names…) apart. The shorter
// forms do not say which scope they were evaluated in.
func idText(args []expr.Expr) (text, bool) {
	if len(args) < 4 || isType(args[0]) || isType(args[1]) || !isType(args[2]) {
		return nil, false
	}
	prefix := join(literalText("/subscriptions/"), textOf(args[0], true), literalText("/resourceGroups/"), textOf(args[1], true))
	return providerText(prefix, args[2:])
}

func isType(e expr.Expr) bool {
	s, ok := e.(*expr.StringLit)
	return ok && strings.Contains(s.Value, "/")
}

func isGUID(e expr.Expr) bool {
	s, ok := e.(*expr.StringLit)
	return ok && len(s.Value) == 36 && strings.Count(s.Value, "-") == 4
}

// providerText is prefix/providers/NS/t1/n1/t2/n2 of a type and its names.
func providerText(prefix text, typeAndNames []expr.Expr) (text, bool) {
	if len(typeAndNames) < 2 || !isType(typeAndNames[0]) {
		return nil, false
	}
	types := strings.Split(strings.TrimSuffix(typeAndNames[0].(*expr.StringLit).Value, "/"), "/")
	var names []text
	for _, a := range typeAndNames[1:] {
		names = append(names, textOf(a, true).split()...)
	}
	if len(names) != len(types)-1 {
		return nil, false
	}
	out := join(prefix, literalText("/providers/"+types[0]))
	for i, name := range names {
		out = join(out, literalText("/"+types[i+1]+"/"), name)
	}
	return out, true
}

// textAt evaluates a value that should be a string.
func (r *run) textAt(f frame, n *jsontree.Node) text {
	switch v := r.eval(f, n, false).(type) {
	case expr.String:
		return literalText(string(v))
	case *expr.Unknown:
		return textOf(v.Expr, true)
	}
	return nil
}

// textValue is the value of a text; reasons say why parts of it are unknown.
func textValue(t text, reasons []expr.Reason) expr.Value {
	if t.known() {
		return expr.String(t.String())
	}
	if len(reasons) == 0 {
		reasons = []expr.Reason{{Kind: expr.MissingContext, Name: "the scope of the deployment"}}
	}
	return expr.NewUnknown(t.expr(), reasons...)
}
