package column

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

// texts returns the cells of a string array, dictionary or not; null is "<null>".
func texts(a arrow.Array) []string {
	var out []string
	nulls := NullsOf(a)
	codes, values, coded := CodesOf(a)
	if !coded {
		values = a
	}
	offsets, data, ok := SpansOf(values)
	if !ok {
		panic(values.DataType().String())
	}
	for i := range a.Len() {
		c := i
		if coded {
			c = int(codes[i])
		}
		if nulls.At(i) {
			out = append(out, "<null>")
			continue
		}
		out = append(out, string(data[offsets[c]:offsets[c+1]]))
	}
	return out
}

func TestTextTakesTheFormThatPays(t *testing.T) {
	for name, c := range map[string]struct {
		rows  int
		value func(i int) string
		dict  bool
	}{
		"few-values":     {10_000, func(i int) string { return fmt.Sprint("v", i%100) }, true},
		"runs":           {10_000, func(i int) string { return fmt.Sprint("v", i/500) }, true},
		"all-null":       {100, func(int) string { return "<null>" }, true},
		"empty-strings":  {100, func(int) string { return "" }, true},
		"tiny":           {3, func(i int) string { return fmt.Sprint(i) }, true},
		"distinct":       {10_000, func(i int) string { return fmt.Sprint("v", i) }, false},
		"distinct-late":  {10_000, func(i int) string { return fmt.Sprint("v", max(i, 4500)) }, false},
		"distinct-nulls": {10_000, func(i int) string { return []string{"<null>", fmt.Sprint("v", i)}[min(i%5, 1)] }, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := NewText(c.rows)
			var want []string
			scratch := make([]byte, 0, 16)
			for i := range c.rows {
				v := c.value(i)
				if want = append(want, v); v == "<null>" {
					b.AppendNull()
					continue
				}
				scratch = append(scratch[:0], v...) // the builder must copy
				b.Append(scratch)
			}
			if b.Len() != c.rows {
				t.Errorf("%d rows", b.Len())
			}
			a := b.Finish()
			defer a.Release()
			if _, _, dict := CodesOf(a); dict != c.dict {
				t.Errorf("the column is %s", a.DataType())
			}
			if diff := cmp.Diff(want, texts(a)); diff != "" {
				t.Error(diff)
			}
			if err := Check(a); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTextDictionaryIsInOrderOfFirstAppearance(t *testing.T) {
	b := NewText(5)
	for _, s := range strings.Split("b,a,b,c,a", ",") {
		b.Append([]byte(s))
	}
	a := b.Finish()
	defer a.Release()
	codes, dict, _ := CodesOf(a)
	if diff := cmp.Diff([]uint32{0, 1, 0, 2, 1}, codes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"b", "a", "c"}, texts(dict)); diff != "" {
		t.Error(diff)
	}
}

func TestTextAllocatesPerColumnNotPerRow(t *testing.T) {
	const rows = 20_000
	values := make([][]byte, rows)
	for i := range values {
		values[i] = []byte(fmt.Sprint("value-", i%900))
	}
	n := testing.AllocsPerRun(3, func() {
		b := NewText(rows)
		for _, v := range values {
			b.Append(v)
		}
		b.Finish().Release()
	})
	if n > 60 {
		t.Errorf("%v allocations for %d rows", n, rows)
	}
}

func TestValidity(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		var v Validity
		var want []bool
		for range r.IntN(8) {
			k, null := r.IntN(20), r.IntN(2) == 0
			for range k {
				want = append(want, null)
			}
			if null {
				v.AppendNull(k)
			} else {
				v.AppendValid(k)
			}
		}
		if v.Len() != len(want) {
			t.Fatalf("round %d: %d rows, want %d", round, v.Len(), len(want))
		}
		a := NewFixed(arrow.PrimitiveTypes.Int8, len(want), make([]byte, len(want)), &v)
		nulls := 0
		for i, w := range want {
			if w {
				nulls++
			}
			if v.IsNull(i) != w || a.IsNull(i) != w || NullsOf(a).At(i) != w {
				t.Fatalf("round %d: row %d", round, i)
			}
		}
		if a.NullN() != nulls || NullsOf(a).Any() != (nulls > 0) {
			t.Fatalf("round %d: %d nulls, want %d", round, a.NullN(), nulls)
		}
		a.Release()
	}
}

func TestViewsOfSlicesAndOfEveryCodeWidth(t *testing.T) {
	for _, index := range []arrow.DataType{
		arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Uint16,
		arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Uint64,
	} {
		t.Run(index.Name(), func(t *testing.T) {
			b := array.NewDictionaryBuilder(memory.DefaultAllocator, &arrow.DictionaryType{IndexType: index, ValueType: arrow.BinaryTypes.String}).(*array.BinaryDictionaryBuilder)
			defer b.Release()
			for i := range 20 {
				if i%6 == 5 {
					b.AppendNull()
				} else if err := b.AppendString(fmt.Sprint(i % 4)); err != nil {
					t.Fatal(err)
				}
			}
			whole := b.NewArray()
			defer whole.Release()
			part := array.NewSlice(whole, 3, 13)
			defer part.Release()
			if diff := cmp.Diff([]string{"3", "0", "<null>", "2", "3", "0", "1", "2", "<null>", "0"}, texts(part)); diff != "" {
				t.Error(diff)
			}
			if err := Check(part); err != nil {
				t.Error(err)
			}
		})
	}
	s := array.NewStringBuilder(memory.DefaultAllocator)
	defer s.Release()
	s.AppendValues([]string{"a", "bb", "", "ccc"}, []bool{true, true, false, true})
	whole := s.NewArray()
	defer whole.Release()
	part := array.NewSlice(whole, 1, 4)
	defer part.Release()
	if diff := cmp.Diff([]string{"bb", "<null>", "ccc"}, texts(part)); diff != "" {
		t.Error(diff)
	}
	if off, _, ok := SpansOf(array.NewSlice(whole, 2, 2)); !ok || len(off) != 1 {
		t.Errorf("empty slice has offsets %v", off)
	}
	if _, _, ok := SpansOf(NewFixed(arrow.PrimitiveTypes.Int8, 0, nil, &Validity{})); ok {
		t.Error("an integer array has spans")
	}
}

func TestCheckFindsWhatWouldReadOutOfBounds(t *testing.T) {
	none := &Validity{}
	dict := NewStrings(arrow.BinaryTypes.String, []int32{0, 1, 2}, []byte("ab"), none)
	nullAt := func(rows ...bool) *Validity {
		v := &Validity{}
		for _, null := range rows {
			if null {
				v.AppendNull(1)
			} else {
				v.AppendValid(1)
			}
		}
		return v
	}
	raw := func(dt arrow.DataType, n int, buffers ...[]byte) arrow.Array {
		var bs []*memory.Buffer
		for _, b := range buffers {
			if b == nil {
				bs = append(bs, nil)
				continue
			}
			bs = append(bs, memory.NewBufferBytes(b))
		}
		return array.MakeFromData(array.NewData(dt, n, bs, nil, 0, 0))
	}
	for name, c := range map[string]struct {
		array arrow.Array
		want  string
	}{
		"good":           {NewStrings(arrow.BinaryTypes.String, []int32{0, 0, 2}, []byte("ab"), none), ""},
		"backwards":      {NewStrings(arrow.BinaryTypes.String, []int32{0, 2, 1, 2}, []byte("ab"), none), "backwards at row 1"},
		"large-backward": {raw(arrow.BinaryTypes.LargeString, 2, nil, arrow.Int64Traits.CastToBytes([]int64{0, 2, 1}), []byte("ab")), "backwards at row 1"},
		"code-too-large": {NewDictionary([]uint32{0, 2}, none, dict), "code 2 of a dictionary of 2"},
		"null-code":      {NewDictionary([]uint32{0, 9}, nullAt(false, true), dict), ""},
		"short-values":   {raw(&arrow.FixedSizeBinaryType{ByteWidth: 16}, 3, nil, make([]byte, 40)), "shorter than 3 rows"},
		"bits":           {raw(arrow.FixedWidthTypes.Boolean, 9, nil, make([]byte, 2)), ""},
		"short-bits":     {raw(arrow.FixedWidthTypes.Boolean, 17, nil, make([]byte, 2)), "shorter than 17 rows"},
		"null":           {array.NewNull(4), ""},
	} {
		t.Run(name, func(t *testing.T) {
			switch err := Check(c.array); {
			case err == nil && c.want != "":
				t.Errorf("no error, want %q", c.want)
			case err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestLogical(t *testing.T) {
	f := arrow.Field{Name: "a", Metadata: arrow.NewMetadata([]string{LogicalKey}, []string{"UUID"})}
	if Logical(f) != "UUID" || Logical(arrow.Field{}) != "" {
		t.Error("logical type is not found")
	}
}

func BenchmarkText(b *testing.B) {
	for _, distinct := range []int{2, 500, 1 << 20} {
		values := make([][]byte, 1<<17)
		r := rand.New(rand.NewPCG(1, 2))
		for i := range values {
			values[i] = []byte(fmt.Sprintf("203.0.113.%d", r.IntN(distinct)))
		}
		b.Run(fmt.Sprintf("distinct=%d", distinct), func(b *testing.B) {
			for b.Loop() {
				t := NewText(len(values))
				for _, v := range values {
					t.Append(v)
				}
				t.Finish().Release()
			}
			b.ReportMetric(float64(len(values))*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
