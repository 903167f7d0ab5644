// Package memorytest has arrays behind which there is no memory, for tests of loops
// that are to keep to their room.
//
// Imports: x/sys/unix.
package memorytest
