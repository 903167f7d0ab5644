//go:build !amd64 || purego

package verify

// hasParser is false: plain Go serves this processor.
const hasParser = false

func parseIPv4s(*byte, *int32, int, *uint32, *uint8, *[256]ipv4Pattern) {
	panic("verify: no vector loops")
}
