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

	// Verdicts recur from batch to batch, so the texts of each are looked up once:
	// what a row of verdicts stands for is kept as one number per column.
	known []knownRow  // by id; of another run where the row is not the table's
	count int         // of rows that were met
	texts []*rowTexts // of Rows
	ids   [numResults]map[string]uint32
	names [numResults][]string
	seen  [numResults][]uint64 // per number the call of Strings that last saw it, above its code
	call  uint32
}

// knownRow is what is remembered of an id; its row is nil until it was met.
type knownRow struct {
	row   *verify.Row
	texts *rowTexts
}

// rowTexts are the numbers of a row's texts, by column; noText for null.
type rowTexts [numResults]uint32

const (
	noText = ^uint32(0)
	// maxRows bounds what is remembered; beyond it the memory starts afresh.
	maxRows = 1 << 18
)

var distincts = sync.Pool{New: func() any { return new(Distinct) }}

// NewDistinct reduces the ids in one pass. Give it back with Release.
func NewDistinct(ids []verify.ID, t verify.Table) *Distinct {
	d := distincts.Get().(*Distinct)
	if n := t.Len(); len(d.stamp) < n {
		d.stamp = make([]uint64, n+n/2)
	}
	if d.round++; d.round == 0 {
		clear(d.stamp)
		d.round = 1
	}
	if cap(d.Local) < len(ids) {
		d.Local = make([]uint32, len(ids))
	}
	if d.count > maxRows {
		clear(d.seen[:])
		clear(d.names[:])
		clear(d.ids[:])
		clear(d.known)
		d.count = 0
	}
	if n := len(d.stamp); len(d.known) < n {
		d.known = append(d.known, make([]knownRow, n-len(d.known))...)
	}
	d.Local = d.Local[:len(ids)]
	d.Rows, d.texts = d.Rows[:0], d.texts[:0]
	mark := uint64(d.round) << 32
	for i, id := range ids {
		s := d.stamp[id]
		if s&^0xffffffff != mark {
			s = mark | uint64(len(d.Rows))
			d.stamp[id] = s
			k := &d.known[id]
			if row := t.Row(id); k.row != row {
				k.row, k.texts = row, d.textsOf(row)
				d.count++
			}
			d.Rows, d.texts = append(d.Rows, k.row), append(d.texts, k.texts)
		}
		d.Local[i] = uint32(s)
	}
	return d
}

// textsOf numbers the texts of a row.
func (d *Distinct) textsOf(row *verify.Row) *rowTexts {
	x := new(rowTexts)
	for r := range numResults {
		text := ""
		if r != Priority {
			text = r.Text(row)
		}
		if text == "" {
			x[r] = noText
			continue
		}
		n, ok := d.ids[r][text]
		if !ok {
			if d.ids[r] == nil {
				d.ids[r] = map[string]uint32{}
			}
			n = uint32(len(d.names[r]))
			d.ids[r][text] = n
			d.names[r] = append(d.names[r], text)
			d.seen[r] = append(d.seen[r], 0)
		}
		x[r] = n
	}
	return x
}

// Release gives the memory back. The Distinct must not be used afterwards.
func (d *Distinct) Release() { distincts.Put(d) }

// Strings returns the distinct non-null values of a string column in order of
// first appearance, and per entry of Rows an index into them, -1 for null.
func (d *Distinct) Strings(r Result) (values []string, code []int32) {
	code = make([]int32, len(d.Rows))
	if d.call++; d.call == 0 {
		for r := range d.seen {
			clear(d.seen[r])
		}
		d.call = 1
	}
	mark, seen := uint64(d.call)<<32, d.seen[r]
	for i, x := range d.texts {
		n := x[r]
		if n == noText {
			code[i] = -1
			continue
		}
		if seen[n]&^0xffffffff != mark {
			seen[n] = mark | uint64(len(values))
			values = append(values, d.names[r][n])
		}
		code[i] = int32(uint32(seen[n]))
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
