package verify

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"ipflow/index"
	"ipflow/ingest/column"
	"ipflow/verify/oracle"
)

// codedBatch makes a batch of strings, nil cells for null. Columns whose bit is
// set in coded are dictionary-coded, those in absent left out.
func codedBatch(rows [][]string, coded, absent int) *column.Batch {
	var fields []arrow.Field
	var arrays []arrow.Array
	b := &column.Batch{}
	for c := range column.NumNames {
		if absent>>c&1 == 1 {
			b.Flow[c] = -1
			continue
		}
		b.Flow[c] = len(arrays)
		var build array.Builder
		var add func(string) error
		if coded>>c&1 == 1 {
			d := array.NewDictionaryBuilder(memory.DefaultAllocator, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}).(*array.BinaryDictionaryBuilder)
			build, add = d, d.AppendString
		} else {
			s := array.NewStringBuilder(memory.DefaultAllocator)
			build, add = s, func(v string) error { s.Append(v); return nil }
		}
		for _, r := range rows {
			if r[c] == null {
				build.AppendNull()
			} else if err := add(r[c]); err != nil {
				panic(err)
			}
		}
		arrays = append(arrays, build.NewArray())
		fields = append(fields, arrow.Field{Name: c.String(), Type: arrays[b.Flow[c]].DataType(), Nullable: true})
	}
	b.Record = array.NewRecord(arrow.NewSchema(fields, nil), arrays, int64(len(rows)))
	return b
}

// oddRows draws rows in which every fault is frequent.
func oddRows(rng *rand.Rand, n int) [][]string {
	one := func(list ...string) string { return list[rng.IntN(len(list))] }
	rows := make([][]string, n)
	for i := range rows {
		rows[i] = []string{
			one("web", "/rg1/nics/web", "/RG2/nics/web", "second", "fw", "dynamic", "nope", "", null), null,
			one("Inbound", "O", "In", "out", "x", null), one("TCP", "17", "icmp", "50", "T", "x", null, "-1"),
			one("10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.99", "fd00::4", "::ffff:10.0.0.4", "10.0.0.07", "", null), one("443", "80", "*", "", "65536", null),
			one("8.8.8.8", "10.0.0.5", "2600::1", "1.2.3", null, fmt.Sprintf("%d.%d.3.4", 1+rng.IntN(220), rng.IntN(256))), one("1", "443", "", "*", "x", null),
		}
	}
	return rows
}

// TestCodedRowsEqualPlainRows holds every way of coding the columns, and with it
// the look-up by codes, to the row-by-row walk over plain text and to the oracle:
// the same rows give the same answers and faults.
func TestCodedRowsEqualPlainRows(t *testing.T) {
	n := sampleNetwork(t)
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	answers := func(judge bool, b *column.Batch) string {
		cfg := Config{Network: n, Index: ix}
		if judge {
			cfg.Judge = oracle.New(n)
		}
		e := NewEngine(cfg)
		w := newWorker(e)
		paired := b.Flow[column.VM] < 0 && b.Record.Column(b.Flow[column.LocalIP]).DataType().ID() == arrow.DICTIONARY &&
			(b.Flow[column.NIC] < 0 || b.Record.Column(b.Flow[column.NIC]).DataType().ID() == arrow.DICTIONARY)
		w.lanes.decode(b, w.nics, w.vms)
		if got := w.lanes.paired(b); got != paired {
			t.Fatalf("paired %v, want %v", got, paired)
		}
		var out strings.Builder
		for range 2 { // a worker meets batch after batch
			out.Reset()
			for i, id := range w.classify(b) {
				r := e.table.Row(id)
				fmt.Fprintf(&out, "%d|%s|%s|%s|%s|%s\n", i, r.Access, r.Rule, r.Layer, r.Reason, r.Error)
			}
		}
		return out.String()
	}
	rng := rand.New(rand.NewPCG(3, 8))
	const vm, nic = 1 << column.VM, 1 << column.NIC
	for round := range 40 {
		rows := oddRows(rng, 1+rng.IntN(800))
		bad := make([]bool, len(rows))
		for i := range bad {
			bad[i] = rng.IntN(9) == 0
		}
		if round%2 == 0 {
			bad = nil
		}
		absent := vm
		if round%4 == 3 {
			absent |= nic
		}
		plain := codedBatch(rows, 0, absent)
		plain.Bad = bad
		want := answers(false, plain)
		if got := answers(true, plain); got != want {
			t.Fatalf("round %d: the oracle answers\n%s\nthe index\n%s", round, got, want)
		}
		for _, coded := range []int{1<<column.NumNames - 1, rng.IntN(1 << column.NumNames), nic | 1<<column.LocalIP, 1 << column.LocalIP} {
			for _, extra := range []int{0, vm} { // a vm column of nulls changes nothing
				b := codedBatch(rows, coded, absent&^extra)
				b.Bad = bad
				if got := answers(false, b); got != want {
					t.Fatalf("round %d, columns %b coded, %b absent:\n%s\nwant\n%s", round, coded, absent&^extra, got, want)
				}
			}
		}
	}
}

// TestManySites grows the table of pairs past its first size.
func TestManySites(t *testing.T) {
	var s sites
	for range 2 {
		s.begin()
		for key := range uint64(5000) {
			k := key<<32 | key*7
			if slot := s.slot(k); slot.site != 0 {
				t.Fatalf("key %d is taken", key)
			} else {
				s.add(slot, k, site{number: [2]uint32{uint32(key), 0}})
			}
		}
		for key := range uint64(5000) {
			slot := s.slot(key<<32 | key*7)
			if slot.site == 0 || s.list[slot.site-1].number[0] != uint32(key) {
				t.Fatalf("key %d is lost", key)
			}
		}
	}
}

// TestClassifyNoAllocs: rows allocate nothing; what is left grows with the
// batch's dictionaries.
func TestClassifyNoAllocs(t *testing.T) {
	n := sampleNetwork(t)
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	allocs := func(rows int) float64 {
		b := codedBatch(oddRows(rand.New(rand.NewPCG(1, 1)), rows), 1<<column.NumNames-1, 1<<column.VM)
		w := newWorker(NewEngine(Config{Network: n, Index: ix}))
		w.classify(b)
		return testing.AllocsPerRun(5, func() { w.classify(b) })
	}
	few, many := allocs(50_000), allocs(400_000)
	if many > few+16 {
		t.Errorf("50,000 rows allocate %v times, 400,000 rows %v times", few, many)
	}
}
