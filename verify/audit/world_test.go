package audit

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
	"ipflow/verify/reach"
	"ipflow/verify/space"
)

// worldServices are services on the ports that the worlds' rules name.
const worldServices = `
Four = management tcp 4
Five to six = database tcp,udp 5-6
Top = other tcp 65535
`

func runOn(t testing.TB, n *network.Network, o Options) *Report {
	t.Helper()
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(context.Background(), Input{Network: n, Index: ix, Hashes: map[string]string{}}, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func servicesFrom(t testing.TB, text string) []KnownService {
	t.Helper()
	list, faults := ParseServices("services.txt", []byte(text))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return list
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// eachWorld audits random worlds.
func eachWorld(t *testing.T, worlds int, seed uint64, check func(w *world.World, r *Report)) {
	if testing.Short() {
		worlds = max(worlds/8, 5)
	}
	rng := rand.New(rand.NewPCG(seed, 77))
	for i := range worlds {
		w := world.New(randomBytes(rng, 80+i%200))
		check(w, runOn(t, w.Net, Options{Services: servicesFrom(t, worldServices)}))
		if t.Failed() {
			t.Fatalf("world %d, seed %d\n%s", i, seed, w)
		}
	}
}

// holds is the plain meaning of a box.
func (b *Box) holds(t *testing.T, q flow.Tuple) bool {
	t.Helper()
	sp, err := space.BoxOf(space.Words{Protocol: b.Protocol, LocalPorts: b.LocalPorts, Remote: b.Remote, RemotePorts: b.RemotePorts})
	if err != nil {
		t.Fatal(err)
	}
	if !sp.Remote.Contains(q.Remote.Netip()) || !sp.Protocols.Contains(q.Protocol) {
		return false
	}
	return !q.Protocol.HasPorts() || sp.LocalPorts.Contains(interval.Port(q.LocalPort)) && sp.RemotePorts.Contains(interval.Port(q.RemotePort))
}

// hasAddress reports whether the member stands for the address.
func (m *Member) hasAddress(t *testing.T, a netip.Addr) bool {
	t.Helper()
	return slices.ContainsFunc(m.Addresses, func(text string) bool {
		if p, err := netip.ParsePrefix(text); err == nil {
			return p.Contains(a)
		}
		return netip.MustParseAddr(text) == a
	})
}

// exposedTo returns the access and rule that the report tells for a flow from a
// zone, or to it, Deny when it is not told.
func exposedTo(t *testing.T, r *Report, nic string, zone string, q flow.Tuple) (access, rule string) {
	t.Helper()
	access = "Deny"
	groups, exposures := r.Groups, r.Exposures
	if q.Direction == flow.Outbound {
		groups, exposures = r.OutboundGroups, r.Outbound
	}
	for i := range exposures {
		x := &exposures[i]
		member := func(m Member) bool { return m.NIC == nic && m.hasAddress(t, q.Local.Netip()) }
		if !slices.Contains(x.Zones, zone) || !slices.ContainsFunc(groups[x.Group-1].Members, member) {
			continue
		}
		for k := range x.Boxes {
			if b := &x.Boxes[k]; b.holds(t, q) {
				if access != "Deny" {
					t.Errorf("%+v at %s is told twice", q, nic)
				}
				access, rule = x.Access, b.Rule
			}
		}
	}
	return access, rule
}

// TestExposuresEqualBruteForce asks the oracle about every flow of small worlds,
// from and to the Internet and the subnets, at every address of every NIC.
func TestExposuresEqualBruteForce(t *testing.T) {
	asked, open, unknown := 0, map[flow.Direction]int{}, map[flow.Direction]int{}
	eachWorld(t, 40, 1, func(w *world.World, r *Report) {
		judge := oracle.New(w.Net)
		ix, err := index.Compile(context.Background(), w.Net, index.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := reach.New(w.Net, ix)
		inside := map[*network.NIC]index.Addresses{}
		w.EachTuple(func(c *network.NIC, q flow.Tuple) bool {
			if q.AnySourcePort || c.IPConfigOf(q.Local.Netip()) == nil {
				return true
			}
			if _, ok := inside[c]; !ok {
				end := reach.InternetEnd()
				inside[c] = p.Remotes(&end, c)
			}
			v := judge.Classify(c, q)
			want, rule := v.Access.String(), ""
			if v.Access != flow.Unknown && v.Rule != 0 {
				rule = w.Net.Rule(v.Rule).ID
			}
			for _, zone := range append([]string{internet}, zonesAt(r, q.Remote.Netip())...) {
				in := zone != internet || inside[c].Contains(q.Remote.Netip())
				access, by := exposedTo(t, r, c.ID, zone, q)
				asked++
				switch {
				case !in && access != "Deny":
					t.Errorf("%s %+v is told of %s and is not of there", c.ID, q, zone)
				case in && want == "Deny" && access != "Deny":
					t.Errorf("%s %+v from %s: told %s, the oracle denies", c.ID, q, zone, access)
				case in && want != "Deny" && (access != want || by != rule):
					t.Errorf("%s %+v from %s: told %s by %q, the oracle says %s by %q", c.ID, q, zone, access, by, want, rule)
				case in && access == "Allow":
					open[q.Direction]++
				case in && access == "Unknown":
					unknown[q.Direction]++
				}
			}
			return !t.Failed()
		})
	})
	if len(open) != 2 || len(unknown) != 2 {
		t.Errorf("asked %d, open %v, unknown %v: the worlds show nothing", asked, open, unknown)
	}
	t.Logf("%d questions, %v open, %v unknown", asked, open, unknown)
}

// zonesAt are the zones of the report that hold an address.
func zonesAt(r *Report, a netip.Addr) (out []string) {
	for _, z := range r.Zones {
		if z.Name != internet && slices.ContainsFunc(z.Prefixes, func(p string) bool { return netip.MustParsePrefix(p).Contains(a) }) {
			out = append(out, z.Name)
		}
	}
	return out
}

// confirm has the oracle answer a witness.
func confirm(t *testing.T, n *network.Network, w *Witness) flow.Verdict {
	t.Helper()
	tuple, nic := w.tuple(t, n)
	v := oracle.New(n).Classify(nic, tuple)
	id := func(r flow.RuleRef) string {
		if r == 0 {
			return ""
		}
		return n.Rule(r).ID
	}
	rule := id(v.Rule)
	if v.Access == flow.Unknown {
		rule = ""
	}
	if v.Access.String() != w.Access || rule != w.Rule || v.Reason != w.Reason ||
		id(v.AdminRule) != w.AdminRule || id(v.SubnetRule) != w.SubnetRule || id(v.NICRule) != w.NICRule {
		t.Errorf("the oracle does not confirm %+v: %+v", *w, v)
	}
	return v
}

func (w *Witness) tuple(t *testing.T, n *network.Network) (flow.Tuple, *network.NIC) {
	t.Helper()
	out := flow.Tuple{Local: flow.AddressFrom(netip.MustParseAddr(w.LocalIP)), Remote: flow.AddressFrom(netip.MustParseAddr(w.RemoteIP))}
	out.Direction, _ = flow.ParseDirection(w.Direction)
	out.Protocol, _ = flow.ParseProtocol(w.Protocol)
	if w.LocalPort != nil {
		out.LocalPort, out.RemotePort = *w.LocalPort, *w.RemotePort
	}
	nics := n.NICsNamed(w.NIC)
	if len(nics) != 1 {
		t.Fatalf("the witness names %d NICs", len(nics))
	}
	return out, nics[0]
}

// TestWitnessesAreConfirmed has the oracle answer the flow of everything that
// shows one, and holds the flow to what it shows.
func TestWitnessesAreConfirmed(t *testing.T) {
	shown := map[string]int{}
	eachWorld(t, 80, 2, func(w *world.World, r *Report) {
		for i := range r.Exposures {
			x := &r.Exposures[i]
			confirm(t, w.Net, x.Witness)
			q, _ := x.Witness.tuple(t, w.Net)
			if access, _ := exposedTo(t, r, x.Witness.NIC, x.Zones[0], q); access != x.Access {
				t.Errorf("the witness of exposure %d is not one of its flows: %+v", x.ID, *x.Witness)
			}
			for k := range x.Sensitive {
				s := &x.Sensitive[k]
				if (s.Witness != nil) != (x.Zones[0] == internet) {
					t.Errorf("exposure %d, %s: witness %v", x.ID, s.Name, s.Witness)
				}
				if s.Witness != nil {
					shown["service"]++
					confirm(t, w.Net, s.Witness)
				}
			}
		}
		for i := range r.Outbound {
			shown["outbound"]++
			x := &r.Outbound[i]
			confirm(t, w.Net, x.Witness)
			q, _ := x.Witness.tuple(t, w.Net)
			if access, _ := exposedTo(t, r, x.Witness.NIC, x.Zones[0], q); access != x.Access || q.Direction != flow.Outbound {
				t.Errorf("the witness of outbound flows %d is not one of them: %+v", x.ID, *x.Witness)
			}
		}
		for i := range r.Cells {
			shown["cell"]++
			confirm(t, w.Net, r.Cells[i].Witness)
		}
		for i := range r.Findings {
			f := &r.Findings[i]
			if f.Category != ruleCategory && f.Witness == nil {
				t.Errorf("%s %s has no witness", f.Kind, f.ID)
			}
			if f.Witness == nil {
				continue
			}
			shown[f.Category]++
			v := confirm(t, w.Net, f.Witness)
			if f.Category != ruleCategory && (v.Access.String() != f.Access || !slices.Contains(f.NICs, f.Witness.NIC)) {
				t.Errorf("%s: the witness shows %s at %s, the finding says %s at %v", f.Kind, v.Access, f.Witness.NIC, f.Access, f.NICs)
			}
			if f.Category == exposureCategory && f.Witness.Rule != f.Rule {
				t.Errorf("%s: the witness is decided by %q, the finding is about %q", f.Kind, f.Witness.Rule, f.Rule)
			}
		}
	})
	for _, what := range []string{"service", "cell", "outbound", exposureCategory, unknownCategory, ruleCategory} {
		if shown[what] == 0 {
			t.Errorf("no world has a witness of a %s", what)
		}
	}
	t.Log(shown)
}

// TestFindingsMissNothing looks for every flow from the Internet to a listed
// service that is not denied, and finds its NIC in a finding of that access.
func TestFindingsMissNothing(t *testing.T) {
	services := withJudged(servicesFrom(t, worldServices))
	flows := 0
	eachWorld(t, 40, 3, func(w *world.World, r *Report) {
		judge := oracle.New(w.Net)
		w.EachTuple(func(c *network.NIC, q flow.Tuple) bool {
			if q.AnySourcePort || q.Direction != flow.Inbound || c.IPConfigOf(q.Local.Netip()) == nil || !q.Protocol.HasPorts() {
				return true
			}
			v := judge.Classify(c, q)
			if access, _ := exposedTo(t, r, c.ID, internet, q); v.Access == flow.Deny || access == "Deny" {
				return true
			}
			for _, s := range services {
				if s.Category == AnyUDP || s.Category == Web || !s.Protocols.Contains(q.Protocol) || !s.Ports.Contains(interval.Port(q.LocalPort)) {
					continue
				}
				flows++
				if !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.tells(c, v.Access, s.Name) }) {
					t.Errorf("no finding tells that %s at %s is %s: %+v", s.Name, c.ID, v.Access, q)
				}
			}
			return !t.Failed()
		})
	})
	if flows == 0 {
		t.Error("no world exposes a service")
	}
}

func (f *Finding) tells(c *network.NIC, access flow.Access, service string) bool {
	return f.Access == access.String() && slices.Contains(f.NICs, c.ID) && slices.ContainsFunc(f.Services, func(text string) bool {
		return text == allPorts || len(text) > len(service) && text[:len(service)+2] == service+" ("
	})
}

// TestSameInputSameReport audits twice, with everything made anew.
func TestSameInputSameReport(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 20 {
		b := randomBytes(rng, 200)
		one, two := world.New(b), world.New(b)
		o := Options{Now: time.Unix(0, 0)}
		if x, y := jsonOf(t, runOn(t, one.Net, o)), jsonOf(t, runOn(t, two.Net, o)); x != y {
			t.Fatalf("two reports differ\n%s", one)
		}
	}
}
