package diagnose

import (
	"fmt"
	"slices"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/oracle"
)

// question is a query at one NIC.
type question struct {
	*query
	net  *network.Network
	sets *index.Selectors
	nic  *network.NIC
	// What the sides of the query hold, in the families both have.
	sourceSet, destinationSet index.Reach
	v4, v6                    bool
	overlaps                  map[*network.Rule]overlap
}

// overlap says of each field of a rule whether it meets the query at all, and
// what of it.
type overlap [5]oracle.Truth

// The fields of a rule in the API's order.
const (
	protocolField = iota
	sourceField
	sourcePortField
	destinationField
	destinationPortField
)

var fieldNames = [5]string{"protocol", "source", "source port", "destination", "destination port"}

// everywhere4 and everywhere6 are all addresses of a family.
var (
	everywhere4 = interval.Set[interval.IPv4]{{First: 0, Last: 1<<32 - 1}}
	everywhere6 = interval.Set[interval.IPv6]{{Last: interval.IPv6{Hi: 1<<64 - 1, Lo: 1<<64 - 1}}}
)

func newQuestion(n *network.Network, sets *index.Selectors, nic *network.NIC, q *query) (*question, error) {
	x := &question{
		query: q, net: n, sets: sets, nic: nic,
		sourceSet: sets.Of(nic, q.source), destinationSet: sets.Of(nic, q.destination),
		overlaps: map[*network.Rule]overlap{},
	}
	source, destination := x.sourceSet.Most(), x.destinationSet.Most()
	// A tag without any address says nothing about families.
	x.v4 = (len(source.V4) > 0 || source.Empty()) && (len(destination.V4) > 0 || destination.Empty())
	x.v6 = (len(source.V6) > 0 || source.Empty()) && (len(destination.V6) > 0 || destination.Empty())
	if !x.v4 && !x.v6 {
		return nil, fmt.Errorf("source %s and destination %s have no address family in common", q.source.Text, q.destination.Text)
	}
	x.restrict(&x.sourceSet)
	x.restrict(&x.destinationSet)
	return x, nil
}

func (x *question) restrict(r *index.Reach) {
	var families index.Addresses
	if x.v4 {
		families.V4 = everywhere4
	}
	if x.v6 {
		families.V6 = everywhere6
	}
	r.Sure = r.Sure.And(families)
	for i := range r.May {
		r.May[i].Where = r.May[i].Where.And(families)
	}
	r.May = slices.DeleteFunc(r.May, func(d index.Doubt) bool { return d.Where.Empty() })
}

// compared is one field of a rule against the query: whether it holds all that
// is asked, and whether it meets it at all.
type compared struct {
	oracle.Field
	meets oracle.Truth
}

func decided(holds, meets bool) compared {
	return compared{oracle.Field{Truth: truth(holds)}, truth(holds || meets)}
}

func truth(b bool) oracle.Truth {
	if b {
		return oracle.Yes
	}
	return oracle.No
}

// compare sets a rule against the query, field by field.
func (x *question) compare(r *network.Rule) oracle.RuleTrace {
	fields := [5]compared{
		protocolField:    x.protocolOf(r),
		sourceField:      x.side(r, true),
		destinationField: x.side(r, false),
	}
	if x.hasPorts() {
		// The question has no source port, so it asks about all of them.
		fields[sourcePortField] = ports(r.SourcePorts, flow.AllPorts)
		fields[destinationPortField] = ports(r.DestinationPorts, x.port)
	} else {
		choice := x.net.Assumptions.Value("portless-ports")
		fields[sourcePortField] = portless(r, r.SourcePorts, choice)
		fields[destinationPortField] = portless(r, r.DestinationPorts, choice)
	}
	var o overlap
	for i := range fields {
		o[i] = fields[i].meets
	}
	x.overlaps[r] = o
	return oracle.RuleTrace{
		Rule:     r,
		Protocol: fields[protocolField].Field,
		Source:   fields[sourceField].Field, SourcePort: fields[sourcePortField].Field,
		Destination: fields[destinationField].Field, DestinationPort: fields[destinationPortField].Field,
	}
}

// protocolOf: `*` is held by rules for `*` only; it meets every rule whose
// packets have the port asked about.
func (x *question) protocolOf(r *network.Rule) compared {
	if r.Protocol == network.AnyProtocol {
		return decided(true, true)
	}
	p := flow.Protocol(r.Protocol)
	if x.anyProtocol {
		return decided(false, p.HasPorts() || x.port == flow.AllPorts)
	}
	if p != flow.ICMP || !x.v6 || x.protocol != flow.ICMP && x.protocol != flow.ICMPv6 {
		return decided(p == x.protocol, false)
	}
	// An Icmp rule and ICMP over IPv6 (protocol 58): not settled.
	over4 := x.v4 && x.protocol == flow.ICMP
	switch x.net.Assumptions.Value("icmp-on-ipv6") {
	case "match":
		return decided(!x.v4 || over4, true)
	case "never":
		return decided(false, over4)
	}
	if x.v4 && !over4 {
		return compared{oracle.Field{}, oracle.Maybe}
	}
	meets := oracle.Maybe
	if over4 {
		meets = oracle.Yes
	}
	return compared{oracle.Field{Truth: oracle.Maybe, Facts: []string{"icmp-on-ipv6:" + r.ID}}, meets}
}

func ports(rule []flow.PortRange, asked flow.PortRange) compared {
	held, want := portSet(rule...), portSet(asked)
	return decided(held.Covers(want), len(interval.Intersection(held, want)) > 0)
}

func portSet(ranges ...flow.PortRange) interval.Set[interval.Port] {
	out := make([]interval.Range[interval.Port], len(ranges))
	for i, r := range ranges {
		out[i] = interval.Range[interval.Port]{First: interval.Port(r.First), Last: interval.Port(r.Last)}
	}
	return interval.Of(out)
}

func portless(r *network.Rule, ranges []flow.PortRange, choice string) compared {
	f := oracle.Portless(r, ranges, choice)
	return compared{f, f.Truth}
}

// side compares one side of the rule. On the NIC's own side one address is
// decided as IP flow verify would, so that membership in an application
// security group is that of its ip configuration.
func (x *question) side(r *network.Rule, source bool) compared {
	asked, set, selectors := x.destination, &x.destinationSet, r.Destination
	if source {
		asked, set, selectors = x.source, &x.sourceSet, r.Source
	}
	local := source == (x.direction == flow.Outbound)
	if a, ok := single(asked); ok && local {
		sure, facts := x.sets.Local(x.nic, r, source, a)
		if !sure && len(facts) > 0 {
			return compared{oracle.Field{Truth: oracle.Maybe, Facts: facts}, oracle.Maybe}
		}
		return decided(sure, false)
	}
	if names(selectors, asked) {
		return decided(true, true)
	}
	held := x.sets.Side(x.nic, r, source, local)
	x.restrict(&held)
	return holds(&held, set)
}

// names reports whether the selectors name the same tag, or anything at all.
func names(selectors []network.Selector, asked network.Selector) bool {
	found := false
	for _, s := range selectors {
		if s.Kind == network.SelectASG {
			return false // empty groups may disable the rule
		}
		found = found || s.Kind == network.SelectAny || s.Kind == asked.Kind && s.Kind != network.SelectPrefix &&
			(s.Kind != network.SelectServiceTag || network.Key(s.Text) == network.Key(asked.Text))
	}
	return found
}

// holds compares two three-valued sets: whether every completion of the facts
// puts asked inside held, none does, or some.
func holds(held, asked *index.Reach) compared {
	most, least := held.Most(), asked.Sure
	all := asked.Most()
	meets := oracle.No
	switch {
	case !held.Sure.And(least).Empty():
		meets = oracle.Yes
	case !most.And(all).Empty():
		meets = oracle.Maybe
	}
	outside := all.Minus(held.Sure)
	switch {
	case all.Empty():
		// A tag that is known to be empty: only a rule naming it, or *, holds it.
		return decided(false, false)
	case outside.Empty():
		return decided(true, true)
	case !most.Covers(least):
		return compared{oracle.Field{}, meets}
	}
	var facts []string
	for _, d := range slices.Concat(held.May, asked.May) {
		if !d.Where.And(outside).Empty() {
			facts = append(facts, d.Fact)
		}
	}
	slices.Sort(facts)
	return compared{oracle.Field{Truth: oracle.Maybe, Facts: slices.Compact(facts)}, meets}
}
