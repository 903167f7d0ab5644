package index

import (
	"sync"
	"sync/atomic"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// A chain answers layer by layer: a search for the remote address and one for the
// service in each Stage's table, then the verdict of their outcomes together, which is
// concluded once. The tables are shared by all classifiers of the Stage, so that a
// chain costs next to nothing to make.
type chain struct {
	c      *compiler
	tables []*stageTable
	stages []standing

	tooLarge atomic.Bool // to be fused

	places int                      // combinations of outcomes, when all are numbered and few; else 0
	known  atomic.Pointer[[]uint32] // by combination: verdict id + 1; nil until asked

	mu       sync.RWMutex
	verdicts map[[3]uint32]VerdictID // where there are no places
}

// maxChainPlaces bounds the memory of a chain's verdicts: 8 KiB.
const maxChainPlaces = 1 << 11

func newChain(c *compiler, tables []*stageTable) *chain {
	x := &chain{c: c, tables: tables, places: 1}
	for _, t := range tables {
		x.stages = append(x.stages, t.standing)
		if t.bits != nil {
			x.tooLarge.Store(true)
			x.places = 0
		} else if x.places *= len(t.outcomes); x.places > maxChainPlaces {
			x.places = 0
		}
	}
	if x.places == 0 {
		x.verdicts = map[[3]uint32]VerdictID{}
	}
	return x
}

func (x *chain) classify4(remote interval.IPv4, p flow.Protocol, source uint32, destination uint16) VerdictID {
	var outcomes [3]uint32
	for i, t := range x.tables {
		outcomes[i] = t.outcome(t.row4(x.c, remote), t.services.of(p, source, destination))
	}
	return x.verdict(outcomes)
}

func (x *chain) classify6(remote interval.IPv6, p flow.Protocol, source uint32, destination uint16) VerdictID {
	var outcomes [3]uint32
	for i, t := range x.tables {
		outcomes[i] = t.outcome(t.row6(x.c, remote), t.services.of(p, source, destination))
	}
	return x.verdict(outcomes)
}

// verdict returns what the outcomes of the layers come to.
func (x *chain) verdict(outcomes [3]uint32) VerdictID {
	if x.places == 0 {
		return x.rareVerdict(outcomes)
	}
	place := 0
	for i, t := range x.tables {
		place = place*len(t.outcomes) + int(outcomes[i])
	}
	known := x.known.Load()
	if known == nil {
		fresh := make([]uint32, x.places)
		x.known.CompareAndSwap(nil, &fresh)
		known = x.known.Load()
	}
	at := &(*known)[place]
	id := atomic.LoadUint32(at)
	if id == 0 {
		id = uint32(x.conclude(outcomes)) + 1
		atomic.StoreUint32(at, id)
	}
	return VerdictID(id - 1)
}

func (x *chain) rareVerdict(outcomes [3]uint32) VerdictID {
	x.mu.RLock()
	id, ok := x.verdicts[outcomes]
	x.mu.RUnlock()
	if ok {
		return id
	}
	id = x.conclude(outcomes)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.verdicts[outcomes] = id
	return id
}

func (x *chain) conclude(outcomes [3]uint32) VerdictID {
	layers := make([]layerOutcome, len(x.tables))
	for i, t := range x.tables {
		layers[i] = t.get(outcomes[i])
	}
	return x.c.verdicts.intern(new(verdictBuilder).conclude(x.c, x.stages, layers))
}

func (x *chain) bytes(seen map[*stageTable]bool) (bytes int) {
	for _, t := range x.tables {
		if !seen[t] {
			seen[t] = true
			bytes += t.bytes()
		}
	}
	if known := x.known.Load(); known != nil {
		bytes += 4 * len(*known)
	}
	return bytes
}
