package ingest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"ipflow/ingest/network"
)

const (
	templateSchema = `"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0"`
	paramsSchema   = `"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#", "contentVersion": "1.0.0.0"`
	groupID        = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network"
)

// loadArchive writes the files of an archive to a directory and loads it; "T:"
// and "P:" stand for the schemas.
func loadArchive(t *testing.T, archive string, o Options, paths ...string) *Snapshot {
	t.Helper()
	dir := t.TempDir()
	archive = strings.NewReplacer("T:", templateSchema, "P:", paramsSchema).Replace(archive)
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o.Paths = []string{dir}
	if len(paths) > 0 {
		o.Paths = nil
		for _, p := range paths {
			o.Paths = append(o.Paths, filepath.Join(dir, p))
		}
	}
	for i, p := range o.Deployment.Parameters {
		o.Deployment.Parameters[i] = filepath.Join(dir, p)
	}
	s, err := Load(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Snapshot) groupNamed(t *testing.T, name string) *network.SecurityGroup {
	t.Helper()
	i := slices.IndexFunc(s.Network.SecurityGroups, func(g *network.SecurityGroup) bool { return g.Name == name })
	if i < 0 {
		t.Fatalf("no security group %s", name)
	}
	return s.Network.SecurityGroups[i]
}

func (s *Snapshot) ruleNamed(t *testing.T, group, name string) *network.Rule {
	t.Helper()
	var found *network.Rule
	for _, r := range s.groupNamed(t, group).Rules {
		if r.Name == name {
			if found != nil {
				t.Fatalf("rule %s of %s twice", name, group)
			}
			found = r
		}
	}
	if found == nil {
		t.Fatalf("no rule %s in %s", name, group)
	}
	return found
}

func codes(s *Snapshot) []string {
	var out []string
	for _, d := range s.Diagnostics {
		out = append(out, d.Severity.String()+" "+d.Code)
	}
	return out
}

const rule = `"properties": {"priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "22"}`

// TestTemplateRulesInlineAndOnTheirOwn is SEMANTICS vectors 37 and 38: default
// rules are made, and a rule in both places is one.
func TestTemplateRulesInlineAndOnTheirOwn(t *testing.T) {
	s := loadArchive(t, `
-- main.json --
{T:, "parameters": {"n": {"type": "string", "defaultValue": "web"}}, "resources": [
 {"type": "Microsoft.Network/networkSecurityGroups", "name": "[parameters('n')]", "properties": {"securityRules": [{"name": "ssh", `+rule+`}]}},
 {"type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "[concat(parameters('n'), '/SSH')]", `+rule+`}
]}
`, Options{})
	g := s.groupNamed(t, "web")
	if len(g.Rules) != 7 || g.ID != groupID+"/networkSecurityGroups/web" {
		t.Errorf("%s has %d rules", g.ID, len(g.Rules))
	}
	if r := s.ruleNamed(t, "web", "ssh"); len(r.Facts) > 0 {
		t.Errorf("facts %v", r.Facts)
	}
	if len(s.Diagnostics) > 0 {
		t.Errorf("diagnostics %v", s.Diagnostics)
	}
}

func TestDoubtfulResources(t *testing.T) {
	s := loadArchive(t, `
-- main.json --
{T:, "parameters": {"maybe": {"type": "bool"}, "count": {"type": "int"}, "list": {"type": "array"}}, "resources": [
 {"type": "Microsoft.Network/networkSecurityGroups", "name": "sure", "properties": {"securityRules": [{"name": "both", `+rule+`}, {"name": "other", `+rule+`}]}},
 {"type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "sure/maybe", "condition": "[parameters('maybe')]", `+rule+`},
 {"type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "sure/both", "condition": "[parameters('maybe')]", `+rule+`},
 {"type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "sure/other", "condition": "[parameters('maybe')]", `+strings.Replace(rule, `"22"`, `"23"`, 1)+`},
 {"type": "Microsoft.Network/networkSecurityGroups", "name": "doubtful", "condition": "[parameters('maybe')]", "properties": {"securityRules": []}},
 {"type": "Microsoft.Network/networkSecurityGroups", "name": "counted", "properties": {}},
 {"type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "[concat('counted/r', copyIndex())]", "copy": {"name": "c", "count": "[parameters('count')]"}, `+rule+`},
 {"type": "Microsoft.Network/networkSecurityGroups", "name": "listed", "properties": {"securityRules": "[parameters('list')]"}},
 {"type": "Microsoft.Network/networkSecurityGroups", "name": "looped", "properties": {"copy": [{"name": "securityRules", "count": "[length(parameters('list'))]", "input": "[parameters('list')[copyIndex('securityRules')]]"}]}},
 {"type": "Microsoft.Network/networkInterfaces", "name": "nic", "condition": "[parameters('maybe')]", "properties": {"networkSecurityGroup": {"id": "[resourceId('Microsoft.Network/networkSecurityGroups', 'sure')]"},
   "ipConfigurations": [{"name": "c", "properties": {"applicationSecurityGroups": [{"id": "[resourceId('Microsoft.Network/applicationSecurityGroups', 'a')]"}]}}]}},
 {"type": "Microsoft.Network/networkInterfaces", "name": "behind", "properties": {"networkSecurityGroup": {"id": "[resourceId('Microsoft.Network/networkSecurityGroups', 'doubtful')]"}}},
 {"type": "Microsoft.Network/virtualNetworks", "name": "v", "condition": "[parameters('maybe')]", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
   "subnets": [{"name": "s", "properties": {"networkSecurityGroup": {"id": "[resourceId('Microsoft.Network/networkSecurityGroups', 'sure')]"}, "routeTable": {"id": "[resourceId('Microsoft.Network/routeTables', 'rt')]"}}}]}},
 {"type": "Microsoft.Network/routeTables", "name": "rt", "properties": {}},
 {"type": "Microsoft.Network/routeTables/routes", "name": "rt/r", "condition": "[parameters('maybe')]", "properties": {"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance"}}
]}
`, Options{})
	fact := func(facts []string, pointer string) bool {
		return slices.ContainsFunc(facts, func(f string) bool {
			return strings.HasPrefix(f, "unresolved:") && strings.HasSuffix(f, "main.json#"+pointer)
		})
	}
	if r := s.ruleNamed(t, "sure", "maybe"); !fact(r.Facts, "/resources/1/condition") {
		t.Errorf("a conditional rule has facts %v", r.Facts)
	}
	if r := s.ruleNamed(t, "sure", "both"); len(r.Facts) > 0 {
		t.Errorf("a rule that is there either way has facts %v", r.Facts)
	}
	others := 0
	for _, r := range s.groupNamed(t, "sure").Rules {
		if r.Name == "other" {
			others++
			if !fact(r.Facts, "/resources/3/condition") {
				t.Errorf("either description may count, but facts are %v", r.Facts)
			}
		}
	}
	if others != 2 {
		t.Errorf("%d descriptions of the rule", others)
	}
	for name, pointer := range map[string]string{
		"doubtful": "/resources/4/condition", "counted": "/resources/6/copy/count",
		"listed": "/resources/7/properties/securityRules", "looped": "/resources/8/properties/copy/0",
	} {
		if g := s.groupNamed(t, name); !fact(g.Facts, pointer) {
			t.Errorf("group %s has facts %v", name, g.Facts)
		}
	}
	for _, c := range s.Network.NICs {
		want := map[string]string{"nic": "/resources/9/condition", "behind": "/resources/4/condition"}[c.Name]
		if c.Group.Group != nil || !fact([]string{c.Group.Fact}, want) {
			t.Errorf("NIC %s: %+v", c.Name, c.Group)
		}
		if c.Name == "nic" && !fact([]string{c.IPConfigs[0].ASGFact}, want) {
			t.Errorf("NIC %s: %+v", c.Name, c.IPConfigs)
		}
	}
	sub := s.Network.Subnets[0]
	if sub.Group.Group != nil || !fact([]string{sub.Group.Fact}, "/resources/11/condition") || sub.RouteTable.Table != nil {
		t.Errorf("subnet %+v", sub)
	}
	if v := s.Network.VirtualNetworks[0]; !fact(v.Facts, "/resources/11/condition") {
		t.Errorf("virtual network %v", v.Facts)
	}
	if rt := s.Network.RouteTables[0]; len(rt.Routes) > 0 || !fact(rt.Facts, "/resources/13/condition") {
		t.Errorf("route table %+v", rt)
	}
}

// TestAlternatives: two descriptions of one resource of which either may be
// deployed, as templates write them for new or existing.
func TestAlternatives(t *testing.T) {
	s := loadArchive(t, `
-- main.json --
{T:, "parameters": {"a": {"type": "bool"}}, "resources": [
 {"type": "Microsoft.Network/networkSecurityGroups", "name": "g", "properties": {}},
 {"type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "g/r", "condition": "[parameters('a')]", `+rule+`},
 {"type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "g/r", "condition": "[not(parameters('a'))]", `+strings.Replace(rule, "Allow", "Deny", 1)+`}
]}
`, Options{})
	r := s.ruleNamed(t, "g", "r")
	if len(r.Facts) != 2 || r.Access != 0 || r.Source[0].Kind != network.SelectUnknown {
		t.Errorf("%+v", r)
	}
	s = loadArchive(t, `
-- main.json --
{T:, "parameters": {"a": {"type": "bool"}}, "resources": [
 {"type": "Microsoft.Network/networkSecurityGroups", "name": "g", "properties": {}},
 {"type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "g/r", "condition": "[parameters('a')]", `+rule+`},
 {"type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "g/r", "condition": "[not(parameters('a'))]", `+strings.Replace(rule, "Allow", "Deny", 1)+`}
]}
`, Options{Deployment: Deployment{Set: map[string]string{"a": "false"}}})
	if r := s.ruleNamed(t, "g", "r"); len(r.Facts) != 0 || r.Text.Access != "Deny" {
		t.Errorf("%+v", r)
	}
}

// TestRuleOfNamelessGroup: a rule of a group whose name is not known may belong
// to any group of the resource group.
func TestRuleOfNamelessGroup(t *testing.T) {
	s := loadArchive(t, `
-- main.json --
{T:, "parameters": {"n": {"type": "string"}}, "resources": [
 {"type": "Microsoft.Network/networkSecurityGroups", "name": "web", "properties": {}},
 {"type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "[concat(parameters('n'), '/extra')]", `+rule+`}
]}
-- other.json --
{"id": "/subscriptions/s/resourceGroups/elsewhere/providers/Microsoft.Network/networkSecurityGroups/far", "name": "far",
 "type": "Microsoft.Network/networkSecurityGroups", "properties": {"securityRules": [], "provisioningState": "Succeeded"}}
`, Options{})
	if r := s.ruleNamed(t, "web", "extra"); len(r.Facts) != 1 || !strings.HasPrefix(r.Facts[0], "missing-nsg:") {
		t.Errorf("facts %v", r.Facts)
	}
	if n := len(s.groupNamed(t, "far").Rules); n != 6 {
		t.Errorf("a group elsewhere has %d rules", n)
	}
	if !slices.Contains(codes(s), "warning nameless-nsg") {
		t.Errorf("%v", codes(s))
	}
}

// TestTemplatePeerings is SEMANTICS 5.1: connected when both sides are declared.
func TestTemplatePeerings(t *testing.T) {
	side := func(name, prefix, peer string) string {
		return `{"type": "Microsoft.Network/virtualNetworks", "name": "` + name + `", "properties": {"addressSpace": {"addressPrefixes": ["` + prefix + `"]}}},
 {"type": "Microsoft.Network/virtualNetworks/virtualNetworkPeerings", "name": "` + name + `/p", ` + peer + `}`
	}
	to := func(name string) string {
		return `"properties": {"remoteVirtualNetwork": {"id": "[resourceId('Microsoft.Network/virtualNetworks', '` + name + `')]"}}`
	}
	s := loadArchive(t, `
-- main.json --
{T:, "parameters": {"m": {"type": "bool"}}, "resources": [`+
		side("a", "10.1.0.0/16", to("b"))+",\n"+side("b", "10.2.0.0/16", to("a"))+",\n"+
		side("c", "10.3.0.0/16", to("a"))+",\n"+
		side("d", "10.4.0.0/16", to("e"))+",\n"+side("e", "10.5.0.0/16", `"condition": "[parameters('m')]", `+to("d"))+`
]}
`, Options{})
	got := map[string]string{}
	for _, v := range s.Network.VirtualNetworks {
		p := v.Peerings[0]
		got[v.Name] = p.Fact
		if p.Counts {
			got[v.Name] = p.Prefixes[0].String()
		}
	}
	want := map[string]string{
		"a": "10.2.0.0/16", "b": "10.1.0.0/16",
		"c": "missing-peer:" + groupID + "/virtualNetworks/a",
		"d": "missing-peer:" + groupID + "/virtualNetworks/e",
	}
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s: %q, want %q", name, got[name], w)
		}
	}
	if !strings.HasSuffix(got["e"], "#/resources/9/condition") {
		t.Errorf("e: %q", got["e"])
	}
}

// TestParameterSources: beside the template, named, and set.
func TestParameterSources(t *testing.T) {
	const archive = `
-- in/main.json --
{T:, "parameters": {"port": {"type": "string"}}, "resources": [
 {"type": "Microsoft.Network/networkSecurityGroups", "name": "g", "properties": {"securityRules": [
  {"name": "r", "properties": {"priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "[parameters('port')]"}}]}}
]}
-- in/main.parameters.json --
{P:, "parameters": {"port": {"value": "1"}}}
-- named.json --
{P:, "parameters": {"port": {"value": "2"}}}
`
	tests := []struct {
		name string
		d    Deployment
		want string
	}{
		{"beside", Deployment{}, "1"},
		{"named", Deployment{Parameters: []string{"named.json"}}, "2"},
		{"set", Deployment{Parameters: []string{"named.json"}, Set: map[string]string{"PORT": "3"}}, "3"},
		{"set-over-beside", Deployment{Set: map[string]string{"port": "4-5"}}, "4-5"},
	}
	hashes := map[string]bool{}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			// The template alone is named: what stands beside is found.
			s := loadArchive(t, archive, Options{Deployment: test.d}, "in/main.json")
			if got := s.ruleNamed(t, "g", "r").Text.DestinationPorts; !slices.Equal(got, []string{test.want}) {
				t.Errorf("ports %v, want %s", got, test.want)
			}
			hashes[s.SHA256] = true
		})
	}
	if len(hashes) != len(tests) {
		t.Errorf("%d different hashes", len(hashes))
	}
	dir := t.TempDir()
	wrong := filepath.Join(dir, "x.json")
	if err := os.WriteFile(wrong, []byte(`[1]`), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Load(context.Background(), Options{Paths: []string{wrong}, Deployment: Deployment{Parameters: []string{wrong}}})
	if err == nil || !strings.Contains(err.Error(), "is no parameter file") {
		t.Errorf("error %v", err)
	}
}

// TestLinkedRuleKnowsItsPlace: a rule that copy makes in a linked template, which
// is read from beside the one named, leads back to its text.
func TestLinkedRuleKnowsItsPlace(t *testing.T) {
	s := loadArchive(t, `
-- main.json --
{T:, "resources": [
 {"type": "Microsoft.Resources/deployments", "name": "d", "properties": {"mode": "Incremental", "templateLink": {"relativePath": "nested/rules.json"}}}
]}
-- nested/rules.json --
{T:, "resources": [
 {"type": "Microsoft.Network/networkSecurityGroups", "name": "g", "properties": {
  "copy": [{"name": "securityRules", "count": 2, "input":
   {"name": "[concat('r', copyIndex('securityRules'))]", `+rule+`}
  }]}}
]}
`, Options{}, "main.json")
	r := s.ruleNamed(t, "g", "r1")
	if o := r.Origin; filepath.Base(o.File) != "rules.json" || o.Line != 4 || o.Pointer != "/resources/0/properties/copy/0/input" {
		t.Errorf("origin %+v", o)
	}
}

// TestUnresolvedIsExplained: each value that stays unknown is named with what is
// missing, as a warning where a verdict may rest on it.
func TestUnresolvedIsExplained(t *testing.T) {
	s := loadArchive(t, `
-- main.json --
{T:, "parameters": {"src": {"type": "string"}, "dns": {"type": "string"}}, "resources": [
 {"type": "Microsoft.Network/networkSecurityGroups", "name": "g", "properties": {"securityRules": [
  {"name": "r", "properties": {"priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "[parameters('src')]", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "[reference('/x').port]"}}]}},
 {"type": "Microsoft.Network/publicIPAddresses", "name": "ip", "properties": {"dnsSettings": {"domainNameLabel": "[parameters('dns')]"}}},
 {"type": "Microsoft.Storage/storageAccounts", "name": "s", "properties": {"x": "[parameters('dns')]"}}
]}
`, Options{})
	var got []string
	for _, d := range s.Diagnostics {
		got = append(got, d.Severity.String()+" "+d.Origin.Pointer+" "+d.Message)
	}
	want := []string{
		"warning /resources/0/properties/securityRules/0/properties/sourceAddressPrefix [parameters('src')] is not known: parameter 'src' has no value; give it with --parameters or --set",
		"warning /resources/0/properties/securityRules/0/properties/destinationPortRange [reference('/x').port] is not known: the state of /x is known to Azure only",
		"info /resources/1/properties/dnsSettings/domainNameLabel [parameters('dns')] is not known: parameter 'dns' has no value; give it with --parameters or --set",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	r := s.ruleNamed(t, "g", "r")
	if !r.Text.Unresolved || !slices.Equal(r.Text.Source, []string{"[parameters('src')]"}) || len(r.Facts) != 1 {
		t.Errorf("%+v", r)
	}
}
