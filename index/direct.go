package index

import (
	"math"
	"slices"
	"sync"

	"ipflow/index/interval"
	"ipflow/index/memory"
)

// A direct is the fast form of a classifier that is asked very often, for IPv4:
// addresses and services lead to rows and columns without a search, and cells to
// verdicts without one more load. It is some hundred times larger than the
// intervals, so only a few classifiers have one.
//
// Layout, for m middle and p last pages of addresses, r rows and c columns:
//
//	root     8 KiB: by the first 12 bits of an address a row, or deeper + a middle page
//	middle   8m KiB: by the next 12 bits a row, or deeper + a last page
//	pages    512p bytes: by the last 8 bits a row; pages that are equal are one
//	columns  128.25 or 256.5 KiB: by destination key the column for the usual source
//	         ports, plus depends where there are others; a byte where that holds it
//	cells    rc, 2rc or 4rc bytes: verdicts less the least of them, in as few bytes as
//	         hold the greatest
//
// and, when any column depends on the source port:
//
//	sources  256 KiB: by source key its number, 0 for the usual ones
//	rows     256.5 KiB: by destination key a row of bySource
//	bySource columns, width for each row, by number
//
// The usual source ports are those that have the same rules as most ports above
// 1023: hardly a question goes further. Which ports may be others is in unusual, a
// bit for each 2048 ports.
type direct struct {
	root     []uint16
	middle   []uint16
	pages    []uint16
	sources  []uint16 // nil when no column depends on the source port
	rows     []uint16
	bySource []uint16
	width    uint32 // of a row of bySource
	few      *fewSources
	unusual  uint32
	row      uint32 // length of a row of cells

	// Columns stand in one of these.
	columns8  []uint8
	columns16 []uint16

	// Cells stand in one of these.
	cells8  []uint8
	cells16 []uint16
	cells32 []uint32
	least   uint32
}

// fewSources is sources as intervals, when there are not more than fit into vectors:
// starts of source keys, the last one repeated, and their numbers.
type fewSources struct {
	starts, numbers [32]uint32
	last            uint64
}

const (
	rootBits  = 12      // 8 KiB stay in the first cache
	deeper    = 1 << 15 // a page follows
	depends8  = 1 << 7  // the source port counts
	depends16 = 1 << 15

	maxDirectCells = 1 << 19 // with more the caches are of no use
)

func (d *direct) bytes() int {
	return 2*(len(d.root)+len(d.middle)+len(d.pages)+len(d.columns16)+len(d.sources)+len(d.rows)+len(d.bySource)+len(d.cells16)) + len(d.columns8) + len(d.cells8) + 4*len(d.cells32)
}

// newDirect unfolds a classifier for IPv4; nil where the numbers do not fit.
func newDirect(k *form) *direct {
	d := &direct{row: k.width}
	cells := max(len(k.table8), len(k.table16))
	if cells == 0 || cells > maxDirectCells || !d.addresses(k) || !d.services(&k.lookup) {
		return nil
	}
	list := make([]uint32, cells)
	for i := range list {
		list[i] = uint32(k.cell(uint32(i)))
	}
	d.pack(list, slices.Max(list)-slices.Min(list))
	return d
}

// settle moves the tables to where pages are large: those of small ones lie about in the
// second cache as it happens, and that may cost a tenth.
func (d *direct) settle(c *memory.Chunk) {
	for _, list := range []*[]uint16{&d.root, &d.middle, &d.pages, &d.columns16, &d.sources, &d.rows, &d.bySource, &d.cells16} {
		*list = memory.Copy(c, *list)
	}
	d.columns8, d.cells8, d.cells32 = memory.Copy(c, d.columns8), memory.Copy(c, d.cells8), memory.Copy(c, d.cells32)
}

// pack stores the cells, which differ by span or less.
func (d *direct) pack(cells []uint32, span uint32) {
	d.least = slices.Min(cells)
	switch {
	case span < 1<<8:
		d.cells8 = narrowed[uint8](cells, d.least)
	case span < 1<<16:
		d.cells16 = narrowed[uint16](cells, d.least)
	default:
		d.cells32 = narrowed[uint32](cells, d.least)
	}
}

func narrowed[T uint8 | uint16 | uint32](cells []uint32, least uint32) []T {
	out := make([]T, len(cells))
	for i, x := range cells {
		out[i] = T(x - least)
	}
	return padded(out)
}

// cell returns the verdict at a place of the cells.
func (d *direct) cell(at uint32) uint32 {
	switch {
	case d.cells8 != nil:
		return d.least + uint32(d.cells8[at])
	case d.cells16 != nil:
		return d.least + uint32(d.cells16[at])
	}
	return d.least + d.cells32[at]
}

// rowOf looks an address up.
func (d *direct) rowOf(a uint32) uint16 {
	r := d.root[a>>(32-rootBits)]
	if r >= deeper {
		r = d.middle[uint32(r&^deeper)<<(24-rootBits)|a<<rootBits>>(rootBits+8)]
	}
	if r >= deeper {
		r = d.pages[int(r&^deeper)<<8|int(uint8(a))]
	}
	return r
}

// columnOf looks a service up by its keys.
func (d *direct) columnOf(source, destination uint32) uint16 {
	column, depends := d.usualColumn(destination)
	if depends {
		if n := d.sources[source]; n != 0 {
			return d.bySource[uint32(d.rows[destination])*d.width+uint32(n)]
		}
	}
	return column
}

// usualColumn is what the usual source ports have, and whether others have another.
func (d *direct) usualColumn(destination uint32) (column uint16, depends bool) {
	if d.columns8 != nil {
		c := d.columns8[destination]
		return uint16(c &^ depends8), c >= depends8
	}
	c := d.columns16[destination]
	return c &^ depends16, c >= depends16
}

// addresses fills root, middle and pages.
func (d *direct) addresses(k *form) bool {
	var starts []uint32
	var rows []uint16
	eachRow(k.geo4, k.remotes4(), everything.v4[0].Last, func(row int, at interval.Range[interval.IPv4]) {
		starts, rows = append(starts, uint32(at.First)), append(rows, uint16(row))
	})
	for _, row := range rows {
		if row >= deeper {
			return false
		}
	}
	var middle, pages rowSet[uint16]
	middle.reset(1 << (24 - rootBits))
	pages.reset(256)
	// cut fills a table whose entry n stands for the addresses first + n<<bits to
	// before first + (n+1)<<bits; i is the interval in which first lies.
	var cut func(table []uint16, first uint32, bits int, i int) (last int, ok bool)
	cut = func(table []uint16, first uint32, bits, i int) (int, bool) {
		for n := range table {
			at := first + uint32(n)<<bits
			for i+1 < len(starts) && starts[i+1] <= at {
				i++
			}
			if end := at + (1<<bits - 1); i+1 == len(starts) || starts[i+1] > end {
				table[n] = rows[i]
				continue
			}
			below, set := 8, &middle
			if bits == 8 {
				below, set = 0, &pages
			}
			page := make([]uint16, 1<<(bits-below))
			last, ok := cut(page, at, below, i)
			if !ok {
				return 0, false
			}
			number, _ := set.of(page)
			if number >= deeper {
				return 0, false
			}
			table[n], i = deeper+uint16(number), last
		}
		return i, true
	}
	d.root = padded(make([]uint16, 1<<rootBits))
	_, ok := cut(d.root, 0, 32-rootBits, 0)
	d.middle, d.pages = padded(middle.rows), padded(pages.rows)
	return ok
}

// services fills columns and what tells source ports apart.
func (d *direct) services(l *serviceLookup) bool {
	if d.row > depends16 || l.sourceStarts != nil && !d.dependents(l) {
		return false
	}
	if d.row <= depends8 {
		d.columns8 = columnsOf[uint8](d, l, depends8)
	} else {
		d.columns16 = columnsOf[uint16](d, l, depends16)
	}
	return true
}

// columnsOf lists columns by destination key.
func columnsOf[T uint8 | uint16](d *direct, l *serviceLookup, depends T) []T {
	out := padded(make([]T, keyCount))
	spread(out, l.starts, func(i int, at uint32) T {
		if d.sources == nil {
			return T(l.of[i])
		}
		row := d.bySource[uint32(d.rows[at])*d.width:][:d.width]
		for _, column := range row {
			if column != row[0] {
				return T(row[0]) | depends
			}
		}
		return T(row[0])
	})
	return out
}

// dependents fills what tells source ports apart.
func (d *direct) dependents(l *serviceLookup) bool {
	begins := d.sourcesOf(l)
	d.rows = padded(make([]uint16, keyCount))
	type dependent struct {
		kind uint32
		of   uint16
	}
	known := map[dependent]uint16{}
	fits := true
	spread(d.rows, l.starts, func(i int, at uint32) uint16 {
		x := dependent{at >> 16, l.of[i]}
		row, ok := known[x]
		if !ok {
			row, ok = d.rowOfSources(l, begins[x.kind], x.of)
			fits = fits && ok
			known[x] = row
		}
		return row
	})
	d.bySource = padded(d.bySource)
	return fits
}

// sourcesOf numbers what source keys lead to, TCP, UDP and all else apart: begins
// lists by kind and number where the classes begin.
func (d *direct) sourcesOf(l *serviceLookup) (begins [3][]uint32) {
	numbers := make([]uint32, len(l.sourceStarts))
	for kind := range begins {
		begins[kind] = append(begins[kind], usualSource(l, uint32(kind)))
	}
	for i, start := range l.sourceStarts {
		list := &begins[start>>16]
		n := slices.Index(*list, l.sourceOf[i])
		if n < 0 {
			n = len(*list)
			*list = append(*list, l.sourceOf[i])
		}
		numbers[i] = uint32(n)
	}
	for _, list := range begins {
		d.width = max(d.width, uint32(len(list)))
	}
	d.sources = padded(make([]uint16, portlessKeys+1))
	spread(d.sources, l.sourceStarts, func(i int, _ uint32) uint16 { return uint16(numbers[i]) })
	for key, n := range d.sources {
		if n != 0 {
			d.unusual |= 1 << (uint16(key) >> 11)
		}
	}
	if d.sources[portlessKeys] != 0 { // never: they have one class, the usual one; and any source port
		d.unusual = 1<<32 - 1
	}
	if last := len(numbers) - 1; last < 32 {
		d.few = &fewSources{last: uint64(last)}
		for i := range d.few.starts {
			d.few.starts[i], d.few.numbers[i] = l.sourceStarts[min(i, last)], numbers[min(i, last)]
		}
	}
	return begins
}

// usualSource returns where the classes begin for most ports above 1023 of a kind
// of keys.
func usualSource(l *serviceLookup, kind uint32) uint32 {
	ports := map[uint32]uint32{}
	usual := l.sourceOf[search32(l.sourceStarts, min(kind<<16|65535, portlessKeys))]
	for i, start := range l.sourceStarts {
		end := uint32(portlessKeys)
		if i+1 < len(l.sourceStarts) {
			end = l.sourceStarts[i+1]
		}
		from, to := max(start, kind<<16|1024), min(end, kind<<16+1<<16)
		if from >= to {
			continue
		}
		begin := l.sourceOf[i]
		if ports[begin] += to - from; ports[begin] > ports[usual] {
			usual = begin
		}
	}
	return usual
}

// rowOfSources adds the row of bySource of a destination class.
func (d *direct) rowOfSources(l *serviceLookup, begins []uint32, of uint16) (row uint16, ok bool) {
	n := uint32(len(d.bySource)) / d.width
	if n >= 1<<16 {
		return 0, false
	}
	for i := range int(d.width) {
		begin := begins[0]
		if i < len(begins) {
			begin = begins[i]
		}
		d.bySource = append(d.bySource, l.class[begin+uint32(of)])
	}
	return uint16(n), true
}

// spread fills a table by key from intervals; f gets an interval and the first key
// of it, or of each kind of key in it.
func spread[T uint8 | uint16](table []T, starts []uint32, f func(i int, at uint32) T) {
	for i, start := range starts {
		end := uint32(len(table))
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		var value T
		for at := start; at < end; at++ {
			if at == start || at&0xffff == 0 {
				value = f(i, at)
			}
			table[at] = value
		}
	}
}

const (
	hotRun   = 1 << 16 // questions in one run from which on a direct is worth its loads
	hotAfter = 100_000 // questions in such runs before one is made

	defaultDirectBytes = 64 << 20
)

// directs bounds the memory of the directs of an index: the one made first goes
// when another needs room. It may be used concurrently.
type directs struct {
	mu    sync.Mutex
	limit int
	bytes int
	made  []*Classifier
	chunk memory.Chunk
}

// directFor returns the direct for a run of questions, made when the classifier has
// become hot; nil when intervals serve it better.
func (k *Classifier) directFor(f *form, run int) *direct {
	if run < hotRun || f.directs == nil {
		return nil
	}
	if d := k.direct.Load(); d != nil {
		return d
	}
	if k.heat.Add(int64(run)) < hotAfter {
		return nil
	}
	return f.directs.make(k, f)
}

func (s *directs) make(k *Classifier, f *form) *direct {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := k.direct.Load(); d != nil {
		return d
	}
	k.heat.Store(0)
	if s.limit <= 0 {
		return nil
	}
	d := newDirect(f)
	if d == nil || d.bytes() > s.limit {
		k.heat.Store(math.MinInt64) // nor will it be otherwise next time
		return nil
	}
	for s.bytes += d.bytes(); s.bytes > s.limit; {
		s.bytes -= s.made[0].direct.Swap(nil).bytes()
		s.made = append(s.made[:0:0], s.made[1:]...)
	}
	s.made = append(s.made, k)
	if s.limit > memory.ChunkBytes {
		d.settle(&s.chunk)
	}
	k.direct.Store(d)
	return d
}

// plainDirect answers a run of questions one by one; the vector loop's twin.
func plainDirect(d *direct, q []Query, out []uint32, base uint32) {
	for i := range q {
		x := &q[i]
		r := d.rowOf(x.Remote)
		c := d.columnOf(sourceKeyAt(x.Destination, x.Source), x.Destination)
		out[i] = base + d.cell(uint32(r)*d.row+uint32(c))
	}
}
