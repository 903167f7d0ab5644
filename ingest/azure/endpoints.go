package azure

import (
	"slices"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/network"
)

// privateEndpoint is Microsoft.Network/privateEndpoints: its application security
// groups are those of the NICs it owns, which do not list them.
type privateEndpoint struct {
	id, name   string
	origin     diag.Origin
	subnet     string
	subnetFact string
	nics, asgs []string
	fact       string // why asgs may be incomplete
}

func (r *reader) privateEndpoint(res Resource) *privateEndpoint {
	pe := &privateEndpoint{id: res.ID, name: res.Name, origin: res.Node.Origin()}
	pe.subnet, pe.subnetFact = r.ref(get(res.Properties, "subnet"))
	pe.nics, _ = r.refs(get(res.Properties, "networkInterfaces"))
	var unread []string
	pe.asgs, unread = r.refs(get(res.Properties, "applicationSecurityGroups"))
	if len(unread) > 0 {
		pe.fact = unread[0]
	}
	return pe
}

// privateEndpoints gives the application security groups of private endpoints to
// their NICs.
func (b *builder) privateEndpoints() {
	endpoints := each(b, (*reader).privateEndpoint, whole, typePE)
	if len(endpoints) == 0 {
		return
	}
	byID := make(map[string]*network.NIC, len(b.net.NICs))
	for _, c := range b.net.NICs {
		byID[network.Key(c.ID)] = c
	}
	for _, pe := range endpoints {
		owned := false
		for _, id := range pe.nics {
			if c := byID[network.Key(id)]; c != nil {
				owned = true
				pe.join(c)
			}
		}
		if !owned && len(pe.asgs)+len(pe.fact) > 0 {
			b.unseenNIC(pe)
		}
	}
}

// join makes the NIC a member of the endpoint's groups.
func (pe *privateEndpoint) join(c *network.NIC) {
	if c.PrivateEndpoint == "" {
		c.PrivateEndpoint = pe.id
	}
	for i := range c.IPConfigs {
		cfg := &c.IPConfigs[i]
		for _, asg := range pe.asgs {
			if !slices.ContainsFunc(cfg.ASGs, func(s string) bool { return strings.EqualFold(s, asg) }) {
				cfg.ASGs = append(cfg.ASGs, asg)
			}
		}
		if cfg.ASGFact == "" {
			cfg.ASGFact = pe.fact
		}
	}
}

// unseenNIC stands for the NIC of an endpoint that no document shows, as in
// templates: its groups have a member with an address that is not known. Without
// it, rules about those groups would seem not to concern anybody.
func (b *builder) unseenNIC(pe *privateEndpoint) {
	c := &network.NIC{
		ID: pe.id + "/networkInterfaces/" + pe.name, Name: pe.name, Origin: pe.origin,
		SubnetID: pe.subnet, SubnetFact: pe.subnetFact, PrivateEndpoint: pe.id,
	}
	if len(pe.nics) > 0 {
		c.ID, c.Name = pe.nics[0], network.LastSegment(pe.nics[0])
	}
	b.unknownAddress(c)
	pe.join(c)
	b.net.NICs = append(b.net.NICs, c)
	b.faults.Warnf(pe.origin, "missing-nic",
		"the NIC of private endpoint %s is not in the snapshot; its address is unknown to the rules about its application security groups", quote(pe.name))
}
