package space

import (
	"slices"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// Box is the points with one of the local addresses, one of the remote
// addresses of the same family, one of the protocols, one of the local and one
// of the remote ports. A protocol without ports is in the box iff both port sets
// are full.
type Box struct {
	Local, Remote           index.Addresses
	Protocols               index.Protocols
	LocalPorts, RemotePorts interval.Set[interval.Port]
}

var (
	firstIPv6 interval.IPv6
	lastIPv6  = interval.IPv6{Hi: ^uint64(0), Lo: ^uint64(0)}

	// AllPorts holds 0 to 65535.
	AllPorts = interval.Set[interval.Port]{{First: 0, Last: 65535}}
	// AllAddresses holds every address of both families.
	AllAddresses = index.Addresses{
		V4: interval.Set[interval.IPv4]{{First: 0, Last: 1<<32 - 1}},
		V6: interval.Set[interval.IPv6]{{First: firstIPv6, Last: lastIPv6}},
	}
)

// Box returns the set of the points in a box.
func (s *Space) Box(b Box) Set {
	services := s.services(b.Protocols, b.LocalPorts, b.RemotePorts)
	return Set{s.locally(b.Local, s.locallyRemote(b.Remote, Map{services, services}))}
}

// At restricts a Map to local addresses; elsewhere the label is 0.
func (s *Space) At(locals index.Addresses, m Map) Map {
	return s.Restrict(m, Set{s.locally(locals, Everything.m)})
}

// locally and locallyRemote put a dimension of addresses before a Map that does
// not cut it.
func (s *Space) locally(a index.Addresses, m Map) Map { return s.addresses(local, a, m) }

func (s *Space) locallyRemote(a index.Addresses, m Map) Map { return s.addresses(remote, a, m) }

func (s *Space) addresses(dim uint8, a index.Addresses, m Map) (out Map) {
	if m.v4 != 0 {
		starts, to := setCuts(a.V4, m.v4)
		narrow := make([]uint32, len(starts))
		for i, x := range starts {
			narrow[i] = uint32(x)
		}
		out.v4 = s.narrow(dim, narrow, to)
	}
	if m.v6 != 0 {
		starts, to := setCuts(a.V6, m.v6)
		out.v6 = s.broad(dim, starts, to)
	}
	return out
}

// services returns the diagram of protocols and ports.
func (s *Space) services(protocols index.Protocols, localPorts, remotePorts interval.Set[interval.Port]) ref {
	ports := labelRef(1)
	for _, d := range []struct {
		dim uint8
		set interval.Set[interval.Port]
	}{{remotePort, remotePorts}, {localPort, localPorts}} {
		if ports == 0 {
			break
		}
		starts, to := setCuts(d.set, ports)
		narrow := make([]uint32, len(starts))
		for i, x := range starts {
			narrow[i] = uint32(x)
		}
		ports = s.narrow(d.dim, narrow, to)
	}
	portless := ref(0)
	if ports == labelRef(1) {
		portless = ports
	}
	var starts []uint32
	var to []ref
	for p := range 256 {
		r := ref(0)
		switch {
		case !protocols.Contains(flow.Protocol(p)):
		case flow.Protocol(p).HasPorts():
			r = ports
		default:
			r = portless
		}
		if n := len(to); n == 0 || to[n-1] != r {
			starts, to = append(starts, uint32(p)), append(to, r)
		}
	}
	return s.narrow(protocol, starts, to)
}

// setCuts cuts a dimension where the set begins and ends: inside leads to in,
// outside to label 0.
func setCuts[T interval.Point[T]](set interval.Set[T], in ref) (starts []T, to []ref) {
	var first T // the first point of the space is the zero value
	if len(set) == 0 || set[0].First != first {
		starts, to = append(starts, first), append(to, 0)
	}
	for _, r := range set {
		starts, to = append(starts, r.First), append(to, in)
		if after, more := r.Last.Next(); more {
			starts, to = append(starts, after), append(to, 0)
		}
	}
	return starts, to
}

// LabelledBox is a box whose points all have the label.
type LabelledBox struct {
	Label int
	Box   Box
}

// Boxes returns disjoint boxes that together are the set, few of them, IPv4
// first.
func (s *Space) Boxes(a Set) []Box {
	list := s.MapBoxes(a.m)
	out := make([]Box, len(list))
	for i := range list {
		out[i] = list[i].Box
	}
	return out
}

// MapBoxes returns disjoint boxes that together are the points with a label
// other than 0, few of them, in ascending order of their labels.
func (s *Space) MapBoxes(m Map) []LabelledBox {
	w := boxWalk{s: s}
	w.box = Box{Local: AllAddresses, Remote: AllAddresses, Protocols: index.AllProtocols, LocalPorts: AllPorts, RemotePorts: AllPorts}
	w.box.Local.V6, w.box.Remote.V6 = nil, nil
	w.visit(m.v4)
	w.box.Local, w.box.Remote = index.Addresses{V6: AllAddresses.V6}, index.Addresses{V6: AllAddresses.V6}
	w.visit(m.v6)
	out := mergeBoxes(w.out)
	slices.SortStableFunc(out, func(a, b LabelledBox) int { return a.Label - b.Label })
	return out
}

// boxWalk collects the paths of a diagram: the intervals of a node that lead to
// the same place are one set.
type boxWalk struct {
	s   *Space
	box Box
	out []LabelledBox
}

func (w *boxWalk) visit(r ref) {
	if r == 0 {
		return
	}
	if r.isLabel() {
		w.out = append(w.out, LabelledBox{r.label(), w.box})
		return
	}
	n := *w.s.node(r)
	before := w.box
	var order []ref
	places := map[ref][]int{}
	for i, to := range n.to {
		if places[to] == nil {
			order = append(order, to)
		}
		places[to] = append(places[to], i)
	}
	for _, to := range order {
		if to != 0 {
			w.box = before
			n.restrict(&w.box, places[to])
			w.visit(to)
		}
	}
	w.box = before
}

// restrict replaces the node's dimension of the box by the intervals.
func (n *node) restrict(b *Box, intervals []int) {
	switch n.dim {
	case local:
		b.Local = n.addresses(intervals)
	case remote:
		b.Remote = n.addresses(intervals)
	case protocol:
		b.Protocols = index.Protocols{}
		for _, r := range ranges(n.starts, intervals, 255) {
			for p := r.First; p <= r.Last; p++ {
				b.Protocols[p>>6] |= 1 << (p & 63)
			}
		}
	case localPort:
		b.LocalPorts = portsOf(n.starts, intervals)
	case remotePort:
		b.RemotePorts = portsOf(n.starts, intervals)
	}
}

func (n *node) addresses(intervals []int) (a index.Addresses) {
	if n.wide == nil {
		a.V4 = ranges(n.starts, intervals, 1<<32-1)
		return a
	}
	for _, i := range intervals {
		r := interval.Range[interval.IPv6]{First: n.wide[i], Last: lastIPv6}
		if i+1 < len(n.wide) {
			r.Last, _ = n.wide[i+1].Prev()
		}
		a.V6 = append(a.V6, r)
	}
	return a
}

// ranges returns the intervals, which do not touch: neighbours lead to
// different places.
func ranges(starts []uint32, intervals []int, top uint32) interval.Set[interval.IPv4] {
	out := make(interval.Set[interval.IPv4], len(intervals))
	for n, i := range intervals {
		out[n] = interval.Range[interval.IPv4]{First: interval.IPv4(starts[i]), Last: interval.IPv4(top)}
		if i+1 < len(starts) {
			out[n].Last = interval.IPv4(starts[i+1] - 1)
		}
	}
	return out
}

func portsOf(starts []uint32, intervals []int) interval.Set[interval.Port] {
	out := make(interval.Set[interval.Port], len(intervals))
	for i, r := range ranges(starts, intervals, 65535) {
		out[i] = interval.Range[interval.Port]{First: interval.Port(r.First), Last: interval.Port(r.Last)}
	}
	return out
}
