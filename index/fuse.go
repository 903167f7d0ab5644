package index

import (
	"slices"

	"ipflow/index/interval"
)

// link makes the chain of one NIC, direction and local address, for remote addresses
// of the local address's family.
func (c *compiler) link(stages []*Stage, kind tableKind, from origin) *form {
	tables := make([]*stageTable, len(stages))
	for i, s := range stages {
		tables[i] = c.table(s, kind)
	}
	f := &form{chain: newChain(c, tables)}
	if !kind.openSource && slices.ContainsFunc(tables, func(t *stageTable) bool { return t.namesSources }) {
		kind.openSource = true
		f.open = &Classifier{family4: kind.family4, recipe: recipe{c: c, origin: from, kind: kind}}
	}
	return f
}

// fuse makes one table of a chain's; the chain stays where it would be too large.
func (c *compiler) fuse(from *form, kind tableKind) *form {
	f := c.fusers.take(func() *fuser { return &fuser{c: c} })
	k := f.fuse(from.chain.tables, kind.family4)
	f.release()
	c.fusers.put(f)
	if k == nil {
		from.chain.tooLarge.Store(true)
		return from
	}
	k.open = from.open
	if kind.family4 && !kind.openSource {
		k.directs = &c.directs
	}
	return k
}

// release lets go of what the fuser worked on.
func (f *fuser) release() {
	f.k, f.tables = nil, nil
}

// fuser joins stage tables into one: the intervals of all are merged, each
// remote row and service column of the result is a tuple of rows and columns of
// the parts, and a cell is the verdict of the tuple of their outcomes. It reuses
// its memory and belongs to one goroutine at a time.
type fuser struct {
	c       *compiler
	tables  []*stageTable
	stages  []standing
	family4 bool
	k       *form

	remotes4            remotes[interval.IPv4]
	remotes6            remotes[interval.IPv6]
	long                [3][]uint32
	cuts4               cuts[interval.IPv4]
	cuts6               cuts[interval.IPv6]
	remote              tupleSet       // tuples of rows
	mixed               rowSet[uint32] // tuples of what mixed intervals are in the parts
	services            services
	planes              [2]portPlane
	column              tupleSet // tuples of columns
	groups              tupleSet // tuples of service groups
	source, destination tupleSet // tuples of port classes
	sets                []uint16
	table               tableMaker
	merger              merger
	lookups             lookupMaker
	verdict             verdictBuilder
	codes               []uint64
	row                 []uint32
	spread              [2][]uint32 // rows of the first and second table over the columns of the result
	layers              [3]layerOutcome

	local rowSet[uint32]    // verdicts, in the order of k.verdicts
	known []uint16          // combination of outcomes → position + 1
	rare  map[uint64]uint16 // the same where combinations are too many
}

// maxCodes bounds the combinations of outcomes that are looked up by position.
const maxCodes = 1 << 20

// fuse returns nil when the table would be too large.
func (f *fuser) fuse(tables []*stageTable, family4 bool) *form {
	f.tables, f.family4, f.stages = tables, family4, f.stages[:0]
	codes := uint64(1)
	for _, t := range tables {
		if t.bits != nil {
			return nil
		}
		f.stages = append(f.stages, t.standing)
		if codes *= uint64(len(t.outcomes)); codes > 1<<48 {
			return nil
		}
	}
	f.begin(codes)
	if len(tables) == 1 {
		return f.keepOnly(tables[0])
	}
	f.fuseServices()
	if family4 {
		f.fuseRemotes4()
	} else {
		f.fuseRemotes6()
	}
	if !f.fill() {
		return nil
	}
	f.merger.renumber(&f.services, f.table.columnOf)
	if family4 {
		f.remotes4.renumber(f.table.rowOf, &f.mixed)
	} else {
		f.remotes6.renumber(f.table.rowOf, &f.mixed)
	}
	width := len(f.table.kept)
	if n := f.table.height() * width; f.inBytes() {
		f.k.table8 = room[uint8](n)
		copyCells(f.k.table8, &f.table)
	} else {
		f.k.table16 = room[uint16](n)
		copyCells(f.k.table16, &f.table)
	}
	return f.keep(&f.remotes4, &f.remotes6, &f.services, f.table.height(), width)
}

// begin empties the fuser.
func (f *fuser) begin(codes uint64) {
	f.k = &form{geo4: f.c.geo4, geo6: f.c.geo6}
	f.local.reset(verdictWords)
	f.rare = nil
	if codes > maxCodes {
		f.rare = map[uint64]uint16{}
	} else {
		f.known = fill(f.known, int(codes), 0)
	}
}

// keepOnly makes the classifier of a layer that stands alone: its cells are those
// of the layer's table, with verdicts in place of outcomes. A few outcomes may have
// the same verdict; rows that become equal by that are left as they are.
func (f *fuser) keepOnly(t *stageTable) *form {
	f.codes = f.codes[:0]
	for n := range t.outcomes {
		id, ok := f.position(uint64(n))
		if !ok {
			return nil
		}
		f.codes = append(f.codes, uint64(id))
	}
	if f.inBytes() {
		f.k.table8 = room[uint8](t.table.len())
		renamed(f.k.table8, &t.table, f.codes)
	} else {
		f.k.table16 = room[uint16](t.table.len())
		renamed(f.k.table16, &t.table, f.codes)
	}
	rows, columns := t.size()
	return f.keep(&t.remote4, &t.remote6, &t.services, rows, columns)
}

// renamed writes cells by other numbers.
func renamed[T uint8 | uint16](out []T, from *cells, to []uint64) {
	for i := range out {
		out[i] = T(to[from.at(uint32(i))])
	}
}

// inBytes reports whether bytes are enough for the verdicts of a table.
func (f *fuser) inBytes() bool { return f.local.len() <= 1<<8 }

// keep copies what the classifier consists of beside its table; nil when numbers
// are too large.
func (f *fuser) keep(r4 *remotes[interval.IPv4], r6 *remotes[interval.IPv6], s *services, height, width int) *form {
	if height > 1<<16 || width > 1<<16 {
		return nil
	}
	f.k.width = uint32(width)
	f.k.verdicts = f.c.verdicts.internAll(f.local.rows, f.local.hashes)
	f.k.lookup = f.lookups.make(s)
	if !f.family4 {
		f.k.start6 = slices.Clone(r6.starts)
		return keepRemotes(f.k, r6)
	}
	f.k.start4 = make([]uint32, len(r4.starts))
	for i, s := range r4.starts {
		f.k.start4[i] = uint32(s)
	}
	return keepRemotes(f.k, r4)
}

// fill computes the verdicts of all pairs of row and column tuples; false when the
// table would be too large.
func (f *fuser) fill() bool {
	height, width := f.remote.len(), f.column.len()
	if height*width > maxCells {
		return false
	}
	f.table.begin(width)
	pair := len(f.tables) == 2 && f.rare == nil
	if pair {
		f.spreadRows()
	}
	for r := range height {
		if pair && !f.fillPaired(r) || !pair && !f.fillRow(r) || f.table.endRow() > f.c.maxTable {
			return false
		}
	}
	f.table.mergeColumns()
	return true
}

// spreadRows writes the rows of both tables along the columns of the result, as
// the parts of a combination: what is left is one addition for each cell.
func (f *fuser) spreadRows() {
	weights := [...]uint32{uint32(len(f.tables[1].outcomes)), 1}
	width := f.column.len()
	for i, t := range f.tables {
		height, _ := t.size()
		f.spread[i] = slices.Grow(f.spread[i][:0], height*width)[:height*width]
		for r := range height {
			out, columns := f.spread[i][r*width:(r+1)*width], f.column.of[i]
			f.row = fill(f.row, int(t.width), 0)
			for column := range f.row {
				f.row[column] = t.table.at(uint32(r)*t.width+uint32(column)) * weights[i]
			}
			for s, column := range columns[:len(out)] {
				out[s] = f.row[column]
			}
		}
	}
}

// fillPaired writes the verdicts along a row of two tables.
func (f *fuser) fillPaired(r int) (ok bool) {
	row := f.table.row[:f.table.width]
	at := func(i int) []uint32 { return f.spread[i][int(f.remote.of[i][r])*len(row):][:len(row)] }
	first, second, known := at(0), at(1), f.known
	for s := range row {
		code := first[s] + second[s]
		x := known[code]
		if x == 0 {
			id, ok := f.position(uint64(code))
			if !ok {
				return false
			}
			x = id + 1
		}
		row[s] = x - 1
	}
	return true
}

// fillRow writes the verdicts along a row, of any number of tables.
func (f *fuser) fillRow(r int) (ok bool) {
	f.combine(r)
	for s, code := range f.codes {
		if f.table.row[s], ok = f.position(code); !ok {
			return false
		}
	}
	return true
}

// combine numbers the combinations of outcomes along a row.
func (f *fuser) combine(r int) {
	f.codes = fill(f.codes, f.column.len(), 0)
	tuple := f.remote.tuple(r)
	for i, t := range f.tables {
		first, n := tuple[i]*t.width, uint64(len(t.outcomes))
		for s, column := range f.column.of[i] {
			f.codes[s] = f.codes[s]*n + uint64(t.table.at(first+column))
		}
	}
}

// position returns where the verdict of a combination of outcomes stands.
func (f *fuser) position(code uint64) (id uint16, ok bool) {
	if f.rare == nil {
		if x := f.known[code]; x != 0 {
			return x - 1, true
		}
	} else if x, known := f.rare[code]; known {
		return x, true
	}
	layers := f.outcomes(code)
	v := f.verdict.conclude(f.c, f.stages, layers)
	words := v.words()
	n, _ := f.local.of(words[:])
	if n == maxIDs-1 {
		return 0, false
	}
	id = uint16(n)
	switch {
	case f.rare != nil:
		f.rare[code] = id
	case len(f.tables) > 1 && f.stages[0].ends(&layers[0]):
		n := uint64(len(f.known) / len(f.tables[0].outcomes)) // what the other layers say does not matter
		first := code / n * n
		alike := f.known[first : first+n]
		for i := range alike {
			alike[i] = id + 1
		}
	default:
		f.known[code] = id + 1
	}
	return id, true
}

// ends reports whether no packet with the outcome goes on to the next layer.
func (s *standing) ends(o *layerOutcome) bool {
	return !s.isMissing && len(o.may) == 0 && s.endsOf(o.sure)&endPass == 0
}

// outcomes takes a combination apart.
func (f *fuser) outcomes(code uint64) []layerOutcome {
	out := f.layers[:len(f.tables)]
	for i := len(f.tables) - 1; i >= 0; i-- {
		n := uint64(len(f.tables[i].outcomes))
		out[i] = f.tables[i].outcomes[code%n]
		code /= n
	}
	return out
}

// room is n zeros, padded.
func room[T uint8 | uint16](n int) []T { return make([]T, n, n+4) }

// keepRemotes stores where an interval leads in 16 bits; nil when they are not
// enough.
func keepRemotes[T interval.Point[T]](k *form, r *remotes[T]) *form {
	k.of = room[uint16](len(r.starts))
	for i := range k.of {
		of := r.leads(i)
		if of > 1<<16-1 {
			return nil
		}
		k.of[i] = uint16(of)
	}
	if r.zones != nil {
		k.zones, k.zoned = r.zones, room[uint16](len(r.zoned))
		for i, row := range r.zoned {
			k.zoned[i] = uint16(row)
		}
	}
	return k
}
