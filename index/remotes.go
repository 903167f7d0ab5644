package index

import (
	"slices"

	"ipflow/index/interval"
)

// remotes maps the remote addresses of a family to numbers: classes, rows, or
// tuples of those. Interval i runs from starts[i] to before starts[i+1]. Where of[i]
// is even, of[i]/2 is the number. Where it is odd the interval is mixed: large
// address sets begin and end inside it, and the number is that of the address's
// zone in block of[i]/2 of zoned.
type remotes[T interval.Point[T]] struct {
	starts []T
	of     []uint32
	short  []uint16 // in place of of, see shortened
	zoned  []uint32 // blocks of zones.count numbers
	zones  *zones   // nil when no large set counts here
}

func (r *remotes[T]) reset() {
	r.starts, r.of, r.zoned, r.zones = r.starts[:0], r.of[:0], r.zoned[:0], nil
}

// shortened is a copy that takes no more bytes than it needs.
func (r *remotes[T]) shortened() remotes[T] {
	out := remotes[T]{starts: slices.Clone(r.starts), zoned: r.zoned, zones: r.zones}
	if len(r.of) == 0 || slices.Max(r.of) > 1<<16-1 {
		out.of = slices.Clone(r.of)
		return out
	}
	out.short = make([]uint16, len(r.of))
	for i, of := range r.of {
		out.short[i] = uint16(of)
	}
	return out
}

// leads is where interval i leads, as in of.
func (r *remotes[T]) leads(i int) uint32 {
	if r.short != nil {
		return uint32(r.short[i])
	}
	return r.of[i]
}

// long returns of; where it is short, as a copy in the memory given.
func (r *remotes[T]) long(memory []uint32) (of, left []uint32) {
	if r.short == nil {
		return r.of, memory
	}
	memory = widen(memory, r.short)
	return memory, memory
}

// inRegion is the number of an interval in a region.
func (r *remotes[T]) inRegion(of uint32, region uint16) uint32 {
	if of&1 == 0 {
		return of >> 1
	}
	return r.zoned[int(of>>1)*r.zones.count+int(r.zones.of[region])]
}

// renumber replaces numbers, makes mixed intervals plain where that left one
// number for all zones, and joins neighbours that became equal. blocks is memory
// to work in.
func (r *remotes[T]) renumber(to []uint32, blocks *rowSet[uint32]) {
	for i, x := range r.zoned {
		r.zoned[i] = to[x]
	}
	var kept []uint32 // by block: what is in its place
	if r.zones != nil {
		width := r.zones.count
		blocks.reset(width)
		for i := 0; i < len(r.zoned); i += width {
			block := r.zoned[i : i+width]
			if allEqual(block) {
				kept = append(kept, block[0]<<1)
			} else {
				n, _ := blocks.of(block)
				kept = append(kept, n<<1|1)
			}
		}
		r.zoned = append(r.zoned[:0], blocks.rows...)
		if len(r.zoned) == 0 {
			r.zones = nil
		}
	}
	n := 0
	for i, of := range r.of {
		if of&1 == 0 {
			of = to[of>>1] << 1
		} else {
			of = kept[of>>1]
		}
		if n > 0 && r.of[n-1] == of {
			continue
		}
		r.starts[n], r.of[n] = r.starts[i], of
		n++
	}
	r.starts, r.of = r.starts[:n], r.of[:n]
}

func allEqual(list []uint32) bool {
	for _, x := range list {
		if x != list[0] {
			return false
		}
	}
	return true
}

// cuts are the intervals of several parts, merged.
type cuts[T interval.Point[T]] struct {
	starts []T
	at     [3][]uint32 // of each interval: the interval of each part that it is in
}

func (m *cuts[T]) reset() {
	m.starts = m.starts[:0]
	for i := range m.at {
		m.at[i] = m.at[i][:0]
	}
}

// mergeCuts merges the cuts of several parts.
//
//	part 1   |--- a ---|-- b --|
//	part 2   |- c -|---- d ----|
//	result   |-ac--|ad-|--bd---|
func mergeCuts[T interval.Point[T]](m *cuts[T], parts []*remotes[T]) {
	m.reset()
	var at [3]int
	var start T // the first point of the space is the zero value
	for {
		m.starts = append(m.starts, start)
		next := -1
		for i, p := range parts {
			m.at[i] = append(m.at[i], uint32(at[i]))
			if at[i]+1 < len(p.starts) && (next < 0 || p.starts[at[i]+1].Compare(parts[next].starts[at[next]+1]) < 0) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		start = parts[next].starts[at[next]+1]
		for i, p := range parts {
			if at[i]+1 < len(p.starts) && p.starts[at[i]+1] == start {
				at[i]++
			}
		}
	}
}

// mergeCuts4 is mergeCuts for IPv4, where comparing need not be a call, and two
// parts.
func mergeCuts4(m *cuts[interval.IPv4], parts []*remotes[interval.IPv4]) {
	if len(parts) != 2 {
		mergeCuts(m, parts)
		return
	}
	const none = 1 << 32
	a, b := parts[0].starts, parts[1].starts
	n := len(a) + len(b)
	starts, atA, atB := slices.Grow(m.starts[:0], n)[:n], slices.Grow(m.at[0][:0], n)[:n], slices.Grow(m.at[1][:0], n)[:n]
	n = 0
	i, j := 0, 0
	for start := uint64(0); start != none; n++ {
		starts[n], atA[n], atB[n] = interval.IPv4(start), uint32(i), uint32(j)
		nextA, nextB := uint64(none), uint64(none) // where the part's interval ends
		if i+1 < len(a) {
			nextA = uint64(a[i+1])
		}
		if j+1 < len(b) {
			nextB = uint64(b[j+1])
		}
		if nextA <= nextB {
			start = nextA
			i++
		} else {
			start = nextB
		}
		if nextB <= nextA {
			j++
		}
	}
	m.starts, m.at[0], m.at[1], m.at[2] = starts[:n], atA[:n], atB[:n], m.at[2][:0]
}

// end is the last point of interval n; of is that of the space.
func (m *cuts[T]) end(n int, of T) T {
	if n+1 == len(m.starts) {
		return of
	}
	last, _ := m.starts[n+1].Prev()
	return last
}

// whole reports whether interval n is all of a mixed interval of a part: then it
// is mixed here too.
func (m *cuts[T]) whole(n int, parts []*remotes[T]) bool {
	for i, p := range parts {
		at := m.at[i]
		if p.leads(int(at[n]))&1 == 1 && (n == 0 || at[n-1] != at[n]) && (n+1 == len(at) || at[n+1] != at[n]) {
			return true
		}
	}
	return false
}

// fuseRemotes merges the cuts of several parts; the numbers of the result are
// tuples of theirs. zones are those of all large sets that the parts name.
func (f *fuser) fuseRemotes4() {
	var parts [3]*remotes[interval.IPv4]
	for i, t := range f.tables {
		parts[i] = &t.remote4
	}
	mergeCuts4(&f.cuts4, parts[:len(f.tables)])
	fuseRemotes(f, &f.remotes4, &f.cuts4, parts[:len(f.tables)], f.c.geo4, zoneOver4, everything.v4[0].Last)
}

func (f *fuser) fuseRemotes6() {
	var parts [3]*remotes[interval.IPv6]
	for i, t := range f.tables {
		parts[i] = &t.remote6
	}
	mergeCuts(&f.cuts6, parts[:len(f.tables)])
	fuseRemotes(f, &f.remotes6, &f.cuts6, parts[:len(f.tables)], f.c.geo6, (*atlas[interval.IPv6]).zoneOver, everything.v6[0].Last)
}

func fuseRemotes[T interval.Point[T]](f *fuser, out *remotes[T], m *cuts[T], parts []*remotes[T], geo *geography[T],
	zoneOver func(a *atlas[T], z *zones, first, last T, from int) (uint8, bool, int), end T,
) {
	out.reset()
	f.remote.reset(f.sizes(func(t *stageTable) int { rows, _ := t.size(); return rows }))
	f.mixed.reset(max(1, len(parts)))
	out.zones = zonesOfAll(f, parts, geo)
	out.starts, out.of = slices.Grow(out.starts, len(m.starts)), slices.Grow(out.of, len(m.starts))
	var key [3]uint32
	var ofs, ats [3][]uint32
	for i, p := range parts {
		ofs[i], f.long[i] = p.long(f.long[i])
		ats[i] = m.at[i]
	}
	place := 0         // in the atlas
	last := ^uint32(0) // the interval before leads there
	for n, start := range m.starts {
		mixed := uint32(0)
		for i := range parts {
			key[i] = ofs[i][ats[i][n]]
			mixed |= key[i] & 1
		}
		var to uint32
		switch {
		case mixed&1 == 0:
			if to = f.remote.known(key[0]>>1, key[1]>>1, key[2]>>1); to != 0 {
				to = (to - 1) << 1
			} else {
				to = f.remote.number(key[0]>>1, key[1]>>1, key[2]>>1) << 1
			}
		case out.zones == nil: // too many zones: the interval is cut by region
			geo.eachRegion(start, m.end(n, end), func(from T, region uint16) {
				if to := inRegion(f, parts, key, region) << 1; to != last {
					out.starts, out.of, last = append(out.starts, from), append(out.of, to), to
				}
			})
			continue
		default:
			zone, one := uint8(0), false
			if !m.whole(n, parts) {
				zone, one, place = zoneOver(geo.atlas, out.zones, start, m.end(n, end), place)
			}
			if one {
				to = inRegion(f, parts, key, out.zones.some[zone]) << 1
			} else {
				to, _ = f.mixed.of(key[:f.mixed.width])
				to = to<<1 | 1
			}
		}
		if to != last {
			out.starts, out.of, last = append(out.starts, start), append(out.of, to), to
		}
	}
	for n := range f.mixed.len() {
		copy(key[:], f.mixed.row(n))
		for _, region := range out.zones.some {
			out.zoned = append(out.zoned, inRegion(f, parts, key, region))
		}
	}
}

// inRegion numbers the tuple of where the parts' intervals lead in a region.
func inRegion[T interval.Point[T]](f *fuser, parts []*remotes[T], key [3]uint32, region uint16) uint32 {
	var row [3]uint32
	for i, p := range parts {
		row[i] = p.inRegion(key[i], region)
	}
	return f.remote.number(row[0], row[1], row[2])
}

// zonesOfAll returns the zones of the large sets of all parts; nil when none of
// them is mixed.
func zonesOfAll[T interval.Point[T]](f *fuser, parts []*remotes[T], geo *geography[T]) *zones {
	var only *zones
	f.sets = f.sets[:0]
	many := false
	for _, p := range parts {
		if p.zones != nil {
			many = many || only != nil && only != p.zones
			only = p.zones
			f.sets = append(f.sets, p.zones.sets...)
		}
	}
	if !many {
		return only
	}
	return geo.zonesFor(sorted(f.sets))
}

func sorted(list []uint16) []uint16 {
	slices.Sort(list)
	return slices.Compact(list)
}
