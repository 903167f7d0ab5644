package diff

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
	"ipflow/verify/space"
)

func holds(b *space.Box, t flow.Tuple) bool {
	if !b.Local.Contains(t.Local.Netip()) || !b.Remote.Contains(t.Remote.Netip()) || !b.Protocols.Contains(t.Protocol) {
		return false
	}
	if !t.Protocol.HasPorts() {
		return b.LocalPorts.Equal(space.AllPorts) && b.RemotePorts.Equal(space.AllPorts)
	}
	return b.LocalPorts.Contains(interval.Port(t.LocalPort)) && b.RemotePorts.Contains(interval.Port(t.RemotePort))
}

// compared reports whether the address is one at which the pair is compared.
func compared(a netip.Addr, nics ...*network.NIC) bool {
	open := false
	for _, c := range nics {
		if c.IPConfigOf(a) != nil {
			return true
		}
		open = open || dynamic(c)
	}
	if !open {
		return false
	}
	for _, c := range nics {
		if c.Subnet == nil || len(c.Subnet.Prefixes) == 0 || slices.ContainsFunc(c.Subnet.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) }) {
			return true
		}
	}
	return false
}

// tells reports whether a change holds the flow, and what is wrong with what is
// told of it when its access was and is so, "" when nothing is.
func (r *Report) tells(c *network.NIC, q flow.Tuple, was, is flow.Access) (hit bool, fault string) {
	var told []*Change
	for i := range r.Changes {
		x := &r.Changes[i]
		if x.Direction == q.Direction && slices.Contains(x.NICs, c) && slices.ContainsFunc(x.Boxes, func(b space.Box) bool { return holds(&b, q) }) {
			told = append(told, x)
		}
	}
	switch {
	case was == is && len(told) > 0, was != is && len(told) != 1:
		fault = fmt.Sprintf("%s %+v: %s to %s is in %d changes", c.ID, q, was, is, len(told))
	case len(told) == 1 && (told[0].Before.Access != was || told[0].After.Access != is):
		fault = fmt.Sprintf("%s %+v: %s to %s, told as %s to %s", c.ID, q, was, is, told[0].Before.Access, told[0].After.Access)
	}
	return len(told) > 0, fault
}

// compareWorlds checks every question of two worlds against the report.
func compareWorlds(t *testing.T, before, after *world.World) (changed int) {
	t.Helper()
	r, err := Run(context.Background(), before.Net, after.Net, Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	judges := [2]*oracle.Oracle{oracle.New(before.Net), oracle.New(after.Net)}
	fail := func(format string, args ...any) {
		t.Fatalf("%s\nbefore\n%s\nafter\n%s", fmt.Sprintf(format, args...), before, after)
	}
	old := map[string]*network.NIC{}
	for _, c := range before.Net.NICs {
		old[network.Key(c.ID)] = c
	}
	for i := range r.Changes {
		c := &r.Changes[i]
		was, is := judges[0].Classify(old[network.Key(c.WitnessNIC.ID)], c.Witness), judges[1].Classify(c.WitnessNIC, c.Witness)
		if was.Access != c.Before.Access || is.Access != c.After.Access || was.Access == is.Access {
			fail("witness %+v of %s: %v to %v, the oracle says %v to %v", c.Witness, c.WitnessNIC.ID, c.Before, c.After, was, is)
		}
		if c.Before.Access != flow.Unknown && (c.Before.Rule == nil) != (was.Rule == 0) || c.After.Rule != nil && c.After.Rule.Ref != is.Rule {
			fail("witness %+v: rules differ", c.Witness)
		}
		if !slices.ContainsFunc(c.Boxes, func(b space.Box) bool { return holds(&b, c.Witness) }) {
			fail("witness %+v is in no box", c.Witness)
		}
		changed++
	}
	after.EachTuple(func(c *network.NIC, q flow.Tuple) bool {
		o := old[network.Key(c.ID)]
		if o == nil || q.AnySourcePort || !compared(q.Local.Netip(), o, c) {
			return true
		}
		was, is := judges[0].Classify(o, q).Access, judges[1].Classify(c, q).Access
		if _, fault := r.tells(c, q, was, is); fault != "" {
			fail("%s", fault)
		}
		return true
	})
	return changed
}

func randomBytes(rng *rand.Rand, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(rng.Uint32())
	}
	return out
}

// TestDiffEqualsBruteForce compares random worlds with mutations of themselves.
func TestDiffEqualsBruteForce(t *testing.T) {
	worlds := 1000
	if testing.Short() {
		worlds = 100
	}
	rng := rand.New(rand.NewPCG(3, 9))
	drawn := make([][2][]byte, worlds)
	for i := range drawn {
		bytes := randomBytes(rng, 500)
		mutated := slices.Clone(bytes)
		for range rng.IntN(12) {
			mutated[rng.IntN(400)] = byte(rng.Uint32())
		}
		drawn[i] = [2][]byte{bytes, mutated}
	}
	var changes, same, compared atomic.Int64
	t.Run("worlds", func(t *testing.T) {
		const shards = 8
		for first := range shards {
			t.Run(fmt.Sprint(first), func(t *testing.T) {
				t.Parallel()
				for i := first; i < worlds; i += shards {
					n := compareWorlds(t, world.New(drawn[i][0]), world.New(drawn[i][1]))
					if changes.Add(int64(n)); n == 0 {
						same.Add(1)
					}
					compared.Add(1)
				}
			})
		}
	})
	t.Logf("%d changes in %d worlds, %d without any", changes.Load(), worlds, same.Load())
	if changes.Load() == 0 || same.Load() == 0 || int(compared.Load()) != worlds {
		t.Errorf("%d of %d worlds were compared, which do not differ as they should", compared.Load(), worlds)
	}
}

// TestContentHidesNoChange changes one field of one rule: what a comparison of
// contents first takes for the same has no change.
func TestContentHidesNoChange(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 4))
	other := func(p network.ProtocolMatch) network.ProtocolMatch {
		if p == 6 {
			return 17
		}
		return 6
	}
	fields := map[string]func(r *network.Rule){
		"access": func(r *network.Rule) {
			if r.Access = flow.Allow + flow.Deny - r.Access; r.Access > flow.Deny { // it was Unknown
				r.Access = flow.Deny
			}
		},
		"protocol":          func(r *network.Rule) { r.Protocol = other(r.Protocol) },
		"source-ports":      func(r *network.Rule) { r.SourcePorts = []flow.PortRange{{First: 4, Last: 5}} },
		"destination-ports": func(r *network.Rule) { r.DestinationPorts = []flow.PortRange{{First: 4, Last: 5}} },
		"source":            func(r *network.Rule) { r.Source = []network.Selector{{}} },
		"destination":       func(r *network.Rule) { r.Destination = []network.Selector{{}} },
		"facts":             func(r *network.Rule) { r.AddFact("unresolved:x") },
	}
	for name, change := range fields {
		t.Run(name, func(t *testing.T) {
			changes := 0
			for range 150 {
				bytes := randomBytes(rng, 500)
				before, after := world.New(bytes), world.Draw(bytes)
				g := after.Net.SecurityGroups[rng.IntN(len(after.Net.SecurityGroups))]
				if len(g.Rules) == 0 {
					continue
				}
				change(g.Rules[rng.IntN(len(g.Rules))])
				network.Link(after.Net)
				var found [2]int
				for i, all := range []bool{false, true} {
					r, err := Run(context.Background(), before.Net, after.Net, Options{all: all, Workers: 1})
					if err != nil {
						t.Fatal(err)
					}
					found[i] = len(r.Changes)
				}
				if changes += found[1]; found[0] != found[1] {
					t.Fatalf("%d changes, of all NICs %d\nbefore\n%s\nafter\n%s", found[0], found[1], before, after)
				}
			}
			if changes == 0 {
				t.Error("nothing ever changes")
			}
		})
	}
}

// respell says the same in other words: rules get other names, numbers and
// places, lists another order, prefixes are cut in two, words change their case.
func respell(n *network.Network, rng *rand.Rand) {
	for _, g := range n.SecurityGroups {
		for _, r := range g.Rules {
			r.ID, r.Name = g.ID+"/securityRules/other-"+r.Name, "other-"+r.Name
			r.Priority = 4*r.Priority + 300
			r.Origin.File, r.Origin.Line = "elsewhere.json", rng.IntN(1000)
			r.Source, r.Destination = respellSide(r.Source, rng), respellSide(r.Destination, rng)
			r.SourcePorts, r.DestinationPorts = respellPorts(r.SourcePorts, rng), respellPorts(r.DestinationPorts, rng)
		}
		rng.Shuffle(len(g.Rules), func(i, j int) { g.Rules[i], g.Rules[j] = g.Rules[j], g.Rules[i] })
	}
}

func respellSide(list []network.Selector, rng *rand.Rand) (out []network.Selector) {
	for _, s := range list {
		switch {
		case s.Kind == network.SelectServiceTag || s.Kind == network.SelectASG:
			s.Text = strings.ToUpper(s.Text)
		case s.Kind == network.SelectPrefix && s.Prefix.Bits() > 0 && !s.Prefix.IsSingleIP():
			low := netip.PrefixFrom(s.Prefix.Addr(), s.Prefix.Bits()+1)
			b := s.Prefix.Addr().AsSlice()
			b[s.Prefix.Bits()/8] |= 0x80 >> (s.Prefix.Bits() % 8)
			high, _ := netip.AddrFromSlice(b)
			out = append(out, network.Selector{Kind: s.Kind, Prefix: low, Text: low.String()})
			s.Prefix = netip.PrefixFrom(high, low.Bits())
			s.Text = s.Prefix.String()
		}
		out = append(out, s)
	}
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func respellPorts(list []flow.PortRange, rng *rand.Rand) (out []flow.PortRange) {
	for _, r := range list {
		if r.First < r.Last {
			middle := r.First + uint16(rng.IntN(int(r.Last-r.First)))
			out = append(out, flow.PortRange{First: middle + 1, Last: r.Last})
			r.Last = middle
		}
		out = append(out, r)
	}
	return out
}

// TestOtherWordsChangeNothing holds the diff of a world with itself in other
// words to be empty.
func TestOtherWordsChangeNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range 200 {
		bytes := randomBytes(rng, 500)
		before, after := world.Draw(bytes), world.Draw(bytes)
		// Facts name rules and spellings; unknown ones are worlds of their own.
		network.Link(before.Net)
		respell(after.Net, rng)
		network.Link(after.Net)
		r, err := Run(context.Background(), before.Net, after.Net, Options{all: i%2 == 0})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Changes)+len(r.OnlyOld)+len(r.OnlyNew) > 0 {
			t.Fatalf("world %d: %d changes, the first from %+v to %+v\n%s\n%s", i, len(r.Changes), r.Changes[0].Before, r.Changes[0].After, before, after)
		}
	}
}
