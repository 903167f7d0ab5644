package parquet

import (
	"encoding/binary"
	"math/bits"
)

// runBlock is the number of codes that are looked at together when choosing
// between a repeated and a bit-packed run. A multiple of 8, so that only a
// page's last run is padded.
const runBlock = 1024

// codeWidth returns the bits per code of a dictionary of n values, at least 1:
// not all readers take 0.
func codeWidth(n int) int { return max(1, bits.Len(uint(max(n, 1)-1))) }

// appendHybrid appends codes in Parquet's RLE/bit-packed hybrid: blocks of equal
// codes become repeated runs, all others join into bit-packed ones.
func appendHybrid(dst []byte, codes []uint32, width int) []byte {
	for i := 0; i < len(codes); {
		start := i
		if n := repeated(codes[i:]); n > 0 {
			i += n
			for i < len(codes) && codes[i] == codes[start] {
				m := repeated(codes[i:])
				if m == 0 {
					break
				}
				i += m
			}
			dst = appendRepeat(dst, codes[start], i-start, width)
			continue
		}
		for i < len(codes) && repeated(codes[i:]) == 0 {
			i = min(i+runBlock, len(codes))
		}
		dst = binary.AppendUvarint(dst, uint64((i-start+7)/8)<<1|1)
		dst = appendPacked(dst, codes[start:i], width)
	}
	return dst
}

// repeated returns the length of the block at the front if all its codes are
// equal, else 0.
func repeated(codes []uint32) int {
	block := codes[:min(runBlock, len(codes))]
	if block[0] != block[len(block)-1] {
		return 0
	}
	diff := uint32(0)
	for _, c := range block {
		diff |= c ^ block[0]
	}
	if diff != 0 {
		return 0
	}
	return len(block)
}

func appendRepeat(dst []byte, code uint32, n, width int) []byte {
	dst = binary.AppendUvarint(dst, uint64(n)<<1)
	for b := 0; b < width; b += 8 {
		dst = append(dst, byte(code>>b))
	}
	return dst
}

// appendPacked appends codes of width bits, lowest bit first, padded with zero
// codes to a multiple of 8 codes.
func appendPacked(dst []byte, codes []uint32, width int) []byte {
	whole := len(codes) &^ 7
	switch {
	case width <= 8:
		for i := 0; i < whole; i += 8 {
			c := codes[i : i+8 : i+8]
			w := uint(width)
			lo := uint64(c[0]) | uint64(c[1])<<w | uint64(c[2])<<(2*w) | uint64(c[3])<<(3*w)
			hi := uint64(c[4]) | uint64(c[5])<<w | uint64(c[6])<<(2*w) | uint64(c[7])<<(3*w)
			dst = binary.LittleEndian.AppendUint64(dst, lo|hi<<(4*w))
			dst = dst[:len(dst)-8+width]
		}
	case width <= 16:
		for i := 0; i < whole; i += 8 {
			c := codes[i : i+8 : i+8]
			w := uint(width)
			lo := uint64(c[0]) | uint64(c[1])<<w | uint64(c[2])<<(2*w) | uint64(c[3])<<(3*w)
			hi := uint64(c[4]) | uint64(c[5])<<w | uint64(c[6])<<(2*w) | uint64(c[7])<<(3*w)
			dst = binary.LittleEndian.AppendUint64(dst, lo|hi<<(4*w))
			dst = binary.LittleEndian.AppendUint64(dst, hi>>(64-4*w))
			dst = dst[:len(dst)-16+width]
		}
	default:
		for i := 0; i < whole; i += 8 {
			dst = appendEight(dst, codes[i:i+8], width)
		}
	}
	if whole < len(codes) {
		var last [8]uint32
		copy(last[:], codes[whole:])
		dst = appendEight(dst, last[:], width)
	}
	return dst
}

func appendEight(dst []byte, codes []uint32, width int) []byte {
	acc, n := uint64(0), 0
	for _, c := range codes {
		acc |= uint64(c) << n
		for n += width; n >= 8; n -= 8 {
			dst = append(dst, byte(acc))
			acc >>= 8
		}
	}
	return dst
}

// appendLevels appends the definition levels of rows whose validity bits start
// at valid[0], with their length before them as data pages want it. present is
// the number of set bits.
func appendLevels(dst, valid []byte, rows, present int) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	switch present {
	case rows:
		dst = appendRepeat(dst, 1, rows, 1)
	case 0:
		dst = appendRepeat(dst, 0, rows, 1)
	default:
		dst = binary.AppendUvarint(dst, uint64((rows+7)/8)<<1|1)
		dst = append(dst, valid[:(rows+7)/8]...)
	}
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

func popcount(valid []byte) int {
	n := 0
	for ; len(valid) >= 8; valid = valid[8:] {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(valid))
	}
	for _, b := range valid {
		n += bits.OnesCount8(b)
	}
	return n
}
