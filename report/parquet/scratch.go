package parquet

import (
	"slices"
	"sync"
)

// scratch is the memory of one Encode call, kept between calls.
type scratch struct {
	dict     dictionary
	known    []uint32
	codes    []uint32
	at       []uint32
	valid    []byte
	index    []int32
	fixed    []byte
	v32      []uint32
	v64      []uint64
	dictPage []byte
	raw      []byte
	packed   []byte
}

var (
	scratches = sync.Pool{New: func() any { return new(scratch) }}
	buffers   = sync.Pool{New: func() any { return new([]byte) }} // of blocks, back after Append
)

// resize returns a slice of length n whose contents are not defined.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

func (s *scratch) grow32(n int) []uint32 {
	s.v32 = resize(s.v32, n)
	return s.v32
}

func (s *scratch) grow64(n int) []uint64 {
	s.v64 = resize(s.v64, n)
	return s.v64
}

func (s *scratch) growAt(n int) []uint32 {
	s.at = resize(s.at, n)
	return s.at
}

func (s *scratch) growCodes(n int) []uint32 {
	s.codes = resize(s.codes, n)
	return s.codes
}

// growKnown and growValid return zeroed memory.
func (s *scratch) growKnown(n int) []uint32 {
	s.known = resize(s.known, n)
	clear(s.known)
	return s.known
}

func (s *scratch) growValid(n int) []byte {
	s.valid = resize(s.valid, (n+7)/8)
	clear(s.valid)
	return s.valid
}

func (s *scratch) growIndex(n int) []int32 {
	s.index = slices.Grow(s.index[:0], n)[:n]
	return s.index
}
