// Package memory has large arrays, for which it asks the system for large pages.
//
// Package memorytest beside it has arrays that end where memory does.
//
// Imports: x/sys/unix.
package memory
