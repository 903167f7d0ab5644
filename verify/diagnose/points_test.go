package diagnose

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
	"ipflow/verify/oracle"
)

var (
	pointTexts = []string{"10.0.0.4", "10.0.0.9", "10.0.1.9", "10.9.0.1", "8.8.8.8", "192.0.2.1", "168.63.129.16", "2600::1", "fd00::4"}
	setTexts   = []string{"*", "10.0.0.0/16", "10.0.0.0/7", "0.0.0.0/0", "::/0", "8.8.8.0/24", "VirtualNetwork", "Internet", "Known", "Nobody", "AzureLoadBalancer"}
	portTexts  = []string{"*", "80", "22", "80-90", "85"}
	protoTexts = []string{"*", "Tcp", "Icmp", "Udp"}
)

func choice(rng *rand.Rand, list []string) string { return list[rng.IntN(len(list))] }

// randomEstate draws groups whose rules collide.
func randomEstate(t *testing.T, rng *rand.Rand) *network.Network {
	draw := func(name string) *network.SecurityGroup {
		g := estate.Group(name)
		for i := range rng.IntN(6) {
			words := fmt.Sprintf("r%d %s %s %s %s %s %s", i, choice(rng, []string{"In", "Out"}), choice(rng, []string{"Allow", "Deny"}),
				choice(rng, protoTexts), choice(rng, append(setTexts, pointTexts...)), choice(rng, append(setTexts, pointTexts...)), choice(rng, portTexts))
			r := estate.Rule(t, int32(100+i), words)
			r.ID = g.ID + "/securityRules/" + r.Name
			g.Rules = append(g.Rules, r)
		}
		return g
	}
	n := estate.New(draw("a"), draw("b"))
	if rng.IntN(4) == 0 {
		n.SecurityGroups = n.SecurityGroups[:1]
	}
	if rng.IntN(4) == 0 {
		n.VirtualNetworks[0].Peerings = []*network.Peering{{ID: "p", RemoteID: "/vnets/b", AllowAccess: true}}
	}
	n.Tags = network.NewServiceTags(diag.Origin{}, "1", "Public")
	n.Tags.Add(&network.ServiceTag{Name: "Known", Prefixes: estate.Prefixes("8.8.8.8/32", "10.0.1.0/24", "2600::/32")})
	return estate.Linked(n)
}

// points lists addresses that a text of the small world certainly holds.
func points(n *network.Network, text string) (out []netip.Addr) {
	s, _, _ := network.ParseSelector(text)
	for _, p := range pointTexts {
		a := netip.MustParseAddr(p)
		in := false
		switch s.Kind {
		case network.SelectAny:
			in = true
		case network.SelectPrefix:
			in = s.Prefix.Contains(a)
		case network.SelectServiceTag:
			if tag := n.Tag(s.Text); tag != nil {
				for _, q := range tag.Prefixes {
					in = in || q.Contains(a)
				}
			}
		case network.SelectVirtualNetwork:
			in = n.VirtualNetworks[0].Prefixes[0].Contains(a) || a == network.WireServer
		case network.SelectInternet:
			in = len(n.VirtualNetworks[0].Peerings) == 0 && n.Internet.Contains(a)
		case network.SelectAzureLoadBalancer:
			in = a == network.WireServer
		}
		if in {
			out = append(out, a)
		}
	}
	return out
}

// An answer about a set holds for each of its points: a certain matched rule
// matches them all, and without warnings so does the access of the oracle.
func TestSetsHoldForTheirPoints(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 8))
	checked := map[string]int{}
	for round := range 1500 {
		n := randomEstate(t, rng)
		o := oracle.New(n)
		p := Profile{
			choice(rng, []string{"Inbound", "Outbound"}), choice(rng, []string{"TCP", "UDP", "ICMP", "*"}),
			choice(rng, append(setTexts, pointTexts...)), choice(rng, append(setTexts, pointTexts...)), choice(rng, portTexts),
		}
		a, _, err := Ask(n, Request{TargetResourceID: "nic1", Profiles: []Profile{p}})
		if err != nil {
			continue
		}
		result := a.Results[0]
		q, _, _ := p.parse("p")
		ports := []uint16{q.port.First, q.port.Last, 85}
		for _, source := range points(n, p.Source) {
			for _, destination := range points(n, p.Destination) {
				if source.Is4() != destination.Is4() {
					continue
				}
				for _, port := range ports {
					if !q.port.Contains(port) {
						continue
					}
					tuple := flow.Tuple{
						Local: flow.AddressFrom(destination), Remote: flow.AddressFrom(source), LocalPort: port,
						Protocol: q.protocol, Direction: q.direction, AnySourcePort: true,
					}
					if q.direction == flow.Outbound {
						tuple.Local, tuple.Remote, tuple.LocalPort, tuple.RemotePort = tuple.Remote, tuple.Local, 0, port
					}
					if q.anyProtocol {
						tuple.Protocol = []flow.Protocol{flow.TCP, flow.UDP}[rng.IntN(2)]
					}
					if msg := checkPoint(o, n.NICsNamed("nic1")[0], tuple, &result); msg != "" {
						t.Fatalf("round %d: %+v at %+v: %s\n%s", round, p, tuple, msg, brief(result))
					}
					checked[result.GroupResult.Access]++
				}
			}
		}
	}
	for _, access := range []string{"Allow", "Deny", "Unknown"} {
		if checked[access] < 500 {
			t.Errorf("only %d points of answers %s", checked[access], access)
		}
	}
}

func checkPoint(o *oracle.Oracle, nic *network.NIC, tuple flow.Tuple, r *Result) string {
	trace := o.Trace(nic, tuple)
	if g := r.GroupResult; g.Access != "Unknown" && len(r.Warnings) == 0 && trace.Verdict.Access.String() != g.Access {
		return "the oracle says " + trace.Verdict.Access.String()
	}
	for i, g := range r.GroupResult.Groups {
		for _, e := range g.Rules {
			for _, x := range trace.Layers[i].Rules {
				if x.Rule.DiagnosticSpelling() != e.Name {
					continue
				}
				for _, f := range []struct {
					set   bool
					point oracle.Field
					name  string
				}{
					{e.Protocol, x.Protocol, "protocol"},
					{e.Source, x.Source, "source"},
					{e.Destination, x.Destination, "destination"},
					{e.DestinationPort, x.DestinationPort, "port"},
				} {
					if f.set && f.point.Truth != oracle.Yes {
						return "field " + f.name + " of " + e.Name + " does not hold the point"
					}
				}
			}
		}
		if g.Matched != nil && len(r.Warnings) == 0 && r.GroupResult.Reason == "" {
			if m := trace.Layers[i].Sure; m.DiagnosticSpelling() != g.Matched.Name {
				return "the oracle matches " + m.Name
			}
		}
	}
	return ""
}

// A question about one packet is the oracle's question.
func TestSinglesAgreeWithTheOracle(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 9))
	seen := map[string]int{}
	for round := range 3000 {
		n := randomEstate(t, rng)
		p := Profile{choice(rng, []string{"Inbound", "Outbound"}), choice(rng, []string{"TCP", "ICMP", "58"}), choice(rng, pointTexts), choice(rng, pointTexts), "80"}
		if strings.Contains(p.Source, ":") != strings.Contains(p.Destination, ":") {
			continue
		}
		a, _, err := Ask(n, Request{TargetResourceID: "nic1", Profiles: []Profile{p}})
		if err != nil {
			t.Fatal(err)
		}
		q, _, _ := p.parse("p")
		tuple := flow.Tuple{
			Local: flow.AddressFrom(q.destination.Prefix.Addr()), Remote: flow.AddressFrom(q.source.Prefix.Addr()), LocalPort: 80,
			Protocol: q.protocol, Direction: q.direction,
		}
		if q.direction == flow.Outbound {
			tuple.Local, tuple.Remote, tuple.LocalPort, tuple.RemotePort = tuple.Remote, tuple.Local, 0, 80
		}
		want := oracle.New(n).Trace(n.NICsNamed("nic1")[0], tuple).Verdict
		got := a.Results[0]
		if got.GroupResult.Access != want.Access.String() || got.GroupResult.Reason != want.Reason {
			t.Fatalf("round %d, %+v: %+v\n%s", round, p, want, brief(got))
		}
		// Rules for ports decide portless packets by an assumption; all else is yes or no for one packet.
		if len(got.Warnings) > 0 {
			t.Fatalf("round %d, %+v: one packet and yet %q", round, p, got.Warnings)
		}
		seen[got.GroupResult.Access]++
	}
	for _, access := range []string{"Allow", "Deny", "Unknown"} {
		if seen[access] < 100 {
			t.Errorf("only %d answers %s", seen[access], access)
		}
	}
}
