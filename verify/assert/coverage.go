package assert

import (
	"cmp"
	"context"
	"slices"
	"time"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/ingest/suite"
	"ipflow/verify/reach"
	"ipflow/verify/space"
)

// Coverage says how much of the rules a suite holds in place.
type Coverage struct {
	// Rules are user rules and admin rules that stand at a NIC. One is exercised
	// when it matches a flow about which an assertion that holds says something.
	Rules, Exercised int
	Idle             []*network.Rule // those that are not, by place

	// Boundaries are the first and last ports and addresses of rules. One is
	// exercised when assertions say something about a flow on each side.
	Boundaries, BoundariesExercised int
	Open                            []Boundary

	// Mutants are rules with one field changed. One is killed when an assertion
	// that holds no longer does.
	Mutants, Killed int
	NoEffect        int // change no verdict: no suite could tell
	NotTried        int // the time was up
	Survivors       []Survivor
}

// Survivor is a mutant that no assertion notices, and a flow that it changes.
type Survivor struct {
	Mutant
	NIC           *network.NIC
	Tuple         flow.Tuple
	Before, After flow.Access
}

// CoverageOptions tune Cover; the zero value works.
type CoverageOptions struct {
	Until time.Time // when no more is tried; zero for never
	// Progress, when set, is told how many mutants are tried now and then.
	Progress func(done, of int)
}

// held is an assertion that holds, with the NICs that it is about.
type held struct {
	*suite.Assertion
	q    *question
	nics map[*network.NIC]bool
}

// Cover measures a suite. Only assertions that pass count.
func (c *Checker) Cover(ctx context.Context, list []*suite.Assertion, o CoverageOptions) (*Coverage, error) {
	out := &Coverage{}
	var passing []held
	for _, a := range list {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		q, bad := c.compile(a)
		if bad != nil {
			continue
		}
		var r Result
		if c.judge(q, &r); r.State == Pass {
			passing = append(passing, held{Assertion: a, q: q})
		}
	}
	e := newExercise(c)
	for i := range passing {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		passing[i].nics = e.assertion(passing[i].q)
	}
	if err := e.measure(ctx, out, o.Until); err != nil {
		return nil, err
	}
	return out, c.mutate(ctx, passing, out, o)
}

// standing is where the rules of a group are asked.
type standing struct {
	group *network.SecurityGroup
	nics  []*network.NIC
}

// standings returns the groups that stand at NICs, by id.
func (c *Checker) standings() (out []standing) {
	at := map[*network.SecurityGroup]int{}
	for _, g := range c.net.SecurityGroups {
		at[g] = len(out)
		out = append(out, standing{group: g})
	}
	for _, nic := range c.net.NICs {
		own, subnet := nic.Group.Group, c.net.SubnetGroup(nic).Group
		if own != nil {
			out[at[own]].nics = append(out[at[own]].nics, nic)
		}
		if subnet != nil && subnet != own {
			out[at[subnet]].nics = append(out[at[subnet]].nics, nic)
		}
	}
	return slices.DeleteFunc(out, func(s standing) bool { return len(s.nics) == 0 })
}

// maxNodes is how large a space may grow before a new one is begun.
const maxNodes = 4 << 20

// mutate tries the mutants, one of each rule after another, so that what is
// tried in a short time is spread over all rules.
func (c *Checker) mutate(ctx context.Context, passing []held, out *Coverage, o CoverageOptions) error {
	type trial struct {
		Mutant
		at    *standing
		round int
	}
	var trials []trial
	list := c.standings()
	for i := range list {
		for _, r := range list[i].group.Rules {
			for n, m := range mutantsOf(r) {
				trials = append(trials, trial{m, &list[i], n})
			}
		}
	}
	slices.SortStableFunc(trials, func(a, b trial) int { return cmp.Compare(a.round, b.round) })
	out.Mutants = len(trials)
	for i := range trials {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !o.Until.IsZero() && time.Now().After(o.Until) {
			out.NotTried = len(trials) - i
			break
		}
		if o.Progress != nil {
			o.Progress(i, len(trials))
		}
		if c.prober.Space().Nodes() > maxNodes {
			c.renew(passing)
		}
		t := &trials[i]
		switch s, state, err := c.try(ctx, &t.Mutant, t.at, passing); {
		case err != nil:
			return err
		case state == mutantKilled:
			out.Killed++
		case state == mutantSame:
			out.NoEffect++
		default:
			out.Survivors = append(out.Survivors, s)
		}
	}
	slices.SortStableFunc(out.Survivors, func(a, b Survivor) int { return a.Rule.Origin.Compare(b.Rule.Origin) })
	return nil
}

// renew begins a new space and looks up again what belongs to the old one.
func (c *Checker) renew(passing []held) {
	c.prober = reach.New(c.net, c.ix)
	for _, e := range c.ends {
		c.prober.Prepare(e)
	}
	for i := range passing {
		if q, bad := c.compile(passing[i].Assertion); bad == nil {
			passing[i].q = q
		}
	}
}

type mutantState uint8

const (
	mutantSurvives mutantState = iota
	mutantKilled
	mutantSame
)

// try asks the assertions about a network in which one rule is another.
func (c *Checker) try(ctx context.Context, m *Mutant, at *standing, passing []held) (s Survivor, state mutantState, err error) {
	g := m.groupWith()
	bare := *c.net
	bare.NICs = c.bareNICs()
	bare.SecurityGroups = slices.Clone(c.net.SecurityGroups)
	bare.SecurityGroups[slices.Index(bare.SecurityGroups, at.group)] = g
	ix, err := index.Compile(ctx, &bare, index.Options{Workers: 1, FuseAfter: index.AtOnce})
	if err != nil {
		return s, 0, err
	}
	instead := map[*network.NIC]*network.NIC{}
	subnets := map[*network.Subnet]*network.Subnet{}
	for _, nic := range at.nics {
		instead[nic] = withGroup(nic, at.group, g, subnets)
	}
	before := map[*network.NIC][2]space.Map{}
	for _, nic := range at.nics {
		before[nic] = c.accesses(nic)
	}
	state = mutantSame
	c.prober.With(ix, instead, func() {
		for _, nic := range at.nics {
			after := c.accesses(nic)
			if after == before[nic] {
				continue
			}
			state = mutantSurvives
			s = c.survivor(m, nic, before[nic], after)
			break
		}
		if state == mutantSame {
			return
		}
		for i := range passing {
			p := &passing[i]
			if slices.ContainsFunc(at.nics, func(n *network.NIC) bool { return p.nics[n] }) && !c.holds(p.q) {
				state = mutantKilled
				return
			}
		}
	})
	return s, state, nil
}

// bareNICs are NICs without addresses: an index of them compiles what it is
// asked about.
func (c *Checker) bareNICs() []*network.NIC {
	if c.bare == nil {
		for i := range c.net.NICs {
			c.bare = append(c.bare, &network.NIC{Index: i})
		}
	}
	return c.bare
}

// withGroup returns the NIC with one group in place of another, at itself and at
// its subnet.
func withGroup(nic *network.NIC, old, g *network.SecurityGroup, subnets map[*network.Subnet]*network.Subnet) *network.NIC {
	out := *nic
	if out.Group.Group == old {
		out.Group.Group = g
	}
	if s := nic.Subnet; s != nil && s.Group.Group == old {
		if subnets[s] == nil {
			c := *s
			c.Group.Group = g
			subnets[s] = &c
		}
		out.Subnet = subnets[s]
	}
	if o := nic.Observed; o != nil && o.SubnetGroup.Group == old {
		c := *o
		c.SubnetGroup.Group = g
		out.Observed = &c
	}
	return &out
}

// The labels of access maps; 0 is elsewhere.
const (
	labelAllow = 1 + iota
	labelDeny
	labelUnknown
)

// accesses returns what is allowed at a NIC, inbound and outbound.
func (c *Checker) accesses(nic *network.NIC) (out [2]space.Map) {
	for i, dir := range [...]flow.Direction{flow.Inbound, flow.Outbound} {
		out[i] = c.prober.Access(nic, dir, func(a flow.Access) int {
			return map[flow.Access]int{flow.Allow: labelAllow, flow.Deny: labelDeny, flow.Unknown: labelUnknown}[a]
		})
	}
	return out
}

// survivor finds a flow whose access a mutant changes.
func (c *Checker) survivor(m *Mutant, nic *network.NIC, before, after [2]space.Map) Survivor {
	s := c.prober.Space()
	accesses := [...]flow.Access{labelAllow: flow.Allow, labelDeny: flow.Deny, labelUnknown: flow.Unknown}
	for i, dir := range [...]flow.Direction{flow.Inbound, flow.Outbound} {
		changed := s.Where(s.Combine(before[i], after[i], func(x, y int) int {
			if x != y {
				return 1
			}
			return 0
		}), func(l int) bool { return l == 1 })
		if t, some := s.Witness(changed, dir); some {
			return Survivor{*m, nic, t, accesses[s.Label(before[i], t)], accesses[s.Label(after[i], t)]}
		}
	}
	panic("assert: a mutant that changes nothing")
}

// holds reports whether an assertion that held still does.
func (c *Checker) holds(q *question) bool {
	j := judgement{c: c, q: q}
	for _, o := range q.obligations() {
		for f := range q.from {
			for t := range q.to {
				if len(c.prober.Ask(j.question(o, f, t)).Sets) > 0 {
					return false
				}
			}
		}
	}
	return true
}
