package diff

import (
	"context"
	"net/netip"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/space"
)

// comparer holds what the comparison of all NICs shares.
type comparer struct {
	options Options
	side    [2]*side
	space   *space.Space
	steps   []step          // by label; label 0 is no change
	labels  map[[2]int]int  // a pair of the sides' labels → label
	joined  map[joinKey]all // what differs between two classifiers
	found   []finding
	// What is Unknown on both sides: facts by the classifiers compared, and NICs.
	open      map[joinKey][]string
	opens     []string // of the join being made
	undecided []*network.NIC
	facts     []string // of all of them
	notes     []string
}

// side is one network, asked.
type side struct {
	net       *network.Network
	ix        *index.Index
	selectors *index.Selectors
	decisions []Decision // by label; label 0 is no flow
	ids       map[decisionKey]int
	labels    map[index.VerdictID]int
	maps      map[classifierKey]space.Map
}

type decisionKey struct {
	access flow.Access
	rule   flow.RuleRef
	layer  flow.Layer
	reason string
}

type classifierKey struct {
	k   *index.Classifier
	dir flow.Direction
}

type joinKey struct {
	before, after *index.Classifier
	dir           flow.Direction
}

// step is an answer before and after.
type step struct{ before, after Decision }

// all is the flows of every change between two classifiers, for any local address.
type all []labelled

type labelled struct {
	label int
	flows space.Set
}

// differing returns the pairs whose content is not the same on both sides.
func (c *comparer) differing(ctx context.Context, pairs []pair) ([]pair, error) {
	if c.options.all {
		return pairs, nil
	}
	marks := [2][]mark{}
	var g errgroup.Group // ctx ends both sides
	g.SetLimit(c.options.Workers)
	for i, s := range c.side {
		marks[i] = make([]mark, len(pairs))
		g.Go(func() error {
			p := newPrinter(s.net, s.selectors, c.options.Rules)
			for j := range pairs {
				if j%1024 == 0 && ctx.Err() != nil {
					return ctx.Err()
				}
				marks[i][j] = p.nic(pairs[j][i])
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []pair
	for j := range pairs {
		if marks[0][j] != marks[1][j] {
			out = append(out, pairs[j])
		}
	}
	return out, nil
}

// located is addresses of a NIC that share their classifiers on both sides.
type located struct {
	at  index.Addresses
	dir flow.Direction
	k   [2]*index.Classifier
}

// compare finds the changes of the pairs: classifiers are compiled by several
// goroutines, compared by one.
func (c *comparer) compare(ctx context.Context, pairs []pair) error {
	places := make([][]located, len(pairs))
	var done atomic.Int64
	advance := func() {
		if n := int(done.Add(1)); c.options.Progress != nil {
			c.options.Progress(n, 2*len(pairs))
		}
	}
	var g errgroup.Group // ctx ends every pair by itself
	g.SetLimit(c.options.Workers)
	for i := range pairs {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			for _, dir := range []flow.Direction{flow.Inbound, flow.Outbound} {
				places[i] = append(places[i], c.locate(pairs[i], dir)...)
			}
			advance()
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	c.steps, c.labels, c.joined, c.open = make([]step, 1), map[[2]int]int{}, map[joinKey]all{}, map[joinKey][]string{}
	for i, p := range pairs {
		if dynamic(p[0]) || dynamic(p[1]) {
			c.notes = append(c.notes, p[1].ID+" has an address that is not on record; it is compared at every address of its subnet")
		}
		var facts []string
		for _, l := range places[i] {
			for _, x := range c.join(l) {
				c.add(p[1], l, x)
			}
			facts = append(facts, c.open[l.key()]...)
		}
		if len(facts) > 0 {
			c.undecided = append(c.undecided, p[1])
			c.facts = append(c.facts, facts...)
		}
		advance()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// locate returns the addresses at which a NIC is compared, with its classifiers.
func (c *comparer) locate(p pair, dir flow.Direction) (out []located) {
	add := func(at index.Addresses, sample netip.Addr) {
		l := located{at: at, dir: dir}
		for i, s := range c.side {
			l.k[i] = s.ix.Classifier(p[i], dir, flow.AddressFrom(sample))
		}
		for i := range out {
			if out[i].k == l.k {
				out[i].at = out[i].at.Or(at)
				return
			}
		}
		out = append(out, l)
	}
	var known index.Addresses
	open := false
	for _, n := range p {
		open = open || dynamic(n)
		for i := range n.IPConfigs {
			a := n.IPConfigs[i].Address
			if !a.IsValid() {
				continue
			}
			at := index.AddressesOf([]netip.Prefix{netip.PrefixFrom(a, a.BitLen())})
			if !known.Covers(at) {
				known = known.Or(at)
				add(at, a)
			}
		}
	}
	if !open {
		return out
	}
	for _, part := range c.cut(p, dir, subnetOf(p[0]).Or(subnetOf(p[1])).Minus(known)) {
		add(part, firstOf(part))
	}
	return out
}

// dynamic reports whether the NIC may have an address nobody recorded.
func dynamic(n *network.NIC) bool {
	return len(n.IPConfigs) == 0 || slices.ContainsFunc(n.IPConfigs, func(x network.IPConfig) bool { return !x.Address.IsValid() })
}

func subnetOf(n *network.NIC) index.Addresses {
	if n.Subnet == nil || len(n.Subnet.Prefixes) == 0 {
		return space.AllAddresses
	}
	return index.AddressesOf(n.Subnet.Prefixes)
}

func firstOf(a index.Addresses) netip.Addr {
	if len(a.V4) > 0 {
		return a.V4[0].First.Netip()
	}
	return a.V6[0].First.Netip()
}

// cut divides local addresses into parts, each of one family, in which all meet
// the same rules on both sides.
func (c *comparer) cut(p pair, dir flow.Direction, at index.Addresses) []index.Addresses {
	parts := []index.Addresses{{V4: at.V4}, {V6: at.V6}}
	by := func(s index.Addresses) {
		for i := range parts {
			in, out := parts[i].And(s), parts[i].Minus(s)
			if !in.Empty() && !out.Empty() {
				parts[i] = in
				parts = append(parts, out)
			}
		}
	}
	for i, s := range c.side {
		for _, r := range rulesOf(s.net, p[i], dir) {
			reach := s.selectors.Side(p[i], r, dir == flow.Outbound, true)
			by(reach.Sure)
			for _, d := range reach.May {
				by(d.Where)
			}
		}
	}
	return slices.DeleteFunc(parts, index.Addresses.Empty)
}

func rulesOf(n *network.Network, nic *network.NIC, dir flow.Direction) (out []*network.Rule) {
	if admin := n.AdminRulesOf(nic); admin != nil {
		out = append(out, admin.List(dir)...)
	}
	for _, g := range []*network.SecurityGroup{nic.Group.Group, n.SubnetGroup(nic).Group} {
		if g != nil {
			out = append(out, g.List(dir)...)
		}
	}
	return out
}

func (l *located) key() joinKey { return joinKey{l.k[0], l.k[1], l.dir} }

// join returns what differs between the classifiers of a place.
func (c *comparer) join(l located) all {
	key := l.key()
	out, ok := c.joined[key]
	if ok {
		return out
	}
	var maps [2]space.Map
	for i, s := range c.side {
		maps[i] = s.mapOf(c.space, l.k[i], l.dir)
	}
	c.opens = nil
	m := c.space.Combine(maps[0], maps[1], c.label)
	c.open[key] = c.opens
	for _, label := range c.space.Labels(m) {
		if label > 0 {
			out = append(out, labelled{label, c.space.Where(m, func(x int) bool { return x == label })})
		}
	}
	c.joined[key] = out
	return out
}

// label names the change between two answers, 0 when there is none to report.
func (c *comparer) label(x, y int) int {
	if x == 0 || y == 0 {
		return 0
	}
	before, after := &c.side[0].decisions[x], &c.side[1].decisions[y]
	if before.Access == flow.Unknown && after.Access == flow.Unknown {
		c.opens = append(c.opens, before.Reason, after.Reason)
	}
	same := before.Access == after.Access
	if c.options.Rules {
		same = same && before.id() == after.id()
	}
	if same {
		return 0
	}
	l, ok := c.labels[[2]int{x, y}]
	if !ok {
		l = len(c.steps)
		c.labels[[2]int{x, y}] = l
		c.steps = append(c.steps, step{*before, *after})
	}
	return l
}

// mapOf labels the flows of a classifier with its decisions.
func (s *side) mapOf(sp *space.Space, k *index.Classifier, dir flow.Direction) space.Map {
	key := classifierKey{k, dir}
	m, ok := s.maps[key]
	if !ok {
		m = sp.Of(k.Partition(), dir, s.label)
		s.maps[key] = m
	}
	return m
}

func (s *side) label(id index.VerdictID) int {
	if l, ok := s.labels[id]; ok {
		return l
	}
	v := s.ix.Verdict(id)
	d := decisionKey{access: v.Access}
	if v.Access == flow.Unknown {
		d.reason = v.Reason
	} else {
		d.rule, d.layer = v.Rule, v.Layer
	}
	l, ok := s.ids[d]
	if !ok {
		if s.ids == nil {
			s.ids, s.decisions = map[decisionKey]int{}, make([]Decision, 1)
		}
		l = len(s.decisions)
		s.ids[d] = l
		s.decisions = append(s.decisions, Decision{Access: d.access, Rule: s.net.Rule(d.rule), Layer: d.layer, Reason: d.reason})
	}
	s.labels[id] = l
	return l
}
