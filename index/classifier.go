package index

import (
	"sync"
	"sync/atomic"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// A Classifier answers for one NIC, direction and local address. Many NICs share
// one. Its methods may run concurrently and do not allocate, except while it is made
// and where the classes were too many for a table.
//
// It has up to three forms, each faster and dearer to make than the one before: it
// asks layer by layer at first (chain.go), from fuseAfter questions on a table in which
// the layers are fused (form), and direct tables when it is very hot (direct.go).
type Classifier struct {
	number  uint32
	family4 bool
	recipe

	form   atomic.Pointer[form] // nil until made
	asked  atomic.Int64         // questions to the chain so far
	fusing sync.Mutex

	// Of IPv4 classifiers that are asked often, see direct.
	direct atomic.Pointer[direct]
	heat   atomic.Int64 // questions in long runs so far
}

// A form is what a classifier answers by: a chain, or a table of all layers. It never
// changes.
//
// A question of the table costs two searches and a few loads: the remote address among the
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
type form struct {
	chain *chain // set iff there is no table

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
	directs  *directs // nil where intervals serve every run of questions

	// open answers when the source port is left open; nil when that is no other
	// question. It is compiled when first asked: few files of flows leave it open.
	open *Classifier
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
	if !k.family4 {
		panic("index: an IPv6 classifier is asked about an IPv4 address")
	}
	f := k.formFor(1)
	if source >= anySource && f.open != nil {
		return f.open.Classify4(remote, p, 0, destination)
	}
	return f.classify4(remote, p, source, destination)
}

func (k *form) classify4(remote uint32, p flow.Protocol, source uint32, destination uint16) VerdictID {
	if k.chain != nil {
		return k.chain.classify4(interval.IPv4(remote), p, source, destination)
	}
	of := k.of[search32(k.start4, remote)]
	if of&1 == 1 {
		return k.at(k.inZone(of, k.zones.of[region4(k.geo4.atlas, remote)]), k.lookup.column(p, source, destination))
	}
	return k.at(of>>1, k.lookup.column(p, source, destination))
}

// Classify6 answers for an IPv6 remote address.
func (k *Classifier) Classify6(remote interval.IPv6, p flow.Protocol, source uint32, destination uint16) VerdictID {
	if k.family4 {
		panic("index: an IPv4 classifier is asked about an IPv6 address")
	}
	f := k.formFor(1)
	if source >= anySource && f.open != nil {
		return f.open.Classify6(remote, p, 0, destination)
	}
	return f.classify6(remote, p, source, destination)
}

func (k *form) classify6(remote interval.IPv6, p flow.Protocol, source uint32, destination uint16) VerdictID {
	if k.chain != nil {
		return k.chain.classify6(remote, p, source, destination)
	}
	of := k.of[search128(k.start6, remote)]
	if of&1 == 1 {
		return k.at(k.inZone(of, k.zones.of[region6(k.geo6.atlas, remote)]), k.lookup.column(p, source, destination))
	}
	return k.at(of>>1, k.lookup.column(p, source, destination))
}

// inZone returns the row of a mixed interval in a zone.
func (k *form) inZone(of uint16, zone uint8) uint16 {
	return k.zoned[int(of>>1)*k.zones.count+int(zone)]
}

func (k *form) at(row, column uint16) VerdictID {
	return k.cell(uint32(row)*k.width + uint32(column))
}

// cell returns the verdict at a place of the table.
func (k *form) cell(at uint32) VerdictID {
	if k.table8 != nil {
		return k.verdicts[k.table8[at]]
	}
	return k.verdicts[k.table16[at]]
}

// Bytes returns the memory that the classifier's table and what leads there take, and
// its direct tables if it has them.
func (k *Classifier) Bytes() int {
	n := k.fused().bytes(map[*stageTable]bool{})
	if d := k.direct.Load(); d != nil {
		n += d.bytes()
	}
	return n
}

// bytes is the memory of the form; seen is the tables of chains that were counted.
func (k *form) bytes(seen map[*stageTable]bool) int {
	if k.chain != nil {
		return k.chain.bytes(seen)
	}
	return 4*len(k.start4) + 16*len(k.start6) + 2*len(k.of) + 2*len(k.zoned) + len(k.table8) + 2*len(k.table16) + 4*len(k.verdicts) + k.lookup.bytes()
}
