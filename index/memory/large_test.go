package memory

import "testing"

// A wish about any slice leaves what it holds, and its neighbours.
func TestLargePagesKeepWhatIsThere(t *testing.T) {
	for _, n := range []int{0, 1, 4096, 1 << 19, 1<<20 + 17} {
		all := make([]uint32, n+2)
		for i := range all {
			all[i] = uint32(i)
		}
		LargePages(all[1 : n+1 : n+1])
		for i := range all {
			if all[i] != uint32(i) {
				t.Fatalf("%d elements: element %d is %d", n, i, all[i])
			}
		}
	}
	LargePages[byte](nil)
}
