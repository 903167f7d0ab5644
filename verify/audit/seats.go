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

// A seat is addresses of NICs at which the same rules of a direction apply: a
// Group. Its
// decisions cut no local address and are of one family.
type seat struct {
	dir       flow.Direction
	decisions space.Map // over remote addresses and services
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

// takeSeats sorts the addresses of all NICs into seats, those of what they may
// receive and those of what they may send.
func (a *auditor) takeSeats(ctx context.Context) error {
	in, out := newSeating(flow.Inbound, len(a.net.NICs)), newSeating(flow.Outbound, len(a.net.NICs))
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
		in.take(a.p, i, c, v)
		out.take(a.p, i, c, v)
	}
	a.seats, a.seatsOf = in.seats, in.of
	a.outSeats, a.outSeatsOf = out.seats, out.of
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

// A seating is the seats of one direction.
type seating struct {
	dir   flow.Direction
	seats []*seat
	of    [][]int // positions in seats, by NIC
	byKey map[seatKey]int
}

func newSeating(dir flow.Direction, nics int) *seating {
	return &seating{dir: dir, of: make([][]int, nics), byKey: map[seatKey]int{}}
}

// take finds the seats of the addresses of a NIC, the i-th.
func (g *seating) take(p *reach.Prober, i int, c *network.NIC, v *view) {
	for _, l := range p.Locals(c, g.dir) {
		for _, four := range []bool{true, false} {
			at := ofFamily(l.At, four)
			if at.Empty() {
				continue
			}
			key := seatKey{p.Decisions(l.Classifier, g.dir), four, v}
			n, ok := g.byKey[key]
			if !ok {
				n = len(g.seats)
				g.byKey[key] = n
				g.seats = append(g.seats, &seat{dir: g.dir, decisions: key.decisions, four: four, view: v})
			}
			g.seats[n].members = append(g.seats[n].members, seatMember{c, at})
			if !slices.Contains(g.of[i], n) {
				g.of[i] = append(g.of[i], n)
			}
		}
	}
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
