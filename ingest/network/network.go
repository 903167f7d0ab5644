package network

import (
	"net/netip"
	"slices"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
)

// Network is everything a snapshot says about filtering. Slices are sorted by
// Key of the id once linked.
type Network struct {
	VirtualNetworks []*VirtualNetwork
	Subnets         []*Subnet // all subnets, those of VirtualNetworks included
	SecurityGroups  []*SecurityGroup
	RouteTables     []*RouteTable
	NICs            []*NIC
	VirtualMachines []*VirtualMachine
	ASGs            []*ApplicationSecurityGroup
	PublicIPs       []*PublicIP
	Gateways        []*Gateway
	LocalGateways   []*LocalGateway
	Connections     []*Connection
	LoadBalancers   []*LoadBalancer

	ApplicationGateways []*ApplicationGateway
	Connectivity        []*Connectivity // connectivity configurations; Link places them
	Managed             AdminSources    // what is known of admin rules; Link places them

	NetworkWatchers []*NetworkWatcher
	FlowLogs        []*FlowLog

	Tags        *ServiceTags // nil when the snapshot holds no tag file
	Internet    InternetList // what the Internet tag covers before VNets are taken out
	Assumptions Assumptions
	// MembersFact, when not "", says why NICs may be missing from the snapshot:
	// any address may then be a member of any ASG.
	MembersFact string

	rules      []*Rule // by Ref; rules[0] is nil
	nicsByKey  map[string][]*NIC
	nicsByAddr map[netip.Addr][]*NIC
	vmsByKey   map[string][]*VirtualMachine
	asgMembers map[string][]Member
	vnetsByKey map[string]*VirtualNetwork

	gatewaysByKey map[string]*Gateway
	localGateways map[string]*LocalGateway
	connectionsOf map[string][]*Connection // by Key of the owning gateway
	// By virtual network: gateways whose hinterland it shares, and facts about
	// gateways that are not in the snapshot.
	gatewaysOf     map[*VirtualNetwork][]*Gateway
	gatewayFactsOf map[*VirtualNetwork][]string

	doubtfulMembers []Member
	adminElsewhere  map[string]*AdminRules // by subnet, of NICs whose subnet is not in the snapshot
	adminNowhere    map[string]*AdminRules // by fact, of NICs whose subnet nobody names
}

// VirtualNetwork is Microsoft.Network/virtualNetworks.
type VirtualNetwork struct {
	ID, Name string
	Origin   diag.Origin
	Location string         // region as written, "" when not known
	Prefixes []netip.Prefix // addressSpace, both families, masked
	Facts    []string       // why Prefixes may be incomplete ("unresolved:…")
	Peerings []*Peering

	Groups []*ConnectedGroup // meshes it belongs to

	Subnets []*Subnet // set by Link
	// Admin reach every subnet that has none of its own and is not exempt; nil
	// when none do. Link keeps what it finds here.
	Admin       *AdminRules
	AdminExempt string // why admin rules, or not all of them, apply nowhere in it; for people, set by Link
}

// Peering is one direction of a peering, owned by a virtual network.
type Peering struct {
	ID, Name string
	Origin   diag.Origin
	RemoteID string
	// State is peeringState ("Connected", "Initiated", …); "" in templates,
	// which declare peerings without a state.
	State             string
	AllowAccess       bool // allowVirtualNetworkAccess, true when absent
	UseRemoteGateways bool // useRemoteGateways
	// AllowGatewayTransit lets the peer use this side's gateway.
	AllowGatewayTransit bool
	Remote              []netip.Prefix // remoteAddressSpace: the prefixes last synced
	RemoteKnown         bool           // remoteAddressSpace was present
	SyncLevel           string         // peeringSyncLevel, "" when absent
	Partial             bool           // peerCompleteVnets is false: Remote is all that is shared
	// Names of the subnets that take part on each side; of partial peerings only.
	LocalSubnets, RemoteSubnets []string
	OnlyIPv6                    bool     // enableOnlyIPv6Peering
	Facts                       []string // what could not be read about it

	// Set by Link.
	RemoteVNet *VirtualNetwork // nil when not in the snapshot
	Counts     bool            // its prefixes are part of VirtualNetwork
	Prefixes   []netip.Prefix  // those prefixes; valid iff Counts
	Fact       string          // "missing-peer:ID" or another fact: it may add unknown prefixes
}

// Subnet is a subnet of a virtual network.
type Subnet struct {
	ID, Name                string
	Origin                  diag.Origin
	VirtualNetworkID        string
	Prefixes                []netip.Prefix
	Group                   GroupRef
	RouteTable              RouteTableRef
	PrivateEndpointPolicies string   // privateEndpointNetworkPolicies, "" when absent
	Delegations             []string // service names, "Microsoft.Sql/managedInstances"
	HasGateways             bool     // lists ip configurations of application gateways

	VirtualNetwork *VirtualNetwork // set by Link; nil when not in the snapshot
	Admin          *AdminRules     // admin rules that reach it; nil when none do. Link keeps what it finds here
	AdminExempt    string          // why admin rules do not apply to it; for people, set by Link
}

// GroupRef is an association with a security group.
type GroupRef struct {
	ID    string         // as written; "" when none is associated or Fact explains
	Group *SecurityGroup // set by Link; nil when absent or not in the snapshot
	Fact  string         // why Group is nil although one is, or may be, associated
}

// RouteTableRef is an association with a route table.
type RouteTableRef struct {
	ID    string
	Table *RouteTable
	Fact  string
}

// RouteTable is Microsoft.Network/routeTables.
type RouteTable struct {
	ID, Name  string
	Origin    diag.Origin
	Routes    []Route
	Facts     []string // routes that could not be read
	SubnetIDs []string // back references
}

// Route is one user-defined route.
type Route struct {
	Name    string
	Prefix  netip.Prefix // invalid when the route names a service tag
	Tag     string       // addressPrefix that is a service tag
	NextHop string       // nextHopType as written
	Origin  diag.Origin
}

// NIC is a network interface of a VM, a scale set instance or a private
// endpoint.
type NIC struct {
	ID, Name        string
	Origin          diag.Origin
	VMID            string
	MAC             string
	SubnetID        string // of its first ip configuration
	SubnetFact      string // why Subnet is nil: "missing-subnet:ID", "missing-vnet:ID", "unresolved:…"
	Group           GroupRef
	IPConfigs       []IPConfig
	IPForwarding    bool
	PrivateEndpoint string // id of the private endpoint that owns it
	// StandIn says that no export shows the NIC: it is one of the instances that
	// the model of a scale set describes.
	StandIn  bool
	Observed *Observation // what effective exports say about it; nil without

	Subnet *Subnet // set by Link
	Index  int     // position in Network.NICs, set by Link
}

// IPConfig is one ipConfiguration of a NIC.
type IPConfig struct {
	Name    string
	Address netip.Addr // invalid when dynamic and not recorded
	Primary bool
	ASGs    []string // ids of application security groups, as written
	// ASGFact, when not "", says why ASGs may be incomplete: whether the
	// configuration is a member of any other ASG is uncertain.
	ASGFact    string
	PublicIPID string
	SubnetID   string
	// Load balancers name their members too; either word counts.
	PoolIDs    []string // loadBalancerBackendAddressPools
	NATRuleIDs []string // loadBalancerInboundNatRules
	NATPoolIDs []string // loadBalancerInboundNatPools, of scale sets
}

// VirtualMachine is a VM or scale set instance; NICIDs are its forward references.
type VirtualMachine struct {
	ID, Name   string
	Origin     diag.Origin
	NICIDs     []string
	PowerState string // "" when the export does not say

	NICs []*NIC // set by Link: NICIDs found, and NICs that name this VM
}

// ApplicationSecurityGroup is an ASG object; membership stands at the NICs.
type ApplicationSecurityGroup struct {
	ID, Name string
	Origin   diag.Origin
}

// PublicIP is a public IP address; SKU decides the "closed without NSG" note.
type PublicIP struct {
	ID, Name string
	Origin   diag.Origin
	SKU      string
	Address  netip.Addr
}

// Member is one ip configuration of an ASG, or one that may be. Address is
// invalid when the snapshot does not record it.
type Member struct {
	NIC     *NIC
	Address netip.Addr
	Fact    string // why membership is uncertain, "" when it is not
}

// AddressFact is the fact that the NIC has an address nobody recorded.
func (c *NIC) AddressFact() string { return "missing-address:" + c.ID }

// Rule returns the rule of a reference, nil for 0.
func (n *Network) Rule(ref flow.RuleRef) *Rule { return n.rules[ref] }

// RuleCount returns how many references Rule accepts; refs run from 1 to RuleCount()-1.
func (n *Network) RuleCount() int { return len(n.rules) }

// NICsNamed returns the NICs whose id or name is s, ignoring case.
func (n *Network) NICsNamed(s string) []*NIC { return n.nicsByKey[Key(s)] }

// NICsOwning returns the NICs that have the private address.
func (n *Network) NICsOwning(a netip.Addr) []*NIC { return n.nicsByAddr[a] }

// VMsNamed returns the virtual machines whose id or name is s, ignoring case.
func (n *Network) VMsNamed(s string) []*VirtualMachine { return n.vmsByKey[Key(s)] }

// ASGMembers returns the members of an ASG over all NICs.
func (n *Network) ASGMembers(id string) []Member { return n.asgMembers[Key(id)] }

// DoubtfulMembers returns the ip configurations whose list of ASGs could not be
// read whole: each may be a member of any ASG it does not list.
func (n *Network) DoubtfulMembers() []Member { return n.doubtfulMembers }

// InASG reports whether the ip configuration lists the ASG.
func (c *IPConfig) InASG(id string) bool {
	return slices.ContainsFunc(c.ASGs, func(own string) bool { return strings.EqualFold(own, id) })
}

// IPConfigOf returns the ip configuration that owns the address, or nil.
func (c *NIC) IPConfigOf(a netip.Addr) *IPConfig {
	for i := range c.IPConfigs {
		if c.IPConfigs[i].Address == a {
			return &c.IPConfigs[i]
		}
	}
	return nil
}

// IPConfigsFor returns the ip configurations that may own the address: the one
// that does, or else those whose address is not recorded.
func (c *NIC) IPConfigsFor(a netip.Addr) []*IPConfig {
	if own := c.IPConfigOf(a); own != nil {
		return []*IPConfig{own}
	}
	var out []*IPConfig
	for i := range c.IPConfigs {
		if !c.IPConfigs[i].Address.IsValid() {
			out = append(out, &c.IPConfigs[i])
		}
	}
	return out
}

// VirtualNetworkKey returns the Key of the id of the NIC's virtual network,
// whether that is in the snapshot or not; "" when the NIC's subnet is unknown.
func (c *NIC) VirtualNetworkKey() string { return Key(ParentID(c.SubnetID)) }

// ParentID returns the id of the resource that a child id ("…/subnets/x") is
// part of, "" when the id has no parent.
func ParentID(id string) string {
	for range 2 {
		i := strings.LastIndexByte(id, '/')
		if i < 0 {
			return ""
		}
		id = id[:i]
	}
	return id
}

// LastSegment returns the name at the end of an id.
func LastSegment(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// VirtualNetworkOf returns the virtual network of the NIC, nil when it is not in
// the snapshot.
func (n *Network) VirtualNetworkOf(c *NIC) *VirtualNetwork {
	return n.vnetsByKey[c.VirtualNetworkKey()]
}

// Includes reports whether the NIC's subnet takes part in the peering: a partial
// one names subnets.
func (p *Peering) Includes(c *NIC) bool {
	return !p.Partial || len(p.LocalSubnets) == 0 ||
		slices.ContainsFunc(p.LocalSubnets, func(s string) bool { return Key(s) == Key(LastSegment(c.SubnetID)) })
}

// PartialFact is the fact that the peering is said to serve other subnets only.
func (p *Peering) PartialFact() string { return "subnet-peering:" + p.ID }

// VirtualNetworkFact is the fact that the NIC's virtual network is not in the
// snapshot; meaningful iff VirtualNetworkOf is nil.
func (c *NIC) VirtualNetworkFact() string {
	if c.SubnetID == "" {
		return c.SubnetFact
	}
	return "missing-vnet:" + ParentID(c.SubnetID)
}

// HasAddress reports whether any ip configuration has a known private address.
func (c *NIC) HasAddress() bool {
	for i := range c.IPConfigs {
		if c.IPConfigs[i].Address.IsValid() {
			return true
		}
	}
	return false
}
