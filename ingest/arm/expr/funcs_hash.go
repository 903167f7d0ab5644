package expr

import (
	"crypto/sha1" // UUID version 5 is defined with it
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"
)

// joined is the arguments with a dash between them, which both hashes are of.
func (c *call) joined() (string, error) {
	s := strings.Join(c.texts(), "-")
	return s, c.spend(len(s), len(s))
}

// guid is a version 5 UUID of the arguments in ARM's name space.
// https://github.com/Azure/azure-policy-linter (ARMNamespaceGuid)
func guid(c *call) (Value, error) {
	s, err := c.joined()
	if err != nil {
		return nil, err
	}
	namespace := [16]byte{0x11, 0xfb, 0x06, 0xfb, 0x71, 0x2d, 0x4d, 0xdd, 0x98, 0xc7, 0xe7, 0x1b, 0xbd, 0x58, 0x88, 0x30}
	h := sha1.Sum(append(namespace[:], s...))
	u := h[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return c.string(fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:]))
}

// uniqueString is 13 characters of base 32 of a 64-bit hash of the arguments.
func uniqueString(c *call) (Value, error) {
	s, err := c.joined()
	if err != nil {
		return nil, err
	}
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	h := murmur64([]byte(s))
	var out [13]byte
	for i := range out {
		out[i] = alphabet[h>>59]
		h <<= 5
	}
	return c.string(string(out[:]))
}

// murmur64 is the variant of MurmurHash3 with two lanes of 32 bits that Azure
// uses, seed 0. The constants and the order of steps are pinned by the vectors
// of the tests, which come from Azure.
func murmur64(b []byte) uint64 {
	const c1, c2 = 0xab0e9789, 0x239b961b
	var h1, h2 uint32
	mix := func(k, by1, by2 uint32, rot int) uint32 { return bits.RotateLeft32(k*by1, rot) * by2 }
	size := uint32(len(b))
	for ; len(b) >= 8; b = b[8:] {
		h1 ^= mix(binary.LittleEndian.Uint32(b), c2, c1, 15)
		h1 = bits.RotateLeft32(h1, 19) + h2
		h1 = h1*5 + 0x561ccd1b
		h2 ^= mix(binary.LittleEndian.Uint32(b[4:]), c1, c2, 17)
		h2 = bits.RotateLeft32(h2, 13) + h1
		h2 = h2*5 + 0x0bcaa747
	}
	if len(b) > 0 {
		var tail [8]byte
		copy(tail[:], b)
		h1 ^= mix(binary.LittleEndian.Uint32(tail[:]), c2, c1, 15)
		h2 ^= mix(binary.LittleEndian.Uint32(tail[4:]), c1, c2, 17)
	}
	h1 ^= size
	h2 ^= size
	h1 += h2
	h2 += h1
	h1, h2 = fmix(h1), fmix(h2)
	h1 += h2
	h2 += h1
	return uint64(h2)<<32 | uint64(h1)
}

func fmix(h uint32) uint32 {
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}
