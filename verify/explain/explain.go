package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/oracle"
)

// DefaultNear is how many rules that did not match are shown per layer.
const DefaultNear = 3

// Explanation is everything about one answer.
type Explanation struct {
	Tuple    flow.Tuple
	Verdict  flow.Verdict
	Rule     string // deciding rule as IP flow verify spells it; "" when none
	Path     Path
	Layers   []Layer  // in the order of the packet's way
	Blockers []string // what denies, and what may; empty for a certain Allow
	// Exempt says why admin rules of the virtual network do not apply, or not
	// all of them; "" when they do, or there are none.
	Exempt string
	// ShowNear is how many rules that did not match are shown per layer: 0
	// means DefaultNear, a negative number none.
	ShowNear int

	sources map[network.SelectorKind]string
}

// Path is where the packet is; ids, "" when not known.
type Path struct {
	NIC, VM, Subnet, VirtualNetwork string
}

// Layer is what one layer says.
type Layer struct {
	Layer     flow.Layer
	GroupID   string
	AppliedTo string
	Source    string      // of admin rules: where the list comes from
	Missing   string      // facts: the rules are not known
	Reached   bool        // no earlier layer surely ends the way
	Access    flow.Access // Unknown when not certain; Allow also for passing on
	Matched   *Rule       // the first that surely matches; nil when none does
	Undecided []Rule      // before it, in evaluation order
	Near      []Rule      // before it, those that do not match, fewest failing fields first
}

// Rule is a rule and why it does, may or does not match.
type Rule struct {
	Name     string // as IP flow verify spells it
	Kind     network.RuleKind
	Priority int32
	Access   string
	Origin   diag.Origin
	Why      []string // fields that fail, or facts that are missing; empty when matched

	rule *network.Rule
}

// Of answers the question again and keeps the reasons.
func Of(n *network.Network, nic *network.NIC, t flow.Tuple) *Explanation {
	trace := oracle.New(n).Trace(nic, t)
	e := &Explanation{Tuple: t, Verdict: trace.Verdict, Path: pathOf(n, nic), Exempt: n.AdminExemption(nic), sources: sourcesOf(n, nic)}
	if r := n.Rule(trace.Verdict.Rule); r != nil {
		e.Rule = r.Spelling()
	}
	reached := true
	for i := range trace.Layers {
		l := explainLayer(&trace.Layers[i], t)
		l.Reached = reached
		reached = reached && trace.Layers[i].CanPass()
		e.Layers = append(e.Layers, l)
		if b := blocker(&trace.Layers[i], &l); b != "" {
			e.Blockers = append(e.Blockers, b)
		}
	}
	if trace.Verdict.Access == flow.Allow {
		e.Blockers = nil
	}
	return e
}

func pathOf(n *network.Network, nic *network.NIC) Path {
	p := Path{NIC: nic.ID, VM: nic.VMID, Subnet: nic.SubnetID, VirtualNetwork: network.ParentID(nic.SubnetID)}
	if nic.Subnet != nil {
		p.Subnet = nic.Subnet.ID
	}
	if v := n.VirtualNetworkOf(nic); v != nil {
		p.VirtualNetwork = v.ID
	}
	return p
}

func explainLayer(x *oracle.LayerTrace, t flow.Tuple) Layer {
	l := Layer{Layer: x.Layer, GroupID: x.GroupID, AppliedTo: x.AppliedTo, Missing: x.Missing}
	if x.Admin != nil {
		l.Source = x.Admin.Source
	}
	if allow, deny := x.CanEnd(flow.Allow), x.CanEnd(flow.Deny); allow != deny {
		l.Access = flow.Deny
		if allow {
			l.Access = flow.Allow
		}
	}
	for i := range x.Rules {
		r := &x.Rules[i]
		line := ruleLine(r.Rule)
		switch m := r.Match(); m.Truth {
		case oracle.Yes:
			l.Matched = &line
		case oracle.Maybe:
			line.Why = m.Facts
			l.Undecided = append(l.Undecided, line)
		case oracle.No:
			line.Why = failures(r, t)
			l.Near = append(l.Near, line)
		}
	}
	slices.SortStableFunc(l.Near, func(a, b Rule) int { return cmp.Compare(len(a.Why), len(b.Why)) })
	return l
}

func ruleLine(r *network.Rule) Rule {
	access := r.Access.String()
	if r.Always {
		access = "AlwaysAllow"
	}
	return Rule{Name: r.Spelling(), Kind: r.Kind, Priority: r.Priority, Access: access, Origin: r.Origin, rule: r}
}

// failures says of each field that does not match what was asked and what the
// rule wants.
func failures(x *oracle.RuleTrace, t flow.Tuple) []string {
	r := x.Rule
	source, destination := t.Remote, t.Local
	if t.Direction == flow.Outbound {
		source, destination = t.Local, t.Remote
	}
	sourcePort, destinationPort := t.Ports()
	var why []string
	add := func(f oracle.Field, name, asked, wants string) {
		if f.Truth == oracle.No {
			why = append(why, name+" "+asked+" is not "+wants)
		}
	}
	port := func(p uint16) string {
		if !t.Protocol.HasPorts() {
			return "of " + t.Protocol.String() + " packets"
		}
		return fmt.Sprint(p)
	}
	add(x.Protocol, "protocol", t.Protocol.String(), protocolText(r))
	add(x.Source, "source", source.String(), selectorText(r.Source))
	add(x.SourcePort, "source port", port(sourcePort), portText(r.SourcePorts))
	add(x.Destination, "destination", destination.String(), selectorText(r.Destination))
	add(x.DestinationPort, "destination port", port(destinationPort), portText(r.DestinationPorts))
	return why
}

func protocolText(r *network.Rule) string {
	if r.Protocol == network.AnyProtocol {
		return "*"
	}
	return flow.Protocol(r.Protocol).String()
}

func selectorText(list []network.Selector) string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = s.Text
		if s.Kind == network.SelectASG {
			texts[i] = "application security group " + network.LastSegment(s.Text)
		}
	}
	return several(texts)
}

func portText(list []flow.PortRange) string {
	texts := make([]string, len(list))
	for i, p := range list {
		switch {
		case p == flow.AllPorts:
			texts[i] = "*"
		case p.First == p.Last:
			texts[i] = fmt.Sprint(p.First)
		default:
			texts[i] = fmt.Sprintf("%d-%d", p.First, p.Last)
		}
	}
	return several(texts)
}

// several joins alternatives, at most a handful of them.
func several(texts []string) string {
	const most = 6
	switch n := len(texts); {
	case n == 0:
		return "named at all, which matches nothing"
	case n > most:
		return fmt.Sprintf("%s or %d more", strings.Join(texts[:most], ", "), n-most)
	case n > 1:
		return strings.Join(texts[:n-1], ", ") + " or " + texts[n-1]
	}
	return texts[0]
}

// blocker says how a layer denies, or may; "" when it surely does not.
func blocker(x *oracle.LayerTrace, l *Layer) string {
	if !x.CanEnd(flow.Deny) {
		return ""
	}
	where := l.place()
	if l.Missing != "" {
		return where + " may deny: " + l.Missing
	}
	var doubts []string
	for _, r := range l.Undecided {
		if r.rule.Access != flow.Allow {
			doubts = append(doubts, r.Name)
		}
	}
	switch {
	case l.Access == flow.Deny && len(doubts) > 0:
		return fmt.Sprintf("%s denies by %s, or by %s before it", where, l.Matched.title(), strings.Join(doubts, ", "))
	case l.Access == flow.Deny:
		return where + " denies by " + l.Matched.title()
	case l.Matched != nil && l.Matched.rule.Access == flow.Deny:
		return fmt.Sprintf("%s denies by %s unless an undecidable rule allows before it", where, l.Matched.title())
	}
	return where + " may deny by " + strings.Join(doubts, ", ")
}

// place names a layer by kind and group.
func (l *Layer) place() string {
	name := network.LastSegment(l.GroupID)
	if name == "" {
		name = "of " + network.LastSegment(l.AppliedTo)
	}
	return l.Layer.String() + " " + name
}

// title is a rule's name with where it stands.
func (r *Rule) title() string {
	s := r.Name
	if o := r.Origin.String(); o != "" {
		s += " (" + o + ")"
	}
	return s
}

// near returns the rules that did not match and are shown.
func (e *Explanation) near(l *Layer) []Rule {
	most := e.ShowNear
	if most == 0 {
		most = DefaultNear
	}
	return l.Near[:min(max(most, 0), len(l.Near))]
}

// Sources says what the tags of the rules shown were computed from.
func (e *Explanation) Sources() []string {
	seen := map[network.SelectorKind]bool{}
	for i := range e.Layers {
		l := &e.Layers[i]
		shown := slices.Concat(l.Undecided, e.near(l))
		if l.Matched != nil {
			shown = append(shown, *l.Matched)
		}
		for _, r := range shown {
			for _, s := range slices.Concat(r.rule.Source, r.rule.Destination) {
				seen[s.Kind] = true
			}
		}
	}
	var out []string
	for _, kind := range [...]network.SelectorKind{network.SelectVirtualNetwork, network.SelectInternet, network.SelectAzureLoadBalancer, network.SelectServiceTag} {
		if seen[kind] && e.sources[kind] != "" {
			out = append(out, e.sources[kind])
		}
	}
	return out
}

func sourcesOf(n *network.Network, nic *network.NIC) map[network.SelectorKind]string {
	tags := "service tags: no tag file in the snapshot"
	if n.Tags != nil {
		tags = "service tags: " + n.Tags.Origin.File
		if n.Tags.ChangeNumber != "" {
			tags += ", change number " + n.Tags.ChangeNumber
		}
	}
	out := map[network.SelectorKind]string{
		network.SelectVirtualNetwork: "VirtualNetwork: " + virtualNetworkText(n, nic),
		network.SelectInternet:       "Internet: " + internetText(n),
		network.SelectServiceTag:     tags,
	}
	if t := nic.ObservedInternet(); t != nil {
		out[network.SelectInternet] = fmt.Sprintf("Internet: %d prefixes from %s", len(t.Prefixes), t.SourceOf())
	}
	if t := nic.ObservedLoadBalancer(); t != nil {
		out[network.SelectAzureLoadBalancer] = fmt.Sprintf("AzureLoadBalancer: %d prefixes from %s", len(t.Prefixes), t.SourceOf())
	}
	if nic.Observed != nil && len(nic.Observed.Tags) > 0 {
		out[network.SelectServiceTag] += "; other tags as in the effective rules of the NIC"
	}
	return out
}

func virtualNetworkText(n *network.Network, nic *network.NIC) string {
	const most = 12
	parts, facts := oracle.Parts(n, nic)
	var texts []string
	observed := nic.ObservedVirtualNetwork()
	for i, p := range parts {
		if i == most {
			texts = append(texts, fmt.Sprintf("%d more", len(parts)-most))
			break
		}
		if observed == nil {
			texts = append(texts, p.Prefix.String()+" ("+p.From+")")
		} else {
			texts = append(texts, p.Prefix.String())
		}
	}
	s := strings.Join(texts, ", ")
	if observed != nil {
		s += ", from " + observed.SourceOf()
	}
	if len(facts) > 0 {
		s += "; possibly more: " + strings.Join(facts, ",")
	}
	return s
}

func internetText(n *network.Network) string {
	s := n.Internet.Source
	if s == "" {
		s = "every address"
	}
	if n.Internet.Date != "" && !strings.Contains(s, n.Internet.Date) {
		s += " of " + n.Internet.Date
	}
	if n.Assumptions.Value("internet-minus-vnet") == "on" {
		s += ", without the virtual network and its peers"
	}
	return s
}
