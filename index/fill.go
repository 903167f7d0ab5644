package index

import (
	"math/bits"
	"slices"
)

// A filler computes the outcome of each pair of a remote and a service class. It
// reuses its memory.
//
// Outcomes have numbers for the while: number n is the sure match of entry n,
// len(entries) that nothing matches; the doubtful ones have the numbers beyond. So
// the least of several sure matches is the first.
//
// A row differs from others in few cells. Entries for every remote address decide
// all of it at first; the entries that match in one class and not in another claim
// the columns in which they come first. Those that claim many columns (VirtualNetwork
// and Internet, mostly) make a base, which rows with the same of them start from.
//
// In slow columns something is in doubt; they are computed cell by cell.
type filler struct {
	slow    []int32  // columns
	most    []uint16 // by column: the first entry that matches whatever the remote address
	claims  []uint64 // by entry, a bit for each column: where it would come first
	words   int      // of an entry's claims
	wide    []uint64 // entries that claim many columns
	bases   rowSet[uint64]
	of      []uint64       // wide entries of a row
	cells   rowSet[uint64] // slow cells: column and sure match, then the entries in doubt
	cell    []uint64
	numbers []uint32 // of the outcomes of slow cells

	doubtful []layerOutcome
	room     outcomeRoom       // of the table's doubtful outcomes
	keyed    map[string]uint32 // numbers of doubtful outcomes by key
	key      []byte
	final    []uint32 // outcome in the Stage's table + 1, by number
}

// finish computes the outcomes of all pairs of classes, or leaves that for each
// question where there would be too many.
func (b *builder) finish(t *stageTable) {
	if !b.fill(t) {
		t.table, t.width, t.outcomes = cells{}, 0, nil
		t.bits = newIntersection(b)
		return
	}
	b.number(t)
	t.width = uint32(len(b.made.kept))
	t.remote4.renumber(b.made.rowOf, &b.blocks)
	t.remote6.renumber(b.made.rowOf, &b.blocks)
	b.merger.renumber(&t.services, b.made.columnOf)
}

// fill computes the outcome of every pair of classes. It gives up when the table
// would be too large.
func (b *builder) fill(t *stageTable) (ok bool) {
	height, width := b.remote.len(), b.columns.len()
	if height*width > maxCells || b.c.maxTable < 0 || len(b.entries) >= maxIDs {
		return false
	}
	f := &b.filler
	f.doubtful = f.doubtful[:0]
	f.room.reset()
	clear(f.keyed)
	b.made.begin(width)
	b.claim(width)
	for r := range height {
		cells := 0
		if b.remote.doubtsOf(r) == nil {
			cells = b.fillRow(t, r)
		} else {
			for s := range width {
				b.made.row[s] = b.outcomeOf(t, r, s)
			}
			cells = b.made.endRow()
		}
		if cells > b.c.maxTable || len(b.entries)+len(f.doubtful) >= maxIDs {
			return false
		}
	}
	b.made.mergeColumns()
	return true
}

// claim finds the slow columns, and which columns each entry would come first in.
func (b *builder) claim(width int) {
	f := &b.filler
	f.words = (width + 63) / 64
	f.slow, f.most = f.slow[:0], fill(f.most, width, uint16(len(b.entries)))
	f.claims = resetWords(f.claims, f.words*len(b.entries))
	for s := range width {
		column := b.columns.row(s)
		if b.columns.doubtsOf(s) != nil || meet(column, b.based) {
			f.slow = append(f.slow, int32(s))
			continue
		}
		for w, x := range column {
			end := x & b.total[w]
			claims := x &^ b.total[w] & (end&-end - 1)
			for ; claims != 0; claims &= claims - 1 {
				setBit(f.claims[(w*64+bits.TrailingZeros64(claims))*f.words:], s)
			}
			if end != 0 {
				f.most[s] = uint16(w*64 + bits.TrailingZeros64(end))
				break
			}
		}
	}
	f.wide = resetWords(f.wide, b.words)
	for i := range b.entries {
		n := 0
		for _, x := range f.claims[i*f.words : (i+1)*f.words] {
			n += bits.OnesCount64(x)
		}
		if 4*n > width {
			setBit(f.wide, i)
		}
	}
	f.bases.reset(b.words)
	f.cells.reset(b.words + 1)
	f.numbers = f.numbers[:0]
}

func meet(a, b []uint64) bool {
	for w, x := range a {
		if x&b[w] != 0 {
			return true
		}
	}
	return false
}

// fillRow computes a row of a remote class without doubts and returns the cells so
// far.
func (b *builder) fillRow(t *stageTable, r int) int {
	f, made := &b.filler, &b.made
	remote := b.remote.sure.row(r)
	made.from(b.baseOf(t, r))
	for w, x := range remote {
		for x &^= b.total[w] | f.wide[w]; x != 0; x &= x - 1 {
			entry := w*64 + bits.TrailingZeros64(x)
			for i, claims := range f.claims[entry*f.words : (entry+1)*f.words] {
				for ; claims != 0; claims &= claims - 1 {
					if s := i*64 + bits.TrailingZeros64(claims); uint16(entry) < made.row[s] {
						made.row[s] = uint16(entry)
					}
				}
			}
		}
	}
	for _, s := range f.slow {
		made.row[s] = b.slowCell(t, r, int(s))
	}
	return made.endRow()
}

// baseOf returns the base of the wide entries that match in a remote class. Its
// slow cells are those of the class that was first to need it.
func (b *builder) baseOf(t *stageTable, r int) int {
	f := &b.filler
	f.of = f.of[:0]
	for w, x := range b.remote.sure.row(r) {
		f.of = append(f.of, x&f.wide[w])
	}
	n, fresh := f.bases.of(f.of)
	if !fresh {
		return int(n)
	}
	cells := b.made.addBase()
	copy(cells, f.most)
	forEachBit(f.of, func(entry int) {
		forEachBit(f.claims[entry*f.words:(entry+1)*f.words], func(s int) { cells[s] = min(cells[s], uint16(entry)) })
	})
	for _, s := range f.slow {
		cells[s] = b.slowCell(t, r, int(s))
	}
	return int(n)
}

// slowCell is outcomeOf for a remote class without doubts. Few cells differ in what
// decides them.
func (b *builder) slowCell(t *stageTable, r, s int) uint16 {
	f := &b.filler
	p := b.pair(r, s)
	f.cell = resetWords(f.cell, b.words+1)
	at, doubt := len(b.entries), false
	for w := range p.remote {
		sure, may := p.word(w)
		if sure != 0 {
			may &= sure&-sure - 1
			at = w*64 + bits.TrailingZeros64(sure)
		}
		f.cell[w+1], doubt = may, doubt || may != 0
		if sure != 0 {
			break
		}
	}
	if !doubt {
		return uint16(at)
	}
	f.cell[0] = uint64(s)<<32 | uint64(at)
	n, fresh := f.cells.of(f.cell)
	if fresh {
		f.numbers = append(f.numbers, uint32(b.outcomeOf(t, r, s)))
	}
	return uint16(f.numbers[n])
}

// outcomeOf numbers the outcome where a remote and a service class meet.
func (b *builder) outcomeOf(t *stageTable, r, s int) uint16 {
	f, p := &b.filler, b.pair(r, s)
	at, sure := p.match()
	if sure {
		return uint16(at)
	}
	f.key = p.key(f.key[:0])
	n, known := f.keyed[string(f.key)]
	if !known {
		n = uint32(len(b.entries) + 1 + len(f.doubtful))
		f.doubtful = append(f.doubtful, f.room.read(b.entries, f.key))
		f.keyed[string(f.key)] = n
	}
	return uint16(n)
}

// number copies the cells into the Stage's table and numbers the outcomes that are
// in it.
func (b *builder) number(t *stageTable) {
	f, n := &b.filler, len(b.entries)
	f.final = fill(f.final, n+1+len(f.doubtful), 0)
	width := len(b.made.kept)
	t.table.wide = slices.Grow(t.table.wide[:0], b.made.height()*width)[:b.made.height()*width]
	for r := range b.made.height() {
		row, line := b.made.rows.row(r), t.table.wide[r*width:(r+1)*width]
		for i, s := range b.made.kept {
			x := row[s]
			if f.final[x] == 0 {
				switch at := int(x); {
				case at < n:
					t.outcomes = append(t.outcomes, layerOutcome{sure: b.entries[at].rule})
				case at == n:
					t.outcomes = append(t.outcomes, layerOutcome{})
				default:
					t.outcomes = append(t.outcomes, f.doubtful[at-n-1])
				}
				f.final[x] = uint32(len(t.outcomes))
			}
			line[i] = uint16(f.final[x] - 1)
		}
	}
}
