package diff

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"strings"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/space"
)

// Options tune Run; the zero value works.
type Options struct {
	// Rules reports flows whose deciding rule changed too, by name, where the
	// access did not.
	Rules   bool
	Workers int // goroutines; 0 means GOMAXPROCS
	// Progress, when not nil, is told how many steps of the comparison are done;
	// by several goroutines, perhaps not in order.
	Progress func(done, total int)

	all bool // compares NICs of equal content too, for tests
}

// Decision is one side's answer.
type Decision struct {
	Access flow.Access
	Rule   *network.Rule // nil when nothing matched, and when Access is Unknown
	Layer  flow.Layer    // NoLayer when Rule is nil
	Reason string        // as in flow.Verdict
}

// Change is flows whose answer changed in one way at some NICs.
type Change struct {
	NICs          []*network.NIC // of the new network, by id; each stands for its own addresses among the local ones
	Direction     flow.Direction
	Before, After Decision
	Boxes         []space.Box // disjoint
	Witness       flow.Tuple
	WitnessNIC    *network.NIC // of the new network, meets the witness
	// Exposes says that flows from the Internet are allowed that were not.
	Exposes bool
}

// Report is what differs between two networks.
type Report struct {
	// Changes are sorted: new exposure to the Internet first, then other flows
	// newly allowed, then newly unknown, then newly denied.
	Changes          []Change
	OnlyOld, OnlyNew []*network.NIC // not compared
	// Compared NICs are in both networks; Differing have other content, though
	// not every such difference changes an answer.
	Compared, Differing int
	// Undecided NICs have other content and flows that are Unknown on both sides,
	// by Facts, sorted: whether those changed nobody can tell.
	Undecided []*network.NIC
	Facts     []string
	// Unplaced groups are in both networks and say other things, but stand at no
	// NIC that was compared: what that changes where they come to stand is not told.
	Unplaced []*network.SecurityGroup // of the new network, by id
	// Notes say what the reader must know, sorted.
	Notes []string
}

// Run compares two linked networks.
func Run(ctx context.Context, before, after *network.Network, o Options) (*Report, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	c := &comparer{options: o, space: space.New()}
	for i, n := range []*network.Network{before, after} {
		ix, err := lazyIndex(ctx, n)
		if err != nil {
			return nil, err
		}
		c.side[i] = &side{net: n, ix: ix, selectors: ix.Selectors(), labels: map[index.VerdictID]int{}, maps: map[classifierKey]space.Map{}}
	}
	r := &Report{}
	pairs := c.match(r)
	differing, err := c.differing(ctx, pairs)
	if err != nil {
		return nil, err
	}
	r.Compared, r.Differing, r.Unplaced = len(pairs), len(differing), c.unplaced(pairs)
	if err := c.compare(ctx, differing); err != nil {
		return nil, err
	}
	if r.Changes, err = c.changes(ctx); err != nil {
		return nil, err
	}
	r.Undecided, r.Facts = c.undecided, distinct(c.facts)
	slices.Sort(c.notes)
	r.Notes = slices.Compact(c.notes)
	sortChanges(r.Changes)
	return r, nil
}

// lazyIndex returns an index that compiles what it is asked about.
func lazyIndex(ctx context.Context, n *network.Network) (*index.Index, error) {
	bare := *n
	bare.NICs = make([]*network.NIC, len(n.NICs))
	for i := range bare.NICs {
		bare.NICs[i] = &network.NIC{Index: i}
	}
	return index.Compile(ctx, &bare, index.Options{Workers: 1, FuseAfter: index.AtOnce})
}

// pair is one NIC on both sides.
type pair [2]*network.NIC

// match pairs the NICs by id.
func (c *comparer) match(r *Report) (pairs []pair) {
	old := map[string]*network.NIC{}
	for _, n := range c.side[0].net.NICs {
		old[network.Key(n.ID)] = n
	}
	for _, n := range c.side[1].net.NICs {
		key := network.Key(n.ID)
		if o := old[key]; o != nil {
			pairs = append(pairs, pair{o, n})
			delete(old, key)
		} else {
			r.OnlyNew = append(r.OnlyNew, n)
		}
	}
	for _, n := range c.side[0].net.NICs {
		if old[network.Key(n.ID)] == n {
			r.OnlyOld = append(r.OnlyOld, n)
		}
	}
	return pairs
}

// unplaced finds the groups that differ and stand at none of the NICs.
func (c *comparer) unplaced(pairs []pair) (out []*network.SecurityGroup) {
	placed := map[*network.SecurityGroup]bool{}
	for _, p := range pairs {
		for i, s := range c.side {
			placed[p[i].Group.Group], placed[s.net.SubnetGroup(p[i]).Group] = true, true
		}
	}
	old := map[string]*network.SecurityGroup{}
	for _, g := range c.side[0].net.SecurityGroups {
		old[network.Key(g.ID)] = g
	}
	printers := [2]*printer{}
	for i, s := range c.side {
		printers[i] = newPrinter(s.net, s.selectors, c.options.Rules)
	}
	for _, g := range c.side[1].net.SecurityGroups {
		o := old[network.Key(g.ID)]
		if o == nil || placed[o] || placed[g] {
			continue
		}
		if printers[0].list(listKey{group: o}).mark != printers[1].list(listKey{group: g}).mark {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *network.SecurityGroup) int { return strings.Compare(network.Key(a.ID), network.Key(b.ID)) })
	return out
}

// Open reports whether something may have changed that nobody can tell.
func (r *Report) Open() bool { return len(r.Undecided)+len(r.Unplaced) > 0 }

func sortChanges(list []Change) {
	rank := func(c *Change) int {
		switch {
		case c.Exposes:
			return 0
		case c.After.Access == flow.Allow && c.Before.Access != flow.Allow:
			return 1
		case c.After.Access == flow.Unknown && c.Before.Access != flow.Unknown:
			return 2
		case c.After.Access != c.Before.Access:
			return 3
		}
		return 4
	}
	slices.SortStableFunc(list, func(a, b Change) int {
		return cmp.Or(
			cmp.Compare(rank(&a), rank(&b)),
			cmp.Compare(a.NICs[0].Index, b.NICs[0].Index),
			cmp.Compare(a.Direction, b.Direction),
			cmp.Compare(a.After.Access, b.After.Access),
			cmp.Compare(a.Before.Access, b.Before.Access),
			strings.Compare(a.After.id(), b.After.id()),
			strings.Compare(a.Before.id(), b.Before.id()),
			strings.Compare(a.After.Reason, b.After.Reason),
			strings.Compare(a.Before.Reason, b.Before.Reason),
			slices.CompareFunc(a.NICs, b.NICs, func(x, y *network.NIC) int { return cmp.Compare(x.Index, y.Index) }),
		)
	})
}

// distinct splits lists of facts and sorts them.
func distinct(lists []string) (out []string) {
	for _, list := range lists {
		out = append(out, strings.Split(list, ",")...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (d *Decision) id() string {
	if d.Rule == nil {
		return ""
	}
	return network.Key(d.Rule.ID)
}
