//go:build !linux

package memory

// LargePages is a wish that only Linux hears.
func LargePages[T any]([]T) {}
