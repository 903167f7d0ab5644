package azure

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// parse reads documents written in a test.
func parse(t testing.TB, path, text string) []Input {
	t.Helper()
	docs, faults := jsontree.Parse(path, []byte(text))
	for _, f := range faults {
		t.Fatalf("%v", f)
	}
	var out []Input
	for _, d := range docs {
		out = append(out, Input{Path: path, Root: d})
	}
	return out
}

func decodeText(t testing.TB, text string) *Result {
	t.Helper()
	return Decode(parse(t, "a.json", text))
}

// sameNetwork compares what networks say, not where they say it.
func sameNetwork(a, b *network.Network) string {
	return cmp.Diff(
		a, b,
		cmpopts.IgnoreTypes(diag.Origin{}),
		cmpopts.IgnoreUnexported(network.Network{}, network.ServiceTags{}),
		cmpopts.EquateEmpty(),
		cmp.Comparer(func(p, q netip.Prefix) bool { return p == q }),
		cmp.Comparer(func(p, q netip.Addr) bool { return p == q }),
		cmpopts.IgnoreFields(network.Network{}, "Assumptions"),
	)
}

func TestOneEstateInEveryShape(t *testing.T) {
	read := func(t *testing.T, name string) *Result {
		t.Helper()
		path := filepath.Join("testdata", "shapes", name+".json")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return Decode(parse(t, path, string(data)))
	}
	rest := read(t, "rest")
	if got := len(rest.Network.SecurityGroups[0].Rules); got != 9 {
		t.Fatalf("web-nsg has %d rules, want 9", got)
	}
	for _, shape := range []Kind{REST, AzureCLI, ResourceGraph, ResourceGraphTable, PowerShell} {
		t.Run(string(shape), func(t *testing.T) {
			got := read(t, string(shape))
			if k := got.Documents[0].Kind; k != shape {
				t.Errorf("recognised as %s", k)
			}
			if n := got.Documents[0].Resources; n != 13 {
				t.Errorf("%d resources, want 13", n)
			}
			if d := cmp.Diff(rest.Counts, got.Counts); d != "" {
				t.Errorf("counts (-rest +%s):\n%s", shape, d)
			}
			if d := sameNetwork(rest.Network, got.Network); d != "" {
				t.Errorf("(-rest +%s):\n%s", shape, d)
			}
			for _, d := range got.Diagnostics {
				t.Errorf("%s %v", d.Severity, d)
			}
		})
	}
	t.Run("mixed", func(t *testing.T) {
		got := read(t, "mixed")
		if d := sameNetwork(rest.Network, got.Network); d != "" {
			t.Errorf("(-rest +mixed):\n%s", d)
		}
		for _, d := range got.Diagnostics {
			t.Errorf("%s %v", d.Severity, d)
		}
		want := []Kind{
			REST, AzureCLI, PowerShell, ResourceGraph, REST, AzureCLI, REST, AzureCLI, PowerShell, ResourceGraph, REST, AzureCLI, REST,
			AzureCLI,
		}
		var kinds []Kind
		for _, d := range got.Documents {
			kinds = append(kinds, d.Kind)
		}
		if d := cmp.Diff(want, kinds); d != "" {
			t.Errorf("kinds (-want +got):\n%s", d)
		}
	})
	t.Run("linked", func(t *testing.T) {
		for _, d := range network.Link(rest.Network) {
			t.Errorf("%s %v", d.Severity, d)
		}
		web := rest.Network.NICsNamed("web-1")[0]
		if web.Subnet == nil || web.Subnet.Group.Group == nil || web.Group.Group == nil || web.Subnet.RouteTable.Table == nil {
			t.Errorf("web-1 is not joined: %+v", web)
		}
		if m := rest.Network.ASGMembers(rest.Network.ASGs[0].ID); len(m) != 1 || m[0].NIC.Name != "pe-nic" {
			t.Errorf("members of %s: %v", rest.Network.ASGs[0].Name, m)
		}
	})
}

func TestKinds(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		kind  Kind
		count int
	}{
		"empty-array":      {`[]`, Empty, 0},
		"empty-object":     {`{}`, Empty, 0},
		"null":             {`null`, Empty, 0},
		"number":           {`7`, Unrecognised, 0},
		"words":            {`["a","b"]`, Unrecognised, 0},
		"empty-page":       {`{"value":[]}`, REST, 0},
		"scalar-value":     {`{"value":7}`, Unrecognised, 0},
		"template":         {`{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","resources":[{}]}`, ARMTemplate, 1},
		"subscription":     {`{"$schema":"https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#","resources":{"a":{},"b":{}}}`, ARMTemplate, 2},
		"no-schema":        {`{"contentVersion":"1.0.0.0","resources":[]}`, ARMTemplate, 0},
		"parameters":       {`{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#","parameters":{}}`, ARMParameters, 0},
		"tags":             {`{"changeNumber":1,"cloud":"Public","values":[{"name":"A","properties":{"addressPrefixes":[]}}]}`, ServiceTags, 1},
		"nsg-flow-log":     {`{"records":[{"category":"NetworkSecurityGroupFlowEvent","properties":{}}]}`, FlowLog, 1},
		"nested-flow-log":  {`{"records":[{"records":[{"category":"FlowLogFlowEvent"}]}]}`, FlowLog, 1},
		"bare-flow-record": {`{"category":"FlowLogFlowEvent","flowRecords":{}}`, FlowLog, 1},
		"effective-routes": {`{"value":[{"addressPrefix":["10.0.0.0/8"],"nextHopType":"VnetLocal","source":"Default","state":"Active"}]}`, EffectiveRoutes, 1},
		"effective-admin":  {`{"value":[{"id":"/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/networkManagers/m/securityAdminConfigurations/c/ruleCollections/r/rules/x","ruleCollectionAppliesToGroups":[],"properties":{}}],"skipToken":""}`, EffectiveAdminRules, 1},
		"effective-nsg":    {`[{"NetworkSecurityGroup":{"Id":"/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/networkSecurityGroups/n"},"EffectiveSecurityRules":[]}]`, EffectiveRules, 1},
		"graph-pascal":     {`{"Data":[{"id":"/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/applicationSecurityGroups/a","properties":{}}],"SkipToken":null}`, ResourceGraph, 1},
		"graph-summary":    {`{"count":1,"data":[{"count_":7}],"total_records":1}`, ResourceGraph, 0},
		"answer":           {`{"access":"Allow","ruleName":"securityRules/a","ruleId":""}`, Unrecognised, 0},
		"arm-example":      {`{"parameters":{"api-version":"1"},"responses":{"200":{"body":{"value":[]}}}}`, Unrecognised, 0},
		"gathered-pages":   {`[{"value":[{"id":"/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/applicationSecurityGroups/a","properties":{}}]},{"value":[]}]`, REST, 1},
		"resource-group":   {`[{"id":"/subscriptions/s/resourceGroups/r","name":"r"}]`, AzureCLI, 1},
		"other-type":       {`{"id":"/subscriptions/s/resourceGroups/r/providers/Microsoft.Web/sites/x","properties":{}}`, REST, 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := decodeText(t, c.text).Documents[0]
			if d.Kind != c.kind || d.Resources != c.count {
				t.Errorf("%s with %d, want %s with %d", d.Kind, d.Resources, c.kind, c.count)
			}
		})
	}
	t.Run("no-document", func(t *testing.T) {
		if d := Decode([]Input{{Path: "a.json"}}).Documents[0]; d.Kind != Empty {
			t.Errorf("%s", d.Kind)
		}
	})
}

func TestTypeOf(t *testing.T) {
	const s = "/subscriptions/s/resourceGroups/r/providers/"
	for id, want := range map[string]string{
		s + "Microsoft.Network/virtualNetworks/v":                                                             "Microsoft.Network/virtualNetworks",
		s + "Microsoft.Network/virtualNetworks/v/subnets/a":                                                   "Microsoft.Network/virtualNetworks/subnets",
		s + "Microsoft.Network/networkSecurityGroups/n/securityRules/r":                                       "Microsoft.Network/networkSecurityGroups/securityRules",
		s + "Microsoft.Compute/virtualMachineScaleSets/s/virtualMachines/0":                                   "Microsoft.Compute/virtualMachineScaleSets/virtualMachines",
		s + "microsoft.Compute/virtualMachineScaleSets/s/virtualMachines/0/networkInterfaces/n":               "microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces",
		s + "Microsoft.Network/virtualNetworks/v/providers/Microsoft.Network/networkGroupMemberships/default": "Microsoft.Network/networkGroupMemberships",
		"/SUBSCRIPTIONS/S/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.NETWORK/NETWORKINTERFACES/N":                   "MICROSOFT.NETWORK/NETWORKINTERFACES",
		"/subscriptions/s/resourceGroups/r":                                                                   "Microsoft.Resources/resourceGroups",
		s + "Microsoft.Network/virtualNetworks":                                                               "",
		s + "Microsoft.Network/virtualNetworks/":                                                              "",
		s + "Microsoft.Network//v":                                                                            "",
		"web-nsg":                                                                                             "",
		"":                                                                                                    "",
		"/subscriptions/s":                                                                                    "",
		"/providers/Microsoft.Management/managementGroups/m":                                                  "Microsoft.Management/managementGroups",
	} {
		if got := typeOf(id); got != want {
			t.Errorf("typeOf(%q) = %q, want %q", id, got, want)
		}
	}
}
