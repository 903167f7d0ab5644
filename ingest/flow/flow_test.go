package flow

import (
	"net/netip"
	"strconv"
	"testing"
	"unsafe"
)

func TestParsePortRange(t *testing.T) {
	ok := map[string]PortRange{
		"*": {0, 65535}, "0-65535": {0, 65535}, "22": {22, 22}, "500-1000": {500, 1000}, "80 - 90": {80, 90}, "22-22": {22, 22},
	}
	for s, want := range ok {
		if got, good := ParsePortRange(s); !good || got != want {
			t.Errorf("ParsePortRange(%q) = %v, %v; want %v", s, got, good, want)
		}
	}
	for _, s := range []string{"", "-", "90-80", "65536", "1-65536", "a", "1-2-3", "+1", "-5", "1e3", "000000"} {
		if got, good := ParsePortRange(s); good {
			t.Errorf("ParsePortRange(%q) = %v, want refusal", s, got)
		}
	}
}

func TestParsePortRangeOfOnePort(t *testing.T) {
	for n := range 70_000 {
		for _, s := range []string{strconv.Itoa(n), " " + strconv.Itoa(n), strconv.Itoa(n) + "-" + strconv.Itoa(n)} {
			got, ok := ParsePortRange(s)
			if want := (PortRange{uint16(n), uint16(n)}); ok != (n <= 65535) || ok && got != want {
				t.Errorf("ParsePortRange(%q) = %v, %t", s, got, ok)
			}
		}
	}
}

func TestParseProtocolAndDirection(t *testing.T) {
	for s, want := range map[string]Protocol{"TCP": TCP, "tcp": TCP, "T": TCP, "u": UDP, "17": UDP, "Icmp": ICMP, "255": 255, "0": 0, "Esp": ESP, "AH": AH, "58": ICMPv6} {
		if got, ok := ParseProtocol(s); !ok || got != want {
			t.Errorf("ParseProtocol(%q) = %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "256", "-1", "*", "tcpp", "6.0"} {
		if _, ok := ParseProtocol(s); ok {
			t.Errorf("ParseProtocol(%q) accepted", s)
		}
	}
	for s, want := range map[string]Direction{"Inbound": Inbound, "outbound": Outbound, "I": Inbound, "Out": Outbound} {
		if got, ok := ParseDirection(s); !ok || got != want {
			t.Errorf("ParseDirection(%q) = %v, %v", s, got, ok)
		}
	}
}

func TestAddressRoundTrip(t *testing.T) {
	for _, s := range []string{"10.0.0.4", "255.255.255.255", "0.0.0.0", "2001:db8::1", "::", "::1"} {
		a := netip.MustParseAddr(s)
		if got := AddressFrom(a).Netip(); got != a {
			t.Errorf("%s came back as %s", a, got)
		}
		if AddressFrom(a).Is4() != a.Is4() {
			t.Errorf("%s: Is4 = %v", s, !a.Is4())
		}
	}
	if a := AddressFrom4(0x0a000004); a.String() != "10.0.0.4" || a.As4() != 0x0a000004 {
		t.Errorf("AddressFrom4: %s", a)
	}
	if AddressFrom(netip.MustParseAddr("::ffff:10.0.0.4")) != AddressFrom4(0x0a000004) {
		t.Error("an IPv4-mapped address is not the IPv4 address")
	}
}

func TestZeroValuesDecideNothing(t *testing.T) {
	var v Verdict
	if v.Access != Unknown || v.Layer != NoLayer || v.Rule != 0 {
		t.Errorf("zero verdict decides: %+v", v)
	}
	if n := unsafe.Sizeof(Tuple{}); n > 40 {
		t.Errorf("Tuple is %d bytes", n)
	}
}
