package index

import (
	"math/bits"
	"unsafe"

	"ipflow/index/interval"
)

// rowTables is what the vector loops read of a classifier to find the rows of
// remote addresses: pointers to its arrays, all of which have room behind their
// ends (see padded), and how they are searched.
//
// The IPv4 search takes two steps: 32 pivots, every 2^shift-th start, are held in
// registers and halved five times; what lies between two of them is halved shift
// times in memory. The IPv6 search halves from step on in memory.
type rowTables struct {
	starts unsafe.Pointer // uint32, or interval.IPv6
	last   uint64         // index of the last start
	shift  uint64         // IPv4
	step   uint64         // IPv6: the first, a power of two, 0 for a single interval
	of     unsafe.Pointer // uint16 per interval

	// Valid iff some interval is mixed.
	zoned     unsafe.Pointer // uint16
	zones     uint64         // how many there are
	zoneOf    unsafe.Pointer // uint8 by region
	root      unsafe.Pointer // uint32, IPv4
	atlas     unsafe.Pointer // starts: uint32, or interval.IPv6
	atlasLast uint64
	atlasStep uint64
	region    unsafe.Pointer // uint16 by interval of the atlas
}

// columnTables is the same for services and verdicts.
type columnTables struct {
	starts       unsafe.Pointer // uint32
	last, shift  uint64
	of           unsafe.Pointer // uint16
	sourceStarts unsafe.Pointer // uint32; nil when the source port never counts
	sourceLast   uint64
	sourceShift  uint64
	sourceOf     unsafe.Pointer // uint32
	class        unsafe.Pointer // uint16
	width        uint64
	cells        unsafe.Pointer // uint8 or uint16
	wide         uint64         // 1 when cells are uint16
	verdicts     unsafe.Pointer // uint32
}

// directTables is what the vector loop reads of a direct.
type directTables struct {
	root, pages, columns, sources, bySource unsafe.Pointer // uint16
	cells                                   unsafe.Pointer // uint32
	row, width                              uint64
}

// pivotShift is the number of halvings that 32 pivots leave for n starts.
func pivotShift(n int) uint64 { return uint64(bits.Len(uint(n-1) >> 5)) }

// firstStep is the greatest power of two below n.
func firstStep(n int) uint64 { return 1 << bits.Len(uint(n-1)) >> 1 }

func start[T any](list []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(list)) }

// rowTables fills in the pointers; it allocates nothing.
func (k *Classifier) rowTables(t *rowTables) {
	*t = rowTables{of: start(k.of)}
	if k.family4 {
		t.starts, t.last, t.shift = start(k.start4), uint64(len(k.start4)-1), pivotShift(len(k.start4))
	} else {
		t.starts, t.last, t.step = start(k.start6), uint64(len(k.start6)-1), firstStep(len(k.start6))
	}
	if k.zones == nil {
		return
	}
	t.zoned, t.zones, t.zoneOf = start(k.zoned), uint64(k.zones.count), start(k.zones.of)
	if k.family4 {
		t.root, t.atlas, t.region = start(k.geo4.root), start(k.geo4.starts), start(k.geo4.region)
		return
	}
	n := len(k.geo6.starts)
	t.atlas, t.atlasLast, t.atlasStep, t.region = start(k.geo6.starts), uint64(n-1), firstStep(n), start(k.geo6.region)
}

// columnTables fills in the pointers; it allocates nothing.
func (k *Classifier) columnTables(t *columnTables) {
	l := &k.lookup
	*t = columnTables{
		starts: start(l.starts), last: uint64(len(l.starts) - 1), shift: pivotShift(len(l.starts)), of: start(l.of),
		width: uint64(k.width), cells: start(k.table8), verdicts: start(k.verdicts),
	}
	if k.table8 == nil {
		t.cells, t.wide = start(k.table16), 1
	}
	if n := len(l.sourceStarts); n > 0 {
		t.sourceStarts, t.sourceLast, t.sourceShift = start(l.sourceStarts), uint64(n-1), pivotShift(n)
		t.sourceOf, t.class = start(l.sourceOf), start(l.class)
	}
}

// Questions go through the vector loops in blocks: the rows of one block stand in
// the first cache meanwhile.
const (
	lanes       = 16
	vectorBlock = 512 // a multiple of lanes
)

// turned is where the vector loops look for question i of 16: they load four times
// four questions and read the matrix of fours by column.
func turned(i int) int { return i&^15 | i&3<<2 | i>>2&3 }

// vectorScatter4 is Scatter4 for classifiers with a table and questions with
// source ports.
func vectorScatter4(k *Classifier, q []Query4, out []uint32, base uint32) {
	var rows [vectorBlock]uint32
	var remotes rowTables
	var columns columnTables
	k.rowTables(&remotes)
	k.columnTables(&columns)
	for len(q) >= lanes {
		n := min(len(q), vectorBlock) / lanes
		vectorRows4(&remotes, &q[0], n, &rows[0])
		answered(vectorVerdicts(&columns, &q[0], n, &rows[0], unsafe.SliceData(out), len(out), uint(base)))
		q = q[n*lanes:]
	}
	if len(q) > 0 {
		rest := fullLanes(q)
		vectorRows4(&remotes, &rest[0], 1, &rows[0])
		answered(vectorVerdicts(&columns, &rest[0], 1, &rows[0], unsafe.SliceData(out), len(out), uint(base)))
	}
}

// vectorScatter6 is the same for IPv6. The services of a block are put where the
// loop for IPv4 finds them.
func vectorScatter6(k *Classifier, q []Query6, out []uint32, base uint32) {
	var rows [vectorBlock]uint32
	var services [vectorBlock]Query4
	var remotes rowTables
	var columns columnTables
	k.rowTables(&remotes)
	k.columnTables(&columns)
	for len(q) > 0 {
		block := q[:min(len(q), vectorBlock)]
		q = q[len(block):]
		if whole := len(block) &^ (lanes - 1); whole > 0 {
			vectorRows6(&remotes, &block[0], whole/8, &rows[0])
			for i := range block[:whole] {
				services[turned(i)&(vectorBlock-1)] = block[i].service()
			}
			answered(vectorVerdicts(&columns, &services[0], whole/lanes, &rows[0], unsafe.SliceData(out), len(out), uint(base)))
			block = block[whole:]
		}
		if len(block) == 0 {
			continue
		}
		rest := fullLanes(block)
		vectorRows6(&remotes, &rest[0], lanes/8, &rows[0])
		for i := range rest {
			services[turned(i)] = rest[i].service()
		}
		answered(vectorVerdicts(&columns, &services[0], 1, &rows[0], unsafe.SliceData(out), len(out), uint(base)))
	}
}

// service is what a question says beside its address.
func (q *Query6) service() Query4 {
	return Query4{Row: q.Row, Source: q.Source, Destination: q.Destination, Protocol: q.Protocol}
}

// vectorScatterDirect is scatterDirect.
func vectorScatterDirect(d *direct, q []Query4, out []uint32, base uint32) {
	t := directTables{
		root: start(d.root), pages: start(d.pages), columns: start(d.columns), sources: start(d.sources), bySource: start(d.bySource),
		cells: start(d.cells), row: uint64(d.row), width: uint64(d.width),
	}
	if n := len(q) / lanes; n > 0 {
		answered(vectorDirect(&t, &q[0], n, unsafe.SliceData(out), len(out), uint(base)))
		q = q[n*lanes:]
	}
	if len(q) > 0 {
		rest := fullLanes(q)
		answered(vectorDirect(&t, &rest[0], 1, unsafe.SliceData(out), len(out), uint(base)))
	}
}

// fullLanes repeats the last question until there are 16: it is answered again,
// with the same answer at the same place.
func fullLanes[Q Query4 | Query6](q []Q) (full [lanes]Q) {
	for i := range full {
		full[i] = q[min(i, len(q)-1)]
	}
	return full
}

func answered(ok bool) {
	if !ok {
		panic("index: a question's row lies beyond the answers")
	}
}

// verdictsOf views ids of any kind as numbers.
func verdictsOf[T ~uint32](out []T) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(out))), len(out))
}

var (
	_ = [1]struct{}{}[unsafe.Sizeof(Query4{})-16] // the loops count on it
	_ = [1]struct{}{}[unsafe.Sizeof(Query6{})-32]
	_ = [1]struct{}{}[unsafe.Sizeof(interval.IPv6{})-16]
)
