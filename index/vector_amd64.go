//go:build !purego

package index

import (
	"golang.org/x/sys/cpu"

	"ipflow/index/interval"
)

// hasVector reports whether the processor has what vector_amd64.s needs.
var hasVector = cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL

// vectorRows4 puts the rows of 16 × blocks questions into rows, in the order of
// their lanes (see turned).
//
//go:noescape
func vectorRows4(t *rowTables, q *Query, blocks int, rows *uint32)

// vectorRows6 does so for questions whose Remote is a place in addresses.
//
//go:noescape
func vectorRows6(t *rowTables, q *Query, addresses *interval.IPv6, blocks int, rows *uint32)

// vectorVerdicts answers 16 × blocks questions whose rows are known; false when one
// of them has its place beyond length.
//
//go:noescape
func vectorVerdicts(t *columnTables, q *Query, blocks int, rows *uint32, out *uint32, length int, base uint) bool

// vectorDirect answers 16 × blocks questions by direct tables; false as above.
//
//go:noescape
func vectorDirect(t *directTables, q *Query, blocks int, out *uint32, length int, base uint) bool
