package assert

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/reach"
	"ipflow/verify/space"
)

// Boundary is where a rule begins or ends in one field.
type Boundary struct {
	Rule    *network.Rule
	Field   string // destination ports, source ports, source, destination
	Inside  string // the last value that matches
	Outside string // the next one
	// Missing is what no assertion is about: inside, outside.
	Missing string
}

// exercise collects the flows that assertions say something about, by NIC.
type exercise struct {
	c     *Checker
	s     *space.Space
	flows map[seat]space.Set
	order []seat
}

// seat is a NIC and direction.
type seat struct {
	nic *network.NIC
	dir flow.Direction
}

func newExercise(c *Checker) *exercise {
	return &exercise{c: c, s: c.prober.Space(), flows: map[seat]space.Set{}}
}

// assertion adds the flows of an assertion, at both ends of each, and returns
// the NICs.
func (e *exercise) assertion(q *question) map[*network.NIC]bool {
	nics := map[*network.NIC]bool{}
	j := judgement{c: e.c, q: q}
	for _, o := range q.obligations() {
		for f := range q.from {
			for t := range q.to {
				ask := j.question(o, f, t)
				for _, dir := range directionsOf(&ask) {
					e.c.prober.Each(ask, dir, func(nic *network.NIC, flows space.Set) {
						at := seat{nic, dir}
						if _, known := e.flows[at]; !known {
							e.order = append(e.order, at)
						}
						e.flows[at] = e.s.Union(e.flows[at], flows)
						nics[nic] = true
					})
				}
			}
		}
	}
	return nics
}

// directionsOf returns the ends that a question asks.
func directionsOf(q *reach.Question) []flow.Direction {
	switch from, to := q.From.IsNICs(), q.To.IsNICs(); {
	case q.Direction != 0:
		return []flow.Direction{q.Direction}
	case to && !from:
		return []flow.Direction{flow.Inbound}
	case from && !to:
		return []flow.Direction{flow.Outbound}
	}
	return []flow.Direction{flow.Inbound, flow.Outbound}
}

// edge is one boundary to look for: values of a dimension, one inside, the next
// outside.
type edge struct {
	Boundary
	dir    flow.Direction
	set    func(b *space.Box, inside bool)
	exists bool // the rule decides flows there at some NIC
	done   bool
}

// measure compares the flows with the rules that match them.
func (e *exercise) measure(ctx context.Context, out *Coverage, until time.Time) error {
	rules, edges := e.rules()
	exercised := map[*network.Rule]bool{}
	for _, nic := range e.c.net.NICs {
		for _, dir := range [...]flow.Direction{flow.Inbound, flow.Outbound} {
			if err := ctx.Err(); err != nil {
				return err
			}
			standing := e.c.prober.RulesAt(nic, dir)
			if len(standing) == 0 {
				continue
			}
			matches := e.c.prober.Matches(nic, dir)
			asked := e.flows[seat{nic, dir}]
			for _, r := range standing {
				if !rules[r] {
					continue
				}
				in := matches(r.Ref)
				met := e.s.Intersection(in, asked)
				exercised[r] = exercised[r] || !met.Empty()
				late := !until.IsZero() && time.Now().After(until)
				for i := range edges[r] {
					if x := &edges[r][i]; x.dir == dir && !x.done && !late {
						e.edge(x, in, met, asked)
					}
				}
			}
		}
	}
	for ref := 1; ref < e.c.net.RuleCount(); ref++ {
		r := e.c.net.Rule(flow.RuleRef(ref))
		if !rules[r] {
			continue
		}
		out.Rules++
		if exercised[r] {
			out.Exercised++
		} else {
			out.Idle = append(out.Idle, r)
		}
		for i := range edges[r] {
			switch x := &edges[r][i]; {
			case x.done:
				out.Boundaries++
				out.BoundariesExercised++
			case x.exists:
				out.Boundaries++
				out.Open = append(out.Open, x.Boundary)
			}
		}
	}
	slices.SortStableFunc(out.Idle, func(a, b *network.Rule) int { return a.Origin.Compare(b.Origin) })
	slices.SortStableFunc(out.Open, func(a, b Boundary) int { return a.Rule.Origin.Compare(b.Rule.Origin) })
	return nil
}

// rules returns the rules that count, and their boundaries.
func (e *exercise) rules() (rules map[*network.Rule]bool, edges map[*network.Rule][]edge) {
	rules, edges = map[*network.Rule]bool{}, map[*network.Rule][]edge{}
	for _, nic := range e.c.net.NICs {
		for _, dir := range [...]flow.Direction{flow.Inbound, flow.Outbound} {
			for _, r := range e.c.prober.RulesAt(nic, dir) {
				if r.Kind != network.DefaultRule && !rules[r] {
					rules[r] = true
					edges[r] = edgesOf(r)
				}
			}
		}
	}
	return rules, edges
}

// maxBoxes bounds the boxes with which both sides of a boundary are compared.
const maxBoxes = 256

// edge looks for flows on both sides of a boundary that differ in nothing else.
func (e *exercise) edge(x *edge, in, met, asked space.Set) {
	at := anyBox()
	x.set(&at, true)
	here := e.s.Box(at)
	if e.s.Intersection(in, here).Empty() {
		return // the rule decides nothing there at this NIC
	}
	x.exists = true
	inside := e.s.Intersection(met, here)
	if inside.Empty() {
		if x.Missing == "" {
			x.Missing = "inside"
		}
		return
	}
	x.Missing = "outside"
	boxes := e.s.Boxes(inside)
	for i := range boxes[:min(len(boxes), maxBoxes)] {
		b := boxes[i]
		x.set(&b, false)
		if !e.s.Intersection(e.s.Box(b), asked).Empty() {
			x.done = true
			return
		}
	}
}

// edgesOf returns the boundaries of a rule: its ports, and the literal prefixes
// of the remote side (the local side is the NIC's own addresses).
func edgesOf(r *network.Rule) (out []edge) {
	for _, dir := range [...]flow.Direction{flow.Inbound, flow.Outbound} {
		if !r.In(dir) {
			continue
		}
		if r.Protocol == network.AnyProtocol || flow.Protocol(r.Protocol).HasPorts() {
			out = append(out, portEdges(r, dir, "destination ports", r.DestinationPorts, dir == flow.Inbound)...)
			out = append(out, portEdges(r, dir, "source ports", r.SourcePorts, dir == flow.Outbound)...)
		}
		field, list := "source", r.Source
		if dir == flow.Outbound {
			field, list = "destination", r.Destination
		}
		out = append(out, addressEdges(r, dir, field, list)...)
	}
	return out
}

func portEdges(r *network.Rule, dir flow.Direction, field string, list []flow.PortRange, local bool) (out []edge) {
	ranges := make([]interval.Range[interval.Port], len(list))
	for i, p := range list {
		ranges[i] = interval.Range[interval.Port]{First: interval.Port(p.First), Last: interval.Port(p.Last)}
	}
	add := func(inside, outside interval.Port) {
		out = append(out, edge{
			Boundary: Boundary{Rule: r, Field: field, Inside: fmt.Sprint(inside), Outside: fmt.Sprint(outside)}, dir: dir,
			set: func(b *space.Box, in bool) {
				p := outside
				if in {
					p = inside
				}
				ports := interval.Set[interval.Port]{{First: p, Last: p}}
				if local {
					b.LocalPorts = ports
				} else {
					b.RemotePorts = ports
				}
			},
		})
	}
	for _, x := range interval.Of(ranges) {
		if x.First > 0 {
			add(x.First, x.First-1)
		}
		if x.Last < 65535 {
			add(x.Last, x.Last+1)
		}
	}
	return out
}

func addressEdges(r *network.Rule, dir flow.Direction, field string, list []network.Selector) (out []edge) {
	var all index.Addresses
	for _, s := range list {
		if s.Kind != network.SelectPrefix {
			continue
		}
		all = all.Or(reach.AddressesOf(s.Prefix))
	}
	add := func(inside, outside index.Addresses) {
		text := func(a index.Addresses) string { return a.Prefixes()[0].Addr().String() }
		out = append(out, edge{
			Boundary: Boundary{Rule: r, Field: field, Inside: text(inside), Outside: text(outside)}, dir: dir,
			set: func(b *space.Box, in bool) {
				if b.Remote = outside; in {
					b.Remote = inside
				}
			},
		})
	}
	for _, x := range all.V4 {
		one := func(a interval.IPv4) index.Addresses {
			return index.Addresses{V4: interval.Set[interval.IPv4]{{First: a, Last: a}}}
		}
		if before, more := x.First.Prev(); more {
			add(one(x.First), one(before))
		}
		if after, more := x.Last.Next(); more {
			add(one(x.Last), one(after))
		}
	}
	for _, x := range all.V6 {
		one := func(a interval.IPv6) index.Addresses {
			return index.Addresses{V6: interval.Set[interval.IPv6]{{First: a, Last: a}}}
		}
		if before, more := x.First.Prev(); more {
			add(one(x.First), one(before))
		}
		if after, more := x.Last.Next(); more {
			add(one(x.Last), one(after))
		}
	}
	return out
}
