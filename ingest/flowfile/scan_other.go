//go:build !amd64 || purego

package flowfile

// hasScan is false: the scan in plain Go serves this processor.
const hasScan = false

func vectorScan(*byte, int, byte, *uint64) bool { panic("flowfile: no vector scan") }
