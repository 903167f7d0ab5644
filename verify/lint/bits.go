package lint

import "math/bits"

// atoms is a set of atoms of one dimension. Sets of one dimension have the same
// length.
type atoms []uint64

func newAtoms(n int) atoms { return make(atoms, (n+63)/64) }

func allAtoms(n int) atoms {
	a := newAtoms(n)
	for i := range n {
		a.set(i)
	}
	return a
}

func (a atoms) set(i int)      { a[i>>6] |= 1 << (i & 63) }
func (a atoms) has(i int) bool { return a[i>>6]>>(i&63)&1 == 1 }

func (a atoms) empty() bool {
	for _, w := range a {
		if w != 0 {
			return false
		}
	}
	return true
}

func (a atoms) each(f func(int)) {
	for i, w := range a {
		for ; w != 0; w &= w - 1 {
			f(i<<6 + bits.TrailingZeros64(w))
		}
	}
}

func (a atoms) meets(b atoms) bool {
	for i, w := range a {
		if w&b[i] != 0 {
			return true
		}
	}
	return false
}

// within reports whether every atom of a is in b.
func (a atoms) within(b atoms) bool {
	for i, w := range a {
		if w&^b[i] != 0 {
			return false
		}
	}
	return true
}

func (a atoms) and(b atoms) atoms {
	out := make(atoms, len(a))
	for i, w := range a {
		out[i] = w & b[i]
	}
	return out
}

func (a atoms) minus(b atoms) atoms {
	out := make(atoms, len(a))
	for i, w := range a {
		out[i] = w &^ b[i]
	}
	return out
}

func popcount(w uint64) int { return bits.OnesCount64(w) }
