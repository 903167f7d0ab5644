package memory

import "unsafe"

const (
	large = 2 << 20 // bytes of a large page
	line  = 64      // so many elements end with a cache line, whatever their size
)

// Make returns n zeros of T. The system is asked to back a large slice by pages of
// 2 MiB: where arrays are read or written in random order each small page costs a walk
// through the page tables. It is a wish; nothing depends on it. T is smaller than a page.
//
// Such a slice begins 64 elements behind the start of a page or less, where the system
// has such pages, so that of its own at most the last is small.
func Make[T any](n int) []T {
	each := int(unsafe.Sizeof(*new(T)))
	if each == 0 || n*each < large {
		return make([]T, n)
	}
	room := make([]T, n+large/each+2*line)
	first := askLarge(room)
	return room[first : first+n : first+n]
}
