package azure

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

const ruleA = "invalid-rule:" + group + "/securityRules/a"

func TestUnreadableFieldsWidenTheRule(t *testing.T) {
	allPorts := func(r *network.Rule) bool { return slices.Equal(r.DestinationPorts, []flow.PortRange{flow.AllPorts}) }
	for name, c := range map[string]struct {
		field, value string
		code         string
		says         string // part of the message
		at           string // pointer below the rule's properties, "" for the rule
		widened      func(*network.Rule) bool
	}{
		"port-backwards":   {"destinationPortRange", `"90-80"`, "bad-port", "runs backwards", "/destinationPortRange", allPorts},
		"port-too-big":     {"destinationPortRange", `"70000"`, "bad-port", "0-65535", "/destinationPortRange", allPorts},
		"port-word":        {"destinationPortRange", `"abc"`, "bad-port", `"abc" is not a port`, "/destinationPortRange", allPorts},
		"port-list":        {"destinationPortRange", `"80,443"`, "bad-port", "make a list", "/destinationPortRange", allPorts},
		"port-object":      {"destinationPortRange", `{"a":1}`, "bad-port", "a JSON object", "/destinationPortRange", allPorts},
		"port-absent":      {"destinationPortRange", "-", "bad-port", "destination ports are missing", "", allPorts},
		"port-blank":       {"destinationPortRange", `" "`, "bad-port", "destination ports are missing", "", allPorts},
		"protocol":         {"protocol", `"Tpc"`, "bad-protocol", `did you mean "Tcp"?`, "/protocol", func(r *network.Rule) bool { return r.Protocol == network.AnyProtocol }},
		"protocol-letter":  {"protocol", `"T"`, "bad-protocol", "one of Tcp, Udp", "/protocol", func(r *network.Rule) bool { return r.Protocol == network.AnyProtocol }},
		"protocol-absent":  {"protocol", "-", "bad-protocol", "missing", "", func(r *network.Rule) bool { return r.Protocol == network.AnyProtocol }},
		"access":           {"access", `"Alow"`, "bad-access", `did you mean "Allow"?`, "/access", func(r *network.Rule) bool { return r.Access == flow.Unknown }},
		"access-null":      {"access", `null`, "bad-access", "missing", "", func(r *network.Rule) bool { return r.Access == flow.Unknown }},
		"direction":        {"direction", `"Inbund"`, "bad-direction", `did you mean "Inbound"?`, "/direction", func(r *network.Rule) bool { return r.Direction == 0 && r.In(flow.Inbound) && r.In(flow.Outbound) }},
		"priority-word":    {"priority", `"high"`, "bad-priority", "100-4096", "/priority", func(r *network.Rule) bool { return r.Priority == 0 }},
		"priority-huge":    {"priority", `99999999999`, "bad-priority", "100-4096", "/priority", func(r *network.Rule) bool { return r.Priority == 0 }},
		"priority-absent":  {"priority", "-", "bad-priority", "missing", "", func(r *network.Rule) bool { return r.Priority == 0 }},
		"priority-decimal": {"priority", `100.5`, "bad-priority", "100.5", "/priority", func(r *network.Rule) bool { return r.Priority == 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			res := decodeText(t, groupJSON(ruleJSON("a", c.field, c.value)))
			wantCodes(t, res.Diagnostics, c.code)
			d := res.Diagnostics[0]
			pointer := "/properties/securityRules/0"
			if c.at != "" {
				pointer += "/properties" + c.at
			}
			if d.Severity != diag.Error || d.Origin.Pointer != pointer || !strings.Contains(d.Message, c.says) {
				t.Errorf("%s %q at %s, want %q at %s", d.Severity, d.Message, d.Origin.Pointer, c.says, pointer)
			}
			r := res.Network.SecurityGroups[0].Rules[0]
			if !slices.Equal(r.Facts, []string{ruleA}) || !c.widened(r) {
				t.Errorf("%+v", r)
			}
		})
	}
	t.Run("priority-range", func(t *testing.T) {
		res := decodeText(t, groupJSON(ruleJSON("a", "priority", "4097")))
		wantCodes(t, res.Diagnostics, "priority-range")
		if d := res.Diagnostics[0]; d.Message != "4097 is outside 100-4096" || d.Severity != diag.Warning {
			t.Error(d)
		}
		if r := res.Network.SecurityGroups[0].Rules[0]; r.Priority != 4097 || len(r.Facts) > 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("prefix", func(t *testing.T) {
		for _, text := range []string{`"10.0.0.0/33"`, `"10.0.0.1-10.0.0.9"`, `{"id":"x"}`, `true`, `"300.1.1.1"`} {
			res := decodeText(t, groupJSON(ruleJSON("a", "sourceAddressPrefix", text)))
			wantCodes(t, res.Diagnostics, "bad-prefix")
			if s := res.Network.SecurityGroups[0].Rules[0].Source; len(s) != 1 || s[0].Kind != network.SelectUnknown || s[0].Fact != ruleA {
				t.Errorf("%s: %+v", text, s)
			}
		}
	})
	t.Run("asg-without-id", func(t *testing.T) {
		res := decodeText(t, groupJSON(ruleJSON("a", "sourceAddressPrefix", "-", "sourceApplicationSecurityGroups", `[{"id":null}]`)))
		wantCodes(t, res.Diagnostics, "bad-reference")
		if s := res.Network.SecurityGroups[0].Rules[0].Source; len(s) != 1 || s[0].Kind != network.SelectUnknown || s[0].Fact != ruleA {
			t.Errorf("%+v", s)
		}
	})
	t.Run("both-forms", func(t *testing.T) {
		r := oneRule(t, ruleJSON("a", "sourceAddressPrefix", `"10.0.0.0/8"`, "sourceAddressPrefixes", `["10.0.0.0/8","10.1.0.0/16"]`, "destinationPortRanges", `["80"]`),
			"both-forms", "both-forms")
		if d := cmp.Diff([]string{"10.0.0.0/8", "10.1.0.0/16"}, r.Text.Source); d != "" {
			t.Error(d)
		}
		if len(r.DestinationPorts) != 2 {
			t.Errorf("%v", r.DestinationPorts)
		}
	})
	t.Run("nothing-visible", func(t *testing.T) {
		r := oneRule(t, `{"name":"a"}`, "hidden-rule")
		if len(r.Facts) != 1 || r.Direction != 0 || r.Access != flow.Unknown || r.Source[0].Kind != network.SelectUnknown || !allPorts(r) {
			t.Errorf("%+v", r)
		}
	})
	t.Run("no-rule-at-all", func(t *testing.T) {
		for _, item := range []string{`7`, `null`, `"x"`, `[]`} {
			res := decodeText(t, groupJSON(item))
			wantCodes(t, res.Diagnostics, "bad-rule")
			if g := res.Network.SecurityGroups[0]; !slices.Equal(g.Facts, []string{"unresolved:a.json#/properties/securityRules/0"}) {
				t.Errorf("%s: %v", item, g.Facts)
			}
		}
	})
	t.Run("same-name-twice", func(t *testing.T) {
		res := decodeText(t, groupJSON(ruleJSON("a"), ruleJSON("A", "access", `"Deny"`), ruleJSON("b"), ruleJSON("b")))
		wantCodes(t, res.Diagnostics, "duplicate-name")
		rules := res.Network.SecurityGroups[0].Rules
		if len(rules) != 3 || len(rules[0].Facts) == 0 || len(rules[1].Facts) == 0 || len(rules[2].Facts) > 0 {
			t.Errorf("%+v", rules)
		}
	})
}

func TestResiduesBecomeFacts(t *testing.T) {
	decode := func(t *testing.T, text string, path ...string) *Result {
		t.Helper()
		r := declared(t, text)
		r.Node = withResidue(r.Node, path...)
		r.Properties = nil
		d := NewDecoder()
		d.AddResources([]Resource{r})
		res := d.Finish()
		for _, f := range res.Diagnostics {
			if f.Severity == diag.Error {
				t.Errorf("an unresolved expression is no fault of the input here: %v", f)
			}
		}
		return res
	}
	for field, widened := range map[string]func(*network.Rule) bool{
		"priority":             func(r *network.Rule) bool { return r.Priority == 0 && r.Text.Priority == "[parameters('x')]" },
		"direction":            func(r *network.Rule) bool { return r.Direction == 0 },
		"access":               func(r *network.Rule) bool { return r.Access == flow.Unknown },
		"protocol":             func(r *network.Rule) bool { return r.Protocol == network.AnyProtocol },
		"sourcePortRange":      func(r *network.Rule) bool { return slices.Equal(r.SourcePorts, []flow.PortRange{flow.AllPorts}) },
		"destinationPortRange": func(r *network.Rule) bool { return slices.Equal(r.DestinationPorts, []flow.PortRange{flow.AllPorts}) },
	} {
		t.Run(field, func(t *testing.T) {
			res := decode(t, groupJSON(ruleJSON("a")), "properties", "securityRules", "0", "properties", field)
			r := res.Network.SecurityGroups[0].Rules[0]
			if !slices.Equal(r.Facts, []string{"unresolved:t.json#/properties/securityRules/0/properties/" + field}) || !r.Text.Unresolved || !widened(r) {
				t.Errorf("%+v", r)
			}
		})
	}
	t.Run("address", func(t *testing.T) {
		res := decode(t, groupJSON(ruleJSON("a")), "properties", "securityRules", "0", "properties", "sourceAddressPrefix")
		r := res.Network.SecurityGroups[0].Rules[0]
		want := []network.Selector{{Kind: network.SelectUnknown, Text: "[parameters('x')]", Fact: "unresolved:t.json#/properties/securityRules/0/properties/sourceAddressPrefix"}}
		if !slices.Equal(r.Source, want) || !r.Text.Unresolved || r.Text.Source[0] != "[parameters('x')]" || len(r.Facts) > 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("asg", func(t *testing.T) {
		text := groupJSON(ruleJSON("a", "sourceAddressPrefix", "-", "sourceApplicationSecurityGroups", `[{"id":"x"}]`))
		for _, path := range [][]string{{"0", "id"}, {"0"}, {}} {
			res := decode(t, text, append([]string{"properties", "securityRules", "0", "properties", "sourceApplicationSecurityGroups"}, path...)...)
			r := res.Network.SecurityGroups[0].Rules[0]
			if len(r.Source) != 1 || r.Source[0].Kind != network.SelectUnknown || !strings.HasPrefix(r.Source[0].Fact, "unresolved:") ||
				r.Source[0].Text != "[parameters('x')]" || !r.Text.Unresolved {
				t.Errorf("%v: %+v", path, r)
			}
		}
	})
	t.Run("rule-properties", func(t *testing.T) {
		r := decode(t, groupJSON(ruleJSON("a")), "properties", "securityRules", "0", "properties").Network.SecurityGroups[0].Rules[0]
		if r.Direction != 0 || r.Access != flow.Unknown || r.Protocol != network.AnyProtocol || len(r.Source) != 1 || r.Source[0].Kind != network.SelectUnknown ||
			len(r.Destination) != 1 || len(r.SourcePorts) != 1 || len(r.Facts) != 1 {
			t.Errorf("%+v", r)
		}
	})
	for name, path := range map[string][]string{
		"rule": {"properties", "securityRules", "0"}, "rules": {"properties", "securityRules"}, "group-properties": {"properties"},
	} {
		t.Run(name, func(t *testing.T) {
			g := decode(t, groupJSON(ruleJSON("a")), path...).Network.SecurityGroups[0]
			if want := []string{"unresolved:t.json#/" + strings.Join(path, "/")}; !slices.Equal(g.Facts, want) {
				t.Errorf("facts %v, want %v", g.Facts, want)
			}
		})
	}
	nicText := `{"id":"` + nicA + `","properties":{"networkSecurityGroup":{"id":"` + group + `"},"ipConfigurations":[{"name":"c","properties":{"privateIPAddress":"10.0.0.4",
		"subnet":{"id":"` + vnet + `/subnets/x"},"applicationSecurityGroups":[{"id":"` + asgs + `g"}]}}]}}`
	for name, c := range map[string]struct {
		path []string
		good func(*network.NIC) bool
	}{
		"nic-group": {[]string{"properties", "networkSecurityGroup", "id"}, func(c *network.NIC) bool {
			return c.Group.ID == "" && c.Group.Fact == "unresolved:t.json#/properties/networkSecurityGroup/id"
		}},
		"nic-subnet": {[]string{"properties", "ipConfigurations", "0", "properties", "subnet"}, func(c *network.NIC) bool {
			return c.SubnetID == "" && strings.HasPrefix(c.SubnetFact, "unresolved:")
		}},
		"nic-address": {[]string{"properties", "ipConfigurations", "0", "properties", "privateIPAddress"}, func(c *network.NIC) bool { return !c.HasAddress() && c.SubnetID != "" }},
		"nic-asg":     {[]string{"properties", "ipConfigurations", "0", "properties", "applicationSecurityGroups", "0", "id"}, func(c *network.NIC) bool { return strings.HasPrefix(c.IPConfigs[0].ASGFact, "unresolved:") }},
		"nic-configs": {[]string{"properties", "ipConfigurations"}, func(c *network.NIC) bool {
			return strings.HasPrefix(c.SubnetFact, "unresolved:") && len(c.IPConfigs) == 1
		}},
		"nic-wholly":   {[]string{"properties"}, func(c *network.NIC) bool { return c.Group.Fact != "" && c.SubnetFact != "" && len(c.IPConfigs) == 1 }},
		"nic-one-conf": {[]string{"properties", "ipConfigurations", "0"}, func(c *network.NIC) bool { return c.SubnetFact != "" && len(c.IPConfigs) == 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			if n := decode(t, nicText, c.path...).Network.NICs[0]; !c.good(n) {
				t.Errorf("%+v", n)
			}
		})
	}
	vnetText := `{"id":"` + vnet + `","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},
		"subnets":[{"name":"x","properties":{"addressPrefix":"10.0.0.0/24","networkSecurityGroup":{"id":"` + group + `"},"routeTable":{"id":"r"}}}],
		"virtualNetworkPeerings":[{"name":"p","properties":{"remoteVirtualNetwork":{"id":"` + vnet + `2"},"allowVirtualNetworkAccess":true}}]}}`
	for name, c := range map[string]struct {
		path []string
		good func(*network.Network) bool
	}{
		"vnet-prefix":   {[]string{"properties", "addressSpace", "addressPrefixes", "0"}, func(n *network.Network) bool { return len(n.VirtualNetworks[0].Facts) == 1 }},
		"vnet-space":    {[]string{"properties", "addressSpace"}, func(n *network.Network) bool { return len(n.VirtualNetworks[0].Facts) == 1 }},
		"vnet-subnets":  {[]string{"properties", "subnets"}, func(n *network.Network) bool { return len(n.Subnets) == 0 && len(n.VirtualNetworks[0].Facts) == 1 }},
		"vnet-peerings": {[]string{"properties", "virtualNetworkPeerings"}, func(n *network.Network) bool { return len(n.VirtualNetworks[0].Facts) == 1 }},
		"subnet-group":  {[]string{"properties", "subnets", "0", "properties", "networkSecurityGroup"}, func(n *network.Network) bool { return strings.HasPrefix(n.Subnets[0].Group.Fact, "unresolved:") }},
		"subnet-wholly": {[]string{"properties", "subnets", "0", "properties"}, func(n *network.Network) bool {
			return n.Subnets[0].Group.Fact != "" && n.Subnets[0].RouteTable.Fact != ""
		}},
		"peering-access": {[]string{"properties", "virtualNetworkPeerings", "0", "properties", "allowVirtualNetworkAccess"}, func(n *network.Network) bool { return len(n.VirtualNetworks[0].Peerings[0].Facts) == 1 }},
		"peering-remote": {[]string{"properties", "virtualNetworkPeerings", "0", "properties", "remoteVirtualNetwork", "id"}, func(n *network.Network) bool { return len(n.VirtualNetworks[0].Peerings[0].Facts) == 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			if n := decode(t, vnetText, c.path...).Network; !c.good(n) {
				t.Errorf("%+v", n.VirtualNetworks[0])
			}
		})
	}
	for _, field := range []string{"addressPrefix", "nextHopType"} {
		t.Run("route-"+field, func(t *testing.T) {
			text := `{"id":"/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/routeTables/t","properties":{"routes":[{"name":"a","properties":{"addressPrefix":"0.0.0.0/0","nextHopType":"None"}}]}}`
			table := decode(t, text, "properties", "routes", "0", "properties", field).Network.RouteTables[0]
			if len(table.Facts) != 1 || len(table.Routes) != 0 {
				t.Errorf("%+v", table)
			}
		})
	}
}

func TestProjectedRowsHideNothing(t *testing.T) {
	row := func(text string) string { return `{"count":1,"total_records":1,"data":[` + text + `]}` }
	t.Run("group", func(t *testing.T) {
		res := decodeText(t, row(`{"id":"`+group+`","name":"n"}`))
		wantCodes(t, res.Diagnostics, "hidden-rules")
		if g := res.Network.SecurityGroups[0]; !slices.Equal(g.Facts, []string{"unresolved:a.json#/data/0"}) {
			t.Errorf("%v", g.Facts)
		}
	})
	t.Run("group-columns", func(t *testing.T) {
		res := decodeText(t, row(`{"id":"`+group+`","properties_securityRules":[`+ruleJSON("a")+`]}`))
		wantCodes(t, res.Diagnostics)
		if g := res.Network.SecurityGroups[0]; len(g.Rules) != 1 || len(g.Facts) > 0 {
			t.Errorf("%+v", g)
		}
	})
	t.Run("only-default-rules", func(t *testing.T) {
		res := decodeText(t, row(`{"id":"`+group+`","properties_defaultSecurityRules":[]}`))
		wantCodes(t, res.Diagnostics, "hidden-rules")
	})
	t.Run("flattened-reference", func(t *testing.T) {
		res := decodeText(t, `[{"id":"`+group+`"}]`)
		wantCodes(t, res.Diagnostics, "hidden-rules")
	})
	t.Run("loses-to-a-body", func(t *testing.T) {
		whole := groupJSON(ruleJSON("a"))
		for _, thin := range []string{
			row(`{"id":"` + group + `","name":"n","vmSize":"x"}`), `[{"id":"` + group + `","place":"x"}]`,
			`[{"id":"` + group + `/securityRules/a","name":"a"}]`,
		} {
			res := Decode(append(parse(t, "a.json", whole), parse(t, "b.json", thin)...))
			wantCodes(t, res.Diagnostics)
			if g := res.Network.SecurityGroups[0]; len(g.Rules) != 1 || len(g.Facts) > 0 {
				t.Errorf("%s: %+v", thin, g)
			}
		}
	})
	t.Run("nic", func(t *testing.T) {
		res := decodeText(t, row(`{"id":"`+nicA+`","name":"a"}`))
		wantCodes(t, res.Diagnostics, "hidden-nic")
		network.Link(res.Network)
		if c := res.Network.NICs[0]; c.Group.Fact == "" || c.SubnetFact == "" {
			t.Errorf("%+v", c)
		}
	})
	t.Run("vnet", func(t *testing.T) {
		res := decodeText(t, row(`{"id":"`+vnet+`","name":"v"}`))
		wantCodes(t, res.Diagnostics, "hidden-address-space")
		if v := res.Network.VirtualNetworks[0]; len(v.Facts) == 0 {
			t.Errorf("%+v", v)
		}
	})
	t.Run("vnet-peerings-left-out", func(t *testing.T) {
		res := decodeText(t, row(`{"id":"`+vnet+`","properties_addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"properties_subnets":[]}`))
		if v := res.Network.VirtualNetworks[0]; len(v.Facts) == 0 || len(v.Prefixes) != 1 {
			t.Errorf("%+v", v)
		}
	})
	t.Run("route-table", func(t *testing.T) {
		res := decodeText(t, row(`{"id":"/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/routeTables/t"}`))
		wantCodes(t, res.Diagnostics, "hidden-routes")
		if len(res.Network.RouteTables[0].Facts) == 0 {
			t.Error("no fact")
		}
	})
}
