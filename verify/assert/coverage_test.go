package assert

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/ingest/suite"
	"ipflow/verify/internal/estate"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
)

// rewritten changes the rule of a mutant in another network of the same bytes,
// as if it had been written so.
func rewritten(n *network.Network, m *Mutant) {
	r := n.Rule(m.Rule.Ref)
	c := *m.changed
	c.Group = r.Group
	list := r.Group.Rules
	if m.after == nil {
		*r = c
		return
	}
	at := slices.Index(list, r)
	list = slices.Delete(list, at, at+1)
	r.Group.Rules = slices.Insert(list, slices.Index(list, n.Rule(m.after.Ref))+1, r)
}

// TestMutantsEqualRewrittenNetworks draws worlds and suites, and writes every
// mutant into a network of its own: it is killed iff an assertion that held does
// not hold there, it has no effect iff the oracle sees none, and the flow of a
// survivor goes as is told.
func TestMutantsEqualRewrittenNetworks(t *testing.T) {
	worlds := 16
	if testing.Short() {
		worlds = 12
	}
	rng := rand.New(rand.NewPCG(11, 2026))
	states := map[mutantState]int{}
	for i := range worlds {
		raw := randomBytes(rng, 150+i%400)
		w := world.New(raw)
		c := newChecker(t, w.Net)
		s, err := c.Suggest(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		list := s.Assertions
		if len(list) > 0 && i%2 == 0 { // so that something is left to be noticed
			list = list[:1+len(list)/3]
		}
		var passing []held
		e := newExercise(c)
		for _, a := range list {
			q, bad := c.compile(a)
			if bad != nil {
				t.Fatal(bad)
			}
			passing = append(passing, held{a, q, e.assertion(q)})
		}
		for _, at := range c.standings() {
			for _, r := range at.group.Rules {
				for _, m := range mutantsOf(r) {
					if rng.IntN(3) > 0 {
						continue
					}
					found, state, err := c.try(context.Background(), &m, &at, passing)
					if err != nil {
						t.Fatal(err)
					}
					states[state]++
					other := world.New(raw)
					rewritten(other.Net, &m)
					checkMutant(t, w, other, list, &m, &found, state)
					if t.Failed() {
						t.Fatalf("world %d: %s\n%s", i, m.String(), w)
					}
				}
			}
		}
	}
	t.Logf("%v", states)
	for _, s := range []mutantState{mutantKilled, mutantSame, mutantSurvives} {
		if states[s] < worlds/2 {
			t.Errorf("%d mutants of state %d: the draw is one-sided", states[s], s)
		}
	}
}

func checkMutant(t *testing.T, w, other *world.World, list []*suite.Assertion, m *Mutant, found *Survivor, state mutantState) {
	t.Helper()
	c := newChecker(t, other.Net)
	failed := ""
	for _, a := range list {
		if r := c.Check(a); r.State != Pass {
			failed = r.Name.Text + ": " + r.Message
		}
	}
	if (state == mutantKilled) != (failed != "") {
		t.Errorf("state %d, and of the rewritten network fails %q", state, failed)
	}
	before, after := oracle.New(w.Net), oracle.New(other.Net)
	if state == mutantSame {
		w.EachTuple(func(nic *network.NIC, q flow.Tuple) bool {
			if q.AnySourcePort || !mayOwn(nic, q.Local.Netip()) {
				return true
			}
			x, y := before.Classify(nic, q), after.Classify(other.Net.NICs[nic.Index], q)
			if x.Access != y.Access {
				t.Errorf("no effect, but %s %+v: %s, then %s", nic.ID, q, x.Access, y.Access)
			}
			return !t.Failed()
		})
	}
	if state == mutantSurvives {
		x, y := before.Classify(found.NIC, found.Tuple), after.Classify(other.Net.NICs[found.NIC.Index], found.Tuple)
		if x.Access != found.Before || y.Access != found.After || x.Access == y.Access {
			t.Errorf("%+v is told to go from %s to %s, and goes from %s to %s", found.Tuple, found.Before, found.After, x.Access, y.Access)
		}
	}
}

// TestCoverage counts by hand.
func TestCoverage(t *testing.T) {
	n := estate.New(estate.Group("nsg",
		estate.Rule(t, 100, "web In Allow Tcp 203.0.113.0/24 * 443"),
		estate.Rule(t, 110, "ssh In Allow Tcp 203.0.113.0/28 * 22"),
	), nil)
	network.Link(n)
	for _, test := range []struct {
		name, suite           string
		exercised, boundaries int
		want                  []string
	}{
		{
			"nothing-asserted-about-ssh", "assertions:\n- {name: x, from: 203.0.113.0/24, to: nic1, protocol: TCP, ports: 443, expect: allow}\n",
			1, 0,
			[]string{
				"rules: 1 of 2 exercised", "not exercised: nsg/ssh", "boundaries: 0 of 8 exercised", "nsg/web: destination ports 443 | 442, nothing is asserted outside",
				"nsg/ssh: source 203.0.113.0 | 203.0.112.255, nothing is asserted inside", "not noticed: nsg/ssh: access Allow → Deny", "Inbound Tcp 203.0.113.9:50000 > 10.0.0.4:22 at nic1: Allow → Deny",
			},
		},
		{
			"both-sides", "assertions:\n- {name: x, from: 203.0.113.0/24, to: nic1, protocol: TCP, ports: 443, expect: allow}\n" +
				"- {name: y, from: [203.0.112.255, 203.0.114.0], to: nic1, expect: deny}\n- {name: z, from: 203.0.113.0/24, to: nic1, ports: [442, 444], protocol: TCP, expect: deny}\n",
			1, 4,
			[]string{"boundaries: 4 of 8 exercised"},
		},
		{
			"everything", "assertions:\n- {name: x, from: 0.0.0.0/0, to: nic1, only: [VirtualNetwork, AzureLoadBalancer, {from: 203.0.113.0/24, protocol: TCP, ports: 443}, {from: 203.0.113.0/28, protocol: TCP, ports: 22}]}\n" +
				"- {name: y, from: 203.0.113.0/24, to: nic1, protocol: TCP, ports: 443, expect: allow}\n- {name: z, from: 203.0.113.0/28, to: nic1, protocol: TCP, ports: 22, expect: allow}\n",
			2, 8,
			[]string{"rules: 2 of 2 exercised", "boundaries: 8 of 8 exercised"},
		},
		{
			// What fails holds nothing in place.
			"only-what-passes-counts", "assertions:\n- {name: x, from: 203.0.113.0/24, to: nic1, protocol: TCP, ports: 443, expect: deny}\n",
			0, 0,
			[]string{"rules: 0 of 2 exercised", "changed rules: 0 of "},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			cover, err := newChecker(t, n).Cover(context.Background(), parse(t, test.suite), CoverageOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := WriteCoverage(&b, cover, true); err != nil {
				t.Fatal(err)
			}
			if cover.Exercised != test.exercised || cover.BoundariesExercised != test.boundaries {
				t.Errorf("%d rules, %d boundaries\n%s", cover.Exercised, cover.BoundariesExercised, b.String())
			}
			for _, w := range test.want {
				if !strings.Contains(b.String(), w) {
					t.Errorf("not told: %s\n%s", w, b.String())
				}
			}
			if cover.Killed+len(cover.Survivors)+cover.NoEffect+cover.NotTried != cover.Mutants {
				t.Errorf("%d killed, %d survive, %d without effect of %d", cover.Killed, len(cover.Survivors), cover.NoEffect, cover.Mutants)
			}
			if r := ReportCoverage(cover); r.Mutants.Killed != cover.Killed || len(r.Mutants.Survivors) != len(cover.Survivors) || r.Boundaries.Total != cover.Boundaries {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestCoverageOfEverything: a suite that says exactly what is allowed notices
// every change that has an effect.
func TestCoverageOfEverything(t *testing.T) {
	n := estate.New(estate.Group("nsg",
		estate.Rule(t, 100, "web In Allow Tcp 203.0.113.0/24 * 443,8080-8090"),
		estate.Rule(t, 105, "no In Deny * 203.0.113.128/25 * *"),
		estate.Rule(t, 110, "ssh In Allow Tcp 203.0.112.0/22 * 22"),
		estate.Rule(t, 120, "out Out Deny * * Internet *"),
	), nil)
	network.Link(n)
	list := parse(t, `assertions:
- {name: in, from: "0.0.0.0/0", to: nic1, expect: allow, only: [VirtualNetwork, AzureLoadBalancer,
    {from: 203.0.113.0/24, protocol: TCP, ports: [443, 8080-8090]},
    {from: [203.0.112.0/24, 203.0.113.0/25, 203.0.114.0/23], protocol: TCP, ports: 22}]}
- {name: out, from: nic1, to: Internet, expect: deny}
- {name: inside, from: nic1, to: 10.0.0.0/24, direction: Outbound, expect: allow}
`)
	cover, err := newChecker(t, n).Cover(context.Background(), list, CoverageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteCoverage(&b, cover, true); err != nil {
		t.Fatal(err)
	}
	if len(cover.Survivors) > 0 || cover.Killed < 30 || cover.Exercised != 4 {
		t.Error(b.String())
	}
}

// The time is up at once: nothing is tried, and that is told.
func TestCoverageInNoTime(t *testing.T) {
	n := shop(t)
	told := 0
	cover, err := newChecker(t, n).Cover(context.Background(), parse(t, "assertions:\n- {name: x, from: 8.8.8.8, to: nic1, ports: 443, protocol: TCP, expect: allow}\n"),
		CoverageOptions{Until: time.Now().Add(-time.Second), Progress: func(int, int) { told++ }})
	if err != nil || cover.Mutants == 0 || cover.NotTried != cover.Mutants || told > 0 {
		t.Errorf("%+v %v", cover, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := newChecker(t, n).Cover(ctx, nil, CoverageOptions{}); err == nil {
		t.Error("a cancelled run ends well")
	}
}

// A space that grew too large is begun anew, and all is as before.
func TestRenewedProberAnswersAlike(t *testing.T) {
	n := exampleEstate(t)
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := New(n, ix, Options{})
	list := parse(t, "assertions:\n- {name: x, from: asg-web, to: asg-app, protocol: TCP, ports: 8080, expect: allow}\n- {name: y, from: Internet, to: asg-db, expect: deny}\n")
	for range 2 {
		for _, a := range list {
			if r := c.Check(a); r.State != Pass {
				t.Errorf("%+v", r)
			}
		}
		c.renew(nil)
	}
}
