package audit

import (
	"context"
	"math/big"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/lint"
	"ipflow/verify/space"
)

// volume counts the flows that a rule surely matches, and those of them that no
// earlier rule of its group may. The zero volume is not known.
type volume struct{ own, all *big.Int }

// text writes the count and the share in percent.
func (v volume) text() (exclusive, percent string) {
	if v.own == nil {
		return "", ""
	}
	if v.all.Sign() == 0 {
		return "0", "0"
	}
	return v.own.String(), percentOf(v.own, v.all)
}

// percentOf writes a share with up to two decimals; only all of it is 100 and
// only nothing is 0.
func percentOf(part, all *big.Int) string {
	n := new(big.Int).Mul(part, big.NewInt(10000))
	n.Add(n, new(big.Int).Rsh(all, 1)).Quo(n, all)
	switch {
	case n.Sign() == 0 && part.Sign() > 0:
		n.SetInt64(1)
	case n.Int64() == 10000 && part.Cmp(all) < 0:
		n.SetInt64(9999)
	}
	text := new(big.Rat).SetFrac(n, big.NewInt(100)).FloatString(2)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// volumesOf counts, group by group, over the recorded addresses of all NICs.
func volumesOf(ctx context.Context, n *network.Network, ix *index.Index) (map[*network.Rule]volume, error) {
	nics := map[*network.SecurityGroup][]*network.NIC{}
	for _, c := range n.NICs {
		for _, g := range groupsOf(n, c) {
			nics[g] = append(nics[g], c)
		}
	}
	results := make([]map[*network.Rule]volume, len(n.SecurityGroups))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, group := range n.SecurityGroups {
		if len(nics[group]) == 0 || len(group.Facts) > 0 {
			continue
		}
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			c := &counter{
				selectors: ix.Selectors(), assumptions: n.Assumptions, space: space.New(),
				memo: map[matchKey]matched{}, out: map[*network.Rule]volume{},
			}
			for _, dir := range []flow.Direction{flow.Inbound, flow.Outbound} {
				c.count(group.List(dir), dir, nics[group])
			}
			results[i] = c.out
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := map[*network.Rule]volume{}
	for _, part := range results {
		for r, v := range part {
			out[r] = v
		}
	}
	return out, nil
}

// counter counts the volumes of one group.
type counter struct {
	selectors   *index.Selectors
	assumptions network.Assumptions
	space       *space.Space
	memo        map[matchKey]matched
	out         map[*network.Rule]volume
}

// A list is what the rules of a group match at some addresses: surely, and at
// most.
type list struct {
	sure, most []space.Set
	times      int64 // how many addresses see it
}

// count adds up what the rules match at the addresses of the NICs. A rule without
// direction stands in both lists and is not counted.
func (c *counter) count(rules []*network.Rule, dir flow.Direction, nics []*network.NIC) {
	lists := c.lists(rules, dir, nics)
	own, all := make([]*big.Int, len(rules)), make([]*big.Int, len(rules))
	for i := range rules {
		own[i], all[i] = new(big.Int), new(big.Int)
	}
	for _, l := range lists {
		first := c.space.FirstMatch(l.most)
		times := big.NewInt(l.times)
		for i, sure := range l.sure {
			if sure.Empty() {
				continue
			}
			decided := c.space.Intersection(sure, c.space.Where(first, func(label int) bool { return label == i+1 }))
			own[i].Add(own[i], new(big.Int).Mul(times, c.space.Volume(decided)))
			all[i].Add(all[i], new(big.Int).Mul(times, c.space.Volume(sure)))
		}
	}
	for i, r := range rules {
		doubt := slices.ContainsFunc(lists, func(l *list) bool { return l.sure[i] != l.most[i] })
		if len(lists) > 0 && r.Direction != 0 && (all[i].Sign() > 0 || !doubt) {
			c.out[r] = volume{own[i], all[i]}
		}
	}
}

// lists unfolds the rules at every recorded address; addresses that see the same
// share a list.
func (c *counter) lists(rules []*network.Rule, dir flow.Direction, nics []*network.NIC) (out []*list) {
	chain := map[link]int{} // numbers sequences of pairs of sets
	byEnd := map[int]*list{}
	for _, nic := range nics {
		for i := range nic.IPConfigs {
			a := nic.IPConfigs[i].Address
			if !a.IsValid() {
				continue
			}
			l := &list{}
			at := 0
			for _, r := range rules {
				sure, facts := c.selectors.Local(nic, r, dir == flow.Outbound, a)
				var m matched
				if sure || len(facts) > 0 {
					m = c.match(nic, a.Is4(), r, dir)
				}
				if !sure {
					m.sure = space.Set{}
				}
				l.sure, l.most = append(l.sure, m.sure), append(l.most, m.most)
				key := link{at, m}
				if chain[key] == 0 {
					chain[key] = len(chain) + 1
				}
				at = chain[key]
			}
			if byEnd[at] == nil {
				byEnd[at] = l
				out = append(out, l)
			}
			byEnd[at].times++
		}
	}
	return out
}

type link struct {
	before int
	matched
}

// matched is the flows, of one local address, that a rule matches.
type matched struct{ sure, most space.Set }

type matchKey struct {
	place string
	rule  *network.Rule
	dir   flow.Direction
	four  bool
}

// match is what the rule matches at an address that its own side holds.
func (c *counter) match(nic *network.NIC, four bool, r *network.Rule, dir flow.Direction) matched {
	key := matchKey{network.Key(nic.SubnetID), r, dir, four}
	if nic.Observed != nil {
		key.place += "\x00" + network.Key(nic.ID)
	}
	m, ok := c.memo[key]
	if !ok {
		side := c.selectors.Side(nic, r, dir == flow.Inbound, false)
		m.most = c.flows(r, dir, ofFamily(side.Most(), four), four, true)
		if len(r.Facts) == 0 && r.Access != flow.Unknown {
			m.sure = c.flows(r, dir, ofFamily(side.Sure, four), four, false)
		}
		c.memo[key] = m
	}
	return m
}

// flows is what the rule's services let it match, from or to remote addresses.
func (c *counter) flows(r *network.Rule, dir flow.Direction, remote index.Addresses, four, most bool) space.Set {
	ported := space.Box{Local: one, Remote: remote, LocalPorts: portSet(r.DestinationPorts), RemotePorts: portSet(r.SourcePorts)}
	if dir == flow.Outbound {
		ported.LocalPorts, ported.RemotePorts = ported.RemotePorts, ported.LocalPorts
	}
	other := space.Box{Local: one, Remote: remote, LocalPorts: space.AllPorts, RemotePorts: space.AllPorts}
	for i := range 256 {
		p := flow.Protocol(i)
		if p.HasPorts() {
			if r.Protocol == network.AnyProtocol || flow.Protocol(r.Protocol) == p {
				ported.Protocols[i>>6] |= 1 << (i & 63)
			}
		} else if surely, perhaps := lint.Portless(c.assumptions, r, p, !four); surely || most && perhaps {
			other.Protocols[i>>6] |= 1 << (i & 63)
		}
	}
	return c.space.Union(c.space.Box(ported), c.space.Box(other))
}

// one stands for the local address, whichever it is.
var one = index.Addresses{
	V4: interval.Set[interval.IPv4]{{First: 1, Last: 1}},
	V6: interval.Set[interval.IPv6]{{First: interval.IPv6{Lo: 1}, Last: interval.IPv6{Lo: 1}}},
}

func portSet(list []flow.PortRange) interval.Set[interval.Port] {
	out := make([]interval.Range[interval.Port], len(list))
	for i, r := range list {
		out[i] = interval.Range[interval.Port]{First: interval.Port(r.First), Last: interval.Port(r.Last)}
	}
	return interval.Of(slices.Clip(out))
}
