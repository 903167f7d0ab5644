package network

import (
	"net/netip"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
)

// LoadBalancer is Microsoft.Network/loadBalancers. Ids of its parts are ids of
// child resources.
type LoadBalancer struct {
	ID, Name  string
	Origin    diag.Origin
	SKU       string
	Frontends []Frontend
	Pools     []BackendPool
	Rules     []BalancingRule
	Facts     []string // parts that could not be read
}

// Frontend is one frontendIPConfiguration.
type Frontend struct {
	ID, Name   string
	Private    netip.Addr // invalid for a public frontend
	PublicIPID string
	PrefixID   string // public IP prefix of an outbound frontend
}

// BackendPool is a backendAddressPool: ip configurations by id, or addresses.
type BackendPool struct {
	ID, Name    string
	IPConfigIDs []string
	Addresses   []PoolAddress
}

// PoolAddress is a loadBalancerBackendAddress given by address.
type PoolAddress struct {
	Name             string
	Address          netip.Addr
	VirtualNetworkID string
	IPConfigID       string // set where the address stands for an ip configuration
	// Mappings are the frontend ports Azure gave it in inbound NAT rules for a pool.
	Mappings []PortMapping
}

// PortMapping is one frontend port of a NAT rule and where it leads.
type PortMapping struct {
	RuleName     string
	FrontendPort uint16
	BackendPort  uint16
}

// BalancingKind tells what kind of rule leads from a frontend to backends.
type BalancingKind uint8

// The kinds of balancing rule.
const (
	LoadBalancingRule BalancingKind = iota
	InboundNATRule                  // one frontend port to one ip configuration
	InboundNATPool                  // a range of ports, one for each instance of a pool or scale set
)

// AllProtocols is the protocol All of a balancing rule: TCP and UDP.
const AllProtocols = AnyProtocol

// BalancingRule leads from a frontend and its ports to backends.
type BalancingRule struct {
	ID, Name   string
	Origin     diag.Origin
	Kind       BalancingKind
	FrontendID string
	Protocol   ProtocolMatch
	Ports      flow.PortRange // frontend ports
	// BackendPort is where it leads; 0 keeps the frontend port (HA ports).
	BackendPort uint16
	// FloatingIP keeps the frontend address as destination (enableFloatingIP).
	FloatingIP bool
	PoolIDs    []string
	IPConfigID string   // backend of an inbound NAT rule
	Facts      []string // what could not be read
}

// IPConfigID returns the id of an ip configuration of the NIC.
func (c *NIC) IPConfigID(cfg *IPConfig) string { return c.ID + "/ipConfigurations/" + cfg.Name }

// Has reports whether the ip configuration is a member of the pool, by the
// pool's word or its own, or by address.
func (p *BackendPool) Has(c *NIC, cfg *IPConfig) bool {
	own := Key(c.IPConfigID(cfg))
	for _, id := range p.IPConfigIDs {
		if Key(id) == own {
			return true
		}
	}
	for _, id := range cfg.PoolIDs {
		if Key(id) == Key(p.ID) {
			return true
		}
	}
	for i := range p.Addresses {
		if p.Addresses[i].Is(c, cfg) {
			return true
		}
	}
	return false
}

// Is reports whether the entry stands for the ip configuration.
func (a *PoolAddress) Is(c *NIC, cfg *IPConfig) bool {
	if a.IPConfigID != "" {
		return Key(a.IPConfigID) == Key(c.IPConfigID(cfg))
	}
	return a.Address.IsValid() && a.Address == cfg.Address &&
		(a.VirtualNetworkID == "" || c.VirtualNetworkKey() == "" || Key(a.VirtualNetworkID) == c.VirtualNetworkKey())
}
