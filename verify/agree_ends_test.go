package verify

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/ends"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
)

// outcome is how one completion of the facts lets a packet end: its access and
// the rule that decides; 0 is none, -1 a rule of a layer that is not known.
type outcome struct {
	access flow.Access
	rule   flow.RuleRef
}

// completions lists what becomes of a packet over all completions of the facts
// of the layers. Every rule is met once, so its match is chosen freely.
func completions(layers []oracle.LayerTrace, last flow.RuleRef, found map[outcome]bool) {
	if len(layers) == 0 {
		found[outcome{flow.Allow, last}] = true
		return
	}
	l, behind := &layers[0], layers[1:]
	admin := l.Layer == flow.SecurityAdmin
	match := func(access flow.Access, always bool, rule flow.RuleRef) {
		unknown := access == flow.Unknown
		if access == flow.Deny || unknown {
			found[outcome{flow.Deny, rule}] = true
		}
		if access == flow.Allow && always || unknown && admin {
			found[outcome{flow.Allow, rule}] = true
		}
		if access == flow.Allow && !always || unknown {
			completions(behind, rule, found)
		}
	}
	if l.Missing != "" {
		match(flow.Unknown, false, -1)
		if admin { // or none matches
			completions(behind, last, found)
		}
		return
	}
	for i := range l.Rules {
		r := &l.Rules[i]
		truth := r.Match().Truth
		if truth != oracle.No {
			match(r.Rule.Access, r.Rule.Always, r.Rule.Ref)
		}
		if truth == oracle.Yes {
			return
		}
	}
	completions(behind, last, found) // admin rules need not match
}

// together joins two completions, one of each end: the first that denies, else
// the last that has a rule.
func together(source, destination outcome) outcome {
	if source.access == flow.Deny || destination.access == flow.Allow && destination.rule == 0 {
		return source
	}
	return destination
}

// agreeEnds asks every pair of NIC addresses of a world at both ends: the joined
// verdict of the index is that of the oracle, and what every completion gives.
func agreeEnds(t *testing.T, bytes []byte) (questions, certain int) {
	t.Helper()
	w := world.New(bytes)
	ix, err := index.Compile(context.Background(), w.Net, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	judge := oracle.New(w.Net)
	eachPacket(w, func(a, b *network.NIC, p ends.Packet) bool {
		questions++
		out, in := p.AtSource(), p.AtDestination()
		is, id := ix.Classify(a, out), ix.Classify(b, in)
		got, _ := ends.Join(&is, &id)
		source, destination := judge.Trace(a, out), judge.Trace(b, in)
		want, _ := ends.Join(&source.Verdict, &destination.Verdict)
		if got != want {
			t.Errorf("%s > %s %+v\nindex  %+v\noracle %+v\n%s", a.ID, b.ID, p, got, want, w)
			return false
		}
		if got.Access != flow.Unknown {
			certain++
		}
		if why := refute(got, source.Layers, destination.Layers); why != "" {
			t.Errorf("%s > %s %+v: %+v, but %s\nsource      %+v\ndestination %+v\n%s", a.ID, b.ID, p, got, why, is, id, w)
			return false
		}
		return true
	})
	return questions, certain
}

// refute says what the completions have against a joined verdict.
func refute(v flow.Verdict, source, destination []oracle.LayerTrace) string {
	atSource, atDestination, all := map[outcome]bool{}, map[outcome]bool{}, map[outcome]bool{}
	completions(source, 0, atSource)
	completions(destination, 0, atDestination)
	for s := range atSource {
		for d := range atDestination {
			all[together(s, d)] = true
		}
	}
	allow, deny := false, false
	for o := range all {
		allow, deny = allow || o.access == flow.Allow, deny || o.access == flow.Deny
	}
	switch {
	case v.Access == flow.Allow && deny, v.Access == flow.Deny && allow:
		return "a completion gives another access"
	case v.Access == flow.Unknown && allow != deny:
		return "every completion gives one access"
	case v.Access == flow.Unknown || strings.HasPrefix(v.Reason, flow.ReasonRuleUncertain):
		return ""
	case len(all) != 1 || !all[outcome{v.Access, v.Rule}]:
		return "a completion is decided by another rule"
	}
	return ""
}

// eachPacket calls f for packets between the addresses of all NICs, itself
// included, until it returns false.
func eachPacket(w *world.World, f func(a, b *network.NIC, p ends.Packet) bool) {
	type owner struct {
		nic  *network.NIC
		addr netip.Addr
	}
	var all []owner
	for _, c := range w.Net.NICs {
		for i := range c.IPConfigs {
			if a := c.IPConfigs[i].Address; a.IsValid() {
				all = append(all, owner{c, a})
			}
		}
	}
	for _, a := range all {
		for _, b := range all {
			if a.addr.Is4() != b.addr.Is4() {
				continue
			}
			p := ends.Packet{Source: flow.AddressFrom(a.addr), Destination: flow.AddressFrom(b.addr)}
			for _, p.Protocol = range world.Protocols {
				ports := world.Ports
				if !p.Protocol.HasPorts() {
					ports = ports[:1]
				}
				for _, p.DestinationPort = range ports {
					for i := range ports {
						p.SourcePort, p.AnySourcePort = ports[i], i == 0
						if !f(a.nic, b.nic, p) {
							return
						}
					}
				}
			}
		}
	}
}

// FuzzClassifyEnds draws tiny worlds and asks about every pair of their NICs.
func FuzzClassifyEnds(f *testing.F) {
	f.Add([]byte{})
	rng := rand.New(rand.NewPCG(8, 8))
	for range 4 {
		f.Add(randomBytes(rng, 400))
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		if len(bytes) > 2048 {
			return
		}
		agreeEnds(t, bytes)
	})
}

// TestBothEndsAgreeWithCompletions is the fuzz target's fixed share.
func TestBothEndsAgreeWithCompletions(t *testing.T) {
	worlds := 200
	if testing.Short() {
		worlds = 60
	}
	rng := rand.New(rand.NewPCG(2026, 12))
	questions, certain := 0, 0
	for i := range worlds {
		q, c := agreeEnds(t, randomBytes(rng, 100+i%500))
		questions, certain = questions+q, certain+c
		if t.Failed() {
			t.Fatalf("world %d", i)
		}
	}
	t.Logf("%d worlds, %d questions, %d certain", worlds, questions, certain)
	if certain < questions/10 || questions-certain < questions/10 {
		t.Errorf("%d of %d answers are certain: the worlds say little", certain, questions)
	}
}
