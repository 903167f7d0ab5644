package explain

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/oracle"
)

// Notes says what a reader should know beside the verdict of a question: what
// the platform does whatever the rules say, and which assumptions decide.
func Notes(n *network.Network, nic *network.NIC, t flow.Tuple, v flow.Verdict) []string {
	var out []string
	for _, note := range []string{platform(t.Remote.Netip()), closedWithoutGroup(n, nic, t, v), privateEndpoint(n, nic), standIn(nic)} {
		if note != "" {
			out = append(out, note)
		}
	}
	out = append(out, deciding(n, nic, t, v)...)
	for _, vm := range n.VMsNamed(nic.VMID) {
		if vm.PowerState != "" && !strings.Contains(strings.ToLower(vm.PowerState), "running") {
			out = append(out, fmt.Sprintf("virtual machine %s is not running (%s); Azure itself answers for running machines only", vm.Name, vm.PowerState))
		}
	}
	return out
}

// platform: "By default, these services aren't subject to the configured network
// security groups unless targeted by service tags specific to each service" (NSG
// overview, Azure platform considerations).
func platform(remote netip.Addr) string {
	what := ""
	switch remote {
	case network.WireServer, network.LoadBalancerIP6:
		what = "the Azure host (DNS, DHCP, health probes)"
	case network.InstanceMeta:
		what = "the instance metadata service"
	default:
		return ""
	}
	return fmt.Sprintf("%s is %s: the platform exempts it from ordinary rules, only rules for the AzurePlatform* service tags can block it", remote, what)
}

// closedWithoutGroup: a Standard public address is "closed to inbound traffic"
// unless a security group allows it (public-ip-addresses, SKU).
func closedWithoutGroup(n *network.Network, nic *network.NIC, t flow.Tuple, v flow.Verdict) string {
	if v.Reason != flow.ReasonNoNSG || t.Direction != flow.Inbound || !n.Internet.Contains(t.Remote.Netip()) {
		return ""
	}
	for _, c := range nic.IPConfigsFor(t.Local.Netip()) {
		for _, p := range n.PublicIPs {
			if c.PublicIPID != "" && network.Key(p.ID) == network.Key(c.PublicIPID) && strings.EqualFold(p.SKU, "Standard") {
				return "public IP " + p.Name + " is of SKU Standard, which is secure by default: without a network security group inbound traffic from the Internet is dropped"
			}
		}
	}
	for _, lb := range n.LoadBalancers {
		if strings.EqualFold(lb.SKU, "Standard") && serves(lb, nic, t.Local.Netip()) {
			return "load balancer " + lb.Name + " is of SKU Standard, which is secure by default: without a network security group inbound traffic from the Internet is dropped"
		}
	}
	return ""
}

// serves reports whether the load balancer has a public frontend and the address
// is that of one of its backends, or that of a frontend kept by floating IP.
func serves(lb *network.LoadBalancer, nic *network.NIC, local netip.Addr) bool {
	if !slices.ContainsFunc(lb.Frontends, func(f network.Frontend) bool { return f.PublicIPID != "" }) {
		return false
	}
	for i := range nic.IPConfigs {
		cfg := &nic.IPConfigs[i]
		if cfg.Address.IsValid() && cfg.Address != local && nic.IPConfigOf(local) != nil {
			continue
		}
		for j := range lb.Pools {
			if lb.Pools[j].Has(nic, cfg) {
				return true
			}
		}
		for j := range lb.Rules {
			if r := &lb.Rules[j]; r.IPConfigID != "" && network.Key(r.IPConfigID) == network.Key(nic.IPConfigID(cfg)) {
				return true
			}
		}
	}
	return false
}

// privateEndpoint: "Azure network security groups aren't applied to private
// endpoints" unless the subnet's network policies say so
// (disable-private-endpoint-network-policy).
func privateEndpoint(n *network.Network, nic *network.NIC) string {
	s := nic.Subnet
	if nic.PrivateEndpoint == "" || s == nil || s.Group == (network.GroupRef{}) || n.SubnetGroup(nic) != (network.GroupRef{}) {
		return ""
	}
	group := network.LastSegment(s.Group.ID)
	if group == "" {
		group = "of subnet " + s.Name
	}
	policies := s.PrivateEndpointPolicies
	if policies == "" {
		policies = "not recorded, taken as Disabled"
	}
	return fmt.Sprintf("network security group %s is not applied: NIC %s belongs to a private endpoint and privateEndpointNetworkPolicies of subnet %s is %s", group, nic.Name, s.Name, policies)
}

func standIn(nic *network.NIC) string {
	if !nic.StandIn {
		return ""
	}
	return "NIC " + nic.Name + " stands for every instance of scale set " + network.LastSegment(nic.VMID) + ": it is read from the scale set's model"
}

// deciding names each assumption without which the answer would be another: the
// question is asked again under every other value.
func deciding(n *network.Network, nic *network.NIC, t flow.Tuple, v flow.Verdict) []string {
	var out []string
	for _, a := range network.AllAssumptions() {
		now := n.Assumptions.Value(a.Name)
		var others []string
		for _, value := range a.Values {
			if value == now {
				continue
			}
			m := under(n, a.Name, value)
			w := oracle.New(m).Classify(nic, t)
			if w.Access != v.Access || w.Rule != v.Rule {
				others = append(others, fmt.Sprintf("with %s it would be %s", value, answerText(n, w)))
			}
		}
		if len(others) > 0 {
			out = append(out, fmt.Sprintf("the answer rests on the assumption %s=%s; %s", a.Name, now, strings.Join(others, ", ")))
		}
	}
	return out
}

// under returns the network with one assumption changed. It shares all else:
// assumptions are asked when rules are compared, not when they are linked,
// except the built-in Internet list, which is chosen when the network is loaded.
func under(n *network.Network, name, value string) *network.Network {
	m := *n
	m.Assumptions = network.Assumptions{}
	for _, a := range network.AllAssumptions() {
		choice := n.Assumptions.Value(a.Name)
		if a.Name == name {
			choice = value
		}
		if err := m.Assumptions.Set(a.Name, choice); err != nil {
			panic("explain: " + err.Error())
		}
	}
	if name == "microsoft-internal" && n.Internet.Date != "" {
		m.Internet = network.DefaultInternet(value == "excluded")
	}
	return &m
}

func answerText(n *network.Network, v flow.Verdict) string {
	s := v.Access.String()
	if r := n.Rule(v.Rule); r != nil {
		s += " by " + r.Spelling()
	}
	return s
}
