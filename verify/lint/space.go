package lint

import (
	"net/netip"
	"slices"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// The dimensions of a region, those with few atoms first: most regions that do
// not meet part there. Where protocols have no ports, ports are one atom.
const (
	dimProtocol = iota
	dimDestinationPort
	dimSourcePort
	dimLocal
	dimRemote
)

// A space is all packets of one address family and kind of protocol that a rule
// list may meet in one scope, cut into atoms. The list is matched by part[i].
type space struct {
	v6        bool
	ported    bool
	protocols []flow.Protocol // by atom
	local     []place         // by atom
	remote    []place         // by atom
	// Ports by atom. The last atom of sources is the open port `*`, which is no
	// port: it is nil.
	destinations, sources [][]interval.Range[interval.Port]
	part                  []part
	inhabited             atoms // local atoms where the NICs of the scope are, or may come to be
	owned                 atoms // local atoms of which a NIC is known
}

// part is what one rule matches in a space: surely, and at most.
type part struct{ sure, most region }

// place is one atom of an address dimension.
type place struct {
	where index.Addresses
	// owner is a NIC that has the address; nil when no ip configuration of the
	// scope is known to have one of these.
	owner   *network.NIC
	address netip.Addr // valid iff owner is set
}

// side is where one rule matches on both sides.
type side struct{ local, remote index.Reach }

// spaces cuts what the rules of a list meet in a scope. Spaces that no rule can
// reach at all are left out.
func (l *linter) spaces(sc *scope, rules []*network.Rule, dir flow.Direction) []*space {
	sides := make([]side, len(rules))
	for i, r := range rules {
		inbound := dir == flow.Inbound
		sides[i] = side{
			local:  l.selectors.Side(sc.bare, r, !inbound, true),
			remote: l.selectors.Side(sc.bare, r, inbound, false),
		}
	}
	var out []*space
	home := l.home(sc)
	for _, v6 := range []bool{false, true} {
		local, localSure, localMost := l.localLine(sc, rules, sides, dir, v6)
		remote, remoteSure, remoteMost := addressLine(sides, func(s *side) *index.Reach { return &s.remote }, v6, nil)
		for _, ported := range []bool{true, false} {
			s := &space{v6: v6, ported: ported, local: local, remote: remote, part: make([]part, len(rules)), inhabited: newAtoms(len(local)), owned: newAtoms(len(local))}
			for i, p := range local {
				if p.owner != nil {
					s.owned.set(i)
				}
				if p.owner != nil || !p.where.And(home).Empty() {
					s.inhabited.set(i)
				}
			}
			sure, most := make([]region, len(rules)), make([]region, len(rules))
			for i := range rules {
				sure[i] = region{nil, nil, nil, localSure[i], remoteSure[i]}
				most[i] = region{nil, nil, nil, localMost[i], remoteMost[i]}
			}
			if ported {
				s.addPorts(rules, sure, most)
			} else {
				l.addPortless(s, rules, sure, most)
			}
			for i, r := range rules {
				s.part[i].most = whole(most[i])
				if len(r.Facts) == 0 {
					s.part[i].sure = whole(sure[i])
				}
			}
			out = append(out, s)
		}
	}
	return out
}

// whole returns nil for a region that is empty in any dimension.
func whole(a region) region {
	for _, s := range a {
		if s.empty() {
			return nil
		}
	}
	return a
}

// addressLine cuts the addresses of one family. extend, when not nil, may add
// classes before the sets are taken.
func addressLine(sides []side, pick func(*side) *index.Reach, v6 bool, extend func(*classes, []place) []place) (places []place, sure, most []atoms) {
	c := newClasses(len(sides))
	if v6 {
		surely, mostly := make([]interval.Set[interval.IPv6], len(sides)), make([]interval.Set[interval.IPv6], len(sides))
		for i := range sides {
			r := pick(&sides[i])
			surely[i], mostly[i] = r.Sure.V6, r.Most().V6
		}
		for _, ranges := range sweep(c, surely, mostly) {
			places = append(places, place{where: index.Addresses{V6: interval.Of(ranges)}})
		}
	} else {
		surely, mostly := make([]interval.Set[interval.IPv4], len(sides)), make([]interval.Set[interval.IPv4], len(sides))
		for i := range sides {
			r := pick(&sides[i])
			surely[i], mostly[i] = r.Sure.V4, r.Most().V4
		}
		for _, ranges := range sweep(c, surely, mostly) {
			places = append(places, place{where: index.Addresses{V4: interval.Of(ranges)}})
		}
	}
	if extend != nil {
		places = extend(c, places)
	}
	sure, most = c.sets()
	return places, sure, most
}

// localLine cuts the local side. Application security groups match ip
// configurations, not addresses: an address that a NIC of the scope owns is an
// atom of its own where membership makes it differ from its neighbours.
func (l *linter) localLine(sc *scope, rules []*network.Rule, sides []side, dir flow.Direction, v6 bool) ([]place, []atoms, []atoms) {
	var grouped []int
	for i, r := range rules {
		selectors := r.Destination
		if dir == flow.Outbound {
			selectors = r.Source
		}
		if slices.ContainsFunc(selectors, func(s network.Selector) bool { return s.Kind == network.SelectASG }) {
			grouped = append(grouped, i)
		}
	}
	extend := func(c *classes, places []place) []place {
		own := func(nic *network.NIC, a netip.Addr, base int, where index.Addresses) {
			v := slices.Clone(c.list[base])
			for _, i := range grouped {
				sure, facts := l.selectors.Local(nic, rules[i], dir == flow.Outbound, a)
				setBit(v, i, sure)
				setBit(v, c.rules+i, sure || len(facts) > 0)
			}
			id := c.of(v)
			if id == len(places) {
				places = append(places, place{where: where})
			}
			if p := &places[id]; p.owner == nil {
				p.owner, p.address = nic, a
			}
		}
		intervals := len(places)
		for _, nic := range sc.nics {
			dynamic := false
			for j := range nic.IPConfigs {
				a := nic.IPConfigs[j].Address
				dynamic = dynamic || !a.IsValid()
				if a.IsValid() && a.Is4() != v6 {
					own(nic, a, placeOf(places[:intervals], a), index.AddressesOf([]netip.Prefix{netip.PrefixFrom(a, a.BitLen())}))
				}
			}
			// Any other address may be that of a configuration whose address
			// nobody recorded.
			if dynamic && len(grouped) > 0 {
				for base := range intervals {
					own(nic, firstOf(places[base].where), base, places[base].where)
				}
			}
		}
		return places
	}
	return addressLine(sides, func(s *side) *index.Reach { return &s.local }, v6, extend)
}

func setBit(v []uint64, i int, on bool) {
	v[i>>6] &^= 1 << (i & 63)
	if on {
		v[i>>6] |= 1 << (i & 63)
	}
}

// plain are addresses that readers take for what they are: a client somewhere,
// a host of a private network.
var plain = []netip.Addr{netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("10.0.0.4"), netip.MustParseAddr("2001:db8::9")}

// firstOf returns a plain address of a set if it has one, or else one near its
// first that looks like a host's.
func firstOf(a index.Addresses) netip.Addr {
	for _, p := range plain {
		if p.Is4() && a.V4.Contains(interval.FromIPv4(p)) || p.Is6() && a.V6.Contains(interval.FromIPv6(p)) {
			return p
		}
	}
	if len(a.V4) > 0 {
		r := a.V4[0]
		return (r.First + min(4, r.Last-r.First)).Netip()
	}
	r := a.V6[0]
	if next := (interval.IPv6{Hi: r.First.Hi, Lo: r.First.Lo | 4}); next.Compare(r.Last) <= 0 {
		return next.Netip()
	}
	return r.First.Netip()
}

func placeOf(places []place, a netip.Addr) int {
	for i := range places {
		if a.Is4() && places[i].where.V4.Contains(interval.FromIPv4(a)) || a.Is6() && places[i].where.V6.Contains(interval.FromIPv6(a)) {
			return i
		}
	}
	panic("lint: address " + a.String() + " is in no class")
}
