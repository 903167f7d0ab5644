//go:build !purego

package index

import (
	"golang.org/x/sys/cpu"

	"ipflow/index/interval"
)

// hasVector reports whether the processor has what the loops need.
var hasVector = cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL

// vectorRows4 puts the rows of 16 × blocks questions, in their
// order, into w.row. Questions in mixed intervals, whose rows are not right yet, are noted; it
// returns how many those are.
//
//go:noescape
func vectorRows4(t *rowTables, q *Query, blocks int, w *Work) int

// vectorRows6 does so for questions whose Remote is a place in addresses.
//
//go:noescape
func vectorRows6(t *rowTables, q *Query, addresses *interval.IPv6, blocks int, w *Work) int

// vectorZones4 puts the rows of so many noted lanes right.
//
//go:noescape
func vectorZones4(t *rowTables, count int, w *Work)

// vectorZones6 does so for IPv6.
//
//go:noescape
func vectorZones6(t *rowTables, count int, addresses *interval.IPv6, w *Work)

// vectorVerdicts answers 16 × blocks questions whose rows are in w.row; false when it
// does not, because a source port is open.
//
//go:noescape
func vectorVerdicts(t *columnTables, q *Query, blocks int, w *Work, out *uint32, base uint) bool

// vectorDirect answers questions by direct tables, as if all source ports were usual. Questions that
// depend on one that may be another go behind those that Work.later has: from is the
// place of the first one. It returns how many are there then, or -1 where vectorVerdicts
// returns false.
//
//go:noescape
func vectorDirect(t *directTables, q *Query, blocks int, w *Work, out *uint32, base uint, from, later uint) int

// vectorDependents answers the first n questions in Work.later, by their place from q and
// out on.
//
//go:noescape
func vectorDependents(t *directTables, q *Query, n int, w *Work, out *uint32, base uint)
