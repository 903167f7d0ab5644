package audit

import (
	"fmt"
	"slices"
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/lint"
)

// estate says what the model holds and rests on.
func (a *auditor) estate() {
	s, n := a.in.Snapshot, a.net
	s.NICs, s.VMs, s.SecurityGroups = len(n.NICs), len(n.VirtualMachines), len(n.SecurityGroups)
	s.VirtualNetworks, s.Subnets, s.PublicIPs, s.AdminRules = len(n.VirtualNetworks), len(n.Subnets), len(n.PublicIPs), len(n.AdminRules())
	for _, g := range n.SecurityGroups {
		for _, r := range g.Rules {
			if r.Kind == network.UserRule {
				s.SecurityRules++
			}
		}
	}
	if n.Tags != nil {
		s.Tags = n.Tags.Origin.File + " (change " + n.Tags.ChangeNumber + ")"
	}
	s.Internet = n.Internet.Source
	s.Assumptions = []Assumption{}
	for _, x := range network.AllAssumptions() {
		value := n.Assumptions.Value(x.Name)
		s.Assumptions = append(s.Assumptions, Assumption{x.Name, value, value == x.Values[0], x.Meaning})
	}
	if s.Documents == nil {
		s.Documents = []Document{}
	}
	if s.Resources == nil {
		s.Resources = []Count{}
	}
	a.out.Snapshot = s
}

func (a *auditor) nicRows() {
	a.out.NICs = []NIC{}
	ways := a.ways()
	for _, c := range a.net.NICs {
		row := NIC{
			ID: c.ID, Name: c.Name, VM: c.VMID, Subnet: c.SubnetID, VirtualNetwork: network.ParentID(c.SubnetID),
			NSG: c.Group.ID, SubnetNSG: a.net.SubnetGroup(c).ID, Addresses: []string{}, ASGs: []string{}, Groups: []int{}, OutboundGroups: []int{},
			Ways: ways[c.Index], File: c.Origin.File, Line: c.Origin.Line,
		}
		for i := range c.IPConfigs {
			cfg := &c.IPConfigs[i]
			if cfg.Address.IsValid() {
				row.Addresses = append(row.Addresses, cfg.Address.String())
			}
			row.ASGs = append(row.ASGs, cfg.ASGs...)
		}
		row.ASGs = sortedSet(row.ASGs)
		for _, i := range a.seatsOf[c.Index] {
			row.Groups = append(row.Groups, i+1)
		}
		for _, i := range a.outSeatsOf[c.Index] {
			row.OutboundGroups = append(row.OutboundGroups, i+1)
		}
		a.out.NICs = append(a.out.NICs, row)
	}
}

// ways are how the snapshot shows the Internet to lead to the NICs.
func (a *auditor) ways() [][]string {
	out := make([][]string, len(a.net.NICs))
	for i, c := range a.net.NICs {
		out[i] = []string{}
		if slices.ContainsFunc(c.IPConfigs, func(x network.IPConfig) bool { return x.PublicIPID != "" }) {
			out[i] = append(out[i], "public-ip")
		}
	}
	for i, balanced := range a.balanced() {
		if balanced {
			out[i] = append(out[i], "load-balancer")
		}
	}
	return out
}

// balanced says by NIC whether a load balancer with a public frontend names it,
// or it names one.
func (a *auditor) balanced() []bool {
	out := make([]bool, len(a.net.NICs))
	public := map[string]bool{}
	mark := func(list []*network.NIC) {
		for _, c := range list {
			out[c.Index] = true
		}
	}
	named := func(configID string) { mark(a.net.NICsNamed(network.ParentID(configID))) }
	for _, lb := range a.net.LoadBalancers {
		if !slices.ContainsFunc(lb.Frontends, func(f network.Frontend) bool { return f.PublicIPID != "" }) {
			continue
		}
		public[network.Key(lb.ID)] = true
		for i := range lb.Rules {
			named(lb.Rules[i].IPConfigID)
		}
		for i := range lb.Pools {
			for _, id := range lb.Pools[i].IPConfigIDs {
				named(id)
			}
			for _, x := range lb.Pools[i].Addresses {
				named(x.IPConfigID)
				if x.IPConfigID == "" {
					mark(a.net.NICsOwning(x.Address))
				}
			}
		}
	}
	for _, c := range a.net.NICs {
		for i := range c.IPConfigs {
			cfg := &c.IPConfigs[i]
			for _, id := range slices.Concat(cfg.PoolIDs, cfg.NATRuleIDs, cfg.NATPoolIDs) {
				out[c.Index] = out[c.Index] || public[network.Key(network.ParentID(id))]
			}
		}
	}
	return out
}

// ruleRows lists the rules of all groups and the admin rules.
func (a *auditor) ruleRows(volumes map[*network.Rule]volume) {
	nics := map[*network.Rule]int{}
	for _, c := range a.net.NICs {
		for _, g := range groupsOf(a.net, c) {
			for _, r := range g.Rules {
				nics[r]++
			}
		}
		if admin := a.net.AdminRulesOf(c); admin != nil {
			for _, r := range admin.Rules {
				nics[r]++
			}
		}
	}
	shadows := map[*network.Rule]*lint.Finding{}
	for i := range a.lint.Findings {
		f := &a.lint.Findings[i]
		switch f.Kind {
		case lint.Shadowed, lint.Duplicate, lint.PartiallyShadowed:
			if f.Rule != nil && shadows[f.Rule] == nil {
				shadows[f.Rule] = f
			}
		case lint.Malformed, lint.NeverApplies, lint.Redundant, lint.UnknownTag, lint.Unattached:
		}
	}
	a.out.Rules = []Rule{}
	add := func(r *network.Rule) {
		row := a.ruleRow(r)
		row.NICs = nics[r]
		row.Exclusive, row.Percent = volumes[r].text()
		if f := shadows[r]; f != nil {
			row.Shadowed = f.Message
			for _, by := range f.By {
				row.ShadowedBy = append(row.ShadowedBy, by.ID)
			}
		}
		a.out.Rules = append(a.out.Rules, row)
	}
	for _, g := range a.net.SecurityGroups {
		for _, dir := range []flow.Direction{flow.Inbound, flow.Outbound} {
			for _, r := range g.List(dir) {
				if r.Direction != 0 || dir == flow.Inbound { // in both lists
					add(r)
				}
			}
		}
	}
	for _, r := range a.net.AdminRules() {
		add(r)
	}
}

func (a *auditor) ruleRow(r *network.Rule) Rule {
	texts := func(list []string) []string { return append([]string{}, list...) }
	kind := map[network.RuleKind]string{network.UserRule: "user", network.DefaultRule: "default", network.AdminRule: "admin"}[r.Kind]
	access := r.Text.Access
	if access == "" {
		access = r.Access.String()
	}
	return Rule{
		ID: r.ID, NSG: r.GroupID(), Name: r.Name, Kind: kind, Priority: int(r.Priority), Direction: r.Text.Direction, Access: access,
		Protocol: r.Text.Protocol, Source: texts(r.Text.Source), SourcePorts: texts(r.Text.SourcePorts),
		Destination: texts(r.Text.Destination), DestinationPorts: texts(r.Text.DestinationPorts),
		Place: a.place(r.Origin), Resolved: !r.Text.Unresolved, ShadowedBy: []string{},
	}
}

// groupsOf are the security groups in front of a NIC that the snapshot holds,
// each once.
func groupsOf(n *network.Network, c *network.NIC) (out []*network.SecurityGroup) {
	for _, g := range []*network.SecurityGroup{n.SubnetGroup(c).Group, c.Group.Group} {
		if g != nil && !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// remedies say, by the kind of a fact, what the reader can do about it.
var remedies = map[string]string{
	"unknown-tag":             "add a service-tag file to the snapshot, or name one with --service-tags",
	"missing-nsg":             "export the security group (az network nsg list) into the snapshot",
	"missing-vnet":            "export the virtual network (az network vnet list) into the snapshot",
	"missing-subnet":          "export the virtual network of the subnet (az network vnet list) into the snapshot",
	"missing-route-table":     "export the route table (az network route-table list) into the snapshot",
	"missing-peer":            "export the peered virtual network (az network vnet list, in its subscription) into the snapshot",
	"missing-address":         "export the NIC once it has an address (az network nic list)",
	"gateway-prefixes":        "export the effective routes of a NIC (az network nic show-effective-route-table), the gateway's connections and local network gateways",
	"unresolved":              "give the parameter with --parameters or --set; inspect names what is missing",
	"invalid-rule":            "mend the rule: Azure would refuse it as it stands",
	"truncated-export":        "export the file again with all of its pages",
	"ports-on-portless":       "drop the ports of the rule or name the protocol",
	"icmp-on-ipv6":            "settle it with --assume; Azure does not document it",
	"source-port-unspecified": "ask with a source port",
}

func remedyOf(fact string) string {
	kind, _, _ := strings.Cut(fact, ":")
	if text, ok := remedies[kind]; ok {
		return text
	}
	return "add what the fact names to the snapshot; inspect shows where it is named"
}

// factRows lists what is missing and whom it touches.
func (a *auditor) factRows() {
	a.out.Facts = []Fact{}
	rows := map[string]bool{}
	for _, p := range a.net.FactPlaces() {
		row := Fact{Fact: p.Fact, NICs: []string{}, Rules: []string{}, Remedy: remedyOf(p.Fact)}
		for _, c := range p.NICs {
			row.NICs = append(row.NICs, c.ID)
		}
		for _, r := range p.Rules {
			row.Rules = append(row.Rules, r.ID)
		}
		rows[p.Fact] = true
		a.out.Facts = append(a.out.Facts, row)
	}
	a.questionFacts(rows)
	slices.SortFunc(a.out.Facts, func(x, y Fact) int { return strings.Compare(x.Fact, y.Fact) })
}

// questionFacts adds the facts that depend on the flow asked about, of those
// flows that exposures leave open.
func (a *auditor) questionFacts(known map[string]bool) {
	nics := map[string][]string{}
	for i := range a.out.Exposures {
		x := &a.out.Exposures[i]
		for _, f := range x.Facts {
			if known[f] {
				continue
			}
			for _, m := range a.out.Groups[x.Group-1].Members {
				nics[f] = append(nics[f], m.NIC)
			}
		}
	}
	for f, list := range nics {
		row := Fact{Fact: f, NICs: sortedSet(list), Rules: []string{}, Remedy: remedyOf(f)}
		if _, id, ok := strings.Cut(f, ":"); ok && strings.Contains(id, "securityRules/") {
			row.Rules = append(row.Rules, id)
		}
		a.out.Facts = append(a.out.Facts, row)
	}
}

// addressNote says how many NICs are answered for addresses they may have.
func addressNote(open int) string {
	verb := "have"
	if open == 1 {
		verb = "has"
	}
	return fmt.Sprintf("%s %s an address that is not recorded; answered for every address of the subnet", count(open, "NIC"), verb)
}
