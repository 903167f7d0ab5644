//go:build !linux

package memory

// askLarge is a wish that only Linux hears.
func askLarge[T any]([]T) (first int) { return 0 }
