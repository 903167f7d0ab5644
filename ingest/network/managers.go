package network

import (
	"strings"

	"ipflow/ingest/diag"
)

// AdminSources is what a snapshot says about Azure Virtual Network Manager's
// security admin rules. Link turns it into the AdminRules of virtual networks
// and subnets.
type AdminSources struct {
	Managers       []*NetworkManager
	Groups         []*NetworkGroup
	Members        []*GroupMember
	Memberships    []*GroupMembership
	Configurations []*AdminConfiguration
	Collections    []*AdminCollection
	Rules          []*ManagedRule // of the configuration tree, committed versions included
	Effective      []*EffectiveConfigurations
	Lists          []*AdminList
	Deployments    []*AdminDeployment
	Scopes         []*ManagementScope
}

// NetworkManager is Microsoft.Network/networkManagers.
type NetworkManager struct {
	ID, Name string
	Origin   diag.Origin
	// Its scope, as ids or bare names; of other tenants too.
	Subscriptions, ManagementGroups []string
	Facts                           []string // why the scope is not fully known
}

// NetworkGroup is Microsoft.Network/networkManagers/networkGroups.
type NetworkGroup struct {
	ID, Name string
	Origin   diag.Origin
}

// GroupMember is a static member of the network group its id is part of.
type GroupMember struct {
	ID         string
	Origin     diag.Origin
	ResourceID string // virtual network or subnet
	Fact       string // why ResourceID is "": any resource may be the member
}

// GroupMembership is a Resource Graph row: every group, static and dynamic, that
// one virtual network or subnet is a member of.
type GroupMembership struct {
	ID         string
	Origin     diag.Origin
	ResourceID string
	GroupIDs   []string
	Cut        bool     // the query found more rows than the result holds
	Facts      []string // why there may be further groups
}

// AdminConfiguration is a security admin configuration of a network manager.
type AdminConfiguration struct {
	ID, Name string
	Origin   diag.Origin
	// applyOnNetworkIntentPolicyBasedServices: None, AllowRulesOnly, All.
	IntentPolicyServices []string
	Facts                []string // why those are not known
}

// AdminCollection is a rule collection of a configuration, or one committed
// version of it.
type AdminCollection struct {
	ID, Name string
	Origin   diag.Origin
	GroupIDs []string // appliesToGroups
	Facts    []string // why there may be further groups
}

// ManagedRule is an admin rule as a manager holds it. Link adds to the sides of
// the rule what the network groups named there cover.
type ManagedRule struct {
	*Rule
	SourceGroups, DestinationGroups []string // ids of network groups
}

// AdminList is the answer of listNetworkManagerEffectiveSecurityAdminRules for a
// virtual network that it does not name, or of listActiveSecurityAdminRules for
// the regions that its rules name.
type AdminList struct {
	Origin diag.Origin
	Active bool
	Rules  []ListedRule
	More   bool     // the answer has further pages
	Facts  []string // elements that are no rules
}

// ListedRule is a rule in force.
type ListedRule struct {
	*ManagedRule
	GroupIDs []string // the groups its collection applies to
	Region   string   // of active lists
}

// EffectiveConfigurations is a Resource Graph row: the security admin
// configurations in force at a virtual network.
type EffectiveConfigurations struct {
	ID               string
	Origin           diag.Origin
	VirtualNetworkID string
	ConfigurationIDs []string // of committed versions
	State            string   // provisioningState; "" when absent
	Facts            []string // why there may be further configurations
}

// AdminDeployment is the goal state of security admin configurations in one
// region. A later one of the same manager and region replaces it.
type AdminDeployment struct {
	Origin           diag.Origin
	ManagerID        string // "" when only the configurations tell
	Region           string
	ConfigurationIDs []string // ids, or bare names
	RuleIDs          []string // committed versions; empty when not listed
	Status           string   // Deployed, Deploying, Failed, NotStarted; "" when absent
	Time             string   // RFC 3339; "" when absent
	Facts            []string // why there may be further configurations
}

// ManagementScope is a subscription or management group and the management
// groups above it.
type ManagementScope struct {
	ID        string
	Origin    diag.Origin
	Ancestors []string // names, nearest first, the root last
}

// ApplicationGateway is Microsoft.Network/applicationGateways. Admin rules do
// not apply to the subnets it stands in.
type ApplicationGateway struct {
	ID, Name  string
	Origin    diag.Origin
	SubnetIDs []string
}

// within returns the id up to and including the name behind the first segment
// of that kind: within(id, "networkManagers") is the manager's id, "" when the
// id has no such segment.
func within(id, segment string) string {
	parts := strings.Split(id, "/")
	for i := 0; i+1 < len(parts); i++ {
		if strings.EqualFold(parts[i], segment) {
			return strings.Join(parts[:i+2], "/")
		}
	}
	return ""
}

// ManagerOf returns the id of the network manager that an id is part of.
func ManagerOf(id string) string { return within(id, "networkManagers") }

func configurationOf(id string) string { return within(id, "securityAdminConfigurations") }

func collectionOf(id string) string { return within(id, "ruleCollections") }

// live returns the id of the resource of which id may be a committed version.
func live(id string) (resource, version string) {
	parts := strings.Split(id, "/")
	if n := len(parts); n > 2 && strings.EqualFold(parts[n-2], "snapshots") {
		return strings.Join(parts[:n-2], "/"), parts[n-1]
	}
	return id, ""
}

// subscriptionOf returns the Key of the subscription an id is in.
func subscriptionOf(id string) string { return Key(LastSegment(within(id, "subscriptions"))) }

// regionKey makes "West Europe" and "westeurope" the same.
func regionKey(region string) string { return Key(strings.ReplaceAll(region, " ", "")) }
