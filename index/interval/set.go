package interval

import "slices"

// Range is an inclusive range of points.
type Range[T Point[T]] struct {
	First, Last T // First <= Last
}

// Set is a canonical set of points: sorted, disjoint, non-adjacent ranges. The
// nil Set is empty.
type Set[T Point[T]] []Range[T]

// Of returns the set of all points in the ranges, in any order, overlaps
// allowed. It sorts and merges the argument in place.
//
//	ranges  |-----|   |--|        |--||--|
//	            |--|
//	set     |------|  |--|        |------|
func Of[T Point[T]](ranges []Range[T]) Set[T] {
	if len(ranges) == 0 {
		return nil
	}
	slices.SortFunc(ranges, func(a, b Range[T]) int { return a.First.Compare(b.First) })
	out := ranges[:1]
	for _, r := range ranges[1:] {
		top := &out[len(out)-1]
		if after, more := top.Last.Next(); more && r.First.Compare(after) > 0 {
			out = append(out, r)
			continue
		}
		if r.Last.Compare(top.Last) > 0 {
			top.Last = r.Last
		}
	}
	return Set[T](out)
}

// Contains reports whether the point is in the set.
func (s Set[T]) Contains(p T) bool {
	i, found := slices.BinarySearchFunc(s, p, func(r Range[T], p T) int { return r.First.Compare(p) })
	return found || i > 0 && s[i-1].Last.Compare(p) >= 0
}

// Equal reports whether both sets hold the same points.
func (s Set[T]) Equal(t Set[T]) bool { return slices.Equal(s, t) }

// Union returns the points in any of the sets.
func Union[T Point[T]](sets ...Set[T]) Set[T] {
	var only Set[T]
	n, parts := 0, 0
	for _, s := range sets {
		if len(s) > 0 {
			only, n, parts = s, n+len(s), parts+1
		}
	}
	if parts <= 1 {
		return only
	}
	all := make([]Range[T], 0, n)
	for _, s := range sets {
		all = append(all, s...)
	}
	return Of(all)
}

// Difference returns the points of s that are not in t.
//
//	s       |-----------|   |---|
//	t          |--|  |---------|
//	result  |-|    |-|          ||
func Difference[T Point[T]](s, t Set[T]) Set[T] {
	if len(s) == 0 || len(t) == 0 {
		return s
	}
	var out Set[T]
	j := 0
	for _, r := range s {
		first, open := r.First, true
		for j < len(t) && t[j].Last.Compare(first) < 0 {
			j++
		}
		for k := j; k < len(t) && t[k].First.Compare(r.Last) <= 0; k++ {
			if before, ok := t[k].First.Prev(); ok && before.Compare(first) >= 0 {
				out = append(out, Range[T]{first, before})
			}
			after, ok := t[k].Last.Next()
			if !ok || after.Compare(r.Last) > 0 {
				open = false
				break
			}
			first = after
		}
		if open && first.Compare(r.Last) <= 0 {
			out = append(out, Range[T]{first, r.Last})
		}
	}
	return out
}

// Intersection returns the points in both sets.
//
//	s       |--------|    |----|
//	t           |-----------|
//	result      |----|    |-|
func Intersection[T Point[T]](s, t Set[T]) Set[T] {
	var out Set[T]
	for i, j := 0, 0; i < len(s) && j < len(t); {
		first, last := s[i].First, s[i].Last
		if t[j].First.Compare(first) > 0 {
			first = t[j].First
		}
		if t[j].Last.Compare(last) < 0 {
			last = t[j].Last
		}
		if first.Compare(last) <= 0 {
			out = append(out, Range[T]{first, last})
		}
		if s[i].Last.Compare(t[j].Last) < 0 {
			i++
		} else {
			j++
		}
	}
	return out
}

// Covers reports whether s holds every point of t.
func (s Set[T]) Covers(t Set[T]) bool { return len(Difference(t, s)) == 0 }
