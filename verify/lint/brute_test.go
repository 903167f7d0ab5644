package lint

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"ipflow/index"
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
	// lives says of each rule whether it may match a packet of an address that a
	// NIC has or may have.
	lives []bool
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
	b.lives = make([]bool, len(b.rules))
	seen := map[string]bool{}
	for _, c := range b.nics {
		for _, v6 := range []bool{false, true} {
			b.family(c, v6, seen)
		}
	}
}

// mayHave reports whether the address is, or may come to be, the NIC's.
func mayHave(c *network.NIC, a netip.Addr) bool {
	return c.Subnet == nil || len(c.Subnet.Prefixes) == 0 || c.IPConfigOf(a) != nil ||
		slices.ContainsFunc(c.Subnet.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

func (b *brute) family(c *network.NIC, v6 bool, seen map[string]bool) {
	var nics []*network.NIC
	for _, r := range b.rules {
		nics = append(nics, alone(c, b.group, r))
	}
	judge := oracle.New(b.w.Net)
	each := func(t flow.Tuple, field func(i int, x oracle.RuleTrace)) {
		for i := range b.rules {
			field(i, judge.Trace(nics[i], t).Layers[0].Rules[0])
		}
	}
	var locals, homes, remotes kinds[netip.Addr]
	points := b.addresses(v6)
	for _, a := range points {
		from, to := make([]oracle.Truth, len(b.rules)), make([]oracle.Truth, len(b.rules))
		each(tuple(b.dir, a, a, flow.TCP, 5, 5), func(i int, x oracle.RuleTrace) { from[i], to[i] = x.Source.Truth, x.Destination.Truth })
		if b.dir == flow.Inbound {
			from, to = to, from
		}
		locals.add(a, from)
		remotes.add(a, to)
		if mayHave(c, a) {
			homes.add(a, from)
		}
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
				truth := make([]oracle.Truth, len(b.rules))
				each(t, func(i int, x oracle.RuleTrace) {
					truth[i] = min(x.Protocol.Truth, x.SourcePort.Truth, x.DestinationPort.Truth)
				})
				services.add(t, truth)
			}
		}
	}
	for i := range b.rules {
		may := func(list [][]oracle.Truth) bool {
			return slices.ContainsFunc(list, func(truth []oracle.Truth) bool { return truth[i] != oracle.No })
		}
		b.lives[i] = b.lives[i] || may(homes.truth) && may(remotes.truth) && may(services.truth)
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
func (b *brute) want(i int) Kind {
	never := func([]oracle.Truth) bool { return false }
	switch taken := b.taken(i); {
	case b.every(i, never), !b.lives[i]:
		return NeverApplies
	case b.every(i, taken):
		return Shadowed
	case b.redundant(i):
		return Redundant
	case !catchAll(b.rules[i]) && !b.every(i, func(truth []oracle.Truth) bool { return !taken(truth) }):
		return PartiallyShadowed
	}
	return ""
}

// holds reports whether what a finding of the kind claims holds.
func (b *brute) holds(i int, k Kind) bool {
	switch k {
	case NeverApplies:
		return b.want(i) == NeverApplies
	case Shadowed:
		return b.every(i, b.taken(i))
	case Redundant:
		return b.redundant(i)
	}
	return true
}

// hidden is a NIC of the scope that no export shows: any address may be its own,
// and in any group.
func hidden(bare *network.NIC, fact string) *network.NIC {
	out := *bare
	out.IPConfigs = []network.IPConfig{{Name: "hidden", ASGFact: fact}}
	return &out
}

// checkTwins holds that a duplicate meets every point as the rule does that it is
// said to repeat.
func (b *brute) checkTwins(t *testing.T, findings []Finding) {
	t.Helper()
	for _, f := range findings {
		i := slices.Index(b.rules, f.Rule)
		if f.Kind != Duplicate || i < 0 {
			continue
		}
		twin := slices.Index(b.rules, f.By[0])
		if twin < 0 || twin >= i || f.By[0].Access != f.Rule.Access {
			t.Fatalf("%s repeats %s\n%s", f.Rule.ID, f.By[0].ID, b.w)
		}
		for _, truth := range b.truths {
			if truth[i] != truth[twin] {
				t.Fatalf("%s repeats %s, but they differ: %v\n%s", f.Rule.ID, f.By[0].ID, truth, b.w)
			}
		}
	}
}

// without forgets rules.
func (b *brute) without(gone func(*network.Rule) bool) {
	var rules []*network.Rule
	var lives []bool
	truths := make([][]oracle.Truth, len(b.truths))
	for i, r := range b.rules {
		if gone(r) {
			continue
		}
		rules, lives = append(rules, r), append(lives, b.lives[i])
		for k := range truths {
			truths[k] = append(truths[k], b.truths[k][i])
		}
	}
	b.rules, b.lives, b.truths = rules, lives, truths
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
		checkWitness(t, w, &f, report.Findings)
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
				if f := w.Net.MembersFact; f != "" { // a NIC that no export shows may be a member
					b.nics = append(b.nics, hidden(sc.bare, f))
				}
			}
			b.ask()
			b.checkTwins(t, report.Findings)
			b.checkOpen(t)
			// The first of equal rules is judged without the others.
			b.without(func(r *network.Rule) bool { return got[r] == Duplicate })
			for i, r := range b.rules {
				if r.Kind != network.UserRule || r.Direction != dir || len(r.Source)+len(r.Destination) == 0 || len(r.Source)*len(r.Destination) == 0 {
					continue
				}
				want := b.want(i)
				if w.Net.MembersFact != "" {
					// What holds here need not hold at a NIC that no export shows.
					if !b.holds(i, got[r]) {
						t.Fatalf("%s: %q is claimed\n%s", r.ID, got[r], w)
					}
					continue
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
func checkWitness(t *testing.T, w *world.World, f *Finding, all []Finding) {
	t.Helper()
	switch f.Kind {
	case Shadowed, PartiallyShadowed, Redundant, Duplicate:
	default:
		return
	}
	if f.Witness == nil && (attached(w.Net)[f.Group] == nil || w.Net.MembersFact != "") {
		return // a word of the rule stands nowhere
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
	twins := map[*network.Rule]bool{}
	for _, o := range all {
		twins[o.Rule] = o.Kind == Duplicate && o.Rule != nil
	}
	for _, r := range f.Group.List(f.Witness.Tuple.Direction) {
		if r == f.Rule && f.Kind == Redundant || twins[r] {
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

// checkOpen holds that what is claimed of a list wherever it may stand is true
// where it stands, if nothing is in doubt there.
func (b *brute) checkOpen(t *testing.T) {
	t.Helper()
	// An export may say of a NIC that AzureLoadBalancer is something else.
	if slices.ContainsFunc(b.nics, func(c *network.NIC) bool { return c.ObservedLoadBalancer() != nil }) {
		return
	}
	if slices.ContainsFunc(b.truths, func(truth []oracle.Truth) bool { return slices.Contains(truth, oracle.Maybe) }) {
		return
	}
	l := &linter{net: b.w.Net, selectors: index.NewSelectors(b.w.Net)}
	open, err := l.benchOf(t.Context(), b.group, b.dir, []*scope{openScope("anywhere")})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range b.rules {
		if r.Kind != network.UserRule {
			continue
		}
		if open.shadowed(i) && !b.every(i, b.taken(i)) || open.redundant(i) && !b.redundant(i) {
			t.Fatalf("%s: what is claimed for everywhere does not hold: %t %t\n%s", r.ID, open.shadowed(i), open.redundant(i), b.w)
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
	drawn := make([][]byte, worlds)
	for i := range drawn {
		drawn[i] = make([]byte, 500)
		for j := range drawn[i] {
			drawn[i][j] = byte(rng.Uint32())
		}
	}
	total := map[Kind]int{}
	var mu sync.Mutex
	t.Run("worlds", func(t *testing.T) {
		const shards = 8
		for first := range shards {
			t.Run(fmt.Sprint(first), func(t *testing.T) {
				t.Parallel()
				for i := first; i < worlds; i += shards {
					found := lintWorld(t, drawn[i])
					if t.Failed() {
						t.Fatalf("world %d", i)
					}
					mu.Lock()
					for k, n := range found {
						total[k] += n
					}
					total["worlds"]++
					mu.Unlock()
				}
			})
		}
	})
	t.Logf("%v", total)
	for _, k := range append(Kinds(), "deletable") {
		if total[k] == 0 && !testing.Short() {
			t.Errorf("no %s finding in %d worlds", k, worlds)
		}
	}
	if total["worlds"] != worlds {
		t.Errorf("%d worlds were compared, not %d", total["worlds"], worlds)
	}
}
