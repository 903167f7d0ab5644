package parquet

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func addresses(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var out []byte
	for range n {
		a := r.Uint32()
		text := fmt.Sprintf("%d.%d.%d.%d", a>>24, a>>16&255, a>>8&255, a&255)
		out = append(append(out, byte(len(text)), 0, 0, 0), text...)
	}
	return out
}

func noise(n int) []byte {
	r, out := rand.New(rand.NewPCG(3, 4)), make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

func TestZstdFramesAreRead(t *testing.T) {
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	e := zstdEncoders.New().(*zstdEncoder)
	many := addresses(50_000)
	for name, c := range map[string]struct {
		page     []byte
		literals bool // is taken without a search
	}{
		"empty":      {nil, false},
		"one":        {[]byte{7}, false},
		"short":      {addresses(100), false},
		"addresses":  {many, true},
		"one-block":  {many[:blockBytes], true},
		"and-a-byte": {many[:blockBytes+1], true},
		"noise":      {noise(300_000), false},
		"ids":        {bytes.Repeat([]byte("/subscriptions/c0ffee00-0000-4000-8000-000000000000/x"), 10_000), false},
		"zeros":      {make([]byte, 300_000), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := e.hardlyRepeats(c.page); got != c.literals {
				t.Errorf("hardlyRepeats is %t", got)
			}
			for how, packed := range map[string][]byte{"literals": e.appendLiterals(nil, c.page), "chosen": compressZstd(nil, c.page)} {
				got, err := d.DecodeAll(packed, nil)
				if err != nil || !bytes.Equal(got, c.page) {
					t.Errorf("%s: %d of %d bytes, %v", how, len(got), len(c.page), err)
				}
			}
		})
	}
}

func BenchmarkZstd(b *testing.B) {
	for name, page := range map[string][]byte{"addresses": addresses(50_000), "noise": noise(250_000)} {
		for _, literals := range []bool{false, true} {
			b.Run(fmt.Sprintf("page=%s/literals=%t", name, literals), func(b *testing.B) {
				e := zstdEncoders.New().(*zstdEncoder)
				var out []byte
				b.SetBytes(int64(len(page)))
				for b.Loop() {
					if literals {
						out = e.appendLiterals(out[:0], page)
					} else {
						out = e.whole.EncodeAll(page, out[:0])
					}
				}
				b.ReportMetric(float64(len(out))/float64(len(page)), "size/size")
			})
		}
	}
}
