package index

import "slices"

// tableMaker collects the rows of a table, equal rows and columns once. It reuses
// its memory.
type tableMaker struct {
	row      []uint16 // the row that endRow is to take; padded with zeros to cells of whole words
	rowOf    []uint32 // where each row that was given is
	columnOf []uint32 // where each column is; valid after mergeColumns
	kept     []uint32 // the columns of rows that are those of the table; valid after mergeColumns
	width    int

	rows    rowSet[uint16] // padded
	bases   [][]uint16     // rows from which others are made by changing a few cells
	hashes  []uint64       // of each column
	columns rowSet[uint64]
}

// wordCells is how many cells a word of 64 bits holds.
const wordCells = 4

func (t *tableMaker) begin(width int) {
	padded := (width + wordCells - 1) / wordCells * wordCells
	t.row, t.rowOf, t.width = slices.Grow(t.row[:0], padded)[:padded], t.rowOf[:0], width
	clear(t.row[width:])
	t.rows.reset(padded)
	t.bases = t.bases[:0]
}

// addBase adds a base, numbered from 0, whose cells the caller writes.
func (t *tableMaker) addBase() []uint16 {
	n := len(t.bases)
	t.bases = slices.Grow(t.bases, 1)[:n+1]
	t.bases[n] = slices.Grow(t.bases[n][:0], t.width)[:t.width]
	return t.bases[n]
}

// from begins the next row as a base.
func (t *tableMaker) from(base int) { copy(t.row, t.bases[base]) }

// endRow takes the row and returns the cells so far.
func (t *tableMaker) endRow() int {
	n, _ := t.rows.ofHashed(t.row, hashCells(t.row))
	t.rowOf = append(t.rowOf, n)
	return t.rows.len() * t.width
}

// hashCells hashes a padded row word by word, with the words in two chains.
func hashCells(row []uint16) uint64 {
	const odd = 0x9e3779b97f4a7c15
	word := func(x []uint16) uint64 {
		_ = x[3]
		return uint64(x[0]) | uint64(x[1])<<16 | uint64(x[2])<<32 | uint64(x[3])<<48
	}
	var a, b uint64
	for ; len(row) >= 2*wordCells; row = row[2*wordCells:] {
		a, b = (a^word(row))*odd, (b^word(row[wordCells:]))*odd
		a, b = a^a>>32, b^b>>32
	}
	if len(row) > 0 {
		a = (a ^ word(row)) * odd
	}
	return a ^ scramble(b)
}

func (t *tableMaker) height() int { return t.rows.len() }

// mergeColumns joins equal columns.
func (t *tableMaker) mergeColumns() {
	t.hashColumns()
	t.columns.reset(1)
	t.columnOf, t.kept = t.columnOf[:0], t.kept[:0]
	for s := range t.width {
		n, fresh := t.columns.of(t.hashes[s : s+1])
		if !fresh && !equalColumns(t.rows.rows, t.rows.width, s, int(t.kept[n])) {
			n, fresh = t.columns.add(t.hashes[s:s+1]), true
		}
		if fresh {
			t.kept = append(t.kept, uint32(s))
		}
		t.columnOf = append(t.columnOf, n)
	}
}

// hashColumns sums up each column's cells, every row with an odd multiplier of its own.
func (t *tableMaker) hashColumns() {
	t.hashes = fill(t.hashes, t.width, 0)
	for r := range t.height() {
		weight := scramble(uint64(r)+1) | 1
		hashes := t.hashes
		for s, x := range t.rows.row(r)[:len(hashes)] {
			hashes[s] += uint64(x) * weight
		}
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
