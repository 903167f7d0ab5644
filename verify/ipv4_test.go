package verify

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// manyTexts is an array of addresses and what is nearly one, with nulls, sliced at times.
func manyTexts(rng *rand.Rand, texts [][]byte) *array.String {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	skip := rng.IntN(3)
	for range skip {
		b.Append("10.0.0.1")
	}
	for _, t := range texts {
		if t == nil {
			b.AppendNull()
		} else {
			b.Append(string(t))
		}
	}
	a := b.NewStringArray()
	return array.NewSlice(a, int64(skip), int64(a.Len())).(*array.String)
}

// nearlyIPv4 draws an address and, mostly, breaks it somewhere.
func nearlyIPv4(rng *rand.Rand) []byte {
	field := func() byte { return byte(rng.Uint32() >> rng.IntN(32)) }
	t := []byte(netip.AddrFrom4([4]byte{field(), field(), field(), field()}).String())
	for range rng.IntN(3) {
		at, c := rng.IntN(len(t)), ".0123456789 :/a\x00\xff"[rng.IntN(17)]
		switch rng.IntN(4) {
		case 0:
			t[at] = c
		case 1:
			t = append(t[:at], t[at+1:]...)
		case 2:
			t = append(t[:at], append([]byte{c}, t[at:]...)...)
		case 3:
			t = append(t, c)
		}
		if len(t) == 0 {
			return t
		}
	}
	return t
}

// Null rows that have a text all the same are no addresses, wherever the array begins.
func TestIPv4sOfNullRows(t *testing.T) {
	if !hasParser {
		t.Skip("this processor has no such loop")
	}
	rng := rand.New(rand.NewPCG(2, 7))
	for range 200 {
		n := 30 + rng.IntN(40)
		texts := array.NewStringBuilder(memory.DefaultAllocator)
		valid := make([]byte, n/8+1)
		for i := range n {
			texts.Append("10.1.2.3")
			valid[i/8] |= byte(rng.IntN(2)) << (i % 8)
		}
		data := texts.NewStringArray().Data()
		buffers := []*memory.Buffer{memory.NewBufferBytes(valid), data.Buffers()[1], data.Buffers()[2]}
		whole := array.NewStringData(array.NewData(data.DataType(), n, buffers, nil, array.UnknownNullCount, 0))
		from := rng.IntN(20)
		a := array.NewSlice(whole, int64(from), int64(n)).(*array.String)
		var l addresses
		l.decode(a, a.Len())
		for i := range a.Len() {
			want := uint8(4 * (valid[(from+i)/8] >> ((from + i) % 8) & 1))
			if l.family[i] != want {
				t.Fatalf("row %d of %d from %d on: family %d, want %d", i, a.Len(), from, l.family[i], want)
			}
		}
		texts.Release()
	}
}

// compareIPv4s holds the loop over an array to the parser of one text.
func compareIPv4s(t *testing.T, a *array.String) (read int) {
	t.Helper()
	v, _ := viewStrings(a)
	v4, family := make([]uint32, a.Len()), bytes.Repeat([]byte{9}, a.Len())
	n := v.ipv4(v4, family)
	for i := range n {
		text := v.at(i)
		want, ok := parseIPv4(text)
		if ok != (family[i] == 4) || !ok && family[i] != 0 || ok && v4[i] != want {
			t.Fatalf("%q: family %d, %x; want %v, %x", text, family[i], v4[i], ok, want)
		}
		if ok {
			read++
		}
	}
	for i := n; i < a.Len(); i++ {
		if family[i] != 9 {
			t.Fatalf("row %d of %d was written, %d were looked at", i, a.Len(), n)
		}
	}
	return read
}

func TestIPv4sEqualOneByOne(t *testing.T) {
	if !hasParser {
		t.Skip("this processor has no such loop")
	}
	rng := rand.New(rand.NewPCG(19, 83))
	read := 0
	for range 3000 {
		texts := make([][]byte, 1+rng.IntN(60))
		for i := range texts {
			if rng.IntN(9) > 0 {
				texts[i] = nearlyIPv4(rng)
			}
		}
		read += compareIPv4s(t, manyTexts(rng, texts))
	}
	if read < 10000 {
		t.Errorf("only %d were addresses", read)
	}
	// Every length of every field, and every value.
	var all [][]byte
	for _, x := range []byte{0, 9, 10, 99, 100, 255} {
		for _, y := range []byte{0, 9, 10, 99, 100, 255} {
			for z := range 256 {
				all = append(all, []byte(netip.AddrFrom4([4]byte{x, byte(z), y, x}).String()), []byte(netip.AddrFrom4([4]byte{byte(z), y, x, byte(z)}).String()))
			}
		}
	}
	if read := compareIPv4s(t, manyTexts(rng, all)); read < len(all)-3 {
		t.Errorf("%d of %d were read", read, len(all))
	}
}

// FuzzIPv4s does so for any text between two addresses.
func FuzzIPv4s(f *testing.F) {
	for _, s := range []string{"10.0.0.4", "255.255.255.255", "0.0.0.0", "1.2.3", "01.2.3.4", "1.2.3.256", "1..2.3", "1.2.3.4.", "1111.2.3.4", "1.2.3.4444", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		compareIPv4s(t, manyTexts(rand.New(rand.NewPCG(1, 1)), [][]byte{[]byte("1.2.3.4"), text, []byte("9.8.7.6"), []byte("255.255.255.255 and more")}))
	})
}

func BenchmarkIPv4Column(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	texts := make([][]byte, 1<<16)
	for i := range texts {
		texts[i] = []byte(netip.AddrFrom4([4]byte{byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32())}).String())
	}
	a := manyTexts(rng, texts)
	v, _ := viewStrings(a)
	v4, family := make([]uint32, a.Len()), make([]uint8, a.Len())
	perText := func(b *testing.B) {
		b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/float64(a.Len()), "ns/address")
	}
	b.Run("asked=column", func(b *testing.B) {
		if !hasParser {
			b.Skip("this processor has no such loop")
		}
		for b.Loop() {
			v.ipv4(v4, family)
		}
		perText(b)
	})
	b.Run("asked=single", func(b *testing.B) {
		for b.Loop() {
			for i := range v4 {
				v4[i], _ = parseIPv4(v.at(i))
			}
		}
		perText(b)
	})
}
