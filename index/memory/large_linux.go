package memory

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// LargePages asks the system to back a large slice, up to its capacity, by pages of
// 2 MiB: where arrays are read or written in random order each small page costs a walk
// through the page tables. It is a wish; nothing depends on it.
func LargePages[T any](s []T) {
	const large = 2 << 20
	s = s[:cap(s)]
	if len(s) == 0 {
		return
	}
	from := uintptr(unsafe.Pointer(&s[0]))
	first := (large - from%large) % large
	size := uintptr(len(s)) * unsafe.Sizeof(s[0])
	if size < first+large {
		return
	}
	whole := (size - first) &^ (large - 1)
	_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(&s[0]), first)), whole), unix.MADV_HUGEPAGE)
}
