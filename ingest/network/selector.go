package network

import (
	"net/netip"
	"strconv"
	"strings"
)

// SelectorKind is what an address field of a rule names.
type SelectorKind uint8

// The kinds of selector.
const (
	SelectAny               SelectorKind = iota // `*`: both families
	SelectPrefix                                // Prefix
	SelectVirtualNetwork                        // the tag VirtualNetwork, seen from the NIC's subnet
	SelectInternet                              // the tag Internet
	SelectAzureLoadBalancer                     // the tag AzureLoadBalancer
	SelectServiceTag                            // any other tag, looked up by Text
	SelectASG                                   // application security group, id in Text
	SelectUnknown                               // unreadable: Fact says why; may match every address
)

// Selector is one element of a rule's source or destination.
type Selector struct {
	Kind   SelectorKind
	Prefix netip.Prefix // masked; valid iff Kind is SelectPrefix
	Text   string       // as written: prefix, tag or ASG id
	Fact   string       // valid iff Kind is SelectUnknown
}

func (k SelectorKind) canonical() string {
	switch k {
	case SelectAny:
		return "*"
	case SelectVirtualNetwork:
		return "VirtualNetwork"
	case SelectInternet:
		return "Internet"
	case SelectAzureLoadBalancer:
		return "AzureLoadBalancer"
	case SelectPrefix, SelectServiceTag, SelectASG, SelectUnknown:
		return ""
	}
	panic("network: selector kind " + strconv.Itoa(int(k)))
}

// ParseSelector reads an address prefix field: `*`, a prefix, a bare address,
// an old-style integer address, or a service tag in any case, the classic
// spellings included. The remark, when not "", says what a reader should know;
// ok is false when the text can be none of these.
func ParseSelector(text string) (s Selector, remark string, ok bool) {
	t := strings.TrimSpace(text)
	s.Text = t
	if plain, ok := prefix4(t); ok {
		s.Kind, s.Prefix = SelectPrefix, plain
		return s, "", true
	}
	switch Key(t) {
	case "*", "any":
		return s, "", true
	case "virtualnetwork", "virtual_network":
		s.Kind = SelectVirtualNetwork
		return s, "", true
	case "internet":
		s.Kind = SelectInternet
		return s, "", true
	case "azureloadbalancer", "azure_loadbalancer":
		s.Kind = SelectAzureLoadBalancer
		return s, "", true
	}
	// A prefix begins with a digit or holds a colon.
	if isTagName(t) {
		s.Kind = SelectServiceTag
		return s, "", true
	}
	p, remark, ok := ParsePrefix(t)
	if ok {
		s.Kind, s.Prefix = SelectPrefix, p
	}
	return s, remark, ok
}

// ParsePrefix reads a CIDR prefix, a bare address (/32 or /128), or a bare
// integer, which Azure stores as an old IPv4 address. Host bits are masked away.
func ParsePrefix(t string) (p netip.Prefix, remark string, ok bool) {
	if p, ok := prefix4(t); ok {
		return p, "", true
	}
	if strings.Contains(t, "/") {
		p, err := netip.ParsePrefix(t)
		if err != nil || p.Addr().Is4In6() {
			return netip.Prefix{}, "", false
		}
		if p != p.Masked() {
			remark = "host bits of " + t + " are set; read as " + p.Masked().String()
		}
		return p.Masked(), remark, true
	}
	if a, err := netip.ParseAddr(t); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), "", true
	}
	if n, err := strconv.ParseUint(t, 10, 32); err == nil && t[0] != '+' {
		a := netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		return netip.PrefixFrom(a, 32), "bare integer " + t + " read as the address " + a.String(), true
	}
	return netip.Prefix{}, "", false
}

// PlainPrefix reads an IPv4 address or prefix that ParseSelector takes without a
// remark. That it takes most but not all of them makes it fast.
func PlainPrefix(text string) (netip.Prefix, bool) { return prefix4(text) }

// prefix4 reads an IPv4 address or prefix as nearly all rules have them: decimal,
// no leading zeros, no host bits. What it does not take may still be a prefix.
func prefix4(t string) (netip.Prefix, bool) {
	var addr, octet, octets, digits uint32
	bits := 32
	for i := 0; ; i++ {
		switch {
		case i < len(t) && t[i]-'0' <= 9:
			if digits > 0 && octet == 0 {
				return netip.Prefix{}, false
			}
			octet = octet*10 + uint32(t[i]-'0')
			digits++
			if octet > 255 {
				return netip.Prefix{}, false
			}
			continue
		case digits == 0:
			return netip.Prefix{}, false
		}
		addr, octet, digits = addr<<8|octet, 0, 0
		octets++
		if i < len(t) && t[i] == '.' && octets < 4 {
			continue
		}
		if octets < 4 {
			return netip.Prefix{}, false
		}
		switch rest := t[i:]; {
		case rest == "":
		case len(rest) == 2 && rest[0] == '/' && rest[1]-'0' <= 9:
			bits = int(rest[1] - '0')
		case len(rest) == 3 && rest[0] == '/' && rest[1]-'1' <= 2 && rest[2]-'0' <= 9:
			bits = int(rest[1]-'0')*10 + int(rest[2]-'0')
		default:
			return netip.Prefix{}, false
		}
		if bits > 32 || uint64(addr)<<bits&0xffffffff != 0 {
			return netip.Prefix{}, false
		}
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(addr >> 24), byte(addr >> 16), byte(addr >> 8), byte(addr)}), bits), true
	}
}

// isTagName reports whether t is shaped like a service tag: a letter, then
// letters, digits, dots, dashes and underscores.
func isTagName(t string) bool {
	if t == "" || len(t) > 128 {
		return false
	}
	for i := range len(t) {
		c := t[i] | 0x20
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || !('0' <= t[i] && t[i] <= '9') && t[i] != '.' && t[i] != '-' && t[i] != '_') {
			return false
		}
	}
	return true
}
