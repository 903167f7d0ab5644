//go:build !purego

package verify

import (
	"golang.org/x/sys/cpu"

	"ipflow/index"
)

// hasVector reports whether the processor has what vector_amd64.s needs.
var hasVector = cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL

// vectorNumbers puts the numbers of 16 × blocks rows into numbers, 0 for rows that
// have a fault or whose site is not known.
//
//go:noescape
func vectorNumbers(t *rowColumns, from, blocks int, numbers *uint32)

// vectorPlace turns 16 × blocks rows into questions and puts those that have a number
// in of, by row, where next says by number, one behind the other. What of had becomes
// 1 + that place.
//
//go:noescape
func vectorPlace(t *rowColumns, from, blocks int, of, next *uint32, questions *index.Query)

// vectorCollect puts the answer at each place, less 1, that 16 × blocks rows have in of
// where the rows stand in ids; rows of place 0 stay as they are.
//
//go:noescape
func vectorCollect(ids *ID, of *uint32, blocks int, answers *ID)

// vectorWiden widens 16 × blocks numbers.
//
//go:noescape
func vectorWiden(to *uint32, from *uint16, blocks int)

// vectorTally adds up 16 × blocks ids by slot. slots is by id, with room for a vector
// load behind its end.
//
//go:noescape
func vectorTally(ids *ID, blocks int, slots *uint8, counts *[4]int64)
