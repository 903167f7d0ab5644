package flowfile

import "encoding/binary"

// scan sets a bit in masks for each byte of text that is the wanted one, lowest bit
// first. text has at least 64 bytes for each mask. It reports whether one of them is
// above 0x7f.
func scan(masks []uint64, text []byte, wanted byte) (high bool) {
	if len(masks) == 0 {
		return false
	}
	text = text[:64*len(masks)]
	if hasScan {
		return vectorScan(&text[0], len(masks), wanted, &masks[0])
	}
	return plainScan(masks, text, wanted)
}

const (
	ones = 0x0101010101010101
	// together moves the lowest bit of each of eight bytes into the highest byte, the
	// first byte's lowest.
	together = 0x0102040810204080
)

// plainScan is scan eight bytes at a time; most of them have none that is wanted.
func plainScan(masks []uint64, text []byte, wanted byte) (high bool) {
	all, pattern := uint64(0), uint64(wanted)*ones
	for i := range masks {
		mask := uint64(0)
		block := text[64*i : 64*i+64 : 64*i+64]
		for at := 0; at < 64; at += 8 {
			w := binary.LittleEndian.Uint64(block[at : at+8])
			all |= w
			w ^= pattern
			if (w-ones)&^w&(0x80*ones) == 0 {
				continue
			}
			others := (w&(0x7f*ones) + 0x7f*ones) | w // the highest bit of a byte is 0 where w is
			mask |= (^others >> 7 & ones) * together >> 56 << at
		}
		masks[i] = mask
	}
	return all&(0x80*ones) != 0
}
