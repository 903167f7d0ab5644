package azure

import (
	"slices"
	"strings"
	"testing"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

func TestBodiesOfOneID(t *testing.T) {
	t.Run("identical", func(t *testing.T) {
		volatile := strings.Replace(groupJSON(ruleJSON("a")), `"properties":{"securityRules"`,
			`"etag":"2","tags":{"a":"b"},"properties":{"provisioningState":"Succeeded","resourceGuid":"7","securityRules"`, 1)
		res := Decode(append(parse(t, "a.json", groupJSON(ruleJSON("a"))), parse(t, "b.json", strings.ReplaceAll(volatile, "resourceGroups", "resourcegroups"))...))
		wantCodes(t, res.Diagnostics)
		if len(res.Network.SecurityGroups) != 1 || res.Counts["Microsoft.Network/networkSecurityGroups"] != 1 {
			t.Errorf("%d groups, counts %v", len(res.Network.SecurityGroups), res.Counts)
		}
	})
	t.Run("later-path-wins", func(t *testing.T) {
		a, b := parse(t, "a.json", groupJSON(ruleJSON("a"))), parse(t, "b.json", groupJSON(ruleJSON("a", "access", `"Deny"`)))
		for _, inputs := range [][]Input{append(slices.Clone(a), b...), append(slices.Clone(b), a...)} {
			res := Decode(inputs)
			wantCodes(t, res.Diagnostics, "conflicting-bodies")
			d := res.Diagnostics[0]
			if d.Origin.File != "b.json" || !strings.Contains(d.Message, "a.json:1:1") || !strings.Contains(d.Message, group) {
				t.Error(d)
			}
			if r := res.Network.SecurityGroups[0].Rules[0]; r.Access != flow.Deny {
				t.Errorf("%+v", r)
			}
		}
	})
	t.Run("another-type-is-no-body", func(t *testing.T) {
		thing := `{"id":"` + group + `","type":"Contoso.Inventory/things","name":"n","extra":1}`
		for _, text := range []string{"[" + thing + "," + groupJSON(ruleJSON("a")) + "]", "[" + groupJSON(ruleJSON("a")) + "," + thing + "]"} {
			res := decodeText(t, text)
			if len(res.Network.SecurityGroups) != 1 || len(res.Network.SecurityGroups[0].Rules) != 1 {
				t.Errorf("%s: %+v", text, res.Network.SecurityGroups)
			}
		}
	})
	t.Run("reference-is-no-body", func(t *testing.T) {
		res := Decode(append(parse(t, "a.json", groupJSON(ruleJSON("a"))), parse(t, "b.json", `[{"id":"`+group+`","name":"n","location":"westus"}]`)...))
		wantCodes(t, res.Diagnostics)
		if g := res.Network.SecurityGroups[0]; len(g.Rules) != 1 || len(g.Facts) > 0 {
			t.Errorf("%+v", g)
		}
	})
	t.Run("embedded-group-is-no-body", func(t *testing.T) {
		nic := nicJSON(nicA, `"networkSecurityGroup":{"id":"`+group+`","properties":{"securityRules":[]}},`, "10.0.0.4")
		res := decodeText(t, groupJSON(ruleJSON("a"))+nic)
		wantCodes(t, res.Diagnostics)
		if len(res.Network.SecurityGroups[0].Rules) != 1 {
			t.Errorf("%+v", res.Network.SecurityGroups[0])
		}
	})
	t.Run("nics", func(t *testing.T) {
		res := Decode(append(parse(t, "a.json", nicJSON(nicA, "", "10.0.0.4")), parse(t, "b.json", nicJSON(nicA, "", "10.0.0.5"))...))
		wantCodes(t, res.Diagnostics, "conflicting-bodies")
		if c := res.Network.NICs[0]; c.IPConfigs[0].Address.String() != "10.0.0.5" {
			t.Errorf("%+v", c)
		}
	})
	t.Run("power-state-is-volatile", func(t *testing.T) {
		const vm = `{"id":"/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachines/m","networkProfile":{"networkInterfaces":[{"id":"` + nicA + `"}]}`
		res := Decode(append(parse(t, "a.json", vm+`}`), parse(t, "b.json", vm+`,"powerState":"VM running"}`)...))
		wantCodes(t, res.Diagnostics)
		if m := res.Network.VirtualMachines[0]; m.PowerState != "VM running" {
			t.Errorf("%+v", m)
		}
	})
}

func TestChildrenInsideAndOnTheirOwn(t *testing.T) {
	const space = `"addressSpace":{"addressPrefixes":["10.0.0.0/16"]}`
	subnet := func(name, nsg string) string {
		return `{"name":"` + name + `","id":"` + vnet + `/subnets/` + name + `","properties":{"addressPrefix":"10.0.0.0/24","networkSecurityGroup":{"id":"` + nsg + `"}}}`
	}
	parent := func(subnets string) string {
		return `{"id":"` + vnet + `","properties":{` + space + `,"subnets":[` + subnets + `]}}`
	}
	t.Run("merge", func(t *testing.T) {
		res := decodeText(t, parent(subnet("a", group))+subnet("A", group)+subnet("b", group))
		wantCodes(t, res.Diagnostics)
		if n := len(res.Network.Subnets); n != 2 {
			t.Errorf("%d subnets", n)
		}
		network.Link(res.Network)
		if v := res.Network.VirtualNetworks[0]; len(v.Subnets) != 2 {
			t.Errorf("%+v", v.Subnets)
		}
	})
	t.Run("conflict", func(t *testing.T) {
		res := decodeText(t, parent(subnet("a", group))+subnet("a", group+"2"))
		wantCodes(t, res.Diagnostics, "conflicting-bodies")
		if s := res.Network.Subnets[0]; s.Group.ID != group+"2" {
			t.Errorf("%+v", s.Group)
		}
	})
	t.Run("later-path-wins", func(t *testing.T) {
		res := Decode(append(parse(t, "b.json", parent(subnet("a", group))), parse(t, "a.json", subnet("a", group+"2"))...))
		wantCodes(t, res.Diagnostics, "conflicting-bodies")
		if s := res.Network.Subnets[0]; s.Group.ID != group {
			t.Errorf("%+v", s.Group)
		}
	})
	t.Run("subnets-of-a-lost-body-do-not-count", func(t *testing.T) {
		res := Decode(append(parse(t, "a.json", parent(subnet("gone", group))), parse(t, "b.json", strings.Replace(parent(""), "10.0.0.0/16", "10.0.0.0/15", 1))...))
		wantCodes(t, res.Diagnostics, "conflicting-bodies")
		if len(res.Network.Subnets) != 0 {
			t.Errorf("%+v", res.Network.Subnets)
		}
	})
	t.Run("peerings", func(t *testing.T) {
		peering := `{"name":"p","id":"` + vnet + `/virtualNetworkPeerings/p","properties":{"remoteVirtualNetwork":{"id":"` + vnet + `2"},"peeringState":"Connected"}}`
		res := decodeText(t, parent("")+peering)
		wantCodes(t, res.Diagnostics)
		if p := res.Network.VirtualNetworks[0].Peerings; len(p) != 1 || p[0].State != "Connected" || !p[0].AllowAccess || p[0].RemoteID != vnet+"2" {
			t.Errorf("%+v", p)
		}
		wantCodes(t, decodeText(t, peering).Diagnostics, "missing-vnet")
	})
	standalone := func(name string, changes ...string) string {
		return strings.Replace(ruleJSON(name, changes...), `"name"`, `"id":"`+group+`/securityRules/`+name+`","name"`, 1)
	}
	t.Run("rules", func(t *testing.T) {
		res := decodeText(t, groupJSON(ruleJSON("a"))+standalone("A")+standalone("b", "priority", "200"))
		wantCodes(t, res.Diagnostics)
		if g := res.Network.SecurityGroups[0]; len(g.Rules) != 2 || len(g.Facts) > 0 {
			t.Errorf("%+v", g)
		}
	})
	t.Run("rule-conflict", func(t *testing.T) {
		res := decodeText(t, groupJSON(ruleJSON("a"))+standalone("a", "access", `"Deny"`))
		wantCodes(t, res.Diagnostics, "conflicting-bodies")
		if g := res.Network.SecurityGroups[0]; len(g.Rules) != 1 || g.Rules[0].Access != flow.Deny {
			t.Errorf("%+v", g.Rules)
		}
	})
	t.Run("rule-without-group", func(t *testing.T) {
		res := decodeText(t, standalone("a")+standalone("b")+nicJSON(nicA, `"networkSecurityGroup":{"id":"`+group+`"},`, "10.0.0.4"))
		wantCodes(t, res.Diagnostics, "missing-nsg")
		g := res.Network.SecurityGroups[0]
		if len(res.Network.SecurityGroups) != 1 || len(g.Rules) != 2 || !slices.Equal(g.Facts, []string{"missing-nsg:" + group}) || g.ID != group {
			t.Errorf("%+v", g)
		}
		network.Link(res.Network)
		if f := res.Network.NICs[0].Group.Fact; f != "missing-nsg:"+group {
			t.Errorf("fact %q", f)
		}
	})
	t.Run("default-rules-on-their-own", func(t *testing.T) {
		text := strings.ReplaceAll(standalone("DenyAllInBound", "priority", "65500", "access", `"Deny"`), "/securityRules/", "/defaultSecurityRules/")
		res := decodeText(t, groupJSON()+text)
		wantCodes(t, res.Diagnostics)
		if r := res.Network.SecurityGroups[0].Rules; len(r) != 1 || r[0].Kind != network.DefaultRule {
			t.Errorf("%+v", r)
		}
	})
	t.Run("routes", func(t *testing.T) {
		const table = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/routeTables/t"
		route := func(name string) string {
			return `{"id":"` + table + `/routes/` + name + `","name":"` + name + `","properties":{"addressPrefix":"10.0.0.0/8","nextHopType":"None"}}`
		}
		res := decodeText(t, `{"id":"`+table+`","properties":{"routes":[`+route("a")+`]}}`+route("a")+route("b"))
		wantCodes(t, res.Diagnostics)
		if r := res.Network.RouteTables[0]; len(r.Routes) != 2 || len(r.Facts) > 0 {
			t.Errorf("%+v", r)
		}
		res = decodeText(t, route("a"))
		wantCodes(t, res.Diagnostics, "missing-route-table")
		if r := res.Network.RouteTables[0]; !slices.Equal(r.Facts, []string{"missing-route-table:" + table}) {
			t.Errorf("%+v", r)
		}
	})
	t.Run("bad-routes", func(t *testing.T) {
		res := decodeText(t, `{"id":"/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/routeTables/t","properties":{"routes":[
			{"name":"a","properties":{"addressPrefix":"10.0.0.0/40","nextHopType":"None"}},
			{"name":"b","properties":{"addressPrefix":"10.0.0.0/8","nextHopType":"Nome"}},
			{"name":"c","properties":{"nextHopType":"None"}}]}}`)
		wantCodes(t, res.Diagnostics, "bad-prefix", "bad-next-hop", "bad-prefix")
		if r := res.Network.RouteTables[0]; len(r.Routes) != 0 || len(r.Facts) != 3 {
			t.Errorf("%+v", r)
		}
	})
}

func TestIdentity(t *testing.T) {
	for name, c := range map[string]struct {
		text, id string
		codes    []string
	}{
		"built":   {`{"type":"Microsoft.Network/networkSecurityGroups","name":"n","resourceGroup":"r","subscriptionId":"s","securityRules":[]}`, group, nil},
		"guessed": {`{"type":"Microsoft.Network/networkSecurityGroups","name":"n","securityRules":[]}`, "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/n", []string{"no-id"}},
		"child":   {`{"type":"Microsoft.Network/virtualNetworks/subnets","name":"v/x","resourceGroup":"r","subscriptionId":"s","addressPrefix":"10.0.0.0/8"}`, vnet + "/subnets/x", nil},
	} {
		t.Run(name, func(t *testing.T) {
			res := decodeText(t, c.text)
			wantCodes(t, res.Diagnostics, c.codes...)
			var ids []string
			for _, g := range res.Network.SecurityGroups {
				ids = append(ids, g.ID)
			}
			for _, s := range res.Network.Subnets {
				ids = append(ids, s.ID)
			}
			if !slices.Equal(ids, []string{c.id}) {
				t.Errorf("%v, want %s", ids, c.id)
			}
		})
	}
}

func TestNICs(t *testing.T) {
	t.Run("scale-set", func(t *testing.T) {
		const vm = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachineScaleSets/ss/virtualMachines/0"
		res := decodeText(t, nicJSON(vm+"/networkInterfaces/nic", "", "10.0.0.4"))
		wantCodes(t, res.Diagnostics)
		if c := res.Network.NICs[0]; c.Name != "nic" || c.VMID != vm {
			t.Errorf("%+v", c)
		}
		if res.Counts["Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces"] != 1 {
			t.Errorf("%v", res.Counts)
		}
	})
	t.Run("two-subnets", func(t *testing.T) {
		text := strings.Replace(nicJSON(nicA, "", "10.0.0.4", "10.0.0.5"), "/subnets/x", "/subnets/y", 1)
		res := decodeText(t, text)
		wantCodes(t, res.Diagnostics, "subnets-differ")
		if c := res.Network.NICs[0]; c.SubnetID != vnet+"/subnets/y" || c.IPConfigs[1].SubnetID != vnet+"/subnets/x" {
			t.Errorf("%+v", c)
		}
	})
	t.Run("bad-address", func(t *testing.T) {
		res := decodeText(t, nicJSON(nicA, "", "10.0.0.400"))
		wantCodes(t, res.Diagnostics, "bad-address")
		if res.Network.NICs[0].HasAddress() {
			t.Error("an address was read")
		}
	})
	t.Run("reference-without-id", func(t *testing.T) {
		res := decodeText(t, nicJSON(nicA, `"networkSecurityGroup":{"name":"n"},`, "10.0.0.4"))
		wantCodes(t, res.Diagnostics, "bad-reference")
		if f := res.Network.NICs[0].Group.Fact; f != "unresolved:a.json#/properties/networkSecurityGroup" {
			t.Errorf("fact %q", f)
		}
	})
	t.Run("no-reference", func(t *testing.T) {
		for _, none := range []string{`null`, `{}`, `{"id":null}`} {
			res := decodeText(t, nicJSON(nicA, `"networkSecurityGroup":`+none+`,`, "10.0.0.4"))
			wantCodes(t, res.Diagnostics)
			if g := res.Network.NICs[0].Group; g.Fact != "" || g.ID != "" {
				t.Errorf("%s: %+v", none, g)
			}
		}
	})
}

func TestPowerState(t *testing.T) {
	const id = `{"id":"/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachines/m",`
	for name, c := range map[string][2]string{
		"cli":           {id + `"powerState":"VM running"}`, "VM running"},
		"graph":         {id + `"properties":{"extended":{"instanceView":{"powerState":{"code":"PowerState/stopped","displayStatus":"VM stopped"}}}}}`, "VM stopped"},
		"instance-view": {id + `"properties":{"instanceView":{"statuses":[{"code":"ProvisioningState/succeeded","displayStatus":"x"},{"code":"PowerState/running","displayStatus":"VM running"}]}}}`, "VM running"},
		"powershell":    {`{"Id":"/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachines/m","Statuses":[{"Code":"PowerState/running","DisplayStatus":"VM running"}]}`, "VM running"},
		"none":          {id + `"properties":{}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := decodeText(t, c[0]).Network.VirtualMachines[0].PowerState; got != c[1] {
				t.Errorf("%q, want %q", got, c[1])
			}
		})
	}
}

func TestPeeringStates(t *testing.T) {
	peering := func(fields string) *network.Peering {
		res := decodeText(t, `{"id":"`+vnet+`","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"virtualNetworkPeerings":[{"name":"p","properties":{"remoteVirtualNetwork":{"id":"x"},`+fields+`}}]}}`)
		return res.Network.VirtualNetworks[0].Peerings[0]
	}
	if p := peering(`"allowVirtualNetworkAccess":false,"useRemoteGateways":true,"peerCompleteVnets":false,"remoteAddressSpace":{"addressPrefixes":["10.9.0.0/16"]}`); p.AllowAccess ||
		!p.UseRemoteGateways || !p.Partial || !p.RemoteKnown || len(p.Remote) != 1 || len(p.Facts) > 0 {
		t.Errorf("%+v", p)
	}
	if p := peering(`"peeringState":"Initiated"`); !p.AllowAccess || p.UseRemoteGateways || p.Partial || p.RemoteKnown || p.State != "Initiated" {
		t.Errorf("%+v", p)
	}
	if p := peering(`"remoteAddressSpace":{"addressPrefixes":["10.9.0.0/99"]}`); len(p.Facts) != 1 {
		t.Errorf("%+v", p)
	}
	if p := peering(`"allowVirtualNetworkAccess":"perhaps"`); len(p.Facts) != 1 {
		t.Errorf("%+v", p)
	}
}

func TestPrivateEndpoints(t *testing.T) {
	const pe = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/privateEndpoints/pe"
	endpoint := func(nics string) string {
		return `{"id":"` + pe + `","properties":{"subnet":{"id":"` + vnet + `/subnets/x"},"networkInterfaces":[` + nics + `],"applicationSecurityGroups":[{"id":"` + asgs + `g"}]}}`
	}
	t.Run("joined", func(t *testing.T) {
		res := decodeText(t, endpoint(`{"id":"`+strings.ToUpper(nicA)+`"}`)+nicJSON(nicA, "", "10.0.0.4", "10.0.0.5"))
		wantCodes(t, res.Diagnostics)
		network.Link(res.Network)
		if c := res.Network.NICs[0]; len(res.Network.NICs) != 1 || c.PrivateEndpoint != pe || len(res.Network.ASGMembers(asgs+"g")) != 2 {
			t.Errorf("%+v", c)
		}
	})
	t.Run("unseen", func(t *testing.T) {
		for _, nics := range []string{"", `{"id":"` + nicA + `"}`} {
			res := decodeText(t, endpoint(nics))
			wantCodes(t, res.Diagnostics, "missing-nic")
			network.Link(res.Network)
			if m := res.Network.ASGMembers(asgs + "g"); len(m) != 1 || m[0].Address.IsValid() || m[0].NIC.SubnetID != vnet+"/subnets/x" {
				t.Errorf("%+v", m)
			}
		}
	})
}

func TestResultDoesNotDependOnInputOrder(t *testing.T) {
	a := parse(t, "a.json", groupJSON(ruleJSON("a"), ruleJSON("b", "priority", `"x"`)))
	b := parse(t, "b.json", nicJSON(nicA, "", "10.0.0.4")+groupJSON(ruleJSON("a")))
	c := parse(t, "c.json", `{"id":"`+vnet+`","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]}}}`)
	first := Decode(slices.Concat(a, b, c))
	for _, inputs := range [][]Input{slices.Concat(c, b, a), slices.Concat(b, a, c)} {
		again := Decode(inputs)
		if d := sameNetwork(first.Network, again.Network); d != "" {
			t.Error(d)
		}
		if !slices.Equal(first.Diagnostics, again.Diagnostics) {
			t.Errorf("%v\n%v", first.Diagnostics, again.Diagnostics)
		}
	}
}
