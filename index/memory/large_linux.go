package memory

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// askLarge asks the system to back whole large pages of a slice as such, and returns the
// first element from which on they do, rounded up to a cache line.
func askLarge[T any](s []T) (first int) {
	from, each := uintptr(unsafe.Pointer(&s[0])), unsafe.Sizeof(s[0])
	skip := (large - from%large) % large
	whole := (uintptr(len(s))*each - skip) &^ (large - 1)
	_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(&s[0]), skip)), whole), unix.MADV_HUGEPAGE)
	return (int((skip+each-1)/each) + line - 1) &^ (line - 1)
}
