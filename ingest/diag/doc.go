// Package diag holds the faults of input: where a fault stands (Origin), what it
// is (Diagnostic), and the sorted collection of them (List).
//
// Readers go on past a fault and collect it; nothing here stops a run. Origins
// and Diagnostics are plain values, safe to copy; a List is not safe for
// concurrent writers.
//
// Imports: standard library only.
package diag
