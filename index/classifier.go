package index

import (
	"sync"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// A Classifier answers for one NIC, direction and local address. Many NICs share
// one. Its methods may run concurrently and do not allocate, except where the
// classes were too many for a table.
//
// A question costs two searches and two loads: the remote address among the
// sorted starts of its dimension gives a row, protocol and ports give a column,
// the table at row × width + column gives a small id, verdicts[id] the answer.
//
// Layout, for n intervals, r rows, c columns and d intervals of each port:
//
//	start4    4n bytes, or start6 16n
//	row       2n
//	lookup    0.5 KiB of protocols, 4d for each of four port searches, 2 bytes
//	          per pair of port classes
//	table     r·c bytes, 2r·c where there are more than 256 verdicts
//	verdicts  4 bytes each
type Classifier struct {
	start4   []uint32        // IPv4 intervals; nil for an IPv6 local address
	start6   []interval.IPv6 // IPv6 intervals; nil for an IPv4 local address
	row      []uint16        // per interval: its row of the table
	lookup   serviceLookup
	width    uint32   // columns of table
	table8   []uint8  // row-major; indexes verdicts
	table16  []uint16 // in place of table8 where there are more than 256 verdicts
	verdicts []VerdictID
	chain    *chain // set iff there is no table
	number   uint32
	family4  bool
}

// IPv4 reports whether the classifier answers for IPv4 remote addresses, IPv6
// otherwise.
func (k *Classifier) IPv4() bool { return k.family4 }

// Number tells the classifiers of an index apart; numbers are dense from 0.
func (k *Classifier) Number() int { return int(k.number) }

// Classify answers a question. The tuple's direction and local address are
// those the classifier was made for.
func (k *Classifier) Classify(t *flow.Tuple) VerdictID {
	source, destination := t.RemotePort, t.LocalPort
	if t.Direction == flow.Outbound {
		source, destination = destination, source
	}
	open := uint32(source)
	if t.AnySourcePort {
		open = anySource
	}
	if t.Remote.Is4() {
		return k.Classify4(t.Remote.As4(), t.Protocol, open, destination)
	}
	var a interval.IPv6
	for i := range 8 {
		a.Hi = a.Hi<<8 | uint64(t.Remote[i])
		a.Lo = a.Lo<<8 | uint64(t.Remote[i+8])
	}
	return k.Classify6(a, t.Protocol, open, destination)
}

// OpenSource is the source port of a question that leaves it open.
const OpenSource uint32 = anySource

// Classify4 answers for an IPv4 remote address in host order. source is the
// source port or OpenSource.
func (k *Classifier) Classify4(remote uint32, p flow.Protocol, source uint32, destination uint16) VerdictID {
	if k.chain != nil {
		return k.chain.classify(func(t *stageTable) uint32 {
			return t.outcome(t.remote4.find(interval.IPv4(remote)), t.services.of(p, false, source, destination))
		})
	}
	return k.at(k.row[search32(k.start4, remote)], k.lookup.column(k.lookup.group4[p], source, destination))
}

// Classify6 answers for an IPv6 remote address.
func (k *Classifier) Classify6(remote interval.IPv6, p flow.Protocol, source uint32, destination uint16) VerdictID {
	if k.chain != nil {
		return k.chain.classify(func(t *stageTable) uint32 {
			return t.outcome(t.remote6.find(remote), t.services.of(p, true, source, destination))
		})
	}
	return k.at(k.row[search128(k.start6, remote)], k.lookup.column(k.lookup.group6[p], source, destination))
}

func (k *Classifier) at(row, column uint16) VerdictID {
	at := uint32(row)*k.width + uint32(column)
	if k.table8 != nil {
		return k.verdicts[k.table8[at]]
	}
	return k.verdicts[k.table16[at]]
}

// Bytes returns the memory the classifier's arrays take.
func (k *Classifier) Bytes() int {
	return 4*len(k.start4) + 16*len(k.start6) + 2*len(k.row) + len(k.table8) + 2*len(k.table16) + 4*len(k.verdicts) + k.lookup.bytes()
}

// chain answers stage by stage where a fused table would be too large; verdicts
// are remembered by the outcomes of the stages.
type chain struct {
	c      *compiler
	tables []*stageTable

	mu       sync.RWMutex
	verdicts map[[3]uint32]VerdictID
}

func newChain(c *compiler, tables []*stageTable) *chain {
	return &chain{c: c, tables: tables, verdicts: map[[3]uint32]VerdictID{}}
}

func (x *chain) classify(outcome func(*stageTable) uint32) VerdictID {
	var key [3]uint32
	for i, t := range x.tables {
		key[i] = outcome(t)
	}
	x.mu.RLock()
	id, ok := x.verdicts[key]
	x.mu.RUnlock()
	if ok {
		return id
	}
	layers := make([]layerOutcome, len(x.tables))
	for i, t := range x.tables {
		layers[i] = t.get(key[i])
	}
	id = x.c.verdicts.intern(x.c.conclude(layers))
	x.mu.Lock()
	x.verdicts[key] = id
	x.mu.Unlock()
	return id
}
