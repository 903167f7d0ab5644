package lint

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
)

// brute judges a rule list by asking the oracle about every point: of each
// dimension one point for each set of rules that it can match.
type brute struct {
	w     *world.World
	group *network.SecurityGroup
	dir   flow.Direction
	rules []*network.Rule
	nics  []*network.NIC
	// truths[tuple] is how each rule meets it, over all NICs.
	truths [][]oracle.Truth
}

// probe is the trace of one rule, whatever other rules say.
func (b *brute) probe(c *network.NIC, r *network.Rule, t flow.Tuple) oracle.RuleTrace {
	return oracle.New(b.w.Net).Trace(alone(c, b.group, r), t).Layers[0].Rules[0]
}

// alone is the NIC with no rules but this one.
func alone(c *network.NIC, g *network.SecurityGroup, r *network.Rule) *network.NIC {
	all := *r
	all.ID, all.Facts, all.Name = "all", nil, "all"
	all.Protocol = network.AnyProtocol
	all.Source, all.Destination = []network.Selector{{}}, []network.Selector{{}}
	all.SourcePorts, all.DestinationPorts = []flow.PortRange{flow.AllPorts}, []flow.PortRange{flow.AllPorts}
	out := *c
	out.Group = network.GroupRef{ID: g.ID, Group: &network.SecurityGroup{ID: g.ID, Rules: []*network.Rule{r, &all}}}
	out.PrivateEndpoint = "none meets subnet groups and admin rules"
	if c.Subnet != nil {
		subnet := *c.Subnet
		subnet.PrivateEndpointPolicies = "Disabled"
		out.Subnet = &subnet
	}
	if c.Observed != nil {
		seen := *c.Observed
		seen.SubnetGroup, seen.Admin = network.GroupRef{}, nil
		out.Observed = &seen
	}
	if c.Subnet == nil {
		out.Observed = &network.Observation{}
		if c.Observed != nil {
			*out.Observed = *c.Observed
		}
		out.Observed.Listed, out.Observed.SubnetGroup = true, network.GroupRef{}
	}
	return &out
}

func tuple(dir flow.Direction, local, remote netip.Addr, p flow.Protocol, source, destination int) flow.Tuple {
	t := flow.Tuple{Direction: dir, Local: flow.AddressFrom(local), Remote: flow.AddressFrom(remote), Protocol: p}
	open := source < 0
	t.AnySourcePort = open
	s, d := uint16(max(source, 0)), uint16(destination)
	if t.LocalPort, t.RemotePort = d, s; dir == flow.Outbound {
		t.LocalPort, t.RemotePort = s, d
	}
	return t
}

// kinds keeps one point for each vector of truths.
type kinds[T any] struct {
	seen  map[string]bool
	list  []T
	truth [][]oracle.Truth
}

func keyOf(truth []oracle.Truth) string {
	b := make([]byte, len(truth))
	for i, x := range truth {
		b[i] = byte(x)
	}
	return string(b)
}

func (k *kinds[T]) add(point T, truth []oracle.Truth) {
	if k.seen == nil {
		k.seen = map[string]bool{}
	}
	if key := keyOf(truth); !k.seen[key] {
		k.seen[key] = true
		k.list, k.truth = append(k.list, point), append(k.truth, truth)
	}
}

// addresses are the bounds of everything a world can name, of one family.
func (b *brute) addresses(v6 bool) (out []netip.Addr) {
	seen := map[netip.Addr]bool{}
	add := func(a netip.Addr) {
		if a.IsValid() && a.Is6() == v6 && !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	prefixes := world.Prefixes(
		"10.0.0.4/32", "10.0.0.0/24", "10.0.0.0/16", "10.0.0.0/15", "8.8.8.0/24", "0.0.0.0/1", "172.16.0.0/12", "2001:db8::8/128",
		"10.0.0.0/16", "fd00::/32", "10.1.0.0/16", "fd00:1::/32", "20.50.0.0/16", "172.16.0.0/24", "10.0.1.0/24", "10.1.0.0/24", "10.1.1.0/24",
		"fd00::/64", "fd00:1::/64", "8.8.8.8/32", "2600::/16", "168.63.129.16/32", "fe80::1234:5678:9abc/128", "169.254.169.254/32",
		"10.0.0.0/8", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "0.0.0.0/0", "::/0",
	)
	for _, p := range append(prefixes, b.w.Net.Internet.Excluded...) {
		r := p.Masked()
		add(r.Addr())
		last := r.Addr().AsSlice()
		for i := r.Bits(); i < 8*len(last); i++ {
			last[i/8] |= 0x80 >> (i % 8)
		}
		a, _ := netip.AddrFromSlice(last)
		add(a.Next())
	}
	for _, a := range world.Remotes {
		add(a)
		add(a.Next())
	}
	for _, c := range b.w.Net.NICs {
		for i := range c.IPConfigs {
			add(c.IPConfigs[i].Address)
		}
	}
	return out
}

func (b *brute) ask() {
	seen := map[string]bool{}
	for _, c := range b.nics {
		for _, v6 := range []bool{false, true} {
			b.family(c, v6, seen)
		}
	}
}

func (b *brute) family(c *network.NIC, v6 bool, seen map[string]bool) {
	var nics []*network.NIC
	for _, r := range b.rules {
		nics = append(nics, alone(c, b.group, r))
	}
	judge := oracle.New(b.w.Net)
	each := func(t flow.Tuple, field func(oracle.RuleTrace) oracle.Truth) []oracle.Truth {
		out := make([]oracle.Truth, len(b.rules))
		for i := range b.rules {
			out[i] = field(judge.Trace(nics[i], t).Layers[0].Rules[0])
		}
		return out
	}
	source := func(x oracle.RuleTrace) oracle.Truth { return x.Source.Truth }
	destination := func(x oracle.RuleTrace) oracle.Truth { return x.Destination.Truth }
	localField, remoteField := destination, source
	if b.dir == flow.Outbound {
		localField, remoteField = source, destination
	}
	var locals, remotes kinds[netip.Addr]
	points := b.addresses(v6)
	for _, a := range points {
		t := tuple(b.dir, a, a, flow.TCP, 5, 5)
		locals.add(a, each(t, localField))
		remotes.add(a, each(t, remoteField))
	}
	any := points[0]
	var services kinds[flow.Tuple]
	for _, p := range append([]flow.Protocol{58, 51}, world.Protocols...) {
		sources, destinations := []int{0}, []int{0}
		if p.HasPorts() {
			destinations = []int{0, 1, 4, 5, 6, 7, 8, 65535}
			sources = append([]int{-1}, destinations...)
		}
		for _, s := range sources {
			for _, d := range destinations {
				t := tuple(b.dir, any, any, p, s, d)
				services.add(t, each(t, func(x oracle.RuleTrace) oracle.Truth {
					return min(x.Protocol.Truth, x.SourcePort.Truth, x.DestinationPort.Truth)
				}))
			}
		}
	}
	for l := range locals.list {
		for r := range remotes.list {
			for s := range services.list {
				truth := make([]oracle.Truth, len(b.rules))
				for i, rule := range b.rules {
					truth[i] = min(locals.truth[l][i], remotes.truth[r][i], services.truth[s][i])
					if len(rule.Facts) > 0 {
						truth[i] = min(truth[i], oracle.Maybe)
					}
				}
				if key := keyOf(truth); !seen[key] {
					seen[key] = true
					b.truths = append(b.truths, truth)
				}
			}
		}
	}
}

func (b *brute) every(i int, holds func(truth []oracle.Truth) bool) bool {
	for _, truth := range b.truths {
		if truth[i] != oracle.No && !holds(truth) {
			return false
		}
	}
	return true
}

func (b *brute) taken(i int) func([]oracle.Truth) bool {
	return func(truth []oracle.Truth) bool { return slices.Contains(truth[:i], oracle.Yes) }
}

func (b *brute) redundant(i int) bool {
	return b.every(i, func(truth []oracle.Truth) bool {
		if slices.Contains(truth[:i], oracle.Yes) {
			return true
		}
		for j := i + 1; ; j++ {
			if truth[j] != oracle.No && (b.rules[j].Access != b.rules[i].Access || b.rules[i].Access == flow.Unknown) {
				return false
			}
			if truth[j] == oracle.Yes {
				return true
			}
		}
	})
}

// want is the kind of a rule, "" for none.
func (b *brute) want(i int, twin bool) Kind {
	never := func([]oracle.Truth) bool { return false }
	switch taken := b.taken(i); {
	case b.every(i, never):
		return NeverApplies
	case twin:
		return Duplicate
	case b.every(i, taken):
		return Shadowed
	case b.redundant(i):
		return Redundant
	case !catchAll(b.rules[i]) && !b.every(i, func(truth []oracle.Truth) bool { return !taken(truth) }):
		return PartiallyShadowed
	}
	return ""
}

func lintWorld(t *testing.T, bytes []byte) (found map[Kind]int) {
	t.Helper()
	w := world.New(bytes)
	repeat(w, bytes)
	report, err := Run(context.Background(), w.Net, Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	got := map[*network.Rule]Kind{}
	found = map[Kind]int{}
	for _, f := range report.Findings {
		found[f.Kind]++
		if f.Message == "" || f.Rule != nil && f.Rule.Kind == network.DefaultRule {
			t.Fatalf("finding %+v", f)
		}
		switch f.Kind {
		case Shadowed, PartiallyShadowed, NeverApplies, Duplicate, Redundant:
			if f.Rule != nil {
				got[f.Rule] = f.Kind
			}
		}
		checkWitness(t, w, &f)
	}
	at := attached(w.Net)
	for _, g := range w.Net.SecurityGroups {
		if at[g] == nil || len(g.Facts) > 0 {
			continue
		}
		for _, dir := range []flow.Direction{flow.Inbound, flow.Outbound} {
			b := &brute{w: w, group: g, dir: dir, rules: g.List(dir)}
			for _, sc := range at[g].scopes {
				b.nics = append(append(b.nics, sc.nics...), sc.bare)
			}
			b.ask()
			for i, r := range b.rules {
				if r.Kind != network.UserRule || r.Direction != dir || len(r.Source)+len(r.Destination) == 0 || len(r.Source)*len(r.Destination) == 0 {
					continue
				}
				want := b.want(i, got[r] == Duplicate)
				if got[r] == NeverApplies && want != NeverApplies {
					continue // judged by TestNeverApplies: the local side is elsewhere
				}
				if got[r] != want {
					t.Errorf("%s: %q, not %q\n%s", r.ID, got[r], want, w)
					return found
				}
			}
		}
	}
	checkDeletions(t, w, report.Deletions)
	found["deletable"] = len(report.Deletions)
	return found
}

// checkWitness asks the oracle whether the flow shows what the finding says.
func checkWitness(t *testing.T, w *world.World, f *Finding) {
	t.Helper()
	switch f.Kind {
	case Shadowed, PartiallyShadowed, Redundant, Duplicate:
	default:
		return
	}
	if f.Witness == nil {
		t.Fatalf("%s %s: no witness\n%s", f.Kind, f.Rule.ID, w)
	}
	c := f.Witness.NIC
	if c == nil {
		return
	}
	b := &brute{w: w, group: f.Group}
	truth := func(r *network.Rule) oracle.Truth {
		x := b.probe(c, r, f.Witness.Tuple)
		return x.Match().Truth
	}
	if truth(f.Rule) == oracle.No {
		t.Fatalf("%s %s: %+v does not match the rule\n%s", f.Kind, f.Rule.ID, f.Witness.Tuple, w)
	}
	if f.Kind == Duplicate {
		return
	}
	for _, r := range f.Group.List(f.Witness.Tuple.Direction) {
		if r == f.Rule && f.Kind == Redundant {
			continue
		}
		if truth(r) == oracle.Yes {
			if !slices.Contains(f.By, r) && f.Kind != Shadowed {
				t.Fatalf("%s %s: %+v is decided by %s, which is not named\n%s", f.Kind, f.Rule.ID, f.Witness.Tuple, r.ID, w)
			}
			if f.DifferentAction && r.Access == f.Rule.Access {
				t.Fatalf("%s %s: %+v is decided by %s with the same action\n%s", f.Kind, f.Rule.ID, f.Witness.Tuple, r.ID, w)
			}
			return
		}
		if r == f.Rule {
			t.Fatalf("%s %s: %+v is not taken by an earlier rule\n%s", f.Kind, f.Rule.ID, f.Witness.Tuple, w)
		}
	}
}

// checkDeletions asks the oracle every question of the world with and without
// the rules.
func checkDeletions(t *testing.T, w *world.World, gone []*network.Rule) {
	t.Helper()
	if len(gone) == 0 {
		return
	}
	judge := oracle.New(w.Net)
	var before []flow.Access
	w.EachTuple(func(c *network.NIC, q flow.Tuple) bool {
		before = append(before, judge.Classify(c, q).Access)
		return true
	})
	for _, g := range w.Net.SecurityGroups {
		g.Rules = slices.DeleteFunc(slices.Clone(g.Rules), func(r *network.Rule) bool { return slices.Contains(gone, r) })
	}
	i := 0
	w.EachTuple(func(c *network.NIC, q flow.Tuple) bool {
		if got := judge.Classify(c, q).Access; got != before[i] {
			t.Errorf("%s %+v: %s became %s without %v\n%s", c.ID, q, before[i], got, gone, w)
			return false
		}
		i++
		return true
	})
}

// repeat makes rules of a world say what earlier ones say, or a part of it.
func repeat(w *world.World, bytes []byte) {
	for _, g := range w.Net.SecurityGroups {
		var earlier []*network.Rule
		for _, r := range g.Rules {
			if r.Kind != network.UserRule {
				continue
			}
			dice := int(bytes[len(bytes)-1-int(r.Ref)])
			if n := len(earlier); n > 0 && dice%3 == 0 {
				o := earlier[dice/3%n]
				r.Source, r.Destination, r.Protocol = o.Source, o.Destination, o.Protocol
				r.SourcePorts, r.DestinationPorts = o.SourcePorts, o.DestinationPorts
				if dice%2 == 0 {
					r.Access = o.Access
				} else {
					r.DestinationPorts = append(slices.Clip(r.DestinationPorts), flow.PortRange{First: 6, Last: 7})
				}
			}
			earlier = append(earlier, r)
		}
	}
}

// TestLintEqualsBruteForce compares the findings of random worlds with what the
// oracle says about every point, and tries the deletions.
func TestLintEqualsBruteForce(t *testing.T) {
	worlds := 1000
	if testing.Short() {
		worlds = 60
	}
	rng := rand.New(rand.NewPCG(6, 1))
	total := map[Kind]int{}
	for i := range worlds {
		bytes := make([]byte, 500)
		for j := range bytes {
			bytes[j] = byte(rng.Uint32())
		}
		for k, n := range lintWorld(t, bytes) {
			total[k] += n
		}
		if t.Failed() {
			t.Fatalf("world %d", i)
		}
	}
	t.Logf("%v", total)
	for _, k := range append(Kinds(), "deletable") {
		if total[k] == 0 && !testing.Short() {
			t.Errorf("no %s finding in %d worlds", k, worlds)
		}
	}
}
