package oracle

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// randomNetwork draws one NIC behind two groups whose rules collide, some of
// them undecidable.
func randomNetwork(rng *rand.Rand) (*network.Network, *network.NIC) {
	n := &network.Network{Internet: network.DefaultInternet(true)}
	for _, a := range network.AllAssumptions() {
		if rng.IntN(5) == 0 {
			if err := n.Assumptions.Set(a.Name, a.Values[rng.IntN(len(a.Values))]); err != nil {
				panic(err)
			}
		}
	}
	texts := []string{"*", "VirtualNetwork", "Internet", "Nobody", "10.0.0.0/24", "8.8.8.8", "0.0.0.0/0", "::/0"}
	side := func() (out []network.Selector) {
		for range rng.IntN(3) {
			s, _, ok := network.ParseSelector(texts[rng.IntN(len(texts))])
			if !ok {
				panic("selector")
			}
			out = append(out, s)
		}
		return out
	}
	ports := func() []flow.PortRange {
		return [][]flow.PortRange{{flow.AllPorts}, {{First: 0, Last: 9}, {First: 10, Last: 65535}}, {{First: 5, Last: 7}}}[rng.IntN(3)]
	}
	for i := range 2 {
		g := &network.SecurityGroup{ID: fmt.Sprintf("/nsgs/g%d", i), Name: fmt.Sprintf("g%d", i)}
		for j := range rng.IntN(5) {
			r := &network.Rule{
				ID: fmt.Sprintf("%s/r%d", g.ID, j), Name: fmt.Sprintf("r%d", j),
				Priority: int32(100 + j), Direction: flow.Direction(1 + rng.IntN(2)), Access: flow.Access(1 + rng.IntN(2)),
				Protocol: []network.ProtocolMatch{network.AnyProtocol, 6, 1}[rng.IntN(3)],
				Source:   side(), Destination: side(), SourcePorts: ports(), DestinationPorts: ports(),
			}
			if rng.IntN(8) == 0 {
				r.AddFact("unresolved:" + r.ID)
				r.Access = flow.Access(rng.IntN(3))
			}
			g.Rules = append(g.Rules, r)
		}
		if rng.IntN(6) > 0 {
			n.SecurityGroups = append(n.SecurityGroups, g)
		}
	}
	admin := &network.AdminRules{Source: "test"}
	for j := range rng.IntN(4) {
		r := &network.Rule{
			Kind: network.AdminRule, ID: fmt.Sprintf("/nm/m/r%d", j), Name: fmt.Sprintf("r%d", j), ManagerID: "/nm/m",
			Priority: int32(1 + j), Direction: flow.Direction(1 + rng.IntN(2)), Access: flow.Access(1 + rng.IntN(2)),
			Protocol: []network.ProtocolMatch{network.AnyProtocol, 6}[rng.IntN(2)],
			Source:   side(), Destination: side(), SourcePorts: ports(), DestinationPorts: ports(),
		}
		r.Always = r.Access == flow.Allow && rng.IntN(2) == 0
		admin.Rules = append(admin.Rules, r)
	}
	if rng.IntN(10) == 0 {
		admin.Facts = []string{"unresolved:admin"}
	}
	nic := &network.NIC{ID: "/nics/a", Name: "a", SubnetID: "/vnets/v/subnets/s", IPConfigs: []network.IPConfig{{Address: netip.MustParseAddr("10.0.0.4")}}}
	n.NICs = []*network.NIC{nic}
	if rng.IntN(4) > 0 {
		nic.Group.ID = "/nsgs/g0"
	}
	if rng.IntN(8) > 0 {
		s := &network.Subnet{ID: "/vnets/v/subnets/s", VirtualNetworkID: "/vnets/v"}
		if rng.IntN(4) > 0 {
			s.Group.ID = "/nsgs/g1"
		}
		if rng.IntN(2) == 0 {
			s.Admin = admin
		}
		n.Subnets = append(n.Subnets, s)
		n.VirtualNetworks = append(n.VirtualNetworks, &network.VirtualNetwork{ID: "/vnets/v", Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}})
	}
	network.Link(n)
	return n, nic
}

// A trace must tell the same story as Classify, rule by rule.
func TestTraceAgreesWithClassify(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 13))
	remotes := []string{"10.0.0.9", "8.8.8.8", "192.0.2.1", "2600::1"}
	protocols := []flow.Protocol{flow.TCP, flow.ICMP, flow.ICMPv6}
	accesses := map[flow.Access]int{}
	for round := range 4000 {
		n, nic := randomNetwork(rng)
		o := New(n)
		tuple := flow.Tuple{
			Local:     flow.AddressFrom(netip.MustParseAddr("10.0.0.4")),
			Remote:    flow.AddressFrom(netip.MustParseAddr(remotes[rng.IntN(len(remotes))])),
			LocalPort: uint16(4 + rng.IntN(5)), RemotePort: uint16(4 + rng.IntN(5)),
			Protocol: protocols[rng.IntN(len(protocols))], Direction: flow.Direction(1 + rng.IntN(2)),
			AnySourcePort: rng.IntN(3) == 0,
		}
		want := o.Classify(nic, tuple)
		got := o.Trace(nic, tuple)
		if diff := cmp.Diff(want, got.Verdict); diff != "" {
			t.Fatalf("round %d, %+v: %s", round, tuple, diff)
		}
		checkPrefix(t, got)
		checkParts(t, n, nic, tuple.Remote.Netip())
		accesses[want.Access]++
		q := question{net: n, nic: nic, t: tuple}
		for _, l := range got.Layers {
			for i := range l.Rules {
				m := field(q.matches(l.Rules[i].Rule))
				if diff := cmp.Diff(m, l.Rules[i].Match()); diff != "" {
					t.Fatalf("round %d, rule %s: %s", round, l.Rules[i].Rule.ID, diff)
				}
			}
		}
	}
	for _, a := range []flow.Access{flow.Unknown, flow.Allow, flow.Deny} {
		if accesses[a] < 100 {
			t.Errorf("only %d answers %v: the worlds are too tame", accesses[a], a)
		}
	}
}

// checkParts: the list of what VirtualNetwork holds says the same as asking for
// one address.
func checkParts(t *testing.T, n *network.Network, nic *network.NIC, a netip.Addr) {
	t.Helper()
	parts, facts := Parts(n, nic)
	listed := slices.ContainsFunc(parts, func(p Part) bool { return p.Prefix.Contains(a) })
	q := question{net: n, nic: nic}
	m := q.virtualNetwork(a)
	if listed != (m.truth == yes) || m.truth == maybe && len(facts) == 0 {
		t.Fatalf("%v: listed %v, facts %q, asked %+v", a, listed, facts, m)
	}
}

// checkPrefix: the layers behind one that surely ends change nothing.
func checkPrefix(t *testing.T, trace Trace) {
	t.Helper()
	for i := range trace.Layers {
		if !trace.Layers[i].CanPass() {
			if diff := cmp.Diff(trace.Verdict, Conclude(trace.Layers[:i+1])); diff != "" {
				t.Fatalf("without the layers behind %v: %s", trace.Layers[i].Layer, diff)
			}
			return
		}
	}
}

// Both layers are shown although the first denies.
func TestTraceGoesOnAfterDeny(t *testing.T) {
	n := &network.Network{
		SecurityGroups:  []*network.SecurityGroup{{ID: "/nsgs/a"}, {ID: "/nsgs/b"}},
		VirtualNetworks: []*network.VirtualNetwork{{ID: "/vnets/v"}},
		NICs:            []*network.NIC{{ID: "/nics/a", SubnetID: "/vnets/v/subnets/s", Group: network.GroupRef{ID: "/nsgs/a"}}},
		Subnets:         []*network.Subnet{{ID: "/vnets/v/subnets/s", VirtualNetworkID: "/vnets/v", Group: network.GroupRef{ID: "/NSGS/B"}}},
	}
	network.Link(n)
	tuple := flow.Tuple{
		Local: flow.AddressFrom(netip.MustParseAddr("10.0.0.4")), Remote: flow.AddressFrom(netip.MustParseAddr("192.0.2.1")),
		Protocol: flow.TCP, Direction: flow.Inbound,
	}
	got := New(n).Trace(n.NICs[0], tuple)
	if len(got.Layers) != 2 || got.Layers[0].Layer != flow.Subnet || got.Layers[1].Layer != flow.NetworkInterface {
		t.Fatalf("layers %+v", got.Layers)
	}
	for _, l := range got.Layers {
		if l.Sure.Name != "DenyAllInBound" || l.CanEnd(flow.Allow) {
			t.Errorf("%v ends in %s", l.Layer, l.Sure.Name)
		}
	}
	if l := got.Layers[0]; l.GroupID != "/nsgs/b" || l.AppliedTo != "/vnets/v/subnets/s" {
		t.Errorf("group %s applied to %s", l.GroupID, l.AppliedTo)
	}
	tuple.Direction = flow.Outbound
	if got := Layers(n, n.NICs[0], flow.Outbound); got[0].Layer != flow.NetworkInterface {
		t.Errorf("outbound begins with %v", got[0].Layer)
	}
}
