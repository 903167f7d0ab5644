package index

import (
	"math/bits"
	"slices"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// Query is a question on its way through a batch: 12 bytes.
type Query struct {
	// Remote is an IPv4 address in host order or, asked of an IPv6 classifier, the
	// place of the address in a list beside.
	Remote      uint32
	Source      uint32 // source port, or OpenSource and nothing greater
	Destination uint32 // what DestinationKey gave
}

// DestinationKey is what counts of protocol and destination port, as one number. The
// port is valid iff the protocol has ports.
func DestinationKey(p flow.Protocol, port uint16) uint32 { return destinationKey(p, port) }

// Answer4 answers all questions with one classifier: out, as long as they are, gets
// base plus the verdict id of each.
//
// Questions of one classifier that stand together find its arrays in the cache.
// Where the processor has vectors they go sixteen at a time (vector.go), else the
// address searches go four at a time, because each step of one waits for memory
// while the others go on. Long runs of questions about a classifier that has had
// many are answered by its direct tables, short ones about one that has had few
// layer by layer.
func Answer4[T ~uint32](k *Classifier, questions []Query, out []T, base T, w *Work) {
	k.answer(questions, nil, verdictsOf(out), uint32(base), w)
}

// Answer6 is Answer4 for IPv6: addresses holds what the questions' Remote names.
func Answer6[T ~uint32](k *Classifier, questions []Query, addresses []interval.IPv6, out []T, base T, w *Work) {
	for i := range questions {
		_ = addresses[questions[i].Remote] // the vector loops do not look
	}
	k.answer(questions, addresses, verdictsOf(out), uint32(base), w)
}

// answer goes from one question with an open source port to the next: another
// classifier answers those, one block or a run of them at a time.
func (k *Classifier) answer(q []Query, addresses []interval.IPv6, out []uint32, base uint32, w *Work) {
	f := k.formFor(len(q))
	out = out[:len(q)]
	var d *direct
	for sought := false; len(q) > 0; {
		if f.open == nil || q[0].Source < anySource {
			if !sought {
				d, sought = k.directFor(f, len(q)), true
			}
			n := f.closed(d, q, addresses, out, base, w)
			q, out = q[n:], out[n:]
		}
		n := 0
		for n < len(q) && q[n].Source >= anySource {
			n++
		}
		if block := min(len(q), vectorBlock); n >= block {
			if n > 0 {
				f.open.answer(q[:n], addresses, out, base, w)
			}
			q, out = q[n:], out[n:]
		} else {
			f.mixed(q[:block], addresses, out, base, w)
			q, out = q[block:], out[block:]
		}
	}
}

// closed answers questions up to the first block in which a source port is open that
// is not for this classifier, and returns how many those are.
func (k *form) closed(d *direct, q []Query, addresses []interval.IPv6, out []uint32, base uint32, w *Work) int {
	if hasVector && (d != nil || k.chain == nil) {
		return k.vectors(d, q, addresses, out, base, k.open != nil, w)
	}
	n := len(q)
	if k.open != nil {
		if i := slices.IndexFunc(q, func(x Query) bool { return x.Source >= anySource }); i >= 0 {
			n = i / vectorBlock * vectorBlock
		}
	}
	k.plain(d, q[:n], addresses, out, base)
	return n
}

// mixed answers a block of questions in which some source ports are open: all of them
// as if none were, then all of them as if all were.
func (k *form) mixed(q []Query, addresses []interval.IPv6, out []uint32, base uint32, w *Work) {
	opened := w.opened[:len(q)]
	k.all(q, addresses, out, base, w)
	k.open.formFor(len(q)).all(q, addresses, opened, base, w)
	for i := range q {
		if q[i].Source >= anySource {
			out[i] = opened[i]
		}
	}
}

// all answers questions whatever their source ports.
func (k *form) all(q []Query, addresses []interval.IPv6, out []uint32, base uint32, w *Work) {
	if hasVector && k.chain == nil {
		k.vectors(nil, q, addresses, out, base, false, w)
	} else {
		k.plain(nil, q, addresses, out, base)
	}
}

// plain is the twin of the vector loops. Of source ports it takes the lower 16 bits.
func (k *form) plain(d *direct, q []Query, addresses []interval.IPv6, out []uint32, base uint32) {
	switch {
	case d != nil:
		plainDirect(d, q, out, base)
	case addresses == nil:
		k.plain4(q, out, base)
	default:
		k.plain6(q, addresses, out, base)
	}
}

func (k *form) plain4(q []Query, out []uint32, base uint32) {
	if k.chain == nil {
		for ; len(q) >= 4; q, out = q[4:], out[4:] {
			i0, i1, i2, i3 := search32x4(k.start4, q[0].Remote, q[1].Remote, q[2].Remote, q[3].Remote)
			out[0] = base + uint32(k.answer4(i0, &q[0]))
			out[1] = base + uint32(k.answer4(i1, &q[1]))
			out[2] = base + uint32(k.answer4(i2, &q[2]))
			out[3] = base + uint32(k.answer4(i3, &q[3]))
		}
	}
	for i := range q {
		p, port := serviceOf(q[i].Destination)
		out[i] = base + uint32(k.classify4(q[i].Remote, p, uint32(uint16(q[i].Source)), port))
	}
}

func (k *form) answer4(at int, q *Query) VerdictID {
	of := k.of[at]
	row := of >> 1
	if of&1 == 1 {
		row = k.inZone(of, k.zones.of[region4(k.geo4.atlas, q.Remote)])
	}
	return k.at(row, k.lookup.columnAt(q.Destination, q.Source))
}

func (k *form) plain6(q []Query, addresses []interval.IPv6, out []uint32, base uint32) {
	if k.chain == nil {
		for ; len(q) >= 4; q, out = q[4:], out[4:] {
			a0, a1, a2, a3 := addresses[q[0].Remote], addresses[q[1].Remote], addresses[q[2].Remote], addresses[q[3].Remote]
			i0, i1, i2, i3 := search128x4(k.start6, a0, a1, a2, a3)
			out[0] = base + uint32(k.answer6(i0, a0, &q[0]))
			out[1] = base + uint32(k.answer6(i1, a1, &q[1]))
			out[2] = base + uint32(k.answer6(i2, a2, &q[2]))
			out[3] = base + uint32(k.answer6(i3, a3, &q[3]))
		}
	}
	for i := range q {
		p, port := serviceOf(q[i].Destination)
		out[i] = base + uint32(k.classify6(addresses[q[i].Remote], p, uint32(uint16(q[i].Source)), port))
	}
}

func (k *form) answer6(at int, a interval.IPv6, q *Query) VerdictID {
	of := k.of[at]
	row := of >> 1
	if of&1 == 1 {
		row = k.inZone(of, k.zones.of[region6(k.geo6.atlas, a)])
	}
	return k.at(row, k.lookup.columnAt(q.Destination, q.Source))
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
