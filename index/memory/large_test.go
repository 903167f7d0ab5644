package memory

import (
	"testing"
	"unsafe"
)

type twelve [3]uint32

func TestMakeGivesWhatIsAskedFor(t *testing.T) {
	for _, n := range []int{0, 1, 4096, 1 << 19, 1<<20 + 17} {
		check(t, n, Make[byte](n))
		check(t, n, Make[uint32](n))
		check(t, n, Make[twelve](n))
	}
	check(t, 1<<20, Make[struct{}](1<<20))
}

func check[T comparable](t *testing.T, n int, s []T) {
	t.Helper()
	if len(s) != n || cap(s) < n {
		t.Fatalf("%d elements with room for %d, not %d", len(s), cap(s), n)
	}
	var zero, other T
	if size := unsafe.Sizeof(zero); size > 0 {
		unsafe.Slice((*byte)(unsafe.Pointer(&other)), size)[0] = 1
	}
	for i := range s {
		if s[i] != zero {
			t.Fatalf("element %d is %v", i, s[i])
		}
		s[i] = other
	}
	if n*int(unsafe.Sizeof(zero)) >= large {
		if at := uintptr(unsafe.Pointer(&s[0])); at%64 != 0 {
			t.Errorf("%d elements of %d bytes begin at %#x, not with a cache line", n, unsafe.Sizeof(zero), at)
		}
	}
}
