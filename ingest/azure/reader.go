package azure

import (
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// reader reads fields and collects what is wrong with them.
type reader struct {
	faults *diag.List
	store  *store
}

// depthRemedy is what to do about objects that PowerShell printed as words.
const depthRemedy = "the export was cut at depth 2; run ConvertTo-Json -Depth 10"

// truncated reports whether the text is what PowerShell's ConvertTo-Json writes
// for an object or list deeper than -Depth.
func truncated(s string) bool {
	return strings.HasPrefix(s, "Microsoft.Azure.") || strings.HasPrefix(s, "System.") || strings.HasPrefix(s, "@{")
}

// quote renders input text inside a message: bounded, and inert on a terminal.
func quote(s string) string {
	const limit = 100
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return strconv.Quote(s)
}

// describe renders a node inside a message.
func describe(n *jsontree.Node) string {
	switch n.Kind() {
	case jsontree.String:
		return quote(n.Text())
	case jsontree.Number, jsontree.Bool:
		return n.Text()
	case jsontree.Absent:
		return "nothing"
	case jsontree.Null, jsontree.Array, jsontree.Object:
	}
	return "a JSON " + n.Kind().String()
}

// get is Path that stops at a residue: a member of an unresolved object is that
// unresolved object.
func get(n *jsontree.Node, names ...string) *jsontree.Node {
	for _, name := range names {
		if n.Residue() {
			return n
		}
		n = n.Get(name)
	}
	return n
}

// blank reports whether a field is not used: absent, null, or an empty string.
func blank(n *jsontree.Node) bool {
	switch n.Kind() {
	case jsontree.Absent, jsontree.Null:
		return true
	case jsontree.String:
		s := n.Text()
		// Most begin with what is surely no space.
		return s == "" || (s[0] <= ' ' || s[0] >= utf8.RuneSelf) && strings.TrimSpace(s) == ""
	case jsontree.Bool, jsontree.Number, jsontree.Array, jsontree.Object:
	}
	return false
}

// list returns the elements of a list field. PowerShell writes single elements
// without the array, and some versions an object {value, Count} for it.
func list(n *jsontree.Node) []*jsontree.Node {
	switch {
	case blank(n):
		return nil
	case n.Kind() == jsontree.Array:
		return n.Items()
	case n.Get("value").Kind() == jsontree.Array && n.Get("Count") != nil:
		return n.Get("value").Items()
	}
	return []*jsontree.Node{n}
}

// elements yields what list returns.
func elements(n *jsontree.Node) iter.Seq[*jsontree.Node] {
	if n.Kind() == jsontree.Array {
		return n.Elements()
	}
	return slices.Values(list(n))
}

// words returns the elements of a list of texts that are not blank.
func words(n *jsontree.Node) []*jsontree.Node {
	items := list(n)
	if !slices.ContainsFunc(items, blank) {
		return items
	}
	return slices.DeleteFunc(slices.Clone(items), blank)
}

// appendWords appends what words returns.
func appendWords(to []*jsontree.Node, n *jsontree.Node) []*jsontree.Node {
	switch n.Kind() {
	case jsontree.Array:
		from := len(to)
		all := n.AppendItems(to)
		for _, item := range all[from:] {
			if !blank(item) {
				to = append(to, item)
			}
		}
		return to
	case jsontree.Object:
		return append(to, words(n)...)
	case jsontree.Absent, jsontree.Null, jsontree.Bool, jsontree.Number, jsontree.String:
	}
	if !blank(n) {
		to = append(to, n)
	}
	return to
}

// ref reads a reference to another resource: {"id": …}, or the id itself. Both
// results are empty when nothing is referenced; fact says that something may be.
func (r *reader) ref(n *jsontree.Node) (id, fact string) {
	if n.Kind() == jsontree.Object {
		inner := n.Get("id")
		// A template writes {"id": null} for no reference.
		if blank(inner) && (inner != nil || n.Empty()) {
			return "", ""
		}
		if inner == nil {
			r.faults.Errorf(n.Origin(), "bad-reference", "the reference has no id; export it with its id")
			return "", factAt(n)
		}
		n = inner
	}
	switch {
	case n.Residue():
		return "", factAt(n)
	case blank(n):
		return "", ""
	case n.Kind() != jsontree.String:
		r.faults.Errorf(n.Origin(), "bad-reference", "%s is no resource id", describe(n))
		return "", factAt(n)
	case truncated(n.Text()):
		r.faults.Errorf(n.Origin(), "truncated", "%s stands where a reference should: %s", quote(n.Text()), depthRemedy)
		return "", factAt(n)
	}
	return n.Text(), ""
}

// refs reads a list of references. Facts says which could not be read.
func (r *reader) refs(n *jsontree.Node) (ids, facts []string) {
	for _, item := range list(n) {
		id, fact := r.ref(item)
		switch {
		case id != "":
			ids = append(ids, id)
		case fact != "":
			facts = append(facts, fact)
		}
	}
	return ids, facts
}

// prefixes reads lists of prefixes, each once. Facts says which could not be read.
func (r *reader) prefixes(what string, nodes ...*jsontree.Node) (out []netip.Prefix, facts []string) {
	for _, n := range nodes {
		for _, item := range words(n) {
			p, remark, ok := network.ParsePrefix(strings.TrimSpace(item.Text()))
			switch {
			case item.Residue():
				facts = append(facts, factAt(item))
				continue
			case !ok:
				r.badPrefix(item, what)
				facts = append(facts, factAt(item))
				continue
			case remark != "":
				r.faults.Warnf(item.Origin(), remarkCode(remark), "%s", remark)
			}
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out, facts
}

func (r *reader) badPrefix(n *jsontree.Node, what string) {
	if truncated(n.Text()) {
		r.faults.Errorf(n.Origin(), "truncated", "%s stands where %s should: %s", quote(n.Text()), what, depthRemedy)
		return
	}
	hint := ""
	if strings.ContainsAny(strings.TrimSpace(n.Text()), ", ") {
		hint = "; several make a list (PowerShell: ConvertTo-Json -Depth 10)"
	}
	r.faults.Errorf(n.Origin(), "bad-prefix", "%s is not %s%s", describe(n), what, hint)
}

// remarkCode names what network.ParsePrefix remarks on.
func remarkCode(remark string) string {
	if strings.HasPrefix(remark, "bare integer") {
		return "integer-address"
	}
	return "host-bits"
}

// flag reads a boolean with a default. Fact says that it is not known.
func (r *reader) flag(n *jsontree.Node, absent bool) (v bool, fact string) {
	if n.Residue() {
		return absent, factAt(n)
	}
	if blank(n) {
		return absent, ""
	}
	v, ok := n.Bool()
	if !ok {
		r.faults.Errorf(n.Origin(), "bad-boolean", "%s is neither true nor false", describe(n))
		return absent, factAt(n)
	}
	return v, ""
}

// facts collects facts, sorted and each once, leaving out empty ones.
func facts(lists ...[]string) []string {
	out := slices.Concat(lists...)
	out = slices.DeleteFunc(out, func(s string) bool { return s == "" })
	slices.Sort(out)
	return slices.Compact(out)
}

// meant returns `; did you mean "X"?` for the allowed word nearest to s, or "".
func meant(s string, allowed ...string) string {
	if len(s) > 64 {
		return ""
	}
	best, at := "", 3 // more than two edits is another word
	for _, a := range allowed {
		if d := diag.Distance(strings.ToLower(s), strings.ToLower(a)); d < at && d < len(a) {
			best, at = a, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + strconv.Quote(best) + "?"
}
