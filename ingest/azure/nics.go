package azure

import (
	"net/netip"
	"strings"

	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

func comparePrefixes(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

// networkInterfaces reads NICs of VMs, scale set instances and private endpoints.
func (b *builder) networkInterfaces() {
	b.net.NICs = each(b, (*reader).nic, whole, typeNIC, typeScaleSetNIC, typeScaleSetOldNIC)
}

func (r *reader) nic(res Resource) *network.NIC {
	p := res.Properties
	c := &network.NIC{
		ID: r.store.text(res.ID), Name: r.store.text(res.Name), Origin: res.Node.Origin(),
		MAC: r.store.text(get(p, "macAddress").Text()),
	}
	c.Group.ID, c.Group.Fact = r.keptRef(get(p, "networkSecurityGroup"))
	// Whose NIC it is decides no verdict: an unreadable owner is no owner.
	c.VMID, _ = r.keptRef(get(p, "virtualMachine"))
	c.PrivateEndpoint, _ = r.keptRef(get(p, "privateEndpoint"))
	if c.VMID == "" && (res.Type == typeScaleSetNIC || strings.Contains(network.Key(c.ID), "/virtualmachinescalesets/")) {
		c.VMID = scaleSetVM(c.ID)
	}
	c.IPForwarding, _ = r.flag(get(p, "enableIPForwarding"), false)
	r.ipConfigs(c, get(p, "ipConfigurations"))
	if res.hides("ipConfigurations") || res.Projected && res.hides("networkSecurityGroup") {
		fact := factAt(res.Node)
		if c.Group.ID == "" && c.Group.Fact == "" {
			c.Group.Fact = fact
		}
		if c.SubnetID == "" {
			c.SubnetFact = fact
			r.unknownAddress(c)
		}
		r.faults.Errorf(res.Node.Origin(), "hidden-nic",
			"the security group or the ip configurations of NIC %s are not visible here; export it whole", quote(c.Name))
	}
	return c
}

// scaleSetVM returns the id of the instance that a scale set NIC's id names.
func scaleSetVM(id string) string {
	vm := network.ParentID(id)
	if strings.HasSuffix(network.Key(network.ParentID(vm)), "/virtualmachinescalesets/"+network.Key(network.LastSegment(network.ParentID(vm)))) &&
		strings.Contains(network.Key(vm), "/virtualmachines/") {
		return vm
	}
	return ""
}

func (r *reader) ipConfigs(c *network.NIC, n *jsontree.Node) {
	if n.Residue() {
		c.SubnetFact = factAt(n)
		r.unknownAddress(c)
		return
	}
	for _, item := range list(n) {
		if item.Kind() != jsontree.Object {
			if !item.Residue() {
				r.noIPConfig(c, item)
			}
			r.unknownAddress(c)
			if c.SubnetID == "" && c.SubnetFact == "" {
				c.SubnetFact = factAt(item)
			}
			continue
		}
		cfg, subnetFact := r.ipConfig(item)
		c.IPConfigs = append(c.IPConfigs, cfg)
		switch {
		case c.SubnetID == "" && cfg.SubnetID != "":
			c.SubnetID, c.SubnetFact = cfg.SubnetID, ""
		case c.SubnetID == "" && c.SubnetFact == "":
			c.SubnetFact = subnetFact
		case cfg.SubnetID != "" && network.Key(cfg.SubnetID) != network.Key(c.SubnetID):
			r.faults.Warnf(item.Origin(), "subnets-differ",
				"ip configuration %s is in %s, the first one of NIC %s in %s; Azure puts all into one subnet; the first counts",
				quote(cfg.Name), cfg.SubnetID, quote(c.Name), c.SubnetID)
		}
	}
}

func (r *reader) noIPConfig(c *network.NIC, n *jsontree.Node) {
	if truncated(n.Text()) {
		r.faults.Errorf(n.Origin(), "truncated", "%s stands where an ip configuration of %s should: %s", quote(n.Text()), quote(c.Name), depthRemedy)
		return
	}
	r.faults.Errorf(n.Origin(), "bad-ip-configuration", "%s stands where an ip configuration of %s should", describe(n), quote(c.Name))
}

// unknownAddress records that the NIC has an address that nobody recorded.
func (r *reader) unknownAddress(c *network.NIC) {
	c.IPConfigs = append(c.IPConfigs, network.IPConfig{})
}

func (r *reader) ipConfig(n *jsontree.Node) (cfg network.IPConfig, subnetFact string) {
	p := properties(n)
	cfg.Name = r.store.word(network.LastSegment(n.Get("name").Text()))
	cfg.Primary, _ = r.flag(get(p, "primary"), false)
	cfg.Address = r.address(get(p, "privateIPAddress"))
	cfg.PublicIPID, _ = r.keptRef(get(p, "publicIPAddress"))
	cfg.SubnetID, subnetFact = r.keptRef(get(p, "subnet"))
	// A load balancer names its members as well; what cannot be read here is not
	// lost, and decides no verdict.
	cfg.PoolIDs, _ = r.keptRefs(get(p, "loadBalancerBackendAddressPools"))
	cfg.NATRuleIDs, _ = r.keptRefs(get(p, "loadBalancerInboundNatRules"))
	cfg.NATPoolIDs, _ = r.keptRefs(get(p, "loadBalancerInboundNatPools"))
	asgs := get(p, "applicationSecurityGroups")
	if asgs.Residue() {
		cfg.ASGFact = factAt(asgs)
		return cfg, subnetFact
	}
	var unread []string
	cfg.ASGs, unread = r.keptRefs(asgs)
	if len(unread) > 0 {
		cfg.ASGFact = unread[0]
	}
	return cfg, subnetFact
}

// keptRef is ref with a copy of the id. Ids of subnets, groups and the like
// repeat from NIC to NIC.
func (r *reader) keptRef(n *jsontree.Node) (id, fact string) {
	id, fact = r.ref(n)
	return r.store.id(id), fact
}

func (r *reader) keptRefs(n *jsontree.Node) (ids, facts []string) {
	ids, facts = r.refs(n)
	for i := range ids {
		ids[i] = r.store.id(ids[i])
	}
	return ids, facts
}

// address reads one address; invalid when absent or not readable.
func (r *reader) address(n *jsontree.Node) netip.Addr {
	if blank(n) || n.Residue() {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(strings.TrimSpace(n.Text()))
	if err != nil || a.Zone() != "" {
		r.faults.Errorf(n.Origin(), "bad-address", "%s is not an IP address", describe(n))
		return netip.Addr{}
	}
	return a.Unmap()
}
