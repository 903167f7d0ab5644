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
// A search takes two parts: 32 pivots (16 for IPv6), every 2^shift-th start, are
// held in registers and halved without a load; what lies between two of them is
// halved shift times in memory.
type rowTables struct {
	starts unsafe.Pointer // uint32, or interval.IPv6
	last   uint64         // index of the last start
	shift  uint64
	step   uint64         // IPv6: 2^shift / 2
	of     unsafe.Pointer // uint16 per interval

	// Valid iff some interval is mixed.
	zoned      unsafe.Pointer // uint16
	zones      uint64         // how many there are
	zoneOf     unsafe.Pointer // uint8 by region
	root       unsafe.Pointer // uint32, IPv4
	atlas      unsafe.Pointer // starts: uint32, or interval.IPv6
	atlasLast  uint64         // IPv6
	atlasShift uint64
	atlasStep  uint64
	region     unsafe.Pointer // uint16 by interval of the atlas
}

// Work is where the questions of a block stand between two look-ups: each look-up
// goes through all of them before the next one begins, so that what one waits for,
// the others have asked meanwhile. The zero value is ready; it belongs to one
// goroutine and is used again and again.
type Work struct {
	key, position, source [vectorBlock]uint32 // searched for, and where it was found so far
	row                   [vectorBlock]uint32
	place                 [vectorBlock]uint32 // where the answer goes
	destination           [vectorBlock]uint32 // key
	hi, lo                [vectorBlock]uint64 // IPv6 addresses

	// The questions whose address lies in a mixed interval: few, and long in the
	// finding, so they are collected and go side by side too.
	mixedAddress [vectorBlock + lanes]uint32 // IPv4, or place of an IPv6 address
	mixedBlock   [vectorBlock + lanes]uint32 // of zoned
	mixedPlace   [vectorBlock + lanes]uint32 // where the row belongs

	// The questions that go to a page of a direct, and those that go to a second one,
	// without gaps and with a few made up behind: the address, and what is known of
	// the row.
	pageAddress, pageRow     [vectorBlock + lanes]uint32
	secondAddress, secondRow [vectorBlock + lanes]uint32
	dependent                [vectorBlock + lanes]uint32 // lanes whose source port may count
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
	open         uint64         // 1 when open source ports are another classifier's business
}

// directTables is what the vector loop reads of a direct.
type directTables struct {
	root, pages, columns    unsafe.Pointer // uint16
	sources, rows, bySource unsafe.Pointer // uint16; sources is nil when no column depends on the source port
	few                     *fewSources
	unusual                 uint64
	cells                   unsafe.Pointer // uint8, uint16 or uint32
	size                    uint64         // of a cell
	row, width              uint64
	open                    uint64 // 1 when open source ports are another classifier's business
}

// pivotShift is the number of halvings that 32 pivots leave for n starts.
func pivotShift(n int) uint64 { return uint64(bits.Len(uint(n-1) >> 5)) }

// pivotShift6 is the same for 16 pivots, with the first step that remains.
func pivotShift6(n int) (shift, step uint64) {
	shift = uint64(bits.Len(uint(n-1) >> 4))
	return shift, 1 << shift >> 1
}

func start[T any](list []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(list)) }

// rowTables fills in the pointers; it allocates nothing.
func (k *form) rowTables(t *rowTables) {
	*t = rowTables{of: start(k.of)}
	if k.start4 != nil {
		t.starts, t.last, t.shift = start(k.start4), uint64(len(k.start4)-1), pivotShift(len(k.start4))
	} else {
		t.starts, t.last = start(k.start6), uint64(len(k.start6)-1)
		t.shift, t.step = pivotShift6(len(k.start6))
	}
	if k.zones == nil {
		return
	}
	t.zoned, t.zones, t.zoneOf = start(k.zoned), uint64(k.zones.count), start(k.zones.of)
	if k.start4 != nil {
		t.root, t.atlas, t.region = start(k.geo4.root), start(k.geo4.starts), start(k.geo4.region)
		return
	}
	t.atlas, t.atlasLast, t.region = start(k.geo6.starts), uint64(len(k.geo6.starts)-1), start(k.geo6.region)
	t.atlasShift, t.atlasStep = pivotShift6(len(k.geo6.starts))
}

// columnTables fills in the pointers; it allocates nothing.
func (k *form) columnTables(t *columnTables) {
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
	if k.open != nil {
		t.open = 1
	}
}

// Questions go through the vector loops in blocks: the rows of one block stand in
// the first cache meanwhile.
const (
	lanes       = 16
	vectorBlock = 512 // a multiple of lanes
)

// vectorScatter4 is Scatter4 for classifiers with a table. It returns the questions
// from the first block on in which one has an open source port that is not for this
// classifier; nil when all are answered.
func vectorScatter4(k *form, q []Query, out []uint32, base uint32, w *Work) (rest []Query) {
	return vectorScatter(k, q, nil, out, base, w)
}

// vectorScatter6 is Scatter6 for the same.
func vectorScatter6(k *form, q []Query, addresses []interval.IPv6, out []uint32, base uint32, w *Work) (rest []Query) {
	for i := range q {
		_ = addresses[q[i].Remote] // the loops do not look
	}
	return vectorScatter(k, q, unsafe.SliceData(addresses), out, base, w)
}

// vectorScatter finds the rows of a block of questions, then its verdicts. The
// addresses are those of IPv6 questions.
func vectorScatter(k *form, q []Query, addresses *interval.IPv6, out []uint32, base uint32, w *Work) (rest []Query) {
	var remotes rowTables
	var columns columnTables
	k.rowTables(&remotes)
	k.columnTables(&columns)
	var full [lanes]Query
	for len(q) > 0 {
		block, n := nextBlock(q, &full)
		if addresses == nil {
			if mixed := vectorRows4(&remotes, &block[0], n, w); mixed > 0 {
				vectorZones4(&remotes, mixed, w)
			}
		} else if mixed := vectorRows6(&remotes, &block[0], addresses, n, w); mixed > 0 {
			vectorZones6(&remotes, mixed, addresses, w)
		}
		if !answered(vectorVerdicts(&columns, &block[0], n, w, unsafe.SliceData(out), len(out), uint(base))) {
			return q
		}
		q = q[min(n*lanes, len(q)):]
	}
	return nil
}

// vectorScatterDirect is scatterDirect; open says whether open source ports are
// another classifier's business. It returns what vectorScatter4 does.
func vectorScatterDirect(d *direct, open bool, q []Query, out []uint32, base uint32, w *Work) (rest []Query) {
	t := directTables{
		root: start(d.root), pages: start(d.pages), columns: start(d.columns),
		sources: start(d.sources), rows: start(d.rows), bySource: start(d.bySource), few: d.few, unusual: uint64(d.unusual),
		row: uint64(d.row), width: uint64(d.width),
	}
	switch {
	case d.cells8 != nil:
		t.cells, t.size = start(d.cells8), 1
	case d.cells16 != nil:
		t.cells, t.size = start(d.cells16), 2
	default:
		t.cells, t.size = start(d.cells32), 4
	}
	if open {
		t.open = 1
	}
	var full [lanes]Query
	for len(q) > 0 {
		block, n := nextBlock(q, &full)
		if !answered(vectorDirect(&t, &block[0], n, w, unsafe.SliceData(out), len(out), uint(base+d.least))) {
			return q
		}
		q = q[min(n*lanes, len(q)):]
	}
	return nil
}

// nextBlock returns the questions that go through the loops next, a multiple of 16,
// and how many times 16. When fewer are left the last one is repeated in full: it is
// answered again, with the same answer at the same place.
func nextBlock(q []Query, full *[lanes]Query) (block []Query, n int) {
	if len(q) >= lanes {
		n = min(len(q), vectorBlock) / lanes
		return q[:n*lanes], n
	}
	for i := range full {
		full[i] = q[min(i, len(q)-1)]
	}
	return full[:], 1
}

// What became of a block of questions.
const (
	blockBeyond   = iota // a place lies beyond the answers
	blockAnswered        // all are
	blockOpen            // a source port is open, none is answered
)

// answered reports whether a block was, or is to be sorted by open source ports first.
func answered(block int) bool {
	if block == blockBeyond {
		panic("index: a question's row lies beyond the answers")
	}
	return block == blockAnswered
}

// verdictsOf views ids of any kind as numbers.
func verdictsOf[T ~uint32](out []T) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(out))), len(out))
}

var (
	_ = [1]struct{}{}[unsafe.Sizeof(Query{})-16] // the loops count on it
	_ = [1]struct{}{}[unsafe.Sizeof(interval.IPv6{})-16]
)

// Only the assembly uses these.
var _ = [...]uintptr{
	unsafe.Offsetof(Work{}.key), unsafe.Offsetof(Work{}.position), unsafe.Offsetof(Work{}.source), unsafe.Offsetof(Work{}.row),
	unsafe.Offsetof(Work{}.place), unsafe.Offsetof(Work{}.destination), unsafe.Offsetof(Work{}.hi), unsafe.Offsetof(Work{}.lo),
	unsafe.Offsetof(Work{}.mixedAddress), unsafe.Offsetof(Work{}.mixedBlock), unsafe.Offsetof(Work{}.mixedPlace),
	unsafe.Offsetof(Work{}.pageAddress), unsafe.Offsetof(Work{}.pageRow), unsafe.Offsetof(Work{}.secondAddress), unsafe.Offsetof(Work{}.secondRow),
	unsafe.Offsetof(Work{}.dependent),
}
