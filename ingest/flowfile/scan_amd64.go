//go:build !purego

package flowfile

import "golang.org/x/sys/cpu"

// hasScan reports whether the processor has what scan_amd64.s needs.
var hasScan = cpu.X86.HasAVX2

// vectorScan is scan of so many blocks, at least 1, of 64 bytes.
//
//go:noescape
func vectorScan(text *byte, blocks int, wanted byte, masks *uint64) (high bool)
