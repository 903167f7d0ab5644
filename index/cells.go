package index

import "slices"

// cells are outcome numbers, row-major: words while a table is made, and as many bits
// as the numbers need in what is kept of it.
type cells struct {
	wide   []uint16
	narrow []uint8 // numbers of 8 bits
	packed []uint8 // numbers of 12 bits: two in three bytes, the first in the lower bits
	count  int     // of packed
}

func (c *cells) len() int { return max(len(c.wide), len(c.narrow), c.count) }

func (c *cells) bytes() int { return 2*len(c.wide) + len(c.narrow) + len(c.packed) }

func (c *cells) at(i uint32) uint32 {
	switch {
	case c.narrow != nil:
		return uint32(c.narrow[i])
	case c.packed != nil:
		at := i + i>>1
		return (uint32(c.packed[at]) | uint32(c.packed[at+1])<<8) >> (i & 1 << 2) & 0xfff
	}
	return uint32(c.wide[i])
}

// clone copies cells that are wide and below n.
func (c *cells) clone(n int) cells {
	switch {
	case n <= 1<<8:
		narrow := make([]uint8, len(c.wide))
		for i, x := range c.wide {
			narrow[i] = uint8(x)
		}
		return cells{narrow: narrow}
	case n <= 1<<12:
		packed := make([]uint8, 3*((len(c.wide)+1)/2))
		for i, x := range c.wide {
			at := i + i>>1
			if i&1 == 0 {
				packed[at], packed[at+1] = uint8(x), uint8(x>>8)
			} else {
				packed[at], packed[at+1] = packed[at]|uint8(x)<<4, uint8(x>>4)
			}
		}
		return cells{packed: packed, count: len(c.wide)}
	}
	return cells{wide: slices.Clone(c.wide)}
}
