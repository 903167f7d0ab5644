package index

import (
	"math/bits"

	"ipflow/index/interval"
)

// The searches below find the elementary interval of a point: the last start
// that is not above it. starts[0] is the first point of the space, so there
// always is one. They halve a base without branching on the data: the borrow of
// start - point turns into a mask, because a compiler's conditional jump would
// be mispredicted every other step (measured in docs/performance.md).

// search16 finds a port's interval.
func search16(starts []uint16, p uint16) int {
	base := 0
	for n := len(starts); n > 1; {
		half := n >> 1
		_, above := bits.Sub32(uint32(p), uint32(starts[base+half]), 0) // 1 when the start is above p
		base += half & (int(above) - 1)
		n -= half
	}
	return base
}

// search32 finds an IPv4 address's interval.
func search32[T ~uint32](starts []T, a T) int {
	base := 0
	for n := len(starts); n > 1; {
		half := n >> 1
		_, above := bits.Sub32(uint32(a), uint32(starts[base+half]), 0)
		base += half & (int(above) - 1)
		n -= half
	}
	return base
}

// search128 finds an IPv6 address's interval.
func search128(starts []interval.IPv6, a interval.IPv6) int {
	base := 0
	for n := len(starts); n > 1; {
		half := n >> 1
		s := starts[base+half]
		_, borrow := bits.Sub64(a.Lo, s.Lo, 0)
		_, above := bits.Sub64(a.Hi, s.Hi, borrow)
		base += half & (int(above) - 1)
		n -= half
	}
	return base
}
