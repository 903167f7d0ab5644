package space

import (
	"math/big"
	"net/netip"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// Volume counts the points of the set. A protocol without ports is one point per
// pair of addresses, TCP and UDP are 2^32 each.
func (s *Space) Volume(a Set) *big.Int {
	v4 := counter{s: s, memo: map[sizeKey]*big.Int{}, addresses: new(big.Int).Lsh(big.NewInt(1), 32)}
	v6 := counter{s: s, memo: map[sizeKey]*big.Int{}, addresses: new(big.Int).Lsh(big.NewInt(1), 128)}
	return new(big.Int).Add(v4.count(a.m.v4, local), v6.count(a.m.v6, local))
}

type sizeKey struct {
	r    ref
	from uint8
}

// counter counts the points of one family.
type counter struct {
	s         *Space
	memo      map[sizeKey]*big.Int
	addresses *big.Int // of the family
}

var (
	portCount    = big.NewInt(1 << 16)
	serviceCount = big.NewInt(254 + 2<<32)
)

// count is the number of points below r in the dimensions from one on.
func (c *counter) count(r ref, from uint8) *big.Int {
	if r == 0 {
		return new(big.Int)
	}
	if from == leaf {
		return big.NewInt(1)
	}
	key := sizeKey{r, from}
	if n, ok := c.memo[key]; ok {
		return n
	}
	out := new(big.Int)
	switch dim := c.s.dim(r); {
	case dim == from:
		n := c.s.node(r)
		for i, to := range n.to {
			out.Add(out, c.interval(n, i, to))
		}
	case from == protocol: // ports are cut behind a protocol only, so r is a label
		out.Set(serviceCount)
	case from == local, from == remote:
		out.Mul(c.addresses, c.count(r, from+1))
	default:
		out.Mul(portCount, c.count(r, from+1))
	}
	c.memo[key] = out
	return out
}

// interval counts the points of one interval of a node.
func (c *counter) interval(n *node, i int, to ref) *big.Int {
	if to == 0 {
		return new(big.Int)
	}
	if n.dim == protocol {
		out := new(big.Int)
		for _, r := range ranges(n.starts, []int{i}, 255) {
			for p := r.First; p <= r.Last; p++ {
				if flow.Protocol(p).HasPorts() {
					out.Add(out, c.count(to, localPort))
				} else {
					out.Add(out, big.NewInt(1))
				}
			}
		}
		return out
	}
	var width *big.Int
	switch {
	case n.wide != nil:
		width = new(big.Int).Sub(wideEnd(n, i), bigIPv6(n.wide[i]))
	default:
		end := uint64(1) << 16
		if n.dim == local || n.dim == remote {
			end = 1 << 32
		}
		if i+1 < len(n.starts) {
			end = uint64(n.starts[i+1])
		}
		width = new(big.Int).SetUint64(end - uint64(n.starts[i]))
	}
	return width.Mul(width, c.count(to, n.dim+1))
}

func wideEnd(n *node, i int) *big.Int {
	if i+1 < len(n.wide) {
		return bigIPv6(n.wide[i+1])
	}
	return new(big.Int).Lsh(big.NewInt(1), 128)
}

func bigIPv6(a interval.IPv6) *big.Int {
	b := new(big.Int).SetUint64(a.Hi)
	return b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(a.Lo))
}

// Plain values for witnesses: documentation and well-known addresses and ports,
// the first that is possible is taken.
var (
	plainAddresses4 = addressList("203.0.113.9", "198.51.100.9", "8.8.8.8", "10.0.0.4", "10.1.0.4", "172.16.0.4", "192.168.0.4")
	plainAddresses6 = addressList("2001:db8::9", "2600::9", "fd00::4")
	plainProtocols  = []uint32{uint32(flow.TCP), uint32(flow.UDP), uint32(flow.ICMP), uint32(flow.ESP), uint32(flow.AH)}
	plainServices   = []uint32{443, 80, 22, 3389, 8080, 53}
	plainSources    = []uint32{50000, 49152, 1024}
)

func addressList(texts ...string) (out []netip.Addr) {
	for _, t := range texts {
		out = append(out, netip.MustParseAddr(t))
	}
	return out
}

// Witness returns a point of the set as a packet of the direction; ok is false
// when the set is empty. Equal sets have equal witnesses. It prefers IPv4, TCP,
// common services and ephemeral source ports.
func (s *Space) Witness(a Set, dir flow.Direction) (t flow.Tuple, ok bool) {
	t.Direction = dir
	r, v4 := a.m.v4, true
	if r == 0 {
		r, v4 = a.m.v6, false
	}
	if r == 0 {
		return flow.Tuple{}, false
	}
	for dim := local; dim < leaf; dim++ {
		n := node{dim: dim, starts: []uint32{0}, to: []ref{r}}
		if !v4 && dim <= remote {
			n.starts, n.wide = nil, []interval.IPv6{firstIPv6}
		}
		if s.dim(r) == dim {
			n = *s.node(r)
		}
		if dim >= localPort && !t.Protocol.HasPorts() {
			break
		}
		r = n.choose(&t)
	}
	return t, true
}

// choose sets the node's dimension of the tuple to a point that does not lead to
// label 0, and returns where it leads.
func (n *node) choose(t *flow.Tuple) ref {
	sources := plainSources
	if n.dim == localPort && t.Direction == flow.Inbound || n.dim == remotePort && t.Direction == flow.Outbound {
		sources = plainServices
	}
	switch n.dim {
	case local, remote:
		a := &t.Local
		if n.dim == remote {
			a = &t.Remote
		}
		list := plainAddresses4
		if n.wide != nil {
			list = plainAddresses6
		}
		for _, x := range list {
			*a = flow.AddressFrom(x)
			if r := n.at(t); r != 0 {
				return r
			}
		}
		i := n.firstPlace()
		if n.wide != nil {
			*a = flow.AddressFrom(n.wide[i].Netip())
		} else {
			*a = flow.AddressFrom4(n.starts[i])
		}
		first := *a
		// The first four addresses of a subnet are Azure's own
		// (virtual-networks-faq), so the fifth is the better example.
		if first[15] <= 0xff-4 {
			a[15] += 4
		}
		if n.at(t) != n.to[i] {
			*a = first
		}
		return n.to[i]
	case protocol:
		return n.chooseNumber(t, plainProtocols, func(x uint32) { t.Protocol = flow.Protocol(x) })
	case localPort:
		return n.chooseNumber(t, sources, func(x uint32) { t.LocalPort = uint16(x) })
	default:
		return n.chooseNumber(t, sources, func(x uint32) { t.RemotePort = uint16(x) })
	}
}

func (n *node) chooseNumber(t *flow.Tuple, plain []uint32, set func(uint32)) ref {
	for _, x := range plain {
		set(x)
		if r := n.at(t); r != 0 {
			return r
		}
	}
	i := n.firstPlace()
	set(n.starts[i])
	return n.to[i]
}

// firstPlace is the first interval that does not lead to label 0.
func (n *node) firstPlace() int {
	for i, to := range n.to {
		if to != 0 {
			return i
		}
	}
	panic("space: a node leads nowhere")
}
