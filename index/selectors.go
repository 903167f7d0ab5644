package index

import (
	"net/netip"
	"slices"
	"strings"

	"ipflow/index/interval"
	"ipflow/ingest/network"
)

// Addresses is a set of addresses of both families. The zero value is empty.
type Addresses struct {
	V4 interval.Set[interval.IPv4]
	V6 interval.Set[interval.IPv6]
}

// AddressesOf returns the addresses of the prefixes, in any order, overlaps allowed.
func AddressesOf(list []netip.Prefix) Addresses { return exported(fromPrefixes(list)) }

func exported(a addresses) Addresses { return Addresses{a.v4, a.v6} }

func (a Addresses) inner() addresses { return addresses{a.V4, a.V6} }

// Empty reports whether there is no address in the set.
func (a Addresses) Empty() bool { return a.inner().empty() }

// Minus returns the addresses of a that are not in b.
func (a Addresses) Minus(b Addresses) Addresses { return exported(a.inner().minus(b.inner())) }

// And returns the addresses in both sets.
func (a Addresses) And(b Addresses) Addresses { return exported(a.inner().and(b.inner())) }

// Or returns the addresses in any of the two sets.
func (a Addresses) Or(b Addresses) Addresses { return exported(union(a.inner(), b.inner())) }

// Covers reports whether every address of b is in a.
func (a Addresses) Covers(b Addresses) bool { return a.V4.Covers(b.V4) && a.V6.Covers(b.V6) }

// Prefixes returns the fewest prefixes that together are the set, IPv4 first,
// each family by address.
func (a Addresses) Prefixes() []netip.Prefix {
	var out []netip.Prefix
	for _, r := range a.V4 {
		out = appendPrefixes(out, r, interval.PrefixIPv4, interval.IPv4.Netip)
	}
	for _, r := range a.V6 {
		out = appendPrefixes(out, r, interval.PrefixIPv6, interval.IPv6.Netip)
	}
	return out
}

// appendPrefixes cuts a range into prefixes: at each step the largest that
// begins at its first point and does not leave it.
//
//	range     1..11 of 0..15
//	prefixes  |1|2-3|4 - 7|8-9|10-11 → 8-11|
func appendPrefixes[T interval.Point[T]](out []netip.Prefix, r interval.Range[T],
	rangeOf func(netip.Prefix) interval.Range[T], netipOf func(T) netip.Addr,
) []netip.Prefix {
	for {
		first := netipOf(r.First)
		var last T
		for n := range first.BitLen() + 1 {
			p := netip.PrefixFrom(first, n)
			if p.Masked() != p {
				continue
			}
			if last = rangeOf(p).Last; last.Compare(r.Last) <= 0 {
				out = append(out, p)
				break
			}
		}
		next, more := last.Next()
		if !more || last == r.Last {
			return out
		}
		r.First = next
	}
}

// Reach is where a selector, or one side of a rule, matches: surely in Sure,
// and elsewhere only if a fact turns out so. Inside Sure the May parts mean
// nothing; outside all parts it surely does not match.
type Reach struct {
	Sure Addresses
	May  []Doubt // sorted by Fact
}

// Doubt is a part of a Reach that depends on a fact.
type Doubt struct {
	Fact  string
	Where Addresses
}

// Most returns every address that at least may match.
func (r *Reach) Most() Addresses {
	out := r.Sure
	for _, d := range r.May {
		out = out.Or(d.Where)
	}
	return out
}

// Selectors unfolds the selectors of a network's rules into address sets, as
// the NICs of a subnet see them, for questions about whole sets of addresses.
// It never changes; its methods may run concurrently.
type Selectors struct{ c *compiler }

// NewSelectors returns the selectors of a linked network.
func NewSelectors(n *network.Network) *Selectors { return &Selectors{newCompiler(n)} }

// Of unfolds one selector as the NIC sees it. An application security group is
// read as a remote side: where its members are.
func (s *Selectors) Of(nic *network.NIC, sel network.Selector) Reach {
	return s.c.export(s.c.viewOf(nic).selector(sel, false))
}

// Side unfolds the source (or destination) of a rule as the NIC sees it. local
// says that the side is the NIC's own: application security groups then hold
// the addresses of the NIC's member ip configurations and no others.
func (s *Selectors) Side(nic *network.NIC, r *network.Rule, source, local bool) Reach {
	c := s.c
	out := c.export(c.viewOf(nic).reachOf(sideKey{r, source, local}))
	selectors := r.Destination
	if source {
		selectors = r.Source
	}
	if !local || c.assume.emptyASGDisables && c.listsEmptyASG(selectors) {
		return out
	}
	for _, sel := range selectors {
		if sel.Kind != network.SelectASG {
			continue
		}
		for i := range nic.IPConfigs {
			config := &nic.IPConfigs[i]
			switch a := config.Address; {
			case !slices.ContainsFunc(config.ASGs, func(id string) bool { return network.Key(id) == network.Key(sel.Text) }):
			case a.IsValid():
				out.Sure = out.Sure.Or(AddressesOf([]netip.Prefix{netip.PrefixFrom(a, a.BitLen())}))
			default:
				out.May = append(out.May, Doubt{nic.AddressFact(), exported(everything)})
			}
		}
	}
	slices.SortStableFunc(out.May, func(a, b Doubt) int { return strings.Compare(a.Fact, b.Fact) })
	out.May = slices.CompactFunc(out.May, func(a, b Doubt) bool { return a.Fact == b.Fact && a.Where.Covers(b.Where) })
	return out
}

// Local decides the source (or destination) of a rule for one address of the
// NIC's own side: yes, or else the facts on which it may match.
func (s *Selectors) Local(nic *network.NIC, r *network.Rule, source bool, a netip.Addr) (sure bool, facts []string) {
	sure, ids := s.c.localMatch(s.c.viewOf(nic), nic, sideKey{r, source, true}, a)
	return sure, s.c.names(ids)
}

func (c *compiler) export(r *reach) Reach {
	out := Reach{Sure: exported(r.sure), May: make([]Doubt, len(r.may))}
	for i, d := range r.may {
		out.May[i] = Doubt{c.names([]fact{d.fact})[0], exported(d.where)}
	}
	slices.SortFunc(out.May, func(a, b Doubt) int { return strings.Compare(a.Fact, b.Fact) })
	return out
}
