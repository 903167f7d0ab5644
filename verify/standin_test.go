package verify

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipflow/ingest/network"
)

// sharedHere finds recorded data from this package's folder, or skips the test.
func sharedHere(t *testing.T, parts ...string) string {
	t.Helper()
	root := os.Getenv("IPFLOW_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	path := filepath.Join(append([]string{root}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no shared data: %v; set IPFLOW_SHARED", err)
	}
	return path
}

const scaleSetID = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/set"

func scaleSetJSON(more string) string {
	return `{"id":"` + scaleSetID + `","name":"set","type":"Microsoft.Compute/virtualMachineScaleSets","properties":{` + more + `"virtualMachineProfile":{"networkProfile":{"networkInterfaceConfigurations":[
		{"name":"nic","properties":{"primary":true,` + reference("networkSecurityGroup", "networkSecurityGroups", "nsg") + `,"ipConfigurations":[{"name":"c","properties":{
			` + reference("subnet", "virtualNetworks", "hub/subnets/app") + `,"applicationSecurityGroups":[{"id":"` + providers + `applicationSecurityGroups/a"}]}}]}}]}}}}`
}

// scaleSetEstate is a scale set without instance NICs, behind a rule about the
// group that its instances are members of.
func scaleSetEstate(more string) string {
	return "[" + strings.Replace(vnetJSON("hub", "10.0.0.0/16", ""), `"GatewaySubnet"`, `"rest"`, 1) + "," +
		resource("networkSecurityGroups", "nsg", `"securityRules":[{"name":"members","properties":{"priority":100,"direction":"Inbound","access":"Allow","protocol":"Tcp",
			"sourceAddressPrefix":"*","sourcePortRange":"*","destinationPortRange":"80","destinationApplicationSecurityGroups":[{"id":"`+providers+`applicationSecurityGroups/a"}]}}]`) + "," +
		scaleSetJSON(more) + "]"
}

func TestScaleSetModel(t *testing.T) {
	t.Run("stand-in", func(t *testing.T) {
		n, list := diagnostics(t, map[string]string{"a.json": scaleSetEstate("")})
		if !said(list, "scale-set-model", "az vmss nic list") {
			t.Error(list)
		}
		c := n.NICsNamed(scaleSetID + "/networkInterfaceConfigurations/nic")
		if len(c) != 1 || !c[0].StandIn || c[0].VMID != scaleSetID {
			t.Fatalf("%+v", c)
		}
		// Any address of the subnet may be asked about, others not.
		if !Accepts(c[0], netip.MustParseAddr("10.0.0.4")) || Accepts(c[0], netip.MustParseAddr("192.168.0.4")) {
			t.Error("addresses")
		}
		if got, fault := Find(n, "", "set", netip.MustParseAddr("10.0.0.4")); got != c[0] || fault != NoFault {
			t.Errorf("by the scale set's name: %v %v", got, fault)
		}
		if got := inboundFrom(t, n, "8.8.8.8"); got != "Allow members" {
			t.Error(got)
		}
	})
	instance := `,{"id":"` + scaleSetID + `/virtualMachines/0/networkInterfaces/nic","name":"nic","properties":{"ipConfigurations":[{"name":"c","properties":{"privateIPAddress":"10.0.0.4",` +
		reference("subnet", "virtualNetworks", "hub/subnets/app") + `}}]}}]`
	for name, text := range map[string]string{
		"instances-win": strings.TrimSuffix(scaleSetEstate(""), "]") + instance,
		"flexible":      scaleSetEstate(`"orchestrationMode":"Flexible",`),
	} {
		t.Run(name, func(t *testing.T) {
			n, _ := diagnostics(t, map[string]string{"a.json": text})
			for _, c := range n.NICs {
				if c.StandIn {
					t.Errorf("%s stands in", c.ID)
				}
			}
		})
	}
}

func TestPrivateEndpointPolicies(t *testing.T) {
	text := func(policies string) string {
		return "[" + resource("virtualNetworks", "hub", `"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"name":"app","properties":{"addressPrefix":"10.0.0.0/24",`+
			reference("networkSecurityGroup", "networkSecurityGroups", "nsg")+policies+`}}]`) + "," + resource("networkSecurityGroups", "nsg", `"securityRules":[]`) + "," +
			resource("networkInterfaces", "nic", reference("privateEndpoint", "privateEndpoints", "pe")+`,"ipConfigurations":[{"name":"c","properties":{"privateIPAddress":"10.0.0.4",`+
				reference("subnet", "virtualNetworks", "hub/subnets/app")+`}}]`) + "]"
	}
	fact := "Unknown private-endpoint-policies:virtualNetworks/hub/subnets/app"
	for _, c := range []struct{ name, policies, choice, want string }{
		{"disabled", `,"privateEndpointNetworkPolicies":"Disabled"`, "", "Allow no-nsg"},
		{"routes-only", `,"privateEndpointNetworkPolicies":"RouteTableEnabled"`, "", "Allow no-nsg"},
		{"enabled", `,"privateEndpointNetworkPolicies":"enabled"`, "", denyAll},
		{"groups-only", `,"privateEndpointNetworkPolicies":"NetworkSecurityGroupEnabled"`, "", denyAll},
		{"a-word-nobody-knows", `,"privateEndpointNetworkPolicies":"Sometimes"`, "", fact},
		{"absent", "", "", "Allow no-nsg"},
		{"absent-enabled", "", "enabled", denyAll},
		{"absent-unknown", "", "unknown", fact},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, list := diagnostics(t, map[string]string{"a.json": text(c.policies)})
			if said(list, "absent-private-endpoint-policies", "app") != (c.policies == "") {
				t.Error(list)
			}
			if c.choice != "" {
				if err := n.Assumptions.Set("absent-private-endpoint-policies", c.choice); err != nil {
					t.Fatal(err)
				}
			}
			if got := inboundFrom(t, n, "8.8.8.8"); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// Whoever is hidden, an answer given without it holds once it is back.
func TestHiddenFactsNeverChangeAnswers(t *testing.T) {
	parts := map[string]string{
		"base":       base(""),
		"gateway":    gatewayJSON("gw", "hub", `,"gatewayType":"Vpn","enableBgp":false`),
		"site":       resource("localNetworkGateways", "site", `"localNetworkAddressSpace":{"addressPrefixes":["192.168.0.0/24"]}`),
		"connection": resource("connections", "c", reference("virtualNetworkGateway1", "virtualNetworkGateways", "gw")+","+reference("localNetworkGateway2", "localNetworkGateways", "site")),
	}
	load := func(without string) *network.Network {
		var list []string
		for name, text := range parts {
			if name != without {
				list = append(list, text)
			}
		}
		n, _ := diagnostics(t, map[string]string{"a.json": "[" + strings.Join(list, ",") + "]"})
		return n
	}
	whole := load("")
	for _, hidden := range []string{"gateway", "site", "connection"} {
		less := load(hidden)
		for _, remote := range []string{"10.0.7.7", "192.168.0.9", "192.168.9.9", "172.16.0.1", "8.8.8.8"} {
			all, some := inboundFrom(t, whole, remote), inboundFrom(t, less, remote)
			if strings.HasPrefix(all, "Unknown") {
				t.Errorf("%s: %s though nothing is hidden", remote, all)
			}
			if all != some && !strings.HasPrefix(some, "Unknown") {
				t.Errorf("%s without %s: %s, which becomes %s", remote, hidden, some, all)
			}
		}
	}
}
