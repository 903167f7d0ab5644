package space

import (
	"math/big"
	"math/rand/v2"
	"net/netip"
	"testing"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

func prefixes(texts ...string) index.Addresses {
	var list []netip.Prefix
	for _, t := range texts {
		list = append(list, netip.MustParsePrefix(t))
	}
	return index.AddressesOf(list)
}

func ports(bounds ...uint16) (s interval.Set[interval.Port]) {
	for i := 0; i < len(bounds); i += 2 {
		s = append(s, interval.Range[interval.Port]{First: interval.Port(bounds[i]), Last: interval.Port(bounds[i+1])})
	}
	return interval.Of(s)
}

func everyBox() Box {
	return Box{Local: AllAddresses, Remote: AllAddresses, Protocols: index.AllProtocols, LocalPorts: AllPorts, RemotePorts: AllPorts}
}

// atoms are disjoint boxes that together are the whole space.
func atoms() []Box {
	with := func(edit func(*Box)) Box {
		b := everyBox()
		edit(&b)
		return b
	}
	near, far := prefixes("0.0.0.0/1"), prefixes("128.0.0.0/1")
	tcp, rest := index.ProtocolsOf(flow.TCP), index.AllProtocols
	rest[0] &^= tcp[0]
	return []Box{
		with(func(b *Box) { b.Remote, b.Protocols, b.LocalPorts = near, tcp, ports(0, 99) }),
		with(func(b *Box) { b.Remote, b.Protocols, b.LocalPorts = near, tcp, ports(100, 65535) }),
		with(func(b *Box) { b.Remote, b.Protocols = near, rest }),
		with(func(b *Box) { b.Remote, b.Local, b.Protocols = far, near, tcp }),
		with(func(b *Box) { b.Remote, b.Local, b.Protocols = far, near, rest }),
		with(func(b *Box) { b.Remote, b.Local = far, far }),
		with(func(b *Box) { b.Remote, b.Local = prefixes("::/1"), prefixes("::/0") }),
		with(func(b *Box) {
			b.Remote, b.Local, b.RemotePorts, b.Protocols = prefixes("8000::/1"), prefixes("::/0"), ports(7, 9), tcp
		}),
		with(func(b *Box) { b.Remote, b.Local = prefixes("8000::/1"), prefixes("::/0") }), // less the one before, below
	}
}

// Every pair of unions of nine atoms: the algebra must equal bit operations, and
// equal sets must be ==.
func TestAlgebraExhaustively(t *testing.T) {
	s := New()
	var parts []Set
	for _, b := range atoms() {
		parts = append(parts, s.Box(b))
	}
	last := len(parts) - 1
	parts[last] = s.Difference(parts[last], parts[last-1])
	volumes := make([]*big.Int, len(parts))
	whole := new(big.Int)
	for i, p := range parts {
		volumes[i] = s.Volume(p)
		whole.Add(whole, volumes[i])
	}
	services := big.NewInt(254 + 2<<32)
	want := new(big.Int).Add(new(big.Int).Lsh(services, 64), new(big.Int).Lsh(services, 256))
	if got := s.Volume(Everything); got.Cmp(want) != 0 || whole.Cmp(want) != 0 {
		t.Fatalf("everything is %v, the atoms %v, want %v", got, whole, want)
	}
	sets := make([]Set, 1<<len(parts))
	for bits := range sets {
		var list []Set
		volume := new(big.Int)
		for i, p := range parts {
			if bits>>i&1 == 1 {
				list = append(list, p)
				volume.Add(volume, volumes[i])
			}
		}
		sets[bits] = s.Union(list...)
		if got := s.Volume(sets[bits]); got.Cmp(volume) != 0 {
			t.Fatalf("volume of %b: %v, want %v", bits, got, volume)
		}
	}
	if sets[len(sets)-1] != Everything {
		t.Fatal("the union of all atoms is not Everything")
	}
	for a := range sets {
		for b := range sets {
			if sets[a] == sets[b] && a != b {
				t.Fatalf("%b and %b are one set", a, b)
			}
			if s.Union(sets[a], sets[b]) != sets[a|b] || s.Intersection(sets[a], sets[b]) != sets[a&b] || s.Difference(sets[a], sets[b]) != sets[a&^b] {
				t.Fatalf("algebra of %b and %b", a, b)
			}
			if s.Covers(sets[a], sets[b]) != (b&^a == 0) {
				t.Fatalf("Covers(%b, %b)", a, b)
			}
		}
		if s.Complement(sets[a]) != sets[len(sets)-1-a] {
			t.Fatalf("complement of %b", a)
		}
		checkBoxes(t, s, sets[a])
		checkWitness(t, s, sets[a])
	}
}

// checkBoxes holds that the boxes are disjoint, not empty and together the set.
func checkBoxes(t *testing.T, s *Space, a Set) {
	t.Helper()
	var seen Set
	for _, b := range s.Boxes(a) {
		x := s.Box(b)
		if x.Empty() || !s.Intersection(seen, x).Empty() {
			t.Fatalf("box %+v is empty or overlaps another", b)
		}
		seen = s.Union(seen, x)
	}
	if seen != a {
		t.Fatal("the boxes are not the set")
	}
}

func checkWitness(t *testing.T, s *Space, a Set) {
	t.Helper()
	for _, dir := range [...]flow.Direction{flow.Inbound, flow.Outbound} {
		w, ok := s.Witness(a, dir)
		if ok == a.Empty() || ok && (!s.Contains(a, w) || w.Direction != dir || w.Local.Is4() != w.Remote.Is4()) {
			t.Fatalf("witness %+v, %v", w, ok)
		}
		if ok && !w.Protocol.HasPorts() && w.LocalPort|w.RemotePort != 0 {
			t.Fatalf("witness %+v of a protocol without ports has ports", w)
		}
	}
}

func TestPortsLimitProtocolsWithPorts(t *testing.T) {
	s := New()
	b := everyBox()
	b.LocalPorts = ports(22, 22)
	q := flow.Tuple{Local: flow.AddressFrom4(1), Remote: flow.AddressFrom4(2), LocalPort: 22, Protocol: flow.TCP}
	if !s.Contains(s.Box(b), q) {
		t.Error("TCP to port 22 is not in the box")
	}
	for _, p := range []flow.Protocol{flow.ICMP, 0, 255} {
		q.Protocol = p
		if s.Contains(s.Box(b), q) {
			t.Errorf("protocol %s has a port", p)
		}
	}
	b.LocalPorts = nil
	if !s.Box(b).Empty() {
		t.Error("a box without ports holds something")
	}
}

func TestFewBoxes(t *testing.T) {
	s := New()
	b := everyBox()
	b.Local, b.Remote = prefixes("10.0.0.4/32"), AllAddresses
	b.Protocols, b.LocalPorts = index.ProtocolsOf(flow.TCP), ports(22, 22, 443, 450)
	c := b
	c.LocalPorts = ports(80, 80)
	if got := s.Boxes(s.Union(s.Box(b), s.Box(c))); len(got) != 1 || len(got[0].LocalPorts) != 3 || len(got[0].Remote.V6) != 0 {
		t.Errorf("boxes %+v", got)
	}
	if got := s.Boxes(Everything); len(got) != 2 {
		t.Errorf("everything is %d boxes, want one a family", len(got))
	}
	// A cross of two bars is two boxes, not four and a middle.
	b, c = everyBox(), everyBox()
	b.Local, c.Local = prefixes("0.0.0.0/0"), prefixes("0.0.0.0/0")
	b.Protocols, c.Protocols = index.ProtocolsOf(flow.UDP), index.ProtocolsOf(flow.UDP)
	b.LocalPorts, c.RemotePorts = ports(10, 20), ports(30, 40)
	if got := s.Boxes(s.Union(s.Box(b), s.Box(c))); len(got) != 2 {
		t.Errorf("a cross is %d boxes: %+v", len(got), got)
	}
}

func TestPlainWitness(t *testing.T) {
	s := New()
	w, _ := s.Witness(Everything, flow.Inbound)
	want := flow.Tuple{
		Local: flow.AddressFrom(netip.MustParseAddr("203.0.113.9")), Remote: flow.AddressFrom(netip.MustParseAddr("203.0.113.9")),
		LocalPort: 443, RemotePort: 50000, Protocol: flow.TCP, Direction: flow.Inbound,
	}
	if w != want {
		t.Errorf("got %+v, want %+v", w, want)
	}
	b := everyBox()
	b.Local, b.Remote, b.Protocols = prefixes("10.7.0.0/24"), prefixes("fd00::/8", "10.9.0.2/31"), index.ProtocolsOf(flow.ICMPv6, 47)
	w, _ = s.Witness(s.Box(b), flow.Outbound)
	if w.Local.String() != "10.7.0.4" || w.Remote.String() != "10.9.0.2" || w.Protocol != 47 {
		t.Errorf("got %+v", w)
	}
}

func TestFirstMatchAndMaps(t *testing.T) {
	s := New()
	parts := atoms()
	sets := []Set{s.Box(parts[0]), s.Union(s.Box(parts[0]), s.Box(parts[1])), s.Box(parts[8])}
	m := s.FirstMatch(sets)
	for i, want := range []Set{sets[0], s.Difference(sets[1], sets[0]), sets[2]} {
		if got := s.Where(m, func(l int) bool { return l == i+1 }); got != want {
			t.Errorf("set %d decides something else", i)
		}
	}
	if got := s.Labels(m); len(got) != 4 || got[0] != 0 || got[3] != 3 {
		t.Errorf("labels %v", got)
	}
	double := s.Combine(m, sets[1].Map(), func(x, y int) int { return 10*x + y })
	if got := s.Labels(double); len(got) != 4 || got[1] != 11 || got[2] != 21 || got[3] != 30 {
		t.Errorf("combined labels %v", got)
	}
	if got := s.Restrict(m, sets[0]); got != s.Labelled(sets[0], 1) {
		t.Error("restricted to the first set there is another label")
	}
	for _, b := range s.MapBoxes(m) {
		w, _ := s.Witness(s.Box(b.Box), flow.Inbound)
		if s.Label(m, w) != b.Label {
			t.Errorf("box of label %d holds label %d", b.Label, s.Label(m, w))
		}
	}
}

// source draws small numbers from bytes; exhausted it gives 0.
type source struct{ bytes []byte }

func (x *source) pick(n int) int {
	if len(x.bytes) == 0 {
		return 0
	}
	b := int(x.bytes[0]) % n
	x.bytes = x.bytes[1:]
	return b
}

var (
	tinyAddresses = []string{"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/31", "10.0.0.1/32", "255.255.255.255/32", "::/0", "fd00::/8", "fd00::1/128", "::/128"}
	tinyPoints    = []string{"0.0.0.0", "10.0.0.0", "10.0.0.1", "10.0.0.2", "255.255.255.255", "::", "fd00::1", "fd00::2", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}
	tinyPorts     = []uint16{0, 1, 5, 65534, 65535}
	tinyProtocols = []flow.Protocol{flow.TCP, flow.UDP, flow.ICMP, 0, 255}
)

func (x *source) box() Box {
	b := everyBox()
	addresses := func() (out index.Addresses) {
		for range 1 + x.pick(2) {
			out = out.Or(prefixes(tinyAddresses[x.pick(len(tinyAddresses))]))
		}
		return out
	}
	portSet := func() interval.Set[interval.Port] {
		if x.pick(2) == 0 {
			return AllPorts
		}
		p, q := tinyPorts[x.pick(5)], tinyPorts[x.pick(5)]
		return ports(min(p, q), max(p, q))
	}
	b.Local, b.Remote = addresses(), addresses()
	if x.pick(3) > 0 {
		b.Protocols = index.ProtocolsOf(tinyProtocols[x.pick(5)], tinyProtocols[x.pick(5)])
	}
	b.LocalPorts, b.RemotePorts = portSet(), portSet()
	return b
}

// holds is the plain meaning of a box.
func holds(b *Box, q flow.Tuple) bool {
	in := func(a index.Addresses, x flow.Address) bool {
		if x.Is4() {
			return a.V4.Contains(interval.IPv4(x.As4()))
		}
		return a.V6.Contains(interval.FromIPv6(x.Netip()))
	}
	if !in(b.Local, q.Local) || !in(b.Remote, q.Remote) || !b.Protocols.Contains(q.Protocol) {
		return false
	}
	if !q.Protocol.HasPorts() {
		return b.LocalPorts.Equal(AllPorts) && b.RemotePorts.Equal(AllPorts)
	}
	return b.LocalPorts.Contains(interval.Port(q.LocalPort)) && b.RemotePorts.Contains(interval.Port(q.RemotePort))
}

func eachTinyPoint(f func(flow.Tuple)) {
	for _, l := range tinyPoints {
		for _, r := range tinyPoints {
			q := flow.Tuple{Local: flow.AddressFrom(netip.MustParseAddr(l)), Remote: flow.AddressFrom(netip.MustParseAddr(r))}
			if q.Local.Is4() != q.Remote.Is4() {
				continue
			}
			for _, q.Protocol = range tinyProtocols {
				list := tinyPorts
				if !q.Protocol.HasPorts() {
					list = list[:1]
				}
				for _, q.LocalPort = range list {
					for _, q.RemotePort = range list {
						f(q)
					}
				}
			}
		}
	}
}

func checkAgainstPoints(t *testing.T, bytes []byte) {
	t.Helper()
	x := source{bytes}
	s := New()
	boxes := make([]Box, 2+x.pick(5))
	sets := make([]Set, len(boxes))
	for i := range boxes {
		boxes[i] = x.box()
		sets[i] = s.Box(boxes[i])
	}
	split := x.pick(len(sets))
	a, b := s.Union(sets[:split]...), s.Union(sets[split:]...)
	both, only, m := s.Intersection(a, b), s.Difference(a, b), s.FirstMatch(sets)
	eachTinyPoint(func(q flow.Tuple) {
		first, inA, inB := 0, false, false
		for i := range boxes {
			if holds(&boxes[i], q) {
				if first == 0 {
					first = i + 1
				}
				inA, inB = inA || i < split, inB || i >= split
			}
		}
		if s.Contains(a, q) != inA || s.Contains(b, q) != inB || s.Contains(both, q) != (inA && inB) || s.Contains(only, q) != (inA && !inB) || s.Label(m, q) != first {
			t.Fatalf("%+v: in a %v, in b %v, first %d", q, inA, inB, first)
		}
	})
	for _, set := range []Set{a, both, only, s.Complement(b)} {
		checkBoxes(t, s, set)
		checkWitness(t, s, set)
	}
	volume := new(big.Int).Add(s.Volume(both), s.Volume(only))
	if volume.Cmp(s.Volume(a)) != 0 {
		t.Fatalf("volumes of the parts %v, of the whole %v", volume, s.Volume(a))
	}
	other := New() // the same sets, made in another order
	var again Set
	for i := split - 1; i >= 0; i-- {
		again = other.Union(other.Box(boxes[i]), again)
	}
	p, q := s.Boxes(a), other.Boxes(again)
	if len(p) != len(q) {
		t.Fatalf("%d boxes, in another order %d", len(p), len(q))
	}
	for i := range p {
		if s.Box(p[i]) != s.Box(q[i]) {
			t.Fatalf("box %d depends on the order of work", i)
		}
	}
}

func FuzzAlgebra(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x03\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c"))
	f.Fuzz(func(t *testing.T, bytes []byte) {
		if len(bytes) < 512 {
			checkAgainstPoints(t, bytes)
		}
	})
}

func TestAlgebraAgainstPoints(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	for range 400 {
		bytes := make([]byte, 100)
		for i := range bytes {
			bytes[i] = byte(rng.Uint32())
		}
		checkAgainstPoints(t, bytes)
	}
}
