package index

import "sync"

// A stack keeps things whose memory is used again. Unlike a sync.Pool it is not
// emptied by the collector, which runs often while a large estate is compiled.
type stack[T any] struct {
	mu   sync.Mutex
	free []*T
}

// take returns one that was put back, or else a new one.
func (s *stack[T]) take(make func() *T) *T {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free); n > 0 {
		x := s.free[n-1]
		s.free = s.free[:n-1]
		return x
	}
	return make()
}

func (s *stack[T]) put(x *T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, x)
}

func (s *stack[T]) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = nil
}
