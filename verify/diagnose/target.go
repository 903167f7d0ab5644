package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/network"
)

// targets returns the NICs of the VM or NIC that text names by id or name.
func targets(n *network.Network, text string) (nics []*network.NIC, notes []string, err error) {
	if text == "" {
		return nil, nil, fmt.Errorf("targetResourceId is missing: give the id or name of a virtual machine or NIC")
	}
	vms, named := n.VMsNamed(text), n.NICsNamed(text)
	// A virtual machine and its own NIC may share a name: the machine is meant.
	if len(vms) == 1 {
		named = slices.DeleteFunc(slices.Clone(named), func(c *network.NIC) bool { return slices.Contains(vms[0].NICs, c) })
	}
	switch {
	case len(vms)+len(named) == 0:
		return nil, nil, fmt.Errorf("targetResourceId: no virtual machine or NIC %q is in the snapshot", text)
	case len(vms)+len(named) > 1:
		return nil, nil, fmt.Errorf("targetResourceId: %q is ambiguous, give one of the ids %s", text, strings.Join(ids(vms, named), ", "))
	case len(named) == 1:
		return named, nil, nil
	}
	vm := vms[0]
	if len(vm.NICs) == 0 {
		return nil, nil, fmt.Errorf("targetResourceId: no NIC of virtual machine %s is in the snapshot", diag.Printable(vm.ID))
	}
	for _, id := range vm.NICIDs {
		if !slices.ContainsFunc(vm.NICs, func(c *network.NIC) bool { return network.Key(c.ID) == network.Key(id) }) {
			notes = append(notes, "NIC "+id+" of virtual machine "+vm.Name+" is not in the snapshot and not answered")
		}
	}
	nics = slices.Clone(vm.NICs)
	slices.SortFunc(nics, func(a, b *network.NIC) int { return a.Index - b.Index })
	return nics, notes, nil
}

// ids lists at most a handful of ids to choose from.
func ids(vms []*network.VirtualMachine, nics []*network.NIC) []string {
	const most = 5
	var out []string
	for _, vm := range vms {
		out = append(out, diag.Printable(vm.ID))
	}
	for _, c := range nics {
		out = append(out, diag.Printable(c.ID))
	}
	if len(out) > most {
		out = append(out[:most], "…")
	}
	return out
}

// choose keeps the NICs that have an address inside the profile's local side,
// or all when none has.
func choose(nics []*network.NIC, local network.Selector) []*network.NIC {
	if local.Kind != network.SelectPrefix || len(nics) == 1 {
		return nics
	}
	var owners []*network.NIC
	for _, c := range nics {
		if slices.ContainsFunc(c.IPConfigs, func(i network.IPConfig) bool { return local.Prefix.Contains(i.Address) }) {
			owners = append(owners, c)
		}
	}
	if len(owners) == 0 {
		return nics
	}
	return owners
}
