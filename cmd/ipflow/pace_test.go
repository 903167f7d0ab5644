package main

import (
	"runtime/debug"
	"testing"
)

func TestPacePercent(t *testing.T) {
	for live, want := range map[uint64]int{
		0: paceGC, 4 << 20: paceGC, paceRoom / 4: paceGC, paceRoom / 2: 200, paceRoom: usualGC, 64 << 30: usualGC,
	} {
		if got := pacePercent(live); got != want {
			t.Errorf("a heap of %d bytes may grow by %d%%, want %d%%", live, got, want)
		}
	}
}

// A pace begins once, ends as often as it is told and leaves no trace; GOGC of the
// environment comes before it.
func TestPace(t *testing.T) {
	before := debug.SetGCPercent(usualGC)
	defer debug.SetGCPercent(before)
	percent := func() int {
		p := debug.SetGCPercent(usualGC)
		debug.SetGCPercent(p)
		return p
	}
	t.Setenv("GOGC", "")
	p := new(pace)
	p.start()
	p.start()
	if got := percent(); got != paceGC {
		t.Errorf("%d%% at a pace", got)
	}
	p.stop()
	p.stop()
	if got := percent(); got != usualGC {
		t.Errorf("%d%% after it", got)
	}
	t.Setenv("GOGC", "70")
	debug.SetGCPercent(70)
	p = new(pace)
	p.start()
	p.stop()
	if got := percent(); got != 70 {
		t.Errorf("%d%%, GOGC is 70", got)
	}
}
