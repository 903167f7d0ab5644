package suite

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
)

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("suite.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("suite.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plain reads a suite as an editor does, for the schema. Days stay texts.
func plain(path string, data []byte) (v any, err error) {
	if isJSON(path, data) {
		return jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	}
	if err := yaml.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	return plainValue(v), nil
}

func plainValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = plainValue(x)
		}
	case []any:
		for i, x := range v {
			v[i] = plainValue(x)
		}
	case time.Time:
		return v.Format(time.DateOnly)
	case int:
		return json.Number(fmt.Sprint(v))
	}
	return v
}

const full = `# a comment
version: 1
assertions:
  - name: &n web from the Internet
    from: Internet
    to: [asg:web, "*"]
    protocol: TCP
    ports: [80, "443", 5000-5010]
    direction: Inbound
    expect: allow
    by: [web-nsg/allow-web, securityRules/other]
    owner: shop
    expires: 2026-12-31
    xfail: not yet built, JIRA-7
  - name: databases
    to: subnet:db
    only:
      - from: asg:app
        protocol: [6, UDP]
        ports: 5432
      - AzureLoadBalancer
  - {name: closed, from: 10.0.0.0/8, to: fd00::/8, protocol: "1-5,ESP", expect: Deny, xfail: false}
`

func TestParse(t *testing.T) {
	got, faults := Parse("s.yaml", []byte(full))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if len(got.Assertions) != 3 {
		t.Fatalf("%d assertions", len(got.Assertions))
	}
	a := got.Assertions[0]
	texts := func(list []Word) (out []string) {
		for _, w := range list {
			out = append(out, w.Text)
		}
		return out
	}
	for _, c := range []struct{ got, want any }{
		{a.Name.Text, "web from the Internet"},
		{a.Name.At.String(), "s.yaml:4:11"},
		{texts(a.From), []string{"Internet"}},
		{texts(a.To), []string{"asg:web", "*"}},
		{a.To[1].At.String(), "s.yaml:6:19"},
		{a.Protocols, []ProtocolRange{{6, 6}}},
		{a.Ports, []flow.PortRange{{First: 80, Last: 80}, {First: 443, Last: 443}, {First: 5000, Last: 5010}}},
		{a.Direction, flow.Inbound},
		{a.Expect, flow.Allow},
		{texts(a.By), []string{"web-nsg/allow-web", "securityRules/other"}},
		{a.Owner, "shop"},
		{a.Expires.Format(time.RFC3339), "2026-12-31T00:00:00Z"},
		{a.XFail, true},
		{a.Reason, "not yet built, JIRA-7"},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Error(diff)
		}
	}
	b := got.Assertions[1]
	if b.Expect != flow.Unknown || len(b.Only) != 2 || b.Only[1].Far.Text != "AzureLoadBalancer" || b.Only[0].Ports[0].First != 5432 ||
		!cmp.Equal(b.Only[0].Protocols, []ProtocolRange{{6, 6}, {17, 17}}) {
		t.Errorf("%+v", b)
	}
	c := got.Assertions[2]
	if c.Expect != flow.Deny || c.XFail || !cmp.Equal(c.Protocols, []ProtocolRange{{1, 5}, {50, 50}}) {
		t.Errorf("%+v", c)
	}
}

// accepted are suites that both reader and schema take.
var accepted = map[string]string{
	"full.yaml":     full,
	"full.json":     `{"$schema": "x", "version": 1, "assertions": [{"name": "a\ud83d\ude00\/", "to": "*", "ports": 443.0, "expect": "deny", "xfail": "why"}]}`,
	"tabs.json":     "{\n\t\"assertions\":\n\t[{\"name\": \"a\",\n\t\"from\": [\"*\"], \"only\": [{\"protocol\": 6}]}]}",
	"no-extension":  "{\"assertions\": [{\"name\": \"a\", \"from\": \"*\", \"expect\": \"allow\"}]}",
	"alias.yaml":    "assertions:\n- {name: a, from: &x [a, b], to: *x, expect: allow}\n",
	"specials.yaml": "assertions:\n- {name: \"yes: no # | > & * ! %\", from: ::/0, to: 'a: b', expect: allow}\n- name: |\n    two\n    lines\n  to: a\n  expect: deny\n",
	"dates.yaml":    "assertions: [{name: 2026-01-01, to: '*', only: 10.0.0.0/8, expires: '2026-02-28'}]",
	"float.yaml":    "assertions: [{name: a, to: '*', expect: deny, ports: [443.0, 8e1]}]",
}

func TestAcceptedByReaderAndSchema(t *testing.T) {
	schema := compileSchema(t)
	for path, text := range accepted {
		if _, faults := Parse(path, []byte(text)); len(faults) > 0 {
			t.Errorf("%s: %v", path, faults)
		}
		v, err := plain(path, []byte(text))
		if err == nil {
			err = schema.Validate(v)
		}
		if err != nil {
			t.Errorf("%s: the schema refuses it: %v", path, err)
		}
	}
}

// one is an assertion with a fault, in a suite.
func one(keys string) string { return "assertions:\n  - {name: a, " + keys + "}\n" }

// TestRefused compares the first fault with its place; what is wrong in structure
// the schema refuses too.
func TestRefused(t *testing.T) {
	schema := compileSchema(t)
	for _, c := range []struct{ text, want string }{
		{"", "s.yaml:1:1: the file is empty"},
		{"a: [1,2\nb: 3\n", "s.yaml:2:2: not YAML: did not find expected ',' or ']'"},
		{"assertions:\n- from: *\n", "s.yaml:2:10: not YAML: did not find expected alphabetic or numeric character; write \"*\" in quotes"},
		{"assertions:\n\t- from: a\n", "s.yaml:2:1: not YAML: found character that cannot start any token; indent with spaces, not tabs"},
		{"assertions: [{name: a, from: b, expect: deny}]\n---\n{}\n", "s.yaml:2:1: a second document; the file may hold one"},
		{"- name: a\n", "s.yaml:1:1: a suite is a mapping, not a list"},
		{"tests: []\n", "s.yaml:1:1: unknown key \"tests\"; there are assertions, version, $schema"},
		{"assertion: []\n", "s.yaml:1:1: unknown key \"assertion\"; did you mean assertions?"},
		{"version: 2\nassertions: [{name: a, to: b, expect: deny}]\n", "s.yaml:1:10: version is \"2\"; this program reads version 1"},
		{"assertions: {}\n", "s.yaml:1:13: assertions is a list, not a mapping"},
		{"assertions: []\n", "s.yaml:1:13: assertions is empty: nothing would be tested"},
		{"assertions: [a]\n", "s.yaml:1:14: an assertion is a mapping, not text"},
		{"assertions: [{to: a, expect: deny}]\n", "s.yaml:1:14: an assertion without a name"},
		{one("form: b, to: c, expect: deny"), "s.yaml:2:15: unknown key \"form\"; did you mean from?"},
		{one("To: c, from: b, expect: deny"), "s.yaml:2:15: unknown key \"To\"; did you mean to?"},
		{one("\"a\\e[31m\\n\": c, to: c, expect: deny"), "s.yaml:2:15: unknown key \"a\\x1b[31m\\n\"; there are name, from, to, protocol, ports, direction, expect, by, only, owner, expires, xfail"},
		{one("to: c, to: d, expect: deny"), "s.yaml:2:22: the key to stands in line 2 already"},
		{one("expect: deny"), "s.yaml:2:5: neither from nor to: say which flows are meant (\"*\" for any end)"},
		{one("to: b"), "s.yaml:2:5: neither expect nor only: say what is expected (expect: allow or deny)"},
		{one("to: 7, expect: deny"), "s.yaml:2:19: to is text, not a number; write it in quotes"},
		{one("to: [], expect: deny"), "s.yaml:2:19: to is an empty list; leave it out, or say what is meant"},
		{one("to: '', expect: deny"), "s.yaml:2:19: to is empty"},
		{one("to: ~, expect: deny"), "s.yaml:2:19: to is text, not null"},
		{one("to: b, expect: permit"), "s.yaml:2:30: expect is allow or deny, not \"permit\""},
		{one("to: b, expect: deny, direction: up"), "s.yaml:2:47: direction is Inbound or Outbound, not \"up\""},
		{one("to: b, only: c, by: r"), "s.yaml:2:35: by without expect: say what the rule does (expect: allow or deny)"},
		{one("to: b, only: c, expect: deny"), "s.yaml:2:28: expect: deny and only exclude each other: only alone denies what is beyond it"},
		{one("to: b, only: {}"), "s.yaml:2:28: an entry of only without a key would allow everything; there are from, to, protocol, ports"},
		{one("to: b, only: [{port: 4}]"), "s.yaml:2:30: unknown key \"port\"; did you mean ports?"},
		{one("to: b, expect: deny, ports: 65536"), "s.yaml:2:43: ports 65536 is not a whole number of 0 to 65535"},
		{one("to: b, expect: deny, ports: 0x50"), "s.yaml:2:43: ports 0x50: write a plain decimal number"},
		{one("to: b, expect: deny, ports: 080"), "s.yaml:2:43: ports 080: write a plain decimal number"},
		{one("to: b, expect: deny, ports: 1.5"), "s.yaml:2:43: ports 1.5 is not a whole number of 0 to 65535"},
		{one("to: b, expect: deny, ports: 90-80"), "s.yaml:2:43: \"90-80\" is not a port or a range of ports (443, 5000-5010 or \"*\")"},
		{one("to: b, expect: deny, protocol: tpc"), "s.yaml:2:46: \"tpc\" is not a protocol: a name, a number 0-255, a range of numbers or \"*\""},
		{one("to: b, expect: deny, protocol: 256"), "s.yaml:2:46: protocol 256 is not a whole number of 0 to 255"},
		{one("to: b, expect: deny, protocol: ICMP, ports: 80"), "s.yaml:2:59: ports of protocols without ports select no flow; leave ports out"},
		{one("to: b, expect: deny, expires: tomorrow"), "s.yaml:2:45: expires is a day, YEAR-MONTH-DAY, not \"tomorrow\""},
		{one("to: b, expect: deny, expires: 2026-02-30"), "s.yaml:2:45: expires is a day, YEAR-MONTH-DAY, not \"2026-02-30\""},
		{one("to: b, expect: deny, xfail: 1"), "s.yaml:2:43: xfail is true, false or the reason as text, not a number"},
		{one("to: b, expect: deny, owner: true"), "s.yaml:2:43: owner is text, not a boolean; write it in quotes"},
		{one("to: !secret b, expect: deny"), "s.yaml:2:19: the type !secret is not read; leave it out"},
		{one("<<: {to: b}, expect: deny"), "s.yaml:2:15: merge keys (<<) are not read; repeat the keys, or give an alias (*name) to one value"},
		{one("to: b, expect: deny") + "  - {name: a, to: b, expect: deny}\n", "s.yaml:3:12: the name \"a\" stands in line 2 already; names tell assertions apart in reports"},
		{"assertions:\n- {name: " + strings.Repeat("ä", 257) + ", to: b, expect: deny}\n", "s.yaml:2:10: name has more than 256 characters"},
	} {
		s, faults := Parse("s.yaml", []byte(c.text))
		if len(faults) == 0 || s != nil {
			t.Errorf("%q is accepted", c.text)
			continue
		}
		i := slices.IndexFunc(faults, func(d diag.Diagnostic) bool { return d.String() == c.want })
		if i < 0 {
			t.Errorf("%q:\n got %v\nwant %s", c.text, faults, c.want)
			continue
		}
		// No schema sees keys that stand twice.
		if faults[i].Code != codeStructure || strings.Contains(c.want, "already") {
			continue
		}
		v, err := plain("s.yaml", []byte(c.text))
		if err != nil {
			t.Fatalf("%q: %v", c.text, err)
		}
		if schema.Validate(v) == nil {
			t.Errorf("%q: the schema accepts it; the reader says %s", c.text, c.want)
		}
	}
}

// Faults of JSON stand at the same places.
func TestJSONFaults(t *testing.T) {
	for text, want := range map[string]string{
		"{\"assertions\": [\n  {\"name\": \"a\", \"form\": \"b\", \"to\": \"c\", \"expect\": \"deny\"}]}": `s.json:2:17: unknown key "form"; did you mean from?`,
		"{\"assertions\": [\n  {\"name\": \"a\", \"to\": 7, \"expect\": \"deny\"}]}":                      `s.json:2:23: to is text, not a number; write it in quotes`,
		"{} {}":                         `s.json:1:4: a second document; the file may hold one`,
		"{\"assertions\": [":            `s.json:1:`,
		"":                              `s.json:1:1: the file is empty`,
		"{\"version\":1,\"version\":1}": `the key version stands in line 1 already`,
	} {
		_, faults := Parse("s.json", []byte(text))
		found := false
		for _, f := range faults {
			found = found || strings.Contains(f.String(), want)
		}
		if !found {
			t.Errorf("%s: %v, want %s", text, faults, want)
		}
	}
}

// What aliases repeat is bounded, as are depth, size and the faults told.
func TestBounds(t *testing.T) {
	bomb := "a: &a [" + strings.Repeat("x,", 20) + "x]\n"
	for c := 'b'; c < 'j'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 20), c-1)
	}
	many := "assertions:\n" + strings.Repeat("- {}\n", 200)
	for name, c := range map[string]struct{ text, want string }{
		"aliases":  {bomb, "aliases count as often as they are used"},
		"itself":   {"assertions: &a [*a]\n", ""},
		"depth":    {"assertions: " + strings.Repeat("[", 40) + strings.Repeat("]", 40), "more than 32 levels deep"},
		"deepyaml": {strings.Repeat("[", 200000), "not YAML"},
		"size":     {strings.Repeat("#", MaxBytes+1), "larger than 8 MiB"},
		"faults":   {many, "more faults like these"},
	} {
		_, faults := Parse("s.yaml", []byte(c.text))
		if len(faults) == 0 || len(faults) > maxFaults+1 || !strings.Contains(faults[len(faults)-1].Message+faults[0].Message, c.want) {
			t.Errorf("%s: %d faults, %.300v", name, len(faults), faults)
		}
	}
	if _, faults := Parse("s.json", []byte(strings.Repeat(`{"assertions":`, 40)+"1"+strings.Repeat("}", 40))); len(faults) == 0 {
		t.Error("40 levels of JSON are accepted")
	}
}

// docs/schema holds the schema for editors.
func TestSchemaIsPublished(t *testing.T) {
	published, err := os.ReadFile(filepath.Join("..", "..", "docs", "schema", "suite.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	if string(published) != Schema {
		t.Error("docs/schema/suite.schema.json differs from ingest/suite/suite.schema.json: copy it")
	}
}

// TestSchemaAgreesWithReader draws JSON suites, mostly right and a bit wrong:
// the schema refuses one iff the reader finds fault with its structure.
func TestSchemaAgreesWithReader(t *testing.T) {
	schema := compileSchema(t)
	rng := rand.New(rand.NewPCG(7, 2026))
	pick := func(list ...any) any { return list[rng.IntN(len(list))] }
	odd := func() any {
		return pick(nil, true, 7, -1, 1.5, 70000, "", "x", "*", []any{}, []any{"a"}, []any{1, "b"}, map[string]any{}, map[string]any{"from": "a"}, map[string]any{"x": 1}, "2026-01-01", "deny", "Inbound")
	}
	entry := func() any {
		return pick("10.0.0.0/8", map[string]any{"from": "a", "ports": 80}, map[string]any{"protocol": []any{6, "UDP"}}, odd())
	}
	valid, invalid := 0, 0
	for range 20000 {
		a := map[string]any{"name": "a", "to": pick("b", []any{"b", "c"}), "expect": pick("allow", "deny", "Deny", "Allow")}
		for _, k := range []string{"from", "protocol", "ports", "direction", "by", "only", "owner", "expires", "xfail"} {
			if rng.IntN(5) > 0 {
				continue
			}
			a[k] = map[string]any{
				"from": "a", "protocol": pick("TCP", 6, []any{"UDP", 1}), "ports": pick(80, "80-90", []any{1, "2"}), "direction": pick("Inbound", "outbound"),
				"by": pick("r", []any{"r"}), "only": pick(entry(), []any{entry(), entry()}), "owner": "o", "expires": "2026-01-01", "xfail": pick(true, "why"),
			}[k]
		}
		for rng.IntN(3) == 0 {
			k := pick("name", "from", "to", "protocol", "ports", "direction", "expect", "by", "only", "owner", "expires", "xfail", "other").(string)
			if a[k] = odd(); rng.IntN(2) == 0 {
				delete(a, k)
			}
		}
		doc := map[string]any{"assertions": pick([]any{a}, []any{a}, []any{a}, []any{}, a)}
		if rng.IntN(8) == 0 {
			doc[pick("version", "$schema", "x").(string)] = pick(1, 2, "s", nil)
		}
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		_, faults := Parse("s.json", text)
		structural := false
		for _, f := range faults {
			structural = structural || f.Code == codeStructure
		}
		v, err := plain("s.json", text)
		if err != nil {
			t.Fatal(err)
		}
		refused := schema.Validate(v)
		if (refused != nil) != structural {
			t.Fatalf("%s\nreader: %v\nschema: %v", text, faults, refused)
		}
		if structural {
			invalid++
		} else {
			valid++
		}
	}
	if valid < 2000 || invalid < 2000 {
		t.Errorf("%d valid, %d invalid: the draw is one-sided", valid, invalid)
	}
}

// FuzzParse reads any text as either syntax: no panic, no suite with faults, and
// every fault has a place.
func FuzzParse(f *testing.F) {
	for path, text := range accepted {
		f.Add(isJSON(path, []byte(text)), text)
	}
	f.Add(false, "assertions: &a [*a, {<<: *a}]")
	f.Fuzz(func(t *testing.T, json bool, text string) {
		path := "s.yaml"
		if json {
			path = "s.json"
		}
		s, faults := Parse(path, []byte(text))
		if (s == nil) != (len(faults) > 0) {
			t.Fatalf("a suite %v with faults %v", s != nil, faults)
		}
		for _, d := range faults {
			if d.Origin.File != path || strings.ContainsAny(d.String(), "\n\x1b") {
				t.Errorf("%q", d.String())
			}
		}
	})
}
