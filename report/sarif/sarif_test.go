package sarif

import (
	"bytes"
	"context"
	"encoding/json"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	official "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"ipflow/index"
	"ipflow/ingest"
	"ipflow/verify/audit"
)

const officialPackage = "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

// schemaText takes the standard's JSON schema out of the module that ships it.
func schemaText(t *testing.T) string {
	t.Helper()
	p, err := build.Import(officialPackage, ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	ast.Inspect(f, func(n ast.Node) bool {
		if x, ok := n.(*ast.BasicLit); ok && x.Kind == token.STRING && len(x.Value) > len(text) {
			text = x.Value
		}
		return true
	})
	out, err := strconv.Unquote(text)
	if err != nil || !strings.Contains(out, schema) {
		t.Fatalf("that is not the schema: %v", err)
	}
	return out
}

// validate holds a log to the standard's schema, and has a library of others read
// it.
func validate(t *testing.T, text []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schemaText(t)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schema, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(schema)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	if err := s.Validate(value); err != nil {
		return err
	}
	_, err = official.FromBytes(text)
	return err
}

func auditOf(t *testing.T, o audit.Options, paths ...string) *audit.Report {
	t.Helper()
	s, err := ingest.Load(context.Background(), ingest.Options{Paths: paths})
	if err != nil {
		t.Fatal(err)
	}
	ix, err := index.Compile(context.Background(), s.Network, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := audit.Input{Network: s.Network, Index: ix, Version: "1.2.3", Hashes: map[string]string{}}
	for _, f := range s.Files {
		in.Hashes[f.Path] = f.SHA256
	}
	for _, d := range s.Documents {
		in.Snapshot.Documents = append(in.Snapshot.Documents, audit.Document{Path: d.Path, Kind: string(d.Kind), SHA256: in.Hashes[d.Path]})
	}
	r, err := audit.Run(context.Background(), in, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func bytewise(_ string, _, column int) int { return column }

func written(t *testing.T, r *audit.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, Options{Column: bytewise}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func logOf(t *testing.T, text []byte) run {
	t.Helper()
	var l log
	if err := json.Unmarshal(text, &l); err != nil {
		t.Fatal(err)
	}
	return l.Runs[0]
}

const example = "../../docs/example/estate"

func TestIsValid(t *testing.T) {
	text := written(t, auditOf(t, audit.Options{}, example))
	if err := validate(t, text); err != nil {
		t.Fatal(err)
	}
	if broken := bytes.Replace(text, []byte(`"level": "error"`), []byte(`"level": "terrible"`), 1); validate(t, broken) == nil {
		t.Error("the validators take a level that there is not")
	}
	r := logOf(t, text)
	if len(r.Results) < 20 || len(r.Tool.Driver.Rules) != len(audit.Kinds()) {
		t.Errorf("%d results, %d rules", len(r.Results), len(r.Tool.Driver.Rules))
	}
	for _, x := range r.Results {
		if d := r.Tool.Driver.Rules[x.RuleIndex]; d.ID != x.RuleID || d.Help.Text == "" {
			t.Errorf("rule %d is %s, not %s", x.RuleIndex, d.ID, x.RuleID)
		}
	}
}

// TestRegionsPointAtRules reads, at the line and column of every result, the
// object of the rule that it is about.
func TestRegionsPointAtRules(t *testing.T) {
	template := write(t, "main.json", templateText)
	checked := 0
	for _, path := range []string{example, template} {
		for _, x := range logOf(t, written(t, auditOf(t, audit.Options{}, path))).Results {
			at := x.Locations[0]
			if at.Physical.Region == nil {
				t.Errorf("%s has no region", x.Message.Text)
				continue
			}
			uri := strings.ReplaceAll(at.Physical.Artifact.URI, "%20", " ")
			source, err := os.ReadFile(uri)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.SplitAfter(string(source), "\n")
			rest := strings.Join(lines[at.Physical.Region.StartLine-1:], "")[at.Physical.Region.StartColumn-1:]
			var object struct {
				Name string `json:"name"`
			}
			if err := json.NewDecoder(strings.NewReader(rest)).Decode(&object); err != nil {
				t.Errorf("%s:%d:%d: %v", uri, at.Physical.Region.StartLine, at.Physical.Region.StartColumn, err)
				continue
			}
			for _, l := range at.Logical {
				if l.Kind == "member" && !strings.EqualFold(object.Name, l.Name) && !strings.Contains(object.Name, "'") {
					t.Errorf("%s:%d is %q, not the rule %s", uri, at.Physical.Region.StartLine, object.Name, l.Name)
				}
				checked++
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d regions were looked at", checked)
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const templateText = `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "resources": [
    {"type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2023-09-01", "name": "nsg", "location": "westus", "properties": {"securityRules": [
      {"name": "ssh", "properties": {"priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "22"}},
      {"name": "again", "properties": {"priority": 200, "direction": "Inbound", "access": "Deny", "protocol": "Tcp",
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "22"}}]}},
    {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-09-01", "name": "vnet", "location": "westus", "properties": {
      "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
      "subnets": [{"name": "app", "properties": {"addressPrefix": "10.0.0.0/24", "networkSecurityGroup": {"id": "[resourceId('Microsoft.Network/networkSecurityGroups', 'nsg')]"}}}]}},
    {"type": "Microsoft.Network/networkInterfaces", "apiVersion": "2023-09-01", "name": "nic", "location": "westus", "properties": {
      "ipConfigurations": [{"name": "ip", "properties": {"privateIPAddress": "10.0.0.4", "subnet": {"id": "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'vnet', 'app')]"}}}]}}
  ]
}
`

// TestFingerprintsAreStable moves lines, turns the order of rules and resources
// around and adds a rule elsewhere.
func TestFingerprintsAreStable(t *testing.T) {
	prints := func(text string) (out []string) {
		for _, x := range logOf(t, written(t, auditOf(t, audit.Options{}, write(t, "main.json", text)))).Results {
			out = append(out, x.RuleID+" "+x.Fingerprints[Fingerprint])
		}
		slices.Sort(out)
		return out
	}
	before := prints(templateText)
	if len(before) < 2 {
		t.Fatalf("results %v", before)
	}
	for name, text := range map[string]string{
		"lines-moved": "\n\n" + strings.ReplaceAll(templateText, `"type"`, "\n\"type\""),
		"rules-turned": func() string {
			from, to := strings.Index(templateText, `      {"name": "ssh"`), strings.Index(templateText, `      {"name": "again"`)
			end := strings.Index(templateText, "]}},\n")
			first, second := strings.TrimSuffix(strings.TrimSpace(templateText[from:to]), ","), strings.TrimSpace(templateText[to:end])
			return templateText[:from] + second + ",\n" + first + templateText[end:]
		}(),
	} {
		if after := prints(text); !slices.Equal(before, after) {
			t.Errorf("%s: %v, were %v", name, after, before)
		}
	}
	if after := prints(strings.Replace(templateText, `"destinationPortRange": "22"}},`, `"destinationPortRange": "22-3389"}},`, 1)); slices.Equal(before, after) {
		t.Error("a rule that opens more services keeps its fingerprint")
	}
}

// TestHostileNames audits a group whose rule has a name that means something to
// everybody who might print it.
func TestHostileNames(t *testing.T) {
	hostile := "<script>alert(1)\x1b[31m\nred | [link](x:y) {0} `code` @all =1+1 " + strings.Repeat("é😀", 30)
	quoted, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	r := auditOf(t, audit.Options{}, write(t, "main.json", strings.ReplaceAll(templateText, `"ssh"`, string(quoted))))
	text := written(t, r)
	if err := validate(t, text); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("<script")) || bytes.ContainsRune(text, '\x1b') {
		t.Error("markup or a control character stands in the log as it is")
	}
	found := false
	for _, x := range logOf(t, text).Results {
		if strings.Contains(x.Message.Text, "script") {
			found = true
			for _, bad := range []string{"\n", "\x1b", " [link]", " {0}"} {
				if strings.Contains(x.Message.Text, bad) {
					t.Errorf("%q stands in the message %q", bad, x.Message.Text)
				}
			}
		}
	}
	if !found {
		t.Error("no result is about the rule")
	}
}

func TestDismissedFindingsAreSuppressed(t *testing.T) {
	all := auditOf(t, audit.Options{}, example)
	id := all.Findings[0].ID
	r := auditOf(t, audit.Options{Baseline: &audit.Baseline{Entries: []audit.Accepted{
		{Finding: id, Reason: "known", Owner: "ops", Expires: day(t, "2100-01-01")},
	}}, Now: day(t, "2026-01-01")}, example)
	text := written(t, r)
	if err := validate(t, text); err != nil {
		t.Fatal(err)
	}
	suppressed := 0
	for _, x := range logOf(t, text).Results {
		if len(x.Suppressions) > 0 {
			suppressed++
			if x.Fingerprints[Fingerprint] != id || x.Suppressions[0].Justification != "known (ops, until 2100-01-01)" {
				t.Errorf("%+v", x)
			}
		}
	}
	if suppressed != 1 {
		t.Errorf("%d results are suppressed", suppressed)
	}
}

func TestLocationsAreRelative(t *testing.T) {
	for _, c := range []struct{ base, file, want string }{
		{"/repo", "/repo/infra/main.json", "infra/main.json"},
		{"/repo", "infra/a b#c.json", "infra/a%20b%23c.json"},
		{"/repo", "/other/x.json", "../other/x.json"},
		{"/repo", "./x.json", "x.json"},
		{"", "c:x.json", "./c:x.json"},
	} {
		x := &writer{o: Options{Base: c.base}}
		if got := x.uri(c.file); got != c.want {
			t.Errorf("%s from %s: %s, want %s", c.file, c.base, got, c.want)
		}
	}
}

func day(t *testing.T, text string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
