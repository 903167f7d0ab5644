package index

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// Direct tables, by either loop, give the answers of the intervals.
func TestDirectEqualsIntervals(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 29))
	dependent, wide, narrow := 0, 0, 0
	var work Work
	for round := range 24 {
		n := taggedNetwork(rng, 2+round, 12, 8+round*6)
		ix, err := Compile(context.Background(), n, Options{LargeSet: round%2*8 - 1})
		if err != nil {
			t.Fatal(err)
		}
		local := flow.AddressFrom(n.NICs[0].IPConfigs[0].Address)
		k := fuseOne(ix.Classifier(n.NICs[0], flow.Inbound, local))
		d := newDirect(k.form)
		if d == nil {
			t.Fatal("no direct tables")
		}
		var questions []Query
		for _, a := range borders(n) {
			if !a.Is4() {
				continue
			}
			for range 8 {
				questions = append(questions, Query{
					Remote: flow.AddressFrom(a).As4() ^ rng.Uint32N(2)*rng.Uint32(), Source: rng.Uint32N(4),
					Destination: DestinationKey([]flow.Protocol{flow.TCP, flow.UDP, flow.ICMP, flow.ESP}[rng.IntN(4)], uint16(rng.IntN(9))),
				})
			}
		}
		want := make([]VerdictID, len(questions))
		for i, q := range questions {
			want[i] = 7 + alone4(k, &q)
			if got := k.at(d.rowOf(q.Remote), d.columnOf(sourceKeyAt(q.Destination, q.Source), q.Destination)); 7+got != want[i] {
				t.Fatalf("round %d, question %+v, one by one: %d, want %d", round, q, got, want[i]-7)
			}
		}
		dependent += len(d.bySource)
		if k.table8 == nil {
			wide++
		}
		if d.columns8 != nil {
			narrow++
		}
		cells := make([]uint32, max(len(k.table8), len(k.table16)))
		for i := range cells {
			cells[i] = d.cell(uint32(i))
		}
		for _, span := range []uint32{0, 1 << 8, 1 << 16} { // as wide as they are, and wider
			if span > 0 {
				d.cells8, d.cells16, d.cells32 = nil, nil, nil
				d.pack(cells, span)
				d.columns8, d.columns16 = nil, columnsOf[uint16](d, &k.lookup, depends16)
			}
			eachLoop(func(vector bool) {
				got := make([]VerdictID, len(questions))
				if vector {
					k.vectors(d, questions, nil, verdictsOf(got), 7, false, new(Work))
				} else {
					plainDirect(d, questions, verdictsOf(got), 7)
				}
				if !slices.Equal(got, want) {
					t.Fatalf("round %d, vector %v, span %d: another answer", round, vector, span)
				}
			})
		}
		for range rng.IntN(3) { // as callers meet them, open source ports among the others
			questions[rng.IntN(len(questions))].Source = OpenSource
		}
		long := slices.Repeat(questions, 1+2*hotAfter/len(questions))
		got := make([]VerdictID, len(long))
		Answer4(k.Classifier, long, got, 7, &work)
		for i, q := range long {
			if want := 7 + alone4(k, &q); got[i] != want {
				t.Fatalf("round %d, question %+v of a long run: %d, want %d", round, q, got[i], want)
			}
		}
		if allocs := testing.AllocsPerRun(2, func() { Answer4(k.Classifier, long, got, 7, &work) }); allocs != 0 {
			t.Errorf("a long run allocates %v times", allocs)
		}
		if k.direct.Load() == nil {
			t.Fatalf("round %d: not hot after %d questions", round, len(long))
		}
	}
	if dependent == 0 || wide == 0 || narrow == 0 {
		t.Errorf("%d columns by source port, %d wide tables, %d times columns of a byte: the test tests nothing", dependent, wide, narrow)
	}
}

// A range that begins or ends with the first or the last address of a page, alone in it.
func TestDirectPagesKeepTheirEnds(t *testing.T) {
	for _, lone := range []string{
		"0.0.0.0", "20.0.0.0", "20.0.0.255", "20.0.1.0", "20.0.255.255", "20.15.255.255", "20.16.0.0", "20.255.255.255", "255.255.255.255",
	} {
		n := taggedNetwork(rand.New(rand.NewPCG(1, 1)), 1, 1, 1)
		for _, group := range n.SecurityGroups {
			r := group.Rules[0]
			r.Source, r.Protocol, r.Access = selectors(lone+"/32"), network.AnyProtocol, flow.Allow
			r.SourcePorts, r.DestinationPorts = []flow.PortRange{flow.AllPorts}, []flow.PortRange{flow.AllPorts}
		}
		ix, err := Compile(context.Background(), n, Options{})
		if err != nil {
			t.Fatal(err)
		}
		k := fuseOne(ix.Classifier(n.NICs[0], flow.Inbound, flow.AddressFrom(n.NICs[0].IPConfigs[0].Address)))
		d := newDirect(k.form)
		if d == nil {
			t.Fatal("no direct tables")
		}
		at := flow.AddressFrom(netip.MustParseAddr(lone)).As4()
		var answers []VerdictID
		for _, remote := range []uint32{at - 1, at, at + 1} {
			q := Query{Remote: remote, Destination: DestinationKey(flow.TCP, 80)}
			got, want := k.at(d.rowOf(remote), d.columnOf(sourceKeyAt(q.Destination, q.Source), q.Destination)), alone4(k, &q)
			if got != want {
				t.Errorf("%s: %#x has verdict %d, want %d", lone, remote, got, want)
			}
			answers = append(answers, want)
		}
		if answers[0] == answers[1] || answers[1] == answers[2] {
			t.Errorf("%s is not apart: %v", lone, answers)
		}
	}
}

// alone4 answers one question.
func alone4(k fusedOne, q *Query) VerdictID {
	p, port := serviceOf(q.Destination)
	return k.Classify4(q.Remote, p, q.Source, port)
}

// Direct tables stay within their memory: the first go when others come.
func TestDirectsAreBounded(t *testing.T) {
	n := taggedNetwork(rand.New(rand.NewPCG(3, 3)), 4, 4, 10)
	ix, err := Compile(context.Background(), n, Options{DirectBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	k := fuseOne(ix.Classifier(n.NICs[0], flow.Inbound, flow.AddressFrom(n.NICs[0].IPConfigs[0].Address)))
	size := newDirect(k.form).bytes()
	twins := make([]*Classifier, 2*(1<<20)/size)
	for i := range twins { // as many classifiers as would take twice the memory
		twins[i] = &Classifier{}
		if twins[i].directFor(k.form, hotAfter) == nil {
			t.Fatalf("classifier %d has no direct tables", i)
		}
		if k.directs.bytes > 1<<20 {
			t.Fatalf("%d bytes", k.directs.bytes)
		}
	}
	if twins[0].direct.Load() != nil || twins[len(twins)-1].direct.Load() == nil {
		t.Error("the first should be gone and the last be there")
	}
	k.directs.limit = size - 1
	refused := &Classifier{}
	for range 2 {
		if refused.directFor(k.form, hotAfter) != nil || refused.heat.Load() >= 0 {
			t.Fatal("tables without room, or asked for again")
		}
	}
}
