package index

import "slices"

// tableMaker collects the rows of a table, equal rows and columns once. It reuses
// its memory.
type tableMaker struct {
	row      []uint16 // the row that endRow is to take
	rowOf    []uint32 // where each row that was given is
	columnOf []uint32 // where each column is; valid after mergeColumns
	kept     []uint32 // the columns of rows that are those of the table; valid after mergeColumns
	width    int      // of rows

	rows    rowSet[uint16]
	madeOf  []int32  // the base of each distinct row, -1 for none
	base    int32    // of the row
	places  []uint64 // the multiplier of each column in a row's hash
	hash    uint64   // of the row, when it was begun from a base
	weight  uint64   // the row's multiplier in the hashes of columns
	bases   []baseRow
	hashes  []uint64 // of each column, over all rows that were given
	columns rowSet[uint64]
}

// baseRow is a row from which others are made by changing a few cells.
type baseRow struct {
	cells  []uint16
	hash   uint64
	weight uint64 // sum of those of the rows made from it
}

func (t *tableMaker) begin(width int) {
	t.row, t.rowOf, t.width = slices.Grow(t.row[:0], width)[:width], t.rowOf[:0], width
	t.hashes = fill(t.hashes, width, 0)
	t.rows.reset(width)
	t.bases, t.madeOf = t.bases[:0], t.madeOf[:0]
	for len(t.places) < width {
		t.places = append(t.places, scramble(uint64(len(t.places))+0x9e3779b97f4a7c15)|1)
	}
}

// addBase adds a base, numbered from 0, whose cells the caller writes and then
// ends with endBase.
func (t *tableMaker) addBase() []uint16 {
	n := len(t.bases)
	t.bases = slices.Grow(t.bases, 1)[:n+1]
	base := &t.bases[n]
	base.cells, base.hash, base.weight = slices.Grow(base.cells[:0], t.width)[:t.width], 0, 0
	return base.cells
}

func (t *tableMaker) endBase() {
	base := &t.bases[len(t.bases)-1]
	for s, x := range base.cells {
		base.hash += (uint64(x) + 1) * t.places[s]
	}
}

// from begins the next row as a base. set changes its cells, endFrom takes it.
func (t *tableMaker) from(base int) {
	b := &t.bases[base]
	t.base = int32(base)
	t.hash, t.weight = b.hash, rowWeight(len(t.rowOf))
	b.weight += t.weight
	copy(t.row, b.cells)
}

func (t *tableMaker) set(column int, x uint16) {
	change := uint64(x) - uint64(t.row[column])
	t.row[column] = x
	t.hash += change * t.places[column]
	t.hashes[column] += change * t.weight
}

// endFrom takes the row and returns the cells so far.
func (t *tableMaker) endFrom() int {
	n, fresh := t.rows.ofHashed(t.row, t.hash)
	if fresh {
		t.madeOf = append(t.madeOf, t.base)
	}
	t.rowOf = append(t.rowOf, n)
	return t.rows.len() * t.width
}

// endRow takes a row that was written without a base and returns the cells so far.
func (t *tableMaker) endRow() int {
	t.base, t.hash, t.weight = -1, 0, rowWeight(len(t.rowOf))
	row := t.row
	places, hashes := t.places[:len(row)], t.hashes[:len(row)]
	for s, x := range row {
		t.hash += (uint64(x) + 1) * places[s]
		hashes[s] += (uint64(x) + 1) * t.weight
	}
	return t.endFrom()
}

// rowWeight is the odd multiplier of a row in the hashes of columns.
func rowWeight(n int) uint64 { return scramble(uint64(n)+1) | 1 }

// changes lists, for each row of the table, the columns in which it is not like
// its base; valid after mergeColumns.
func (t *tableMaker) changes(out *rowChanges) {
	out.base, out.columns, out.ends = append(out.base[:0], t.madeOf...), out.columns[:0], out.ends[:0]
	out.bases = len(t.bases)
	for r, base := range t.madeOf {
		if base >= 0 {
			cells := t.bases[base].cells
			row := t.rows.row(r)
			for i, s := range t.kept {
				if row[s] != cells[s] {
					out.columns = append(out.columns, uint32(i))
				}
			}
		}
		out.ends = append(out.ends, uint32(len(out.columns)))
	}
}

// rowChanges says how the rows of a table differ from a few others, their bases.
type rowChanges struct {
	bases   int
	base    []int32  // by row; -1 for none
	columns []uint32 // row after row
	ends    []uint32 // of each row in columns
}

// of returns the columns in which a row is not like its base.
func (c *rowChanges) of(row uint32) []uint32 {
	from := uint32(0)
	if row > 0 {
		from = c.ends[row-1]
	}
	return c.columns[from:c.ends[row]]
}

func (t *tableMaker) height() int { return t.rows.len() }

// mergeColumns joins equal columns.
func (t *tableMaker) mergeColumns() {
	for i := range t.bases {
		for s, x := range t.bases[i].cells {
			t.hashes[s] += (uint64(x) + 1) * t.bases[i].weight
		}
	}
	t.columns.reset(1)
	t.columnOf, t.kept = t.columnOf[:0], t.kept[:0]
	for s := range t.width {
		n, fresh := t.columns.of(t.hashes[s : s+1])
		if !fresh && !equalColumns(t.rows.rows, t.width, s, int(t.kept[n])) {
			n, fresh = t.columns.add(t.hashes[s:s+1]), true
		}
		if fresh {
			t.kept = append(t.kept, uint32(s))
		}
		t.columnOf = append(t.columnOf, n)
	}
}

// copyCells writes the table, row-major, len(kept) columns.
func copyCells[T uint8 | uint16](out []T, t *tableMaker) {
	n := len(t.kept)
	for r := range t.height() {
		row, line := t.rows.row(r), out[r*n:(r+1)*n]
		for i, s := range t.kept {
			line[i] = T(row[s])
		}
	}
}

func equalColumns(table []uint16, width, a, b int) bool {
	for r := 0; r < len(table); r += width {
		if table[r+a] != table[r+b] {
			return false
		}
	}
	return true
}
