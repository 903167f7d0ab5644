package verify

import "unsafe"

// parseIPv4 reads dotted decimal as netip.ParseAddr does: four fields 0-255
// without leading zeros.
func parseIPv4(t []byte) (uint32, bool) {
	if len(t) < 7 || len(t) > 15 {
		return 0, false
	}
	var a, field uint32
	digits, dots := 0, 0
	for _, c := range t {
		if c == '.' {
			if digits == 0 || dots == 3 {
				return 0, false
			}
			a, field, digits, dots = a<<8|field, 0, 0, dots+1
			continue
		}
		d := uint32(c - '0')
		if d > 9 || digits > 0 && field == 0 {
			return 0, false
		}
		if field = field*10 + d; field > 255 {
			return 0, false
		}
		digits++
	}
	if dots != 3 || digits == 0 {
		return 0, false
	}
	return a<<8 | field, true
}

// ipv4Pattern is how the digits of an address lie whose four fields have certain lengths.
type ipv4Pattern struct {
	move  [16]uint8 // where the digits of each field are, three in four bytes; 128 for none
	least [4]int32  // of each field, so that its first digit is no 0
}

var _ = [1]struct{}{}[unsafe.Sizeof(ipv4Pattern{})-32] // the loop counts on it

// ipv4Patterns is by the lengths of the fields, less 1, two bits each. No address has the
// patterns of fields of length 4.
var ipv4Patterns = func() (patterns [256]ipv4Pattern) {
	for n := range patterns {
		p, at := &patterns[n], 0
		for field := range p.least {
			length := n>>(6-2*field)&3 + 1
			p.least[field] = [...]int32{0, 10, 100, 256}[length-1]
			for digit := range 4 {
				p.move[4*field+digit] = 128
				if place := digit + length - 4; place >= 0 && length < 4 {
					p.move[4*field+digit] = uint8(at + place)
				}
			}
			at += length + 1
		}
	}
	return patterns
}()

// ipv4 reads the texts from the first on as IPv4 addresses, those that are some, and
// returns how many it looked at: the last few, behind which there are fewer than 16 bytes,
// are left, and all where the processor has no such loop or offsets have 64 bits.
func (v *stringView) ipv4(v4 []uint32, family []uint8) int {
	if !hasParser || v.off32 == nil || len(v.bytes) < 16 {
		return 0
	}
	// Whatever offsets a file has: neither the first one, see ValueBytes, nor that one and
	// the bytes together are beyond 31 bits, so that no difference comes round.
	n, last := 0, uint32(len(v.bytes)-16)
	for n < len(v4) && uint32(v.off32[n]-v.off32[0]) <= last {
		n++
	}
	if n == 0 {
		return 0
	}
	parseIPv4s(&v.bytes[0], &v.off32[0], n, &v4[0], &family[0], &ipv4Patterns)
	if v.nulls.Any() {
		for i := range family[:n] {
			if v.nulls.At(i) {
				family[i] = 0
			}
		}
	}
	return n
}
