//go:build !amd64 || purego

package index

import "ipflow/index/interval"

// hasVector is false: the loops in plain Go serve this processor.
const hasVector = false

func vectorRows4(*rowTables, *Query, int, *Work) int { panic("index: no vector loops") }

func vectorRows6(*rowTables, *Query, *interval.IPv6, int, *Work) int {
	panic("index: no vector loops")
}

func vectorZones4(*rowTables, int, *Work) { panic("index: no vector loops") }

func vectorZones6(*rowTables, int, *interval.IPv6, *Work) { panic("index: no vector loops") }

func vectorVerdicts(*columnTables, *Query, int, *Work, *uint32, uint) bool {
	panic("index: no vector loops")
}

func vectorDirect(*directTables, *Query, int, *Work, *uint32, uint, uint, uint) int {
	panic("index: no vector loops")
}

func vectorDependents(*directTables, *Query, int, *Work, *uint32, uint) {
	panic("index: no vector loops")
}
