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

// part is what one rule matches in a space: surely, and at most. told is what
// has to be looked at to judge the rule: it is most, but where a word stands for
// addresses nobody knows an address counts only as one of a word of the rule.
type part struct{ sure, most, told region }

// place is one atom of an address dimension.
type place struct {
	where index.Addresses
	// owner is a NIC that has the address; nil when no ip configuration of the
	// scope is known to have one of these.
	owner   *network.NIC
	address netip.Addr // valid iff owner is set
	word    string     // selector that holds these addresses, in scopes that are open
}

// side is where one rule matches on both sides.
type side struct{ local, remote index.Reach }

// sides unfolds the rules of a list as a scope sees them.
func (l *linter) sides(sc *scope, rules []*network.Rule, dir flow.Direction) []side {
	sides := make([]side, len(rules))
	if sc.open {
		return sides // openLine looks at the words themselves
	}
	inbound := dir == flow.Inbound
	for i, r := range rules {
		sides[i] = side{
			local:  l.selectors.Side(sc.bare, r, !inbound, true),
			remote: l.selectors.Side(sc.bare, r, inbound, false),
		}
		if l.net.MembersFact != "" && namesGroup(localOf(r, dir)) {
			// A NIC that no export shows may be a member.
			sides[i].local.May = append(sides[i].local.May, index.Doubt{Fact: l.net.MembersFact, Where: everywhere})
		}
	}
	return sides
}

func localOf(r *network.Rule, dir flow.Direction) []network.Selector {
	if dir == flow.Outbound {
		return r.Source
	}
	return r.Destination
}

// namesGroup reports whether an application security group is among the selectors.
func namesGroup(list []network.Selector) bool {
	return slices.ContainsFunc(list, func(s network.Selector) bool { return s.Kind == network.SelectASG })
}

// spaces cuts what the rules of a list meet in a scope.
func (l *linter) spaces(sc *scope, rules []*network.Rule, sides []side, dir flow.Direction) []*space {
	var out []*space
	for _, v6 := range []bool{false, true} {
		local, remote, localSets, remoteSets := l.lines(sc, rules, sides, dir, v6)
		for _, ported := range []bool{true, false} {
			s := &space{v6: v6, ported: ported, local: local, remote: remote, part: make([]part, len(rules)), inhabited: newAtoms(len(local)), owned: newAtoms(len(local))}
			for i, p := range local {
				if p.owner != nil {
					s.owned.set(i)
				}
				if p.owner != nil || !p.where.And(sc.home).Empty() {
					s.inhabited.set(i)
				}
			}
			var parts [3][]region
			for plane := range parts {
				parts[plane] = make([]region, len(rules))
				for i := range rules {
					parts[plane][i] = region{nil, nil, nil, localSets[plane][i], remoteSets[plane][i]}
				}
			}
			if ported {
				s.addPorts(rules, parts)
			} else {
				l.addPortless(s, rules, parts)
			}
			for i, r := range rules {
				s.part[i].most, s.part[i].told = whole(parts[mostly][i]), whole(parts[told][i])
				if len(r.Facts) == 0 {
					s.part[i].sure = whole(parts[surely][i])
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
func addressLine(sides []side, pick func(*side) *index.Reach, v6 bool, extend func(*classes, []place) []place) (places []place, sets lineSets) {
	c := newClasses(len(sides))
	if v6 {
		sure, most := make([]interval.Set[interval.IPv6], len(sides)), make([]interval.Set[interval.IPv6], len(sides))
		for i := range sides {
			r := pick(&sides[i])
			sure[i], most[i] = r.Sure.V6, r.Most().V6
		}
		for _, ranges := range sweep(c, sure, most) {
			places = append(places, place{where: index.Addresses{V6: interval.Of(ranges)}})
		}
	} else {
		sure, most := make([]interval.Set[interval.IPv4], len(sides)), make([]interval.Set[interval.IPv4], len(sides))
		for i := range sides {
			r := pick(&sides[i])
			sure[i], most[i] = r.Sure.V4, r.Most().V4
		}
		for _, ranges := range sweep(c, sure, most) {
			places = append(places, place{where: index.Addresses{V4: interval.Of(ranges)}})
		}
	}
	if extend != nil {
		places = extend(c, places)
	}
	return places, c.sets()
}

// localLine cuts the local side. Application security groups match ip
// configurations, not addresses: an address that a NIC of the scope owns is an
// atom of its own where membership makes it differ from its neighbours.
func (l *linter) localLine(sc *scope, rules []*network.Rule, sides []side, dir flow.Direction, v6 bool) ([]place, lineSets) {
	var grouped []int
	for i, r := range rules {
		if namesGroup(localOf(r, dir)) {
			grouped = append(grouped, i)
		}
	}
	extend := func(c *classes, places []place) []place {
		// own adds what addresses meet at a NIC for which a stands for all of them;
		// inhabits says that it has, or may have, a.
		own := func(nic *network.NIC, a netip.Addr, base int, where index.Addresses, inhabits bool) {
			v := slices.Clone(c.list[base])
			for _, i := range grouped {
				sure, facts := l.selectors.Local(nic, rules[i], dir == flow.Outbound, a)
				c.match(v, i, sure, len(facts) > 0, sure || len(facts) > 0)
			}
			id := c.of(v)
			if id == len(places) {
				places = append(places, place{where: where})
			}
			if p := &places[id]; p.owner == nil && inhabits {
				p.owner, p.address = nic, a
			}
		}
		intervals := len(places)
		for _, nic := range sc.nics {
			dynamic := false
			var known index.Addresses
			for j := range nic.IPConfigs {
				a := nic.IPConfigs[j].Address
				dynamic = dynamic || !a.IsValid()
				if a.IsValid() && a.Is4() != v6 {
					at := index.AddressesOf([]netip.Prefix{netip.PrefixFrom(a, a.BitLen())})
					known = known.Or(at)
					own(nic, a, placeOf(places[:intervals], a), at, true)
				}
			}
			// Any other address counts as that of a configuration whose address
			// nobody recorded, and in its subnet may be.
			if dynamic && len(grouped) > 0 {
				for base := range intervals {
					rest := places[base].where.Minus(known)
					at := rest.And(subnetOf(nic))
					switch {
					case !at.Empty():
						own(nic, firstOf(at), base, rest, true)
					case !rest.Empty():
						own(nic, firstOf(rest), base, rest, false)
					}
				}
			}
		}
		return places
	}
	return addressLine(sides, func(s *side) *index.Reach { return &s.local }, v6, extend)
}

// subnetOf returns where the addresses of a NIC can be.
func subnetOf(c *network.NIC) index.Addresses {
	if c.Subnet == nil || len(c.Subnet.Prefixes) == 0 {
		return everywhere
	}
	return index.AddressesOf(c.Subnet.Prefixes)
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
