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
	hi, lo                [vectorBlock]uint64 // IPv6 addresses

	// The questions whose address lies in a mixed interval: few, and long in the
	// finding, so they are collected and go side by side too.
	mixedAddress [vectorBlock + lanes]uint32 // IPv4, or place of an IPv6 address
	mixedBlock   [vectorBlock + lanes]uint32 // of zoned
	mixedPlace   [vectorBlock + lanes]uint32 // where the row belongs

	// The questions that go to a middle page of a direct, and those that go to a last one,
	// without gaps and with a few made up behind: the row that says so above the 20 or
	// 8 bits of the address that are left, then the row that was found.
	page, second [vectorBlock + lanes]uint32

	// The questions whose source port may count, by their place from a block on: there are
	// few in a block, so those of some blocks go together.
	later [enoughLater + directBlock + lanes]uint32

	opened [vectorBlock]uint32 // answers to questions with open source ports, see mixed
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
	open         uint64         // 1 when blocks with open source ports are not to be answered
}

// directTables is what the vector loop reads of a direct.
type directTables struct {
	root, middle, pages     unsafe.Pointer // uint16
	columns                 unsafe.Pointer // uint8 or uint16
	sources, rows, bySource unsafe.Pointer // uint16; sources is nil when no column depends on the source port
	few                     *fewSources
	unusual                 uint64
	cells                   unsafe.Pointer // uint8, uint16 or uint32
	row, width              uint64
	open                    uint64 // 1 when blocks with open source ports are not to be answered

	// Columns and cells have one byte << shift; mask is what counts of them.
	columnShift, columnMask, depends uint64
	cellShift, cellMask              uint64
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
}

// Questions go through the vector loops in blocks: the rows of one block stand in
// the first cache meanwhile.
const (
	lanes       = 16
	vectorBlock = 512     // a multiple of lanes
	directBlock = 256     // the same; direct tables are to find room in the first cache too
	enoughLater = 128     // dependent questions that are worth the way
	farthest    = 1 << 20 // questions that they come from
)

// vectors answers questions by direct tables or, where d is nil, by intervals: the
// rows of a block of them, then its verdicts. With open set it stops before the first
// block in which a source port is open. It returns how many it answered.
func (k *form) vectors(d *direct, q []Query, addresses []interval.IPv6, out []uint32, base uint32, open bool, w *Work) (done int) {
	var x blocks
	x.begin(k, d, open)
	out = out[:len(q)]
	for len(q)-done >= lanes {
		n := min(len(q)-done, x.size) / lanes
		if !x.answer(&q[done], addresses, n, &out[done], base, done, w) {
			x.askLater(q, out, base, w)
			return done
		}
		done += n * lanes
		if x.later >= enoughLater || done-x.since >= farthest {
			x.askLater(q, out, base, w)
		}
	}
	if done < len(q) && x.answerLast(q, addresses, out, base, done, w) {
		done = len(q)
	}
	x.askLater(q, out, base, w)
	return done
}

// answerLast answers the last questions, fewer than lanes, or returns false and leaves
// them.
func (x *blocks) answerLast(q []Query, addresses []interval.IPv6, out []uint32, base uint32, done int, w *Work) bool {
	// The last one is repeated in full.
	var full [lanes]Query
	var answers [lanes]uint32
	for i := range full {
		full[i] = q[min(done+i, len(q)-1)]
	}
	before := x.later
	if !x.answer(&full[0], addresses, 1, &answers[0], base, done, w) {
		return false
	}
	copy(out[done:], answers[:])
	for x.later > before && x.since+int(w.later[x.later-1]) >= len(q) { // repetitions
		x.later--
	}
	return true
}

// askLater answers the questions in Work.later.
func (x *blocks) askLater(q []Query, out []uint32, base uint32, w *Work) {
	if x.later > 0 {
		vectorDependents(&x.tables, &q[x.since], x.later, w, &out[x.since], uint(base+x.least))
		x.later = 0
	}
}

// blocks is what answers the blocks of a run.
type blocks struct {
	direct  bool
	size    int // of a block
	tables  directTables
	remotes rowTables
	columns columnTables
	least   uint32
	since   int // where the questions in Work.later begin
	later   int // how many there are
}

// begin fills in the pointers; it allocates nothing.
func (x *blocks) begin(k *form, d *direct, open bool) {
	x.size = vectorBlock
	if d == nil {
		k.rowTables(&x.remotes)
		k.columnTables(&x.columns)
		x.columns.open = truth(open)
		return
	}
	x.direct, x.size, x.least = true, directBlock, d.least
	x.tables = directTables{
		root: start(d.root), middle: start(d.middle), pages: start(d.pages),
		sources: start(d.sources), rows: start(d.rows), bySource: start(d.bySource), few: d.few, unusual: uint64(d.unusual),
		row: uint64(d.row), width: uint64(d.width), open: truth(open),
		columns: start(d.columns16), columnShift: 1, columnMask: depends16 - 1, depends: depends16,
		cells: start(d.cells32), cellShift: 2, cellMask: 1<<32 - 1,
	}
	if d.columns8 != nil {
		x.tables.columns, x.tables.columnShift, x.tables.columnMask, x.tables.depends = start(d.columns8), 0, depends8-1, depends8
	}
	switch {
	case d.cells8 != nil:
		x.tables.cells, x.tables.cellShift, x.tables.cellMask = start(d.cells8), 0, 1<<8-1
	case d.cells16 != nil:
		x.tables.cells, x.tables.cellShift, x.tables.cellMask = start(d.cells16), 1, 1<<16-1
	}
}

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// answer answers 16 × n questions from the one at a place on, those in Work.later
// excepted, or returns false and leaves them.
func (x *blocks) answer(q *Query, addresses []interval.IPv6, n int, out *uint32, base uint32, from int, w *Work) bool {
	switch {
	case x.direct:
		if x.later == 0 {
			x.since = from
		}
		later := vectorDirect(&x.tables, q, n, w, out, uint(base+x.least), uint(from-x.since), uint(x.later))
		if later >= 0 {
			x.later = later
		}
		return later >= 0
	case addresses == nil:
		if mixed := vectorRows4(&x.remotes, q, n, w); mixed > 0 {
			vectorZones4(&x.remotes, mixed, w)
		}
	default:
		all := unsafe.SliceData(addresses)
		if mixed := vectorRows6(&x.remotes, q, all, n, w); mixed > 0 {
			vectorZones6(&x.remotes, mixed, all, w)
		}
	}
	return vectorVerdicts(&x.columns, q, n, w, out, uint(base))
}

// verdictsOf views ids of any kind as numbers.
func verdictsOf[T ~uint32](out []T) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(out))), len(out))
}

var (
	_ = [1]struct{}{}[unsafe.Sizeof(Query{})-12] // the loops count on it
	_ = [1]struct{}{}[unsafe.Sizeof(interval.IPv6{})-16]
)

// Only the assembly uses these.
var _ = [...]uintptr{
	unsafe.Offsetof(Work{}.key), unsafe.Offsetof(Work{}.position), unsafe.Offsetof(Work{}.source), unsafe.Offsetof(Work{}.row),
	unsafe.Offsetof(Work{}.hi), unsafe.Offsetof(Work{}.lo),
	unsafe.Offsetof(Work{}.mixedAddress), unsafe.Offsetof(Work{}.mixedBlock), unsafe.Offsetof(Work{}.mixedPlace),
	unsafe.Offsetof(Work{}.page), unsafe.Offsetof(Work{}.second), unsafe.Offsetof(Work{}.later),
}
