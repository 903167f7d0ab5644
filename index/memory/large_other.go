//go:build !linux

package memory

// askLarge is a wish that only Linux hears; elsewhere a slice begins where it is.
func askLarge[T any]([]T) (first int) { return 0 }
