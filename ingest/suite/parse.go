package suite

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
)

// Parse reads a suite; path names it in faults. A name that ends in .json or
// .jsonc says JSON, .yaml or .yml YAML; of others the first character decides.
// With faults there is no suite.
func Parse(path string, data []byte) (*Suite, diag.List) {
	root, faults := readAny(path, data)
	if len(faults) > 0 {
		return nil, faults
	}
	r := &reader{}
	out := r.suite(root)
	if len(r.faults) > 0 {
		return nil, r.told(path)
	}
	return out, nil
}

// readAny reads either syntax.
func readAny(path string, data []byte) (*node, diag.List) {
	if len(data) > MaxBytes {
		var faults diag.List
		faults.Errorf(diag.Origin{File: path}, "bad-suite", "the file is larger than %d MiB", MaxBytes>>20)
		return nil, faults
	}
	if isJSON(path, data) {
		return readJSON(path, data)
	}
	return readYAML(path, data)
}

func isJSON(path string, data []byte) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json", ".jsonc":
		return true
	case ".yaml", ".yml":
		return false
	}
	first := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(first) > 0 && (first[0] == '{' || first[0] == '[' || bytes.HasPrefix(first, []byte("//")))
}

// The codes of faults: bad structure is what the schema refuses too.
const (
	codeStructure = "suite-structure"
	codeValue     = "suite-value"
)

// reader turns nodes into a suite and collects faults.
type reader struct{ faults diag.List }

// told returns the faults, the first of them where there are many.
func (r *reader) told(path string) diag.List {
	r.faults.Sort()
	if extra := len(r.faults) - maxFaults; extra > 0 {
		r.faults = r.faults[:maxFaults]
		r.faults.Errorf(diag.Origin{File: path}, "bad-suite", "%d more faults like these", extra)
	}
	return r.faults
}

func (r *reader) structure(at diag.Origin, format string, args ...any) {
	r.faults.Errorf(at, codeStructure, format, args...)
}

func (r *reader) value(at diag.Origin, format string, args ...any) {
	r.faults.Errorf(at, codeValue, format, args...)
}

// The keys of the mappings, in the order in which messages list them.
var (
	suiteKeys     = []string{"assertions", "version", "$schema"}
	selectionKeys = []string{"from", "to", "protocol", "ports"}
	assertionKeys = []string{"name", "from", "to", "protocol", "ports", "direction", "expect", "by", "only", "owner", "expires", "xfail"}
)

func (r *reader) suite(n *node) *Suite {
	out := &Suite{}
	m := r.mapping(n, "a suite", suiteKeys)
	if m == nil {
		return out
	}
	r.version(m)
	assertions := m["assertions"]
	switch {
	case assertions == nil:
		r.structure(n.at, "no assertions: a suite is a mapping with the key assertions, a list")
	case assertions.kind != list:
		r.wrongKind(assertions, "assertions", list)
	case len(assertions.items) == 0:
		r.structure(assertions.at, "assertions is empty: nothing would be tested")
	default:
		seen := map[string]diag.Origin{}
		for _, item := range assertions.items {
			a := r.assertion(item)
			if old, twice := seen[a.Name.Text]; twice && a.Name.Text != "" {
				r.value(a.Name.At, "the name %q stands in line %d already; names tell assertions apart in reports", a.Name.Text, old.Line)
			}
			seen[a.Name.Text] = a.Name.At
			out.Assertions = append(out.Assertions, a)
		}
	}
	return out
}

// version checks the keys that every kind of file has.
func (r *reader) version(m map[string]*node) {
	if v := m["version"]; v != nil && (v.kind != number || v.text != "1") {
		r.structure(v.at, "version is %s; this program reads version 1", shown(v))
	}
	if v := m["$schema"]; v != nil && v.kind != text {
		r.wrongKind(v, "$schema", text)
	}
}

func (r *reader) assertion(n *node) *Assertion {
	a := &Assertion{Name: Word{At: n.at}}
	m := r.mapping(n, "an assertion", assertionKeys)
	if m == nil {
		return a
	}
	if m["name"] == nil {
		r.structure(n.at, "an assertion without a name")
	} else {
		a.Name = Word{r.text(m["name"], "name", maxName), m["name"].at}
	}
	a.Selection = r.selection(m)
	if m["from"] == nil && m["to"] == nil {
		r.structure(n.at, "neither from nor to: say which flows are meant (\"*\" for any end)")
	}
	a.Direction = flow.Direction(r.choice(m["direction"], "direction", "Inbound", "inbound", "Outbound", "outbound")+1) / 2
	a.Expect = [...]flow.Access{flow.Unknown, flow.Allow, flow.Allow, flow.Deny, flow.Deny}[r.choice(m["expect"], "expect", "allow", "Allow", "deny", "Deny")]
	a.By = r.words(m["by"], "by")
	a.Only = r.entries(m["only"])
	r.expectation(n, m, a)
	if v := m["owner"]; v != nil {
		a.Owner = r.text(v, "owner", maxName)
	}
	if v := m["expires"]; v != nil {
		a.Expires = r.date(v)
	}
	if v := m["xfail"]; v != nil {
		a.XFail, a.Reason = r.xfail(v)
	}
	return a
}

// expectation checks that the keys together say one thing.
func (r *reader) expectation(n *node, m map[string]*node, a *Assertion) {
	switch {
	case m["expect"] == nil && m["only"] == nil:
		r.structure(n.at, "neither expect nor only: say what is expected (expect: allow or deny)")
	case m["expect"] == nil && m["by"] != nil:
		r.structure(m["by"].at, "by without expect: say what the rule does (expect: allow or deny)")
	case m["only"] != nil && a.Expect == flow.Deny:
		r.structure(m["only"].at, "expect: deny and only exclude each other: only alone denies what is beyond it")
	}
}

// mapping returns the values by key; nil when n is none. Keys must be known and
// stand once.
func (r *reader) mapping(n *node, what string, keys []string) map[string]*node {
	if n.kind != object {
		r.structure(n.at, "%s is a mapping, not %s", what, n.kind)
		return nil
	}
	out := map[string]*node{}
	for _, m := range n.members {
		switch {
		case !slices.Contains(keys, m.name):
			r.structure(m.at, "unknown key %q%s", shortened(m.name), suggestion(m.name, keys))
		case out[m.name] != nil:
			r.structure(m.at, "the key %s stands in line %d already", m.name, out[m.name].at.Line)
		default:
			out[m.name] = m.value
		}
	}
	return out
}

// suggestion names the key that was meant, or else those that there are.
func suggestion(name string, keys []string) string {
	best, at := "", 3
	for _, k := range keys {
		if d := diag.Distance(strings.ToLower(name), k); d < at && d < len(k) {
			best, at = k, d
		}
	}
	if best != "" {
		return "; did you mean " + best + "?"
	}
	return "; there are " + strings.Join(keys, ", ")
}

func (r *reader) wrongKind(n *node, key string, want kind) {
	hint := ""
	if want == text && (n.kind == number || n.kind == boolean) {
		hint = "; write it in quotes"
	}
	r.structure(n.at, "%s is %s, not %s%s", key, want, n.kind, hint)
}

// shown writes a value for a message.
func shown(n *node) string {
	if n.text != "" {
		return fmt.Sprintf("%q", shortened(n.text))
	}
	return string(n.kind)
}

func shortened(s string) string {
	if utf8.RuneCountInString(s) <= 40 {
		return s
	}
	return string([]rune(s)[:40]) + "…"
}

// text reads a text that is not empty.
func (r *reader) text(n *node, key string, most int) string {
	switch {
	case n.kind != text:
		r.wrongKind(n, key, text)
	case n.text == "":
		r.structure(n.at, "%s is empty", key)
	case utf8.RuneCountInString(n.text) > most:
		r.structure(n.at, "%s has more than %d characters", key, most)
	default:
		return n.text
	}
	return ""
}

// words reads a text or a list of texts.
func (r *reader) words(n *node, key string) (out []Word) {
	r.each(n, key, func(x *node) {
		if t := r.text(x, key, maxWord); t != "" {
			out = append(out, Word{t, x.at})
		}
	})
	return out
}

// each calls f with a value, or with those of a list that is not empty.
func (r *reader) each(n *node, key string, f func(*node)) {
	switch {
	case n == nil:
	case n.kind != list:
		f(n)
	case len(n.items) == 0:
		r.structure(n.at, "%s is an empty list; leave it out, or say what is meant", key)
	default:
		for _, x := range n.items {
			f(x)
		}
	}
}

// choice returns the position of the value among the words, from 1; 0 when there
// is none.
func (r *reader) choice(n *node, key string, words ...string) int {
	if n == nil {
		return 0
	}
	i := slices.Index(words, n.text)
	if n.kind != text || i < 0 {
		r.structure(n.at, "%s is %s or %s, not %s", key, words[0], words[2], shown(n))
	}
	return i + 1
}

func (r *reader) date(n *node) time.Time {
	if n.kind != text {
		r.wrongKind(n, "expires", text)
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, n.text)
	if err != nil {
		fault := r.value
		if !isDateShaped(n.text) {
			fault = r.structure
		}
		fault(n.at, "expires is a day, YEAR-MONTH-DAY, not %q", shortened(n.text))
	}
	return day
}

// isDateShaped is the schema's pattern of a day.
func isDateShaped(s string) bool {
	if len(s) != len(time.DateOnly) {
		return false
	}
	for i := range len(s) {
		if digit := '0' <= s[i] && s[i] <= '9'; digit == (i == 4 || i == 7) || !digit && s[i] != '-' {
			return false
		}
	}
	return true
}

// xfail is true, false, or why failure is expected.
func (r *reader) xfail(n *node) (on bool, reason string) {
	switch n.kind {
	case boolean:
		return n.text == "true", ""
	case text:
		return true, r.text(n, "xfail", maxName)
	case null, number, list, object:
	}
	r.structure(n.at, "xfail is true, false or the reason as text, not %s", n.kind)
	return false, ""
}
