package layout

import (
	"sync"

	"ipflow/verify"
)

// Distinct is what a batch's ids come down to: its distinct verdicts in order of
// first appearance, and which of them each row has.
type Distinct struct {
	Rows  []*verify.Row
	Local []uint32 // per row of the batch, an index into Rows

	// stamp holds per id the round that last saw it, above its index in Rows,
	// so that nothing has to be cleared between batches.
	stamp []uint64
	round uint32
}

var distincts = sync.Pool{New: func() any { return new(Distinct) }}

// NewDistinct reduces the ids in one pass. Give it back with Release.
func NewDistinct(ids []verify.ID, t verify.Table) *Distinct {
	d := distincts.Get().(*Distinct)
	if n := t.Len(); len(d.stamp) < n {
		d.stamp = make([]uint64, n+n/2)
		d.round = 0
	}
	if d.round++; d.round == 0 {
		clear(d.stamp)
		d.round = 1
	}
	if cap(d.Local) < len(ids) {
		d.Local = make([]uint32, len(ids))
	}
	d.Local = d.Local[:len(ids)]
	d.Rows = d.Rows[:0]
	mark := uint64(d.round) << 32
	for i, id := range ids {
		s := d.stamp[id]
		if s&^0xffffffff != mark {
			s = mark | uint64(len(d.Rows))
			d.stamp[id] = s
			d.Rows = append(d.Rows, t.Row(id))
		}
		d.Local[i] = uint32(s)
	}
	return d
}

// Release gives the memory back. The Distinct must not be used afterwards.
func (d *Distinct) Release() {
	clear(d.Rows)
	distincts.Put(d)
}

// Strings returns the distinct non-null values of a string column in order of
// first appearance, and per entry of Rows an index into them, -1 for null.
func (d *Distinct) Strings(r Result) (values []string, code []int32) {
	code = make([]int32, len(d.Rows))
	at := make(map[string]int32, len(d.Rows))
	for i, row := range d.Rows {
		s := r.Text(row)
		if s == "" {
			code[i] = -1
			continue
		}
		c, ok := at[s]
		if !ok {
			c = int32(len(values))
			at[s] = c
			values = append(values, s)
		}
		code[i] = c
	}
	return values, code
}

// Priorities is Strings for the priority column.
func (d *Distinct) Priorities() (values, code []int32) {
	code = make([]int32, len(d.Rows))
	at := make(map[int32]int32, len(d.Rows))
	for i, row := range d.Rows {
		if !row.HasPriority {
			code[i] = -1
			continue
		}
		c, ok := at[row.Priority]
		if !ok {
			c = int32(len(values))
			at[row.Priority] = c
			values = append(values, row.Priority)
		}
		code[i] = c
	}
	return values, code
}
