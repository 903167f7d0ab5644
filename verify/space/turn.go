package space

import (
	"net/netip"
	"slices"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// Turned returns a Map as the other end sees it: remote addresses become local
// ones, the local addresses are the ones given, elsewhere the label is 0. m must
// not cut local addresses. Ports stay: make m with the direction of the other
// end.
func (s *Space) Turned(m Map, locals index.Addresses) Map {
	return Map{s.turned(m.v4, locals, true), s.turned(m.v6, locals, false)}
}

func (s *Space) turned(r ref, locals index.Addresses, v4 bool) ref {
	within := func(services ref) ref {
		if v4 {
			return s.addresses(remote, locals, Map{v4: services}).v4
		}
		return s.addresses(remote, locals, Map{v6: services}).v6
	}
	switch s.dim(r) {
	case local:
		panic("space: only maps of remote addresses and services can be turned")
	case remote:
	default:
		return within(r)
	}
	n := *s.node(r)
	var starts []uint32
	var wide []interval.IPv6
	var to []ref
	for i := range n.to {
		x := within(n.to[i])
		if len(to) > 0 && to[len(to)-1] == x {
			continue
		}
		to = append(to, x)
		if v4 {
			starts = append(starts, n.starts[i])
		} else {
			wide = append(wide, n.wide[i])
		}
	}
	if v4 {
		return s.narrow(local, starts, to)
	}
	return s.broad(local, wide, to)
}

// Part is a set of local addresses at which a Map is the same.
type Part struct {
	Local index.Addresses
	// Map is the Map there; it does not cut local addresses. Of the family of
	// Local only.
	Map Map
}

// Parts cuts local addresses where the Map changes.
func (s *Space) Parts(m Map, locals index.Addresses) (out []Part) {
	find := func(x Map) *index.Addresses {
		i := slices.IndexFunc(out, func(p Part) bool { return p.Map == x })
		if i < 0 {
			i = len(out)
			out = append(out, Part{Map: x})
		}
		return &out[i].Local
	}
	for _, r := range locals.V4 {
		s.eachLocal(m.v4, uint32(r.First), func(n *node, i int) bool {
			x := interval.Intersection(n.addresses([]int{i}).V4, interval.Set[interval.IPv4]{r})
			if len(x) > 0 {
				a := find(Map{v4: n.to[i]})
				a.V4 = interval.Union(a.V4, x)
			}
			return len(x) > 0
		})
	}
	for _, r := range locals.V6 {
		s.eachLocal6(m.v6, r.First, func(n *node, i int) bool {
			x := interval.Intersection(n.addresses([]int{i}).V6, interval.Set[interval.IPv6]{r})
			if len(x) > 0 {
				a := find(Map{v6: n.to[i]})
				a.V6 = interval.Union(a.V6, x)
			}
			return len(x) > 0
		})
	}
	return out
}

// eachLocal visits the intervals of local addresses from the one that holds
// first on, until f returns false.
func (s *Space) eachLocal(r ref, first uint32, f func(n *node, i int) bool) {
	n := s.cutsOf(r, local, true)
	i, exact := slices.BinarySearch(n.starts, first)
	if !exact {
		i--
	}
	for ; i < len(n.to) && f(n, i); i++ {
	}
}

func (s *Space) eachLocal6(r ref, first interval.IPv6, f func(n *node, i int) bool) {
	n := s.cutsOf(r, local, false)
	i, exact := slices.BinarySearchFunc(n.wide, first, interval.IPv6.Compare)
	if !exact {
		i--
	}
	for ; i < len(n.to) && f(n, i); i++ {
	}
}

// Services appends what the Map is, over protocols and ports, at the remote
// addresses: each distinct part once, of IPv4 addresses to v4 and of IPv6
// addresses to v6, as Maps that cut no address and are IPv4 only. m must not cut
// local addresses.
func (s *Space) Services(m Map, remotes index.Addresses, v4, v6 []Map) (four, six []Map) {
	add := func(list []Map, from int, to ref) []Map {
		x := Map{v4: to}
		if slices.Contains(list[from:], x) {
			return list
		}
		return append(list, x)
	}
	from4, from6 := len(v4), len(v6)
	if s.dim(m.v4) != remote && len(remotes.V4) > 0 {
		v4 = append(v4, Map{v4: m.v4})
	} else {
		for _, r := range remotes.V4 {
			n := s.node(m.v4)
			i, exact := slices.BinarySearch(n.starts, uint32(r.First))
			if !exact {
				i--
			}
			for ; i < len(n.to) && n.starts[i] <= uint32(r.Last); i++ {
				v4 = add(v4, from4, n.to[i])
			}
		}
	}
	if s.dim(m.v6) != remote && len(remotes.V6) > 0 {
		return v4, append(v6, Map{v4: m.v6})
	}
	for _, r := range remotes.V6 {
		n := s.node(m.v6)
		i, exact := slices.BinarySearchFunc(n.wide, r.First, interval.IPv6.Compare)
		if !exact {
			i--
		}
		for ; i < len(n.to) && n.wide[i].Compare(r.Last) <= 0; i++ {
			v6 = add(v6, from6, n.to[i])
		}
	}
	return v4, v6
}

// Remote returns one of the remote addresses of a family at which the Map is
// what Services told as part: a plain one if there is.
func (s *Space) Remote(m Map, remotes index.Addresses, part Map, v6 bool) (netip.Addr, bool) {
	var t flow.Tuple
	if v6 {
		n := s.cutsOf(m.v6, remote, false)
		for _, a := range plainAddresses6 {
			if t.Remote = flow.AddressFrom(a); remotes.Contains(a) && n.at(&t) == part.v4 {
				return a, true
			}
		}
		for _, r := range remotes.V6 {
			i, exact := slices.BinarySearchFunc(n.wide, r.First, interval.IPv6.Compare)
			if !exact {
				i--
			}
			for ; i < len(n.to) && n.wide[i].Compare(r.Last) <= 0; i++ {
				if n.to[i] == part.v4 {
					return hostOf(interval.Intersection(n.addresses([]int{i}).V6, interval.Set[interval.IPv6]{r})[0]), true
				}
			}
		}
		return netip.Addr{}, false
	}
	n := s.cutsOf(m.v4, remote, true)
	for _, a := range plainAddresses4 {
		if t.Remote = flow.AddressFrom(a); remotes.Contains(a) && n.at(&t) == part.v4 {
			return a, true
		}
	}
	for _, r := range remotes.V4 {
		i, exact := slices.BinarySearch(n.starts, uint32(r.First))
		if !exact {
			i--
		}
		for ; i < len(n.to) && n.starts[i] <= uint32(r.Last); i++ {
			if n.to[i] == part.v4 {
				return hostOf(interval.Intersection(n.addresses([]int{i}).V4, interval.Set[interval.IPv4]{r})[0]), true
			}
		}
	}
	return netip.Addr{}, false
}

// hostOf returns the fifth address of a range, or its first: the first four of a
// subnet are Azure's own (virtual-networks-faq).
func hostOf[T interface {
	interval.Point[T]
	Netip() netip.Addr
}](r interval.Range[T],
) netip.Addr {
	a := r.First
	for range 4 {
		next, more := a.Next()
		if !more || next.Compare(r.Last) > 0 {
			return r.First.Netip()
		}
		a = next
	}
	return a.Netip()
}

// cutsOf returns the node, or one interval where r does not cut the dimension.
func (s *Space) cutsOf(r ref, dim uint8, v4 bool) *node {
	switch {
	case s.dim(r) == dim:
		return s.node(r)
	case s.dim(r) < dim:
		panic("space: the Map cuts an earlier dimension")
	case v4:
		return &node{dim: dim, starts: []uint32{0}, to: []ref{r}}
	}
	return &node{dim: dim, wide: []interval.IPv6{firstIPv6}, to: []ref{r}}
}
