package index

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"ipflow/index/interval"
	"ipflow/ingest/network"
)

// addresses is a set of addresses of both families.
type addresses struct {
	v4 interval.Set[interval.IPv4]
	v6 interval.Set[interval.IPv6]
}

var everything = addresses{
	v4: interval.Set[interval.IPv4]{{First: 0, Last: 1<<32 - 1}},
	v6: interval.Set[interval.IPv6]{{First: interval.IPv6{}, Last: interval.IPv6{Hi: 1<<64 - 1, Lo: 1<<64 - 1}}},
}

func fromPrefixes(list []netip.Prefix) addresses {
	var v4 []interval.Range[interval.IPv4]
	var v6 []interval.Range[interval.IPv6]
	for _, p := range list {
		if p.Addr().Is4() {
			v4 = append(v4, interval.PrefixIPv4(p))
		} else {
			v6 = append(v6, interval.PrefixIPv6(p))
		}
	}
	return addresses{interval.Of(v4), interval.Of(v6)}
}

func (a addresses) minus(b addresses) addresses {
	return addresses{interval.Difference(a.v4, b.v4), interval.Difference(a.v6, b.v6)}
}

func (a addresses) and(b addresses) addresses {
	return addresses{interval.Intersection(a.v4, b.v4), interval.Intersection(a.v6, b.v6)}
}

func (a addresses) empty() bool { return len(a.v4) == 0 && len(a.v6) == 0 }

func (a addresses) contains(ip netip.Addr) bool {
	if ip.Is4() {
		return a.v4.Contains(interval.FromIPv4(ip))
	}
	return a.v6.Contains(interval.FromIPv6(ip))
}

func union(list ...addresses) addresses {
	v4 := make([]interval.Set[interval.IPv4], len(list))
	v6 := make([]interval.Set[interval.IPv6], len(list))
	for i, a := range list {
		v4[i], v6[i] = a.v4, a.v6
	}
	return addresses{interval.Union(v4...), interval.Union(v6...)}
}

// A reach is the three-valued form of a selector or of one side of a rule:
// where it surely matches, and where it may, on which fact. Inside sure the
// may parts mean nothing.
type reach struct {
	id   int32 // position in interner.reaches: equal reaches have equal ids
	sure addresses
	may  []doubt // sorted by fact, one per fact

	large4, large6 int32 // number in the atlas of each family + 1, 0 for none; set by survey
}

type doubt struct {
	fact  fact
	where addresses
}

// total reports whether every address surely matches.
func (r *reach) total() bool {
	return len(r.sure.v4) == 1 && r.sure.v4[0] == everything.v4[0] && len(r.sure.v6) == 1 && r.sure.v6[0] == everything.v6[0]
}

// at returns whether the address surely matches, or else the facts on which it may.
func (r *reach) at(ip netip.Addr) (sure bool, facts []fact) {
	if r.sure.contains(ip) {
		return true, nil
	}
	for _, d := range r.may {
		if d.where.contains(ip) {
			facts = append(facts, d.fact)
		}
	}
	return false, facts
}

// interner gives facts and reaches their numbers. It may be used concurrently.
type interner struct {
	mu      sync.Mutex
	facts   []string
	factIDs map[string]fact
	reaches map[[32]byte]*reach
}

func newInterner() *interner {
	return &interner{factIDs: map[string]fact{}, reaches: map[[32]byte]*reach{}}
}

func (in *interner) fact(s string) fact {
	in.mu.Lock()
	defer in.mu.Unlock()
	id, ok := in.factIDs[s]
	if !ok {
		id = fact(len(in.facts))
		in.facts = append(in.facts, s)
		in.factIDs[s] = id
	}
	return id
}

func (in *interner) factsOf(list []string) []fact {
	out := make([]fact, len(list))
	for i, s := range list {
		out[i] = in.fact(s)
	}
	return out
}

// text returns an interned fact.
func (in *interner) text(f fact) string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.facts[f]
}

// single returns the facts sorted and once each, those that hold several texts
// taken apart. It may reuse the list's memory.
func (in *interner) single(list []fact) []fact {
	for i, f := range list {
		if f < 0 {
			continue
		}
		if text := in.text(f); strings.Contains(text, ",") {
			parts := in.factsOf(strings.Split(text, ","))
			list[i] = parts[0]
			list = append(list, parts[1:]...)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// reach interns a three-valued set.
func (in *interner) reach(sure addresses, may []doubt) *reach {
	may = mergeDoubts(may)
	key := digest(sure, may)
	in.mu.Lock()
	defer in.mu.Unlock()
	r, ok := in.reaches[key]
	if !ok {
		r = &reach{id: int32(len(in.reaches)), sure: sure, may: may}
		in.reaches[key] = r
	}
	return r
}

// mergeDoubts sorts by fact and joins the parts of one fact.
func mergeDoubts(may []doubt) []doubt {
	slices.SortStableFunc(may, func(a, b doubt) int { return int(a.fact) - int(b.fact) })
	out := may[:0]
	for _, d := range may {
		if d.where.empty() {
			continue
		}
		if n := len(out); n > 0 && out[n-1].fact == d.fact {
			out[n-1].where = union(out[n-1].where, d.where)
			continue
		}
		out = append(out, d)
	}
	return slices.Clip(out)
}

func digest(sure addresses, may []doubt) [32]byte {
	b := make([]byte, 0, 64+8*len(sure.v4)+32*len(sure.v6))
	b = appendAddresses(b, sure)
	for _, d := range may {
		b = binary.LittleEndian.AppendUint32(b, uint32(d.fact))
		b = appendAddresses(b, d.where)
	}
	return sha256.Sum256(b)
}

func appendAddresses(b []byte, a addresses) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(a.v4)))
	for _, r := range a.v4 {
		b = binary.LittleEndian.AppendUint32(b, uint32(r.First))
		b = binary.LittleEndian.AppendUint32(b, uint32(r.Last))
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(a.v6)))
	for _, r := range a.v6 {
		b = binary.LittleEndian.AppendUint64(b, r.First.Hi)
		b = binary.LittleEndian.AppendUint64(b, r.First.Lo)
		b = binary.LittleEndian.AppendUint64(b, r.Last.Hi)
		b = binary.LittleEndian.AppendUint64(b, r.Last.Lo)
	}
	return b
}

// side unfolds one side of a rule as a view sees it. local says that the side
// is the NIC's own: application security groups are left out there, because
// local membership belongs to the ip configuration, not to an address.
func (v *view) side(r *network.Rule, selectors []network.Selector, local bool) *reach {
	c := v.compiler
	if len(selectors) == 0 {
		if c.assume.emptySideUnknown {
			return c.intern.reach(addresses{}, []doubt{{c.intern.fact("invalid-rule:" + r.ID), everything}})
		}
		return c.nothing
	}
	if c.assume.emptyASGDisables && c.listsEmptyASG(selectors) {
		return c.nothing
	}
	if len(selectors) == 1 {
		return v.selector(selectors[0], local)
	}
	sure := make([]addresses, 0, len(selectors))
	var may []doubt
	for _, s := range selectors {
		x := v.selector(s, local)
		sure = append(sure, x.sure)
		may = append(may, x.may...)
	}
	return c.intern.reach(union(sure...), may)
}

// listsEmptyASG reports whether several groups are listed, one without member.
func (c *compiler) listsEmptyASG(selectors []network.Selector) bool {
	listed, empty := 0, false
	for _, s := range selectors {
		if s.Kind == network.SelectASG {
			listed++
			empty = empty || len(c.net.ASGMembers(s.Text)) == 0
		}
	}
	return listed > 1 && empty
}

func (v *view) selector(s network.Selector, local bool) *reach {
	c := v.compiler
	switch s.Kind {
	case network.SelectAny:
		return c.anything
	case network.SelectPrefix:
		if s.Prefix.Bits() == 0 && c.assume.literalAnyBoth {
			return c.anything
		}
		return c.intern.reach(fromPrefixes([]netip.Prefix{s.Prefix}), nil)
	case network.SelectVirtualNetwork:
		return v.virtualNetwork
	case network.SelectInternet:
		return v.internet
	case network.SelectAzureLoadBalancer:
		return v.loadBalancer
	case network.SelectServiceTag:
		return v.serviceTag(s.Text)
	case network.SelectASG:
		if local {
			return c.nothing
		}
		return v.remoteASG(s.Text)
	case network.SelectUnknown:
		return c.intern.reach(addresses{}, []doubt{{c.intern.fact(s.Fact), everything}})
	}
	panic("index: selector kind")
}

// serviceTag unfolds a tag once per network and spelling.
func (c *compiler) serviceTag(name string) *reach {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.tags[name]; ok {
		return r
	}
	var r *reach
	if tag := c.net.Tag(name); tag != nil {
		r = c.intern.reach(fromPrefixes(tag.Prefixes), nil)
	} else {
		r = c.intern.reach(addresses{}, []doubt{{c.intern.fact("unknown-tag:" + name), everything}})
	}
	c.tags[name] = r
	return r
}
