package reach

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
	"ipflow/verify/space"
)

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func newProber(t testing.TB, w *world.World, maxTable int) *Prober {
	t.Helper()
	ix, err := index.Compile(context.Background(), w.Net, index.Options{MaxTable: maxTable})
	if err != nil {
		t.Fatal(err)
	}
	return New(w.Net, ix)
}

// boxHolds is the plain meaning of a box.
func boxHolds(b *space.Box, q flow.Tuple) bool {
	if !b.Local.Contains(q.Local.Netip()) || !b.Remote.Contains(q.Remote.Netip()) || !b.Protocols.Contains(q.Protocol) {
		return false
	}
	if !q.Protocol.HasPorts() {
		return len(b.LocalPorts) > 0 && len(b.RemotePorts) > 0
	}
	return b.LocalPorts.Contains(interval.Port(q.LocalPort)) && b.RemotePorts.Contains(interval.Port(q.RemotePort))
}

// told returns how often the sets hold a flow of a NIC, and the last decision.
func told(sets []Set, c *network.NIC, q flow.Tuple) (times int, d Decision) {
	for i := range sets {
		s := &sets[i]
		if s.Direction != q.Direction || !slices.Contains(s.NICs, c) {
			continue
		}
		for j := range s.Boxes {
			if boxHolds(&s.Boxes[j].Box, q) {
				times++
				d = s.Boxes[j].Decision
			}
		}
	}
	return times, d
}

// decided is the decision that a verdict of the oracle amounts to.
func decided(v flow.Verdict) Decision {
	if v.Access == flow.Unknown {
		return Decision{Access: v.Access, Reason: v.Reason}
	}
	return Decision{Access: v.Access, Rule: v.Rule, Layer: v.Layer, Reason: v.Reason}
}

// mayOwn reports whether the address is, or may be, the NIC's.
func mayOwn(c *network.NIC, q flow.Tuple) bool {
	a := q.Local.Netip()
	if c.IPConfigOf(a) != nil {
		return true
	}
	if !slices.ContainsFunc(c.IPConfigs, func(x network.IPConfig) bool { return !x.Address.IsValid() }) {
		return false
	}
	return c.Subnet == nil || len(c.Subnet.Prefixes) == 0 || index.AddressesOf(c.Subnet.Prefixes).Contains(a)
}

// TestAnswersEqualEveryFlow draws worlds and compares the answer about
// everything with the oracle, flow by flow: every flow of a NIC's own addresses
// is told once, with its access, rule, layer and reason.
func TestAnswersEqualEveryFlow(t *testing.T) {
	worlds := 1000
	if testing.Short() {
		worlds = 60
	}
	rng := rand.New(rand.NewPCG(2026, 6))
	drawn := make([][]byte, worlds)
	for i := range drawn {
		drawn[i] = randomBytes(rng, 300+37*i%300)
	}
	var flows, compared, matched atomic.Int64
	t.Run("worlds", func(t *testing.T) {
		const shards = 8
		for first := range shards {
			t.Run(fmt.Sprint(first), func(t *testing.T) {
				t.Parallel()
				for i := first; i < worlds; i += shards {
					asked, byUser := compareWorld(t, i, world.New(drawn[i]))
					flows.Add(asked)
					matched.Add(byUser)
					compared.Add(1)
				}
			})
		}
	})
	t.Logf("%d flows in %d worlds, %d of them decided by rules of their own", flows.Load(), compared.Load(), matched.Load())
	if int(compared.Load()) != worlds || matched.Load() < flows.Load()/100 {
		t.Errorf("%d of %d worlds were compared, or their rules decide too little", compared.Load(), worlds)
	}
}

// compareWorld compares the answer about a world with every one of its flows;
// byUser counts those that a rule of its own decides.
func compareWorld(t *testing.T, i int, w *world.World) (flows, byUser int64) {
	t.Helper()
	maxTable := 0
	if i%4 == 3 {
		maxTable = -1
	}
	answer := newProber(t, w, maxTable).Ask(Question{From: Anything, To: Anything})
	judge := oracle.New(w.Net)
	sets := map[*network.NIC][]Set{}
	for n := range answer.Sets {
		checkWitness(t, judge, &answer.Sets[n])
		for _, c := range answer.Sets[n].NICs {
			sets[c] = append(sets[c], answer.Sets[n])
		}
	}
	w.EachTuple(func(c *network.NIC, q flow.Tuple) bool {
		if q.AnySourcePort || !mayOwn(c, q) {
			return true
		}
		flows++
		times, got := told(sets[c], c, q)
		want := decided(judge.Classify(c, q))
		if times != 1 || got != want {
			t.Fatalf("world %d: %s %+v told %d times as %+v, is %+v\n%s", i, c.ID, q, times, got, want, w)
		}
		if r := w.Net.Rule(want.Rule); r != nil && r.Kind != network.DefaultRule {
			byUser++
		}
		return true
	})
	return flows, byUser
}

// checkWitness has the oracle confirm a witness.
func checkWitness(t *testing.T, judge *oracle.Oracle, s *Set) {
	t.Helper()
	if s.WitnessNIC == nil || !slices.Contains(s.NICs, s.WitnessNIC) {
		t.Fatalf("the witness belongs to %v", s.WitnessNIC)
	}
	times, d := told([]Set{*s}, s.WitnessNIC, s.Witness)
	if want := decided(judge.Classify(s.WitnessNIC, s.Witness)); times != 1 || d != want || want.Access != s.Access {
		t.Errorf("witness %+v at %s: told %d times as %+v, the oracle says %+v", s.Witness, s.WitnessNIC.ID, times, d, want)
	}
}

// TestNarrowQuestions asks about single ends, protocols, ports and accesses:
// exactly the flows asked about are told.
func TestNarrowQuestions(t *testing.T) {
	worlds := 120
	if testing.Short() {
		worlds = 30
	}
	rng := rand.New(rand.NewPCG(4, 9))
	asked := 0
	ends := []string{"*", "Internet", "VirtualNetwork", "AzureLoadBalancer", "Known", "10.0.0.0/24", "8.8.8.8", "fd00::/32", "n0", "nic:n1", "/nics/N2", "A/s0", "vnet:B", "g0", "asg:a", "subnet:/vnets/A/subnets/s1"}
	for i := range worlds {
		w := world.New(randomBytes(rng, 200))
		p := newProber(t, w, 0)
		judge := oracle.New(w.Net)
		from, err1 := Resolve(w.Net, ends[rng.IntN(len(ends))])
		to, err2 := Resolve(w.Net, ends[rng.IntN(len(ends))])
		if err1 != nil || err2 != nil { // a virtual network or group that this world lacks
			continue
		}
		asked++
		q := Question{From: from, To: to, Direction: flow.Direction(1 + i%2), Only: []flow.Access{flow.Allow, flow.Unknown}}
		q.Protocols, _ = space.ParseProtocols([]string{"*", "tcp", "1-17", "58,47"}[rng.IntN(4)])
		if rng.IntN(2) == 0 {
			q.Ports, _ = space.ParsePorts([]string{"5-6", "65535"})
		}
		answer := p.Ask(q)
		near, far := &q.To, &q.From
		if q.Direction == flow.Outbound {
			near, far = far, near
		}
		type view struct {
			nic *network.NIC
			at  flow.Address
		}
		inFar := map[view]bool{} // asked of the oracle where the end is a tag
		isFar := func(c *network.NIC, a flow.Address) bool {
			if far.tag == nil {
				return p.Remotes(far, c).Contains(a.Netip())
			}
			in, known := inFar[view{c, a}]
			if !known {
				in = inTag(w.Net, c, *far.tag, a.Netip()) != oracle.No
				inFar[view{c, a}] = in
			}
			return in
		}
		w.EachTuple(func(c *network.NIC, f flow.Tuple) bool {
			if f.AnySourcePort || !mayOwn(c, f) {
				return true
			}
			_, port := f.Ports()
			wanted := f.Direction == q.Direction && q.Protocols.Contains(f.Protocol) &&
				(q.Ports == nil || f.Protocol.HasPorts() && q.Ports.Contains(interval.Port(port))) &&
				isNear(p, near, c, f) && isFar(c, f.Remote)
			want := decided(judge.Classify(c, f))
			times, got := told(answer.Sets, c, f)
			if !wanted || want.Access == flow.Deny {
				if times != 0 {
					t.Errorf("world %d, %s to %s: %s %+v is told and was not asked", i, from.Text, to.Text, c.ID, f)
				}
			} else if times != 1 || got != want {
				t.Errorf("world %d, %s to %s: %s %+v told %d times as %+v, is %+v", i, from.Text, to.Text, c.ID, f, times, got, want)
			}
			return !t.Failed()
		})
		if t.Failed() {
			t.Fatal(w)
		}
		for n := range answer.Sets {
			checkWitness(t, judge, &answer.Sets[n])
		}
	}
	if asked < worlds/2 {
		t.Errorf("only %d of %d worlds had the ends asked about", asked, worlds)
	}
}

func isNear(p *Prober, e *End, c *network.NIC, f flow.Tuple) bool {
	if !e.IsNICs() {
		return e.Text == "*" || p.Remotes(e, c).Contains(f.Local.Netip())
	}
	for _, m := range e.Members {
		if m.NIC == c {
			return m.Within == nil || m.Within.Contains(f.Local.Netip())
		}
	}
	return false
}

// TestBothEnds compares flows between NICs with the oracle at both ends.
func TestBothEnds(t *testing.T) {
	worlds := 1000
	if testing.Short() {
		worlds = 30
	}
	rng := rand.New(rand.NewPCG(8, 8))
	flows := 0
	for i := range worlds {
		w := world.New(randomBytes(rng, 300+37*i%300))
		p := newProber(t, w, 0)
		judge := oracle.New(w.Net)
		all := End{Text: "all", Members: members(w.Net.NICs)}
		answer := p.Ask(Question{From: all, To: all})
		w.EachTuple(func(c *network.NIC, in flow.Tuple) bool {
			if in.Direction != flow.Inbound || in.AnySourcePort || !mayOwn(c, in) {
				return true
			}
			for _, s := range w.Net.NICs {
				out := flow.Tuple{Local: in.Remote, Remote: in.Local, LocalPort: in.RemotePort, RemotePort: in.LocalPort, Protocol: in.Protocol, Direction: flow.Outbound}
				if s.IPConfigOf(out.Local.Netip()) == nil || !soleOwner(w.Net, s, out) {
					continue
				}
				flows++
				sent, received := decided(judge.Classify(s, out)), decided(judge.Classify(c, in))
				if times, got := told(answer.Sets, c, in); times != 1 || !isBoth(got, sent, received) {
					t.Errorf("world %d: %s to %s %+v told %d times as %+v, is %+v and %+v", i, s.ID, c.ID, in, times, got, sent, received)
				}
			}
			return !t.Failed()
		})
		if t.Failed() {
			t.Fatal(w)
		}
	}
	t.Logf("%d flows", flows)
}

// isBoth reports whether a decision is what the two ends amount to: denied by the
// one that denies, the sender first; allowed by the receiver's last rule; Unknown
// for the facts of both.
func isBoth(got, sent, received Decision) bool {
	if got.Access != joinAccess(sent.Access, received.Access) {
		return false
	}
	by := received
	switch {
	case got.Access == flow.Unknown:
		for _, end := range []Decision{sent, received} {
			if end.Access == flow.Unknown && !strings.Contains(got.Reason, strings.Split(end.Reason, ",")[0]) {
				return false
			}
		}
		return got.Rule == 0 && got.Layer == flow.NoLayer && got.Reason != ""
	case sent.Access == flow.Deny, got.Access == flow.Allow && received.Rule == 0:
		by = sent
	}
	if sent.Access == flow.Unknown && !strings.HasPrefix(got.Reason, flow.ReasonRuleUncertain) {
		return false // with the facts another rule might have ended the flow
	}
	return got.Rule == by.Rule && got.Layer == by.Layer
}

// soleOwner reports whether no other NIC has, or may have, the address.
func soleOwner(n *network.Network, c *network.NIC, out flow.Tuple) bool {
	return !slices.ContainsFunc(n.NICs, func(other *network.NIC) bool { return other != c && mayOwn(other, out) })
}
