package azure

import "ipflow/ingest/network"

// smallThings reads the resources of which little matters here.
func (b *builder) smallThings() {
	b.net.ASGs = each(b, (*reader).asg, whole, typeASG)
	b.net.PublicIPs = each(b, (*reader).publicIP, whole, typePublicIP)
	b.net.Gateways = each(b, (*reader).gateway, whole, typeGateway)
}

func (r *reader) asg(res Resource) *network.ApplicationSecurityGroup {
	return &network.ApplicationSecurityGroup{ID: res.ID, Name: res.Name, Origin: res.Node.Origin()}
}

func (r *reader) publicIP(res Resource) *network.PublicIP {
	return &network.PublicIP{
		ID: res.ID, Name: res.Name, Origin: res.Node.Origin(),
		SKU:     res.Node.Path("sku", "name").Text(),
		Address: r.address(get(res.Properties, "ipAddress")),
	}
}

// gateway reads a virtual network gateway. One that cannot be placed leaves no
// trace in verdicts, so it is reported.
func (r *reader) gateway(res Resource) *network.Gateway {
	g := &network.Gateway{ID: res.ID, Name: res.Name, Origin: res.Node.Origin()}
	for _, n := range list(get(res.Properties, "ipConfigurations")) {
		if g.SubnetID, _ = r.ref(get(properties(n), "subnet")); g.SubnetID != "" {
			return g
		}
	}
	r.faults.Warnf(g.Origin, "gateway-without-subnet",
		"gateway %s names no subnet; the virtual network it serves is not known from it", quote(g.Name))
	return g
}
