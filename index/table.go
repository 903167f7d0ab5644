package index

import (
	"encoding/binary"
	"slices"
	"sync"

	"ipflow/index/interval"
)

const (
	maxIDs   = 1 << 16 // distinct verdicts of one classifier
	maxCodes = 1 << 20 // combinations of outcomes that are looked up by position

	defaultMaxTable = 1 << 21 // cells of one table, kept after equal rows are merged
)

// build fuses the stages of one NIC, direction and local address. family4 says
// which remote addresses it answers for: the local address's family.
func (c *compiler) build(stages []*Stage, family4 bool) *Classifier {
	tables := make([]*stageTable, len(stages))
	for i, s := range stages {
		tables[i] = c.table(s, family4)
	}
	f := fuser{c: c, tables: tables, family4: family4}
	k := f.fuse()
	f.release()
	if k == nil {
		k = &Classifier{chain: newChain(c, tables)}
	}
	return k
}

// knownPool keeps the look-up arrays of fusers: they are large, mostly zero and
// needed for a moment.
var knownPool sync.Pool

func (f *fuser) release() {
	if f.known == nil {
		return
	}
	for _, code := range f.used {
		f.known[code] = 0
	}
	knownPool.Put(&f.known)
}

// fuser joins stage tables into one: the intervals of all are merged, each
// remote row and service column of the result is a tuple of rows and columns of
// the parts, and a cell is the verdict of the tuple of their outcomes.
type fuser struct {
	c       *compiler
	tables  []*stageTable
	family4 bool
	k       *Classifier
	table   []uint16 // row-major: positions in k.verdicts
	width   int

	local map[VerdictID]uint16 // verdict → position in k.verdicts
	known []uint16             // combination of outcomes → position + 1; all zero between uses
	used  []uint64             // combinations set in known
	rare  map[uint64]uint16    // the same where combinations are too many
}

// fuse returns nil when the table would be too large.
func (f *fuser) fuse() *Classifier {
	codes := uint64(1)
	for _, t := range f.tables {
		if t.bits != nil {
			return nil
		}
		if codes *= uint64(len(t.outcomes)); codes > 1<<48 {
			return nil
		}
	}
	f.k, f.local = &Classifier{}, map[VerdictID]uint16{}
	if codes <= maxCodes {
		if p, ok := knownPool.Get().(*[]uint16); ok && uint64(cap(*p)) >= codes {
			f.known = (*p)[:cap(*p)]
		} else {
			f.known = make([]uint16, codes)
		}
	} else {
		f.rare = map[uint64]uint16{}
	}
	services, columns := fuseServices(f.tables)
	var rows *tuples
	var rowOf []uint32
	if f.family4 {
		var d dimension[interval.IPv4]
		d, rows = fuseDimensions(f.tables, func(t *stageTable) *dimension[interval.IPv4] { return &t.remote4 })
		if rowOf = f.fill(rows, columns); rowOf == nil {
			return nil
		}
		d.renumber(rowOf)
		for _, s := range d.starts {
			f.k.start4 = append(f.k.start4, uint32(s))
		}
		f.compactRows(d.of)
	} else {
		var d dimension[interval.IPv6]
		d, rows = fuseDimensions(f.tables, func(t *stageTable) *dimension[interval.IPv6] { return &t.remote6 })
		if rowOf = f.fill(rows, columns); rowOf == nil {
			return nil
		}
		d.renumber(rowOf)
		f.k.start6 = d.starts
		f.compactRows(d.of)
	}
	table, columnOf := mergeColumns(f.table, f.width)
	f.table, f.width = table, len(table)*f.width/len(f.table)
	services.renumber(columnOf)
	if len(f.table)/f.width > 1<<16 || f.width > 1<<16 || len(services.groups) > 1<<8 {
		return nil
	}
	f.k.lookup = newServiceLookup(&services)
	f.compactTable()
	return f.k
}

func (f *fuser) compactRows(rows []uint32) {
	f.k.row = make([]uint16, len(rows))
	for i, r := range rows {
		f.k.row[i] = uint16(r) // fuse gives up where rows do not fit
	}
}

func (f *fuser) compactTable() {
	f.k.width = uint32(f.width)
	if len(f.k.verdicts) > 1<<8 {
		f.k.table16 = slices.Clone(f.table)
		return
	}
	f.k.table8 = make([]uint8, len(f.table))
	for i, id := range f.table {
		f.k.table8[i] = uint8(id)
	}
}

// fill computes the verdicts of all pairs of row and column tuples; equal rows
// are stored once. The result maps row tuples to rows; it is nil when the table
// would be too large.
func (f *fuser) fill(rows, columns *tuples) []uint32 {
	width := columns.len()
	if rows.len()*width > maxCells {
		return nil
	}
	rowOf := make([]uint32, rows.len())
	seen := map[string]uint32{}
	codes, bytes := make([]uint64, width), make([]byte, 2*width)
	for r := range rowOf {
		clear(codes)
		for i, t := range f.tables {
			row := t.table[rows.at(r, i)*t.width:]
			n := uint64(len(t.outcomes))
			for s, column := range columns.part[i] {
				codes[s] = codes[s]*n + uint64(row[column])
			}
		}
		for s, code := range codes {
			id, ok := f.position(code)
			if !ok {
				return nil
			}
			binary.LittleEndian.PutUint16(bytes[2*s:], id)
		}
		n, known := seen[string(bytes)]
		if !known {
			n = uint32(len(seen))
			if int(n+1)*width > f.c.maxTable {
				return nil
			}
			seen[string(bytes)] = n
			for i := 0; i < len(bytes); i += 2 {
				f.table = append(f.table, binary.LittleEndian.Uint16(bytes[i:]))
			}
		}
		rowOf[r] = n
	}
	f.width = width
	return rowOf
}

// position returns where the verdict of a combination of outcomes stands.
func (f *fuser) position(code uint64) (id uint16, ok bool) {
	if f.known != nil {
		if x := f.known[code]; x != 0 {
			return x - 1, true
		}
	} else if x, known := f.rare[code]; known {
		return x, true
	}
	v := f.c.verdicts.intern(f.c.conclude(f.outcomes(code)))
	if id, ok = f.local[v]; !ok {
		if len(f.k.verdicts) == maxIDs-1 {
			return 0, false
		}
		id = uint16(len(f.k.verdicts))
		f.local[v] = id
		f.k.verdicts = append(f.k.verdicts, v)
	}
	if f.known != nil {
		f.known[code] = id + 1
		f.used = append(f.used, code)
	} else {
		f.rare[code] = id
	}
	return id, true
}

// outcomes takes a combination apart.
func (f *fuser) outcomes(code uint64) []layerOutcome {
	out := make([]layerOutcome, len(f.tables))
	for i := len(f.tables) - 1; i >= 0; i-- {
		n := uint64(len(f.tables[i].outcomes))
		out[i] = f.tables[i].outcomes[code%n]
		code /= n
	}
	return out
}

// mergeColumns joins equal columns of a row-major table; columnOf says where
// each went.
func mergeColumns[T uint16 | uint32](table []T, width int) (merged []T, columnOf []uint32) {
	rows := len(table) / width
	column := make([]byte, 4*rows)
	ids := map[string]uint32{}
	columnOf = make([]uint32, width)
	var first []int // a column of each kind
	for s := range width {
		for r := range rows {
			binary.LittleEndian.PutUint32(column[4*r:], uint32(table[r*width+s]))
		}
		n, ok := ids[string(column)]
		if !ok {
			n = uint32(len(first))
			ids[string(column)] = n
			first = append(first, s)
		}
		columnOf[s] = n
	}
	merged = make([]T, 0, rows*len(first))
	for r := range rows {
		for _, s := range first {
			merged = append(merged, table[r*width+s])
		}
	}
	return merged, columnOf
}

// tuples numbers tuples of part numbers: part[i][n] is the i-th part of tuple n.
type tuples struct {
	part [][]uint32
	ids  map[[3]uint32]uint32
}

func newTuples(parts int) *tuples {
	return &tuples{part: make([][]uint32, parts), ids: map[[3]uint32]uint32{}}
}

func (t *tuples) len() int { return max(1, len(t.ids)) }

func (t *tuples) at(n, part int) uint32 { return t.part[part][n] }

// of numbers a tuple; unused places of key are zero.
func (t *tuples) of(key [3]uint32) uint32 {
	n, ok := t.ids[key]
	if !ok {
		n = uint32(len(t.ids))
		t.ids[key] = n
		for i := range t.part {
			t.part[i] = append(t.part[i], key[i])
		}
	}
	return n
}

// fuseDimensions merges the cuts of the same dimension of several tables; the
// intervals of the result belong to tuples.
//
//	part 1   |--- a ---|-- b --|
//	part 2   |- c -|---- d ----|
//	result   |-ac--|ad-|--bd---|
func fuseDimensions[T interval.Point[T]](tables []*stageTable, pick func(*stageTable) *dimension[T]) (dimension[T], *tuples) {
	parts := make([]*dimension[T], len(tables))
	for i, t := range tables {
		parts[i] = pick(t)
	}
	return mergeCuts(parts)
}

func mergeCuts[T interval.Point[T]](parts []*dimension[T]) (d dimension[T], ts *tuples) {
	ts = newTuples(len(parts))
	var at [3]int
	var start T // the first point of the space is the zero value
	for {
		var key [3]uint32
		for i, p := range parts {
			key[i] = p.of[at[i]]
		}
		if n := ts.of(key); len(d.of) == 0 || d.of[len(d.of)-1] != n {
			d.starts, d.of = append(d.starts, start), append(d.of, n)
		}
		next := -1
		for i, p := range parts {
			if at[i]+1 < len(p.starts) && (next < 0 || p.starts[at[i]+1].Compare(parts[next].starts[at[next]+1]) < 0) {
				next = i
			}
		}
		if next < 0 {
			return d, ts
		}
		start = parts[next].starts[at[next]+1]
		for i, p := range parts {
			if at[i]+1 < len(p.starts) && p.starts[at[i]+1] == start {
				at[i]++
			}
		}
	}
}
