package html

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"ipflow/verify/audit"
)

// sample makes up a consistent report of any size: every reference leads to a
// row. It is about no network; what the page shows is held against it.
type sample struct {
	r   *rand.Rand
	out *audit.Report
}

const (
	sampleScope = "/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/"
	sampleNSG   = "/providers/Microsoft.Network/networkSecurityGroups/"
	sampleNet   = "/providers/Microsoft.Network/virtualNetworks/"
)

// sampleReport makes a report of so many NICs, rules (defaults not counted) and
// zones.
func sampleReport(nics, rules, zones int) *audit.Report {
	s := &sample{r: rand.New(rand.NewPCG(7, 11)), out: &audit.Report{
		Version: "0.1.0-test", Benchmark: "CIS Microsoft Azure Foundations Benchmark", Now: "2026-11-28",
		Notes: []string{"The Internet tag is the recorded one."},
	}}
	const perGroup = 20
	groups := max(2, rules/perGroup)
	for g := range groups {
		s.group(g, rules/groups)
	}
	s.zones(zones)
	for i := range nics {
		s.nic(i, groups, zones)
	}
	s.exposures(groups, zones)
	s.cells(zones)
	s.findings()
	s.rest()
	return s.out
}

func (s *sample) id(group int) string {
	return fmt.Sprintf("%srg-%d%snsg-%03d", sampleScope, group%17, sampleNSG, group)
}

func pick[T any](s *sample, list ...T) T { return list[s.r.IntN(len(list))] }

// group adds the rules of a security group.
func (s *sample) group(g, rules int) {
	id := s.id(g)
	for i := range rules + 6 {
		r := audit.Rule{
			NSG: id, Kind: "user", Priority: 100 + 10*i, Direction: pick(s, "Inbound", "Inbound", "Outbound"), Access: pick(s, "Allow", "Allow", "Deny"),
			Protocol: pick(s, "Tcp", "Udp", "*"), Source: []string{s.prefix()}, SourcePorts: []string{"*"},
			Destination: []string{s.prefix()}, DestinationPorts: []string{fmt.Sprint(1 + s.r.IntN(9000))}, Resolved: true, NICs: s.r.IntN(60),
			Place: audit.Place{
				File: fmt.Sprintf("export/nsgs-%d.json", g/50), Line: 20 + 31*(g%50*26+i), Column: 7,
				Pointer: fmt.Sprintf("/%d/securityRules/%d", g%50, i), SHA256: fmt.Sprintf("%064x", g/50+1),
			},
			Exclusive: fmt.Sprint(s.r.Int64N(1 << 40)), Percent: fmt.Sprint(s.r.IntN(101)),
		}
		r.Name = fmt.Sprintf("%s-%s-%d", map[string]string{"Allow": "allow", "Deny": "deny"}[r.Access], pick(s, "web", "sql", "ssh", "app", "probe"), i)
		if i >= rules {
			r.Kind, r.Priority, r.Name = "default", 65000+(i-rules)%3*250, fmt.Sprintf("Default%d", i-rules)
			r.ID = id + "/defaultSecurityRules/" + r.Name
		} else {
			r.ID = id + "/securityRules/" + r.Name
		}
		for range s.r.IntN(3) {
			r.Source = append(r.Source, s.prefix())
		}
		if i > 0 && s.r.IntN(6) == 0 {
			above := s.out.Rules[len(s.out.Rules)-1]
			r.Shadowed = "Tcp from " + above.Source[0] + " to any IPv4 address port " + above.DestinationPorts[0]
			r.ShadowedBy = []string{above.ID}
		}
		s.out.Rules = append(s.out.Rules, r)
	}
}

func (s *sample) prefix() string {
	return fmt.Sprintf("%d.%d.%d.0/%d", pick(s, 10, 172, 203), s.r.IntN(256), s.r.IntN(256), 20+s.r.IntN(5))
}

func (s *sample) zoneName(i int) string {
	return fmt.Sprintf("%srg-%d%svnet-%02d/subnets/snet-%04d", sampleScope, i%17, sampleNet, i%9, i)
}

func (s *sample) zones(zones int) {
	s.out.Zones = append(s.out.Zones, audit.Zone{Name: "Internet"})
	for i := range zones {
		s.out.Zones = append(s.out.Zones, audit.Zone{Name: s.zoneName(i), Prefixes: []string{fmt.Sprintf("10.%d.%d.0/24", i/256, i%256)}})
	}
}

func (s *sample) nic(i, groups, zones int) {
	zone, g := i%zones, i%groups
	n := audit.NIC{
		ID:        fmt.Sprintf("%srg-%d/providers/Microsoft.Network/networkInterfaces/nic-%05d", sampleScope, i%17, i),
		Name:      fmt.Sprintf("nic-%05d", i),
		VM:        fmt.Sprintf("%srg-%d/providers/Microsoft.Compute/virtualMachines/vm-%05d", sampleScope, i%17, i),
		Subnet:    s.zoneName(zone),
		Addresses: []string{fmt.Sprintf("10.%d.%d.%d", zone/256, zone%256, 4+i/zones%250)},
		SubnetNSG: s.id(g), NSG: s.id((g + 1) % groups), Groups: []int{g + 1}, OutboundGroups: []int{g + 1},
		File: "export/nics.json", Line: 3 + 40*i,
	}
	if i%9 == 0 {
		n.Ways = []string{"public-ip"}
	}
	s.out.NICs = append(s.out.NICs, n)
	z := &s.out.Zones[zone+1]
	z.NICs = append(z.NICs, n.ID)
}

// exposures adds a group for every security group, with what may be sent to it.
func (s *sample) exposures(groups, zones int) {
	byGroup := map[int][]audit.Member{}
	for i := range s.out.NICs {
		n := &s.out.NICs[i]
		byGroup[n.Groups[0]] = append(byGroup[n.Groups[0]], audit.Member{NIC: n.ID, Addresses: n.Addresses})
	}
	for g := range groups {
		group := audit.Group{ID: g + 1, Family: "IPv4", Members: byGroup[g+1], Internet: "closed"}
		own := s.rulesOf(s.id(g))
		if len(group.Members) == 0 {
			s.out.Groups = append(s.out.Groups, group)
			s.out.OutboundGroups = append(s.out.OutboundGroups, group)
			continue
		}
		if g%4 == 0 {
			group.Internet = pick(s, "open", "restricted", "unknown")
			s.exposure(&group, own, []string{"Internet"})
		}
		for range 1 + s.r.IntN(3) {
			var zones []string
			for range 1 + s.r.IntN(6) {
				zones = append(zones, s.out.Zones[1+s.r.IntN(len(s.out.Zones)-1)].Name)
			}
			slices.Sort(zones)
			s.exposure(&group, own, slices.Compact(zones))
		}
		s.out.Groups = append(s.out.Groups, group)
		s.out.OutboundGroups = append(s.out.OutboundGroups, audit.Group{ID: group.ID, Family: group.Family, Members: group.Members, Internet: "open"})
		for _, zone := range []string{"Internet", s.zoneName(g % zones)} {
			r := pick(s, own...)
			s.out.Outbound = append(s.out.Outbound, audit.Exposure{
				ID: len(s.out.Outbound) + 1, Group: group.ID, Zones: []string{zone}, Access: "Allow", Addresses: "256", Breadth: audit.Restricted, Rules: []string{r.ID},
				Boxes: []audit.Box{{Protocol: "Tcp", LocalPorts: []string{"0-65535"}, Remote: r.Source, RemotePorts: []string{"443"}, Rule: r.ID, Layer: "Subnet"}},
			})
		}
	}
}

func (s *sample) rulesOf(nsg string) (out []*audit.Rule) {
	for i := range s.out.Rules {
		if s.out.Rules[i].NSG == nsg {
			out = append(out, &s.out.Rules[i])
		}
	}
	return out
}

func (s *sample) exposure(g *audit.Group, rules []*audit.Rule, zones []string) {
	x := audit.Exposure{ID: len(s.out.Exposures) + 1, Group: g.ID, Zones: zones, Access: "Allow", Addresses: "4294967296", Breadth: audit.Open}
	if g.Internet == "unknown" {
		x.Access, x.Facts = "Unknown", []string{"unknown-tag:Made.Up"}
	}
	for range 1 + s.r.IntN(8) {
		r := pick(s, rules...)
		b := audit.Box{
			Protocol: "Tcp", LocalPorts: []string{fmt.Sprint(1 + s.r.IntN(9000))}, Remote: r.Source, RemotePorts: []string{"0-65535"},
			Rule: r.ID, Layer: pick(s, "Subnet", "NetworkInterface"),
		}
		x.Boxes = append(x.Boxes, b)
		x.Rules = append(x.Rules, r.ID)
		x.Services = append(x.Services, audit.Service{Protocol: b.Protocol, Ports: b.LocalPorts})
	}
	x.Witness = s.witness(g.Members[0], x.Rules[0], x.Access)
	if zones[0] == "Internet" && x.Access == "Allow" {
		x.Sensitive = []audit.Sensitive{{
			Name: pick(s, "SSH", "RDP", "SQL Server"), Category: "management", Protocol: "Tcp", Ports: []string{"22"},
			Addresses: "4294967040", Breadth: audit.Open, Rules: x.Rules[:1], Witness: x.Witness,
		}}
	}
	s.out.Exposures = append(s.out.Exposures, x)
}

func (s *sample) witness(m audit.Member, rule, access string) *audit.Witness {
	local, remote := uint16(22), uint16(50000)
	return &audit.Witness{
		NIC: m.NIC, Direction: "Inbound", Protocol: "Tcp", LocalIP: m.Addresses[0], LocalPort: &local,
		RemoteIP: "203.0.113.9", RemotePort: &remote, Access: access, Rule: rule, SubnetRule: rule, NICRule: rule,
	}
}

func (s *sample) cells(zones int) {
	for from := range s.out.Zones {
		for to := range zones {
			if s.r.IntN(4) != 0 || len(s.out.Zones[to+1].NICs) == 0 {
				continue
			}
			r := pick(s, s.out.Rules...)
			c := audit.Cell{From: s.out.Zones[from].Name, To: s.out.Zones[to+1].Name, Rules: []string{r.ID}}
			for range 1 + s.r.IntN(3) {
				c.Services = append(c.Services, audit.CellService{
					Access: pick(s, "Allow", "Allow", "Unknown"), Between: pick(s, "every", "some"), Protocol: "Tcp",
					SourcePorts: []string{"0-65535"}, DestinationPorts: []string{fmt.Sprint(pick(s, 22, 80, 443, 1433, 3389, 8080))},
				})
			}
			c.Witness = s.witness(audit.Member{NIC: s.out.Zones[to+1].NICs[0], Addresses: []string{"10.0.0.4"}}, r.ID, "Allow")
			s.out.Cells = append(s.out.Cells, c)
		}
	}
}

func (s *sample) findings() {
	for i := range s.out.Exposures {
		x := &s.out.Exposures[i]
		if x.Zones[0] != "Internet" {
			continue
		}
		var nics []string
		for _, g := range s.out.Groups {
			if g.ID == x.Group {
				for _, m := range g.Members {
					nics = append(nics, m.NIC)
				}
			}
		}
		s.finding("exposed-management-port", "exposure", pick(s, audit.Critical, audit.High), x.Rules[0], nics, x.Witness, []int{x.ID})
	}
	for i := range s.out.Rules {
		if r := &s.out.Rules[i]; r.Shadowed != "" {
			s.finding("partially-shadowed", "rule", pick(s, audit.Medium, audit.Low, audit.Info), r.ID, nil, nil, nil)
		}
	}
	rank := []audit.Severity{audit.Critical, audit.High, audit.Medium, audit.Low, audit.Info}
	slices.SortStableFunc(s.out.Findings, func(a, b audit.Finding) int {
		return slices.Index(rank, a.Severity) - slices.Index(rank, b.Severity)
	})
}

func (s *sample) finding(kind, category string, severity audit.Severity, rule string, nics []string, w *audit.Witness, exposures []int) {
	at := slices.IndexFunc(s.out.Rules, func(r audit.Rule) bool { return r.ID == rule })
	r := &s.out.Rules[at]
	f := audit.Finding{
		ID: fmt.Sprintf("%032x", len(s.out.Findings)+1), Kind: kind, Category: category, Severity: severity,
		Title: kind + " at " + r.Name, Message: "The rule " + r.Name + " deserves a look, for it says " + r.Access + ".", Remedy: "Narrow its source.",
		Resource: r.NSG, Rule: rule, By: r.ShadowedBy, NICs: nics, Place: r.Place, Witness: w, Exposures: exposures, Controls: []string{"6.2"},
	}
	if len(s.out.Findings)%11 == 10 {
		f.Dismissed, f.Reason, f.Owner, f.Expires = true, "accepted until the move", "network team", "2027-01-31"
	}
	s.out.Findings = append(s.out.Findings, f)
}

func (s *sample) rest() {
	r := s.out
	r.Facts = []audit.Fact{{Fact: "unknown-tag:Made.Up", NICs: []string{r.NICs[0].ID}, Rules: []string{r.Rules[0].ID}, Remedy: "Add a service-tag file."}}
	r.Controls = []audit.Control{
		{ID: "6.1", Title: "RDP from the Internet", Status: audit.Pass, Reason: "Nothing on the Internet reaches 3389."},
		{ID: "6.2", Title: "SSH from the Internet", Status: audit.Fail, Reason: "Some NICs let it in."},
		{ID: "6.3", Title: "UDP from the Internet", Status: audit.Undecided, Reason: "A tag is missing."},
		{ID: "6.5", Title: "Flow logs", Status: audit.NotApplicable, Reason: "The snapshot has none."},
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Category == "exposure" {
			r.Controls[1].Findings = append(r.Controls[1].Findings, f.ID)
		}
		if f := &r.Findings[i]; f.Dismissed && len(r.Dismissals) < 20 {
			r.Dismissals = append(r.Dismissals, audit.Dismissal{ID: f.ID, Reason: f.Reason, Owner: f.Owner, Expires: f.Expires, State: "applied", File: "baseline.yaml", Line: 4})
		}
	}
	groups := map[string]bool{}
	for i := range r.Rules {
		groups[r.Rules[i].NSG] = true
	}
	r.Snapshot = audit.Snapshot{
		SHA256: fmt.Sprintf("%064x", 0xabc), NICs: len(r.NICs), VMs: len(r.NICs), SecurityGroups: len(groups), SecurityRules: len(r.Rules) - 6*len(groups),
		VirtualNetworks: 9, Subnets: len(r.Zones) - 1, PublicIPs: 3, Warnings: 2, Tags: "tags.json (change 7)", Internet: "recorded",
		Documents:   []audit.Document{{Path: "export/nics.json", Kind: "resource-graph", Resources: len(r.NICs), SHA256: fmt.Sprintf("%064x", 1)}},
		Resources:   []audit.Count{{Type: "Microsoft.Network/networkInterfaces", Count: len(r.NICs)}},
		Assumptions: []audit.Assumption{{Name: "icmp-on-ipv6", Value: "unknown", Default: true, Meaning: "whether Icmp covers ICMPv6"}},
	}
}
