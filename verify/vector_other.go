//go:build !amd64 || purego

package verify

import "ipflow/index"

// hasVector is false: plain Go serves this processor.
const hasVector = false

func vectorNumbers(*rowColumns, int, int, *uint32) { panic("verify: no vector loops") }

func vectorPlace(*rowColumns, int, int, *uint32, *uint32, *index.Query) {
	panic("verify: no vector loops")
}

func vectorCollect(*ID, *uint32, int, *ID) { panic("verify: no vector loops") }

func vectorWiden(*uint32, *uint16, int) { panic("verify: no vector loops") }

func vectorTally(*ID, int, *uint8, *[4]int64) { panic("verify: no vector loops") }
