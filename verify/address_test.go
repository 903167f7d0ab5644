package verify

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"ipflow/ingest/flow"
)

// FuzzParseIPv4 holds the fast parser to netip's.
func FuzzParseIPv4(f *testing.F) {
	for _, s := range []string{"10.0.0.4", "255.255.255.255", "0.0.0.0", "1.2.3", "01.2.3.4", "1.2.3.256", "1..2.3", "::ffff:1.2.3.4", "1.2.3.4.", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseIPv4([]byte(s))
		a, err := parseNetip(s)
		if ok != (err == nil) || ok && got != a {
			t.Errorf("%q: %x %v, netip %x %v", s, got, ok, a, err)
		}
	})
}

func parseNetip(s string) (uint32, error) {
	if strings.Contains(s, ":") {
		return 0, errors.New("not IPv4")
	}
	var a flow.Address
	addr, err := netip.ParseAddr(s)
	if err == nil {
		a = flow.AddressFrom(addr)
	}
	return a.As4(), err
}

// FuzzParseIPv6 holds the fast parser to netip's; it may leave a form to netip but
// never read one otherwise.
func FuzzParseIPv6(f *testing.F) {
	for _, s := range []string{
		"::", "::1", "1::", "2600:1f18::a", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7::8", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:::2", ":1", "1:",
		"12345::", "::ffff:1.2.3.4", "fe80::1%eth0", "G::", "::FfFf:ABCD", "1:2:3:4:5:6:7:8:9", ":::", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseIPv6([]byte(s))
		a, err := netip.ParseAddr(s)
		if ok && (err != nil || a.Zone() != "" || fromIPv6(got) != flow.Address(a.As16())) {
			t.Errorf("%q: %x, netip %v %v", s, got, a, err)
		}
		plain := err == nil && a.Is6() && a.Zone() == "" && !strings.Contains(s, ".")
		if plain && !ok {
			t.Errorf("%q is left to netip", s)
		}
	})
}

// The forms that addresses are written in, and those with one character changed.
func TestParseAddresses(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	read := 0
	for range 200_000 {
		var text string
		if rng.IntN(2) == 0 {
			text = fmt.Sprintf("%d.%d.%d.%d", rng.IntN(260), rng.IntN(1<<rng.IntN(10)), rng.IntN(256), rng.IntN(256))
		} else {
			var b [16]byte
			for i := range b {
				b[i] = byte(rng.IntN(1 << rng.IntN(9)))
			}
			text = netip.AddrFrom16(b).String()
		}
		if rng.IntN(2) == 0 {
			changed := []byte(text)
			changed[rng.IntN(len(changed))] = "0123456789abcfF.:-/x"[rng.IntN(20)]
			text = string(changed)
		}
		want, err := netip.ParseAddr(text)
		v4, ok4 := parseIPv4([]byte(text))
		if ok4 != (err == nil && want.Is4()) || ok4 && flow.AddressFrom4(v4) != flow.AddressFrom(want) {
			t.Fatalf("%q: %x %v, netip %v %v", text, v4, ok4, want, err)
		}
		a, ok := parseAddress([]byte(text), false)
		if ok != (err == nil) || ok && a != flow.AddressFrom(want) {
			t.Fatalf("%q: %v %v, netip %v %v", text, a, ok, want, err)
		}
		if ok {
			read++
		}
	}
	if read < 50_000 {
		t.Errorf("only %d were addresses", read)
	}
}

func BenchmarkParseAddress(b *testing.B) {
	for name, draw := range map[string]func(*rand.Rand) string{
		"family=4": func(rng *rand.Rand) string {
			return netip.AddrFrom4([4]byte{byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32())}).String()
		},
		"family=6": func(rng *rand.Rand) string {
			return fmt.Sprintf("2603:%x:%x::%x", rng.IntN(1<<16), rng.IntN(1<<12), rng.IntN(1<<16))
		},
	} {
		b.Run(name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			texts := make([][]byte, 1<<12)
			for i := range texts {
				texts[i] = []byte(draw(rng))
			}
			i := 0
			for b.Loop() {
				if _, ok := parseIPv4(texts[i&(len(texts)-1)]); !ok {
					parseAddress(texts[i&(len(texts)-1)], false)
				}
				i++
			}
		})
	}
}

// Addresses of 16 bytes: mapped IPv4, IPv6, nulls, and a slice that begins later.
func TestBinaryAddresses(t *testing.T) {
	texts := []string{"10.0.0.4", "2600::1", "", "::", "::ffff:0:0", "255.255.255.255", "::fffe:1.2.3.4", "", "1::ffff:1.2.3.4", "::1:0:ffff:808:808", "::ffff:0:0:808:808", "::ff00:0:ff:1:1"}
	build := array.NewFixedSizeBinaryBuilder(memory.DefaultAllocator, &arrow.FixedSizeBinaryType{ByteWidth: 16})
	for _, s := range texts {
		if s == "" {
			build.AppendNull()
			continue
		}
		a := netip.MustParseAddr(s).As16()
		build.Append(a[:])
	}
	whole := build.NewArray()
	for from := range texts {
		part := array.NewSlice(whole, int64(from), int64(len(texts)))
		var l addresses
		l.decode(part, part.Len())
		for i, s := range texts[from:] {
			got, ok := l.at(i)
			if ok != (s != "") || ok && got != flow.AddressFrom(netip.MustParseAddr(s)) {
				t.Errorf("row %d of the rows from %d: %v %v, want %q", i, from, got, ok, s)
			}
		}
	}
}
