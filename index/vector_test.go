package index

import (
	"context"
	"math/rand/v2"
	"testing"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// eachLoop calls f for the loops that this processor has.
func eachLoop(f func(vector bool)) {
	f(false)
	if hasVector {
		f(true)
	}
}

// The vector loops give the answers of Classify, whatever the number of questions,
// for both families, mixed intervals, source ports and wide tables among them.
func TestVectorEqualsPlain(t *testing.T) {
	if !hasVector {
		t.Skip("this processor has no AVX-512; the plain loops serve it")
	}
	rng := rand.New(rand.NewPCG(31, 37))
	var mixed4, mixed6, sources, wide, long int
	for round := range 40 {
		n := taggedNetwork(rng, 2+round%20, 12, 8+round*8)
		ix, err := Compile(context.Background(), n, Options{LargeSet: round%2*8 - 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, classifier := range ix.c.all() {
			k := fuseOne(classifier)
			if k.chain != nil {
				continue
			}
			if k.zones != nil && k.family4 {
				mixed4++
			} else if k.zones != nil {
				mixed6++
			}
			if k.lookup.sourceStarts != nil {
				sources++
			}
			if k.table8 == nil {
				wide++
			}
			if pivotShift(len(k.lookup.starts)) > 0 || pivotShift(len(k.start4)+1) > 1 {
				long++
			}
			questions := 1 + rng.IntN(1300)
			if k.family4 {
				compare4(t, rng, k, questions)
			} else {
				compare6(t, rng, k, questions)
			}
		}
	}
	if mixed4 == 0 || mixed6 == 0 || sources == 0 || wide == 0 || long == 0 {
		t.Errorf("mixed %d and %d, source ports %d, wide %d, long %d: the test tests nothing", mixed4, mixed6, sources, wide, long)
	}
}

// fusedOne is a classifier with the table that its layers are fused into.
type fusedOne struct {
	*Classifier
	*form
}

func fuseOne(k *Classifier) fusedOne { return fusedOne{k, k.fused()} }

func anyService(rng *rand.Rand, k fusedOne) (p flow.Protocol, source uint32, destination uint16) {
	p = []flow.Protocol{flow.TCP, flow.UDP, flow.ICMP, flow.ESP, flow.Protocol(rng.IntN(256))}[rng.IntN(5)]
	near := func(keys []uint32) uint16 {
		if len(keys) == 0 || rng.IntN(4) == 0 {
			return uint16(rng.IntN(1 << 16))
		}
		return uint16(keys[rng.IntN(len(keys))] - rng.Uint32N(2))
	}
	return p, uint32(near(k.lookup.sourceStarts)), near(k.lookup.starts)
}

func compare4(t *testing.T, rng *rand.Rand, k fusedOne, questions int) {
	q := make([]Query, questions)
	for i := range q {
		p, source, destination := anyService(rng, k)
		q[i] = Query{Remote: rng.Uint32(), Source: source, Destination: DestinationKey(p, destination)}
		switch rng.IntN(3) {
		case 0:
			q[i].Remote = k.start4[rng.IntN(len(k.start4))] - rng.Uint32N(2)
		case 1:
			q[i].Remote = uint32(k.geo4.starts[rng.IntN(len(k.geo4.starts))]) - rng.Uint32N(2)
		}
	}
	compare(t, rng, k, nil, q, nil, func(q *Query) VerdictID { return alone4(k, q) })
}

func compare6(t *testing.T, rng *rand.Rand, k fusedOne, questions int) {
	q := make([]Query, questions)
	addresses := make([]interval.IPv6, questions)
	for i := range q {
		p, source, destination := anyService(rng, k)
		a := k.start6[rng.IntN(len(k.start6))]
		if rng.IntN(2) == 0 {
			a = k.geo6.starts[rng.IntN(len(k.geo6.starts))]
		}
		switch rng.IntN(4) {
		case 0:
			a.Lo += rng.Uint64()
		case 1:
			a.Hi += rng.Uint64() >> rng.IntN(64)
		case 2:
			if before, ok := a.Prev(); ok {
				a = before
			}
		}
		place := (i * 7) % questions
		if questions%7 == 0 {
			place = i
		}
		addresses[place] = a
		q[i] = Query{Remote: uint32(place), Source: source, Destination: DestinationKey(p, destination)}
	}
	compare(t, rng, k, nil, q, addresses, func(q *Query) VerdictID {
		p, port := serviceOf(q.Destination)
		return k.Classify6(addresses[q.Remote], p, q.Source, port)
	})
}

// compare asks the vector loops, then as callers do with some source ports open, and
// compares with one question at a time. Nothing may be written behind the answers.
func compare(t *testing.T, rng *rand.Rand, k fusedOne, d *direct, q []Query, addresses []interval.IPv6, alone func(*Query) VerdictID) {
	t.Helper()
	const mark = 1<<32 - 1
	room := make([]VerdictID, len(q)+2*lanes)
	got := room[:len(q)]
	check := func(what string) {
		t.Helper()
		for i := range q {
			if want := 5 + alone(&q[i]); got[i] != want {
				t.Fatalf("%s: question %d of %d, %+v: %d, want %d", what, i, len(q), q[i], got[i], want)
			}
		}
		for _, id := range room[len(q):] {
			if id != mark {
				t.Fatalf("%s: %d questions, more answers", what, len(q))
			}
		}
	}
	for i := range room {
		room[i] = mark
	}
	if n := k.vectors(d, q, addresses, verdictsOf(got), 5, true, new(Work)); n != len(q) {
		t.Fatalf("%d of %d questions are answered", n, len(q))
	}
	check("no open source port")
	first := rng.IntN(len(q))
	for i, step := first, 1+rng.IntN(3)*rng.IntN(700); i < len(q); i += step {
		q[i].Source = OpenSource
	}
	for i := range got {
		got[i] = mark
	}
	n := k.vectors(d, q, addresses, verdictsOf(got), 5, true, new(Work))
	if n > first || n < first-vectorBlock || n%lanes != 0 {
		t.Fatalf("%d of %d questions are answered, the source port of number %d is open", n, len(q), first)
	}
	for i := range got[:n] {
		if want := 5 + alone(&q[i]); got[i] != want {
			t.Fatalf("before an open source port: question %d of %d, %+v: %d, want %d", i, n, q[i], got[i], want)
		}
	}
	for i := range got {
		got[i] = mark
	}
	k.answer(q, addresses, verdictsOf(got), 5, new(Work))
	check("open source ports")
}

// More source ports than there are pivots.
func TestVectorManySourcePorts(t *testing.T) {
	if !hasVector {
		t.Skip("this processor has no AVX-512")
	}
	rng := rand.New(rand.NewPCG(41, 43))
	n := taggedNetwork(rng, 8, 12, 120)
	for i, r := range n.NICs[0].Group.Group.Rules {
		if r.Priority >= 65000 { // the default rules
			continue
		}
		first := uint16(100 + 50*i)
		r.SourcePorts = []flow.PortRange{{First: first, Last: first + uint16(rng.IntN(60))}}
	}
	ix, err := Compile(context.Background(), n, Options{})
	if err != nil {
		t.Fatal(err)
	}
	k := fuseOne(ix.Classifier(n.NICs[0], flow.Inbound, flow.AddressFrom(n.NICs[0].IPConfigs[0].Address)))
	if starts := len(k.lookup.sourceStarts); starts < 64 {
		t.Fatalf("%d intervals of source ports", starts)
	}
	d := newDirect(k.form)
	if d == nil || d.few != nil {
		t.Fatal("no direct tables, or few source ports in them")
	}
	for questions := 1; questions < 1500; questions += 97 {
		compare4(t, rng, k, questions)
		compareDirect(t, rng, k, d, questions)
	}
}

func compareDirect(t *testing.T, rng *rand.Rand, k fusedOne, d *direct, questions int) {
	q := make([]Query, questions)
	for i := range q {
		p, source, destination := anyService(rng, k)
		q[i] = Query{Remote: k.start4[rng.IntN(len(k.start4))] - rng.Uint32N(2), Source: source, Destination: DestinationKey(p, destination)}
	}
	compare(t, rng, k, d, q, nil, func(q *Query) VerdictID { return alone4(k, q) })
}
