package space

import (
	"math/rand/v2"
	"strings"
	"testing"

	"ipflow/index"
	"ipflow/ingest/flow"
)

// What WordsOf writes, BoxOf reads back as the same points.
func TestWordsRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	s := New()
	for range 300 {
		bytes := make([]byte, 40)
		for i := range bytes {
			bytes[i] = byte(rng.Uint32())
		}
		x := source{bytes}
		b := x.box()
		if s.Box(b).Empty() {
			continue
		}
		var back []Set
		for _, w := range WordsOf(b) {
			if p := strings.Split(w.Protocol, ","); len(p) > 1 && (strings.Contains(w.Protocol, "Tcp") || strings.Contains(w.Protocol, "Udp")) {
				t.Errorf("protocol %q joins ports and none", w.Protocol)
			}
			box, err := BoxOf(w)
			if err != nil {
				t.Fatalf("%+v: %v", w, err)
			}
			back = append(back, s.Box(box))
		}
		if s.Union(back...) != s.Box(b) {
			t.Fatalf("%+v came back as something else", b)
		}
	}
}

func TestProtocolsText(t *testing.T) {
	without := func(p flow.Protocol) index.Protocols {
		out := index.AllProtocols
		out[p>>6] &^= 1 << (p & 63)
		return out
	}
	for want, s := range map[string]index.Protocols{
		"any protocol":                index.AllProtocols,
		"any protocol but Tcp":        without(flow.TCP),
		"any protocol but Udp":        without(flow.UDP),
		"Tcp":                         index.ProtocolsOf(flow.TCP),
		"Tcp, Udp, Icmp,47":           index.ProtocolsOf(flow.TCP, flow.UDP, flow.ICMP, 47),
		"Tcp, Udp, 0,2-5,7-16,18-255": without(flow.ICMP),
		"254-255":                     index.ProtocolsOf(254, 255),
	} {
		if got := ProtocolsText(s); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if back, err := ParseProtocols(strings.ReplaceAll(want, "any protocol", "*")); strings.Contains(want, "but") == (err == nil && back == s) {
			t.Errorf("%q read back: %v", want, err)
		}
	}
}

// Turned, cut into parts and asked for services, a Map says what it said.
func TestTurnedPartsAndServices(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		bytes := make([]byte, 60)
		for i := range bytes {
			bytes[i] = byte(rng.Uint32())
		}
		x := source{bytes}
		s := New()
		b, c := x.box(), x.box()
		b.Local, c.Local = AllAddresses, AllAddresses
		m, near := s.FirstMatch([]Set{s.Box(b), s.Box(c)}), x.box().Remote
		turned := s.Turned(m, near)
		parts := s.Parts(turned, AllAddresses)
		eachTinyPoint(func(q flow.Tuple) {
			other := q
			other.Local, other.Remote = q.Remote, q.Local // ports stay
			want := 0
			if near.Contains(q.Remote.Netip()) {
				want = s.Label(m, other)
			}
			if got := s.Label(turned, q); got != want {
				t.Fatalf("%+v turned has label %d, want %d", q, got, want)
			}
			found := 0
			for _, p := range parts {
				if p.Local.Contains(q.Local.Netip()) {
					found++
					if got := s.Label(p.Map, q); got != want {
						t.Fatalf("%+v in its part has label %d, want %d", q, got, want)
					}
				}
			}
			if found != 1 {
				t.Fatalf("%s is in %d parts", q.Local, found)
			}
			v4, v6 := s.Services(m, prefixes(q.Remote.Netip().String()+map[bool]string{true: "/32", false: "/128"}[q.Remote.Is4()]), nil, nil)
			services := append(v4, v6...)
			at := q
			at.Local, at.Remote = flow.AddressFrom4(1), flow.AddressFrom4(2) // services are IPv4 only
			if len(services) != 1 || s.Label(services[0], at) != s.Label(m, q) {
				t.Fatalf("%d services at %s", len(services), q.Remote)
			}
		})
	}
}
