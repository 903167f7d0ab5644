package diff

import (
	"cmp"
	"context"
	"slices"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/space"
)

// finding is one change of one NIC: at some local addresses, some flows.
type finding struct {
	nic   *network.NIC
	dir   flow.Direction
	label int
	at    []index.Addresses
	flows []space.Set // beside at
}

// add takes a change of a NIC at a place; places of one NIC come one after the
// other.
func (c *comparer) add(nic *network.NIC, l located, x labelled) {
	for i := len(c.found) - 1; i >= 0 && c.found[i].nic == nic; i-- {
		f := &c.found[i]
		if f.dir != l.dir || f.label != x.label {
			continue
		}
		if j := slices.Index(f.flows, x.flows); j >= 0 && sameFamily(f.at[j], l.at) {
			f.at[j] = f.at[j].Or(l.at)
		} else {
			f.at, f.flows = append(f.at, l.at), append(f.flows, x.flows)
		}
		return
	}
	c.found = append(c.found, finding{nic, l.dir, x.label, []index.Addresses{l.at}, []space.Set{x.flows}})
}

func sameFamily(a, b index.Addresses) bool { return (len(a.V6) == 0) == (len(b.V6) == 0) }

// shape is what changes of several NICs must have in common to be told together:
// the same flows at each of their addresses of a family.
type shape struct {
	dir    flow.Direction
	label  int
	v4, v6 space.Set
	only   *network.NIC // of NICs whose addresses do not all have the same
}

func (f *finding) shape() shape {
	s := shape{dir: f.dir, label: f.label}
	for i, at := range f.at {
		own := &s.v4
		if len(at.V6) > 0 {
			own = &s.v6
		}
		if !own.Empty() || len(at.V4) > 0 && len(at.V6) > 0 {
			s.only = f.nic
		}
		*own = f.flows[i]
	}
	return s
}

// changes joins the findings of NICs with the same change.
func (c *comparer) changes(ctx context.Context) (out []Change, err error) {
	groups := map[shape][]*finding{}
	var order []shape
	for i := range c.found {
		s := c.found[i].shape()
		if groups[s] == nil {
			order = append(order, s)
		}
		groups[s] = append(groups[s], &c.found[i])
	}
	for _, s := range order {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out = append(out, c.change(groups[s]))
	}
	return out, nil
}

func (c *comparer) change(list []*finding) Change {
	first := list[0]
	out := Change{Direction: first.dir, Before: c.steps[first.label].before, After: c.steps[first.label].after}
	var whole space.Map
	for _, family := range []bool{false, true} {
		// NICs told together have the same flows at all addresses of a family.
		byFlows := map[space.Set][]index.Addresses{}
		var order []space.Set
		for _, f := range list {
			for i, at := range f.at {
				if (len(at.V6) > 0) != family {
					continue
				}
				if byFlows[f.flows[i]] == nil {
					order = append(order, f.flows[i])
				}
				byFlows[f.flows[i]] = append(byFlows[f.flows[i]], at)
			}
		}
		for _, flows := range order {
			whole = c.space.Over(whole, c.space.At(index.Join(byFlows[flows]), flows.Map()))
		}
	}
	for _, f := range list {
		out.NICs = append(out.NICs, f.nic)
	}
	slices.SortFunc(out.NICs, func(a, b *network.NIC) int { return cmp.Compare(a.Index, b.Index) })
	for _, b := range c.space.MapBoxes(whole) {
		out.Boxes = append(out.Boxes, b.Box)
	}
	flows := c.space.Where(whole, func(l int) bool { return l > 0 })
	shown := flows
	if out.Direction == flow.Inbound && out.After.Access == flow.Allow && out.Before.Access != flow.Allow {
		for _, n := range out.NICs {
			if part := c.space.Intersection(flows, c.fromInternet(n)); !part.Empty() {
				out.Exposes, shown = true, part
				break
			}
		}
	}
	out.Witness, _ = c.space.Witness(shown, out.Direction)
	out.WitnessNIC = owner(list, out.Witness)
	return out
}

// fromInternet is all flows from addresses that are, or may be, in the Internet
// tag as the NIC sees it after the change.
func (c *comparer) fromInternet(n *network.NIC) space.Set {
	reach := c.side[1].selectors.Of(n, network.Selector{Kind: network.SelectInternet})
	return c.space.Box(space.Box{
		Local: space.AllAddresses, Remote: reach.Most(), Protocols: index.AllProtocols, LocalPorts: space.AllPorts, RemotePorts: space.AllPorts,
	})
}

// owner is a NIC that meets the witness.
func owner(list []*finding, t flow.Tuple) *network.NIC {
	for _, f := range list {
		for _, at := range f.at {
			if at.Contains(t.Local.Netip()) {
				return f.nic
			}
		}
	}
	panic("diff: a witness at no NIC")
}
