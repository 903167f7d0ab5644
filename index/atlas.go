package index

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"
	"sync"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// An atlas cuts the addresses of one family by the large address sets that rules
// name, service tags for the most part: a region is the addresses that the same
// large sets hold. It is made once for an index. Lists that name a tag of 8,000
// prefixes need not repeat them: a classifier keeps its own few intervals, and
// which of the regions are alike for it (zones).
//
//	AzureCloud   |------------|     |---|
//	Storage          |--|              |---|
//	regions     0| 1 | 2| 1   |  0  |1 |2|3| 0
type atlas[T interval.Point[T]] struct {
	starts []T      // interval i runs from starts[i] to before starts[i+1]
	region []uint16 // of each interval
	sets   [][]uint16
	count  int      // regions
	root   []uint32 // IPv4: by the first 16 bits, the interval in which such addresses begin, and one more
}

const (
	defaultLargeSet = 128     // ranges beyond which a set is large
	maxRegions      = 1 << 10 // of one atlas; with more, a set must be larger to count
	maxZones        = 1 << 8  // of one classifier
	maxZoneSets     = 64      // large sets that one classifier may name
)

// newAtlas cuts the line by the sets with more than least ranges. It leaves out
// the smallest of them while there are too many regions; taken lists the sets that
// count, in the atlas's order.
func newAtlas[T interval.Point[T]](sets []interval.Set[T], least int) (a *atlas[T], taken []int) {
	for ; ; least = 2*least + 1 {
		taken = taken[:0]
		var large []interval.Set[T]
		for i, s := range sets {
			if len(s) > least {
				taken, large = append(taken, i), append(large, s)
			}
		}
		if a = cutByLarge(large); a.count <= maxRegions {
			return a, taken
		}
	}
}

func cutByLarge[T interval.Point[T]](sets []interval.Set[T]) *atlas[T] {
	type bound struct {
		at  T
		set int32
	}
	var first T
	var bounds []bound
	for i, s := range sets {
		for _, r := range s {
			bounds = append(bounds, bound{r.First, int32(i)})
			if after, more := r.Last.Next(); more {
				bounds = append(bounds, bound{after, int32(i)})
			}
		}
	}
	slices.SortFunc(bounds, func(a, b bound) int { return a.at.Compare(b.at) })
	a := &atlas[T]{sets: make([][]uint16, len(sets))}
	inside := make([]uint64, (len(sets)+63)/64)
	var regions rowSet[uint64]
	regions.reset(len(inside))
	for i, at := 0, first; ; at = bounds[i].at {
		for ; i < len(bounds) && bounds[i].at == at; i++ {
			inside[bounds[i].set>>6] ^= 1 << (bounds[i].set & 63)
		}
		n, fresh := regions.of(inside)
		if fresh {
			if a.count++; a.count > maxRegions {
				return a
			}
			forEachBit(inside, func(set int) { a.sets[set] = append(a.sets[set], uint16(n)) })
		}
		a.starts, a.region = append(a.starts, at), append(a.region, uint16(n))
		if i == len(bounds) {
			a.starts, a.region = slices.Clip(a.starts), padded(a.region)
			return a
		}
	}
}

// find returns the interval of an address.
func (a *atlas[T]) find(p T) int {
	lo, hi := 0, len(a.starts) // starts[lo] <= p < starts[hi]
	if ip, four := any(p).(interval.IPv4); four && a.root != nil {
		lo, hi = int(a.root[ip>>16]), int(a.root[ip>>16+1])+1
	}
	for hi-lo > 1 {
		m := int(uint(lo+hi) >> 1)
		if a.starts[m].Compare(p) <= 0 {
			lo = m
		} else {
			hi = m
		}
	}
	return lo
}

func newRoot(starts []interval.IPv4) []uint32 {
	first := make([]uint32, 1<<16+1)
	at := 0
	for n := range 1 << 16 {
		for at+1 < len(starts) && starts[at+1] <= interval.IPv4(n)<<16 {
			at++
		}
		first[n] = uint32(at)
	}
	first[1<<16] = uint32(len(starts) - 1)
	return first
}

// region4 is the region of an address: most need no search.
func region4(a *atlas[interval.IPv4], p uint32) uint16 {
	if a.root == nil {
		return a.region[search32(a.starts, interval.IPv4(p))]
	}
	lo, hi := a.root[p>>16], a.root[p>>16+1]
	return a.region[int(lo)+search32(a.starts[lo:hi+1], interval.IPv4(p))]
}

// region6 is region4 for IPv6, where each address is searched for.
func region6(a *atlas[interval.IPv6], p interval.IPv6) uint16 {
	return a.region[search128(a.starts, p)]
}

// manyIntervals is where zoneOver stops looking: a range that spans more
// intervals of the atlas is taken to span several zones.
const manyIntervals = 32

// zoneOver returns the one zone that all of a range is in; ok is false when there
// may be several. It begins to look at interval from, which is not behind the
// range, and returns the one in which the range begins.
func (a *atlas[T]) zoneOver(z *zones, first, last T, from int) (zone uint8, ok bool, at int) {
	if z.count == 1 {
		return 0, true, from
	}
	at = from
	if at+1 < len(a.starts) && a.starts[at+1].Compare(first) <= 0 {
		at = a.find(first)
	}
	i := at
	zone = z.of[a.region[i]]
	for n := 0; i+1 < len(a.starts) && a.starts[i+1].Compare(last) <= 0; n++ {
		if i++; n == manyIntervals || z.of[a.region[i]] != zone {
			return 0, false, at
		}
	}
	return zone, true, at
}

// zoneOver4 is zoneOver for IPv4, where comparing need not be a call.
func zoneOver4(a *atlas[interval.IPv4], z *zones, first, last interval.IPv4, from int) (zone uint8, ok bool, at int) {
	if z.count == 1 {
		return 0, true, from
	}
	at = from
	starts := a.starts
	if at+1 == len(starts) || starts[at+1] > last { // nearly always
		return z.of[a.region[at]], true, at
	}
	if starts[at+1] <= first {
		lo, hi := at+1, len(starts)-1
		if a.root != nil {
			lo, hi = max(lo, int(a.root[first>>16])), int(a.root[first>>16+1])
		}
		at = lo + search32(starts[lo:hi+1], first)
	}
	i := at
	zone = z.of[a.region[i]]
	for n := 0; i+1 < len(starts) && starts[i+1] <= last; n++ {
		if i++; n == manyIntervals || z.of[a.region[i]] != zone {
			return 0, false, at
		}
	}
	return zone, true, at
}

// eachRegion calls f for the parts of a range that lie in one region each, with
// their first points.
func (a *atlas[T]) eachRegion(first, last T, f func(from T, region uint16)) {
	i := a.find(first)
	f(first, a.region[i])
	for i++; i < len(a.starts) && a.starts[i].Compare(last) <= 0; i++ {
		f(a.starts[i], a.region[i])
	}
}

// zones says which regions are alike for lists that name the same large sets.
type zones struct {
	sets  []uint16 // the large sets, sorted
	of    []uint8  // by region
	some  []uint16 // by zone: a region in it
	holds []uint64 // by zone: bit i says that sets[i] holds it
	count int
}

// A geography is an atlas with the zones that were asked for. It may be used
// concurrently.
type geography[T interval.Point[T]] struct {
	*atlas[T]
	mu    sync.Mutex
	zones map[string]*zones
}

// zonesFor returns the zones of the sets, made once for each combination; nil
// when there are too many.
func (g *geography[T]) zonesFor(sets []uint16) *zones {
	if len(sets) > maxZoneSets {
		return nil
	}
	key := make([]byte, 0, 2*maxZoneSets)
	for _, s := range sets {
		key = binary.LittleEndian.AppendUint16(key, s)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	z, ok := g.zones[string(key)]
	if !ok {
		z = g.newZones(slices.Clone(sets))
		g.zones[string(key)] = z
	}
	return z
}

func (a *atlas[T]) newZones(sets []uint16) *zones {
	inside := make([]uint64, a.count)
	for i, s := range sets {
		for _, region := range a.sets[s] {
			inside[region] |= 1 << i
		}
	}
	z := &zones{sets: sets, of: padded(make([]uint8, a.count))}
	var kinds rowSet[uint64]
	kinds.reset(1)
	for region := range inside {
		n, fresh := kinds.of(inside[region : region+1])
		if n == maxZones {
			return nil
		}
		if fresh {
			z.some, z.holds = append(z.some, uint16(region)), append(z.holds, inside[region])
		}
		z.of[region] = uint8(n)
	}
	z.count = len(z.some)
	return z
}

// survey draws both atlases.
func (c *compiler) survey(ctx context.Context, workers int) error {
	large, err := c.largeSets(ctx, workers)
	if err != nil {
		return err
	}
	v4, v6 := make([]interval.Set[interval.IPv4], len(large)), make([]interval.Set[interval.IPv6], len(large))
	for i, r := range large {
		v4[i], v6[i] = r.sure.v4, r.sure.v6
	}
	a4, taken4 := newAtlas(v4, c.largeSet)
	for n, i := range taken4 {
		large[i].large4 = int32(n) + 1
	}
	a6, taken6 := newAtlas(v6, c.largeSet)
	for n, i := range taken6 {
		large[i].large6 = int32(n) + 1
	}
	if a4.count > 1 {
		a4.root = newRoot(a4.starts)
	}
	c.geo4 = &geography[interval.IPv4]{atlas: a4, zones: map[string]*zones{}}
	c.geo6 = &geography[interval.IPv6]{atlas: a6, zones: map[string]*zones{}}
	return nil
}

// largeSets collects the reaches without doubts that rules of the network name
// and that may be large: service tags and Internet.
func (c *compiler) largeSets(ctx context.Context, workers int) (out []*reach, err error) {
	names, err := c.tagsNamed(ctx, workers)
	if err != nil {
		return nil, err
	}
	reaches := []*reach{c.intern.reach(c.internet, nil)}
	for _, name := range names {
		reaches = append(reaches, c.serviceTag(name))
	}
	taken := map[*reach]bool{}
	for _, r := range reaches {
		if len(r.may) == 0 && !taken[r] {
			taken[r] = true
			out = append(out, r)
		}
	}
	return out, nil
}

// tagsNamed lists the service tags that rules of the network name.
func (c *compiler) tagsNamed(ctx context.Context, workers int) ([]string, error) {
	const chunk = 1 << 12 // rules
	var mu sync.Mutex
	all := map[string]bool{}
	err := inChunks(ctx, workers, (c.net.RuleCount()+chunk-1)/chunk, 1, func(i int, _ *signer) {
		seen := map[string]bool{}
		sides := func(list []network.Selector) {
			for i := range list {
				if list[i].Kind == network.SelectServiceTag {
					seen[list[i].Text] = true
				}
			}
		}
		for ref := max(1, i*chunk); ref < min((i+1)*chunk, c.net.RuleCount()); ref++ {
			if r := c.net.Rule(flow.RuleRef(ref)); r != nil {
				sides(r.Source)
				sides(r.Destination)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		maps.Copy(all, seen)
	})
	return slices.Sorted(maps.Keys(all)), err
}
