package parquet

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/parquet-go/parquet-go/format"
)

// maxBound is the longest minimum or maximum that is written: ARM ids fit.
// Bounds are exact or left out, as readers cannot tell a shortened one.
const maxBound = 256

// bounds fills in the least and greatest of the values at the positions.
func (v *values) bounds(at []uint32, st *format.Statistics) {
	if len(at) == 0 || v.leaf.order == unordered {
		return
	}
	switch v.leaf.physical() {
	case format.Int32:
		lo, hi := v.bounds32(at)
		st.MinValue, st.MaxValue = binary.LittleEndian.AppendUint32(nil, lo), binary.LittleEndian.AppendUint32(nil, hi)
	case format.Int64:
		lo, hi := v.bounds64(at)
		st.MinValue, st.MaxValue = binary.LittleEndian.AppendUint64(nil, lo), binary.LittleEndian.AppendUint64(nil, hi)
	case format.Float:
		if lo, hi, ok := floatBounds(at, func(p uint32) float64 { return float64(math.Float32frombits(v.v32[p])) }); ok {
			st.MinValue = binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(lo)))
			st.MaxValue = binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(hi)))
		}
	case format.Double:
		if lo, hi, ok := floatBounds(at, func(p uint32) float64 { return math.Float64frombits(v.v64[p]) }); ok {
			st.MinValue = binary.LittleEndian.AppendUint64(nil, math.Float64bits(lo))
			st.MaxValue = binary.LittleEndian.AppendUint64(nil, math.Float64bits(hi))
		}
	default:
		lo, hi := v.boundsBytes(at)
		setByteBounds(st, lo, hi)
	}
}

// setByteBounds writes both bounds or none, and no empty one: readers disagree
// on whether an empty bound is a bound.
func setByteBounds(st *format.Statistics, lo, hi []byte) {
	if len(lo) > 0 && len(lo) <= maxBound && len(hi) <= maxBound {
		st.MinValue, st.MaxValue = bytes.Clone(lo), bytes.Clone(hi)
	}
}

// Flipping the sign bit makes unsigned order of signed numbers.

func (v *values) bounds32(at []uint32) (lo, hi uint32) {
	flip := uint32(0)
	if v.leaf.order == signed {
		flip = 1 << 31
	}
	lo = math.MaxUint32
	for _, p := range at {
		x := v.v32[p] ^ flip
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo ^ flip, hi ^ flip
}

func (v *values) bounds64(at []uint32) (lo, hi uint64) {
	flip := uint64(0)
	if v.leaf.order == signed {
		flip = 1 << 63
	}
	lo = math.MaxUint64
	for _, p := range at {
		x := v.v64[p] ^ flip
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo ^ flip, hi ^ flip
}

// floatBounds leaves out NaN, and widens zeros so that -0 and +0 lie within, as
// Parquet demands.
func floatBounds(at []uint32, value func(uint32) float64) (lo, hi float64, ok bool) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, p := range at {
		x := value(p)
		if math.IsNaN(x) {
			continue
		}
		ok = true
		lo, hi = min(lo, x), max(hi, x)
	}
	if lo == 0 {
		lo = math.Copysign(0, -1)
	}
	if hi == 0 {
		hi = 0
	}
	return lo, hi, ok
}

func (v *values) boundsBytes(at []uint32) (lo, hi []byte) {
	less := func(a, b []byte) bool { return bytes.Compare(a, b) < 0 }
	if v.leaf.order == twosComplement {
		less = func(a, b []byte) bool {
			if x, y := a[0]^0x80, b[0]^0x80; x != y {
				return x < y
			}
			return bytes.Compare(a[1:], b[1:]) < 0
		}
	}
	lo = v.bytes.At(int(at[0]))
	hi = lo
	for _, p := range at[1:] {
		switch x := v.bytes.At(int(p)); {
		case less(x, lo):
			lo = x
		case less(hi, x):
			hi = x
		}
	}
	return lo, hi
}
