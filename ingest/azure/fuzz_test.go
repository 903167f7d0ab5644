package azure

import (
	"os"
	"path/filepath"
	"testing"

	"ipflow/ingest/flow"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// FuzzDecode: whatever the documents hold, decoding and linking end without a
// panic, and every NIC has a subnet or a reason why not.
func FuzzDecode(f *testing.F) {
	// One resource at a time: large seeds take minutes to minimise.
	data, err := os.ReadFile(filepath.Join("testdata", "shapes", "mixed.json"))
	if err != nil {
		f.Fatal(err)
	}
	docs, _ := jsontree.Parse("mixed.json", data)
	for _, d := range docs {
		f.Add(d.Encode())
	}
	f.Add([]byte(groupJSON(ruleJSON("a"), ruleJSON("a", "priority", `"x"`))))
	f.Add([]byte(`{"changeNumber":1,"cloud":"x","values":[{"name":"A","properties":{"addressPrefixes":["1.0.0.0/8"]}}]}`))
	f.Add([]byte(`{"value":[{"networkSecurityGroup":{},"effectiveSecurityRules":[{}],"tagMap":{"a":["1.0.0.0/8"]}}]}`))
	const at = "/subscriptions/s/resourceGroups/r/providers/Microsoft."
	for _, seed := range []string{
		`{"id":"` + at + `Network/loadBalancers/b","properties":{"frontendIPConfigurations":[{"name":"f","properties":{"privateIPAddress":"10.0.0.9"}}],
			"backendAddressPools":[{"name":"p","properties":{"loadBalancerBackendAddresses":[{"properties":{"ipAddress":"10.0.0.4","inboundNatRulesPortMapping":[{"frontendPort":1,"backendPort":2}]}}]}}],
			"loadBalancingRules":[{"name":"r","properties":{"protocol":"All","frontendPort":0,"backendPort":0}}],"inboundNatRules":[{"name":"n"}],"inboundNatPools":[{"properties":{"frontendPortRangeStart":9,"frontendPortRangeEnd":3}}]}}`,
		`{"id":"` + at + `Network/virtualNetworkGateways/g","properties":{"gatewayType":"Vpn","vpnClientConfiguration":{"vpnClientAddressPool":{"addressPrefixes":["172.16.0.0/24"]}},
			"ipConfigurations":[{"properties":{"subnet":{"id":"` + vnet + `/subnets/GatewaySubnet"}}}]}}`,
		`[{"id":"` + at + `Network/connections/c","virtualNetworkGateway1":{"id":"g"},"localNetworkGateway2":{"id":"l"}},{"id":"` + at + `Network/localNetworkGateways/l","localNetworkAddressSpace":{"addressPrefixes":["10.0.0.0/8"]}}]`,
		`{"value":[{"source":"User","nextHopType":"VirtualAppliance","addressPrefix":["0.0.0.0/0"]}]}`,
		`[{"id":"` + nicA + `","name":"a","ipConfigurations":[]},{"source":"Default","nextHopType":"VnetLocal","addressPrefix":"10.0.0.0/16"}]`,
		`{"id":"` + at + `Compute/virtualMachineScaleSets/s","properties":{"virtualMachineProfile":{"networkProfile":{"networkInterfaceConfigurations":[{"name":"n","properties":{"ipConfigurations":[{"name":"c"}]}}]}}}}`,
		`{"id":"` + at + `Network/networkManagers/m/connectivityConfigurations/c","connectivityTopology":"Mesh","appliesToGroups":[{"networkGroupId":"g"}],"configurationGroups":[]}`,
		`{"value":[{"association":{"networkManager":{"id":"m"},"networkInterface":{"id":"x"}},"effectiveSecurityRules":[{"name":"r","access":"AlwaysAllow"}]}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, _ := jsontree.Parse("a.json", data)
		var inputs []Input
		for _, d := range docs {
			inputs = append(inputs, Input{Path: "a.json", Root: d})
		}
		res := Decode(inputs)
		if len(res.Documents) != len(inputs) {
			t.Fatalf("%d documents from %d inputs", len(res.Documents), len(inputs))
		}
		network.Link(res.Network)
		for _, c := range res.Network.NICs {
			if c.Subnet == nil && c.SubnetFact == "" {
				t.Errorf("NIC %q has neither a subnet nor a reason", c.ID)
			}
		}
		for i := 1; i < res.Network.RuleCount(); i++ {
			r := res.Network.Rule(flow.RuleRef(i))
			if len(r.SourcePorts) == 0 || len(r.DestinationPorts) == 0 {
				t.Errorf("rule %q matches no port", r.ID)
			}
		}
	})
}
