package index

import (
	"slices"

	"ipflow/index/interval"
)

// build fuses the stages of one NIC, direction and local address. family4 says
// which remote addresses it answers for: the local address's family.
func (c *compiler) build(stages []*Stage, family4 bool) *Classifier {
	c.survey()
	tables := make([]*stageTable, len(stages))
	for i, s := range stages {
		tables[i] = c.table(s, family4)
	}
	f := c.fusers.Get().(*fuser)
	defer c.fusers.Put(f)
	k := f.fuse(tables, family4)
	if k == nil {
		k = &Classifier{chain: newChain(c, tables)}
	}
	return k
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
	k       *Classifier

	remote, mixed rowSet[uint32] // tuples of rows; of what mixed intervals are in the parts
	column        rowSet[uint32] // tuples of columns
	groups        rowSet[uint32] // tuples of service groups
	source        rowSet[uint32] // tuples of port classes
	destination   rowSet[uint32]
	sets          []uint16
	rows          rowSet[uint16] // of the table
	row           []uint16
	codes         []uint64
	layers        [3]layerOutcome
	columnsOf     [3][]uint32 // of each part, by column of the result
	places        weights

	local map[VerdictID]uint16 // verdict → position in k.verdicts
	known []uint16             // combination of outcomes → position + 1; all zero between uses
	used  []uint64             // combinations set in known
	rare  map[uint64]uint16    // the same where combinations are too many
}

// maxCodes bounds the combinations of outcomes that are looked up by position.
const maxCodes = 1 << 20

// fuse returns nil when the table would be too large.
func (f *fuser) fuse(tables []*stageTable, family4 bool) *Classifier {
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
	services := f.fuseServices()
	var ok bool
	var columnOf []uint32
	if family4 {
		r := f.fuseRemotes4(remotesOf(tables, func(t *stageTable) *remotes[interval.IPv4] { return &t.remote4 }))
		var rowOf []uint32
		if rowOf, columnOf, ok = f.fill(); ok {
			r.renumber(rowOf)
			ok = compactRemotes(f.k, &r)
			f.k.start4 = make([]uint32, len(r.starts))
			for i, s := range r.starts {
				f.k.start4[i] = uint32(s)
			}
		}
	} else {
		r := f.fuseRemotes6(remotesOf(tables, func(t *stageTable) *remotes[interval.IPv6] { return &t.remote6 }))
		var rowOf []uint32
		if rowOf, columnOf, ok = f.fill(); ok {
			r.renumber(rowOf)
			ok = compactRemotes(f.k, &r)
			f.k.start6 = slices.Clone(r.starts)
		}
	}
	if !ok {
		return nil
	}
	services.renumber(columnOf)
	f.k.lookup = f.c.newServiceLookup(&services)
	return f.k
}

func remotesOf[T interval.Point[T]](tables []*stageTable, of func(*stageTable) *remotes[T]) []*remotes[T] {
	out := make([]*remotes[T], len(tables))
	for i, t := range tables {
		out[i] = of(t)
	}
	return out
}

// begin empties the fuser.
func (f *fuser) begin(codes uint64) {
	f.k = &Classifier{geo4: f.c.geo4, geo6: f.c.geo6}
	clear(f.local)
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

// fill computes the verdicts of all pairs of row and column tuples; equal rows and
// equal columns are stored once. The result maps tuples to rows and columns; ok is
// false when the table would be too large.
func (f *fuser) fill() (rowOf, columnOf []uint32, ok bool) {
	height, width := f.remote.len(), f.column.len()
	if height*width > maxCells {
		return nil, nil, false
	}
	for i := range f.tables {
		f.columnsOf[i] = slices.Grow(f.columnsOf[i][:0], width)[:width]
		for s := range width {
			f.columnsOf[i][s] = f.column.row(s)[i]
		}
	}
	f.rows.reset(width)
	f.row = slices.Grow(f.row[:0], width)[:width]
	f.codes = slices.Grow(f.codes[:0], width)[:width]
	places := f.places.upTo(width)
	rowOf = make([]uint32, height)
	for r := range rowOf {
		f.combine(r)
		hash := uint64(0)
		for s, code := range f.codes {
			id, ok := f.position(code)
			if !ok {
				return nil, nil, false
			}
			f.row[s] = id
			hash += uint64(id+1) * places[s]
		}
		rowOf[r], _ = f.rows.ofHashed(f.row, hash)
		if f.rows.len()*width > f.c.maxTable {
			return nil, nil, false
		}
	}
	table, columnOf := mergeColumns(f.rows.rows, width, &f.places)
	f.k.width = uint32(len(table) / f.rows.len())
	if f.rows.len() > 1<<16 || f.k.width > 1<<16 {
		return nil, nil, false
	}
	f.k.keepTable(table)
	return rowOf, columnOf, true
}

// combine numbers the combinations of outcomes along a row.
func (f *fuser) combine(r int) {
	tuple := f.remote.row(r)
	clear(f.codes)
	for i, t := range f.tables {
		row := t.table[tuple[i]*t.width : (tuple[i]+1)*t.width]
		n := uint64(len(t.outcomes))
		for s, column := range f.columnsOf[i] {
			f.codes[s] = f.codes[s]*n + uint64(row[column])
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
	v := f.c.verdicts.intern(f.c.conclude(f.stages, f.outcomes(code)))
	if id, ok = f.local[v]; !ok {
		if len(f.k.verdicts) == maxIDs-1 {
			return 0, false
		}
		id = uint16(len(f.k.verdicts))
		f.local[v] = id
		f.k.verdicts = append(f.k.verdicts, v)
	}
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

// keepTable stores the table in bytes where they are enough.
func (k *Classifier) keepTable(table []uint16) {
	if len(k.verdicts) > 1<<8 {
		k.table16 = table
		return
	}
	k.table8 = make([]uint8, len(table))
	for i, id := range table {
		k.table8[i] = uint8(id)
	}
}

// compactRemotes stores where an interval leads in 16 bits; ok is false when they
// are not enough.
func compactRemotes[T interval.Point[T]](k *Classifier, r *remotes[T]) (ok bool) {
	k.of = make([]uint16, len(r.of))
	for i, of := range r.of {
		if of > 1<<16-1 {
			return false
		}
		k.of[i] = uint16(of)
	}
	if r.zones == nil {
		return true
	}
	k.zones, k.zoned = r.zones, make([]uint16, len(r.zoned))
	for i, row := range r.zoned {
		k.zoned[i] = uint16(row)
	}
	return true
}
