package lint

// A region is a product of sets of atoms, one per dimension of a space. It is
// never empty in one dimension only: nil is the empty region.
type region []atoms

func (a region) meets(b region) bool {
	if a == nil || b == nil {
		return false
	}
	for d := range a {
		if !a[d].meets(b[d]) {
			return false
		}
	}
	return true
}

func (a region) and(b region) region {
	if !a.meets(b) {
		return nil
	}
	out := make(region, len(a))
	for d := range a {
		out[d] = a[d].and(b[d])
	}
	return out
}

// with returns the region with one dimension replaced.
func (a region) with(d int, s atoms) region {
	out := make(region, len(a))
	copy(out, a)
	out[d] = s
	return out
}

// maxSteps bounds the work on one question. The rules of real groups need a few
// hundred; a question that needs more is given up, and nothing is claimed.
const maxSteps = 1 << 15

// A cutter takes regions away from a region, one after the other.
type cutter struct {
	steps int
	keep  int      // pieces wanted; further ones are not looked for
	left  []region // disjoint pieces that no region covers
}

// leftOver returns up to keep disjoint pieces of a that none of the covers
// holds; done is false when the question was given up.
func leftOver(a region, covers []region, keep int) (left []region, done bool) {
	if a == nil {
		return nil, true
	}
	c := cutter{keep: keep, steps: maxSteps}
	c.cut(a, covers)
	return c.left, c.steps > 0
}

// covered reports that every point of a is proven to be in one of the covers.
func covered(a region, covers []region) bool {
	left, done := leftOver(a, covers, 1)
	return done && len(left) == 0
}

// cut takes the covers away from a. Of those that meet a it takes first the one
// that leaves a in the fewest dimensions: one that leaves it in a single
// dimension shrinks a without splitting it.
//
//	a       |---------|        |---------|
//	cover   |   XXXXXXXXX  or  |   XXX   |   → pieces beside, above and below
func (c *cutter) cut(a region, covers []region) {
	var near []region
	for {
		if c.steps--; c.steps <= 0 || len(c.left) >= c.keep {
			return
		}
		best, outside, weight := -1, len(a)+1, 0.0
		near = near[:0:0]
		for _, b := range covers {
			if !a.meets(b) {
				continue
			}
			n := 0
			for d := range a {
				if !a[d].within(b[d]) {
					n++
				}
			}
			if n == 0 {
				return
			}
			near = append(near, b)
			if n > outside {
				continue
			}
			if w := a.overlap(b); n < outside || w > weight {
				best, outside, weight = len(near)-1, n, w
			}
		}
		if best < 0 {
			c.left = append(c.left, a)
			return
		}
		b := near[best]
		near[best] = near[len(near)-1]
		covers = near[:len(near)-1]
		inside := a
		for d := range a {
			if a[d].within(b[d]) {
				continue
			}
			piece := inside.with(d, a[d].minus(b[d]))
			if outside == 1 {
				a = piece
				break
			}
			c.cut(piece, covers)
			inside = inside.with(d, a[d].and(b[d]))
		}
		if outside > 1 {
			return
		}
	}
}

// overlap ranks how much of a lies in b, as a share of each dimension.
func (a region) overlap(b region) float64 {
	w := 1.0
	for d := range a {
		n := 0
		for i, word := range a[d] {
			n += popcount(word & b[d][i])
		}
		w *= float64(n)
	}
	return w
}
