package index

import (
	"slices"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// A builder makes Stage tables. It reuses its memory and belongs to one goroutine
// at a time.
//
// The services come first. An entry whose remote side is every address hides, for
// the services that it matches, all entries behind it; an entry that no service
// class is left with decides nothing and is dropped (about two in three of a long
// list). Only then the remote addresses are cut, by the entries that are left.
type builder struct {
	c     *compiler
	stage *Stage
	tableKind
	entries []entry
	words   int      // of a bit set of entries
	total   []uint64 // entries whose remote side is every address of the family
	based   []uint64 // entries with facts of their own: never a sure match
	closing []uint64 // entries that hide what stands behind them

	sweep                        sweep
	service, source, destination classTable
	columns                      classList // b.service by the entries that are left
	remote, mixed                classTable
	zoneBits                     []uint64 // by zone: the entries whose large set holds it
	sets                         []uint16
	points                       []interval.IPv6
	rangesOf4                    []interval.Range[interval.IPv4]
	rangesOf6                    []interval.Range[interval.IPv6]
	portRanges                   []interval.Range[interval.Port]
	numbers                      []uint32
	common                       []uint64

	out    stageTable // what is being made
	made   tableMaker
	filler filler
	merger merger
	blocks rowSet[uint32]
}

// classList is classes for reading.
type classList struct {
	words  int
	sure   []uint64
	doubts []*doubts // shorter than the list
}

func (l *classList) len() int {
	if l.words == 0 {
		return 1
	}
	return len(l.sure) / l.words
}

func (l *classList) row(n int) []uint64 { return l.sure[n*l.words : (n+1)*l.words] }

func (l *classList) doubtsOf(n int) *doubts {
	if n >= len(l.doubts) {
		return nil
	}
	return l.doubts[n]
}

// table makes the table of a Stage for the remote addresses of one family; valid
// until the next call.
func (b *builder) table(s *Stage, kind tableKind) *stageTable {
	b.stage, b.tableKind = s, kind
	b.begin()
	t := &b.out
	t.reset(s)
	b.markTotal()
	b.service.reset(b.words)
	b.services(t)
	b.keepLive()
	t.namesSources = b.namesSources(flow.TCP) || b.namesSources(flow.UDP)
	if b.family4 {
		b.cutRemote4(&t.remote4)
	} else {
		b.cutRemote6(&t.remote6)
	}
	b.finish(t)
	return t
}

// begin reads the entries of the Stage.
func (b *builder) begin() {
	clear(b.entries)
	b.entries = b.entries[:0]
	if b.stage.scope == nil {
		b.words = 0
		return
	}
	var total bool
	b.entries, total = b.c.entries(b.stage.scope, b.stage.signature, b.entries)
	if !total && b.stage.layer != flow.SecurityAdmin {
		panic("index: no rule of a security group matches everything, not even DenyAll")
	}
	b.words = (len(b.entries) + 63) / 64
}

// markTotal finds the entries whose remote side is everything, which need no sweep.
func (b *builder) markTotal() {
	b.total, b.based, b.closing = resetWords(b.total, b.words), resetWords(b.based, b.words), resetWords(b.closing, b.words)
	for i := range b.entries {
		if b.isTotal(&b.entries[i]) {
			setBit(b.total, i)
		}
		if len(b.entries[i].facts) > 0 {
			setBit(b.based, i)
		}
	}
	for w := range b.closing {
		b.closing[w] = b.total[w] &^ b.based[w]
	}
}

func resetWords(w []uint64, n int) []uint64 {
	if cap(w) < n {
		return make([]uint64, n)
	}
	w = w[:n]
	clear(w)
	return w
}

func (b *builder) isTotal(e *entry) bool {
	if e.remote != nil {
		if b.family4 {
			return e.remote.sure.v4.Equal(everything.v4)
		}
		return e.remote.sure.v6.Equal(everything.v6)
	}
	_, remote := sidesOf(e.rule, b.stage.scope.dir)
	for i := range remote {
		if p := remote[i].Prefix; p.Bits() == 0 && p.Addr().Is4() == b.family4 {
			return true
		}
	}
	return false
}

// keepLive drops the entries that decide nothing, and finds those that close: an
// entry that matches every service for which it is not hidden.
func (b *builder) keepLive() {
	live, closing := make([]uint64, b.words), make([]uint64, b.words)
	for w := range closing {
		closing[w] = ^uint64(0)
	}
	for class := range b.service.len() {
		row := b.service.sure.row(class)
		hidden := false
		for w, x := range row {
			live[w] |= x
			switch end := x & b.closing[w]; {
			case hidden:
			case end != 0:
				closing[w] &= x | ^(end<<1 - 1) // end is one bit: what is cut there is hidden
				hidden = true
			default:
				closing[w] &= x
			}
		}
		if d := b.service.doubtsOf(class); d != nil {
			for w, x := range d.may {
				live[w] |= x
			}
		}
	}
	to := make([]int32, len(b.entries))
	kept := b.entries[:0]
	n := 0
	for i, e := range b.entries {
		if to[i] = -1; hasBit(live, i) {
			to[i] = int32(n)
			n++
			kept = append(kept, e)
		}
	}
	words := (n + 63) / 64
	b.columns.reset(&b.service, to, words)
	closes := make([]uint64, words)
	forEachBit(closing, func(bit int) {
		if bit < len(to) && to[bit] >= 0 && !hasBit(b.based, bit) {
			setBit(closes, int(to[bit]))
		}
	})
	clear(b.entries[n:])
	b.entries, b.words = kept, words
	b.markTotal()
	b.closing = closes
}

// reset fills the list with the classes of a table, entry i renamed to[i].
func (l *classList) reset(t *classTable, to []int32, words int) {
	l.words = words
	l.sure = resetWords(l.sure, words*t.len())
	clear(l.doubts)
	l.doubts = l.doubts[:0]
	for class := range t.len() {
		row := l.row(class)
		forEachBit(t.sure.row(class), func(bit int) { setBit(row, int(to[bit])) })
		d := t.doubtsOf(class)
		if d == nil {
			continue
		}
		for len(l.doubts) <= class {
			l.doubts = append(l.doubts, nil)
		}
		kept := &doubts{may: make([]uint64, words)}
		forEachBit(d.may, func(bit int) { setBit(kept.may, int(to[bit])) })
		for _, f := range d.facts {
			kept.facts = append(kept.facts, bitFact{to[f.bit], f.fact})
		}
		l.doubts[class] = kept
	}
}

// pickSets chooses the large sets that entries name and finds their zones; nil
// when there are none, or too many.
func (b *builder) pickSets(number func(*reach) int32, zonesFor func([]uint16) *zones) *zones {
	b.sets = b.sets[:0]
	for i := range b.entries {
		if r := b.entries[i].remote; r != nil && number(r) > 0 {
			b.sets = append(b.sets, uint16(number(r)-1))
		}
	}
	b.sets = sorted(b.sets)
	if len(b.sets) == 0 {
		return nil
	}
	z := zonesFor(b.sets)
	if z == nil {
		return nil
	}
	b.zoneBits = resetWords(b.zoneBits, b.words*z.count)
	for i := range b.entries {
		r := b.entries[i].remote
		if r == nil || number(r) == 0 {
			continue
		}
		at, _ := slices.BinarySearch(b.sets, uint16(number(r)-1))
		for zone, holds := range z.holds {
			if holds>>at&1 == 1 {
				setBit(b.zoneBits[zone*b.words:], i)
			}
		}
	}
	return z
}

func (b *builder) zone(n int) []uint64 { return b.zoneBits[n*b.words : (n+1)*b.words] }

// cutRemote4 cuts the IPv4 addresses.
func (b *builder) cutRemote4(out *remotes[interval.IPv4]) {
	number := func(r *reach) int32 { return r.large4 }
	zones := b.pickSets(number, b.c.geo4.zonesFor)
	b.sweep.reset(b.words)
	for i := range b.entries {
		e := &b.entries[i]
		switch {
		case hasBit(b.total, i):
			b.sweep.always(i)
		case e.remote == nil:
			b.sweep.span4(lane{bit: int32(i), sure: true}, b.prefixes4(e))
		case zones != nil && number(e.remote) > 0:
		default:
			b.sweep.span4(lane{bit: int32(i), sure: true}, e.remote.sure.v4)
			for _, d := range e.remote.may {
				b.sweep.span4(lane{bit: int32(i), fact: d.fact}, d.where.v4)
			}
		}
	}
	cut := b.newCut(zones, out.zoned)
	place := 0 // in the atlas
	b.sweep.run(func(first, last uint32) {
		zone, one := uint8(0), true
		if zones != nil {
			zone, one, place = zoneOver4(b.c.geo4.atlas, zones, interval.IPv4(first), interval.IPv4(last), place)
		}
		if of, fresh := cut.at(zone, one); fresh {
			out.starts, out.of = append(out.starts, interval.IPv4(first)), append(out.of, of)
		}
	}, 1<<32-1)
	out.zones, out.zoned = zones, cut.zoned()
}

// cutRemote6 cuts the IPv6 addresses. A sweep's line has 32 bits: the addresses at
// which a set begins or has ended are put in order first, and swept by position.
func (b *builder) cutRemote6(out *remotes[interval.IPv6]) {
	number := func(r *reach) int32 { return r.large6 }
	zones := b.pickSets(number, b.c.geo6.zonesFor)
	b.sweep.reset(b.words)
	b.points = append(b.points[:0], interval.IPv6{})
	each := func(f func(l lane, set interval.Set[interval.IPv6])) {
		for i := range b.entries {
			e := &b.entries[i]
			switch {
			case hasBit(b.total, i):
				b.sweep.always(i)
			case e.remote == nil:
				f(lane{bit: int32(i), sure: true}, b.prefixes6(e))
			case zones != nil && number(e.remote) > 0:
			default:
				f(lane{bit: int32(i), sure: true}, e.remote.sure.v6)
				for _, d := range e.remote.may {
					f(lane{bit: int32(i), fact: d.fact}, d.where.v6)
				}
			}
		}
	}
	each(func(_ lane, set interval.Set[interval.IPv6]) {
		for _, r := range set {
			b.points = append(b.points, r.First)
			if after, more := r.Last.Next(); more {
				b.points = append(b.points, after)
			}
		}
	})
	slices.SortFunc(b.points, interval.IPv6.Compare)
	b.points = slices.Compact(b.points)
	each(func(l lane, set interval.Set[interval.IPv6]) {
		b.sweep.lane(l)
		bound := func(a interval.IPv6, on bool) {
			at, _ := slices.BinarySearchFunc(b.points, a, interval.IPv6.Compare)
			b.sweep.bound(uint32(at), on)
		}
		for _, r := range set {
			bound(r.First, true)
			if after, more := r.Last.Next(); more {
				bound(after, false)
			}
		}
	})
	cut := b.newCut(zones, out.zoned)
	place := 0 // in the atlas
	b.sweep.run(func(first, last uint32) {
		zone, one := uint8(0), true
		if zones != nil {
			end := everything.v6[0].Last
			if int(last)+1 < len(b.points) {
				end, _ = b.points[last+1].Prev()
			}
			zone, one, place = b.c.geo6.zoneOver(zones, b.points[first], end, place)
		}
		if of, fresh := cut.at(zone, one); fresh {
			out.starts, out.of = append(out.starts, b.points[first]), append(out.of, of)
		}
	}, uint32(len(b.points)-1))
	out.zones, out.zoned = zones, cut.zoned()
}

// prefixes4 is the IPv4 part of a remote side that is prefixes; valid until the
// next call.
func (b *builder) prefixes4(e *entry) interval.Set[interval.IPv4] {
	b.rangesOf4 = b.rangesOf4[:0]
	_, remote := sidesOf(e.rule, b.stage.scope.dir)
	for i := range remote {
		if p := remote[i].Prefix; p.Addr().Is4() {
			b.rangesOf4 = append(b.rangesOf4, interval.PrefixIPv4(p))
		}
	}
	if len(b.rangesOf4) == 1 {
		return b.rangesOf4
	}
	return interval.Of(b.rangesOf4)
}

func (b *builder) prefixes6(e *entry) interval.Set[interval.IPv6] {
	b.rangesOf6 = b.rangesOf6[:0]
	_, remote := sidesOf(e.rule, b.stage.scope.dir)
	for i := range remote {
		if p := remote[i].Prefix; p.Addr().Is6() {
			b.rangesOf6 = append(b.rangesOf6, interval.PrefixIPv6(p))
		}
	}
	return interval.Of(b.rangesOf6)
}

// A cut numbers the classes of the intervals of a sweep.
type cut struct {
	b      *builder
	zones  *zones
	blocks []uint32
	last   uint32
	any    bool
}

func (b *builder) newCut(z *zones, blocks []uint32) *cut {
	b.remote.reset(b.words)
	b.mixed.reset(b.words)
	return &cut{b: b, zones: z, blocks: blocks[:0]}
}

// at returns what the interval at which the sweep stands belongs to, as in
// remotes.of; fresh is false when it continues the one before. one says that all
// of it lies in one zone.
func (k *cut) at(zone uint8, one bool) (of uint32, fresh bool) {
	b := k.b
	if one {
		var inZone []uint64
		if k.zones != nil {
			inZone = b.zone(int(zone))
		}
		of = b.remote.of(b.sweep.sure, inZone, b.sweep.may, b.closing) << 1
	} else {
		of = b.mixed.of(b.sweep.sure, nil, b.sweep.may, b.closing)<<1 | 1
	}
	fresh = !k.any || of != k.last
	k.last, k.any = of, true
	return of, fresh
}

// zoned numbers the classes of the mixed intervals, zone by zone.
func (k *cut) zoned() []uint32 {
	b, out := k.b, k.blocks
	for n := range b.mixed.len() {
		var may []bitFact
		if d := b.mixed.doubtsOf(n); d != nil {
			may = d.facts
		}
		for zone := range k.zones.count {
			out = append(out, b.remote.of(b.mixed.sure.row(n), b.zone(zone), may, b.closing))
		}
	}
	return out
}
