package index

import (
	"slices"

	"ipflow/index/interval"
)

// build fuses the stages of one NIC, direction and local address, for remote
// addresses of the local address's family.
func (c *compiler) build(stages []*Stage, kind tableKind, from origin) arrays {
	c.survey()
	tables := make([]*stageTable, len(stages))
	for i, s := range stages {
		tables[i] = c.table(s, kind)
	}
	f := c.fusers.take(func() *fuser { return &fuser{c: c} })
	k := f.fuse(tables, kind.family4)
	f.release()
	c.fusers.put(f)
	if k == nil {
		k = &arrays{chain: newChain(c, tables)}
	}
	if kind.openSource {
		return *k
	}
	if kind.family4 && k.chain == nil {
		k.directs = &c.directs
	}
	if slices.ContainsFunc(tables, func(t *stageTable) bool { return t.namesSources }) {
		kind.openSource = true
		k.open = &Classifier{family4: kind.family4, recipe: recipe{c: c, origin: from, kind: kind}}
	}
	return *k
}

// release lets go of what the fuser worked on.
func (f *fuser) release() {
	f.k, f.tables = nil, nil
	clear(f.stages)
}

// fuser joins stage tables into one: the intervals of all are merged, each
// remote row and service column of the result is a tuple of rows and columns of
// the parts, and a cell is the verdict of the tuple of their outcomes. It reuses
// its memory and belongs to one goroutine at a time.
type fuser struct {
	c       *compiler
	tables  []*stageTable
	stages  []*Stage
	family4 bool
	k       *arrays

	remotes4            remotes[interval.IPv4]
	remotes6            remotes[interval.IPv6]
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
	goesOn              []uint64 // by outcome of the first layer: all bits, or none where it is the last
	layers              [3]layerOutcome
	pairs               pairing

	local rowSet[uint32]    // verdicts, in the order of k.verdicts
	known []uint16          // combination of outcomes → position + 1; all zero between uses
	used  []uint64          // combinations set in known
	rare  map[uint64]uint16 // the same where combinations are too many
}

// maxCodes bounds the combinations of outcomes that are looked up by position.
const maxCodes = 1 << 20

// fuse returns nil when the table would be too large.
func (f *fuser) fuse(tables []*stageTable, family4 bool) *arrays {
	f.tables, f.family4, f.stages = tables, family4, f.stages[:0]
	codes := uint64(1)
	for _, t := range tables {
		if t.bits != nil {
			return nil
		}
		f.stages = append(f.stages, t.stage)
		if codes *= uint64(len(t.outcomes)); codes > 1<<48 {
			return nil
		}
	}
	f.begin(codes)
	if len(tables) == 1 {
		return f.keepOnly(tables[0])
	}
	f.markEnds()
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
	f.k = &arrays{geo4: f.c.geo4, geo6: f.c.geo6}
	f.local.reset(verdictWords)
	for _, code := range f.used {
		f.known[code] = 0
	}
	f.used, f.rare = f.used[:0], nil
	switch {
	case codes > maxCodes:
		f.rare = map[uint64]uint16{}
	case uint64(len(f.known)) < codes:
		f.known = make([]uint16, codes)
	}
}

// keepOnly makes the classifier of a layer that stands alone: its cells are those
// of the layer's table, with verdicts in place of outcomes. A few outcomes may have
// the same verdict; rows that become equal by that are left as they are.
func (f *fuser) keepOnly(t *stageTable) *arrays {
	same := true
	f.codes = f.codes[:0]
	for n := range t.outcomes {
		id, ok := f.position(uint64(n))
		if !ok {
			return nil
		}
		same = same && int(id) == n
		f.codes = append(f.codes, uint64(id))
	}
	switch {
	case f.inBytes():
		f.k.table8 = room[uint8](len(t.table))
		for i, n := range t.table {
			f.k.table8[i] = uint8(f.codes[n])
		}
	case same:
		f.k.table16 = padded(t.table)
	default:
		f.k.table16 = room[uint16](len(t.table))
		for i, n := range t.table {
			f.k.table16[i] = uint16(f.codes[n])
		}
	}
	rows, columns := t.size()
	return f.keep(&t.remote4, &t.remote6, &t.services, rows, columns)
}

// inBytes reports whether bytes are enough for the verdicts of a table.
func (f *fuser) inBytes() bool { return f.local.len() <= 1<<8 }

// keep copies what the classifier consists of beside its table; nil when numbers
// are too large.
func (f *fuser) keep(r4 *remotes[interval.IPv4], r6 *remotes[interval.IPv6], s *services, height, width int) *arrays {
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
	f.codes = slices.Grow(f.codes[:0], width)[:width]
	f.table.begin(width)
	f.pairBases()
	for r := range height {
		ok, cells := true, 0
		if pair := f.baseOf(r); pair != nil {
			cells, ok = f.changeRow(r, pair)
		} else if ok = f.fillRow(r, f.table.row); ok {
			cells = f.table.endRow()
		}
		if !ok || cells > f.c.maxTable {
			return false
		}
	}
	f.table.mergeColumns()
	return true
}

// fillRow writes the verdicts along a row.
func (f *fuser) fillRow(r int, row []uint16) (ok bool) {
	f.combine(r)
	for s, code := range f.codes {
		if f.rare == nil && f.known[code] != 0 {
			row[s] = f.known[code] - 1
			continue
		}
		if row[s], ok = f.position(code); !ok {
			return false
		}
	}
	return true
}

// combine numbers the combinations of outcomes along a row.
func (f *fuser) combine(r int) {
	if len(f.tables) == 0 {
		clear(f.codes)
		return
	}
	tuple := f.remote.tuple(r)
	rowOf := func(i int) []uint16 {
		t := f.tables[i]
		return t.table[tuple[i]*t.width : (tuple[i]+1)*t.width]
	}
	codes := f.codes
	first, columns := rowOf(0), f.column.of[0][:len(codes)]
	// What the second layer says does not matter where the first ends it.
	second, n, goesOn := rowOf(1), uint64(len(f.tables[1].outcomes)), f.goesOn
	for s, column := range f.column.of[1][:len(codes)] {
		o := uint64(first[columns[s]])
		codes[s] = o*n + uint64(second[column])&goesOn[o]
	}
	if len(f.tables) == 3 {
		third, n := rowOf(2), uint64(len(f.tables[2].outcomes))
		for s, column := range f.column.of[2][:len(codes)] {
			codes[s] = codes[s]*n + uint64(third[column])
		}
	}
}

// markEnds notes for each outcome of the first layer whether a packet goes on.
func (f *fuser) markEnds() {
	if len(f.tables) < 2 {
		return
	}
	s, outcomes := f.stages[0], f.tables[0].outcomes
	f.goesOn = fill(f.goesOn, len(outcomes), ^uint64(0))
	for n := range outcomes {
		o := &outcomes[n]
		if e := s.endsOf(o.sure); !s.isMissing() && len(o.may) == 0 && e&endPass == 0 {
			f.goesOn[n] = 0
		}
	}
}

// position returns where the verdict of a combination of outcomes stands.
func (f *fuser) position(code uint64) (id uint16, ok bool) {
	if x, known := f.rare[code]; known {
		return x, true
	}
	v := f.verdict.conclude(f.c, f.stages, f.outcomes(code))
	words := v.words()
	n, _ := f.local.of(words[:])
	if n == maxIDs-1 {
		return 0, false
	}
	id = uint16(n)
	if f.rare == nil {
		f.known[code] = id + 1
		f.used = append(f.used, code)
	} else {
		f.rare[code] = id
	}
	return id, true
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
func keepRemotes[T interval.Point[T]](k *arrays, r *remotes[T]) *arrays {
	k.of = room[uint16](len(r.of))
	for i, of := range r.of {
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
