package corpus

import (
	"net/netip"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// rulePoints is a rule as a region to draw points from.
type rulePoints struct {
	protocol            network.ProtocolMatch
	source, destination []flow.PortRange
	remote              [2][]place // by family; empty where the rule names none
	anyLocal            bool       // else local
	local               []place
}

// place is one operand of a rule.
type place struct {
	kind  placeKind
	spans []span // valid iff kind is placeSpans, not empty then
}

type placeKind uint8

const (
	placeAnywhere placeKind = iota
	placeSpans
	placeInternet
	placeVNet // of the NIC, its peers included
)

// ruleBook turns the rule lists of a network into points, each list once.
type ruleBook struct {
	n     *network.Network
	lists map[listKey][]rulePoints
	tags  map[string][2][]span
	vnets map[*network.VirtualNetwork][2][]span
}

type listKey struct {
	group     *network.SecurityGroup
	direction flow.Direction
}

func newRuleBook(n *network.Network) *ruleBook {
	b := &ruleBook{n: n, lists: map[listKey][]rulePoints{}, tags: map[string][2][]span{}, vnets: map[*network.VirtualNetwork][2][]span{}}
	for _, v := range n.VirtualNetworks {
		space := append([]netip.Prefix(nil), v.Prefixes...)
		for _, p := range v.Peerings {
			if p.Counts {
				space = append(space, p.Prefixes...)
			}
		}
		b.vnets[v] = byFamily(spansOf(space))
	}
	return b
}

func byFamily(list []span) (out [2][]span) {
	for _, p := range list {
		if p.is4() {
			out[four] = append(out[four], p)
		} else {
			out[six] = append(out[six], p)
		}
	}
	return out
}

// list returns the rules of a group and direction, none for a nil group.
func (b *ruleBook) list(g *network.SecurityGroup, d flow.Direction) []rulePoints {
	if g == nil {
		return nil
	}
	key := listKey{g, d}
	if points, ok := b.lists[key]; ok {
		return points
	}
	points := []rulePoints{}
	for _, r := range g.List(d) {
		if len(r.SourcePorts) == 0 || len(r.DestinationPorts) == 0 {
			continue // not read; any port would be a guess
		}
		p := rulePoints{protocol: r.Protocol, source: r.SourcePorts, destination: r.DestinationPorts}
		remote, local := r.Source, r.Destination
		if d == flow.Outbound {
			remote, local = local, remote
		}
		p.remote[four], p.remote[six] = b.places(remote, four), b.places(remote, six)
		if p.anyLocal = anywhere(local); !p.anyLocal {
			p.local = append(b.places(local, four), b.places(local, six)...)
		}
		points = append(points, p)
	}
	b.lists[key] = points
	return points
}

func anywhere(list []network.Selector) bool {
	for _, s := range list {
		if s.Kind == network.SelectAny {
			return true
		}
	}
	return false
}

// places are the operands that hold addresses of the family.
func (b *ruleBook) places(list []network.Selector, fam family) (out []place) {
	spans := func(all [2][]span) {
		if len(all[fam]) > 0 {
			out = append(out, place{placeSpans, all[fam]})
		}
	}
	for _, s := range list {
		switch s.Kind {
		case network.SelectAny, network.SelectUnknown:
			out = append(out, place{kind: placeAnywhere})
		case network.SelectPrefix:
			spans(byFamily([]span{spanOf(s.Prefix)}))
		case network.SelectVirtualNetwork:
			out = append(out, place{kind: placeVNet})
		case network.SelectInternet:
			out = append(out, place{kind: placeInternet})
		case network.SelectAzureLoadBalancer:
			spans(byFamily(spansOf(network.LoadBalancerPrefixes)))
		case network.SelectServiceTag:
			spans(b.tag(s.Text))
		case network.SelectASG:
			var members []netip.Prefix
			for _, m := range b.n.ASGMembers(s.Text) {
				if m.Address.IsValid() {
					members = append(members, netip.PrefixFrom(m.Address, m.Address.BitLen()))
				}
			}
			spans(byFamily(spansOf(members)))
		}
	}
	return out
}

func (b *ruleBook) tag(name string) [2][]span {
	key := network.Key(name)
	all, ok := b.tags[key]
	if !ok {
		if t := b.n.Tag(name); t != nil {
			all = byFamily(spansOf(t.Prefixes))
		}
		b.tags[key] = all
	}
	return all
}

// tries bounds the search for a rule that the local address is in.
const tries = 24

// inRule draws a point inside a random rule of the NIC; ok is false when chance
// found none with an operand of the family.
func (f *Flows) inRule(s *stream, t *target, fam family, local flow.Address) (p point, ok bool) {
	p.direction = flow.Outbound
	if s.chance(inboundShare) {
		p.direction = flow.Inbound
	}
	lists := &t.lists[p.direction-1]
	total := len(lists[0]) + len(lists[1])
	if total == 0 {
		return p, false
	}
	for range tries {
		i := s.IntN(total)
		list := lists[0]
		if i >= len(list) {
			i, list = i-len(list), lists[1]
		}
		r := &list[i]
		if len(r.remote[fam]) == 0 || !(r.anyLocal || covers(r.local, local)) {
			continue
		}
		p.remote, ok = f.address(s, pick(s, r.remote[fam]), t, fam)
		if !ok {
			continue
		}
		p.protocol = r.drawProtocol(s, fam)
		if p.protocol.HasPorts() {
			p.destination = drawPort(s, r.destination)
			if p.anySource = r.source[0] == flow.AllPorts; !p.anySource {
				p.source = drawPort(s, r.source)
			}
		}
		return p, true
	}
	return p, false
}

func (r *rulePoints) drawProtocol(s *stream, fam family) flow.Protocol {
	switch {
	case r.protocol == network.ProtocolMatch(flow.ICMP) && fam == six:
		return flow.ICMPv6
	case r.protocol != network.AnyProtocol:
		return flow.Protocol(r.protocol)
	case s.chance(0.8):
		return flow.TCP
	}
	return flow.UDP
}

func drawPort(s *stream, list []flow.PortRange) uint16 {
	r := pick(s, list)
	return r.First + uint16(s.IntN(int(r.Last-r.First)+1))
}

// covers reports whether the address of a NIC is in one of the places.
func covers(list []place, local flow.Address) bool {
	for _, p := range list {
		switch p.kind {
		case placeAnywhere, placeVNet:
			return true // a NIC is in its own virtual network
		case placeInternet:
			continue
		case placeSpans:
		}
		for _, sp := range p.spans {
			if sp.contains(local) {
				return true
			}
		}
	}
	return false
}

// address draws an address of a place; ok is false where the network does not
// say what the place covers.
func (f *Flows) address(s *stream, p place, t *target, fam family) (a flow.Address, ok bool) {
	switch p.kind {
	case placeSpans:
		return pick(s, p.spans).draw(s), true
	case placeVNet:
		if spans := f.rules.vnets[t.vnet][fam]; len(spans) > 0 {
			return pick(s, spans).draw(s), true
		}
		return a, false
	case placeInternet:
		return publicAddress(s, fam), true
	case placeAnywhere:
	}
	return anyAddress(s, fam), true
}

var (
	all4    = span{lo: 0xffff_0000_0000, free: 32}
	global6 = spanOf(netip.MustParsePrefix("2000::/3"))
	blocks  = spansOf(publicBlocks)
)

// anyAddress is any IPv4 address or any global IPv6 address: the rest of that
// space is empty.
func anyAddress(s *stream, fam family) flow.Address {
	if fam == six {
		return global6.draw(s)
	}
	return all4.draw(s)
}

// publicAddress is half the time one of Azure's.
func publicAddress(s *stream, fam family) flow.Address {
	if s.chance(0.5) {
		if fam == six {
			return spanOf(publicBlock6).draw(s)
		}
		return pick(s, blocks).draw(s)
	}
	for {
		a := anyAddress(s, fam)
		if n := a.Netip(); !n.IsPrivate() && n.IsGlobalUnicast() {
			return a
		}
	}
}

func uniformPoint(s *stream, fam family) point {
	p := point{direction: flow.Outbound, remote: anyAddress(s, fam)}
	if s.chance(inboundShare) {
		p.direction = flow.Inbound
	}
	switch x := s.Float64(); {
	case x < 0.65:
		p.protocol = flow.TCP
	case x < 0.92:
		p.protocol = flow.UDP
	case x < 0.97 && fam == four:
		p.protocol = flow.ICMP
	case x < 0.97:
		p.protocol = flow.ICMPv6
	default:
		p.protocol = flow.ESP
	}
	if p.protocol.HasPorts() {
		v := s.Uint32()
		p.source, p.destination = uint16(v), uint16(v>>16)
	}
	return p
}

// servicePoint is an endpoint that no rule was written for.
func servicePoint(s *stream, fam family) point {
	p := point{direction: flow.Outbound, protocol: flow.TCP, remote: publicAddress(s, fam), anySource: true}
	if s.chance(inboundShare) {
		p.direction = flow.Inbound
	}
	if s.chance(0.15) {
		p.protocol = flow.UDP
	}
	p.destination = pick(s, servicePorts).port
	return p
}
