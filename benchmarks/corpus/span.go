package corpus

import (
	"encoding/binary"
	"net/netip"

	"ipflow/ingest/flow"
)

// span is a prefix in the form that random addresses are drawn from: IPv4 is
// mapped into IPv6.
type span struct {
	hi, lo uint64
	free   uint8 // bits that vary, 0-128
}

func spanOf(p netip.Prefix) span {
	a := p.Masked().Addr().As16()
	return span{
		hi: binary.BigEndian.Uint64(a[:8]), lo: binary.BigEndian.Uint64(a[8:]),
		free: uint8(p.Addr().BitLen() - p.Bits()),
	}
}

func spansOf(list []netip.Prefix) []span {
	out := make([]span, len(list))
	for i, p := range list {
		out[i] = spanOf(p)
	}
	return out
}

// masks are the bits of hi and lo that vary.
func (p span) masks() (hi, lo uint64) {
	if p.free <= 64 {
		return 0, uint64(1)<<p.free - 1 // Go shifts by 64 to 0
	}
	return uint64(1)<<(p.free-64) - 1, ^uint64(0)
}

// draw returns a random address of the span.
func (p span) draw(s *stream) flow.Address {
	mhi, mlo := p.masks()
	hi, lo := p.hi, p.lo|s.Uint64()&mlo
	if mhi != 0 {
		hi |= s.Uint64() & mhi
	}
	var a flow.Address
	binary.BigEndian.PutUint64(a[:8], hi)
	binary.BigEndian.PutUint64(a[8:], lo)
	return a
}

func (p span) contains(a flow.Address) bool {
	mhi, mlo := p.masks()
	return binary.BigEndian.Uint64(a[:8])&^mhi == p.hi && binary.BigEndian.Uint64(a[8:])&^mlo == p.lo
}

func (p span) is4() bool { return p.free <= 32 && p.hi == 0 && p.lo>>32 == 0xffff }
