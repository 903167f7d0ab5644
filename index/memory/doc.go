// Package memory asks the system how large arrays are to be backed.
//
// Package memorytest beside it has arrays that end where memory does.
//
// Imports: x/sys/unix.
package memory
