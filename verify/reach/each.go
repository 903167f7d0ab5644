package reach

import (
	"net/netip"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/space"
)

// AddressesOf returns the addresses of a prefix.
func AddressesOf(p netip.Prefix) index.Addresses { return index.AddressesOf([]netip.Prefix{p}) }

// Each calls f with the flows that a question asks about at the NICs of one end,
// as the NIC sees them.
func (p *Prober) Each(q Question, dir flow.Direction, f func(*network.NIC, space.Set)) {
	p.notes, p.noted, p.met = nil, map[string]bool{}, map[*network.NIC]bool{}
	near, far := &q.To, &q.From
	if dir == flow.Outbound {
		near, far = far, near
	}
	for _, m := range p.nearMembers(near) {
		var at index.Addresses
		for _, l := range p.Locals(m.NIC, dir) {
			at = at.Or(l.At)
		}
		if m.Within != nil {
			at = at.And(*m.Within)
		}
		remote := p.Remotes(far, m.NIC)
		if q.Direction == 0 && far.IsNICs() && near.IsNICs() {
			remote = p.memberAddresses(far)
		}
		flows := p.space.Intersection(p.asked(&q, dir, remote), p.local(at))
		if q.Expected != nil {
			flows = p.space.Difference(flows, q.Expected(p.space, m.NIC, dir))
		}
		if !flows.Empty() {
			f(m.NIC, flows)
		}
	}
}

// local is all flows with the local addresses.
func (p *Prober) local(at index.Addresses) space.Set {
	b := anyBox()
	b.Local = at
	return p.space.Box(b)
}

// Access returns the accesses of a NIC's own flows as labels.
func (p *Prober) Access(c *network.NIC, dir flow.Direction, label func(flow.Access) int) (out space.Map) {
	if p.noted == nil {
		p.noted = map[string]bool{}
	}
	for _, l := range p.Locals(c, dir) {
		m := p.space.Relabel(p.base(l.Classifier, dir, dir), func(x int) int {
			if x == 0 {
				return 0
			}
			return label(p.decisions[x].Access)
		})
		out = p.space.Over(out, p.space.At(l.At, m))
	}
	return out
}

// RulesAt returns the rules that a NIC meets in a direction, layer by layer.
func (p *Prober) RulesAt(c *network.NIC, dir flow.Direction) []*network.Rule {
	return rulesOf(p.net, c, dir)
}

// Matches returns, for a NIC and direction, which of its own flows a rule surely
// matches in its layer.
func (p *Prober) Matches(c *network.NIC, dir flow.Direction) func(flow.RuleRef) space.Set {
	if p.noted == nil {
		p.noted = map[string]bool{}
	}
	type match struct{ rules [3]flow.RuleRef }
	matches := []match{{}}
	known := map[match]int{}
	var all space.Map
	for _, l := range p.Locals(c, dir) {
		m := p.space.Of(l.Classifier.Partition(), dir, func(id index.VerdictID) int {
			v := p.ix.Verdict(id)
			x := match{[3]flow.RuleRef{v.AdminRule, v.SubnetRule, v.NICRule}}
			n, ok := known[x]
			if !ok {
				n = len(matches)
				known[x] = n
				matches = append(matches, x)
			}
			return n
		})
		all = p.space.Over(all, p.space.At(l.At, m))
	}
	return func(ref flow.RuleRef) space.Set {
		return p.space.Where(all, func(label int) bool {
			x := matches[label].rules
			return label > 0 && (x[0] == ref || x[1] == ref || x[2] == ref)
		})
	}
}
