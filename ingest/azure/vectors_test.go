package azure

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

const (
	group = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/networkSecurityGroups/n"
	vnet  = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/virtualNetworks/v"
	nicA  = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/networkInterfaces/a"
	asgs  = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/applicationSecurityGroups/"
)

// ruleJSON writes a rule of group n: a plain inbound TCP rule in which members of
// changes stand instead. A value "-" leaves the member out.
func ruleJSON(name string, changes ...string) string {
	fields := [][2]string{
		{"priority", "100"},
		{"direction", `"Inbound"`},
		{"access", `"Allow"`},
		{"protocol", `"Tcp"`},
		{"sourcePortRange", `"*"`},
		{"destinationPortRange", `"22"`},
		{"sourceAddressPrefix", `"*"`},
		{"destinationAddressPrefix", `"*"`},
	}
	for i := 0; i < len(changes); i += 2 {
		at := slices.IndexFunc(fields, func(f [2]string) bool { return f[0] == changes[i] })
		switch {
		case changes[i+1] == "-":
			fields = slices.Delete(fields, at, at+1)
		case at >= 0:
			fields[at][1] = changes[i+1]
		default:
			fields = append(fields, [2]string{changes[i], changes[i+1]})
		}
	}
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", f[0], f[1])
	}
	return fmt.Sprintf(`{"name":%q,"properties":{%s}}`, name, b.String())
}

func groupJSON(rules ...string) string {
	return fmt.Sprintf(`{"id":%q,"name":"n","type":"Microsoft.Network/networkSecurityGroups","properties":{"securityRules":[%s]}}`, group, strings.Join(rules, ","))
}

// oneRule decodes a group with one rule and expects the diagnostics to be of
// exactly these codes.
func oneRule(t *testing.T, rule string, codes ...string) *network.Rule {
	t.Helper()
	res := decodeText(t, groupJSON(rule))
	wantCodes(t, res.Diagnostics, codes...)
	if len(res.Network.SecurityGroups) != 1 || len(res.Network.SecurityGroups[0].Rules) != 1 {
		t.Fatalf("not one rule: %+v", res.Network.SecurityGroups)
	}
	return res.Network.SecurityGroups[0].Rules[0]
}

func wantCodes(t *testing.T, list diag.List, codes ...string) {
	t.Helper()
	var got []string
	for _, d := range list {
		got = append(got, d.Code)
	}
	if d := cmp.Diff(codes, got); d != "" {
		t.Errorf("diagnostics (-want +got):\n%s%v", d, list)
	}
}

func kinds(list []network.Selector) (out []network.SelectorKind) {
	for _, s := range list {
		out = append(out, s.Kind)
	}
	return out
}

func prefixTexts(list []network.Selector) (out []string) {
	for _, s := range list {
		if s.Kind == network.SelectPrefix {
			out = append(out, s.Prefix.String())
		} else {
			out = append(out, fmt.Sprintf("kind %d", s.Kind))
		}
	}
	return out
}

func TestRuleVectors(t *testing.T) {
	t.Run("vector-22", func(t *testing.T) {
		res := decodeText(t, groupJSON(
			ruleJSON("b", "priority", "110"),
			ruleJSON("a", "access", `"Deny"`, "sourceAddressPrefix", `"10.0.0.0/8"`),
		))
		wantCodes(t, append(res.Diagnostics, network.Link(res.Network)...))
		list := res.Network.SecurityGroups[0].List(flow.Inbound)
		if a, b := list[0], list[1]; a.Priority != 100 || a.Access != flow.Deny || b.Priority != 110 || b.Access != flow.Allow ||
			prefixTexts(a.Source)[0] != "10.0.0.0/8" || b.Source[0].Kind != network.SelectAny {
			t.Errorf("%+v\n%+v", a, b)
		}
	})
	t.Run("vector-23", func(t *testing.T) {
		res := decodeText(t, groupJSON(ruleJSON("a"), ruleJSON("b", "direction", `"Outbound"`)))
		wantCodes(t, append(res.Diagnostics, network.Link(res.Network)...))
	})
	t.Run("vector-24", func(t *testing.T) {
		res := decodeText(t, groupJSON(ruleJSON("a"), ruleJSON("b", "access", `"Deny"`)))
		wantCodes(t, append(res.Diagnostics, network.Link(res.Network)...), "duplicate-priority")
		if first := res.Network.SecurityGroups[0].List(flow.Inbound)[0]; first.Name != "b" {
			t.Errorf("%s goes first", first.Name)
		}
	})
	t.Run("vector-25", func(t *testing.T) {
		for text, want := range map[string]network.ProtocolMatch{
			`"tcp"`: 6, `"TCP"`: 6, `"Tcp"`: 6, `"6"`: 6, `6`: 6, `"UDP"`: 17, `"icmp"`: 1, `"Esp"`: 50, `"AH"`: 51, `"17"`: 17,
			`"*"`: network.AnyProtocol, `"Any"`: network.AnyProtocol, `"ALL"`: network.AnyProtocol,
		} {
			if r := oneRule(t, ruleJSON("a", "protocol", text)); r.Protocol != want || len(r.Facts) > 0 {
				t.Errorf("%s is %d, %v", text, r.Protocol, r.Facts)
			}
		}
	})
	t.Run("vector-26", func(t *testing.T) {
		r := oneRule(t, ruleJSON("a", "sourceAddressPrefix", `"INTERNET"`, "destinationAddressPrefix", `"virtualNetwork"`))
		if r.Source[0].Kind != network.SelectInternet || r.Destination[0].Kind != network.SelectVirtualNetwork || r.Text.Source[0] != "INTERNET" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("vector-27", func(t *testing.T) {
		r := oneRule(t, ruleJSON("a", "sourceAddressPrefixes", `[]`))
		if d := cmp.Diff([]network.SelectorKind{network.SelectAny}, kinds(r.Source)); d != "" {
			t.Error(d)
		}
	})
	t.Run("vector-28", func(t *testing.T) {
		for _, singular := range []string{`null`, `""`, "-"} {
			r := oneRule(t, ruleJSON("a", "sourceAddressPrefix", singular, "sourceAddressPrefixes", `["10.0.0.0/24"]`))
			if d := cmp.Diff([]string{"10.0.0.0/24"}, prefixTexts(r.Source)); d != "" {
				t.Errorf("%s: %s", singular, d)
			}
		}
	})
	t.Run("vector-29", func(t *testing.T) {
		r := oneRule(t, ruleJSON("a", "sourceAddressPrefix", `null`, "sourceAddressPrefixes", `[]`), "empty-side")
		if len(r.Source) != 0 || len(r.Facts) != 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("vector-30", func(t *testing.T) {
		r := oneRule(t, ruleJSON("a", "sourceAddressPrefix", `"10.0.0.5/24"`), "host-bits")
		if d := cmp.Diff([]string{"10.0.0.0/24"}, prefixTexts(r.Source)); d != "" || r.Text.Source[0] != "10.0.0.5/24" {
			t.Error(d, r.Text)
		}
	})
	t.Run("vector-31", func(t *testing.T) {
		r := oneRule(t, ruleJSON("a", "sourceAddressPrefix", `"111"`), "integer-address")
		if d := cmp.Diff([]string{"0.0.0.111/32"}, prefixTexts(r.Source)); d != "" {
			t.Error(d)
		}
	})
	t.Run("vector-32", func(t *testing.T) {
		r := oneRule(t, ruleJSON("a", "sourceAddressPrefix", `"10.0.0.4"`))
		if d := cmp.Diff([]string{"10.0.0.4/32"}, prefixTexts(r.Source)); d != "" {
			t.Error(d)
		}
	})
	t.Run("vector-33", func(t *testing.T) {
		r := oneRule(t, ruleJSON("a", "destinationPortRange", "-", "destinationPortRanges", `["500-1000","2000","3000"]`))
		if d := cmp.Diff([]flow.PortRange{{First: 500, Last: 1000}, {First: 2000, Last: 2000}, {First: 3000, Last: 3000}}, r.DestinationPorts); d != "" {
			t.Error(d)
		}
	})
	t.Run("vector-34", func(t *testing.T) {
		r := oneRule(t, ruleJSON("a", "sourcePortRange", `"700-900"`))
		if d := cmp.Diff([]flow.PortRange{{First: 700, Last: 900}}, r.SourcePorts); d != "" {
			t.Error(d)
		}
	})
	t.Run("vector-48", func(t *testing.T) {
		r := oneRule(t, ruleJSON("a", "sourceAddressPrefix", "-", "sourceAddressPrefixes", `["10.0.0.0/8","fd00::/8"]`),
			"ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies")
		if len(r.Source) != 2 || len(r.Facts) > 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("vector-56", func(t *testing.T) {
		list := fmt.Sprintf(`[{"id":%q},{"id":%q},{"id":%q}]`, asgs+"ASG1", asgs+"ASG2", asgs+"ASG3")
		r := oneRule(t, ruleJSON("a", "destinationAddressPrefix", "-", "destinationApplicationSecurityGroups", list))
		if d := cmp.Diff([]string{asgs + "ASG1", asgs + "ASG2", asgs + "ASG3"}, r.Text.Destination); d != "" {
			t.Error(d)
		}
		for _, s := range r.Destination {
			if s.Kind != network.SelectASG {
				t.Errorf("%+v", s)
			}
		}
	})
	t.Run("vector-89", func(t *testing.T) {
		res := decodeText(t, `[{"Name":"n","Id":"`+group+`","SecurityRules":[{"Name":"a","Protocol":"Tcp","SourcePortRange":["*"],"DestinationPortRange":["22","80"],
			"SourceAddressPrefix":["*"],"DestinationAddressPrefix":["*"],"Access":"Allow","Priority":100,"Direction":"Inbound"}],"DefaultSecurityRules":[]}]`)
		wantCodes(t, res.Diagnostics)
		r := res.Network.SecurityGroups[0].Rules[0]
		if d := cmp.Diff([]flow.PortRange{{First: 22, Last: 22}, {First: 80, Last: 80}}, r.DestinationPorts); d != "" {
			t.Error(d)
		}
	})
}

func TestEffectiveVectors(t *testing.T) {
	res := decodeText(t, `{"value":[{"networkSecurityGroup":{"id":"`+group+`"},"association":{"networkInterface":{"id":"`+nicA+`"},"subnet":{"id":"`+vnet+`/subnets/x"}},
		"effectiveSecurityRules":[
		{"name":"securityRules/ssh","protocol":"Tcp","sourcePortRange":"0-65535","destinationPortRange":"22-22","sourcePortRanges":["0-65535"],"destinationPortRanges":["22-22"],
		 "sourceAddressPrefix":"0.0.0.0/0","sourceAddressPrefixes":["0.0.0.0/0","0.0.0.0/0"],"destinationAddressPrefix":"0.0.0.0/0","destinationAddressPrefixes":["0.0.0.0/0"],
		 "access":"Allow","priority":1000,"direction":"Inbound"},
		{"name":"defaultSecurityRules/AllowVnetInBound","protocol":"All","sourcePortRange":"0-65535","destinationPortRange":"0-65535","sourceAddressPrefix":"VirtualNetwork",
		 "destinationAddressPrefix":"VirtualNetwork","expandedSourceAddressPrefix":["10.0.0.0/16","168.63.129.16/32"],"access":"Allow","priority":65000,"direction":"Inbound"}],
		"tagMap":{"VirtualNetwork":["10.0.0.0/16","168.63.129.16/32"]}}]}`)
	wantCodes(t, res.Diagnostics, "nic-from-effective-rules", "nsg-from-effective-rules")
	if len(res.EffectiveNSGs) != 1 {
		t.Fatalf("%+v", res.EffectiveNSGs)
	}
	e := res.EffectiveNSGs[0]
	g := e.Groups[0]
	if e.NICID != nicA || g.SubnetID != vnet+"/subnets/x" || g.GroupID != group || len(g.Facts) > 0 {
		t.Errorf("%+v", e)
	}
	ssh, vn := g.Rules[0], g.Rules[1]
	t.Run("vector-35", func(t *testing.T) {
		if d := cmp.Diff([]network.SelectorKind{network.SelectAny}, kinds(ssh.Source)); d != "" {
			t.Error(d)
		}
	})
	t.Run("vector-36", func(t *testing.T) {
		if !slices.Equal(ssh.DestinationPorts, []flow.PortRange{{First: 22, Last: 22}}) || vn.Protocol != network.AnyProtocol {
			t.Errorf("%v, %v", ssh.DestinationPorts, vn.Protocol)
		}
	})
	t.Run("names", func(t *testing.T) {
		if ssh.ID != group+"/securityRules/ssh" || ssh.Spelling() != "securityRules/ssh" || vn.Spelling() != "defaultSecurityRules/AllowVnetInBound" {
			t.Errorf("%s, %s, %s", ssh.ID, ssh.Spelling(), vn.Spelling())
		}
	})
	t.Run("expanded", func(t *testing.T) {
		want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("168.63.129.16/32")}
		if !slices.Equal(vn.ExpandedSource, want) || vn.ExpandedDestination != nil || len(g.Tags) != 1 || !slices.Equal(g.Tags[0].Prefixes, want) {
			t.Errorf("%v, %v, %v", vn.ExpandedSource, vn.ExpandedDestination, g.Tags)
		}
	})
}

// declared hands a resource over as the template evaluator does.
func declared(t *testing.T, text string) Resource {
	t.Helper()
	r, ok := NewResource(parse(t, "t.json", text)[0].Root, "t.json")
	if !ok {
		t.Fatalf("no resource: %s", text)
	}
	r.Declared = true
	return r
}

func TestTemplateVectors(t *testing.T) {
	t.Run("vector-37", func(t *testing.T) {
		d := NewDecoder()
		d.AddResources([]Resource{declared(t, `{"id":"`+group+`","type":"Microsoft.Network/networkSecurityGroups","name":"n"}`)})
		res := d.Finish()
		wantCodes(t, append(res.Diagnostics, network.Link(res.Network)...))
		if g := res.Network.SecurityGroups[0]; len(g.Rules) != 6 || len(g.Facts) > 0 {
			t.Errorf("%d rules, facts %v", len(g.Rules), g.Facts)
		}
	})
	t.Run("vector-38", func(t *testing.T) {
		child := strings.Replace(ruleJSON("a"), `"name":"a"`, `"name":"n/a","type":"Microsoft.Network/networkSecurityGroups/securityRules","id":"`+group+`/securityRules/a"`, 1)
		d := NewDecoder()
		d.AddResources([]Resource{declared(t, groupJSON(ruleJSON("a"))), declared(t, child)})
		res := d.Finish()
		wantCodes(t, res.Diagnostics)
		if rules := res.Network.SecurityGroups[0].Rules; len(rules) != 1 || rules[0].ID != group+"/securityRules/a" || rules[0].Name != "a" {
			t.Errorf("%+v", rules)
		}
	})
}

func TestTagVectors(t *testing.T) {
	const file = `{"changeNumber":356,"cloud":"Public","values":[
		{"name":"Storage.WestUS","id":"Storage.WestUS","properties":{"region":"westus","addressPrefixes":["13.83.0.0/24","2603:1030:a06::/48","13.83.0.0/24"],"networkFeatures":["API","NSG"]}},
		{"name":"NotHere","id":"NotHere","properties":{"addressPrefixes":["1.2.3.0/24"],"networkFeatures":["FW"]}}]}`
	t.Run("vector-50", func(t *testing.T) {
		res := decodeText(t, file+groupJSON(ruleJSON("a", "sourceAddressPrefix", `"storage.westus"`)))
		wantCodes(t, res.Diagnostics)
		tag := res.Network.Tag(res.Network.SecurityGroups[0].Rules[0].Source[0].Text)
		if tag == nil || tag.Name != "Storage.WestUS" || len(tag.Prefixes) != 3 || tag.NoNSG {
			t.Errorf("%+v", tag)
		}
	})
	t.Run("vector-51", func(t *testing.T) {
		r := oneRule(t, ruleJSON("a", "sourceAddressPrefix", `"Storage"`), "no-service-tags")
		if r.Source[0].Kind != network.SelectServiceTag || r.Source[0].Text != "Storage" || len(r.Facts) > 0 {
			t.Errorf("%+v", r)
		}
		res := decodeText(t, file+groupJSON(ruleJSON("a", "sourceAddressPrefix", `"Storage.WestSU"`)))
		wantCodes(t, res.Diagnostics, "unknown-tag")
		if m := res.Diagnostics[0].Message; !strings.Contains(m, `did you mean "Storage.WestUS"?`) {
			t.Error(m)
		}
	})
	t.Run("vector-52", func(t *testing.T) {
		res := decodeText(t, groupJSON(ruleJSON("a", "direction", `"Outbound"`, "destinationAddressPrefix", `"Storage"`), ruleJSON("b")))
		for _, r := range res.Network.SecurityGroups[0].Rules {
			if len(r.Facts) > 0 {
				t.Errorf("rule %s got facts from a tag: %v", r.Name, r.Facts)
			}
		}
	})
	t.Run("vector-53", func(t *testing.T) {
		res := decodeText(t, `{"name":"Public","id":"/subscriptions/s/providers/Microsoft.Network/serviceTags/Public","type":"Microsoft.Network/serviceTags",
			"changeNumber":"63","cloud":"Public","values":[{"name":"Sql","id":"Sql","properties":{"changeNumber":"7","region":"","state":"GA","addressPrefixes":["13.65.31.249/32"]}}],
			"nextLink":"https://management.azure.com/next"}`)
		wantCodes(t, res.Diagnostics, "missing-page")
		if res.Network.Tags.ChangeNumber != "63" || res.Network.Tag("SQL") == nil || res.Documents[0].Kind != ServiceTags {
			t.Errorf("%+v", res.Network.Tags)
		}
	})
	t.Run("no-nsg", func(t *testing.T) {
		res := decodeText(t, file+groupJSON(ruleJSON("a", "sourceAddressPrefix", `"NotHere"`)))
		wantCodes(t, res.Diagnostics, "tag-not-for-nsg")
		if tag := res.Network.Tag("nothere"); tag == nil || !tag.NoNSG {
			t.Errorf("%+v", tag)
		}
	})
	t.Run("unreadable-prefix-leaves-the-tag-unknown", func(t *testing.T) {
		res := decodeText(t, `{"changeNumber":1,"cloud":"Public","values":[{"name":"A","properties":{"addressPrefixes":["10.0.0.0/8","10.0.0.0/33"]}}]}`)
		wantCodes(t, res.Diagnostics, "bad-prefix")
		if res.Network.Tag("A") != nil {
			t.Error("the tag is known although a part of it is not")
		}
	})
	t.Run("two-files", func(t *testing.T) {
		res := Decode(append(
			parse(t, "b.json", `{"changeNumber":2,"cloud":"Public","values":[{"name":"A","properties":{"addressPrefixes":["2.0.0.0/8"]}}]}`),
			parse(t, "a.json", `{"changeNumber":1,"cloud":"Public","values":[{"name":"A","properties":{"addressPrefixes":["1.0.0.0/8"]}},{"name":"B","properties":{"addressPrefixes":["3.0.0.0/8"]}}]}`)...))
		wantCodes(t, res.Diagnostics, "several-tag-files")
		if a := res.Network.Tag("A"); a.Prefixes[0].String() != "2.0.0.0/8" || res.Network.Tag("B") == nil || res.Network.Tags.ChangeNumber != "2" {
			t.Errorf("%+v", a)
		}
	})
}

func nicJSON(id string, extra string, addresses ...string) string {
	var configs []string
	for i, a := range addresses {
		configs = append(configs, fmt.Sprintf(`{"name":"c%d","properties":{"privateIPAddress":%q,"subnet":{"id":"%s/subnets/x"}}}`, i, a, vnet))
	}
	return fmt.Sprintf(`{"id":%q,"properties":{%s"ipConfigurations":[%s]}}`, id, extra, strings.Join(configs, ","))
}

func TestSnapshotVectors(t *testing.T) {
	t.Run("vector-86", func(t *testing.T) {
		res := decodeText(t, "["+nicJSON(nicA, "", "10.0.0.4")+","+nicJSON(nicA+"2", "", "10.0.0.5", "fd00::5")+"]")
		wantCodes(t, res.Diagnostics)
		network.Link(res.Network)
		for addr, want := range map[string]string{"10.0.0.4": "a", "10.0.0.5": "a2", "fd00::5": "a2"} {
			if got := res.Network.NICsOwning(netip.MustParseAddr(addr)); len(got) != 1 || got[0].Name != want {
				t.Errorf("%s is owned by %v", addr, got)
			}
		}
	})
	t.Run("vector-87", func(t *testing.T) {
		res := decodeText(t, `{"count":1,"data":[`+groupJSON()+`],"skip_token":"x","total_records":250}`)
		wantCodes(t, res.Diagnostics, "truncated-snapshot")
		if d := res.Diagnostics[0]; d.Severity != diag.Warning || !strings.Contains(d.Message, "1 of 250") {
			t.Error(d)
		}
		for _, text := range []string{`{"Data":[],"SkipToken":"x"}`, `{"totalRecords":1,"count":1,"data":[],"resultTruncated":"true"}`} {
			wantCodes(t, decodeText(t, text).Diagnostics, "truncated-snapshot")
		}
		wantCodes(t, decodeText(t, `{"count":0,"data":[],"skip_token":null,"total_records":0}`).Diagnostics)
	})
	t.Run("vector-88", func(t *testing.T) {
		for _, rules := range []string{
			`["Microsoft.Azure.Commands.Network.Models.PSSecurityRule"]`,
			`"System.Collections.Generic.List` + "`" + `1[Microsoft.Azure.Commands.Network.Models.PSSecurityRule]"`,
		} {
			res := decodeText(t, `[{"Name":"n","Id":"`+group+`","SecurityRules":`+rules+`,"DefaultSecurityRules":[]}]`)
			wantCodes(t, res.Diagnostics, "truncated")
			if d := res.Diagnostics[0]; d.Severity != diag.Error || !strings.Contains(d.Message, "ConvertTo-Json -Depth 10") {
				t.Error(d)
			}
			if g := res.Network.SecurityGroups[0]; len(g.Facts) != 1 || !strings.HasPrefix(g.Facts[0], "unresolved:a.json#/0/SecurityRules") {
				t.Errorf("facts %v", g.Facts)
			}
		}
		t.Run("rule-fields", func(t *testing.T) {
			res := decodeText(t, `{"Name":"n","Id":"`+group+`","SecurityRules":[{"Name":"a","Protocol":"Tcp","SourcePortRange":"*","DestinationPortRange":"22 80",
				"SourceAddressPrefix":"System.Collections.Generic.List`+"`"+`1[System.String]","DestinationAddressPrefix":"*","Access":"Allow","Priority":100,"Direction":"Inbound"}]}`)
			wantCodes(t, res.Diagnostics, "bad-port", "truncated")
			r := res.Network.SecurityGroups[0].Rules[0]
			if !slices.Equal(r.DestinationPorts, []flow.PortRange{flow.AllPorts}) || len(r.Facts) != 1 || r.Source[0].Kind != network.SelectUnknown {
				t.Errorf("%+v", r)
			}
		})
		t.Run("references", func(t *testing.T) {
			res := decodeText(t, `{"Name":"a","Id":"`+nicA+`","NetworkSecurityGroup":"Microsoft.Azure.Commands.Network.Models.PSNetworkSecurityGroup","IpConfigurations":["Microsoft.Azure.Commands.Network.Models.PSNetworkInterfaceIPConfiguration"]}`)
			wantCodes(t, res.Diagnostics, "truncated", "truncated")
			network.Link(res.Network)
			c := res.Network.NICs[0]
			if c.Group.Fact == "" || c.SubnetFact == "" || c.HasAddress() || len(c.IPConfigs) != 1 {
				t.Errorf("%+v", c)
			}
		})
	})
	t.Run("vector-90", func(t *testing.T) {
		res := decodeText(t, nicJSON(nicA, `"networkSecurityGroup":{"id":"`+group+`"},`, "10.0.0.4"))
		network.Link(res.Network)
		if got, want := res.Network.NICs[0].Group.Fact, "missing-nsg:"+group; got != want {
			t.Errorf("fact %q, want %q", got, want)
		}
	})
	t.Run("vector-91", func(t *testing.T) {
		res := decodeText(t, "["+nicJSON(strings.ToUpper(nicA), `"networkSecurityGroup":{"id":"`+strings.ToUpper(group)+`"},`, "10.0.0.4")+","+groupJSON()+"]")
		wantCodes(t, res.Diagnostics)
		network.Link(res.Network)
		if c := res.Network.NICs[0]; c.Group.Group == nil || c.Group.Group.ID != group {
			t.Errorf("%+v", c.Group)
		}
	})
}

// withResidue parses an object and puts a residue at the path.
func withResidue(n *jsontree.Node, path ...string) *jsontree.Node {
	if len(path) == 0 {
		return jsontree.NewResidue(n.Origin(), "[parameters('x')]")
	}
	if n.Kind() == jsontree.Array {
		items := slices.Clone(n.Items())
		items[0] = withResidue(items[0], path[1:]...)
		return jsontree.NewArray(n.Origin(), items)
	}
	members := slices.Clone(n.Members())
	for i, m := range members {
		if m.Name == path[0] {
			members[i].Value = withResidue(m.Value, path[1:]...)
		}
	}
	return jsontree.NewObject(n.Origin(), members)
}
