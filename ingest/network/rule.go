package network

import (
	"slices"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
)

// SecurityGroup is Microsoft.Network/networkSecurityGroups.
type SecurityGroup struct {
	ID, Name string
	Origin   diag.Origin
	Rules    []*Rule // Link completes the default rules and sorts by evaluation order
	// Facts that make the whole list uncertain ("unresolved:…" for rules made
	// by an expression that could not be evaluated): any rule may be missing.
	Facts     []string
	SubnetIDs []string // back references, used where the subnet is not in the snapshot
	NICIDs    []string
}

// RuleKind tells user rules, default rules and admin rules apart: Azure spells
// their names differently.
type RuleKind uint8

// The kinds of rule.
const (
	UserRule RuleKind = iota
	DefaultRule
	AdminRule
)

// AnyProtocol is the protocol `*`.
const AnyProtocol ProtocolMatch = -1

// ProtocolMatch is the protocol field of a rule: AnyProtocol or a number.
type ProtocolMatch int16

// Rule is one security rule, default rule or admin rule.
//
// A field that could not be read widens the rule (unknown protocol: any) and
// leaves a fact in Facts, so that the rule at most may match.
type Rule struct {
	Ref      flow.RuleRef // set by Link
	Kind     RuleKind
	ID, Name string
	Origin   diag.Origin
	Group    *SecurityGroup // nil for admin rules

	Priority  int32          // lower wins
	Direction flow.Direction // 0 when unreadable: the rule stands in both lists
	Access    flow.Access    // Unknown when unreadable: any may be meant
	// Always makes the Allow of an admin rule final: AlwaysAllow. Other admin
	// rules that allow leave the decision to the security groups.
	Always    bool
	ManagerID string // network manager; admin rules only
	Protocol  ProtocolMatch

	// A side with no selector is a rule Azure would refuse; it matches
	// nothing (see the assumption empty-side).
	Source, Destination []Selector
	// Ports; a port text that could not be read leaves a fact in Facts.
	SourcePorts, DestinationPorts []flow.PortRange

	Facts []string // sorted; a match is uncertain on each of these
	Text  RuleText
}

// RuleText keeps the fields as the source wrote them, for inspect and reports.
type RuleText struct {
	Priority, Direction, Access, Protocol              string
	Source, Destination, SourcePorts, DestinationPorts []string
	Unresolved                                         bool // some field is still an expression
}

// In reports whether the rule stands in the list of the direction.
func (r *Rule) In(d flow.Direction) bool { return r.Direction == d || r.Direction == 0 }

// List returns the group's rules of one direction in evaluation order.
func (g *SecurityGroup) List(d flow.Direction) []*Rule {
	out := make([]*Rule, 0, len(g.Rules)/2+1)
	for _, r := range g.Rules {
		if r.In(d) {
			out = append(out, r)
		}
	}
	return out
}

// Spelling returns the rule's name as IP flow verify writes it: securityRules/X,
// defaultSecurityRules/X, or the bare name of an admin rule.
func (r *Rule) Spelling() string {
	switch r.Kind {
	case DefaultRule:
		return "defaultSecurityRules/" + r.Name
	case AdminRule:
		return r.Name
	}
	return "securityRules/" + r.Name
}

// DiagnosticSpelling returns the rule's name as NSG diagnostics and flow logs
// write it: UserRule_X, DefaultRule_X, or the bare name of an admin rule.
func (r *Rule) DiagnosticSpelling() string {
	switch r.Kind {
	case DefaultRule:
		return "DefaultRule_" + r.Name
	case AdminRule:
		return r.Name
	}
	return "UserRule_" + r.Name
}

// GroupID returns the id of the NSG or network manager the rule belongs to.
func (r *Rule) GroupID() string {
	if r.Group == nil {
		return r.ManagerID
	}
	return r.Group.ID
}

// AddFact records that a match of the rule is uncertain.
func (r *Rule) AddFact(fact string) {
	if i, found := slices.BinarySearch(r.Facts, fact); !found {
		r.Facts = slices.Insert(r.Facts, i, fact)
	}
}

// A defaultRule is a row of the table in Microsoft's NSG overview, "Default
// security rules"; names and casing as the API returns them.
type defaultRule struct {
	name        string
	direction   flow.Direction
	priority    int32
	source      SelectorKind
	destination SelectorKind
	access      flow.Access
}

var defaultRules = [...]defaultRule{
	{"AllowVnetInBound", flow.Inbound, 65000, SelectVirtualNetwork, SelectVirtualNetwork, flow.Allow},
	{"AllowAzureLoadBalancerInBound", flow.Inbound, 65001, SelectAzureLoadBalancer, SelectAny, flow.Allow},
	{"DenyAllInBound", flow.Inbound, 65500, SelectAny, SelectAny, flow.Deny},
	{"AllowVnetOutBound", flow.Outbound, 65000, SelectVirtualNetwork, SelectVirtualNetwork, flow.Allow},
	{"AllowInternetOutBound", flow.Outbound, 65001, SelectAny, SelectInternet, flow.Allow},
	{"DenyAllOutBound", flow.Outbound, 65500, SelectAny, SelectAny, flow.Deny},
}

// rule synthesises the default rule for a group that does not export it.
func (d *defaultRule) rule(g *SecurityGroup) *Rule {
	src, dst := Selector{Kind: d.source, Text: d.source.canonical()}, Selector{Kind: d.destination, Text: d.destination.canonical()}
	return &Rule{
		Kind: DefaultRule, ID: g.ID + "/defaultSecurityRules/" + d.name, Name: d.name,
		Origin: g.Origin, Group: g,
		Priority: d.priority, Direction: d.direction, Access: d.access, Protocol: AnyProtocol,
		Source: []Selector{src}, Destination: []Selector{dst},
		SourcePorts: []flow.PortRange{flow.AllPorts}, DestinationPorts: []flow.PortRange{flow.AllPorts},
		Text: RuleText{
			Direction: d.direction.String(), Access: d.access.String(), Protocol: "*",
			Source: []string{src.Text}, Destination: []string{dst.Text},
			SourcePorts: []string{"*"}, DestinationPorts: []string{"*"},
		},
	}
}
