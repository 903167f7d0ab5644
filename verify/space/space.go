package space

import (
	"encoding/binary"
	"slices"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// The dimensions in the order in which diagrams cut them.
const (
	local uint8 = iota
	remote
	protocol
	localPort
	remotePort
	leaf // behind the last
)

// A ref is a label (even: the label is ref/2) or a node (odd: its position is
// ref/2). The zero ref is label 0.
type ref uint32

func labelRef(label int) ref { return ref(label) << 1 }
func (r ref) isLabel() bool  { return r&1 == 0 }
func (r ref) label() int     { return int(r >> 1) }

// MaxLabel is the largest label of a Map.
const MaxLabel = 1<<30 - 1

// node cuts a dimension: interval i runs from its start to just before the next
// and leads to to[i]. Neighbours lead to different places, so there are at least
// two intervals. IPv6 addresses are cut by wide, everything else by starts.
type node struct {
	dim    uint8
	starts []uint32
	wide   []interval.IPv6
	to     []ref
}

// A Map labels every point; see the package comment. The zero Map gives every
// point the label 0. Maps of one Space are equal iff they are ==.
type Map struct{ v4, v6 ref }

// A Set is a set of points. The zero Set is empty. Sets of one Space are equal
// iff they are ==.
type Set struct{ m Map }

// Everything is the Set of all points of both families.
var Everything = Set{Map{labelRef(1), labelRef(1)}}

// Empty reports whether the set holds no point.
func (s Set) Empty() bool { return s == Set{} }

// Map returns the set as a Map with the labels 0 and 1.
func (s Set) Map() Map { return s.m }

// Space owns nodes.
type Space struct {
	nodes []node
	byKey map[uint64][]uint32 // positions of nodes by hash
	pairs map[pair]ref        // results of the operations on Sets

	// Scratch of recursions, used as stacks.
	starts []uint32
	wide   []interval.IPv6
	to     []ref
}

// New returns an empty Space.
func New() *Space {
	return &Space{byKey: map[uint64][]uint32{}, pairs: map[pair]ref{}}
}

// Nodes returns how many nodes the Space has made.
func (s *Space) Nodes() int { return len(s.nodes) }

func (s *Space) node(r ref) *node { return &s.nodes[r>>1] }

// dim returns the dimension that r cuts, leaf for labels.
func (s *Space) dim(r ref) uint8 {
	if r.isLabel() {
		return leaf
	}
	return s.nodes[r>>1].dim
}

// narrow returns the node with the cuts, which it copies when it is new.
// Neighbouring cuts must lead to different places.
func (s *Space) narrow(dim uint8, starts []uint32, to []ref) ref {
	if len(to) == 1 {
		return to[0]
	}
	h := newHash(dim)
	for i := range to {
		h.add(uint64(starts[i])<<32 | uint64(to[i]))
	}
	for _, at := range s.byKey[uint64(h)] {
		if n := &s.nodes[at]; n.dim == dim && n.wide == nil && slices.Equal(n.to, to) && slices.Equal(n.starts, starts) {
			return ref(at)<<1 | 1
		}
	}
	return s.add(h, node{dim: dim, starts: slices.Clone(starts), to: slices.Clone(to)})
}

// broad is narrow for IPv6 addresses.
func (s *Space) broad(dim uint8, starts []interval.IPv6, to []ref) ref {
	if len(to) == 1 {
		return to[0]
	}
	h := newHash(dim + leaf)
	for i := range to {
		h.add(starts[i].Hi)
		h.add(starts[i].Lo)
		h.add(uint64(to[i]))
	}
	for _, at := range s.byKey[uint64(h)] {
		if n := &s.nodes[at]; n.dim == dim && n.wide != nil && slices.Equal(n.to, to) && slices.Equal(n.wide, starts) {
			return ref(at)<<1 | 1
		}
	}
	return s.add(h, node{dim: dim, wide: slices.Clone(starts), to: slices.Clone(to)})
}

func (s *Space) add(h keyHash, n node) ref {
	at := uint32(len(s.nodes))
	if at > MaxLabel {
		panic("space: too many nodes")
	}
	s.nodes = append(s.nodes, n)
	s.byKey[uint64(h)] = append(s.byKey[uint64(h)], at)
	return ref(at)<<1 | 1
}

// keyHash mixes words (splitmix64); equal hashes are compared in full.
type keyHash uint64

func newHash(seed uint8) keyHash { return keyHash(seed) + 0x9e3779b97f4a7c15 }

func (h *keyHash) add(x uint64) {
	z := uint64(*h) ^ x
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	*h = keyHash(z ^ z>>31 + 0x9e3779b97f4a7c15)
}

// at returns where the point leads.
func (n *node) at(t *flow.Tuple) ref {
	find := func(x uint32) ref {
		i, found := slices.BinarySearch(n.starts, x)
		if !found {
			i--
		}
		return n.to[i]
	}
	switch n.dim {
	case protocol:
		return find(uint32(t.Protocol))
	case localPort:
		return find(uint32(t.LocalPort))
	case remotePort:
		return find(uint32(t.RemotePort))
	}
	a := t.Local
	if n.dim == remote {
		a = t.Remote
	}
	if n.wide == nil {
		return find(a.As4())
	}
	i, found := slices.BinarySearchFunc(n.wide, interval.FromIPv6(a.Netip()), interval.IPv6.Compare)
	if !found {
		i--
	}
	return n.to[i]
}

// Label returns the label of a point. The direction of the tuple means nothing;
// both addresses are of one family and no port is open.
func (s *Space) Label(m Map, t flow.Tuple) int {
	r := m.v6
	if t.Local.Is4() {
		r = m.v4
	}
	for !r.isLabel() {
		r = s.node(r).at(&t)
	}
	return r.label()
}

// Contains reports whether the point is in the set.
func (s *Space) Contains(a Set, t flow.Tuple) bool { return s.Label(a.m, t) == 1 }

// Of returns the verdicts of a classifier as a Map over every remote address of
// its family and every service, whatever the local address. label turns a
// verdict into a label of 0 to MaxLabel and is called with verdicts that occur
// in the partition, some of them often.
func (s *Space) Of(p *index.Partition, dir flow.Direction, label func(index.VerdictID) int) Map {
	if dir != flow.Inbound && dir != flow.Outbound {
		panic("space: direction")
	}
	columns := make([]Map, len(p.Columns))
	for c, list := range p.Columns {
		parts := make([]Set, len(list))
		for i, b := range list {
			box := Box{Local: AllAddresses, Remote: AllAddresses, Protocols: b.Protocols, LocalPorts: b.Source, RemotePorts: b.Destination}
			if dir == flow.Inbound {
				box.LocalPorts, box.RemotePorts = b.Destination, b.Source
			}
			parts[i] = s.Box(box)
		}
		columns[c] = s.labelled(s.Union(parts...), c+1)
	}
	services := s.first(columns).v4
	var rows rowCuts
	labels := make([]ref, len(p.Columns))
	known := map[string]ref{} // rows with the same labels
	var key []byte
	for r := range p.Rows {
		key = key[:0]
		for c := range labels {
			labels[c] = labelRef(label(p.Verdict(r, c)))
			key = binary.LittleEndian.AppendUint32(key, uint32(labels[c]))
		}
		to, ok := known[string(key)]
		if !ok {
			to = s.relabel(services, map[ref]ref{}, func(l int) ref { return labels[l-1] })
			known[string(key)] = to
		}
		rows.add(p.Rows[r], to)
	}
	return rows.join(s, remote)
}

// rowCuts collects the intervals of rows that partition a family.
type rowCuts struct {
	v4 []cut[interval.IPv4]
	v6 []cut[interval.IPv6]
}

type cut[T interval.Point[T]] struct {
	first T
	to    ref
}

func (c *rowCuts) add(a index.Addresses, to ref) {
	for _, r := range a.V4 {
		c.v4 = append(c.v4, cut[interval.IPv4]{r.First, to})
	}
	for _, r := range a.V6 {
		c.v6 = append(c.v6, cut[interval.IPv6]{r.First, to})
	}
}

func (c *rowCuts) join(s *Space, dim uint8) (m Map) {
	if starts, to := joinCuts(c.v4); len(to) > 0 {
		narrow := make([]uint32, len(starts))
		for i, a := range starts {
			narrow[i] = uint32(a)
		}
		m.v4 = s.narrow(dim, narrow, to)
	}
	if starts, to := joinCuts(c.v6); len(to) > 0 {
		m.v6 = s.broad(dim, starts, to)
	}
	return m
}

func joinCuts[T interval.Point[T]](cuts []cut[T]) (starts []T, to []ref) {
	slices.SortFunc(cuts, func(a, b cut[T]) int { return a.first.Compare(b.first) })
	for _, c := range cuts {
		if n := len(to); n == 0 || to[n-1] != c.to {
			starts, to = append(starts, c.first), append(to, c.to)
		}
	}
	return starts, to
}
