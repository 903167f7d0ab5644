package azure

import (
	"strings"

	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// scaleSets gives every uniform scale set of which no export shows instance
// NICs one stand-in NIC for each network interface configuration of its model,
// with the id SCALESET/networkInterfaceConfigurations/NAME and the scale set as
// its VM. All instances are alike but for their addresses, which the model does
// not hold. NICs of flexible scale sets are ordinary ones.
func (b *builder) scaleSets() {
	sets := b.entries(typeScaleSet)
	if len(sets) == 0 {
		return
	}
	seen := map[string]bool{}
	for _, c := range b.net.NICs {
		if id, _, ok := strings.Cut(network.Key(c.ID), "/virtualmachines/"); ok {
			seen[id] = true
		} else if strings.Contains(network.Key(c.ID), "/virtualmachinescalesets/") {
			seen[network.ParentID(network.Key(c.ID))] = true
		}
	}
	for _, e := range sets {
		set := settle(b, e, (*reader).scaleSet, whole)
		if seen[network.Key(set.id)] || set.flexible {
			continue
		}
		for _, c := range set.nics {
			b.net.NICs = append(b.net.NICs, c)
			b.faults.Infof(c.Origin, "scale-set-model",
				"no instance NIC of scale set %s is in the snapshot; %s stands for all of them, with unknown addresses; export 'az vmss nic list' for each",
				quote(set.name), c.ID)
		}
	}
}

// scaleSet is Microsoft.Compute/virtualMachineScaleSets.
type scaleSet struct {
	id, name string
	flexible bool
	nics     []*network.NIC
}

func (r *reader) scaleSet(res Resource) *scaleSet {
	set := &scaleSet{id: res.ID, name: res.Name, flexible: strings.EqualFold(get(res.Properties, "orchestrationMode").Text(), "Flexible")}
	configs := get(res.Properties, "virtualMachineProfile", "networkProfile", "networkInterfaceConfigurations")
	for _, n := range list(configs) {
		if n.Kind() != jsontree.Object {
			continue
		}
		const segment = "networkInterfaceConfigurations"
		_, name := childIdentity(n, res.ID, segment)
		p := properties(n)
		c := &network.NIC{
			ID: res.ID + "/" + segment + "/" + name, Name: name, Origin: n.Origin(),
			VMID: res.ID, StandIn: true,
		}
		c.Group.ID, c.Group.Fact = r.ref(get(p, "networkSecurityGroup"))
		c.IPForwarding, _ = r.flag(get(p, "enableIPForwarding"), false)
		r.ipConfigs(c, get(p, "ipConfigurations"))
		set.nics = append(set.nics, c)
	}
	return set
}
