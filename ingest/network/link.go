package network

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
)

// Link joins the objects of a network by id, completes default rules, puts
// rules into evaluation order, numbers them and builds the look-ups. It reports
// what is missing or contradicts itself; the network is usable all the same:
// whatever is missing has become a fact. Call it once, when all is decoded.
func Link(n *Network) diag.List {
	l := linker{n: n}
	l.sortAll()
	l.groups()
	l.subnets()
	l.peerings()
	l.gateways()
	l.connectedGroups()
	l.nics()
	l.adminRules()
	l.observedAdmin()
	l.machines()
	l.lookups()
	return l.faults
}

type linker struct {
	n        *Network
	faults   diag.List
	vnets    map[string]*VirtualNetwork
	subnetAt map[string]*Subnet
	groupAt  map[string]*SecurityGroup
	tableAt  map[string]*RouteTable
	nicAt    map[string]*NIC
}

// byKey maps objects by the Key of their id.
func byKey[T any](list []T, id func(T) string) map[string]T {
	m := make(map[string]T, len(list))
	for _, x := range list {
		m[Key(id(x))] = x
	}
	return m
}

func sortByID[T any](list []T, id func(T) string) {
	order := func(a, b T) int {
		if c := CompareKeys(id(a), id(b)); c != 0 {
			return c
		}
		return strings.Compare(id(a), id(b))
	}
	// Exports mostly are in order.
	if !slices.IsSortedFunc(list, order) {
		slices.SortStableFunc(list, order)
	}
}

func (l *linker) sortAll() {
	n := l.n
	sortByID(n.VirtualNetworks, func(x *VirtualNetwork) string { return x.ID })
	sortByID(n.Subnets, func(x *Subnet) string { return x.ID })
	sortByID(n.SecurityGroups, func(x *SecurityGroup) string { return x.ID })
	sortByID(n.RouteTables, func(x *RouteTable) string { return x.ID })
	sortByID(n.NICs, func(x *NIC) string { return x.ID })
	sortByID(n.VirtualMachines, func(x *VirtualMachine) string { return x.ID })
	sortByID(n.ASGs, func(x *ApplicationSecurityGroup) string { return x.ID })
	sortByID(n.PublicIPs, func(x *PublicIP) string { return x.ID })
	sortByID(n.NetworkWatchers, func(x *NetworkWatcher) string { return x.ID })
	sortByID(n.FlowLogs, func(x *FlowLog) string { return x.ID })
	sortByID(n.Gateways, func(x *Gateway) string { return x.ID })
	sortByID(n.ApplicationGateways, func(x *ApplicationGateway) string { return x.ID })
	sortByID(n.LocalGateways, func(x *LocalGateway) string { return x.ID })
	sortByID(n.Connections, func(x *Connection) string { return x.ID })
	sortByID(n.LoadBalancers, func(x *LoadBalancer) string { return x.ID })
	l.vnets = byKey(n.VirtualNetworks, func(x *VirtualNetwork) string { return x.ID })
	l.subnetAt = byKey(n.Subnets, func(x *Subnet) string { return x.ID })
	l.groupAt = byKey(n.SecurityGroups, func(x *SecurityGroup) string { return x.ID })
	l.tableAt = byKey(n.RouteTables, func(x *RouteTable) string { return x.ID })
	l.nicAt = byKey(n.NICs, func(x *NIC) string { return x.ID })
}

// groups completes, orders and numbers the rules of every security group.
func (l *linker) groups() {
	count := 1
	for _, g := range l.n.SecurityGroups {
		l.completeDefaults(g)
		slices.SortStableFunc(g.Rules, evaluationOrder)
		l.ensureDenyAll(g)
		count += len(g.Rules)
	}
	l.n.rules = make([]*Rule, 1, count) // admin rules follow
	for _, g := range l.n.SecurityGroups {
		for i, r := range g.Rules {
			r.Group = g
			r.Ref = flow.RuleRef(len(l.n.rules))
			l.n.rules = append(l.n.rules, r)
			if i > 0 {
				l.checkPriorityClash(g.Rules[i-1], r)
			}
		}
	}
}

func evaluationOrder(a, b *Rule) int {
	switch {
	case a.Direction != b.Direction:
		return cmp.Compare(a.Direction, b.Direction)
	case a.Priority != b.Priority:
		return cmp.Compare(a.Priority, b.Priority)
	case a.Access != b.Access:
		// Azure forbids equal priorities; of two such rules the denying one
		// goes first, so that no Allow is guessed.
		return -cmp.Compare(a.Access, b.Access)
	}
	return CompareKeys(a.Name, b.Name)
}

func (l *linker) checkPriorityClash(a, b *Rule) {
	if a.Priority == b.Priority && a.Direction == b.Direction && a.Kind == UserRule && b.Kind == UserRule && len(a.Facts)+len(b.Facts) == 0 {
		l.faults.Warnf(b.Origin, "duplicate-priority",
			"rules %s and %s share priority %d %s, which Azure refuses; the denying one is evaluated first",
			a.Name, b.Name, b.Priority, b.Direction)
	}
}

// completeDefaults adds the default rules that the source does not list
// (templates never do) and warns about listed ones that differ from Azure's.
func (l *linker) completeDefaults(g *SecurityGroup) {
	for i := range defaultRules {
		d := &defaultRules[i]
		j := slices.IndexFunc(g.Rules, func(r *Rule) bool {
			return r.Kind == DefaultRule && strings.EqualFold(r.Name, d.name)
		})
		if j < 0 {
			g.Rules = append(g.Rules, d.rule(g))
			continue
		}
		r := g.Rules[j]
		r.Name = d.name
		if r.Priority != d.priority || r.Direction != d.direction || r.Access != d.access ||
			r.Protocol != AnyProtocol || !selectsOnly(r.Source, d.source) || !selectsOnly(r.Destination, d.destination) {
			l.faults.Warnf(r.Origin, "default-rule-differs",
				"default rule %s differs from Azure's; it is used as exported", d.name)
		}
	}
}

// ensureDenyAll appends Azure's own DenyAll rule to a direction whose exported
// rules do not end in one that matches every packet.
func (l *linker) ensureDenyAll(g *SecurityGroup) {
	for i := range defaultRules {
		d := &defaultRules[i]
		closes := func(r *Rule) bool { return r.In(d.direction) && r.matchesAll() }
		if d.access == flow.Deny && !slices.ContainsFunc(g.Rules, closes) {
			g.Rules = append(g.Rules, d.rule(g))
		}
	}
}

// matchesAll reports whether every packet of the rule's direction surely matches.
func (r *Rule) matchesAll() bool {
	isAny := func(list []Selector) bool { return len(list) == 1 && list[0].Kind == SelectAny }
	return len(r.Facts) == 0 && r.Protocol == AnyProtocol && isAny(r.Source) && isAny(r.Destination) &&
		slices.Contains(r.SourcePorts, flow.AllPorts) && slices.Contains(r.DestinationPorts, flow.AllPorts)
}

func selectsOnly(list []Selector, kind SelectorKind) bool {
	if len(list) == 0 {
		return false
	}
	for _, s := range list {
		if s.Kind != kind && !(kind == SelectAny && s.Kind == SelectPrefix && s.Prefix.Bits() == 0) {
			return false
		}
	}
	return true
}

func (l *linker) resolveGroup(ref *GroupRef) {
	if ref.ID == "" || ref.Fact != "" {
		return
	}
	g := l.groupAt[Key(ref.ID)]
	switch {
	case g == nil:
		ref.Fact = "missing-nsg:" + ref.ID
	case len(g.Facts) > 0:
		ref.Group, ref.Fact = nil, strings.Join(g.Facts, ",")
	default:
		ref.Group = g
	}
}

// subnets joins subnets with their virtual network, security group and route
// table. A subnet that only a back reference names becomes a stub: its group
// is known, the rest is not.
func (l *linker) subnets() {
	for _, s := range l.n.Subnets {
		l.resolveGroup(&s.Group)
		if id := s.RouteTable.ID; id != "" {
			if s.RouteTable.Table = l.tableAt[Key(id)]; s.RouteTable.Table == nil {
				s.RouteTable.Fact = "missing-route-table:" + id
			}
		}
	}
	for _, g := range l.n.SecurityGroups {
		for _, id := range g.SubnetIDs {
			s := l.subnetAt[Key(id)]
			if s == nil {
				s = l.stub(id, g.Origin)
				s.Group.ID = g.ID
				l.resolveGroup(&s.Group)
			} else if !SameKey(s.Group.ID, g.ID) {
				l.faults.Warnf(g.Origin, "association-differs",
					"security group %s names subnet %s, which names %s; the subnet's own word counts", g.Name, id, orNone(s.Group.ID))
			}
		}
	}
	for _, t := range l.n.RouteTables {
		for _, id := range t.SubnetIDs {
			if s := l.subnetAt[Key(id)]; s != nil && s.RouteTable.ID == "" && s.RouteTable.Fact != "" {
				s.RouteTable = RouteTableRef{ID: t.ID, Table: t}
			}
		}
	}
	sortByID(l.n.Subnets, func(x *Subnet) string { return x.ID })
	for _, s := range l.n.Subnets {
		if v := l.vnets[Key(s.VirtualNetworkID)]; v != nil {
			s.VirtualNetwork = v
			v.Subnets = append(v.Subnets, s)
		}
	}
}

func orNone(id string) string {
	if id == "" {
		return "no security group"
	}
	return id
}

// stub adds a subnet known only by its id.
func (l *linker) stub(id string, o diag.Origin) *Subnet {
	s := &Subnet{
		ID: id, Name: LastSegment(id), Origin: o, VirtualNetworkID: ParentID(id),
		RouteTable: RouteTableRef{Fact: "missing-subnet:" + id},
	}
	l.n.Subnets = append(l.n.Subnets, s)
	l.subnetAt[Key(id)] = s
	return s
}

// peerings decides which peerings add prefixes to VirtualNetwork, see
// Microsoft's "Create, change, or delete a virtual network peering": the peer
// counts when the peering is connected and access is allowed, with the address
// space last synced.
func (l *linker) peerings() {
	for _, v := range l.n.VirtualNetworks {
		slices.SortStableFunc(v.Peerings, func(a, b *Peering) int { return CompareKeys(a.ID, b.ID) })
		for _, p := range v.Peerings {
			p.RemoteVNet = l.vnets[Key(p.RemoteID)]
			l.peering(v, p)
		}
	}
}

func (l *linker) peering(v *VirtualNetwork, p *Peering) {
	switch {
	case len(p.Facts) > 0:
		p.Fact = p.Facts[0]
		return
	case !p.AllowAccess:
		return
	case p.State == "":
		// Templates declare no state: connected when both sides are declared.
		if p.RemoteVNet == nil || !declaresPeering(p.RemoteVNet, v) {
			p.Fact = "missing-peer:" + p.RemoteID
			return
		}
	case !strings.EqualFold(p.State, "Connected"):
		return
	}
	switch {
	case p.RemoteKnown && len(p.Remote) > 0:
		p.Counts, p.Prefixes = true, p.Remote
		l.checkSync(p)
	case p.RemoteVNet != nil && !p.Partial && len(p.RemoteVNet.Facts) == 0:
		p.Counts, p.Prefixes = true, p.RemoteVNet.Prefixes
	case p.Partial && l.namedSubnets(p):
		p.Counts = true
	default:
		p.Fact = "missing-peer:" + p.RemoteID
	}
	if p.OnlyIPv6 {
		p.Prefixes = slices.DeleteFunc(slices.Clone(p.Prefixes), func(q netip.Prefix) bool { return q.Addr().Is4() })
	}
}

// namedSubnets gives a partial peering the prefixes of the remote subnets it
// names; it reports whether all of them are in the snapshot.
func (l *linker) namedSubnets(p *Peering) bool {
	var out []netip.Prefix
	for _, name := range p.RemoteSubnets {
		s := l.subnetAt[Key(p.RemoteID+"/subnets/"+name)]
		if s == nil || len(s.Prefixes) == 0 {
			return false
		}
		out = append(out, s.Prefixes...)
	}
	p.Prefixes = out
	return len(out) > 0
}

// declaresPeering reports whether v certainly declares a peering with the other.
func declaresPeering(v, to *VirtualNetwork) bool {
	return slices.ContainsFunc(v.Peerings, func(p *Peering) bool { return SameKey(p.RemoteID, to.ID) && len(p.Facts) == 0 })
}

// checkSync warns when the prefixes synced with the peer are not its own of today.
func (l *linker) checkSync(p *Peering) {
	stale := p.SyncLevel != "" && !strings.EqualFold(p.SyncLevel, "FullyInSync")
	if p.RemoteVNet != nil && !p.Partial {
		for _, q := range p.RemoteVNet.Prefixes {
			stale = stale || !slices.Contains(p.Remote, q)
		}
	}
	if stale {
		l.faults.Warnf(p.Origin, "peering-not-in-sync",
			"peering %s is not in sync: the peer's address space has changed; the synced prefixes count", p.Name)
	}
}

func (l *linker) nics() {
	for i, c := range l.n.NICs {
		c.Index = i
		l.resolveGroup(&c.Group)
		if c.Observed != nil {
			l.resolveGroup(&c.Observed.SubnetGroup)
		}
		l.nicSubnet(c)
		l.checkPolicies(c)
	}
	for _, g := range l.n.SecurityGroups {
		for _, id := range g.NICIDs {
			if c := l.nicAt[Key(id)]; c != nil && !SameKey(c.Group.ID, g.ID) {
				l.faults.Warnf(g.Origin, "association-differs",
					"security group %s names NIC %s, which names %s; the NIC's own word counts", g.Name, id, orNone(c.Group.ID))
			}
		}
	}
}

// checkPolicies warns where it is assumed whether a private endpoint is filtered.
func (l *linker) checkPolicies(c *NIC) {
	if s := c.Subnet; c.PrivateEndpoint != "" && s != nil && s.Group != (GroupRef{}) && s.PrivateEndpointPolicies == "" {
		l.faults.Warnf(s.Origin, "absent-private-endpoint-policies",
			"subnet %s does not record privateEndpointNetworkPolicies; whether its security group filters private endpoint NIC %s is assumed (absent-private-endpoint-policies=%s)",
			s.Name, c.Name, l.n.Assumptions.Value("absent-private-endpoint-policies"))
	}
}

func (l *linker) nicSubnet(c *NIC) {
	switch {
	case c.SubnetFact != "":
	case c.SubnetID == "" && c.Observed != nil && c.Observed.Listed:
		c.SubnetFact = "missing-subnet:" + c.ID
	case c.SubnetID == "":
		c.SubnetFact = "missing-subnet:" + c.ID
		l.faults.Warnf(c.Origin, "nic-without-subnet", "NIC %s names no subnet; its subnet rules are unknown", c.Name)
	default:
		if c.Subnet = l.subnetAt[Key(c.SubnetID)]; c.Subnet != nil {
			return
		}
		vnet := ParentID(c.SubnetID)
		if l.vnets[Key(vnet)] == nil {
			c.SubnetFact = "missing-vnet:" + vnet
		} else {
			c.SubnetFact = "missing-subnet:" + c.SubnetID
		}
	}
}
