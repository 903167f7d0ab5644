package azure

import (
	"slices"
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// loadBalancers reads load balancers; outbound rules lead nowhere and are left out.
func (b *builder) loadBalancers() {
	b.net.LoadBalancers = each(b, (*reader).loadBalancer, whole, typeBalancer)
}

func (r *reader) loadBalancer(res Resource) *network.LoadBalancer {
	p := res.Properties
	lb := &network.LoadBalancer{ID: res.ID, Name: res.Name, Origin: res.Node.Origin(), SKU: res.Node.Path("sku", "name").Text()}
	for _, part := range []struct {
		segment string
		read    func(*network.LoadBalancer, *jsontree.Node, string, string)
	}{
		{"frontendIPConfigurations", r.frontend},
		{"backendAddressPools", r.backendPool},
		{"loadBalancingRules", r.balancingRule},
		{"inboundNatRules", r.natRule},
		{"inboundNatPools", r.natPool},
	} {
		n := get(p, part.segment)
		if n.Residue() {
			lb.Facts = append(lb.Facts, factAt(n))
			continue
		}
		for _, item := range list(n) {
			if item.Kind() != jsontree.Object {
				lb.Facts = append(lb.Facts, factAt(item))
				if !item.Residue() {
					r.faults.Errorf(item.Origin(), "bad-child", "%s stands where one of the %s should", describe(item), part.segment)
				}
				continue
			}
			id, name := childIdentity(item, res.ID, part.segment)
			part.read(lb, item, id, name)
		}
	}
	lb.Facts = facts(lb.Facts)
	return lb
}

func (r *reader) frontend(lb *network.LoadBalancer, n *jsontree.Node, id, name string) {
	p := properties(n)
	f := network.Frontend{ID: id, Name: name, Private: r.address(get(p, "privateIPAddress"))}
	f.PublicIPID, _ = r.ref(get(p, "publicIPAddress"))
	f.PrefixID, _ = r.ref(get(p, "publicIPPrefix"))
	lb.Frontends = append(lb.Frontends, f)
}

func (r *reader) backendPool(lb *network.LoadBalancer, n *jsontree.Node, id, name string) {
	p := properties(n)
	pool := network.BackendPool{ID: id, Name: name}
	var unread []string
	pool.IPConfigIDs, unread = r.refs(get(p, "backendIPConfigurations"))
	lb.Facts = append(lb.Facts, unread...)
	slices.SortFunc(pool.IPConfigIDs, func(a, b string) int { return strings.Compare(network.Key(a), network.Key(b)) })
	for _, item := range list(get(p, "loadBalancerBackendAddresses")) {
		q := properties(item)
		a := network.PoolAddress{Name: item.Get("name").Text(), Address: r.address(get(q, "ipAddress"))}
		a.VirtualNetworkID, _ = r.ref(get(q, "virtualNetwork"))
		a.IPConfigID, _ = r.ref(get(q, "networkInterfaceIPConfiguration"))
		for _, m := range list(get(q, "inboundNatRulesPortMapping")) {
			front, ok := flow.ParsePort(m.Get("frontendPort").Text())
			back, ok2 := flow.ParsePort(m.Get("backendPort").Text())
			if ok && ok2 {
				a.Mappings = append(a.Mappings, network.PortMapping{RuleName: m.Get("inboundNatRuleName").Text(), FrontendPort: front, BackendPort: back})
			}
		}
		pool.Addresses = append(pool.Addresses, a)
	}
	lb.Pools = append(lb.Pools, pool)
}

// balancing reads what all rules of a load balancer have.
func (r *reader) balancing(kind network.BalancingKind, n *jsontree.Node, id, name string) network.BalancingRule {
	p := properties(n)
	rule := network.BalancingRule{ID: id, Name: name, Origin: n.Origin(), Kind: kind, Protocol: network.AllProtocols}
	var unread [3]string
	rule.FrontendID, unread[0] = r.ref(get(p, "frontendIPConfiguration"))
	rule.FloatingIP, unread[1] = r.flag(get(p, "enableFloatingIP"), false)
	protocol := get(p, "protocol")
	switch {
	case protocol.Residue():
		unread[2] = factAt(protocol)
	case strings.EqualFold(protocol.Text(), "All") || blank(protocol):
	default:
		v, ok := flow.ParseProtocol(protocol.Text())
		if !ok {
			r.faults.Errorf(protocol.Origin(), "bad-protocol", "%s is not a protocol; it is one of Tcp, Udp, All%s",
				describe(protocol), meant(protocol.Text(), "Tcp", "Udp", "All"))
			unread[2] = factAt(protocol)
		} else {
			rule.Protocol = network.ProtocolMatch(v)
		}
	}
	rule.Facts = facts(unread[:])
	return rule
}

// port reads one port of a rule; what cannot be read leaves a fact.
func (r *reader) port(rule *network.BalancingRule, n *jsontree.Node, name string) uint16 {
	v := get(properties(n), name)
	switch p, ok := flow.ParsePort(v.Text()); {
	case v.Residue():
		rule.Facts = facts(rule.Facts, []string{factAt(v)})
	case ok:
		return p
	case !blank(v):
		r.faults.Errorf(v.Origin(), "bad-port", "%s is not a port", describe(v))
		rule.Facts = facts(rule.Facts, []string{factAt(v)})
	}
	return 0
}

func (r *reader) balancingRule(lb *network.LoadBalancer, n *jsontree.Node, id, name string) {
	rule := r.balancing(network.LoadBalancingRule, n, id, name)
	front := r.port(&rule, n, "frontendPort")
	rule.BackendPort = r.port(&rule, n, "backendPort")
	rule.Ports = flow.PortRange{First: front, Last: front}
	if front == 0 {
		// "HA ports": protocol All, both ports 0, every port is kept.
		rule.Ports = flow.AllPorts
	}
	p := properties(n)
	pool, unread := r.ref(get(p, "backendAddressPool"))
	pools, more := r.refs(get(p, "backendAddressPools"))
	rule.Facts = facts(rule.Facts, more, []string{unread})
	for _, id := range append(pools, pool) {
		if id != "" && !slices.ContainsFunc(rule.PoolIDs, func(s string) bool { return strings.EqualFold(s, id) }) {
			rule.PoolIDs = append(rule.PoolIDs, id)
		}
	}
	lb.Rules = append(lb.Rules, rule)
}

// natRule reads an inbound NAT rule: one port for one ip configuration, or a
// range of ports for a pool, one for each member.
func (r *reader) natRule(lb *network.LoadBalancer, n *jsontree.Node, id, name string) {
	p := properties(n)
	rule := r.balancing(network.InboundNATRule, n, id, name)
	rule.BackendPort = r.port(&rule, n, "backendPort")
	var unread [2]string
	var pool string
	rule.IPConfigID, unread[0] = r.ref(get(p, "backendIPConfiguration"))
	pool, unread[1] = r.ref(get(p, "backendAddressPool"))
	rule.Facts = facts(rule.Facts, unread[:])
	if pool != "" {
		rule.Kind, rule.PoolIDs = network.InboundNATPool, []string{pool}
		r.portRange(&rule, n)
	} else {
		front := r.port(&rule, n, "frontendPort")
		rule.Ports = flow.PortRange{First: front, Last: front}
	}
	lb.Rules = append(lb.Rules, rule)
}

// natPool reads an inbound NAT pool of a scale set; its NICs name it.
func (r *reader) natPool(lb *network.LoadBalancer, n *jsontree.Node, id, name string) {
	rule := r.balancing(network.InboundNATPool, n, id, name)
	rule.BackendPort = r.port(&rule, n, "backendPort")
	r.portRange(&rule, n)
	lb.Rules = append(lb.Rules, rule)
}

func (r *reader) portRange(rule *network.BalancingRule, n *jsontree.Node) {
	first, last := r.port(rule, n, "frontendPortRangeStart"), r.port(rule, n, "frontendPortRangeEnd")
	if first > last {
		r.faults.Errorf(n.Origin(), "bad-port", "the frontend ports of %s run backwards: %d-%d", quote(rule.Name), first, last)
		rule.Facts = facts(rule.Facts, []string{factAt(n)})
	}
	rule.Ports = flow.PortRange{First: first, Last: last}
}
