package index

import (
	"slices"
	"sync"

	"ipflow/index/interval"
)

// An intersection answers for a Stage whose table would be too large: the bit sets
// of both classes are intersected per question. Rows and columns are classes.
//
// Outcomes are numbered without a look-up where nothing is in doubt: number n is
// the sure match of entry n, len(entries) that nothing matches. Doubtful outcomes
// have the numbers beyond, in the order in which they were first met.
type intersection struct {
	entries           []entry
	based             []uint64
	remotes, services classList

	mu       sync.RWMutex
	numbers  map[string]uint32 // outcome key → number
	doubtful []layerOutcome
	room     outcomeRoom
}

func newIntersection(b *builder) *intersection {
	return &intersection{
		entries: slices.Clone(b.entries), based: slices.Clone(b.based),
		remotes:  classList{b.words, slices.Clone(b.remote.sure.rows), slices.Clone(b.remote.doubts)},
		services: classList{b.words, slices.Clone(b.columns.sure), slices.Clone(b.columns.doubts)},
		numbers:  map[string]uint32{},
	}
}

func (x *intersection) at(remote, service uint32) uint32 {
	p := pair{x.entries, x.based, x.remotes.row(int(remote)), x.services.row(int(service)), x.remotes.doubtsOf(int(remote)), x.services.doubtsOf(int(service))}
	if at, sure := p.match(); sure {
		return uint32(at)
	}
	var buf [64]byte
	key := p.key(buf[:0])
	x.mu.RLock()
	n, ok := x.numbers[string(key)]
	x.mu.RUnlock()
	if ok {
		return n
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if n, ok = x.numbers[string(key)]; ok {
		return n
	}
	n = uint32(len(x.entries) + 1 + len(x.doubtful))
	x.doubtful = append(x.doubtful, x.room.read(x.entries, key))
	x.numbers[string(key)] = n
	return n
}

func (x *intersection) get(number uint32) layerOutcome {
	switch n := uint32(len(x.entries)); {
	case number < n:
		return layerOutcome{sure: x.entries[number].rule}
	case number == n:
		return layerOutcome{}
	default:
		x.mu.RLock()
		defer x.mu.RUnlock()
		return x.doubtful[number-n-1]
	}
}

// outcome numbers the outcome of the Stage for a remote row and service column.
func (t *stageTable) outcome(row, column uint32) uint32 {
	if t.bits != nil {
		return t.bits.at(row, column)
	}
	return t.table.at(row*t.width + column)
}

// size is the numbers of rows and columns.
func (t *stageTable) size() (rows, columns int) {
	if t.bits != nil {
		return t.bits.remotes.len(), t.bits.services.len()
	}
	return t.table.len() / int(t.width), int(t.width)
}

// get returns an outcome by its number.
func (t *stageTable) get(number uint32) layerOutcome {
	if t.bits != nil {
		return t.bits.get(number)
	}
	return t.outcomes[number]
}

// row4 returns the row of an IPv4 address.
func (t *stageTable) row4(c *compiler, a interval.IPv4) uint32 {
	of := t.remote4.leads(search32(t.remote4.starts, a))
	if of&1 == 0 {
		return of >> 1
	}
	return t.remote4.inRegion(of, region4(c.geo4.atlas, uint32(a)))
}

// row6 returns the row of an IPv6 address.
func (t *stageTable) row6(c *compiler, a interval.IPv6) uint32 {
	of := t.remote6.leads(search128(t.remote6.starts, a))
	if of&1 == 0 {
		return of >> 1
	}
	return t.remote6.inRegion(of, region6(c.geo6.atlas, a))
}
