package memorytest

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Walled is a copy of a list with room for so many more elements, behind which is no
// memory: whoever reads or writes there stops the test. Nil stays nil.
func Walled[T any](t *testing.T, list []T, room int) []T {
	t.Helper()
	if list == nil {
		return nil
	}
	page, size := unix.Getpagesize(), (len(list)+room)*int(unsafe.Sizeof(*new(T)))
	pages := max(1, (size+page-1)/page) * page
	memory, err := unix.Mmap(-1, 0, pages+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(memory) })
	if err := unix.Mprotect(memory[pages:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	out := unsafe.Slice((*T)(unsafe.Pointer(&memory[pages-size])), len(list)+room)[:len(list)]
	copy(out, list)
	return out
}
