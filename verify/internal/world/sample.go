package world

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// A Sampler picks questions about a network that is too large to ask them all:
// at and beside the bounds of what its rules name, and anywhere.
type Sampler struct {
	rng    *rand.Rand
	four   []netip.Addr
	six    []netip.Addr
	ports  []uint16
	protos []flow.Protocol
}

// NewSampler collects the bounds of a network.
func NewSampler(n *network.Network, seed uint64) *Sampler {
	s := &Sampler{rng: rand.New(rand.NewPCG(seed, 0)), ports: []uint16{0, 65535}, protos: []flow.Protocol{flow.TCP, flow.TCP, flow.TCP, flow.UDP, flow.UDP, flow.ICMP, flow.ESP, flow.ICMPv6}}
	for ref := 1; ref < n.RuleCount(); ref++ {
		r := n.Rule(flow.RuleRef(ref))
		for _, list := range [][]network.Selector{r.Source, r.Destination} {
			for _, x := range list {
				if x.Kind == network.SelectPrefix {
					s.prefix(x.Prefix)
				} else if t := n.Tag(x.Text); t != nil {
					s.prefix(t.Prefixes...)
				}
			}
		}
		for _, list := range [][]flow.PortRange{r.SourcePorts, r.DestinationPorts} {
			for _, x := range list {
				s.ports = append(s.ports, x.First, x.First-1, x.Last, x.Last+1)
			}
		}
	}
	for _, v := range n.VirtualNetworks {
		s.prefix(v.Prefixes...)
	}
	for _, x := range n.Subnets {
		s.prefix(x.Prefixes...)
	}
	for _, c := range n.NICs {
		for i := range c.IPConfigs {
			s.address(c.IPConfigs[i].Address)
		}
	}
	s.prefix(n.Internet.Excluded...)
	s.prefix(Prefixes("168.63.129.16/32", "169.254.169.254/32", "203.0.113.0/24")...)
	return s
}

func (s *Sampler) prefix(list ...netip.Prefix) {
	for _, p := range list {
		first := p.Masked().Addr()
		last := first.AsSlice()
		for i := p.Bits(); i < 8*len(last); i++ {
			last[i/8] |= 0x80 >> (i % 8)
		}
		end, _ := netip.AddrFromSlice(last)
		for _, a := range []netip.Addr{first.Prev(), first, end, end.Next()} {
			s.address(a)
		}
	}
}

func (s *Sampler) address(a netip.Addr) {
	switch {
	case a.Is4():
		s.four = append(s.four, a)
	case a.Is6():
		s.six = append(s.six, a)
	}
}

// Intn picks a number below n.
func (s *Sampler) Intn(n int) int { return s.rng.IntN(n) }

// Tuple picks a question of one of the NIC's recorded addresses; ok is false when
// it has none.
func (s *Sampler) Tuple(c *network.NIC) (t flow.Tuple, ok bool) {
	var own []netip.Addr
	for i := range c.IPConfigs {
		if a := c.IPConfigs[i].Address; a.IsValid() {
			own = append(own, a)
		}
	}
	if len(own) == 0 {
		return t, false
	}
	local := own[s.rng.IntN(len(own))]
	pool := s.four
	if local.Is6() {
		pool = s.six
	}
	remote := local
	switch {
	case len(pool) > 0 && s.rng.IntN(4) > 0:
		remote = pool[s.rng.IntN(len(pool))]
	case local.Is4():
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], s.rng.Uint32())
		remote = netip.AddrFrom4(b)
	default:
		var b [16]byte
		binary.BigEndian.PutUint64(b[:], s.rng.Uint64())
		remote = netip.AddrFrom16(b)
	}
	t = flow.Tuple{
		Local: flow.AddressFrom(local), Remote: flow.AddressFrom(remote), Direction: flow.Direction(1 + s.rng.IntN(2)),
		Protocol: s.protos[s.rng.IntN(len(s.protos))], LocalPort: s.port(), RemotePort: s.port(),
	}
	if s.rng.IntN(8) == 0 {
		t.Protocol = flow.Protocol(s.rng.IntN(256))
	}
	return t, true
}

func (s *Sampler) port() uint16 {
	if s.rng.IntN(4) == 0 {
		return uint16(s.rng.Uint32())
	}
	return s.ports[s.rng.IntN(len(s.ports))]
}
