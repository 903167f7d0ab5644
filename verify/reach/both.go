package reach

import (
	"net/netip"
	"slices"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/verify/space"
)

// bothEnds asks the NICs of both ends: the flows are told as the receiving NICs
// see them, inbound.
func (p *Prober) bothEnds(at *pace, q *Question) (out []Set, err error) {
	if out, err = p.between(at, q, q.From.Members, p.changed(q.To.Members)); err != nil || p.variant == nil {
		return out, err
	}
	// The flows that a changed NIC sends to others.
	others := slices.DeleteFunc(slices.Clone(q.To.Members), func(m Member) bool { return p.variant.nics[m.NIC] != nil })
	more, err := p.between(at, q, p.changed(q.From.Members), others)
	return append(out, more...), err
}

func (p *Prober) between(at *pace, q *Question, from, to []Member) (out []Set, err error) {
	rounds, err := p.senders(at, from)
	if err != nil {
		return nil, err
	}
	at.total += len(rounds) * len(to)
	for _, sources := range rounds {
		g := newGrouping(p, q, flow.Inbound)
		asked := p.asked(q, flow.Inbound, sources.at)
		for _, m := range to {
			for _, l := range p.Locals(m.NIC, flow.Inbound) {
				where := l.At
				if m.Within != nil {
					where = where.And(*m.Within)
				}
				if !where.Empty() {
					p.seats[0]++
				}
				in := p.narrow(p.base(l.Classifier, flow.Inbound, flow.Inbound), asked)
				for _, part := range p.space.Parts(sources.sent, where) {
					g.add(m.NIC, part.Local, p.join(part.Map, in))
				}
			}
			if err := at.step(); err != nil {
				return nil, err
			}
		}
		sets, err := g.sets(at)
		if err != nil {
			return nil, err
		}
		out = append(out, sets...)
	}
	return out, nil
}

// senders is NICs that send, no two of them with one address and different
// rules. sent is their decisions as the receivers see them: local addresses
// receive, remote ones send.
type senders struct {
	at   index.Addresses
	sent space.Map
}

// round collects senders: addresses by classifier, and which has which.
type round struct {
	order  []*index.Classifier
	at     map[*index.Classifier][]index.Addresses
	owners map[netip.Addr]*index.Classifier
	closed bool // holds ranges; nobody else is let in
}

func (p *Prober) senders(pace *pace, from []Member) (out []senders, err error) {
	var rounds []*round
	pace.total += len(from)
	for _, m := range from {
		for _, l := range p.Locals(m.NIC, flow.Outbound) {
			at := l.At
			if m.Within != nil {
				at = at.And(*m.Within)
			}
			if at.Empty() {
				continue
			}
			p.seats[1]++
			points, few := pointsOf(at)
			r := slices.IndexFunc(rounds, func(r *round) bool { return few && r.admits(l.Classifier, points) })
			if r < 0 {
				r = len(rounds)
				rounds = append(rounds, &round{at: map[*index.Classifier][]index.Addresses{}, owners: map[netip.Addr]*index.Classifier{}, closed: !few})
			}
			rounds[r].add(l.Classifier, at, points)
		}
		if err := pace.step(); err != nil {
			return nil, err
		}
	}
	for _, r := range rounds {
		var s senders
		var all []index.Addresses
		for _, k := range r.order {
			at := index.Join(r.at[k])
			s.sent = p.space.Over(s.sent, p.space.Turned(p.base(k, flow.Outbound, flow.Inbound), at))
			all = append(all, at)
			if err := pace.ctx.Err(); err != nil {
				return nil, err
			}
		}
		s.at = index.Join(all)
		out = append(out, s)
	}
	return out, nil
}

func (r *round) admits(k *index.Classifier, points []netip.Addr) bool {
	return !r.closed && !slices.ContainsFunc(points, func(a netip.Addr) bool {
		owner := r.owners[a]
		return owner != nil && owner != k
	})
}

func (r *round) add(k *index.Classifier, at index.Addresses, points []netip.Addr) {
	if r.at[k] == nil {
		r.order = append(r.order, k)
	}
	r.at[k] = append(r.at[k], at)
	for _, a := range points {
		r.owners[a] = k
	}
}

// pointsOf lists single addresses; few is false when there are ranges too.
func pointsOf(at index.Addresses) (points []netip.Addr, few bool) {
	for _, r := range at.V4 {
		if r.First != r.Last {
			return nil, false
		}
		points = append(points, r.First.Netip())
	}
	for _, r := range at.V6 {
		if r.First != r.Last {
			return nil, false
		}
		points = append(points, r.First.Netip())
	}
	return points, true
}

// join gives the decision of both ends: a flow passes iff it may leave the one
// and enter the other.
func (p *Prober) join(sent, received space.Map) space.Map {
	key := [2]space.Map{sent, received}
	m, ok := p.joined[key]
	if !ok {
		m = p.space.Combine(sent, received, func(x, y int) int {
			if x == 0 || y == 0 {
				return 0
			}
			return p.label(joinDecisions(p.decisions[x], p.decisions[y]))
		})
		p.joined[key] = m
	}
	return m
}

// joinDecisions tells the rule that ends the flow: the sender's when it denies,
// else the receiver's, which has the last word.
func joinDecisions(out, in Decision) Decision {
	switch {
	case out.Access == flow.Deny:
		return out
	case in.Access == flow.Deny && out.Access == flow.Unknown:
		in.Reason = flow.ReasonRuleUncertain + joinReasons(out.Reason, in.Reason)
		return in
	case in.Access == flow.Deny:
		return in
	case out.Access == flow.Unknown || in.Access == flow.Unknown:
		d := Decision{Access: flow.Unknown}
		if out.Access == flow.Unknown {
			d.Reason = out.Reason
		}
		if in.Access == flow.Unknown {
			d.Reason = joinReasons(d.Reason, in.Reason)
		}
		return d
	case in.Rule == 0:
		return out
	}
	return in
}
