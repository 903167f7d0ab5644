package verify

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePages asks the system to back the memory of a large slice by pages of 2 MiB:
// questions and answers are written in random order, and each small page costs a
// walk through the page tables. It is a wish; nothing depends on it.
func hugePages[T any](s []T) {
	const huge = 2 << 20
	s = s[:cap(s)]
	if len(s) == 0 {
		return
	}
	from := uintptr(unsafe.Pointer(&s[0]))
	first := (huge - from%huge) % huge
	size := uintptr(len(s)) * unsafe.Sizeof(s[0])
	if size < first+huge {
		return
	}
	whole := (size - first) &^ (huge - 1)
	_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(&s[0]), first)), whole), unix.MADV_HUGEPAGE)
}
