package network

import (
	"cmp"
	"net/netip"
	"slices"
)

// machines joins VMs with their NICs both ways; a VM that only NICs name is
// added, so that it can be asked for.
func (l *linker) machines() {
	vmAt := byKey(l.n.VirtualMachines, func(x *VirtualMachine) string { return x.ID })
	for _, vm := range l.n.VirtualMachines {
		for _, id := range vm.NICIDs {
			if c := l.nicAt[Key(id)]; c != nil {
				vm.NICs = append(vm.NICs, c)
				if c.VMID == "" {
					c.VMID = vm.ID
				}
			}
		}
	}
	for _, c := range l.n.NICs {
		if c.VMID == "" {
			continue
		}
		key := Key(c.VMID)
		vm := vmAt[key]
		if vm == nil {
			vm = &VirtualMachine{ID: c.VMID, Name: LastSegment(c.VMID), Origin: c.Origin}
			vmAt[key] = vm
			l.n.VirtualMachines = append(l.n.VirtualMachines, vm)
		}
		if !slices.Contains(vm.NICs, c) {
			vm.NICs = append(vm.NICs, c)
		}
	}
	sortByID(l.n.VirtualMachines, func(x *VirtualMachine) string { return x.ID })
}

func (l *linker) lookups() {
	n := l.n
	n.vnetsByKey = l.vnets
	n.nicsByKey = make(map[string][]*NIC, 2*len(n.NICs))
	n.nicsByAddr = make(map[netip.Addr][]*NIC, len(n.NICs))
	groups := map[string]*[]Member{}
	for _, c := range n.NICs {
		addNamed(n.nicsByKey, c, c.ID, c.Name)
		for i := range c.IPConfigs {
			a := c.IPConfigs[i].Address
			if a.IsValid() && !slices.Contains(n.nicsByAddr[a], c) {
				n.nicsByAddr[a] = append(n.nicsByAddr[a], c)
			}
			if f := c.IPConfigs[i].ASGFact; f != "" {
				n.doubtfulMembers = append(n.doubtfulMembers, Member{NIC: c, Address: a, Fact: f})
			}
			for _, id := range c.IPConfigs[i].ASGs {
				// Ids mostly are spelled alike: only a new spelling is lowered.
				members := groups[id]
				if members == nil {
					key := Key(id)
					if members = groups[key]; members == nil {
						members = new([]Member)
						groups[key] = members
					}
					groups[id] = members
				}
				*members = append(*members, Member{NIC: c, Address: a})
			}
		}
	}
	n.asgMembers = make(map[string][]Member, len(groups))
	for id, members := range groups {
		if Key(id) == id {
			n.asgMembers[id] = *members
		}
	}
	l.emptyASGs()
	n.vmsByKey = make(map[string][]*VirtualMachine, 2*len(n.VirtualMachines))
	for _, vm := range n.VirtualMachines {
		addNamed(n.vmsByKey, vm, vm.ID, vm.Name)
	}
}

// addNamed enters what has the id and the name under both.
func addNamed[T any](m map[string][]T, x T, id, name string) {
	id, name = Key(id), Key(name)
	m[id] = append(m[id], x)
	if name != id {
		m[name] = append(m[name], x)
	}
}

// emptyASGs warns about rules that list several ASGs, one of them without
// members: Microsoft's support has seen such rules match nothing
// (MicrosoftDocs/azure-docs#77328), see the assumption empty-asg-disables-rule.
func (l *linker) emptyASGs() {
	for _, g := range l.n.SecurityGroups {
		for _, r := range g.Rules {
			l.emptyASG(r, r.Source)
			l.emptyASG(r, r.Destination)
		}
	}
}

func (l *linker) emptyASG(r *Rule, side []Selector) {
	listed, empty := 0, ""
	for i := range side {
		if side[i].Kind == SelectASG {
			listed++
		}
	}
	if listed < 2 {
		return
	}
	for i := range side {
		if side[i].Kind == SelectASG {
			empty = cmp.Or(l.emptyID(side[i].Text), empty)
		}
	}
	if empty != "" {
		l.faults.Warnf(r.Origin, "empty-asg", "rule %s lists %s, which has no members here; such rules have been seen to match nothing (--assume empty-asg-disables-rule=on)", r.Name, LastSegment(empty))
	}
}

// emptyID returns the id of an ASG without members, "" for one that has some.
func (l *linker) emptyID(id string) string {
	if len(l.n.asgMembers[Key(id)]) == 0 {
		return id
	}
	return ""
}
