package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// pace has garbage collected later than usual while a snapshot is loaded, compiled
// and asked: nearly all of what is allocated then stays, so that looking through a
// heap that only grows costs a fifth of the time of loading and frees nothing. Where
// the environment says GOGC, that counts.
type pace struct {
	once sync.Once
	end  chan struct{} // nil when it never began
	wait sync.WaitGroup
}

const (
	usualGC = 100 // Go's own
	paceGC  = 400
	// paceRoom is how much a heap may grow by paceGC before it is collected; a
	// larger heap grows as usual. With it 50,000 NICs and 5,000 security groups of
	// 100 rules are loaded and compiled within 2 GiB.
	paceRoom = 1 << 30
	// paceTick is a few MiB of allocations.
	paceTick = 20 * time.Millisecond
)

// start begins, once.
func (p *pace) start() {
	p.once.Do(func() {
		if os.Getenv("GOGC") != "" {
			return
		}
		debug.SetGCPercent(paceGC)
		p.end = make(chan struct{})
		p.wait.Go(p.follow)
	})
}

// follow sets the percentage by the heap that the last collection left.
func (p *pace) follow() {
	tick := time.NewTicker(paceTick)
	defer tick.Stop()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for last := paceGC; ; {
		select {
		case <-p.end:
			return
		case <-tick.C:
		}
		metrics.Read(live)
		if next := pacePercent(live[0].Value.Uint64()); next != last {
			debug.SetGCPercent(next)
			last = next
		}
	}
}

// pacePercent is what a heap of so many bytes may grow by.
func pacePercent(live uint64) int {
	return max(usualGC, int(min(paceGC, paceRoom*100/max(live, 1))))
}

// stop ends it and leaves collecting as usual.
func (p *pace) stop() {
	if p.end == nil {
		return
	}
	close(p.end)
	p.wait.Wait()
	p.end = nil
	debug.SetGCPercent(usualGC)
}
