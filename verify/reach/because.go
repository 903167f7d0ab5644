package reach

import (
	"slices"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/space"
)

// Example is one flow as a NIC sees it.
type Example struct {
	NIC    *network.NIC
	Tuple  flow.Tuple
	Access flow.Access // of both ends together
}

// crossing is what two services maps let through together.
type crossing struct {
	rules []flow.RuleRef
	best  flow.Access // Allow before Unknown before Deny
}

// Because returns the rules of either end that decide what the cell lets through
// or leaves open, sorted, and one such flow, an allowed one if there is any: at
// the receiving NIC, or at the sending one where the other zone is not made of
// NICs. There is no flow iff the cell is empty.
func (m *Matrix) Because(from, to int) (rules []flow.RuleRef, shown *Example) {
	best := flow.Deny
	var x, y *class
	for i := range m.sources[from] {
		for j := range m.receivers[to] {
			s, r := &m.sources[from][i], &m.receivers[to][j]
			if !s.asked && !r.asked {
				continue
			}
			c := m.cross(s, r)
			rules = append(rules, c.rules...)
			if better(c.best, best) {
				best, x, y = c.best, s, r
			}
		}
	}
	slices.Sort(rules)
	if x != nil {
		shown = m.example(&m.Zones[from], &m.Zones[to], x, y, best)
	}
	return slices.Compact(rules), shown
}

func better(a, b flow.Access) bool {
	rank := func(x flow.Access) int { return slices.Index(accesses[:], x) }
	return rank(a) < rank(b)
}

// cross joins what two classes of endpoints see of each other.
func (m *Matrix) cross(s, r *class) (out crossing) {
	out.best = flow.Deny
	in, sent := m.seen(r, s, flow.Inbound), m.seen(s, r, flow.Outbound)
	for family := range 2 {
		if !s.has(family) || !r.has(family) {
			continue
		}
		for _, x := range in[family] {
			for _, y := range sent[family] {
				c := m.crossed(x, y)
				out.rules = append(out.rules, c.rules...)
				if better(c.best, out.best) {
					out.best = c.best
				}
			}
		}
	}
	return out
}

// has reports whether the class has, or may have, IPv4 addresses (0) or IPv6 ones (1).
func (c *class) has(family int) bool { return c.tag != nil || has(c.at, family) }

// seen returns the distinct decisions that the end near has at the addresses of
// far, as the receiver sees ports; one that allows all where it is not asked.
func (m *Matrix) seen(near, far *class, dir flow.Direction) (out [2][]space.Map) {
	if !near.asked {
		return [2][]space.Map{{{}}, {{}}}
	}
	out[0], out[1] = m.p.space.Services(m.p.base(near.k, dir, flow.Inbound), m.at(far, near), nil, nil)
	return out
}

// at returns the addresses of a class as the other end sees them.
func (m *Matrix) at(far, near *class) index.Addresses {
	if far.tag != nil && near.asked {
		return m.p.Remotes(far.tag, near.nic)
	}
	return far.at
}

// crossed joins two decisions over services; the zero Map is an end that is not
// asked.
func (m *Matrix) crossed(x, y space.Map) crossing {
	key := [2]space.Map{x, y}
	if c, ok := m.crossings[key]; ok {
		return c
	}
	c := crossing{best: flow.Deny}
	m.p.space.Combine(x, y, func(p, q int) int {
		in, sent := m.decision(x, p), m.decision(y, q)
		access := joinAccess(in.Access, sent.Access)
		if access == flow.Deny {
			return 0
		}
		for _, d := range []Decision{in, sent} {
			if d.Rule != 0 {
				c.rules = append(c.rules, d.Rule)
			}
		}
		if better(access, c.best) {
			c.best = access
		}
		return 0
	})
	slices.Sort(c.rules)
	c.rules = slices.Compact(c.rules)
	m.crossings[key] = c
	return c
}

// decision explains a label of one end's map; where the end was asked, label 0
// is outside the family.
func (m *Matrix) decision(of space.Map, label int) Decision {
	switch {
	case of == (space.Map{}):
		return Decision{Access: flow.Allow}
	case label == 0:
		return Decision{Access: flow.Deny}
	}
	return m.p.decisions[label]
}

func joinAccess(a, b flow.Access) flow.Access {
	switch {
	case a == flow.Deny || b == flow.Deny:
		return flow.Deny
	case a == flow.Allow && b == flow.Allow:
		return flow.Allow
	}
	return flow.Unknown
}

// example shows a flow between two classes that both ends join to the access.
func (m *Matrix) example(from, to *Zone, s, r *class, access flow.Access) *Example {
	sp := m.p.space
	is := func(l int) bool { return l == int(access)+1 }
	if !r.asked {
		sent := sp.Restrict(m.p.base(s.k, flow.Outbound, flow.Outbound), sp.Box(pairsOf(space.AllAddresses, m.at(r, s))))
		set := sp.Where(sp.At(s.at, sp.Relabel(sent, m.accessLabel)), is)
		t, _ := sp.Witness(set, flow.Outbound)
		return &Example{m.owner(from, flow.Outbound, s.k, t), t, access}
	}
	in := sp.Relabel(sp.Restrict(m.p.base(r.k, flow.Inbound, flow.Inbound), sp.Box(pairsOf(space.AllAddresses, m.at(s, r)))), m.accessLabel)
	whole := sp.At(r.at, in)
	if s.asked {
		sent := sp.Relabel(sp.Turned(m.p.base(s.k, flow.Outbound, flow.Inbound), s.at), m.accessLabel)
		whole = sp.Combine(whole, sent, func(x, y int) int {
			if x == 0 || y == 0 {
				return 0
			}
			return int(joinAccess(flow.Access(x-1), flow.Access(y-1))) + 1
		})
	}
	t, _ := sp.Witness(sp.Where(whole, is), flow.Inbound)
	return &Example{m.owner(to, flow.Inbound, r.k, t), t, access}
}

// accessLabel turns the label of a decision into its access, counted from 1.
func (m *Matrix) accessLabel(l int) int {
	if l == 0 {
		return 0
	}
	return int(m.p.decisions[l].Access) + 1
}

func pairsOf(local, remote index.Addresses) space.Box {
	return space.Box{Local: local, Remote: remote, Protocols: index.AllProtocols, LocalPorts: space.AllPorts, RemotePorts: space.AllPorts}
}

// owner finds the NIC of the zone that has the local address of the flow with
// the classifier.
func (m *Matrix) owner(z *Zone, dir flow.Direction, k *index.Classifier, t flow.Tuple) *network.NIC {
	for i := range z.Ends {
		for _, member := range z.Ends[i].Members {
			if member.Within != nil && !member.Within.Contains(t.Local.Netip()) {
				continue
			}
			for _, l := range m.p.Locals(member.NIC, dir) {
				if l.Classifier == k && l.At.Contains(t.Local.Netip()) {
					return member.NIC
				}
			}
		}
	}
	panic("reach: a witness that no NIC of the zone answered for")
}
