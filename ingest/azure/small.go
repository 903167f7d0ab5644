package azure

import "ipflow/ingest/network"

// smallThings reads the resources of which little matters here.
func (b *builder) smallThings() {
	b.net.ASGs = each(b, (*reader).asg, whole, typeASG)
	b.net.PublicIPs = each(b, (*reader).publicIP, whole, typePublicIP)
}

func (r *reader) asg(res Resource) *network.ApplicationSecurityGroup {
	return &network.ApplicationSecurityGroup{ID: r.store.text(res.ID), Name: r.store.text(res.Name), Origin: res.Node.Origin()}
}

func (r *reader) publicIP(res Resource) *network.PublicIP {
	return &network.PublicIP{
		ID: r.store.text(res.ID), Name: r.store.text(res.Name), Origin: res.Node.Origin(),
		SKU:     r.store.word(res.Node.Path("sku", "name").Text()),
		Address: r.address(get(res.Properties, "ipAddress")),
	}
}
