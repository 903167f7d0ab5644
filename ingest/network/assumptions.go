package network

import (
	"fmt"
	"slices"
	"strings"
)

// Assumption is one choice where Azure's behaviour is not settled.
type Assumption struct {
	Name    string
	Values  []string // the first is the default
	Meaning string   // one sentence per value where it is not obvious
	Source  string   // what is known and from where
}

// Assumptions holds the choices in force. The zero value holds the defaults.
type Assumptions struct {
	set map[string]string // only what differs from the default
}

// assumptionTable lists every choice, sorted by name.
var assumptionTable = []Assumption{
	{
		Name: "absent-private-endpoint-policies", Values: []string{"disabled", "enabled", "unknown"},
		Meaning: "whether a subnet that does not record privateEndpointNetworkPolicies filters its private endpoints by security groups",
		Source:  "disable-private-endpoint-network-policy documents disabled as the default; it depends on the API version",
	},
	{
		Name: "admin-configurations", Values: []string{"ignored", "deployed", "unknown"},
		Meaning: "security admin configurations that no export shows deployed or not; deployed: everywhere in their manager's scope; unknown: each rule may be in force",
		Source:  "concept-deployments: a configuration takes effect only once committed to a region",
	},
	{
		Name: "connected-groups", Values: []string{"include", "unknown", "exclude"},
		Meaning: "whether VirtualNetwork holds the address spaces of the other members of a Virtual Network Manager connected group; include: surely where an effective export shows the group, possibly where only its configuration is known",
		Source:  "service-tags-overview does not name connected groups; effective routes show them with next hop ConnectedGroup",
	},
	{
		Name: "empty-asg-disables-rule", Values: []string{"off", "on"},
		Meaning: "on: a rule that lists several application security groups, one of them without members, matches nothing",
		Source:  "support reply in MicrosoftDocs/azure-docs#77328 (2021); not in the documentation",
	},
	{
		Name: "empty-side", Values: []string{"never", "unknown"},
		Meaning: "never: a rule without any source (or destination) matches nothing; unknown: it may match",
		Source:  "the service refuses such rules (Azure/azure-cli#8615)",
	},
	{
		Name: "gateway-connections", Values: []string{"listed", "complete", "unknown"},
		Meaning: "listed: a snapshot that holds one connection of a gateway holds them all; complete: also when it holds none; unknown: a gateway always may have further connections",
		Source:  "a gateway does not list its connections, so no export proves that none is left out",
	},
	{
		Name: "icmp-on-ipv6", Values: []string{"unknown", "match", "never"},
		Meaning: "whether a rule with protocol Icmp matches ICMP over IPv6 (protocol 58)",
		Source:  "not documented",
	},
	{
		Name: "internet-minus-vnet", Values: []string{"on", "off"},
		Meaning: "on: the Internet tag leaves out the address spaces of the virtual network and its connected peers",
		Source:  "wording of service-tags-overview (\"outside the virtual network\"); not in a recording",
	},
	{
		Name: "literal-any", Values: []string{"ipv4", "both"},
		Meaning: "ipv4: 0.0.0.0/0 typed in a rule covers IPv4 only; both: it means * (likewise ::/0 for IPv6)",
		Source:  "not documented",
	},
	{
		Name: "microsoft-internal", Values: []string{"excluded", "included"},
		Meaning: "whether the Internet tag leaves out the Microsoft-internal ranges of its newest recording",
		Source:  "recorded effective rules, 2018 to 2024",
	},
	{
		Name: "network-group-members", Values: []string{"unknown", "listed"},
		Meaning: "whether a network group may have members, by Azure Policy, that no export shows; listed: only those exported",
		Source:  "concept-network-groups: dynamic membership; Resource Graph's networkgroupmemberships list it",
	},
	{
		Name: "platform-tags", Values: []string{"addresses", "unknown"},
		Meaning: "addresses: AzurePlatformDNS is 168.63.129.16 and AzurePlatformIMDS is 169.254.169.254 on every port; unknown: undecidable",
		Source:  "NSG overview, Azure platform considerations",
	},
	{
		Name: "portless-ports", Values: []string{"unknown", "ignore", "never"},
		Meaning: "what a rule with ports other than * does to a protocol without ports",
		Source:  "not settled (MicrosoftDocs/azure-docs#51522)",
	},
	{
		Name: "truncated-exports", Values: []string{"unknown", "complete"},
		Meaning: "unknown: where an export says that it holds a part of the rows, any address may belong to an application security group; complete: the other pages are here too",
		Source:  "our choice: NICs that were not exported may be members",
	},
	{
		Name: "udr-next-hops", Values: []string{"appliance,gateway", "appliance", "all", "none"},
		Meaning: "next hop types whose user-defined routes add their prefix to VirtualNetwork",
		Source:  "service-tags-overview names user-defined routes; VirtualAppliance is recorded, the others are not",
	},
}

// AllAssumptions lists every choice with its default first in Values, sorted by name.
func AllAssumptions() []Assumption { return slices.Clone(assumptionTable) }

// Set changes one choice. Dashes and case of the name do not matter.
func (a *Assumptions) Set(name, value string) error {
	fold := func(s string) string { return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(s)) }
	for _, as := range assumptionTable {
		if fold(as.Name) != fold(name) {
			continue
		}
		if value == "true" && slices.Contains(as.Values, "on") {
			value = "on"
		}
		if value == "false" && slices.Contains(as.Values, "off") {
			value = "off"
		}
		i := slices.IndexFunc(as.Values, func(v string) bool { return strings.EqualFold(v, value) })
		if i < 0 {
			return fmt.Errorf("assumption %s takes %s, not %q", as.Name, strings.Join(as.Values, " or "), value)
		}
		if a.set == nil {
			a.set = map[string]string{}
		}
		a.set[as.Name] = as.Values[i]
		return nil
	}
	return fmt.Errorf("no assumption is called %q; 'ipflow assumptions' lists them", name)
}

// Value returns the choice in force for a name of the table; it panics on others.
func (a Assumptions) Value(name string) string {
	if v, ok := a.set[name]; ok {
		return v
	}
	for _, as := range assumptionTable {
		if as.Name == name {
			return as.Values[0]
		}
	}
	panic("network: no assumption " + name)
}

// String renders all choices in force as name=value, sorted, joined by ';'.
func (a Assumptions) String() string {
	parts := make([]string, len(assumptionTable))
	for i, as := range assumptionTable {
		parts[i] = as.Name + "=" + a.Value(as.Name)
	}
	return strings.Join(parts, ";")
}
