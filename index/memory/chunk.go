package memory

import "unsafe"

// Chunk hands parts of a large array out, one behind the other, so that small tables have
// large pages too. What nobody holds a part of any more is collected. The zero value is
// ready; it belongs to one goroutine at a time.
type Chunk struct{ rest []byte }

// ChunkBytes is the size of a chunk.
const ChunkBytes = 4 * large

// Copy returns a copy of a list and of what its capacity holds behind it, in the chunk or,
// when there is no room, in a new one. A list that is larger than a quarter of a chunk stays
// where it is: no more of a chunk is ever given up.
func Copy[T uint8 | uint16 | uint32](c *Chunk, list []T) []T {
	n := cap(list) * int(unsafe.Sizeof(*new(T)))
	if n == 0 || n > ChunkBytes/4 {
		return list
	}
	if n > len(c.rest) {
		c.rest = Make[byte](ChunkBytes)
	}
	out := unsafe.Slice((*T)(unsafe.Pointer(&c.rest[0])), cap(list))
	copy(out, list[:cap(list)])
	c.rest = c.rest[min((n+line-1)&^(line-1), len(c.rest)):]
	return out[:len(list)]
}
