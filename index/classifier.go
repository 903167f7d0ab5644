package index

import (
	"sync"
	"sync/atomic"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// A Classifier answers for one NIC, direction and local address. Many NICs share
// one. Its methods may run concurrently and do not allocate, except where the
// classes were too many for a table.
//
// A question costs two searches and a few loads: the remote address among the
// sorted starts of its dimension gives a row, protocol and ports give a column,
// the table at row × width + column gives a small id, verdicts[id] the answer.
// Large address sets (service tags) do not cut the dimension. Where some begin or
// end inside an interval, the interval is mixed, and its row is that of the zone
// in which the address's region lies; regions are found in the index's atlas.
//
// Layout, for n intervals, b mixed ones that differ, z zones, r rows, c columns
// and d intervals of services (see serviceLookup):
//
//	start4    4n bytes, or start6 16n
//	of        2n: row × 2, or number of the mixed interval × 2 + 1
//	zoned     2bz: rows
//	zones     1 byte for each region of the atlas; shared by the classifiers that
//	          name the same large sets
//	lookup    6d for destination keys, 8d for source keys where they count, 2 bytes
//	          per pair of port classes
//	table     r·c bytes, 2r·c where there are more than 256 verdicts
//	verdicts  4 bytes each
type Classifier struct {
	number  uint32
	family4 bool
	recipe

	arrays // there once made

	// Of IPv4 classifiers that are asked often, see direct.
	direct atomic.Pointer[direct]
	heat   atomic.Int64 // questions in long runs so far
}

// arrays are what a classifier answers by.
type arrays struct {
	start4   []uint32        // IPv4 intervals; nil for an IPv6 local address
	start6   []interval.IPv6 // IPv6 intervals; nil for an IPv4 local address
	of       []uint16        // per interval: see above
	zoned    []uint16
	zones    *zones // nil when no interval is mixed
	geo4     *geography[interval.IPv4]
	geo6     *geography[interval.IPv6]
	lookup   serviceLookup
	width    uint32   // columns of table
	table8   []uint8  // row-major; indexes verdicts
	table16  []uint16 // in place of table8 where there are more than 256 verdicts
	verdicts []VerdictID
	chain    *chain // set iff there is no table
	// open answers when the source port is left open; nil when that is no other
	// question. It is compiled when first asked: few files of flows leave it open.
	open    *Classifier
	directs *directs // nil where intervals serve every run of questions
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
	k.ready()
	if source >= anySource && k.open != nil {
		return k.open.Classify4(remote, p, 0, destination)
	}
	if k.chain != nil {
		return k.chain.classify(func(t *stageTable) uint32 {
			return t.outcome(t.row4(k.chain.c, interval.IPv4(remote)), t.services.of(p, source, destination))
		})
	}
	of := k.of[search32(k.start4, remote)]
	if of&1 == 1 {
		return k.at(k.inZone(of, k.zones.of[region4(k.geo4.atlas, remote)]), k.lookup.column(p, source, destination))
	}
	return k.at(of>>1, k.lookup.column(p, source, destination))
}

// Classify6 answers for an IPv6 remote address.
func (k *Classifier) Classify6(remote interval.IPv6, p flow.Protocol, source uint32, destination uint16) VerdictID {
	k.ready()
	if source >= anySource && k.open != nil {
		return k.open.Classify6(remote, p, 0, destination)
	}
	if k.chain != nil {
		return k.chain.classify(func(t *stageTable) uint32 {
			return t.outcome(t.row6(k.chain.c, remote), t.services.of(p, source, destination))
		})
	}
	of := k.of[search128(k.start6, remote)]
	if of&1 == 1 {
		return k.at(k.inZone(of, k.zones.of[k.geo6.region[search128(k.geo6.starts, remote)]]), k.lookup.column(p, source, destination))
	}
	return k.at(of>>1, k.lookup.column(p, source, destination))
}

// inZone returns the row of a mixed interval in a zone.
func (k *Classifier) inZone(of uint16, zone uint8) uint16 {
	return k.zoned[int(of>>1)*k.zones.count+int(zone)]
}

func (k *Classifier) at(row, column uint16) VerdictID {
	return k.cell(uint32(row)*k.width + uint32(column))
}

// cell returns the verdict at a place of the table.
func (k *Classifier) cell(at uint32) VerdictID {
	if k.table8 != nil {
		return k.verdicts[k.table8[at]]
	}
	return k.verdicts[k.table16[at]]
}

// Bytes returns the memory the classifier's arrays take.
func (k *Classifier) Bytes() int {
	k.ready()
	return k.bytes()
}

// bytes is the memory the arrays take.
func (k *arrays) bytes() int {
	return 4*len(k.start4) + 16*len(k.start6) + 2*len(k.of) + 2*len(k.zoned) + len(k.table8) + 2*len(k.table16) + 4*len(k.verdicts) + k.lookup.bytes()
}

// chain answers stage by stage where a fused table would be too large; verdicts
// are remembered by the outcomes of the stages.
type chain struct {
	c      *compiler
	tables []*stageTable
	stages []*Stage

	mu       sync.RWMutex
	verdicts map[[3]uint32]VerdictID
}

func newChain(c *compiler, tables []*stageTable) *chain {
	x := &chain{c: c, tables: tables, verdicts: map[[3]uint32]VerdictID{}}
	for _, t := range tables {
		t.kept.Store(true)
		x.stages = append(x.stages, t.stage)
	}
	return x
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
	id = x.c.verdicts.intern(new(verdictBuilder).conclude(x.c, x.stages, layers))
	x.mu.Lock()
	x.verdicts[key] = id
	x.mu.Unlock()
	return id
}
