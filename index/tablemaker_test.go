package index

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTableMaker: rows made from bases and rows written as a whole are one and the
// same; equal rows and columns are merged and no others.
func TestTableMaker(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	var m tableMaker
	for range 300 {
		width, height, values := 1+rng.IntN(9), 1+rng.IntN(20), 1+rng.IntN(3)
		row := func(out []uint16) []uint16 {
			for s := range out {
				out[s] = uint16(rng.IntN(values))
			}
			return out
		}
		m.begin(width)
		var given [][]uint16
		for r := range height {
			if r == 0 || rng.IntN(4) == 0 {
				row(m.addBase())
			}
			want := row(make([]uint16, width))
			given = append(given, want)
			if rng.IntN(3) == 0 {
				copy(m.row, want)
				m.endRow()
				continue
			}
			m.from(rng.IntN(len(m.bases)))
			copy(m.row, want)
			m.endRow()
		}
		m.mergeColumns()
		cells := make([]uint16, m.height()*len(m.kept))
		copyCells(cells, &m)
		at := func(r, s int) uint16 { return cells[int(m.rowOf[r])*len(m.kept)+int(m.columnOf[s])] }
		for r := range given {
			for s, x := range given[r] {
				if at(r, s) != x {
					t.Fatalf("row %d, column %d is %d, not %d", r, s, at(r, s), x)
				}
			}
			for q := range r {
				if slices.Equal(given[q], given[r]) != (m.rowOf[q] == m.rowOf[r]) {
					t.Fatalf("rows %d and %d: %v and %v are at %d and %d", q, r, given[q], given[r], m.rowOf[q], m.rowOf[r])
				}
			}
		}
		for s := range width {
			for q := range s {
				equal := true
				for r := range given {
					equal = equal && given[r][q] == given[r][s]
				}
				if equal != (m.columnOf[q] == m.columnOf[s]) {
					t.Fatalf("columns %d and %d of %v are at %d and %d", q, s, given, m.columnOf[q], m.columnOf[s])
				}
			}
		}
	}
}
