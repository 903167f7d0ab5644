package index

import (
	"context"
	"math/rand/v2"
	"slices"
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
			k := classifier.fused()
			if k.chain != nil {
				continue
			}
			if k.zones != nil && classifier.family4 {
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
			if classifier.family4 {
				compare4(t, rng, classifier, questions)
			} else {
				compare6(t, rng, classifier, questions)
			}
		}
	}
	if mixed4 == 0 || mixed6 == 0 || sources == 0 || wide == 0 || long == 0 {
		t.Errorf("mixed %d and %d, source ports %d, wide %d, long %d: the test tests nothing", mixed4, mixed6, sources, wide, long)
	}
}

func anyService(rng *rand.Rand, k *form) (p flow.Protocol, source uint32, destination uint16) {
	p = []flow.Protocol{flow.TCP, flow.UDP, flow.ICMP, flow.ESP, flow.Protocol(rng.IntN(256))}[rng.IntN(5)]
	near := func(keys []uint32) uint16 {
		if len(keys) == 0 || rng.IntN(4) == 0 {
			return uint16(rng.IntN(1 << 16))
		}
		return uint16(keys[rng.IntN(len(keys))] - rng.Uint32N(2))
	}
	return p, uint32(near(k.lookup.sourceStarts)), near(k.lookup.starts)
}

// someOrder is any order of the rows or, as in a file about one NIC, their own.
func someOrder(rng *rand.Rand, n int) []int {
	order := rng.Perm(n)
	if rng.IntN(2) == 0 {
		slices.Sort(order)
	}
	return order
}

func compare4(t *testing.T, rng *rand.Rand, classifier *Classifier, questions int) {
	k := classifier.fused()
	q, want := make([]Query, questions), make([]VerdictID, questions)
	for i, row := range someOrder(rng, questions) {
		p, source, destination := anyService(rng, k)
		q[i] = Query{Remote: rng.Uint32(), Row: uint32(row), Source: source, Destination: destination, Protocol: p}
		switch rng.IntN(3) {
		case 0:
			q[i].Remote = k.start4[rng.IntN(len(k.start4))] - rng.Uint32N(2)
		case 1:
			q[i].Remote = uint32(k.geo4.starts[rng.IntN(len(k.geo4.starts))]) - rng.Uint32N(2)
		}
		want[row] = 5 + classifier.Classify4(q[i].Remote, p, source, destination)
	}
	got := make([]VerdictID, questions)
	rest := vectorScatter4(k, q, verdictsOf(got), 5, new(Work))
	if len(rest) > 0 || !slices.Equal(got, want) {
		t.Fatalf("%d questions about IPv4, %d intervals: another answer", questions, len(k.start4))
	}
	clear(got)
	i := rng.IntN(questions)
	q[i].Source, want[q[i].Row] = OpenSource, 5+classifier.Classify4(q[i].Remote, q[i].Protocol, OpenSource, q[i].Destination)
	Scatter4(classifier, q, got, 5, new(Work))
	if !slices.Equal(got, want) {
		t.Fatalf("%d questions about IPv4, the source port of number %d open: another answer", questions, i)
	}
}

func compare6(t *testing.T, rng *rand.Rand, classifier *Classifier, questions int) {
	k := classifier.fused()
	q, want := make([]Query, questions), make([]VerdictID, questions)
	addresses := make([]interval.IPv6, questions)
	for i, row := range someOrder(rng, questions) {
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
		q[i] = Query{Remote: uint32(place), Row: uint32(row), Source: source, Destination: destination, Protocol: p}
		want[row] = 5 + classifier.Classify6(a, p, source, destination)
	}
	got := make([]VerdictID, questions)
	rest := vectorScatter6(k, q, addresses, verdictsOf(got), 5, new(Work))
	if len(rest) > 0 || !slices.Equal(got, want) {
		t.Fatalf("%d questions about IPv6, %d intervals: another answer", questions, len(k.start6))
	}
	clear(got)
	i := rng.IntN(questions)
	q[i].Source, want[q[i].Row] = OpenSource, 5+classifier.Classify6(addresses[q[i].Remote], q[i].Protocol, OpenSource, q[i].Destination)
	Scatter6(classifier, q, addresses, got, 5, new(Work))
	if !slices.Equal(got, want) {
		t.Fatalf("%d questions about IPv6, the source port of number %d open: another answer", questions, i)
	}
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
	classifier := ix.Classifier(n.NICs[0], flow.Inbound, flow.AddressFrom(n.NICs[0].IPConfigs[0].Address))
	k := classifier.fused()
	if starts := len(k.lookup.sourceStarts); starts < 64 {
		t.Fatalf("%d intervals of source ports", starts)
	}
	d := newDirect(k)
	if d == nil || d.few != nil {
		t.Fatal("no direct tables, or few source ports in them")
	}
	for questions := 1; questions < 1500; questions += 97 {
		compare4(t, rng, classifier, questions)
		compareDirect(t, rng, k, d, questions)
	}
}

func compareDirect(t *testing.T, rng *rand.Rand, k *form, d *direct, questions int) {
	q, want := make([]Query, questions), make([]VerdictID, questions)
	for i, row := range someOrder(rng, questions) {
		p, source, destination := anyService(rng, k)
		q[i] = Query{Remote: k.start4[rng.IntN(len(k.start4))] - rng.Uint32N(2), Row: uint32(row), Source: source, Destination: destination, Protocol: p}
		want[row] = 5 + k.classify4(q[i].Remote, p, source, destination)
	}
	got := make([]VerdictID, questions)
	rest := vectorScatterDirect(d, true, q, verdictsOf(got), 5, new(Work))
	if len(rest) > 0 || !slices.Equal(got, want) {
		t.Fatalf("%d questions: another answer", questions)
	}
	i := rng.IntN(questions)
	q[i].Source = OpenSource
	if rest := vectorScatterDirect(d, true, q, verdictsOf(got), 5, new(Work)); len(rest) == 0 || i < questions-len(rest) {
		t.Fatalf("%d of %d questions are left, the source port of number %d is open", len(rest), questions, i)
	}
}

// A row beyond the answers is not written, and noticed.
func TestVectorKeepsToItsRoom(t *testing.T) {
	if !hasVector {
		t.Skip("this processor has no AVX-512")
	}
	n := taggedNetwork(rand.New(rand.NewPCG(3, 3)), 4, 4, 10)
	ix, err := Compile(context.Background(), n, Options{})
	if err != nil {
		t.Fatal(err)
	}
	k := ix.Classifier(n.NICs[0], flow.Inbound, flow.AddressFrom(n.NICs[0].IPConfigs[0].Address)).fused()
	out := make([]VerdictID, 64)
	for name, scatter := range map[string]func([]Query){
		"intervals": func(q []Query) { vectorScatter4(k, q, verdictsOf(out[:20]), 9, new(Work)) },
		"direct":    func(q []Query) { vectorScatterDirect(newDirect(k), false, q, verdictsOf(out[:20]), 9, new(Work)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			scatter([]Query{{Row: 3}, {Row: 20}})
		}()
		for first := range uint32(40) { // side by side, to the end and beyond
			q := make([]Query, 32)
			for i := range q {
				q[i].Row = first + uint32(i)
			}
			func() {
				defer func() {
					if beyond := recover() != nil; !beyond {
						t.Errorf("%s: no panic, %d questions from %d on", name, len(q), first)
					}
				}()
				scatter(q)
			}()
		}
	}
	if slices.IndexFunc(out[20:], func(id VerdictID) bool { return id != 0 }) >= 0 {
		t.Error("written beyond the end")
	}
}
