package flow

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Direction is the side of the NIC that a packet is on: Inbound packets arrive
// at the NIC (source is remote), Outbound packets leave it (source is local).
type Direction uint8

// The two directions. The zero value is neither.
const (
	Inbound  Direction = 1
	Outbound Direction = 2
)

// String returns Azure's spelling.
func (d Direction) String() string {
	switch d {
	case Inbound:
		return "Inbound"
	case Outbound:
		return "Outbound"
	}
	return "Direction(" + strconv.Itoa(int(d)) + ")"
}

// ParseDirection reads Inbound/Outbound, In/Out or I/O in any case.
func ParseDirection(s string) (Direction, bool) {
	switch {
	case strings.EqualFold(s, "Inbound"), strings.EqualFold(s, "In"), strings.EqualFold(s, "I"):
		return Inbound, true
	case strings.EqualFold(s, "Outbound"), strings.EqualFold(s, "Out"), strings.EqualFold(s, "O"):
		return Outbound, true
	}
	return 0, false
}

// Protocol is an IANA protocol number.
type Protocol uint8

// The protocols that Azure's rules name, and the IPv6 sibling of ICMP.
const (
	ICMP   Protocol = 1
	TCP    Protocol = 6
	UDP    Protocol = 17
	ESP    Protocol = 50
	AH     Protocol = 51
	ICMPv6 Protocol = 58
)

// HasPorts reports whether packets of the protocol carry the ports that
// security rules compare.
func (p Protocol) HasPorts() bool { return p == TCP || p == UDP }

// String returns Azure's spelling, or the number where Azure has none.
func (p Protocol) String() string {
	switch p {
	case ICMP:
		return "Icmp"
	case TCP:
		return "Tcp"
	case UDP:
		return "Udp"
	case ESP:
		return "Esp"
	case AH:
		return "Ah"
	}
	return strconv.Itoa(int(p))
}

// ParseProtocol reads a protocol name in any case, the letters T and U of flow
// logs, or an IANA number 0-255.
func ParseProtocol(s string) (Protocol, bool) {
	for i := range protocolNames {
		if strings.EqualFold(s, protocolNames[i].name) {
			return protocolNames[i].protocol, true
		}
	}
	if n, ok := ParsePort(s); ok && n <= 255 {
		return Protocol(n), true
	}
	return 0, false
}

var protocolNames = [...]struct {
	name     string
	protocol Protocol
}{
	{"tcp", TCP}, {"udp", UDP}, {"t", TCP}, {"u", UDP}, {"icmp", ICMP}, {"icmpv4", ICMP}, {"icmpv6", ICMPv6}, {"esp", ESP}, {"ah", AH},
}

// PortRange is an inclusive range of ports.
type PortRange struct {
	First, Last uint16 // First <= Last
}

// AllPorts is what `*` means in a port field.
var AllPorts = PortRange{0, 65535}

// Contains reports whether p lies in the range.
func (r PortRange) Contains(p uint16) bool { return r.First <= p && p <= r.Last }

// ParsePort reads a decimal port 0-65535 without sign, spaces or exponent.
func ParsePort(s string) (uint16, bool) {
	if s == "" || len(s) > 5 {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int(c)
	}
	return uint16(n), n <= 65535
}

// ParsePortRange reads `*`, `N` or `N-M`, spaces around the dash allowed.
// Ranges that run backwards or past 65535 are refused.
func ParsePortRange(s string) (PortRange, bool) {
	if p, ok := ParsePort(s); ok {
		return PortRange{p, p}, true
	}
	s = strings.TrimSpace(s)
	if s == "*" || strings.EqualFold(s, "any") {
		return AllPorts, true
	}
	first, last, ranged := strings.Cut(s, "-")
	f, ok := ParsePort(strings.TrimSpace(first))
	if !ok {
		return PortRange{}, false
	}
	if !ranged {
		return PortRange{f, f}, true
	}
	l, ok := ParsePort(strings.TrimSpace(last))
	if !ok || f > l {
		return PortRange{}, false
	}
	return PortRange{f, l}, true
}

// Access is the outcome of a question or of a rule. Its zero value is Unknown:
// forgetting to decide never reads as Allow.
type Access uint8

// The three answers.
const (
	Unknown Access = iota
	Allow
	Deny
)

// String returns the CONTRACT spelling.
func (a Access) String() string {
	switch a {
	case Unknown:
		return "Unknown"
	case Allow:
		return "Allow"
	case Deny:
		return "Deny"
	}
	panic(fmt.Sprintf("flow: access %d", uint8(a)))
}

// Layer is where on the way of a packet a rule list stands.
type Layer uint8

// The layers in the order their columns are listed. NoLayer is the zero value.
const (
	NoLayer Layer = iota
	SecurityAdmin
	Subnet
	NetworkInterface
)

// String returns the CONTRACT spelling, "" for NoLayer.
func (l Layer) String() string {
	switch l {
	case NoLayer:
		return ""
	case SecurityAdmin:
		return "SecurityAdmin"
	case Subnet:
		return "Subnet"
	case NetworkInterface:
		return "NetworkInterface"
	}
	panic(fmt.Sprintf("flow: layer %d", uint8(l)))
}

// RuleRef is the position of a rule in its network's rule table; 0 is no rule.
type RuleRef int32

// Tuple is the opening packet of a flow as one NIC sees it. It is 39 bytes,
// pointer-free and comparable.
type Tuple struct {
	Local, Remote         Address
	LocalPort, RemotePort uint16 // meaningful iff Protocol.HasPorts
	Protocol              Protocol
	Direction             Direction
	AnySourcePort         bool // the question left its source port open (`*`)
}

// Ports returns source and destination port in the packet's own order.
func (t Tuple) Ports() (source, destination uint16) {
	if t.Direction == Inbound {
		return t.RemotePort, t.LocalPort
	}
	return t.LocalPort, t.RemotePort
}

// Address is an IPv4 (as ::ffff:a.b.c.d) or IPv6 address in network order.
// IPv4-mapped IPv6 addresses and IPv4 addresses are the same value.
type Address [16]byte

// AddressFrom converts from netip; zones are dropped.
func AddressFrom(a netip.Addr) Address { return Address(a.As16()) }

// AddressFrom4 converts a host-order IPv4 address.
func AddressFrom4(v uint32) Address {
	return Address{10: 0xff, 11: 0xff, 12: byte(v >> 24), 13: byte(v >> 16), 14: byte(v >> 8), 15: byte(v)}
}

// Is4 reports whether the address is IPv4 (mapped).
func (a Address) Is4() bool {
	return a[0]|a[1]|a[2]|a[3]|a[4]|a[5]|a[6]|a[7]|a[8]|a[9] == 0 && a[10] == 0xff && a[11] == 0xff
}

// As4 returns the IPv4 address in host order; valid iff Is4.
func (a Address) As4() uint32 {
	return uint32(a[12])<<24 | uint32(a[13])<<16 | uint32(a[14])<<8 | uint32(a[15])
}

// Netip converts to netip, unmapping IPv4.
func (a Address) Netip() netip.Addr { return netip.AddrFrom16(a).Unmap() }

// String renders the address in its usual text form.
func (a Address) String() string { return a.Netip().String() }

// Verdict is one distinct answer. Two flows have the same verdict iff the
// structs are equal.
type Verdict struct {
	Access Access
	Layer  Layer   // layer of Rule; NoLayer when Rule is 0
	Rule   RuleRef // the deciding rule, or 0
	// The rule that certainly matched in each layer that is certainly
	// reached; 0 where the layer is absent, not reached or uncertain.
	AdminRule, SubnetRule, NICRule RuleRef
	// Reason is "no-nsg", a comma-joined sorted list of facts when Access is
	// Unknown, "rule-uncertain:FACT,…" when only the rule is in doubt, or "".
	Reason string
}

// Reasons of a Verdict.
const (
	ReasonNoNSG         = "no-nsg"
	ReasonRuleUncertain = "rule-uncertain:" // prefix of a fact list
)
