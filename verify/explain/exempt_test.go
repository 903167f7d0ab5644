package explain

import (
	"strings"
	"testing"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
)

// Admin rules that reach a virtual network and not a NIC in it are accounted for.
func TestExempt(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(*network.VirtualNetwork, *network.Subnet, *network.NIC)
	}{
		{"application-gateway", "exempt from admin rules: subnet of application gateways", func(_ *network.VirtualNetwork, s *network.Subnet, _ *network.NIC) {
			s.Delegations = []string{"microsoft.network/ApplicationGateways"}
		}},
		{"private-endpoint", "exempt from admin rules: private endpoint", func(_ *network.VirtualNetwork, _ *network.Subnet, c *network.NIC) { c.PrivateEndpoint = "/pe" }},
		{"none-there", "", func(v *network.VirtualNetwork, s *network.Subnet, _ *network.NIC) { v.Admin, s.HasGateways = nil, true }},
		{"applies", "", func(*network.VirtualNetwork, *network.Subnet, *network.NIC) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := estate.New(nil, nil)
			r := estate.Rule(t, 5, "shut In Deny Tcp * * 443")
			r.Kind, r.ManagerID, r.ID = network.AdminRule, "/nm/global", "/nm/global/rules/shut"
			v, s, nic := n.VirtualNetworks[0], n.Subnets[0], n.NICs[0]
			v.Admin = &network.AdminRules{Source: "test", Rules: []*network.Rule{r}}
			c.change(v, s, nic)
			network.Link(n)
			e := Of(n, nic, tuple(t, "Inbound Tcp 10.0.0.4:443 8.8.8.8:50000"))
			var b strings.Builder
			if err := e.Write(&b, nil); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(b.String(), "exempt"); got != (c.want != "") || !strings.Contains(b.String(), c.want) {
				t.Errorf("want %q in\n%s", c.want, b.String())
			}
			if denied := e.Verdict.Access == flow.Deny; denied != (c.name == "applies") {
				t.Errorf("%+v", e.Verdict)
			}
		})
	}
}
