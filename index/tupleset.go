package index

// A tupleSet numbers distinct tuples in the order of their first appearance: one
// number of each of up to three parts. Where the parts have few numbers a tuple is
// found at its place in an array, otherwise by its hash. It reuses its memory.
type tupleSet struct {
	sizes  [3]uint32   // numbers of a part are below; 1 for parts that are not there
	count  int         // tuples so far
	of     [3][]uint32 // by tuple: the number of each part
	places []uint32    // taken in at
	at     []uint32    // by place: number + 1; all zero between uses
	hashed rowSet[uint32]
	direct bool // tuples are in at, else in hashed
}

// maxPlaces bounds the memory of a tupleSet's array: 1 MiB.
const maxPlaces = 1 << 18

// reset empties the set. The sizes of absent parts are 1, and so are those of parts
// that do not count.
func (s *tupleSet) reset(sizes [3]uint32) {
	for _, place := range s.places {
		s.at[place] = 0
	}
	s.places, s.count, s.sizes = s.places[:0], 0, sizes
	for i := range s.of {
		s.of[i] = s.of[i][:0]
	}
	n := uint64(sizes[0]) * uint64(sizes[1]) // no overflow: numbers of tables are below 2^24
	s.direct = n <= maxPlaces && n*uint64(sizes[2]) <= maxPlaces
	if !s.direct {
		s.hashed.reset(3)
		return
	}
	if n = n * uint64(sizes[2]); uint64(len(s.at)) < n {
		s.at = make([]uint32, max(n, 1<<10))
	}
}

func (s *tupleSet) len() int { return s.count }

// tuple is tuple n.
func (s *tupleSet) tuple(n int) [3]uint32 { return [3]uint32{s.of[0][n], s.of[1][n], s.of[2][n]} }

// known is the number + 1 of a tuple that is in the array, else 0.
func (s *tupleSet) known(a, b, c uint32) uint32 {
	if !s.direct {
		return 0
	}
	return s.at[(a*s.sizes[1]+b)*s.sizes[2]+c]
}

// number returns the number of a tuple; parts that are not there are 0.
func (s *tupleSet) number(a, b, c uint32) uint32 {
	if s.direct {
		place := (a*s.sizes[1]+b)*s.sizes[2] + c
		if n := s.at[place]; n != 0 {
			return n - 1
		}
		s.places = append(s.places, place)
		s.at[place] = uint32(s.count) + 1
	} else {
		key := [3]uint32{a, b, c}
		if n, fresh := s.hashed.of(key[:]); !fresh {
			return n
		}
	}
	s.of[0], s.of[1], s.of[2] = append(s.of[0], a), append(s.of[1], b), append(s.of[2], c)
	s.count++
	return uint32(s.count) - 1
}
