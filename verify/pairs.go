package verify

import (
	"sync"

	"ipflow/ingest/column"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/ends"
)

// outside is what an end answers that is not in the snapshot. Its number is that
// of the fault which a row reports when neither end is there.
const outside = ID(NICNotFound)

// pair is what the two ends of a flow answer: verdict ids, or outside.
type pair struct{ source, destination ID }

// pairs numbers the distinct pairs of verdicts of a two-ended run, so that a
// flow's answer stays one integer.
type pairs struct {
	mu   sync.RWMutex
	list []pair
	ids  map[pair]ID
}

// id numbers the pair.
func (t *pairs) id(p pair) ID {
	t.mu.RLock()
	id, ok := t.ids[p]
	t.mu.RUnlock()
	if ok {
		return id
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	id, ok = t.ids[p]
	if !ok {
		id = firstVerdict + ID(len(t.list))
		t.list = append(t.list, p)
		t.ids[p] = id
	}
	return id
}

func (t *pairs) get(i uint32) pair {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.list[i]
}

func (t *pairs) len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.list)
}

// joined returns the verdicts of the pair's ends, nil where one is outside, and
// what they come to.
func (p pair) joined(verdict func(uint32) flow.Verdict) (source, destination *flow.Verdict, both flow.Verdict) {
	at := func(id ID) *flow.Verdict {
		if id == outside {
			return nil
		}
		v := verdict(uint32(id - firstVerdict))
		return &v
	}
	source, destination = at(p.source), at(p.destination)
	both, _ = ends.Join(source, destination)
	return source, destination, both
}

// RowOfEnds renders the verdicts of the two ends of a flow as result columns;
// nil is an end that is not in the snapshot.
func RowOfEnds(n *network.Network, source, destination *flow.Verdict) *Row {
	both, _ := ends.Join(source, destination)
	row := RowOf(n, both)
	for _, end := range [...]struct {
		row *RowEnd
		v   *flow.Verdict
	}{{&row.Source, source}, {&row.Destination, destination}} {
		if end.v != nil {
			*end.row = RowEnd{Access: end.v.Access.String(), Rule: spelling(n, end.v.Rule), Reason: end.v.Reason}
		}
	}
	return row
}

// owners says who answers for an address: a NIC with its classifiers, or
// NICAmbiguous. Addresses that no NIC owns are not in it.
func owners(cfg *Config) map[flow.Address]located {
	out := map[flow.Address]located{}
	for _, c := range cfg.Network.NICs {
		for i := range c.IPConfigs {
			addr := c.IPConfigs[i].Address
			if !addr.IsValid() {
				continue
			}
			a := flow.AddressFrom(addr)
			at := located{nic: c}
			if len(cfg.Network.NICsOwning(addr)) > 1 {
				at = located{fault: NICAmbiguous}
			} else if cfg.Judge == nil {
				at.in, at.out = cfg.Index.Classifier(c, flow.Inbound, a), cfg.Index.Classifier(c, flow.Outbound, a)
			}
			out[a] = at
		}
	}
	return out
}

// pairSlots is how many pairs a worker remembers, each in the one slot that its
// ids hash to: most rows of a batch have one of few pairs, and then need neither
// the lock nor the map of all workers.
const pairSlots = 1 << 12

type pairSlot struct {
	pair pair
	id   ID // 0 for an empty slot
}

// classifyEnds is classify for two-ended flows: every row is asked outbound at
// its source, then inbound at its destination, and the answers are paired. The
// lanes hold the source as local, and are turned round in between.
func (w *worker) classifyEnds(b *column.Batch) []ID {
	n := b.Rows()
	l := &w.lanes
	w.parse(b)
	l.direction.fill(n, uint32(flow.Outbound))
	w.ids = grow(w.ids, n)
	for i := range w.ids {
		w.ids[i] = ID(l.fault(b, i))
	}
	w.atSource = w.answerEnd(w.atSource)
	l.turn(n, flow.Inbound)
	w.atDestination = w.answerEnd(w.atDestination)
	for i, id := range w.ids {
		if id == ID(NoFault) {
			w.ids[i] = w.join(pair{w.atSource[i], w.atDestination[i]})
		}
	}
	return w.ids
}

// answerEnd asks every row without a fault at the NIC that owns its local
// address: a verdict, or a fault of the NIC.
func (w *worker) answerEnd(ids []ID) []ID {
	l := &w.lanes
	ids = resize(ids, len(w.ids), outside)
	w.groups.begin(len(ids))
	var last flow.Address
	var at located
	asked, known := false, false
	for i, id := range w.ids {
		if id != ID(NoFault) {
			continue
		}
		if local, _ := l.local.at(i); !asked || local != last {
			asked, last = true, local
			at, known = w.e.owners[last]
		}
		switch {
		case !known:
		case at.fault != NoFault:
			ids[i] = ID(at.fault)
		case w.e.cfg.Judge != nil:
			ids[i] = firstVerdict + ID(w.e.judge.id(w.e.cfg.Judge.Classify(at.nic, l.tuple(i))))
		case l.directionOf(i) == flow.Inbound:
			w.groups.put(i, w.groups.know(at.in))
		default:
			w.groups.put(i, w.groups.know(at.out))
		}
	}
	w.groups.answer(l, ids)
	return ids
}

func (w *worker) join(p pair) ID {
	switch {
	case p.source == ID(NICAmbiguous) || p.destination == ID(NICAmbiguous):
		return ID(NICAmbiguous)
	case p.source == outside && p.destination == outside:
		return ID(NICNotFound)
	}
	slot := &w.pairs[(uint32(p.source)*0x9e3779b1^uint32(p.destination)*0x85ebca6b)>>(32-12)]
	if slot.id == 0 || slot.pair != p {
		*slot = pairSlot{p, w.e.pairs.id(p)}
	}
	return slot.id
}
