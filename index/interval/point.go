package interval

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Point is an element of a finite ordered space with neighbours.
type Point[T any] interface {
	comparable
	Compare(T) int
	Next() (T, bool) // false at the last point of the space
	Prev() (T, bool) // false at the first
}

// Port is a TCP or UDP port.
type Port uint16

// IPv4 is an address in host order.
type IPv4 uint32

// IPv6 is an address as two host-order halves.
type IPv6 struct{ Hi, Lo uint64 }

// Compare orders ports.
func (p Port) Compare(q Port) int { return cmp.Compare(p, q) }

// Next returns the port after p.
func (p Port) Next() (Port, bool) { return p + 1, p != 1<<16-1 }

// Prev returns the port before p.
func (p Port) Prev() (Port, bool) { return p - 1, p != 0 }

// Compare orders addresses.
func (a IPv4) Compare(b IPv4) int { return cmp.Compare(a, b) }

// Next returns the address after a.
func (a IPv4) Next() (IPv4, bool) { return a + 1, a != 1<<32-1 }

// Prev returns the address before a.
func (a IPv4) Prev() (IPv4, bool) { return a - 1, a != 0 }

// Netip converts the address.
func (a IPv4) Netip() netip.Addr {
	return netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
}

// Compare orders addresses.
func (a IPv6) Compare(b IPv6) int {
	if a.Hi != b.Hi {
		return cmp.Compare(a.Hi, b.Hi)
	}
	return cmp.Compare(a.Lo, b.Lo)
}

// Next returns the address after a.
func (a IPv6) Next() (IPv6, bool) {
	lo, carry := bits.Add64(a.Lo, 1, 0)
	hi, over := bits.Add64(a.Hi, 0, carry)
	return IPv6{hi, lo}, over == 0
}

// Prev returns the address before a.
func (a IPv6) Prev() (IPv6, bool) {
	lo, borrow := bits.Sub64(a.Lo, 1, 0)
	hi, under := bits.Sub64(a.Hi, 0, borrow)
	return IPv6{hi, lo}, under == 0
}

// Netip converts the address.
func (a IPv6) Netip() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.Hi)
	binary.BigEndian.PutUint64(b[8:], a.Lo)
	return netip.AddrFrom16(b)
}

// FromIPv4 converts an IPv4 address; valid iff a.Is4().
func FromIPv4(a netip.Addr) IPv4 {
	b := a.As4()
	return IPv4(binary.BigEndian.Uint32(b[:]))
}

// FromIPv6 converts an IPv6 address.
func FromIPv6(a netip.Addr) IPv6 {
	b := a.As16()
	return IPv6{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// PrefixIPv4 returns the range of an IPv4 prefix.
func PrefixIPv4(p netip.Prefix) Range[IPv4] {
	first := FromIPv4(p.Masked().Addr())
	return Range[IPv4]{first, first | IPv4(1<<(32-p.Bits())-1)}
}

// PrefixIPv6 returns the range of an IPv6 prefix.
func PrefixIPv6(p netip.Prefix) Range[IPv6] {
	first := FromIPv6(p.Masked().Addr())
	last := first
	switch n := p.Bits(); {
	case n < 64:
		last.Hi |= ^uint64(0) >> n
		last.Lo = ^uint64(0)
	case n < 128:
		last.Lo |= ^uint64(0) >> (n - 64)
	}
	return Range[IPv6]{first, last}
}
