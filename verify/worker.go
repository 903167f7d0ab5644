package verify

import (
	"slices"
	"time"

	"ipflow/index"
	"ipflow/ingest/column"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// countErrors is the slot of row errors beside the accesses.
const countErrors = 3

// worker classifies batches. It belongs to one goroutine and reuses its memory.
type worker struct {
	e       *Engine
	lanes   lanes
	ids     []ID
	groups  groups
	sites   sites
	nics    *textIDs
	vms     *textIDs
	direct  [][]index.Local // by nic text: the addresses of the one NIC it names
	found   map[question]located
	classOf []uint8       // by ID: slot of counts
	parsed  time.Duration // what decoding the last batch's lanes took

	// Of two-ended runs: the answers of each end, and pairs met before.
	atSource, atDestination []ID
	pairs                   []pairSlot
}

// question is what decides the NIC and classifiers of a row.
type question struct {
	nic, vm int32
	local   flow.Address
}

// located is where a question leads: a fault, or a NIC with its classifiers.
type located struct {
	fault   Fault
	nic     *network.NIC
	in, out *index.Classifier
}

func newWorker(e *Engine) *worker {
	w := &worker{e: e, nics: newTextIDs(), vms: newTextIDs(), found: map[question]located{}}
	if e.cfg.Ends {
		w.pairs = make([]pairSlot, pairSlots)
	}
	return w
}

// foundLimit bounds the memory of the per-worker cache of located NICs; beyond
// it, flows with ever new local addresses start it afresh.
const foundLimit = 1 << 20

// classify returns the verdict id of every row, valid until the next call. It
// finds the classifier of each row, then answers classifier by classifier: NICs
// come in any order, and an index is larger than the caches.
func (w *worker) classify(b *column.Batch) []ID {
	if w.e.cfg.Ends {
		return w.classifyEnds(b)
	}
	w.parse(b)
	w.ids = grow(w.ids, b.Rows())
	w.groups.begin(len(w.ids))
	if w.e.cfg.Judge == nil && w.lanes.paired(b) {
		w.groupPaired(b)
	} else {
		w.group(b)
	}
	w.groups.answer(&w.lanes, w.ids)
	return w.ids
}

// parse decodes the batch's flow columns.
func (w *worker) parse(b *column.Batch) {
	start := time.Now()
	w.lanes.decode(b, w.nics, w.vms)
	w.parsed = time.Since(start)
}

// group hands every row to its classifier, or answers it by the judge.
func (w *worker) group(b *column.Batch) {
	l := &w.lanes
	var last question
	var at located
	asked := false
	for i := range w.ids {
		if f := l.fault(b, i); f != NoFault {
			w.ids[i] = ID(f)
			continue
		}
		local, _ := l.local.at(i)
		if q := (question{l.nic.at(i), l.vm.at(i), local}); !asked || q != last {
			last, at, asked = q, w.locate(q), true
		}
		switch {
		case at.fault != NoFault:
			w.ids[i] = ID(at.fault)
		case w.e.cfg.Judge != nil:
			w.ids[i] = firstVerdict + ID(w.e.judge.id(w.e.cfg.Judge.Classify(at.nic, l.tuple(i))))
		case l.directionOf(i) == flow.Inbound:
			w.groups.put(i, w.groups.know(at.in))
		default:
			w.groups.put(i, w.groups.know(at.out))
		}
	}
}

// locate finds the classifiers of a question: by comparing addresses where the
// nic column names one NIC that owns the local address, else by Find, once per
// worker and question.
func (w *worker) locate(q question) located {
	if q.vm == 0 && q.nic != 0 {
		for len(w.direct) < len(w.nics.list) {
			w.direct = append(w.direct, w.namedLocals(w.nics.list[len(w.direct)]))
		}
		locals := w.direct[q.nic]
		for i := range locals {
			if locals[i].Address == q.local {
				return located{in: locals[i].In, out: locals[i].Out}
			}
		}
	}
	at, ok := w.found[q]
	if !ok {
		if len(w.found) >= foundLimit {
			clear(w.found)
		}
		at.nic, at.fault = Find(w.e.cfg.Network, w.nics.list[q.nic], w.vms.list[q.vm], q.local.Netip())
		if at.fault == NoFault && w.e.cfg.Judge == nil {
			at.in = w.e.cfg.Index.Classifier(at.nic, flow.Inbound, q.local)
			at.out = w.e.cfg.Index.Classifier(at.nic, flow.Outbound, q.local)
		}
		w.found[q] = at
	}
	return at
}

// namedLocals returns the addresses of the NIC that a text names alone.
func (w *worker) namedLocals(nic string) []index.Local {
	if w.e.cfg.Judge != nil || nic == "" {
		return nil
	}
	if named := w.e.cfg.Network.NICsNamed(nic); len(named) == 1 {
		return w.e.cfg.Index.Locals(named[0])
	}
	return nil
}

// count tallies ids by access and errors.
func (w *worker) count(ids []ID) (counts [4]int64) {
	for len(w.classOf) < w.e.table.Len() {
		w.classOf = append(w.classOf, w.slotOf(ID(len(w.classOf))))
	}
	if blocks := len(ids) / lanesWide; hasVector && blocks > 0 {
		w.classOf = slices.Grow(w.classOf, 4) // what the vector loop may load behind the end
		vectorTally(&ids[0], blocks, &w.classOf[0], &counts)
		ids = ids[blocks*lanesWide:]
	}
	for _, id := range ids {
		counts[w.classOf[id]]++
	}
	return counts
}

func (w *worker) slotOf(id ID) uint8 {
	if id < firstVerdict {
		return countErrors
	}
	return uint8(w.e.table.access(uint32(id - firstVerdict)))
}
