package oracle

import (
	"slices"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// Truth is three-valued. The zero value is No.
type Truth = truth

// The three truths.
const (
	No    = no    // surely does not match
	Maybe = maybe // matches or not, depending on facts
	Yes   = yes   // surely matches
)

// Field is how one field of a rule compares with a question.
type Field struct {
	Truth Truth
	Facts []string // sorted, what would settle it; empty unless Truth is Maybe
}

// RuleTrace is how one rule compares with a question, field by field; each is
// compared whatever the others say.
type RuleTrace struct {
	Rule                                                       *network.Rule
	Protocol, Source, SourcePort, Destination, DestinationPort Field
}

// Match joins the fields and the facts of the rule itself.
func (r *RuleTrace) Match() Field {
	return field(both(
		r.Protocol.match(), r.Source.match(), r.SourcePort.match(),
		r.Destination.match(), r.DestinationPort.match(), own(r.Rule),
	))
}

// LayerTrace is one layer on the way of a packet.
type LayerTrace struct {
	Layer     flow.Layer
	Group     *network.SecurityGroup // nil iff Missing is not ""
	GroupID   string                 // as the association names it; "" when not known
	AppliedTo string                 // id of the subnet or NIC the group is associated with
	Missing   string                 // fact: a group is, or may be, associated but not known
	// Rules of the direction in evaluation order, up to and including the
	// first that surely matches.
	Rules []RuleTrace
}

// Matched returns the rule that surely matches, nil when the group is missing.
func (l *LayerTrace) Matched() *network.Rule {
	if len(l.Rules) == 0 {
		return nil
	}
	return l.Rules[len(l.Rules)-1].Rule
}

// CanEnd reports whether some completion of the facts ends the layer with the access.
func (l *LayerTrace) CanEnd(access flow.Access) bool {
	x := l.outcome()
	return x.canEnd(access)
}

// Trace is everything an answer rests on. All layers are evaluated, those after
// a denying one too.
type Trace struct {
	Layers  []LayerTrace
	Verdict flow.Verdict
}

// Trace answers like Classify and keeps the way there.
func (o *Oracle) Trace(c *network.NIC, t flow.Tuple) Trace {
	q := question{net: o.net, nic: c, t: t}
	layers := Layers(c, t.Direction)
	for i := range layers {
		layers[i].Evaluate(t.Direction, q.trace)
	}
	return Trace{Layers: layers, Verdict: Conclude(layers)}
}

// Layers returns the layers of a NIC in Azure's order for the direction, not
// yet evaluated. A layer without group is left out; one whose group is not
// known is kept.
func Layers(c *network.NIC, d flow.Direction) []LayerTrace {
	subnet := LayerTrace{Layer: flow.Subnet, AppliedTo: c.SubnetID, Missing: c.SubnetFact}
	if s := c.Subnet; s != nil {
		subnet.AppliedTo = s.ID
		subnet.Group, subnet.GroupID, subnet.Missing = s.Group.Group, s.Group.ID, s.Group.Fact
	}
	nic := LayerTrace{
		Layer: flow.NetworkInterface, AppliedTo: c.ID,
		Group: c.Group.Group, GroupID: c.Group.ID, Missing: c.Group.Fact,
	}
	out := []LayerTrace{subnet, nic}
	if d == flow.Outbound {
		slices.Reverse(out)
	}
	out = slices.DeleteFunc(out, func(l LayerTrace) bool { return l.Group == nil && l.Missing == "" })
	for i := range out {
		if g := out[i].Group; g != nil {
			out[i].GroupID, out[i].Missing = g.ID, ""
		}
	}
	return out
}

// Evaluate fills Rules by comparing the group's rules of the direction until
// one surely matches. Some rule must: lists end in one that matches everything.
func (l *LayerTrace) Evaluate(d flow.Direction, compare func(*network.Rule) RuleTrace) {
	if l.Group == nil {
		return
	}
	for _, r := range l.Group.List(d) {
		x := compare(r)
		l.Rules = append(l.Rules, x)
		if x.Match().Truth == Yes {
			return
		}
	}
	panic("oracle: no rule of " + l.GroupID + " matches, not even DenyAll")
}

// Conclude joins evaluated layers, in order, into a verdict.
func Conclude(layers []LayerTrace) flow.Verdict {
	outcomes := make([]outcome, len(layers))
	for i := range layers {
		outcomes[i] = layers[i].outcome()
	}
	return conclude(outcomes)
}

func (l *LayerTrace) outcome() outcome {
	out := outcome{layer: l.Layer, missing: l.Missing, sure: l.Matched()}
	for i := range l.Rules {
		if m := l.Rules[i].Match(); m.Truth == Maybe {
			out.may = append(out.may, candidate{l.Rules[i].Rule, m.Facts})
		}
	}
	return out
}

// trace is matches with its fields kept apart.
func (q *question) trace(r *network.Rule) RuleTrace {
	source, destination := q.t.Remote, q.t.Local
	if q.t.Direction == flow.Outbound {
		source, destination = q.t.Local, q.t.Remote
	}
	x := RuleTrace{
		Rule:        r,
		Protocol:    field(q.protocol(r)),
		Source:      field(q.side(r, r.Source, source.Netip(), q.t.Direction == flow.Outbound)),
		Destination: field(q.side(r, r.Destination, destination.Netip(), q.t.Direction == flow.Inbound)),
	}
	if !q.t.Protocol.HasPorts() {
		choice := q.assume("portless-ports")
		x.SourcePort = Portless(r, r.SourcePorts, choice)
		x.DestinationPort = Portless(r, r.DestinationPorts, choice)
		return x
	}
	sourcePort, destinationPort := q.t.Ports()
	x.SourcePort = field(q.sourcePort(r, sourcePort))
	x.DestinationPort = field(when(inAny(r.DestinationPorts, destinationPort)))
	return x
}

// Portless compares a port field of a rule with a protocol that has no ports;
// choice is the assumption portless-ports in force.
func Portless(r *network.Rule, ranges []flow.PortRange, choice string) Field {
	switch {
	case full(ranges), choice == "ignore":
		return Field{Truth: Yes}
	case choice == "never":
		return Field{Truth: No}
	}
	return Field{Truth: Maybe, Facts: []string{"ports-on-portless:" + r.ID}}
}

func own(r *network.Rule) match {
	if len(r.Facts) > 0 {
		return undecided(r.Facts...)
	}
	return isYes
}

func field(m match) Field {
	if m.truth != maybe {
		return Field{Truth: m.truth}
	}
	facts := slices.Clone(m.facts)
	slices.Sort(facts)
	return Field{Maybe, slices.Compact(facts)}
}

func (f Field) match() match { return match{f.Truth, f.Facts} }
