package index

import (
	"math/bits"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// Query is a question on its way through a batch: 16 bytes, four to a cache line.
type Query struct {
	// Remote is an IPv4 address in host order or, asked of an IPv6 classifier, the
	// place of the address in a list beside.
	Remote      uint32
	Row         uint32 // where the answer goes
	Source      uint32 // source port, or OpenSource and nothing greater
	Destination uint16 // valid iff Protocol has ports
	Protocol    flow.Protocol
}

// Scatter4 answers all questions with one classifier and puts base plus the
// verdict id of each at out[Row], which must be there. It may change the order of
// the questions.
//
// Questions of one classifier that stand together find its arrays in the cache.
// Where the processor has vectors they go sixteen at a time (vector.go), else the
// address searches go four at a time, because each step of one waits for memory
// while the others go on. Long runs of questions about a classifier that has had
// many are answered by its direct tables, short ones about one that has had few
// layer by layer.
func Scatter4[T ~uint32](k *Classifier, questions []Query, out []T, base T, w *Work) {
	f, q := k.formFor(len(questions)), questions
	if f.open != nil && f.openComes(q) {
		closed := openLast(q)
		if closed < len(q) {
			Scatter4(f.open, q[closed:], out, base, w)
			q = q[:closed]
		}
	}
	if len(q) == 0 {
		return
	}
	d := k.directFor(f, len(q))
	var rest []Query
	switch {
	case d != nil && hasVector:
		rest = vectorScatterDirect(d, f.open != nil, q, verdictsOf(out), uint32(base), w)
	case d != nil:
		scatterDirect(d, q, out, base)
	case f.chain == nil && hasVector:
		rest = vectorScatter4(f, q, verdictsOf(out), uint32(base), w)
	default:
		plainScatter4(f, q, out, base)
	}
	if len(rest) > 0 {
		Scatter4(k, rest, out, base, w)
	}
}

// openComes reports whether questions are to be sorted by open source ports before
// any is answered. The vector loops notice one themselves: then only the block in
// which they will meet the first is looked at.
func (k *form) openComes(q []Query) bool {
	if k.chain != nil || !hasVector {
		return true
	}
	block := q[:min(len(q), vectorBlock)]
	for len(block) > 0 && len(block)%lanes != 0 {
		if last := len(block) - 1; block[last].Source >= anySource {
			return true
		}
		block = block[:len(block)-1]
	}
	return len(block) > 0 && vectorAnyOpen(&block[0], len(block)/lanes)
}

// plainScatter4 is the twin of the vector loop.
func plainScatter4[T ~uint32](k *form, q []Query, out []T, base T) {
	if k.chain == nil {
		for ; len(q) >= 4; q = q[4:] {
			i0, i1, i2, i3 := search32x4(k.start4, q[0].Remote, q[1].Remote, q[2].Remote, q[3].Remote)
			out[q[0].Row] = base + T(k.answer4(i0, &q[0]))
			out[q[1].Row] = base + T(k.answer4(i1, &q[1]))
			out[q[2].Row] = base + T(k.answer4(i2, &q[2]))
			out[q[3].Row] = base + T(k.answer4(i3, &q[3]))
		}
	}
	for i := range q {
		out[q[i].Row] = base + T(k.classify4(q[i].Remote, q[i].Protocol, uint32(uint16(q[i].Source)), q[i].Destination))
	}
}

// openLast moves the questions that leave the source port open behind the others
// and returns how many those are. Mostly there are none.
func openLast(q []Query) (closed int) {
	closed = len(q)
	i := 0
	if blocks := len(q) / lanes; hasVector && blocks > 0 && !vectorAnyOpen(&q[0], blocks) {
		i = blocks * lanes
	}
	for i < closed {
		if q[i].Source < anySource {
			i++
			continue
		}
		closed--
		q[i], q[closed] = q[closed], q[i]
	}
	return closed
}

func (k *form) answer4(at int, q *Query) VerdictID {
	of := k.of[at]
	row := of >> 1
	if of&1 == 1 {
		row = k.inZone(of, k.zones.of[region4(k.geo4.atlas, q.Remote)])
	}
	return k.at(row, k.lookup.column(q.Protocol, q.Source, q.Destination))
}

// Scatter6 is Scatter4 for IPv6: addresses holds what the questions' Remote names.
func Scatter6[T ~uint32](k *Classifier, questions []Query, addresses []interval.IPv6, out []T, base T, w *Work) {
	f, q := k.formFor(len(questions)), questions
	if f.open != nil && f.openComes(q) {
		closed := openLast(q)
		if closed < len(q) {
			Scatter6(f.open, q[closed:], addresses, out, base, w)
			q = q[:closed]
		}
	}
	switch {
	case len(q) == 0:
	case f.chain == nil && hasVector:
		if rest := vectorScatter6(f, q, addresses, verdictsOf(out), uint32(base), w); len(rest) > 0 {
			Scatter6(k, rest, addresses, out, base, w)
		}
	default:
		plainScatter6(f, q, addresses, out, base)
	}
}

// plainScatter6 is the twin of the vector loop.
func plainScatter6[T ~uint32](k *form, q []Query, addresses []interval.IPv6, out []T, base T) {
	if k.chain == nil {
		for ; len(q) >= 4; q = q[4:] {
			a0, a1, a2, a3 := addresses[q[0].Remote], addresses[q[1].Remote], addresses[q[2].Remote], addresses[q[3].Remote]
			i0, i1, i2, i3 := search128x4(k.start6, a0, a1, a2, a3)
			out[q[0].Row] = base + T(k.answer6(i0, a0, &q[0]))
			out[q[1].Row] = base + T(k.answer6(i1, a1, &q[1]))
			out[q[2].Row] = base + T(k.answer6(i2, a2, &q[2]))
			out[q[3].Row] = base + T(k.answer6(i3, a3, &q[3]))
		}
	}
	for i := range q {
		out[q[i].Row] = base + T(k.classify6(addresses[q[i].Remote], q[i].Protocol, uint32(uint16(q[i].Source)), q[i].Destination))
	}
}

func (k *form) answer6(at int, a interval.IPv6, q *Query) VerdictID {
	of := k.of[at]
	row := of >> 1
	if of&1 == 1 {
		row = k.inZone(of, k.zones.of[k.geo6.region[search128(k.geo6.starts, a)]])
	}
	return k.at(row, k.lookup.column(q.Protocol, q.Source, q.Destination))
}

// search32x4 is search32 for four addresses in step.
func search32x4(starts []uint32, a0, a1, a2, a3 uint32) (b0, b1, b2, b3 int) {
	for n := len(starts); n > 1; {
		half := n >> 1
		_, c0 := bits.Sub32(a0, starts[b0+half], 0)
		_, c1 := bits.Sub32(a1, starts[b1+half], 0)
		_, c2 := bits.Sub32(a2, starts[b2+half], 0)
		_, c3 := bits.Sub32(a3, starts[b3+half], 0)
		b0 += half & (int(c0) - 1)
		b1 += half & (int(c1) - 1)
		b2 += half & (int(c2) - 1)
		b3 += half & (int(c3) - 1)
		n -= half
	}
	return b0, b1, b2, b3
}

// search128x4 is search128 for four addresses in step.
func search128x4(starts []interval.IPv6, a0, a1, a2, a3 interval.IPv6) (b0, b1, b2, b3 int) {
	for n := len(starts); n > 1; {
		half := n >> 1
		b0 += half & (above(&starts[b0+half], &a0) - 1)
		b1 += half & (above(&starts[b1+half], &a1) - 1)
		b2 += half & (above(&starts[b2+half], &a2) - 1)
		b3 += half & (above(&starts[b3+half], &a3) - 1)
		n -= half
	}
	return b0, b1, b2, b3
}

// above is 1 when the start is above the address, else 0.
func above(start, a *interval.IPv6) int {
	_, borrow := bits.Sub64(a.Lo, start.Lo, 0)
	_, over := bits.Sub64(a.Hi, start.Hi, borrow)
	return int(over)
}
