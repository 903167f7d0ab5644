package audit

import (
	"context"
	"slices"
	"strings"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/reach"
	"ipflow/verify/space"
)

// A view is where the zones are for the NICs that see them so: what a tag covers
// depends on who looks.
type view struct {
	internet index.Addresses
	zones    []index.Addresses
}

// A seat is addresses of NICs at which the same rules apply: a Group. Its
// decisions cut no local address and are of one family.
type seat struct {
	decisions space.Map // inbound, over remote addresses and services
	four      bool
	view      *view
	members   []seatMember
	addresses index.Addresses // of all members
}

type seatMember struct {
	nic *network.NIC
	at  index.Addresses
}

type seatKey struct {
	decisions space.Map
	four      bool
	view      *view
}

// takeSeats sorts the addresses of all NICs into seats.
func (a *auditor) takeSeats(ctx context.Context) error {
	bySeat := map[seatKey]int{}
	a.seatsOf = make([][]int, len(a.net.NICs))
	byPlace := map[string]*view{}
	fixed := a.fixedZones()
	open := 0
	for i, c := range a.net.NICs {
		if i%256 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			a.o.Progress("NICs", i, len(a.net.NICs))
		}
		v := a.viewOfNIC(c, fixed, byPlace)
		recorded := c.HasAddress()
		for j := range c.IPConfigs {
			recorded = recorded && c.IPConfigs[j].Address.IsValid()
		}
		if !recorded {
			open++
		}
		for _, l := range a.p.Locals(c, flow.Inbound) {
			for _, four := range []bool{true, false} {
				at := ofFamily(l.At, four)
				if at.Empty() {
					continue
				}
				key := seatKey{a.p.Decisions(l.Classifier, flow.Inbound), four, v}
				n, ok := bySeat[key]
				if !ok {
					n = len(a.seats)
					bySeat[key] = n
					a.seats = append(a.seats, &seat{decisions: key.decisions, four: four, view: v})
				}
				a.seats[n].members = append(a.seats[n].members, seatMember{c, at})
				if !slices.Contains(a.seatsOf[i], n) {
					a.seatsOf[i] = append(a.seatsOf[i], n)
				}
			}
		}
	}
	for _, s := range a.seats {
		parts := make([]index.Addresses, len(s.members))
		for i, m := range s.members {
			parts[i] = m.at
		}
		s.addresses = index.Join(parts)
	}
	if open > 0 {
		a.note(addressNote(open))
	}
	return nil
}

func ofFamily(x index.Addresses, four bool) index.Addresses {
	if four {
		return index.Addresses{V4: x.V4}
	}
	return index.Addresses{V6: x.V6}
}

// fixedZones are the addresses of the zones that are the same for every NIC; nil
// for the others.
func (a *auditor) fixedZones() []*index.Addresses {
	out := make([]*index.Addresses, len(a.zones))
	for i := range a.zones {
		z := &a.zones[i]
		if !slices.ContainsFunc(z.Ends, func(e reach.End) bool { return e.IsTag() }) {
			at := a.zoneFor(z, nil)
			out[i] = &at
		}
	}
	return out
}

func (a *auditor) zoneFor(z *reach.Zone, c *network.NIC) index.Addresses {
	parts := make([]index.Addresses, len(z.Ends))
	for i := range z.Ends {
		parts[i] = a.p.Remotes(&z.Ends[i], c)
	}
	return index.Join(parts)
}

// viewOfNIC returns the view of the NIC, the same for NICs that see the same.
func (a *auditor) viewOfNIC(c *network.NIC, fixed []*index.Addresses, byPlace map[string]*view) *view {
	place := network.Key(c.SubnetID) + "\x00" + c.SubnetFact
	if c.Observed != nil {
		place += "\x00" + network.Key(c.ID)
	}
	if v, ok := byPlace[place]; ok {
		return v
	}
	end := reach.InternetEnd()
	v := &view{internet: a.p.Remotes(&end, c), zones: make([]index.Addresses, len(a.zones))}
	text := &strings.Builder{}
	write(text, v.internet)
	for i, at := range fixed {
		if at != nil {
			v.zones[i] = *at
			continue
		}
		v.zones[i] = a.zoneFor(&a.zones[i], c)
		write(text, v.zones[i])
	}
	if same, ok := a.viewOf[text.String()]; ok {
		v = same
	} else {
		a.viewOf[text.String()] = v
	}
	byPlace[place] = v
	return v
}

func write(b *strings.Builder, at index.Addresses) {
	for _, p := range at.Prefixes() {
		b.WriteString(p.String() + " ")
	}
	b.WriteByte('\n')
}

// firstOf is one address, the first, to show flows at.
func firstOf(at index.Addresses) index.Addresses {
	if len(at.V4) > 0 {
		first := at.V4[0].First
		return index.Addresses{V4: interval.Set[interval.IPv4]{{First: first, Last: first}}}
	}
	first := at.V6[0].First
	return index.Addresses{V6: interval.Set[interval.IPv6]{{First: first, Last: first}}}
}

// anyone is the flows that may come from the addresses, to every local one.
func anyone(remote index.Addresses) space.Box {
	return space.Box{
		Local: space.AllAddresses, Remote: remote, Protocols: index.AllProtocols, LocalPorts: space.AllPorts, RemotePorts: space.AllPorts,
	}
}

// fourBox is all flows of IPv4, as
// Maps of services are.
func fourBox() space.Box {
	return anyone(index.Addresses{V4: space.AllAddresses.V4})
}
