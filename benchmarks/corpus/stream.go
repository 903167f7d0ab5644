package corpus

import (
	"math/rand/v2"
	"sort"
)

// kind separates the random streams of one seed.
type kind uint64

const (
	kindTag kind = 1 + iota
	kindGroup
	kindNIC
	kindPlan
	kindWindow
	kindEndpoint
	kindList
	kindTrace
)

// stream is a random stream that can be started anew without allocation.
type stream struct {
	pcg rand.PCG
	*rand.Rand
}

func newStream(seed uint64, k kind, i uint64) *stream {
	s := &stream{}
	s.Rand = rand.New(&s.pcg)
	s.restart(seed, k, i)
	return s
}

// restart begins the stream of object i. Neighbouring seeds give unrelated
// streams, which PCG alone does not promise.
func (s *stream) restart(seed uint64, k kind, i uint64) {
	a := mix64(seed + uint64(k)*0x9e3779b97f4a7c15)
	b := mix64(a ^ i)
	s.pcg.Seed(b, mix64(b+a))
}

// mix64 is the finaliser of SplitMix64.
func mix64(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// chance is true with probability p.
func (s *stream) chance(p float64) bool { return s.Float64() < p }

func pick[T any](s *stream, list []T) T { return list[s.IntN(len(list))] }

// zipf draws ranks 0 to n-1, rank r in proportion to 1/(r+1).
type zipf struct{ cumulative []float64 }

func newZipf(n int) zipf {
	z := zipf{make([]float64, n)}
	sum := 0.0
	for r := range z.cumulative {
		sum += 1 / float64(r+1)
		z.cumulative[r] = sum
	}
	return z
}

func (z zipf) draw(s *stream) int {
	last := len(z.cumulative) - 1
	x := s.Float64() * z.cumulative[last]
	return min(last, sort.SearchFloat64s(z.cumulative, x))
}
