package index

// A rowSet numbers distinct rows of one width in the order of their first
// appearance. Rows stand in one array, so that a set is emptied and filled again
// without allocating; a hash finds candidates, the rows themselves decide.
type rowSet[T uint16 | uint32 | uint64] struct {
	width  int
	rows   []T      // row n is rows[n*width : (n+1)*width]
	hashes []uint64 // of each row
	slots  []uint32 // open addressing by hash: number + 1, 0 is free
}

const (
	leastSlots = 64
	mostSlots  = 512 // of an empty set: what it takes to clear them
)

func (s *rowSet[T]) reset(width int) {
	s.width, s.rows, s.hashes = width, s.rows[:0], s.hashes[:0]
	if s.slots == nil {
		s.slots = make([]uint32, leastSlots)
	}
	s.slots = s.slots[:min(len(s.slots), mostSlots)]
	clear(s.slots)
}

func (s *rowSet[T]) len() int { return len(s.hashes) }

func (s *rowSet[T]) row(n int) []T { return s.rows[n*s.width : (n+1)*s.width] }

// of returns the number of a row; fresh is true the first time.
func (s *rowSet[T]) of(row []T) (n uint32, fresh bool) { return s.ofHashed(row, hashRow(row)) }

// ofHashed is of for a hash that the caller has: any function of the row's content.
func (s *rowSet[T]) ofHashed(row []T, hash uint64) (n uint32, fresh bool) {
	hash = scramble(hash)
	mask := uint64(len(s.slots) - 1)
	i := hash & mask
	for ; s.slots[i] != 0; i = (i + 1) & mask {
		n := s.slots[i] - 1
		if s.hashes[n] == hash && equalRows(s.row(int(n)), row) {
			return n, false
		}
	}
	n = uint32(len(s.hashes))
	s.slots[i] = n + 1
	s.rows = append(s.rows, row...)
	s.hashes = append(s.hashes, hash)
	if 2*len(s.hashes) > len(s.slots) {
		s.grow()
	}
	return n, true
}

// ofOne is of for a set whose rows are one number each.
func (s *rowSet[T]) ofOne(x T) uint32 {
	hash := scramble(uint64(x))
	mask := uint64(len(s.slots) - 1)
	i := hash & mask
	for ; s.slots[i] != 0; i = (i + 1) & mask {
		if n := s.slots[i] - 1; s.rows[n] == x && s.hashes[n] == hash {
			return n
		}
	}
	n := uint32(len(s.hashes))
	s.slots[i] = n + 1
	s.rows, s.hashes = append(s.rows, x), append(s.hashes, hash)
	if 2*len(s.hashes) > len(s.slots) {
		s.grow()
	}
	return n
}

// add appends a row that of is never to find.
func (s *rowSet[T]) add(row []T) uint32 {
	s.rows = append(s.rows, row...)
	s.hashes = append(s.hashes, 0)
	return uint32(len(s.hashes) - 1)
}

func (s *rowSet[T]) grow() {
	old, n := s.slots, 2*len(s.slots)
	if cap(s.slots) >= n {
		old = append([]uint32(nil), old...)
		s.slots = s.slots[:n]
		clear(s.slots)
	} else {
		s.slots = make([]uint32, n)
	}
	mask := uint64(n - 1)
	for _, x := range old {
		if x == 0 {
			continue
		}
		i := s.hashes[x-1] & mask
		for s.slots[i] != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = x
	}
}

func equalRows[T comparable](a, b []T) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func hashRow[T uint16 | uint32 | uint64](row []T) uint64 {
	h := uint64(len(row))
	for _, x := range row {
		h = (h ^ uint64(x)) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	return h
}

// scramble is a one-to-one mixing of 64 bits (the splitmix64 finaliser).
func scramble(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
