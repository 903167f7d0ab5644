package interval

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// universe is the number of points the exhaustive tests draw from.
const universe = 10

func fromBits(b uint) Set[Port] {
	var rs []Range[Port]
	for i := range universe {
		if b>>i&1 == 1 {
			rs = append(rs, Range[Port]{Port(i), Port(i)})
		}
	}
	return Of(rs)
}

func toBits(s Set[Port]) (b uint) {
	for i := range universe {
		if s.Contains(Port(i)) {
			b |= 1 << i
		}
	}
	return b
}

func canonical(t *testing.T, s Set[Port]) {
	t.Helper()
	for i := range s {
		if s[i].First > s[i].Last || i > 0 && s[i-1].Last+1 >= s[i].First {
			t.Fatalf("not canonical: %v", s)
		}
	}
}

// Every pair of subsets of ten points: the algebra must equal bit operations.
func TestAlgebraExhaustively(t *testing.T) {
	sets := make([]Set[Port], 1<<universe)
	for b := range sets {
		sets[b] = fromBits(uint(b))
		if got := toBits(sets[b]); got != uint(b) {
			t.Fatalf("%b came back as %b", b, got)
		}
	}
	for a := range sets {
		for b := range sets {
			for name, c := range map[string]struct {
				got  Set[Port]
				want uint
			}{
				"union":        {Union(sets[a], sets[b]), uint(a | b)},
				"difference":   {Difference(sets[a], sets[b]), uint(a &^ b)},
				"intersection": {Intersection(sets[a], sets[b]), uint(a & b)},
			} {
				if !c.got.Equal(sets[c.want]) {
					t.Fatalf("%s of %b and %b = %v, want %v", name, a, b, c.got, sets[c.want])
				}
			}
			if sets[a].Covers(sets[b]) != (b&^a == 0) {
				t.Fatalf("Covers(%b, %b) wrong", a, b)
			}
		}
		if testing.Short() && a > 64 {
			break
		}
	}
}

func TestOfMergesAtTheEdges(t *testing.T) {
	s := Of([]Range[Port]{{60000, 65535}, {0, 10}, {11, 20}, {59999, 59999}, {5, 7}})
	canonical(t, s)
	if want := (Set[Port]{{0, 20}, {59999, 65535}}); !s.Equal(want) {
		t.Errorf("got %v, want %v", s, want)
	}
	all := Of([]Range[Port]{{0, 65535}})
	if d := Difference(all, s); !d.Equal(Set[Port]{{21, 59998}}) {
		t.Errorf("difference %v", d)
	}
	if d := Difference(s, all); len(d) != 0 {
		t.Errorf("difference %v", d)
	}
}

func TestPrefixRanges(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var b [16]byte
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		p4 := netip.PrefixFrom(netip.AddrFrom4([4]byte(b[:4])), rng.IntN(33)).Masked()
		r4 := PrefixIPv4(p4)
		if r4.First.Netip() != p4.Addr() || !p4.Contains(r4.Last.Netip()) {
			t.Fatalf("%v: %v", p4, r4)
		}
		if after, ok := r4.Last.Next(); ok && p4.Contains(after.Netip()) {
			t.Fatalf("%v ends too early: %v", p4, r4)
		}
		p6 := netip.PrefixFrom(netip.AddrFrom16(b), rng.IntN(129)).Masked()
		r6 := PrefixIPv6(p6)
		if r6.First.Netip() != p6.Addr() || !p6.Contains(r6.Last.Netip()) {
			t.Fatalf("%v: %v", p6, r6)
		}
		if after, ok := r6.Last.Next(); ok && p6.Contains(after.Netip()) {
			t.Fatalf("%v ends too early: %v", p6, r6)
		}
		if prev, ok := r6.First.Prev(); ok && p6.Contains(prev.Netip()) {
			t.Fatalf("%v starts too late: %v", p6, r6)
		}
	}
}
