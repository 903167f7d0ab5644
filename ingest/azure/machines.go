package azure

import (
	"strings"

	"ipflow/ingest/network"
)

// virtualMachines reads VMs and scale set instances. A scale set itself is only
// counted: its NICs are exported on their own.
func (b *builder) virtualMachines() {
	b.net.VirtualMachines = each(b, (*reader).virtualMachine, plainMachine, typeVM, typeScaleSetVM)
}

// plainMachine leaves out the power state, which only some exports carry.
func plainMachine(vm *network.VirtualMachine) any {
	return network.VirtualMachine{ID: vm.ID, NICIDs: vm.NICIDs}
}

func (r *reader) virtualMachine(res Resource) *network.VirtualMachine {
	p := res.Properties
	vm := &network.VirtualMachine{ID: r.store.text(res.ID), Name: r.store.text(res.Name), Origin: res.Node.Origin()}
	// NICs name their VM as well, so one that cannot be read here is not lost.
	vm.NICIDs, _ = r.keptRefs(get(p, "networkProfile", "networkInterfaces"))
	vm.PowerState = r.store.word(powerState(res))
	return vm
}

// powerState looks where az vm list -d, Resource Graph, the instance view and
// PowerShell put it.
func powerState(res Resource) string {
	p := res.Properties
	if s := p.Get("powerState").Text(); s != "" {
		return s
	}
	if s := p.Path("extended", "instanceView", "powerState", "displayStatus").Text(); s != "" {
		return s
	}
	statuses := p.Path("instanceView", "statuses")
	if statuses == nil {
		statuses = p.Get("statuses")
	}
	for _, s := range list(statuses) {
		if strings.HasPrefix(network.Key(s.Get("code").Text()), "powerstate/") {
			return s.Get("displayStatus").Text()
		}
	}
	return ""
}
