//go:build !amd64 || purego

package index

import "ipflow/index/interval"

// hasVector is false: the loops in plain Go serve this processor.
const hasVector = false

func vectorRows4(*rowTables, *Query, int, *uint32, *mixedLanes) int { panic("index: no vector loops") }

func vectorRows6(*rowTables, *Query, *interval.IPv6, int, *uint32, *mixedLanes) int {
	panic("index: no vector loops")
}

func vectorZones4(*rowTables, *mixedLanes, int, *uint32) { panic("index: no vector loops") }

func vectorZones6(*rowTables, *mixedLanes, int, *interval.IPv6, *uint32) {
	panic("index: no vector loops")
}

func vectorVerdicts(*columnTables, *Query, int, *uint32, *uint32, int, uint) bool {
	panic("index: no vector loops")
}

func vectorDirect(*directTables, *Query, int, *directWork, *uint32, int, uint) bool {
	panic("index: no vector loops")
}
