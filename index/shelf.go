package index

import (
	"slices"
	"sync"
)

// shelfBytes bounds the tables of Stages that are kept for classifiers that may never
// be asked for.
const shelfBytes = 64 << 20

// A shelf knows the tables of Stages that other classifiers may still want. When
// there are too many, the first that was put there is let go, and made anew should
// it be wanted. It may be used concurrently.
type shelf struct {
	limit int  // bytes
	all   bool // not only tables for open source ports, whose users nobody knows beforehand

	mu    sync.Mutex
	bytes int
	queue []*shelved
	gone  int // of the queue: places whose table is no longer there
}

// shelved is the place of a table.
type shelved struct {
	stage *Stage
	table *stageTable // nil when it is no longer there
	kind  tableKind
	bytes int
}

func (s *shelf) put(of *Stage, t *stageTable, kind tableKind) {
	if !s.all && !kind.openSource {
		return
	}
	for _, x := range s.add(shelved{of, t, kind, t.bytes()}) {
		x.stage.drop(&x)
	}
}

// add puts a table there and returns those that are to go for it.
func (s *shelf) add(x shelved) (down []shelved) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.table.shelved = &x
	s.queue, s.bytes = append(s.queue, &x), s.bytes+x.bytes
	for s.bytes > s.limit && len(s.queue) > 1 {
		first := s.queue[0]
		s.queue = s.queue[1:]
		if first.table == nil {
			s.gone--
			continue
		}
		down = append(down, *first)
		s.take(first)
	}
	return down
}

// take empties a place; the caller holds mu.
func (s *shelf) take(x *shelved) {
	s.bytes -= x.bytes
	x.table.shelved = nil
	*x = shelved{}
}

// remove says that a table is not there any more.
func (s *shelf) remove(t *stageTable) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.shelved == nil {
		return
	}
	s.take(t.shelved)
	if s.gone++; 2*s.gone > len(s.queue) {
		s.queue = slices.DeleteFunc(s.queue, func(x *shelved) bool { return x.table == nil })
		s.gone = 0
	}
}

// clear forgets the tables; their Stages keep them.
func (s *shelf) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.queue {
		if x.table != nil {
			s.take(x)
		}
	}
	s.queue, s.gone = nil, 0
}

// drop lets go of a table, which others may be reading.
func (s *Stage) drop(x *shelved) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables[x.kind] == x.table {
		delete(s.tables, x.kind)
	}
}

// bytes is about what the table takes.
func (t *stageTable) bytes() int {
	bytes := 4*len(t.remote4.starts) + 16*len(t.remote6.starts) + 4*(len(t.remote4.of)+len(t.remote6.of)) + 2*(len(t.remote4.short)+len(t.remote6.short)) + t.table.bytes() + 32*len(t.outcomes)
	for i := range t.outcomes {
		bytes += 8 * len(t.outcomes[i].may)
	}
	t.eachArray(func(list *[]uint32) { bytes += 4 * len(*list) }, func(list *[]uint16) { bytes += 2 * len(*list) })
	return bytes
}
