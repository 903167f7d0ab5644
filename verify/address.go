package verify

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// parseIPv6 reads what most IPv6 addresses are: groups of one to four hexadecimal
// digits and at most one "::". Other forms are left to netip.
func parseIPv6(t []byte) (a interval.IPv6, ok bool) {
	if len(t) < 2 || len(t) > 39 {
		return a, false
	}
	var groups [8]uint16
	n, gap, digits, value := 0, -1, 0, uint32(0)
	if t[0] == ':' {
		if t[1] != ':' {
			return a, false
		}
		gap, t = 0, t[2:]
	}
	for i, c := range t {
		if d := hexValues[c]; d < 16 {
			if digits++; digits > 4 {
				return a, false
			}
			value = value<<4 | uint32(d)
			continue
		}
		if c != ':' || n == 8 || i+1 == len(t) && digits > 0 {
			return a, false
		}
		if digits == 0 { // the second colon of a gap
			if gap >= 0 || i == 0 {
				return a, false
			}
			gap = n
			continue
		}
		groups[n], digits, value = uint16(value), 0, 0
		n++
	}
	if digits > 0 {
		if n == 8 {
			return a, false
		}
		groups[n] = uint16(value)
		n++
	}
	if gap < 0 && n < 8 || gap >= 0 && n == 8 {
		return a, false
	}
	if gap >= 0 {
		moved := n - gap
		copy(groups[8-moved:], groups[gap:n])
		clear(groups[gap : 8-moved])
	}
	a.Hi = uint64(groups[0])<<48 | uint64(groups[1])<<32 | uint64(groups[2])<<16 | uint64(groups[3])
	a.Lo = uint64(groups[4])<<48 | uint64(groups[5])<<32 | uint64(groups[6])<<16 | uint64(groups[7])
	return a, true
}

// hexValues is 16 for what is no hexadecimal digit.
var hexValues = func() (values [256]uint8) {
	for c := range values {
		switch {
		case '0' <= c && c <= '9':
			values[c] = uint8(c - '0')
		case 'a' <= c|0x20 && c|0x20 <= 'f' && c < 0x80:
			values[c] = uint8(c|0x20-'a') + 10
		default:
			values[c] = 16
		}
	}
	return values
}()

// parseAddress reads an address that is not plain dotted decimal: text or, in
// binary columns, 4 or 16 bytes.
func parseAddress(t []byte, binaryColumn bool) (flow.Address, bool) {
	if binaryColumn {
		switch len(t) {
		case 16:
			return flow.Address(t), true
		case 4:
			return flow.AddressFrom4(binary.BigEndian.Uint32(t)), true
		}
	}
	if len(t) < 2 || len(t) > 64 {
		return flow.Address{}, false
	}
	if a, ok := parseIPv6(t); ok {
		return fromIPv6(a), true
	}
	a, err := netip.ParseAddr(strings.TrimSpace(string(t)))
	if err != nil || a.Zone() != "" {
		return flow.Address{}, false
	}
	return flow.AddressFrom(a), true
}
