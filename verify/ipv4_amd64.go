//go:build !purego

package verify

import "golang.org/x/sys/cpu"

// hasParser reports whether the processor has what ipv4_amd64.s needs.
var hasParser = cpu.X86.HasAVX && cpu.X86.HasBMI1 && cpu.X86.HasBMI2 && cpu.X86.HasPOPCNT

// parseIPv4s is parseIPv4 for n texts: family becomes 4, or 0 where a text is no such
// address and v4 is of no use. It reads 16 bytes of each text, however long that is, and
// of offsets one more.
//
//go:noescape
func parseIPv4s(text *byte, offsets *int32, n int, v4 *uint32, family *uint8, patterns *[256]ipv4Pattern)
