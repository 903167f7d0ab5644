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
	Layer flow.Layer
	// The rules of the layer: a security group's, or for SecurityAdmin the
	// admin rules. Both are nil iff Missing is not "".
	Group     *network.SecurityGroup
	Admin     *network.AdminRules
	GroupID   string // the group or network manager; "" when not known
	AppliedTo string // id of the virtual network, subnet or NIC
	Missing   string // facts, comma-joined: rules are, or may be, here but not known

	// Set by Evaluate: the rules of the direction in evaluation order, up to
	// and including the first that surely matches.
	Rules []RuleTrace
	// Sure is that rule: nil when Missing, and when no admin rule surely matches.
	Sure *network.Rule
}

// CanEnd reports whether some completion of the facts ends the layer with the
// access: Allow also stands for passing on to the next layer.
func (l *LayerTrace) CanEnd(access flow.Access) bool {
	x := l.outcome()
	return x.canEnd(access)
}

// CanPass reports whether some completion of the facts lets the packet go on to
// the next layer.
func (l *LayerTrace) CanPass() bool {
	x := l.outcome()
	return x.from(0)&passes != 0
}

// MayMatch reports whether some rule of the layer surely or possibly matches.
func (l *LayerTrace) MayMatch() bool {
	return l.Missing != "" || l.Sure != nil || slices.ContainsFunc(l.Rules, func(r RuleTrace) bool { return r.Match().Truth == Maybe })
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
	layers := Layers(o.net, c, t.Direction)
	for i := range layers {
		layers[i].Evaluate(t.Direction, q.trace)
	}
	return Trace{Layers: layers, Verdict: Conclude(layers)}
}

// Layers returns the layers of a NIC in Azure's order for the direction, not
// yet evaluated. A layer without rules is left out; one whose rules are not
// known is kept.
func Layers(n *network.Network, c *network.NIC, d flow.Direction) []LayerTrace {
	subnet := LayerTrace{Layer: flow.Subnet, AppliedTo: c.SubnetID}
	if c.Subnet != nil {
		subnet.AppliedTo = c.Subnet.ID
	}
	subnet.associate(n.SubnetGroup(c))
	nic := LayerTrace{Layer: flow.NetworkInterface, AppliedTo: c.ID}
	nic.associate(c.Group)
	out := []LayerTrace{adminLayer(n, c), subnet, nic}
	if d == flow.Outbound {
		slices.Reverse(out[1:])
	}
	return slices.DeleteFunc(out, func(l LayerTrace) bool { return l.Group == nil && l.Admin == nil && l.Missing == "" })
}

func (l *LayerTrace) associate(ref network.GroupRef) {
	l.GroupID = ref.ID
	if l.Group = ref.Group; l.Group == nil {
		l.Missing = ref.Fact
		return
	}
	l.GroupID = l.Group.ID
}

func adminLayer(n *network.Network, c *network.NIC) LayerTrace {
	l := LayerTrace{Layer: flow.SecurityAdmin, AppliedTo: network.ParentID(c.SubnetID)}
	if v := n.VirtualNetworkOf(c); v != nil {
		l.AppliedTo = v.ID
	}
	admin := n.AdminRulesOf(c)
	if admin == nil {
		return l
	}
	if len(admin.Rules) > 0 {
		l.GroupID = admin.Rules[0].GroupID()
	}
	if len(admin.Facts) > 0 {
		l.Missing = join(slices.Clone(admin.Facts))
		return l
	}
	l.Admin = admin
	return l
}

// Evaluate fills Rules and Sure by comparing the rules of the direction until
// one surely matches. Of a security group's some must: its list ends in one
// that matches everything.
func (l *LayerTrace) Evaluate(d flow.Direction, compare func(*network.Rule) RuleTrace) {
	var list []*network.Rule
	switch {
	case l.Group != nil:
		list = l.Group.List(d)
	case l.Admin != nil:
		list = l.Admin.List(d)
	default:
		return
	}
	for _, r := range list {
		x := compare(r)
		l.Rules = append(l.Rules, x)
		if x.Match().Truth == Yes {
			l.Sure = r
			if l.Admin != nil {
				l.GroupID = r.GroupID()
			}
			return
		}
	}
	if l.Group != nil {
		panic("oracle: no rule of " + l.GroupID + " matches, not even DenyAll")
	}
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
	out := outcome{layer: l.Layer, missing: l.Missing, sure: l.Sure}
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
