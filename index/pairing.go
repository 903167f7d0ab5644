package index

// A pairing is what fusing two tables takes from how their rows differ. Most rows
// differ from their bases in few columns, and so rows of the result that are made
// of the same bases differ from each other in few.
type pairing struct {
	on      bool
	bases   []basePair  // by base of the first table × bases of the second + base of the second
	spreads [2]spreads  // of each table
	rows    [2][]uint16 // the parts' rows of the row that is made
}

// basePair is a pair of bases.
type basePair struct {
	model   int32 // the row of the result that the others are made from, one with few changes; -1 for none
	changes int32 // of the model
	base    int32 // of the tableMaker; -1 while there is none
}

// spreads lists for each column of a table the columns of the result that are made
// of it.
type spreads struct {
	columns []uint32 // column after column
	ends    []uint32 // of each column in columns
}

func (p *spreads) reset(columns []uint32, n int) {
	p.columns, p.ends = fill(p.columns, len(columns), 0), fill(p.ends, n+1, 0)
	for _, c := range columns {
		p.ends[c+1]++
	}
	for c := range n {
		p.ends[c+1] += p.ends[c]
	}
	for s, c := range columns {
		p.columns[p.ends[c]] = uint32(s)
		p.ends[c]++
	}
}

func (p *spreads) of(column uint32) []uint32 {
	from := uint32(0)
	if column > 0 {
		from = p.ends[column-1]
	}
	return p.columns[from:p.ends[column]]
}

// pairBases finds the pairs of bases that rows are made of.
func (f *fuser) pairBases() {
	p := &f.pairs
	p.on = false
	if len(f.tables) != 2 || f.rare != nil {
		return
	}
	first, second := &f.tables[0].changes, &f.tables[1].changes
	if p.on = len(first.base) > 0 && len(second.base) > 0; !p.on {
		return
	}
	p.bases = fill(p.bases, first.bases*second.bases, basePair{-1, 0, -1})
	for r := range f.remote.len() {
		pair, changes := p.of(f, r)
		if pair != nil && (pair.model < 0 || changes < int(pair.changes)) {
			pair.model, pair.changes = int32(r), int32(changes)
		}
	}
	for i, t := range f.tables {
		p.spreads[i].reset(f.column.of[i], int(t.width))
	}
}

// of returns the pair of bases of a row of the result, nil for none, and how many
// columns of the parts are not like theirs.
func (p *pairing) of(f *fuser, r int) (pair *basePair, changes int) {
	first, second := &f.tables[0].changes, &f.tables[1].changes
	r1, r2 := f.remote.of[0][r], f.remote.of[1][r]
	b1, b2 := first.base[r1], second.base[r2]
	if b1 < 0 || b2 < 0 {
		return nil, 0
	}
	return &p.bases[int(b1)*second.bases+int(b2)], len(first.of(r1)) + len(second.of(r2))
}

// baseOf returns the pair of bases that a row is best made from, nil when it is
// best made as a whole.
func (f *fuser) baseOf(r int) *basePair {
	if !f.pairs.on {
		return nil
	}
	pair, changes := f.pairs.of(f, r)
	if pair == nil || 4*(changes+int(pair.changes)) > f.column.len() {
		return nil
	}
	return pair
}

// changeRow makes a row from the model of its bases and returns the cells so far;
// ok is false when there are too many verdicts.
func (f *fuser) changeRow(r int, pair *basePair) (cells int, ok bool) {
	p := &f.pairs
	if pair.base < 0 {
		pair.base = int32(len(f.table.bases))
		if !f.fillRow(int(pair.model), f.table.addBase()) {
			return 0, false
		}
		f.table.endBase()
	}
	f.table.from(int(pair.base))
	if r == int(pair.model) {
		return f.table.endFrom(), true
	}
	for i, t := range f.tables {
		row := f.remote.of[i][r]
		p.rows[i] = t.table[row*t.width : (row+1)*t.width]
	}
	for i, t := range f.tables {
		for _, from := range [...]int{r, int(pair.model)} {
			for _, c := range t.changes.of(f.remote.of[i][from]) {
				if !f.changeCells(p.spreads[i].of(c)) {
					return 0, false
				}
			}
		}
	}
	return f.table.endFrom(), true
}

// changeCells makes cells of a row anew.
func (f *fuser) changeCells(columns []uint32) bool {
	p := &f.pairs
	first, second, n := f.column.of[0], f.column.of[1], uint64(len(f.tables[1].outcomes))
	for _, s := range columns {
		o := uint64(p.rows[0][first[s]])
		code := o*n + uint64(p.rows[1][second[s]])&f.goesOn[o]
		x := f.known[code] - 1
		if f.known[code] == 0 {
			var ok bool
			if x, ok = f.position(code); !ok {
				return false
			}
		}
		if x != f.table.row[s] {
			f.table.set(int(s), x)
		}
	}
	return true
}
