package azure

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

const (
	nm    = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/networkManagers/m"
	nmCfg = nm + "/securityAdminConfigurations/c"
	nmRC  = nmCfg + "/ruleCollections/rc"
	nmNG  = nm + "/networkGroups/g"
)

var sameManaged = cmp.Options{
	cmpopts.IgnoreTypes(diag.Origin{}), cmpopts.EquateEmpty(),
	cmp.Comparer(func(p, q netip.Prefix) bool { return p == q }),
	cmpopts.IgnoreFields(network.RuleText{}, "Direction", "Access", "Protocol"),
}

// The same manager as each tool prints it. The flattened forms are made from the
// REST form by taking the properties objects out, PowerShell's by capitals.
func TestManagersInEveryShape(t *testing.T) {
	rest := `[
 {"id":"` + nm + `","name":"m","type":"Microsoft.Network/networkManagers","location":"westus","properties":{"description":"","networkManagerScopes":{"managementGroups":["/providers/Microsoft.Management/managementGroups/corp"],"subscriptions":["/subscriptions/s"],
   "crossTenantScopes":[{"tenantId":"t","managementGroups":[],"subscriptions":["/subscriptions/other"]}]},"networkManagerScopeAccesses":["SecurityAdmin"],"provisioningState":"Succeeded"}},
 {"id":"` + nmNG + `","name":"g","type":"Microsoft.Network/networkManagers/networkGroups","properties":{"description":"","memberType":"VirtualNetwork"}},
 {"id":"` + nmNG + `/staticMembers/a","name":"a","type":"Microsoft.Network/networkManagers/networkGroups/staticMembers","properties":{"resourceId":"` + vnet + `","region":"westus"}},
 {"id":"` + nmCfg + `","name":"c","type":"Microsoft.Network/networkManagers/securityAdminConfigurations","properties":{"description":"","applyOnNetworkIntentPolicyBasedServices":["AllowRulesOnly"],"networkGroupAddressSpaceAggregationOption":"Manual"}},
 {"id":"` + nmRC + `","name":"rc","type":"Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections","properties":{"appliesToGroups":[{"networkGroupId":"` + nmNG + `"}]}},
 {"id":"` + nmRC + `/rules/x","name":"x","type":"Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules","kind":"Custom","properties":{"description":"","flag":"","priority":32,"protocol":"Tcp","direction":"Inbound","access":"AlwaysAllow",
   "sources":[{"addressPrefixType":"ServiceTag","addressPrefix":"Internet"},{"addressPrefixType":"IPPrefix","addressPrefix":"10.0.0.0/8"}],
   "destinations":[{"addressPrefixType":"NetworkGroup","addressPrefix":"` + nmNG + `"}],"sourcePortRanges":[],"destinationPortRanges":["22","80-90"],"provisioningState":"Succeeded"}}
]`
	flat := strings.NewReplacer(`"properties":{`, ``, `}},`, `},`, `"}]}},`, `"}]},`, `}}`, `}`).Replace(rest)
	if strings.Contains(flat, "properties") || strings.Count(flat, "{") != strings.Count(flat, "}") {
		t.Fatalf("not flattened: %s", flat)
	}
	pascal := func(s string) string {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			b.WriteByte(s[i])
			if s[i] == '"' && i+1 < len(s) && (i == 0 || s[i-1] == '{' || s[i-1] == ',') && strings.Contains(s[i+1:], `":`) && isKey(s[i+1:]) {
				i++
				b.WriteByte(s[i] &^ 0x20)
			}
		}
		return b.String()
	}
	want := decodeText(t, rest)
	wantCodes(t, want.Diagnostics)
	rule := want.Network.Managed.Rules[0]
	wantRule := &network.ManagedRule{
		Rule: &network.Rule{
			Kind: network.AdminRule, ID: nmRC + "/rules/x", Name: "x", Priority: 32, Direction: flow.Inbound, Access: flow.Allow, Always: true, ManagerID: nm,
			Protocol: 6, Source: []network.Selector{{Kind: network.SelectInternet, Text: "Internet"}, {Kind: network.SelectPrefix, Prefix: netip.MustParsePrefix("10.0.0.0/8"), Text: "10.0.0.0/8"}},
			SourcePorts: []flow.PortRange{flow.AllPorts}, DestinationPorts: []flow.PortRange{{First: 22, Last: 22}, {First: 80, Last: 90}},
			Text: network.RuleText{Priority: "32", Source: []string{"Internet", "10.0.0.0/8"}, Destination: []string{nmNG}, DestinationPorts: []string{"22", "80-90"}},
		},
		DestinationGroups: []string{nmNG},
	}
	if d := cmp.Diff(wantRule, rule, sameManaged); d != "" {
		t.Errorf("rule (-want +got):\n%s", d)
	}
	wantRest := network.AdminSources{
		Managers:       []*network.NetworkManager{{ID: nm, Name: "m", Subscriptions: []string{"/subscriptions/other", "/subscriptions/s"}, ManagementGroups: []string{"/providers/Microsoft.Management/managementGroups/corp"}}},
		Groups:         []*network.NetworkGroup{{ID: nmNG, Name: "g"}},
		Members:        []*network.GroupMember{{ID: nmNG + "/staticMembers/a", ResourceID: vnet}},
		Configurations: []*network.AdminConfiguration{{ID: nmCfg, Name: "c", IntentPolicyServices: []string{"AllowRulesOnly"}}},
		Collections:    []*network.AdminCollection{{ID: nmRC, Name: "rc", GroupIDs: []string{nmNG}}},
		Rules:          []*network.ManagedRule{wantRule},
	}
	if d := cmp.Diff(wantRest, want.Network.Managed, sameManaged); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
	graph := `{"count":6,"total_records":6,"skip_token":null,"data":` + rest + `}`
	for name, text := range map[string]string{"page": `{"value":` + rest + `}`, "graph": graph, "flattened": flat, "powershell": pascal(flat)} {
		t.Run(name, func(t *testing.T) {
			got := decodeText(t, text)
			wantCodes(t, got.Diagnostics)
			if d := cmp.Diff(want.Network.Managed, got.Network.Managed, sameManaged); d != "" {
				t.Errorf("(-rest +%s):\n%s", name, d)
			}
			if d := cmp.Diff(want.Counts, got.Counts); d != "" {
				t.Errorf("counts (-rest +%s):\n%s", name, d)
			}
		})
	}
}

// isKey reports whether s starts with the name of a member, without its quote.
func isKey(s string) bool {
	i := strings.IndexByte(s, '"')
	return i >= 0 && strings.HasPrefix(s[i:], `":`)
}

// Listed rules: Microsoft's own example, the CLI's flattened form, active ones.
func TestListedAdminRules(t *testing.T) {
	const rule = `"id":"` + nmRC + `/rules/x","configurationDescription":"","ruleCollectionDescription":"","ruleCollectionAppliesToGroups":[{"networkGroupId":"` + nmNG + `"}],"ruleGroups":[{"id":"` + nmNG + `"}],"kind":"Custom"`
	const fields = `"priority":1,"protocol":"Any","direction":"Outbound","access":"Deny","sources":[],"destinations":[{"addressPrefixType":"IPPrefix","addressPrefix":"*"}],"sourcePortRanges":["0-65535"],"destinationPortRanges":[]`
	for name, c := range map[string]struct {
		text string
		kind Kind
	}{
		"rest":       {`{"value":[{` + rule + `,"properties":{` + fields + `}}],"skipToken":""}`, EffectiveAdminRules},
		"flattened":  {`{"skipToken":"","value":[{` + rule + `,` + fields + `}]}`, EffectiveAdminRules},
		"array":      {`[{` + rule + `,` + fields + `}]`, EffectiveAdminRules},
		"only-rules": {`[{` + strings.Replace(rule, `"ruleCollectionAppliesToGroups":[{"networkGroupId":"`+nmNG+`"}],`, "", 1) + `,` + fields + `}]`, EffectiveAdminRules},
		"active":     {`{"value":[{"region":"westus","commitTime":"2024-01-01T00:00:00Z",` + rule + `,` + fields + `}],"skipToken":""}`, ActiveAdminRules},
	} {
		t.Run(name, func(t *testing.T) {
			res := decodeText(t, c.text)
			wantCodes(t, res.Diagnostics)
			lists := res.Network.Managed.Lists
			if len(lists) != 1 || len(lists[0].Rules) != 1 || lists[0].More || len(lists[0].Facts) > 0 {
				t.Fatalf("%+v", lists)
			}
			r := lists[0].Rules[0]
			if res.Documents[0].Kind != c.kind || res.Documents[0].Resources != 1 || lists[0].Active != (c.kind == ActiveAdminRules) || (r.Region == "westus") != lists[0].Active {
				t.Errorf("%+v %+v", res.Documents, lists[0])
			}
			if len(r.GroupIDs) != 1 || r.GroupIDs[0] != nmNG || r.ManagerID != nm || r.Name != "x" || r.Priority != 1 || r.Direction != flow.Outbound || r.Access != flow.Deny || r.Always ||
				r.Source[0].Kind != network.SelectAny || r.Destination[0].Kind != network.SelectAny || r.DestinationPorts[0] != flow.AllPorts || len(r.Facts) > 0 {
				t.Errorf("%+v", r.Rule)
			}
		})
	}
	t.Run("more-pages", func(t *testing.T) {
		res := decodeText(t, `{"value":[{`+rule+`,`+fields+`}],"skipToken":"x"}`)
		wantCodes(t, res.Diagnostics, "missing-page")
		if !res.Network.Managed.Lists[0].More {
			t.Error("the list is taken for whole")
		}
	})
	t.Run("microsoft", func(t *testing.T) {
		data, err := os.ReadFile(filepath.Join(sharedDir(t, "azure-examples"), "2023-09-01_NetworkManagerEffectiveSecurityAdminRulesList.json"))
		if err != nil {
			t.Fatal(err)
		}
		docs, _ := jsontree.Parse("example.json", data)
		body := docs[0].Path("responses", "200", "body")
		res := Decode([]Input{{Path: "example.json", Root: body}})
		wantCodes(t, res.Diagnostics, "missing-page") // its skipToken is not empty
		r := res.Network.Managed.Lists[0].Rules[0]
		if r.Name != "SampleAdminRule" || r.Access != flow.Deny || r.Priority != 1 || len(r.GroupIDs) != 1 || len(r.Facts) > 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("not-rules", func(t *testing.T) {
		res := decodeText(t, `{"value":[{`+rule+`,`+fields+`},{"ruleGroups":[]}],"skipToken":""}`)
		wantCodes(t, res.Diagnostics, "no-id")
		if l := res.Network.Managed.Lists[0]; len(l.Rules) != 1 || len(l.Facts) != 1 || l.Facts[0] != "unresolved:a.json#/value/1" {
			t.Errorf("%+v", l)
		}
	})
}

func TestDeployments(t *testing.T) {
	const rest = `"commitTime":"2024-01-01T00:00:00Z","region":"West US","deploymentStatus":"Deployed","configurationIds":["` + nmCfg + `"],"errorMessage":""`
	want := []*network.AdminDeployment{{Region: "West US", ConfigurationIDs: []string{nmCfg}, Status: "Deployed", Time: "2024-01-01T00:00:00Z"}}
	for name, c := range map[string]struct {
		text  string
		want  []*network.AdminDeployment
		codes []string
	}{
		"page":         {`{"value":[{"deploymentType":"SecurityAdmin",` + rest + `}],"skipToken":""}`, want, nil},
		"array":        {`[{"deploymentType":"SecurityAdmin",` + rest + `}]`, want, nil},
		"old-word":     {`[{"deploymentType":"AdminPolicy",` + rest + `}]`, want, nil},
		"powershell":   {`{"Value":[{"CommitTime":"2024-01-01T00:00:00Z","Region":"West US","DeploymentStatus":"Deployed","ConfigurationIds":["` + nmCfg + `"],"DeploymentType":"SecurityAdmin","ErrorMessage":""}],"SkipToken":""}`, want, nil},
		"connectivity": {`[{"deploymentType":"Connectivity",` + rest + `}]`, nil, nil},
		"no-type":      {`[{` + rest + `}]`, want, []string{"bad-deployment"}},
		"no-region": {`[{"deploymentType":"SecurityAdmin","deploymentStatus":"Deployed","configurationIds":[]}]`, []*network.AdminDeployment{
			{Facts: []string{"unresolved:a.json#/0"}},
		}, []string{"bad-deployment"}},
		"commit": {`{"commitId":"1","targetLocations":["westus","eastus"],"commitType":"SecurityAdmin","configurationIds":["` + nmCfg + `"]}`, []*network.AdminDeployment{
			{Region: "westus", ConfigurationIDs: []string{nmCfg}}, {Region: "eastus", ConfigurationIDs: []string{nmCfg}},
		}, nil},
		"goal-state": {`{"count":1,"data":[{"id":"` + nm + `/securityAdminRegionalGoalStates/westus","name":"westus","location":"westus","type":"microsoft.network/networkmanagers/securityadminregionalgoalstates","properties":{
			"CommitTimestamp":"2024-01-01T00:00:00Z","Status":"Succeeded","SecurityAdminConfigurations":[{"Id":"` + nmCfg + `/snapshots/1"}],"SecurityAdminRules":[{"Id":"` + nmRC + `/rules/x/snapshots/1"}]}}]}`, []*network.AdminDeployment{
			{ManagerID: nm, Region: "westus", ConfigurationIDs: []string{nmCfg + "/snapshots/1"}, RuleIDs: []string{nmRC + "/rules/x/snapshots/1"}, Status: "Succeeded", Time: "2024-01-01T00:00:00Z"},
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			res := decodeText(t, c.text)
			wantCodes(t, res.Diagnostics, c.codes...)
			if d := cmp.Diff(c.want, res.Network.Managed.Deployments, sameManaged); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if name != "goal-state" && res.Documents[0].Kind != AdminDeployments {
				t.Errorf("recognised as %s", res.Documents[0].Kind)
			}
		})
	}
}

func TestGraphRowsAboutManagers(t *testing.T) {
	res := decodeText(t, `{"count":4,"total_records":9,"skip_token":"x","data":[
 {"id":"`+vnet+`/providers/Microsoft.Network/networkGroupMemberships/default","name":"default","type":"microsoft.network/networkgroupmemberships","properties":{"GroupMemberships":[{"NetworkGroupId":"`+nmNG+`","MemberSources":[]}]}},
 {"id":"`+vnet+`/providers/Microsoft.Network/effectiveSecurityAdminRules/default","name":"default","type":"microsoft.network/effectivesecurityadminrules","properties":{"EffectiveSecurityAdminConfigurations":[{"Id":"`+nmCfg+`/snapshots/2"}],"ProvisioningState":"Failed"}},
 {"id":"/subscriptions/s","name":"one","type":"microsoft.resources/subscriptions","properties":{"managementGroupAncestorsChain":[{"name":"corp","displayName":"Corp"},{"name":"root"}]}},
 {"id":"`+vnet+`x/providers/Microsoft.Network/networkGroupMemberships/default","name":"default","type":"microsoft.network/networkgroupmemberships"}
]}`)
	wantCodes(t, res.Diagnostics, "truncated-snapshot", "hidden-memberships")
	want := network.AdminSources{
		Memberships: []*network.GroupMembership{
			{ID: vnet + "/providers/Microsoft.Network/networkGroupMemberships/default", ResourceID: vnet, GroupIDs: []string{nmNG}, Cut: true},
			{ID: vnet + "x/providers/Microsoft.Network/networkGroupMemberships/default", ResourceID: vnet + "x", Cut: true, Facts: []string{"unresolved:a.json#/data/3"}},
		},
		Effective: []*network.EffectiveConfigurations{{ID: vnet + "/providers/Microsoft.Network/effectiveSecurityAdminRules/default", VirtualNetworkID: vnet, ConfigurationIDs: []string{nmCfg + "/snapshots/2"}, State: "Failed"}},
		Scopes:    []*network.ManagementScope{{ID: "/subscriptions/s", Ancestors: []string{"corp", "root"}}},
	}
	if d := cmp.Diff(want, res.Network.Managed, sameManaged); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// What cannot be read widens an admin rule as it does a security rule.
func TestAdminRuleFaults(t *testing.T) {
	const id = nmRC + "/rules/x"
	const invalid = "invalid-rule:" + id
	whole := map[string]string{
		"priority": "1", "protocol": `"Tcp"`, "direction": `"Inbound"`, "access": `"Deny"`, "sources": "[]", "destinations": "[]", "sourcePortRanges": "[]", "destinationPortRanges": `["22"]`,
	}
	for _, c := range []struct {
		name, field, value string
		codes              []string
		facts              []string // of the rule
		source             network.Selector
	}{
		{"whole", "", "", nil, nil, network.Selector{Text: "*"}},
		{"access", "access", `"Alow"`, []string{"bad-access"}, []string{invalid}, network.Selector{Text: "*"}},
		{"protocol", "protocol", `7.5`, []string{"bad-protocol"}, []string{invalid}, network.Selector{Text: "*"}},
		{"direction", "direction", `null`, []string{"bad-direction"}, []string{invalid}, network.Selector{Text: "*"}},
		{"priority", "priority", `"x"`, []string{"bad-priority"}, []string{invalid}, network.Selector{Text: "*"}},
		{"priority-high", "priority", `4097`, []string{"priority-range"}, nil, network.Selector{Text: "*"}},
		{"priority-zero", "priority", `0`, []string{"priority-range"}, nil, network.Selector{Text: "*"}},
		{"ports", "destinationPortRanges", `["22-1"]`, []string{"bad-port"}, []string{invalid}, network.Selector{Text: "*"}},
		{"type", "sources", `[{"addressPrefixType":"IPPrefx","addressPrefix":"*"}]`, []string{"bad-address-type"}, nil, network.Selector{Kind: network.SelectUnknown, Text: "*", Fact: invalid}},
		{"prefix", "sources", `[{"addressPrefixType":"IPPrefix","addressPrefix":"10.0.0/8"}]`, []string{"bad-prefix"}, nil, network.Selector{Kind: network.SelectUnknown, Text: "10.0.0/8", Fact: invalid}},
		{"no-prefix", "sources", `[{"addressPrefixType":"IPPrefix"}]`, []string{"bad-prefix"}, nil, network.Selector{Kind: network.SelectUnknown, Fact: invalid}},
		{"group", "sources", `[{"addressPrefixType":"NetworkGroup","addressPrefix":"g"}]`, []string{"bad-reference"}, nil, network.Selector{Kind: network.SelectUnknown, Text: "g", Fact: invalid}},
		{"group-of-nothing", "sources", `["` + vnet + `"]`, []string{"bad-prefix"}, nil, network.Selector{Kind: network.SelectUnknown, Text: vnet, Fact: invalid}},
		{"no-type", "sources", `[{"addressPrefix":"10.0.0.4"}]`, nil, nil, network.Selector{Kind: network.SelectPrefix, Prefix: netip.MustParsePrefix("10.0.0.4/32"), Text: "10.0.0.4"}},
		{"tag", "sources", `[{"addressPrefixType":"ServiceTag","addressPrefix":"VirtualNetwork"}]`, nil, nil, network.Selector{Kind: network.SelectVirtualNetwork, Text: "VirtualNetwork"}},
		{"truncated", "sources", `["Microsoft.Azure.Commands.X"]`, []string{"truncated"}, nil, network.Selector{Kind: network.SelectUnknown, Text: "Microsoft.Azure.Commands.X", Fact: invalid}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var fields []string
			for name, value := range whole {
				if name == c.field {
					value = c.value
				}
				fields = append(fields, `"`+name+`":`+value)
			}
			res := decodeText(t, `[{"id":"`+id+`","name":"x","properties":{`+strings.Join(fields, ",")+`}}]`)
			wantCodes(t, res.Diagnostics, c.codes...)
			r := res.Network.Managed.Rules[0]
			if d := cmp.Diff(c.facts, r.Facts, sameManaged); d != "" {
				t.Errorf("facts (-want +got):\n%s", d)
			}
			if d := cmp.Diff([]network.Selector{c.source}, r.Source, sameManaged); d != "" {
				t.Errorf("source (-want +got):\n%s", d)
			}
		})
	}
	t.Run("hidden", func(t *testing.T) {
		res := decodeText(t, `[{"id":"`+id+`","name":"x","kind":"Default","properties":{"flag":"AllowVnetInbound"}}]`)
		wantCodes(t, res.Diagnostics, "hidden-rule")
		if r := res.Network.Managed.Rules[0]; len(r.Facts) != 1 || r.Source[0].Kind != network.SelectUnknown || r.Direction != 0 || r.Access != flow.Unknown {
			t.Errorf("%+v", r.Rule)
		}
	})
	t.Run("residue", func(t *testing.T) {
		o := diag.Origin{File: "t.json", Pointer: "/x"}
		members := []jsontree.Member{
			{Name: "priority", Value: jsontree.NewNumber(o, "1")},
			{Name: "direction", Value: jsontree.NewString(o, "Inbound")},
			{Name: "access", Value: jsontree.NewString(o, "Deny")},
			{Name: "protocol", Value: jsontree.NewString(o, "Any")},
			{Name: "sources", Value: jsontree.NewResidue(o, "[reference('x')]")},
			{Name: "destinationPortRanges", Value: jsontree.NewResidue(o, "[reference('y')]")},
		}
		d := NewDecoder()
		d.AddResources([]Resource{{Type: typeAdminRule, ID: id, Node: jsontree.NewObject(o, []jsontree.Member{{Name: "properties", Value: jsontree.NewObject(o, members)}}), Declared: true}})
		r := d.Finish().Network.Managed.Rules[0]
		if len(r.Source) != 1 || r.Source[0].Fact != "unresolved:t.json#/x" || len(r.Facts) != 1 || r.DestinationPorts[0] != flow.AllPorts || !r.Text.Unresolved {
			t.Errorf("%+v", r.Rule)
		}
	})
}

func TestSubnetsOfPlatformServices(t *testing.T) {
	for name, text := range map[string]string{
		"rest":       `{"name":"a","properties":{"addressPrefix":"10.0.0.0/24","delegations":[{"name":"d","properties":{"serviceName":"Microsoft.Sql/managedInstances"}}],"applicationGatewayIPConfigurations":[{"id":"x"}]}}`,
		"flattened":  `{"name":"a","addressPrefix":"10.0.0.0/24","delegations":[{"name":"d","serviceName":"Microsoft.Sql/managedInstances"}],"applicationGatewayIPConfigurations":[{"id":"x"}]}`,
		"powershell": `{"Name":"a","AddressPrefix":["10.0.0.0/24"],"Delegations":[{"Name":"d","ServiceName":"Microsoft.Sql/managedInstances"}],"ApplicationGatewayIPConfigurations":[{"Id":"x"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			res := decodeText(t, `{"id":"`+vnet+`","location":"westus","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[`+text+`]}}`)
			wantCodes(t, res.Diagnostics)
			if s := res.Network.Subnets[0]; !s.HasGateways || len(s.Delegations) != 1 || s.Delegations[0] != "Microsoft.Sql/managedInstances" || res.Network.VirtualNetworks[0].Location != "westus" {
				t.Errorf("%+v", s)
			}
		})
	}
}

// FuzzManagers: whatever a snapshot says about managers, decoding and linking end
// without a panic, and say the same twice.
func FuzzManagers(f *testing.F) {
	const world = `[{"id":"` + vnet + `","location":"westus","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"name":"a"},{"name":"b","properties":{"delegations":[{"properties":{"serviceName":"Microsoft.Sql/managedInstances"}}]}}]}},
 {"id":"` + nicA + `","properties":{"ipConfigurations":[{"properties":{"subnet":{"id":"` + vnet + `/subnets/a"}}}]}}]`
	for _, s := range []string{
		`[{"id":"` + nm + `","properties":{"networkManagerScopes":{"subscriptions":["/subscriptions/s"]}}},{"id":"` + nmNG + `/staticMembers/a","properties":{"resourceId":"` + vnet + `"}},
 {"id":"` + nmCfg + `","properties":{"applyOnNetworkIntentPolicyBasedServices":["All"]}},{"id":"` + nmRC + `","properties":{"appliesToGroups":[{"networkGroupId":"` + nmNG + `"}]}},
 {"id":"` + nmRC + `/rules/x","properties":{"priority":1,"protocol":"Any","direction":"Inbound","access":"Deny","sources":[{"addressPrefix":"` + nmNG + `"}]}},
 {"deploymentType":"SecurityAdmin","region":"westus","deploymentStatus":"Deployed","configurationIds":["c"]}]`,
		`{"value":[{"id":"` + nmRC + `/rules/x","ruleGroups":[{"id":"` + nmNG + `"}],"priority":1,"access":"Allow"}],"skipToken":"x"}`,
		`{"value":[{"id":"` + nmRC + `/rules/x","region":"West US","ruleGroups":[],"priority":1,"access":"AlwaysAllow"}]}`,
		`{"count":1,"data":[{"id":"` + vnet + `/providers/Microsoft.Network/effectiveSecurityAdminRules/default","type":"microsoft.network/effectivesecurityadminrules","properties":{"effectiveSecurityAdminConfigurations":[{"id":"` + nmCfg + `/snapshots/1"}]}}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		again := func() *network.Network {
			inputs := parse(t, "world.json", world)
			docs, _ := jsontree.Parse("a.json", data)
			for _, d := range docs {
				inputs = append(inputs, Input{Path: "a.json", Root: d})
			}
			n := Decode(inputs).Network
			if err := n.Assumptions.Set("admin-configurations", "unknown"); err != nil {
				t.Fatal(err)
			}
			network.Link(n)
			return n
		}
		first, second := again(), again()
		for i := 1; i < max(first.RuleCount(), second.RuleCount()); i++ {
			a, b := first.Rule(flow.RuleRef(i)), second.Rule(flow.RuleRef(i))
			if d := cmp.Diff(a, b, sameManaged); d != "" {
				t.Fatalf("rule %d differs from run to run:\n%s", i, d)
			}
			if a.Kind == network.AdminRule && (len(a.SourcePorts) == 0 || len(a.DestinationPorts) == 0 || int(a.Ref) != i) {
				t.Errorf("%+v", a)
			}
		}
		for i, v := range first.VirtualNetworks {
			if d := cmp.Diff(v.Admin, second.VirtualNetworks[i].Admin, sameManaged); d != "" {
				t.Errorf("admin rules of %s differ from run to run:\n%s", v.ID, d)
			}
		}
	})
}
