package verify

import (
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
	nics    *texts
	vms     *texts
	direct  [][]index.Local // by nic text: the addresses of the one NIC it names
	found   map[question]located
	classOf []uint8 // by ID: slot of counts
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
	return &worker{e: e, nics: newTexts(), vms: newTexts(), found: map[question]located{}}
}

// foundLimit bounds the memory of the per-worker cache of located NICs; beyond
// it, flows with ever new local addresses start it afresh.
const foundLimit = 1 << 20

// classify returns the verdict id of every row, valid until the next call.
func (w *worker) classify(b *column.Batch) []ID {
	n := b.Rows()
	l := &w.lanes
	l.decode(b, w.nics, w.vms)
	w.ids = resize(w.ids, n, 0)
	var last question
	var at located
	asked := false
	for i := range w.ids {
		if f := l.fault(b, i); f != NoFault {
			w.ids[i] = ID(f)
			continue
		}
		if q := (question{l.nic[i], l.vm[i], l.local[i]}); !asked || q != last {
			last, at, asked = q, w.locate(q), true
		}
		if at.fault != NoFault {
			w.ids[i] = ID(at.fault)
			continue
		}
		w.ids[i] = w.ask(&at, i)
	}
	return w.ids
}

// fault checks the fields of a row that need no network.
func (l *lanes) fault(b *column.Batch, i int) Fault {
	switch {
	case b.Bad != nil && b.Bad[i]:
		return BadRow
	case l.direction[i] == 0:
		return BadDirection
	case l.protocol[i] < 0:
		return BadProtocol
	case !l.localOK[i] || !l.remoteOK[i]:
		return BadAddress
	case l.local[i].Is4() != l.remote[i].Is4():
		return AddressFamilyMismatch
	case l.localPort[i] == portBad || l.remotePort[i] == portBad:
		return BadPort
	}
	if flow.Protocol(l.protocol[i]).HasPorts() {
		destination := l.localPort[i]
		if l.direction[i] == flow.Outbound {
			destination = l.remotePort[i]
		}
		if destination == portOpen {
			return BadPort
		}
	}
	return NoFault
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

// ask classifies row i at a located NIC.
func (w *worker) ask(at *located, i int) ID {
	l := &w.lanes
	t := flow.Tuple{
		Local: l.local[i], Remote: l.remote[i], Direction: l.direction[i], Protocol: flow.Protocol(l.protocol[i]),
		LocalPort: uint16(l.localPort[i]), RemotePort: uint16(l.remotePort[i]),
	}
	source := l.remotePort[i]
	if t.Direction == flow.Outbound {
		source = l.localPort[i]
	}
	t.AnySourcePort = source == portOpen
	if w.e.cfg.Judge != nil {
		return firstVerdict + ID(w.e.judge.id(w.e.cfg.Judge.Classify(at.nic, t)))
	}
	k := at.in
	if t.Direction == flow.Outbound {
		k = at.out
	}
	return firstVerdict + ID(k.Classify(&t))
}

// count tallies ids by access and errors.
func (w *worker) count(ids []ID) (counts [4]int64) {
	for len(w.classOf) < w.e.table.Len() {
		w.classOf = append(w.classOf, w.slotOf(ID(len(w.classOf))))
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
	return uint8(w.e.table.verdict(uint32(id - firstVerdict)).Access)
}
