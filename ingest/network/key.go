package network

import (
	"cmp"
	"encoding/binary"
	"strings"
	"unsafe"
)

// Key is the form in which ids and names are compared: Azure ignores case. It is
// strings.ToLower, which took a third of the time to load a large export.
func Key(id string) string {
	ascii, capitals := scan(id)
	switch {
	case !ascii:
		return strings.ToLower(id)
	case !capitals:
		return id
	}
	b := make([]byte, len(id))
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := load8(id[i:])
		binary.LittleEndian.PutUint64(b[i:], w|upperBits(w)>>2)
	}
	for ; i < len(b); i++ {
		b[i] = lower(id[i])
	}
	return unsafe.String(&b[0], len(b)) // b is not written any more
}

// SameKey reports whether two ids have one Key.
func SameKey(a, b string) bool { return a == b || CompareKeys(a, b) == 0 }

// KeepsLength reports whether Key leaves the id as many bytes as it has, which
// lowering some letters outside ASCII does not.
func KeepsLength(id string) bool {
	ascii, _ := scan(id)
	return ascii || len(strings.ToLower(id)) == len(id)
}

// CompareKeys orders ids by Key.
func CompareKeys(a, b string) int {
	n, same := min(len(a), len(b)), 0
	// Ids of one resource group begin alike.
	for same+8 <= n && load8(a[same:]) == load8(b[same:]) && load8(a[same:])&highBits == 0 {
		same += 8
	}
	for i := same; i < n; i++ {
		x, y := a[i], b[i]
		if (x|y)&0x80 != 0 {
			return strings.Compare(strings.ToLower(a), strings.ToLower(b))
		}
		if x == y {
			continue
		}
		if x, y = lower(x), lower(y); x != y {
			// The rest may lower to fewer or more bytes, but not what counts here.
			return cmp.Compare(x, y)
		}
	}
	if len(a) == len(b) {
		return 0
	}
	return cmp.Compare(len(a), len(b))
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// upperBits sets the high bit of each byte that is an ASCII capital, of eight
// bytes that are all ASCII.
func upperBits(w uint64) uint64 {
	const ones = 0x0101010101010101
	return (w + (0x80-'A')*ones) &^ (w + (0x80-'Z'-1)*ones) & (0x80 * ones)
}

// scan reports whether all of s is ASCII, and if so whether capitals are in it.
func scan(s string) (ascii, capitals bool) {
	var all, upper uint64
	for len(s) >= 8 {
		w := load8(s)
		all |= w
		upper |= upperBits(w)
		s = s[8:]
	}
	for i := range len(s) {
		all |= uint64(s[i])
		if lower(s[i]) != s[i] {
			upper = 1
		}
	}
	// What upper says is void where bytes are not ASCII.
	return all&highBits == 0, upper != 0
}

// highBits are those that no ASCII byte has.
const highBits = 0x8080808080808080

// load8 returns the first eight bytes of s.
func load8(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
