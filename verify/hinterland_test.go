package verify

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
	"ipflow/verify/oracle"
)

const providers = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/"

// resource writes one resource as REST does; body is the inside of properties.
func resource(kind, name, body string) string {
	return fmt.Sprintf(`{"id":"%s%s/%s","name":"%s","type":"Microsoft.Network/%s","properties":{%s}}`, providers, kind, name, name, kind, body)
}

func reference(name, kind, of string) string {
	return fmt.Sprintf(`"%s":{"id":"%s%s/%s"}`, name, providers, kind, of)
}

// vnetJSON writes a virtual network with a subnet "app" and further members.
func vnetJSON(name, space, more string) string {
	return resource("virtualNetworks", name, fmt.Sprintf(`"addressSpace":{"addressPrefixes":["%s"]},
		"subnets":[{"name":"app","properties":{"addressPrefix":"%s"}},{"name":"other","properties":{"addressPrefix":"%s"}},
		{"name":"GatewaySubnet","properties":{"addressPrefix":"%s"}}]%s`, space, space, space, space, more))
}

// inboundFrom asks the NIC "nic" about TCP from the remote address, of the index
// and of the oracle, and returns access, rule and reason.
func inboundFrom(t *testing.T, n *network.Network, remote string) string {
	t.Helper()
	ix, err := index.Compile(context.Background(), n, index.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	q := flow.Tuple{
		Direction: flow.Inbound, Protocol: flow.TCP, LocalPort: 80, RemotePort: 50000,
		Local: flow.AddressFrom(netip.MustParseAddr("10.0.0.4")), Remote: flow.AddressFrom(netip.MustParseAddr(remote)),
	}
	nics := n.NICsNamed("nic")
	if len(nics) != 1 {
		t.Fatalf("%d NICs", len(nics))
	}
	got, want := ix.Classify(nics[0], q), oracle.New(n).Classify(nics[0], q)
	if got != want {
		t.Errorf("index %+v, oracle %+v", got, want)
	}
	out := []string{want.Access.String()}
	if r := n.Rule(want.Rule); r != nil {
		out = append(out, r.Name)
	}
	if want.Reason != "" {
		out = append(out, want.Reason)
	}
	return strings.ReplaceAll(strings.Join(out, " "), providers, "")
}

// base is a NIC in virtual network hub behind default rules only.
func base(more string) string {
	return vnetJSON("hub", "10.0.0.0/16", more) + "," +
		resource("networkSecurityGroups", "nsg", `"securityRules":[]`) + "," +
		resource("networkInterfaces", "nic", reference("networkSecurityGroup", "networkSecurityGroups", "nsg")+
			`,"ipConfigurations":[{"name":"ip1","properties":{"privateIPAddress":"10.0.0.4",`+reference("subnet", "virtualNetworks", "hub/subnets/app")+`}}]`)
}

// plain is base without a subnet for gateways.
func plain(more string) string { return strings.Replace(base(more), `"GatewaySubnet"`, `"rest"`, 1) }

func gatewayJSON(name, vnet, more string) string {
	return resource("virtualNetworkGateways", name, `"ipConfigurations":[{"name":"c","properties":{`+
		reference("subnet", "virtualNetworks", vnet+"/subnets/GatewaySubnet")+`}}]`+more)
}

const (
	allowVnet = "Allow AllowVnetInBound"
	denyAll   = "Deny DenyAllInBound"
)

func peeringJSON(name, remote, more string) string {
	return `,"virtualNetworkPeerings":[{"name":"` + name + `","properties":{` + reference("remoteVirtualNetwork", "virtualNetworks", remote) + more + `}}]`
}

func TestHinterland(t *testing.T) {
	const vpn = `,"gatewayType":"Vpn","enableBgp":false`
	site := resource("localNetworkGateways", "site", `"localNetworkAddressSpace":{"addressPrefixes":["192.168.0.0/24"]}`)
	toSite := resource("connections", "c", `"connectionType":"IPsec","enableBgp":false,`+
		reference("virtualNetworkGateway1", "virtualNetworkGateways", "gw")+","+reference("localNetworkGateway2", "localNetworkGateways", "site"))
	toOther := resource("connections", "d", `"connectionType":"Vnet2Vnet",`+
		reference("virtualNetworkGateway1", "virtualNetworkGateways", "gw")+","+reference("virtualNetworkGateway2", "virtualNetworkGateways", "gw2"))
	unknown := "Unknown gateway-prefixes:virtualNetworkGateways/gw"
	const connected = `,"peeringState":"Connected","peeringSyncLevel":"FullyInSync","allowVirtualNetworkAccess":true`
	spoke := func(transit string) string {
		// The NIC's network is the spoke here, the gateway is its peer's.
		return plain(peeringJSON("to-center", "center", connected+`,"useRemoteGateways":true,"remoteAddressSpace":{"addressPrefixes":["10.9.0.0/16"]}`)) + "," +
			vnetJSON("center", "10.9.0.0/16", peeringJSON("to-hub", "hub", connected+transit+`,"remoteAddressSpace":{"addressPrefixes":["10.0.0.0/16"]}`)) + "," +
			gatewayJSON("gw", "center", vpn) + "," + site + "," + toSite
	}
	stale := plain(peeringJSON("p", "center", `,"peeringState":"Connected","peeringSyncLevel":"RemoteNotInSync","remoteAddressSpace":{"addressPrefixes":["10.9.0.0/16"]}`)) + "," +
		strings.Replace(vnetJSON("center", "10.8.0.0/15", ""), `"GatewaySubnet"`, `"rest"`, 1)
	routeServer := base("") + "," + gatewayJSON("gw", "hub", vpn) + "," + site + "," + toSite + "," +
		`{"id":"` + providers + `virtualNetworks/hub/subnets/RouteServerSubnet","type":"Microsoft.Network/virtualNetworks/subnets","properties":{"addressPrefix":"10.0.9.0/24"}}`
	for _, c := range []struct {
		name, snapshot, remote, want string
	}{
		{"site", base("") + "," + gatewayJSON("gw", "hub", vpn) + "," + site + "," + toSite, "192.168.0.9", allowVnet},
		{"all-is-known", base("") + "," + gatewayJSON("gw", "hub", vpn) + "," + site + "," + toSite, "192.168.1.9", denyAll},
		{"no-gateway-in-a-gateway-subnet", base(""), "192.168.1.9", "Unknown gateway-prefixes:virtualNetworks/hub/subnets/GatewaySubnet"},
		{"no-connection-exported", base("") + "," + gatewayJSON("gw", "hub", vpn), "192.168.1.9", unknown},
		{"public-remote-is-never-in-doubt", base("") + "," + gatewayJSON("gw", "hub", vpn), "8.8.8.8", denyAll},
		{"bgp", base("") + "," + gatewayJSON("gw", "hub", `,"gatewayType":"Vpn","enableBgp":true`) + "," + site + "," + toSite, "192.168.1.9", unknown},
		{"express-route", base("") + "," + gatewayJSON("gw", "hub", `,"gatewayType":"ExpressRoute"`) + "," + site + "," + toSite, "192.168.1.9", unknown},
		{"type-not-said", base("") + "," + gatewayJSON("gw", "hub", "") + "," + site + "," + toSite, "192.168.1.9", unknown},
		{"site-not-exported", base("") + "," + gatewayJSON("gw", "hub", vpn) + "," + toSite, "192.168.1.9", "Unknown gateway-prefixes:localNetworkGateways/site"},
		{"clients", base("") + "," + gatewayJSON("gw", "hub", vpn+`,"vpnClientConfiguration":{"vpnClientAddressPool":{"addressPrefixes":["172.30.0.0/24"]}}`), "172.30.0.9", allowVnet},
		{"clients-of-several-pools", base("") + "," + gatewayJSON("gw", "hub", vpn+`,"vpnClientConfiguration":{"vngClientConnectionConfigurations":[{"properties":{"vpnClientAddressPool":{"addressPrefixes":["172.31.0.0/24"]}}}]}`), "172.31.0.9", allowVnet},
		{"default-site", base("") + "," + gatewayJSON("gw", "hub", vpn+","+reference("gatewayDefaultSite", "localNetworkGateways", "site")) + "," + site + "," + toSite, "8.8.8.8", "Unknown gateway-default-site:virtualNetworkGateways/gw"},
		{"other-virtual-network", base("") + "," + gatewayJSON("gw", "hub", vpn) + "," + toOther + "," + vnetJSON("far", "10.77.0.0/16", "") + "," + gatewayJSON("gw2", "far", vpn), "10.77.1.1", allowVnet},
		{"other-virtual-network-not-exported", base("") + "," + gatewayJSON("gw", "hub", vpn) + "," + toOther, "10.77.1.1", "Unknown gateway-prefixes:virtualNetworkGateways/gw2"},
		{"route-server", routeServer, "192.168.1.9", "Unknown gateway-prefixes:virtualNetworks/hub/subnets/RouteServerSubnet"},
		{"spoke", spoke(`,"allowGatewayTransit":true`), "192.168.0.9", allowVnet},
		{"spoke-all-is-known", spoke(`,"allowGatewayTransit":true`), "192.168.1.9", denyAll},
		{"no-transit", spoke(`,"allowGatewayTransit":false`), "192.168.0.9", denyAll},
		{
			"remote-gateway-not-exported", plain(peeringJSON("p", "center", connected+`,"useRemoteGateways":true,"remoteAddressSpace":{"addressPrefixes":["10.9.0.0/16"]}`)),
			"192.168.1.9", "Unknown gateway-prefixes:virtualNetworks/center",
		},
		{"peer-not-in-sync", stale, "10.9.0.1", allowVnet},
		{"vector-46", stale, "10.8.0.1", denyAll},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := estate.Decode(t, map[string]string{"a.json": "[" + c.snapshot + "]"})
			if got := inboundFrom(t, n, c.remote); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// The assumption on connections is asked when the question is, not when the
// network is linked.
func TestGatewayConnectionsAssumption(t *testing.T) {
	with := base("") + "," + gatewayJSON("gw", "hub", `,"gatewayType":"Vpn","enableBgp":false`)
	for choice, want := range map[string]string{
		"listed": "Unknown gateway-prefixes:virtualNetworkGateways/gw", "complete": denyAll, "unknown": "Unknown gateway-prefixes:virtualNetworkGateways/gw",
	} {
		n := estate.Decode(t, map[string]string{"a.json": "[" + with + "]"})
		if err := n.Assumptions.Set("gateway-connections", choice); err != nil {
			t.Fatal(err)
		}
		if got := inboundFrom(t, n, "192.168.1.9"); got != want {
			t.Errorf("%s: got %s, want %s", choice, got, want)
		}
	}
}

func TestSubnetPeering(t *testing.T) {
	peered := func(more string) string {
		return plain(peeringJSON("p", "far", `,"peeringState":"Connected","peerCompleteVnets":false`+more)) + "," +
			resource("virtualNetworks", "far", `"addressSpace":{"addressPrefixes":["10.9.0.0/16"]},"subnets":[{"name":"a","properties":{"addressPrefix":"10.9.1.0/24"}},{"name":"b","properties":{"addressPrefix":"10.9.2.0/24"}}]`)
	}
	for _, c := range []struct{ name, snapshot, remote, want string }{
		{"listed-prefixes", peered(`,"remoteAddressSpace":{"addressPrefixes":["10.9.1.0/24"]}`), "10.9.1.1", allowVnet},
		{"not-the-rest", peered(`,"remoteAddressSpace":{"addressPrefixes":["10.9.1.0/24"]}`), "10.9.2.1", denyAll},
		{"named-subnets", peered(`,"remoteSubnetNames":["B"]`), "10.9.2.1", allowVnet},
		{"not-another-subnet", peered(`,"remoteSubnetNames":["b"]`), "10.9.1.1", denyAll},
		{"named-subnet-not-exported", peered(`,"remoteSubnetNames":["b","c"]`), "10.9.1.1", "Unknown missing-peer:virtualNetworks/far"},
		{"local-subnet-takes-part", peered(`,"localSubnetNames":["APP"],"remoteSubnetNames":["b"]`), "10.9.2.1", allowVnet},
		{"local-subnet-takes-no-part", peered(`,"localSubnetNames":["other"],"remoteSubnetNames":["b"]`), "10.9.2.1", "Unknown subnet-peering:virtualNetworks/hub/virtualNetworkPeerings/p"},
		{"ipv6-only", peered(`,"enableOnlyIPv6Peering":true,"remoteSubnetNames":["b"]`), "10.9.2.1", denyAll},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := estate.Decode(t, map[string]string{"a.json": "[" + c.snapshot + "]"})
			if got := inboundFrom(t, n, c.remote); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
