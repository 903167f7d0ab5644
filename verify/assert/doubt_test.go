package assert

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
)

// holding says whether an end holds an address as a NIC sees it: surely, and at
// least perhaps.
type holding struct {
	text      string
	nics      bool
	near, far func(c *network.NIC, a netip.Addr) (sure, may bool)
}

func open(c *network.NIC) bool {
	return slices.ContainsFunc(c.IPConfigs, func(x network.IPConfig) bool { return !x.Address.IsValid() })
}

// mayOwn reports whether the address is, or may be, the NIC's.
func mayOwn(c *network.NIC, a netip.Addr) bool {
	if c.IPConfigOf(a) != nil {
		return true
	}
	if !open(c) {
		return false
	}
	return c.Subnet == nil || len(c.Subnet.Prefixes) == 0 || index.AddressesOf(c.Subnet.Prefixes).Contains(a)
}

func holdings(n *network.Network, sel *index.Selectors) (out []holding) {
	for _, text := range []string{"Internet", "VirtualNetwork", "AzureLoadBalancer", "Known"} {
		if text == "Known" && n.Tag(text) == nil {
			continue
		}
		s, _, _ := network.ParseSelector(text)
		far := func(c *network.NIC, a netip.Addr) (sure, may bool) {
			r := sel.Of(c, s)
			return r.Sure.Contains(a), r.Most().Contains(a)
		}
		near := func(c *network.NIC, a netip.Addr) (sure, may bool) {
			sure, may = far(c, a)
			if sure && open(c) && c.IPConfigOf(a) == nil { // wherever it is in its subnet
				r := sel.Of(c, s)
				sure = c.Subnet != nil && len(c.Subnet.Prefixes) > 0 && r.Sure.Covers(index.AddressesOf(c.Subnet.Prefixes))
			}
			return sure, may
		}
		out = append(out, holding{text: text, near: near, far: far})
	}
	for _, c := range n.NICs {
		out = append(out, holding{
			text: "nic:" + c.Name, nics: true,
			near: func(x *network.NIC, a netip.Addr) (bool, bool) { return x == c, x == c },
			far:  func(_ *network.NIC, a netip.Addr) (bool, bool) { return c.IPConfigOf(a) != nil, mayOwn(c, a) },
		})
	}
	member := func(c *network.NIC, a netip.Addr) (sure, may bool) {
		if x := c.IPConfigOf(a); x != nil {
			return x.InASG("/asgs/a"), x.InASG("/asgs/a")
		}
		return false, mayOwn(c, a) && slices.ContainsFunc(c.IPConfigs, func(x network.IPConfig) bool { return !x.Address.IsValid() && x.InASG("/asgs/a") })
	}
	if len(n.ASGMembers("/asgs/a")) > 0 {
		out = append(out, holding{text: "asg:a", nics: true, near: member, far: func(_ *network.NIC, a netip.Addr) (sure, may bool) {
			for _, c := range n.NICs {
				s, m := member(c, a)
				sure, may = sure || s, may || m
			}
			return sure, may
		}})
	}
	return out
}

// TestNothingIsMissed asks about tags, groups and NICs whose content rests on
// missing facts, and tries flows of the world: no flow that may be meant goes
// otherwise after a pass, and one that surely is meant and surely goes otherwise
// is a failure.
func TestNothingIsMissed(t *testing.T) {
	worlds := 500
	if testing.Short() {
		worlds = 200
	}
	rng := rand.New(rand.NewPCG(9, 2026))
	states := map[State]int{}
	for i := range worlds {
		w := world.New(randomBytes(rng, 60+i%400))
		c := newChecker(t, w.Net)
		list := holdings(w.Net, index.NewSelectors(w.Net))
		dir := flow.Direction(1 + i%2)
		from, to := list[rng.IntN(len(list))], list[rng.IntN(len(list))]
		near, far := to, from
		if dir == flow.Outbound {
			near, far = from, to
		}
		only := holding{}
		text := fmt.Sprintf("assertions:\n- {name: x, from: %q, to: %q, direction: %s, expect: %s}\n", from.text, to.text, dir, []string{"allow", "deny"}[i/2%2])
		if i%3 == 0 {
			only = list[rng.IntN(len(list))]
			text = fmt.Sprintf("assertions:\n- {name: x, from: %q, to: %q, direction: %s, only: %q}\n", from.text, to.text, dir, only.text)
		}
		a := parse(t, text)[0]
		r := c.Check(a)
		states[r.State]++
		checkWitness(t, w.Net, &r)
		judge := oracle.New(w.Net)
		asked := i
		w.EachTuple(func(nic *network.NIC, q flow.Tuple) bool {
			if asked++; asked%7 > 0 || q.Direction != dir || q.AnySourcePort || !mayOwn(nic, q.Local.Netip()) {
				return true
			}
			sure, may := both(near.near, far.far, nic, q.Local.Netip(), q.Remote.Netip())
			if only.text != "" { // about what is beyond
				s, m := only.far(nic, q.Remote.Netip())
				sure, may = sure && !m, may && !s
			}
			expect := a.Expect
			if only.text != "" {
				expect = flow.Deny
			}
			v := judge.Classify(nic, q)
			switch {
			case may && v.Access != expect && r.State == Pass:
				t.Errorf("world %d passes, but %s %+v is %s\n%s%s", i, nic.ID, q, v.Access, text, w)
			case sure && v.Access != expect && v.Access != flow.Unknown && r.State != Fail:
				t.Errorf("world %d is %s, but %s %+v surely is %s\n%s%s", i, r.State, nic.ID, q, v.Access, text, w)
			}
			return !t.Failed()
		})
		if w := r.Witness; r.State == Fail {
			sure, _ := both(near.near, far.far, w.NIC, w.Tuple.Local.Netip(), w.Tuple.Remote.Netip())
			if only.text != "" {
				_, within := only.far(w.NIC, w.Tuple.Remote.Netip())
				sure = sure && !within
			}
			if !sure {
				t.Errorf("world %d fails with %s %+v, which may not be meant\n%s", i, w.NIC.ID, w.Tuple, text)
			}
		}
		if t.Failed() {
			t.Fatal(strings.TrimSpace(r.Message))
		}
	}
	t.Logf("%v", states)
	if states[Pass] < worlds/50 || states[Fail] < worlds/20 || states[Unknown] < worlds/20 {
		t.Error("the draw is one-sided")
	}
}

func both(near, far func(*network.NIC, netip.Addr) (bool, bool), c *network.NIC, local, remote netip.Addr) (sure, may bool) {
	ns, nm := near(c, local)
	fs, fm := far(c, remote)
	return ns && fs, nm && fm
}
