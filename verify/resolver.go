package verify

import (
	"net/netip"
	"slices"

	"ipflow/ingest/network"
)

// Find returns the NIC that a question is about. nic and vm are ids or names,
// either may be empty; with both empty it is the NIC that owns the local
// address. Ambiguous names are settled by the local address where they can be.
//
// The fault is NICNotFound, NICAmbiguous, or LocalIPNotOnNIC; with the last the
// NIC is returned all the same when it is certain which one was meant.
func Find(n *network.Network, nic, vm string, local netip.Addr) (*network.NIC, Fault) {
	var named []*network.NIC
	switch {
	case nic != "":
		named = n.NICsNamed(nic)
		if vm != "" {
			of := nicsOfVMs(n, vm)
			named = slices.DeleteFunc(slices.Clone(named), func(c *network.NIC) bool { return !slices.Contains(of, c) })
		}
	case vm != "":
		named = nicsOfVMs(n, vm)
	default:
		return only(n.NICsOwning(local))
	}
	if len(named) == 0 {
		return nil, NICNotFound
	}
	owners := keep(named, func(c *network.NIC) bool { return c.IPConfigOf(local) != nil })
	if len(owners) > 0 {
		return only(owners)
	}
	accepting := keep(named, func(c *network.NIC) bool { return Accepts(c, local) })
	switch {
	case len(accepting) > 0:
		return only(accepting)
	case len(named) == 1:
		return named[0], LocalIPNotOnNIC
	case nic != "":
		return nil, NICAmbiguous
	}
	return nil, LocalIPNotOnNIC
}

// Accepts reports whether the NIC may be asked about the local address: it owns
// it, it forwards for others, or it has an address nobody recorded and the
// address lies in its subnet.
func Accepts(c *network.NIC, local netip.Addr) bool {
	if c.IPForwarding || c.IPConfigOf(local) != nil {
		return true
	}
	if len(c.IPConfigsFor(local)) == 0 && len(c.IPConfigs) > 0 {
		return false
	}
	if c.Subnet == nil || len(c.Subnet.Prefixes) == 0 {
		return true
	}
	return slices.ContainsFunc(c.Subnet.Prefixes, func(p netip.Prefix) bool { return p.Contains(local) })
}

func only(list []*network.NIC) (*network.NIC, Fault) {
	switch len(list) {
	case 0:
		return nil, NICNotFound
	case 1:
		return list[0], NoFault
	}
	return nil, NICAmbiguous
}

func keep(list []*network.NIC, want func(*network.NIC) bool) (out []*network.NIC) {
	for _, c := range list {
		if want(c) {
			out = append(out, c)
		}
	}
	return out
}

func nicsOfVMs(n *network.Network, vm string) (out []*network.NIC) {
	for _, m := range n.VMsNamed(vm) {
		for _, c := range m.NICs {
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}
