package frontend

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// Question is a frontend's address and port.
type Question struct {
	Address  netip.Addr
	Port     uint16
	Protocol flow.Protocol // TCP or UDP: load balancers forward nothing else
}

// Answer is where a frontend leads.
type Answer struct {
	// Owners are the load balancers and NICs that have the address, as ids.
	// Without any the address is no frontend of the snapshot.
	Owners   []string
	Backends []Backend // sorted by NIC id and rule
	// Facts, sorted, say why there may be other backends.
	Facts []string
}

// Backend is one ip configuration that a packet may arrive at.
type Backend struct {
	NIC      *network.NIC // nil when it is not in the snapshot
	NICID    string       // its id, or the address of a backend without a known NIC
	IPConfig string
	// Local and Port are the destination that security rules see. Local is
	// invalid when the backend's address is not recorded.
	Local netip.Addr
	Port  uint16
	// Via is the id of the rule, or of the public IP, that leads there.
	Via      string
	Floating bool
	// OneOf says that the frontend port belongs to one of several backends, and
	// the snapshot does not say which.
	OneOf bool
	Fact  string // why it cannot be asked: "missing-nic:ID", "missing-address:ID", "floating-port:ID"
}

// Resolve finds the backends.
func Resolve(n *network.Network, q Question) Answer {
	s := search{n: n, q: q, public: map[string]bool{}}
	for _, p := range n.PublicIPs {
		if p.Address == q.Address {
			s.public[network.Key(p.ID)] = true
		}
	}
	for _, lb := range n.LoadBalancers {
		s.balancer(lb)
	}
	for _, c := range n.NICs {
		for i := range c.IPConfigs {
			if cfg := &c.IPConfigs[i]; s.public[network.Key(cfg.PublicIPID)] {
				s.out.Owners = append(s.out.Owners, c.ID)
				s.member(&Backend{Port: q.Port, Via: cfg.PublicIPID}, c, cfg)
			}
		}
	}
	out := &s.out
	slices.Sort(out.Facts)
	out.Facts = slices.Compact(out.Facts)
	slices.SortStableFunc(out.Backends, func(a, b Backend) int {
		return strings.Compare(network.Key(a.NICID)+"\x00"+a.IPConfig+"\x00"+network.Key(a.Via), network.Key(b.NICID)+"\x00"+b.IPConfig+"\x00"+network.Key(b.Via))
	})
	return *out
}

type search struct {
	n      *network.Network
	q      Question
	public map[string]bool // keys of the public IPs with the address
	out    Answer
}

func (s *search) balancer(lb *network.LoadBalancer) {
	fronts := map[string]bool{}
	for i := range lb.Frontends {
		f := &lb.Frontends[i]
		if f.Private == s.q.Address || s.public[network.Key(f.PublicIPID)] && f.PublicIPID != "" {
			fronts[network.Key(f.ID)] = true
		}
	}
	if len(fronts) == 0 {
		return
	}
	s.out.Owners = append(s.out.Owners, lb.ID)
	s.out.Facts = append(s.out.Facts, lb.Facts...)
	var matched []*network.BalancingRule
	for i := range lb.Rules {
		r := &lb.Rules[i]
		if r.FrontendID != "" && !fronts[network.Key(r.FrontendID)] {
			continue
		}
		if len(r.Facts) > 0 {
			s.out.Facts = append(s.out.Facts, r.Facts...)
			continue
		}
		if r.Ports.Contains(s.q.Port) && (r.Protocol == network.AllProtocols || flow.Protocol(r.Protocol) == s.q.Protocol) {
			matched = append(matched, r)
		}
	}
	// A NAT rule takes its port out of a rule for all ports and out of the range
	// of the NAT pool it was made of.
	if nat := slices.IndexFunc(matched, func(r *network.BalancingRule) bool { return r.Kind == network.InboundNATRule }); nat >= 0 {
		matched = matched[nat : nat+1]
	}
	for _, r := range matched {
		s.rule(lb, r)
	}
}

// rule adds the backends of one rule.
func (s *search) rule(lb *network.LoadBalancer, r *network.BalancingRule) {
	b := Backend{Port: r.BackendPort, Via: r.ID, Floating: r.FloatingIP}
	switch {
	case r.BackendPort == 0:
		b.Port = s.q.Port // HA ports
	case r.FloatingIP && r.Kind != network.InboundNATPool && r.BackendPort != s.q.Port:
		// Whether the port is rewritten where the address is not, Microsoft does
		// not say.
		b.Fact = "floating-port:" + r.ID
	}
	if r.Kind != network.LoadBalancingRule && len(r.PoolIDs) == 0 {
		s.named(b, r)
		return
	}
	for _, id := range r.PoolIDs {
		i := slices.IndexFunc(lb.Pools, func(p network.BackendPool) bool { return strings.EqualFold(p.ID, id) })
		if i < 0 {
			s.out.Facts = append(s.out.Facts, "missing-pool:"+id)
			continue
		}
		s.pool(b, r, &lb.Pools[i])
	}
}

// named adds the ip configurations that a NAT rule, or a scale set's NAT pool,
// belongs to.
func (s *search) named(b Backend, r *network.BalancingRule) {
	found := false
	for _, c := range s.n.NICs {
		for i := range c.IPConfigs {
			cfg := &c.IPConfigs[i]
			if r.IPConfigID != "" && strings.EqualFold(c.IPConfigID(cfg), r.IPConfigID) || listed(cfg.NATRuleIDs, r.ID) || listed(cfg.NATPoolIDs, r.ID) {
				found = true
				b.OneOf = c.StandIn
				s.member(&b, c, cfg)
			}
		}
	}
	switch {
	case found:
	case r.IPConfigID != "":
		s.absent(b, r.IPConfigID)
	case r.Kind == network.InboundNATPool:
		s.out.Facts = append(s.out.Facts, "missing-nic:"+r.ID)
	}
}

func listed(ids []string, id string) bool {
	return slices.ContainsFunc(ids, func(s string) bool { return strings.EqualFold(s, id) })
}

// pool adds the members of a backend pool. In an inbound NAT rule for a pool each
// port is one member's.
func (s *search) pool(b Backend, r *network.BalancingRule, p *network.BackendPool) {
	if r.Kind == network.InboundNATPool {
		for i := range p.Addresses {
			a := &p.Addresses[i]
			for _, m := range a.Mappings {
				if strings.EqualFold(m.RuleName, r.Name) && m.FrontendPort == s.q.Port {
					b.Port = m.BackendPort
					s.address(b, a)
					return
				}
			}
		}
		b.OneOf = true
	}
	for _, c := range s.n.NICs {
		for i := range c.IPConfigs {
			if cfg := &c.IPConfigs[i]; p.Has(c, cfg) {
				s.member(&b, c, cfg)
			}
		}
	}
	for _, id := range p.IPConfigIDs {
		if !s.known(id) {
			s.absent(b, id)
		}
	}
	for i := range p.Addresses {
		if !s.owned(&p.Addresses[i]) {
			s.address(b, &p.Addresses[i])
		}
	}
}

// known reports whether the ip configuration is in the snapshot.
func (s *search) known(id string) bool {
	for _, c := range s.n.NICsNamed(network.ParentID(id)) {
		for i := range c.IPConfigs {
			if strings.EqualFold(c.IPConfigID(&c.IPConfigs[i]), id) {
				return true
			}
		}
	}
	return false
}

func (s *search) owned(a *network.PoolAddress) bool {
	for _, c := range s.n.NICs {
		for i := range c.IPConfigs {
			if a.Is(c, &c.IPConfigs[i]) {
				return true
			}
		}
	}
	return false
}

// address adds the backend that an entry of a pool stands for.
func (s *search) address(b Backend, a *network.PoolAddress) {
	for _, c := range s.n.NICs {
		for i := range c.IPConfigs {
			if cfg := &c.IPConfigs[i]; a.Is(c, cfg) {
				s.member(&b, c, cfg)
				return
			}
		}
	}
	switch {
	case a.IPConfigID != "" && s.known(a.IPConfigID):
	case a.IPConfigID != "":
		s.absent(b, a.IPConfigID)
	case a.Address.IsValid():
		b.NICID, b.Fact = a.Address.String(), "missing-nic:"+a.Address.String()
		s.add(b)
	}
}

// absent adds a backend whose NIC no export shows: an instance of a scale set of
// which the model is known, or one that cannot be asked.
func (s *search) absent(b Backend, id string) {
	b.NICID, b.IPConfig = network.ParentID(id), network.LastSegment(id)
	if set, _, ok := strings.Cut(network.Key(id), "/virtualmachines/"); ok {
		for _, c := range s.n.NICs {
			if !c.StandIn || network.Key(c.VMID) != set || !strings.EqualFold(c.Name, network.LastSegment(b.NICID)) {
				continue
			}
			for i := range c.IPConfigs {
				if cfg := &c.IPConfigs[i]; strings.EqualFold(cfg.Name, b.IPConfig) {
					s.member(&b, c, cfg)
					return
				}
			}
		}
	}
	b.Fact = "missing-nic:" + b.NICID
	s.add(b)
}

// member adds an ip configuration of the snapshot.
func (s *search) member(b *Backend, c *network.NIC, cfg *network.IPConfig) {
	m := *b
	m.NIC, m.NICID, m.IPConfig, m.Local = c, c.ID, cfg.Name, cfg.Address
	switch {
	case m.Floating:
		m.Local = s.q.Address
	case !cfg.Address.IsValid() && m.Fact == "":
		m.Fact = c.AddressFact()
	case cfg.Address.Is4() != s.q.Address.Is4():
		return // of the other family: a dual-stack load balancer's other half
	}
	s.add(m)
}

// add adds a backend once: pools are named from both ends.
func (s *search) add(b Backend) {
	if !slices.ContainsFunc(s.out.Backends, func(o Backend) bool { return o == b }) {
		s.out.Backends = append(s.out.Backends, b)
	}
}

// Notes says, for readers, what is special about the backend.
func (b *Backend) Notes(q Question) []string {
	var out []string
	if b.Floating {
		out = append(out, fmt.Sprintf("floating IP: the destination stays %s, so rules must name that address or *", q.Address))
	}
	if b.OneOf {
		out = append(out, fmt.Sprintf("port %d belongs to one instance; which one the snapshot does not say", q.Port))
	}
	return out
}
