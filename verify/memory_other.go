//go:build !linux

package verify

// hugePages is a wish that only Linux hears.
func hugePages[T any]([]T) {}
