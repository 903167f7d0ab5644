package azure

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
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

// The shapes agree with each other above; here is what they agree on.
func TestEstateContent(t *testing.T) {
	path := filepath.Join("testdata", "shapes", "rest.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := Decode(parse(t, path, string(data))).Network
	const scope = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/Shop/providers/"
	const net = scope + "Microsoft.Network/"
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	hub := net + "virtualNetworks/hub"
	want := &network.Network{
		Internet: network.DefaultInternet(true),
		VirtualNetworks: []*network.VirtualNetwork{
			{ID: hub, Name: "hub", Location: "westeurope", Prefixes: []netip.Prefix{prefix("10.1.0.0/16"), prefix("fd00:1::/48")}, Peerings: []*network.Peering{{
				ID: hub + "/virtualNetworkPeerings/to-spoke", Name: "to-spoke", RemoteID: net + "virtualNetworks/spoke",
				State: "Connected", SyncLevel: "FullyInSync", AllowAccess: true, Remote: []netip.Prefix{prefix("10.2.0.0/16")}, RemoteKnown: true,
			}}},
			{ID: net + "virtualNetworks/spoke", Name: "spoke", Location: "westeurope", Prefixes: []netip.Prefix{prefix("10.2.0.0/16")}},
		},
		Subnets: []*network.Subnet{
			{
				ID: hub + "/subnets/front", Name: "front", VirtualNetworkID: hub, Prefixes: []netip.Prefix{prefix("10.1.1.0/24")},
				Group: network.GroupRef{ID: net + "networkSecurityGroups/web-nsg"}, RouteTable: network.RouteTableRef{ID: net + "routeTables/rt"},
				PrivateEndpointPolicies: "Disabled",
			},
			{ID: hub + "/subnets/back", Name: "back", VirtualNetworkID: hub, Prefixes: []netip.Prefix{prefix("10.1.2.0/24"), prefix("fd00:1:0:2::/64")}, PrivateEndpointPolicies: "Enabled"},
			{ID: hub + "/subnets/GatewaySubnet", Name: "GatewaySubnet", VirtualNetworkID: hub, Prefixes: []netip.Prefix{prefix("10.1.255.0/27")}},
		},
		RouteTables: []*network.RouteTable{{
			ID: net + "routeTables/rt", Name: "rt", SubnetIDs: []string{hub + "/subnets/front"},
			Routes: []network.Route{{Name: "out", Prefix: prefix("0.0.0.0/0"), NextHop: "VirtualAppliance"}, {Name: "tag", Tag: "AzureCloud", NextHop: "Internet"}},
		}},
		NICs: []*network.NIC{
			{
				ID: net + "networkInterfaces/web-1", Name: "web-1", VMID: scope + "Microsoft.Compute/virtualMachines/web", MAC: "00-0D-3A-11-22-33",
				SubnetID: hub + "/subnets/front", Group: network.GroupRef{ID: net + "networkSecurityGroups/empty-nsg"}, IPForwarding: true,
				IPConfigs: []network.IPConfig{
					{Name: "v4", Address: addr("10.1.1.4"), Primary: true, ASGs: []string{net + "applicationSecurityGroups/web"}, PublicIPID: net + "publicIPAddresses/web-ip", SubnetID: hub + "/subnets/front"},
					{Name: "v6", Address: addr("fd00:1:0:1::4"), SubnetID: hub + "/subnets/front"},
				},
			},
			{
				ID: net + "networkInterfaces/pe-nic", Name: "pe-nic", SubnetID: hub + "/subnets/back", PrivateEndpoint: net + "privateEndpoints/store-pe",
				IPConfigs: []network.IPConfig{{Name: "pe", Address: addr("10.1.2.5"), Primary: true, ASGs: []string{net + "applicationSecurityGroups/store"}, SubnetID: hub + "/subnets/back"}},
			},
		},
		VirtualMachines: []*network.VirtualMachine{{ID: scope + "Microsoft.Compute/virtualMachines/web", Name: "web", NICIDs: []string{net + "networkInterfaces/web-1"}}},
		ASGs: []*network.ApplicationSecurityGroup{
			{ID: net + "applicationSecurityGroups/web", Name: "web"}, {ID: net + "applicationSecurityGroups/store", Name: "store"},
		},
		PublicIPs: []*network.PublicIP{{ID: net + "publicIPAddresses/web-ip", Name: "web-ip", SKU: "Standard", Address: addr("20.50.1.2")}},
		Gateways:  []*network.Gateway{{ID: net + "virtualNetworkGateways/vpn", Name: "vpn", Type: "Vpn", SubnetID: hub + "/subnets/GatewaySubnet"}},
	}
	groups := n.SecurityGroups
	n.SecurityGroups = nil
	if d := sameNetwork(want, n); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if g := groups[1]; g.Name != "empty-nsg" || len(g.Rules) != 6 || len(g.NICIDs) != 1 || groups[0].SubnetIDs[0] != hub+"/subnets/front" {
		t.Errorf("%+v", g)
	}
	ssh := groups[0].Rules[1]
	id := net + "networkSecurityGroups/web-nsg/securityRules/ssh"
	wantRule := &network.Rule{
		ID: id, Name: "ssh", Priority: 110, Direction: flow.Inbound, Access: flow.Allow, Protocol: network.ProtocolMatch(flow.TCP),
		Source: []network.Selector{
			{Kind: network.SelectPrefix, Prefix: prefix("10.0.0.0/8"), Text: "10.0.0.0/8"},
			{Kind: network.SelectPrefix, Prefix: prefix("192.168.7.0/24"), Text: "192.168.7.0/24"},
		},
		Destination: []network.Selector{{Kind: network.SelectAny, Text: "*"}},
		SourcePorts: []flow.PortRange{flow.AllPorts}, DestinationPorts: []flow.PortRange{{First: 22, Last: 22}},
		Text: network.RuleText{
			Priority: "110", Direction: "Inbound", Access: "Allow", Protocol: "TCP",
			Source: []string{"10.0.0.0/8", "192.168.7.0/24"}, Destination: []string{"*"}, SourcePorts: []string{"*"}, DestinationPorts: []string{"22"},
		},
	}
	opts := cmp.Options{cmpopts.IgnoreTypes(diag.Origin{}), cmp.Comparer(func(p, q netip.Prefix) bool { return p == q })}
	if d := cmp.Diff(wantRule, ssh, opts); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if o := ssh.Origin; o.File != path || o.Pointer != "/value/0/properties/securityRules/1" || o.Line == 0 {
		t.Errorf("origin %+v", o)
	}
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
		"/subscriptions/s":                                                                                    "Microsoft.Resources/subscriptions",
		"/subscriptions/":                                                                                     "",
		"/providers/Microsoft.Management/managementGroups/m":                                                  "Microsoft.Management/managementGroups",
	} {
		if got := typeOf(id); got != want {
			t.Errorf("typeOf(%q) = %q, want %q", id, got, want)
		}
	}
}
