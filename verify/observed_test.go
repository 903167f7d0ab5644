package verify

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"ipflow/ingest/azure"
	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
	"ipflow/verify/effective"
	"ipflow/verify/internal/estate"
)

// diagnostics decodes and links the files and returns the codes of what was
// reported, infos included.
func diagnostics(t *testing.T, files map[string]string) (n *network.Network, list diag.List) {
	t.Helper()
	var inputs []azure.Input
	for path, text := range files {
		docs, faults := jsontree.Parse(path, []byte(text))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		for _, d := range docs {
			inputs = append(inputs, azure.Input{Path: path, Root: d})
		}
	}
	res := azure.Decode(inputs)
	return res.Network, append(res.Diagnostics, network.Link(res.Network)...)
}

func said(list diag.List, code, part string) bool {
	return slices.ContainsFunc(list, func(d diag.Diagnostic) bool { return d.Code == code && strings.Contains(d.Message, part) })
}

// effectiveJSON writes one element of an effective-rules answer with one user
// rule for TCP 80 and the default ones.
func effectiveJSON(group, association, access, tagMap string) string {
	return `{"networkSecurityGroup":{"id":"` + providers + `networkSecurityGroups/` + group + `"},"association":{` + association + `},
	"effectiveSecurityRules":[
	{"name":"securityRules/web-of-` + group + `","protocol":"Tcp","sourcePortRanges":["0-65535"],"destinationPortRanges":["80-80"],"sourceAddressPrefixes":["Internet"],
	 "destinationAddressPrefixes":["0.0.0.0/0","0.0.0.0/0"],"access":"` + access + `","priority":200,"direction":"Inbound"},
	{"name":"defaultSecurityRules/AllowVnetInBound","protocol":"All","sourcePortRanges":["0-65535"],"destinationPortRanges":["0-65535"],"sourceAddressPrefixes":["VirtualNetwork"],
	 "destinationAddressPrefixes":["VirtualNetwork"],"access":"Allow","priority":65000,"direction":"Inbound"},
	{"name":"defaultSecurityRules/DenyAllInBound","protocol":"All","sourcePortRanges":["0-65535"],"destinationPortRanges":["0-65535"],"sourceAddressPrefixes":["0.0.0.0/0","0.0.0.0/0"],
	 "destinationAddressPrefixes":["0.0.0.0/0","0.0.0.0/0"],"access":"Deny","priority":65500,"direction":"Inbound"}],
	"tagMap":{` + tagMap + `}}`
}

const (
	tagsOfNIC = `"VirtualNetwork":["10.0.0.0/16","10.44.0.0/16","168.63.129.16/32"],"Internet":["8.0.0.0/8"],"AzureLoadBalancer":["168.63.129.16/32"],"Storage":["9.9.9.0/24"]`
	onNIC     = `"networkInterface":{"id":"` + providers + `networkInterfaces/nic"}`
	onSubnet  = `"subnet":{"id":"` + providers + `virtualNetworks/gone/subnets/app"}`
)

// A NIC known from its effective rules only is asked like any other.
func TestNICFromEffectiveRules(t *testing.T) {
	answer := func(elements ...string) map[string]string {
		return map[string]string{"e.json": `{"value":[` + strings.Join(elements, ",") + `]}`}
	}
	manager := `{"association":{"networkManager":{"id":"` + providers + `networkManagers/m"}},"effectiveSecurityRules":[
		{"name":"always","protocol":"Tcp","sourcePortRanges":["0-65535"],"destinationPortRanges":["80-80"],"sourceAddressPrefixes":["9.0.0.0/8"],
		 "destinationAddressPrefixes":["0.0.0.0/0"],"access":"AlwaysAllow","priority":10,"direction":"Inbound"},
		{"name":"shut","protocol":"Tcp","sourcePortRanges":["0-65535"],"destinationPortRanges":["80-80"],"sourceAddressPrefixes":["10.44.0.0/16"],
		 "destinationAddressPrefixes":["0.0.0.0/0"],"access":"Deny","priority":20,"direction":"Inbound"}]}`
	for _, c := range []struct {
		name         string
		files        map[string]string
		remote, want string
	}{
		{"its-internet", answer(effectiveJSON("nsg", onNIC, "Allow", tagsOfNIC)), "8.8.8.8", "Allow web-of-nsg"},
		{"its-internet-only", answer(effectiveJSON("nsg", onNIC, "Allow", tagsOfNIC)), "7.7.7.7", denyAll},
		{"its-virtual-network", answer(effectiveJSON("nsg", onNIC, "Allow", tagsOfNIC)), "10.44.1.1", allowVnet},
		{"no-subnet-layer", answer(effectiveJSON("nsg", onNIC, "Deny", tagsOfNIC)), "8.8.8.8", "Deny web-of-nsg"},
		{"subnet-denies-first", answer(effectiveJSON("nsg", onNIC, "Allow", tagsOfNIC), effectiveJSON("snsg", onSubnet, "Deny", tagsOfNIC)), "8.8.8.8", "Deny web-of-snsg"},
		{"nic-allows-last", answer(effectiveJSON("nsg", onNIC, "Allow", tagsOfNIC), effectiveJSON("snsg", onSubnet, "Allow", tagsOfNIC)), "8.8.8.8", "Allow web-of-nsg"},
		{"one-element-for-both", answer(effectiveJSON("nsg", onNIC+","+onSubnet, "Allow", tagsOfNIC)), "8.8.8.8", "Allow web-of-nsg"},
		{"manager-allows-always", answer(manager, effectiveJSON("nsg", onNIC, "Deny", tagsOfNIC)), "9.1.1.1", "Allow always"},
		{"manager-denies", answer(manager, effectiveJSON("nsg", onNIC, "Allow", tagsOfNIC)), "10.44.1.1", "Deny shut"},
		{
			"tag-maps-differ", answer(effectiveJSON("nsg", onNIC, "Allow", tagsOfNIC), effectiveJSON("snsg", onSubnet, "Allow", `"Internet":["8.8.8.0/24"],"VirtualNetwork":["10.0.0.0/16"]`)),
			"8.8.4.4", "Unknown tag-map-differs:networkInterfaces/nic",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, list := diagnostics(t, c.files)
			if !said(list, "nic-from-effective-rules", `"nic"`) {
				t.Error(list)
			}
			if got := inboundFrom(t, n, c.remote); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	t.Run("both-layers-are-evaluated", func(t *testing.T) {
		n, _ := diagnostics(t, answer(effectiveJSON("nsg", onNIC+","+onSubnet, "Allow", tagsOfNIC)))
		c := n.NICsNamed("nic")[0]
		if g := n.SubnetGroup(c); g.Group == nil || g.Group != c.Group.Group {
			t.Errorf("%+v %+v", g, c.Group)
		}
	})
	t.Run("lists-of-two-nics-joined", func(t *testing.T) {
		other := strings.ReplaceAll(onNIC, "networkInterfaces/nic", "networkInterfaces/nic2")
		n, _ := diagnostics(t, answer(effectiveJSON("nsg", onNIC, "Allow", tagsOfNIC), effectiveJSON("nsg", other, "Allow", tagsOfNIC), effectiveJSON("snsg", onSubnet, "Deny", tagsOfNIC)))
		// The subnet's element may be of either NIC, so its layer is not known.
		if got := inboundFrom(t, n, "8.8.8.8"); got != "Unknown missing-subnet:networkInterfaces/nic" {
			t.Error(got)
		}
	})
}

// An answer of the NIC comes before computation, for that NIC only.
func TestTagsOfExports(t *testing.T) {
	second := resource("networkInterfaces", "second", reference("networkSecurityGroup", "networkSecurityGroups", "nsg")+
		`,"ipConfigurations":[{"name":"ip1","properties":{"privateIPAddress":"10.0.0.5",`+reference("subnet", "virtualNetworks", "hub/subnets/app")+`}}]`)
	snapshot := "[" + plain("") + "," + second + "]"
	effective := `{"value":[` + effectiveJSON("nsg", onNIC, "Allow", tagsOfNIC) + `]}`
	route := func(source, hop, prefix string) string {
		return `{"source":"` + source + `","state":"Active","nextHopType":"` + hop + `","addressPrefix":["` + prefix + `"],"nextHopIpAddress":[]}`
	}
	routes := `{"value":[` + strings.Join([]string{
		route("Default", "VnetLocal", "10.0.0.0/16"), route("Default", "VNetPeering", "10.50.0.0/16"), route("VirtualNetworkGateway", "VirtualNetworkGateway", "192.168.7.0/24"),
		route("User", "VirtualAppliance", "172.20.0.0/16"), route("User", "Internet", "172.21.0.0/16"), route("Default", "Internet", "0.0.0.0/0"), route("Default", "ConnectedGroup", "10.60.0.0/16"),
		route("Default", "None", "100.64.0.0/10"),
	}, ",") + `]}`
	forced := strings.Replace(routes, `{"source":"Default","state":"Active","nextHopType":"Internet"`, `{"source":"VirtualNetworkGateway","state":"Active","nextHopType":"VirtualNetworkGateway"`, 1)
	for _, c := range []struct {
		name         string
		files        map[string]string
		remote, want string
	}{
		{"computed", map[string]string{"a.json": snapshot}, "10.44.1.1", denyAll},
		{"tag-map", map[string]string{"a.json": snapshot, "e.json": effective}, "10.44.1.1", allowVnet},
		{"tag-map-before-routes", map[string]string{"a.json": snapshot, "e.json": effective, "nic.json": routes}, "10.50.1.1", denyAll},
		{"routes-of-a-peer", map[string]string{"a.json": snapshot, "routes/nic.json": routes}, "10.50.1.1", allowVnet},
		{"routes-of-a-connected-group", map[string]string{"a.json": snapshot, "routes/NIC.routes.json": routes}, "10.60.1.1", allowVnet},
		{"learned-routes", map[string]string{"a.json": snapshot, "nic.json.gz": routes}, "192.168.7.1", allowVnet},
		{"routes-to-an-appliance", map[string]string{"a.json": snapshot, "nic.json": routes}, "172.20.0.1", allowVnet},
		{"routes-to-the-internet", map[string]string{"a.json": snapshot, "nic.json": routes}, "172.21.0.1", denyAll},
		{"routes-without-next-hop", map[string]string{"a.json": snapshot, "nic.json": routes}, "100.64.0.1", denyAll},
		{"learned-default-route", map[string]string{"a.json": snapshot, "nic.json": forced}, "8.8.8.8", "Unknown learned-default-route:networkInterfaces/nic"},
		{"routes-of-another-file", map[string]string{"a.json": snapshot, "nic-routes.json": routes}, "10.50.1.1", denyAll},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, _ := diagnostics(t, c.files)
			if got := inboundFrom(t, n, c.remote); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if o := n.NICsNamed("second")[0].Observed; o != nil {
				t.Errorf("the other NIC of the subnet has %+v", o)
			}
		})
	}
	t.Run("routes-of-nobody-are-said", func(t *testing.T) {
		_, list := diagnostics(t, map[string]string{"a.json": snapshot, "nic-routes.json": routes})
		if !said(list, "effective-nic-unknown", "name the file after it") {
			t.Error(list)
		}
	})
	t.Run("assumption-on-next-hops", func(t *testing.T) {
		n, _ := diagnostics(t, map[string]string{"a.json": snapshot, "nic.json": routes})
		if err := n.Assumptions.Set("udr-next-hops", "none"); err != nil {
			t.Fatal(err)
		}
		if got := inboundFrom(t, n, "172.20.0.1"); got != denyAll {
			t.Error(got)
		}
	})
	t.Run("own-export-of-the-group-counts", func(t *testing.T) {
		n, list := diagnostics(t, map[string]string{"a.json": snapshot, "e.json": effective})
		if got := inboundFrom(t, n, "8.8.8.8"); got != denyAll {
			t.Error(got)
		}
		if !said(list, "effective-differs", `"web-of-nsg"`) {
			t.Error(list)
		}
	})
	t.Run("missing-group-is-filled-in", func(t *testing.T) {
		without := strings.Replace(snapshot, resource("networkSecurityGroups", "nsg", `"securityRules":[]`)+",", "", 1)
		n, _ := diagnostics(t, map[string]string{"a.json": without, "e.json": effective})
		if got := inboundFrom(t, n, "8.8.8.8"); got != "Allow web-of-nsg" {
			t.Error(got)
		}
	})
	t.Run("expanded-lists-without-a-tag-map", func(t *testing.T) {
		bare := strings.Replace(effectiveJSON("nsg", onNIC, "Allow", ""), `"sourceAddressPrefixes":["Internet"]`, `"sourceAddressPrefixes":["Internet"],"expandedSourceAddressPrefix":["8.0.0.0/8"]`, 1)
		n, _ := diagnostics(t, map[string]string{"e.json": `{"value":[` + bare + `]}`})
		if got := inboundFrom(t, n, "8.8.8.8"); got != "Allow web-of-nsg" {
			t.Error(got)
		}
		if got := inboundFrom(t, n, "7.7.7.7"); !strings.HasPrefix(got, "Unknown missing-") {
			t.Error(got) // VirtualNetwork is nowhere
		}
	})
	t.Run("security-group-view", func(t *testing.T) {
		docs, _ := jsontree.Parse("v.json", []byte(`{"networkInterfaces":[{"id":"`+providers+`networkInterfaces/nic","securityRuleAssociations":{"effectiveSecurityRules":[]}}]}`))
		res := azure.Decode([]azure.Input{{Path: "v.json", Root: docs[0]}})
		if res.Documents[0].Kind != azure.SecurityGroupView || !said(res.Diagnostics, "security-group-view", "list-effective-nsg") {
			t.Errorf("%v %v", res.Documents, res.Diagnostics)
		}
	})
}

// What effective prints is a snapshot that is no surer than its source.
func TestOwnAnswerStaysUncertain(t *testing.T) {
	source := "[" + base("") + "]"
	n, _ := diagnostics(t, map[string]string{"a.json": source})
	answer, _ := effective.Of(n, n.NICsNamed("nic")[0])
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	again, list := diagnostics(t, map[string]string{"e.json": string(text)})
	for _, remote := range []string{"10.0.9.9", "192.168.1.1", "8.8.8.8"} {
		first, second := inboundFrom(t, n, remote), inboundFrom(t, again, remote)
		if first != second && !strings.HasPrefix(second, "Unknown") {
			t.Errorf("%s: %s, read back %s\n%v", remote, first, second, list)
		}
	}
	if got := inboundFrom(t, again, "192.168.1.1"); got != "Unknown gateway-prefixes:virtualNetworks/hub/subnets/GatewaySubnet" {
		t.Error(got)
	}
}

func TestConnectedGroups(t *testing.T) {
	m := providers + "networkManagers/m/"
	member := func(name string) string {
		return `{"id":"` + m + `networkGroups/g/staticMembers/` + name + `","name":"` + name + `","type":"Microsoft.Network/networkManagers/networkGroups/staticMembers",
			"properties":{"resourceId":"` + providers + `virtualNetworks/` + name + `"}}`
	}
	mesh := func(more string) string {
		return `{"id":"` + m + `connectivityConfigurations/mesh","name":"mesh","type":"Microsoft.Network/networkManagers/connectivityConfigurations"` + more + `,
			"properties":{"connectivityTopology":"HubAndSpoke","appliesToGroups":[{"networkGroupId":"` + m + `networkGroups/g","groupConnectivity":"DirectlyConnected","isGlobal":"True"}]}}`
	}
	estateOf := func(configuration string) string {
		return "[" + plain("") + "," + strings.Replace(vnetJSON("far", "10.77.0.0/16", ""), `"GatewaySubnet"`, `"rest"`, 1) + "," + member("hub") + "," + member("far") + "," + configuration + "]"
	}
	atWork := mesh(`,"configurationGroups":[]`)
	doubtful := "Unknown connected-group:networkManagers/m/connectivityConfigurations/mesh"
	for _, c := range []struct {
		name   string
		files  map[string]string
		choice string
		remote string
		want   string
	}{
		{"configured-only", map[string]string{"a.json": estateOf(mesh(""))}, "include", "10.77.1.1", doubtful},
		{"configured-only-elsewhere", map[string]string{"a.json": estateOf(mesh(""))}, "include", "10.78.1.1", denyAll},
		{"at-work", map[string]string{"a.json": estateOf(mesh("")), "hub.json": `{"value":[` + atWork + `]}`}, "include", "10.77.1.1", allowVnet},
		{"at-work-in-another-network", map[string]string{"a.json": estateOf(mesh("")), "far.json": `{"value":[` + atWork + `]}`}, "include", "10.77.1.1", doubtful},
		{"unknown", map[string]string{"a.json": estateOf(mesh("")), "hub.json": `{"value":[` + atWork + `]}`}, "unknown", "10.77.1.1", doubtful},
		{"exclude", map[string]string{"a.json": estateOf(mesh("")), "hub.json": `{"value":[` + atWork + `]}`}, "exclude", "10.77.1.1", denyAll},
		{"not-directly-connected", map[string]string{"a.json": estateOf(strings.Replace(mesh(""), "DirectlyConnected", "None", 1))}, "include", "10.77.1.1", denyAll},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := estate.Decode(t, c.files)
			if err := n.Assumptions.Set("connected-groups", c.choice); err != nil {
				t.Fatal(err)
			}
			if got := inboundFrom(t, n, c.remote); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
