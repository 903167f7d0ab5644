package html

import (
	"slices"
	"strings"

	"ipflow/verify/audit"
)

// payload is the data of the page, what it shows and no more. In its tables a
// column whose name is that of a field of the audit's row holds what the field
// holds: a count as it is, a text as the number of a string, a list as the number
// of a list. A reference is the
// number of a row; one that leads to no row of the report is -1-s, where s is the
// number of the string that it was (see follow).
type payload struct {
	*dictionary
	Meta        map[string]int `json:"meta"`
	Documents   *table         `json:"documents"`
	Resources   *table         `json:"resources"`
	Assumptions *table         `json:"assumptions"`
	NICs        *table         `json:"nics"`
	Rules       *table         `json:"rules"`
	Groups      *table         `json:"groups"`
	Exposures   *table         `json:"exposures"`
	Sensitive   *table         `json:"sensitive"`
	Boxes       *table         `json:"boxes"`
	Witnesses   *table         `json:"witnesses"`
	Zones       *table         `json:"zones"`
	Cells       *table         `json:"cells"`
	Passages    *table         `json:"passages"` // services of cells
	Findings    *table         `json:"findings"`
	Facts       *table         `json:"facts"`
	Controls    *table         `json:"controls"`
	Dismissals  *table         `json:"dismissals"`

	nics, rules, zones, findings, controls map[string]int // places by id in lower case
	groups, outbound, exposures            map[int]int    // places by id
}

func payloadOf(r *audit.Report) *payload {
	p := &payload{
		dictionary:  newDictionary(),
		Documents:   newTable("path", "kind", "resources", "sha256"),
		Resources:   newTable("type", "count"),
		Assumptions: newTable("name", "value", "default", "meaning"),
		NICs: newTable("id", "name", "vm", "subnet", "vnet", "addresses", "nsg", "subnetNsg", "asgs", "ways",
			"groups", "file", "line", "internet"),
		Rules: newTable("id", "nsg", "name", "kind", "priority", "direction", "access", "protocol", "source", "sourcePorts",
			"destination", "destinationPorts", "file", "line", "column", "pointer", "sha256", "resolved", "nics",
			"shadowed", "shadowedBy", "exclusive", "exclusivePercent"),
		Groups:    newTable("direction", "family", "internet", "nics", "addresses"),
		Exposures: newTable("group", "zones", "access", "sensitive", "boxes", "addresses", "witness"),
		Sensitive: newTable("name", "category", "protocol", "ports", "addresses", "rules"),
		Boxes:     newTable("protocol", "localPorts", "remote", "remotePorts", "rule", "layer", "reason"),
		Witnesses: newTable("nic", "direction", "protocol", "localIP", "localPort", "remoteIP", "remotePort", "access",
			"rule", "adminRule", "subnetRule", "nicRule", "reason"),
		Zones:    newTable("name", "prefixes", "nics"),
		Cells:    newTable("from", "to", "services", "rules", "witness"),
		Passages: newTable("access", "between", "protocol", "sourcePorts", "destinationPorts"),
		Findings: newTable("id", "kind", "category", "severity", "title", "message", "remedy", "resource", "rule", "by", "nics",
			"services", "access", "breadth", "file", "line", "column", "pointer", "sha256", "witness", "controls", "exposures", "facts",
			"dismissed", "reason", "owner", "expires"),
		Facts:      newTable("fact", "nics", "rules", "remedy"),
		Controls:   newTable("id", "title", "status", "reason", "findings"),
		Dismissals: newTable("finding", "reason", "owner", "expires", "state", "file", "line"),
	}
	p.number(r)
	p.addSnapshot(r)
	p.addNICs(r)
	p.addRules(r)
	p.addGroups("Inbound", r.Groups)
	p.addGroups("Outbound", r.OutboundGroups)
	p.addExposures(p.groups, r.Exposures)
	p.addExposures(p.outbound, r.Outbound)
	p.addZones(r)
	p.addFindings(r)
	return p
}

// number gives every row that others refer to its place.
func (p *payload) number(r *audit.Report) {
	p.nics = places(r.NICs, func(n *audit.NIC) string { return n.ID })
	p.rules = places(r.Rules, func(x *audit.Rule) string { return x.ID })
	p.zones = places(r.Zones, func(z *audit.Zone) string { return z.Name })
	p.findings = places(r.Findings, func(f *audit.Finding) string { return f.ID })
	p.controls = places(r.Controls, func(c *audit.Control) string { return c.ID })
	p.groups, p.outbound, p.exposures = map[int]int{}, map[int]int{}, map[int]int{}
	for i := range r.Groups {
		p.groups[r.Groups[i].ID] = i
	}
	for i := range r.OutboundGroups { // they stand behind the others
		p.outbound[r.OutboundGroups[i].ID] = len(r.Groups) + i
	}
	for i := range r.Exposures {
		p.exposures[r.Exposures[i].ID] = i
	}
}

// places maps ids to places in the list. Azure's ids ignore case.
func places[T any](list []T, id func(*T) string) map[string]int {
	out := make(map[string]int, len(list))
	for i := range list {
		out[strings.ToLower(id(&list[i]))] = i
	}
	return out
}

// follow returns a reference to a row.
func (p *payload) follow(places map[string]int, id string) int {
	if at, ok := places[strings.ToLower(id)]; ok {
		return at
	}
	return -1 - p.text(id)
}

func (p *payload) nic(id string) int       { return p.follow(p.nics, id) }
func (p *payload) rule(id string) int      { return p.follow(p.rules, id) }
func (p *payload) nicList(l []string) int  { return numbers(p.dictionary, l, p.nic) }
func (p *payload) ruleList(l []string) int { return numbers(p.dictionary, l, p.rule) }
func (p *payload) zoneList(l []string) int {
	return numbers(p.dictionary, l, func(z string) int { return p.follow(p.zones, z) })
}

// placeOf returns the place of a row with a number for its id, -1 if there is none.
func placeOf(places map[int]int) func(id int) int {
	return func(id int) int {
		if at, ok := places[id]; ok {
			return at
		}
		return -1
	}
}

// placesOf returns the places of rows with numbers for their ids.
func placesOf(places map[int]int, ids []int) []int {
	out := make([]int, len(ids))
	for i, id := range ids {
		out[i] = placeOf(places)(id)
	}
	return out
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (p *payload) addSnapshot(r *audit.Report) {
	s := &r.Snapshot
	p.Meta = map[string]int{
		"version": p.text(r.Version), "benchmark": p.text(r.Benchmark), "now": p.text(r.Now), "sha256": p.text(s.SHA256),
		"tags": p.text(s.Tags), "internet": p.text(s.Internet), "internetZone": p.follow(p.zones, "Internet"), "notes": p.texts(r.Notes),
		"nics": s.NICs, "vms": s.VMs, "securityGroups": s.SecurityGroups, "securityRules": s.SecurityRules,
		"adminRules": s.AdminRules, "virtualNetworks": s.VirtualNetworks, "subnets": s.Subnets, "publicIPs": s.PublicIPs,
		"errors": s.Errors, "warnings": s.Warnings,
	}
	for _, d := range s.Documents {
		p.Documents.add(p.text(d.Path), p.text(d.Kind), d.Resources, p.text(d.SHA256))
	}
	for _, c := range s.Resources {
		p.Resources.add(p.text(c.Type), c.Count)
	}
	for _, a := range s.Assumptions {
		p.Assumptions.add(p.text(a.Name), p.text(a.Value), flag(a.Default), p.text(a.Meaning))
	}
}

func (p *payload) addNICs(r *audit.Report) {
	for i := range r.NICs {
		n := &r.NICs[i]
		p.NICs.add(p.text(n.ID), p.text(n.Name), p.text(n.VM), p.text(n.Subnet), p.text(n.VirtualNetwork), p.texts(n.Addresses),
			p.text(n.NSG), p.text(n.SubnetNSG), p.texts(n.ASGs), p.texts(n.Ways),
			p.list(append(placesOf(p.groups, n.Groups), placesOf(p.outbound, n.OutboundGroups)...)), p.text(n.File), n.Line, p.text(r.InternetOf(n)))
	}
}

func (p *payload) addGroups(direction string, groups []audit.Group) {
	for i := range groups {
		g := &groups[i]
		p.Groups.add(p.text(direction), p.text(g.Family), p.text(g.Internet),
			numbers(p.dictionary, g.Members, func(m audit.Member) int { return p.nic(m.NIC) }),
			numbers(p.dictionary, g.Members, func(m audit.Member) int { return p.texts(m.Addresses) }))
	}
}

func (p *payload) addRules(r *audit.Report) {
	for i := range r.Rules {
		x := &r.Rules[i]
		p.Rules.add(p.text(x.ID), p.text(x.NSG), p.text(x.Name), p.text(x.Kind), x.Priority, p.text(x.Direction), p.text(x.Access),
			p.text(x.Protocol), p.texts(x.Source), p.texts(x.SourcePorts), p.texts(x.Destination), p.texts(x.DestinationPorts),
			p.text(x.File), x.Line, x.Column, p.text(x.Pointer), p.text(x.SHA256), flag(x.Resolved), x.NICs,
			p.text(x.Shadowed), p.ruleList(x.ShadowedBy), p.text(x.Exclusive), p.text(x.Percent))
	}
}

// addExposures adds exposures of groups whose places are given.
func (p *payload) addExposures(groups map[int]int, exposures []audit.Exposure) {
	group := placeOf(groups)
	for i := range exposures {
		x := &exposures[i]
		sensitive := x.Sensitive
		if !slices.Contains(x.Zones, "Internet") {
			sensitive = nil // the page calls out what the Internet reaches
		}
		p.Exposures.add(group(x.Group), p.zoneList(x.Zones), p.text(x.Access),
			numbers(p.dictionary, sensitive, p.sensitive), numbers(p.dictionary, x.Boxes, p.box), p.text(x.Addresses), p.witness(x.Witness))
	}
}

func (p *payload) sensitive(s audit.Sensitive) int {
	return p.Sensitive.intern(p.text(s.Name), p.text(s.Category), p.text(s.Protocol), p.texts(s.Ports), p.text(s.Addresses),
		p.ruleList(s.Rules))
}

func (p *payload) box(b audit.Box) int {
	return p.Boxes.intern(p.text(b.Protocol), p.texts(b.LocalPorts), p.texts(b.Remote), p.texts(b.RemotePorts), p.rule(b.Rule),
		p.text(b.Layer), p.text(b.Reason))
}

// witness returns the number of a flow, -1 for none.
func (p *payload) witness(w *audit.Witness) int {
	if w == nil {
		return -1
	}
	return p.Witnesses.intern(p.nic(w.NIC), p.text(w.Direction), p.text(w.Protocol), p.text(w.LocalIP), port(w.LocalPort),
		p.text(w.RemoteIP), port(w.RemotePort), p.text(w.Access), p.rule(w.Rule), p.rule(w.AdminRule), p.rule(w.SubnetRule),
		p.rule(w.NICRule), p.text(w.Reason))
}

func port(n *uint16) int {
	if n == nil {
		return -1
	}
	return int(*n)
}

func (p *payload) addZones(r *audit.Report) {
	for i := range r.Zones {
		z := &r.Zones[i]
		p.Zones.add(p.text(z.Name), p.texts(z.Prefixes), p.nicList(z.NICs))
	}
	for i := range r.Cells {
		c := &r.Cells[i]
		p.Cells.add(p.follow(p.zones, c.From), p.follow(p.zones, c.To), numbers(p.dictionary, c.Services, p.passage),
			p.ruleList(c.Rules), p.witness(c.Witness))
	}
}

func (p *payload) passage(s audit.CellService) int {
	return p.Passages.intern(p.text(s.Access), p.text(s.Between), p.text(s.Protocol), p.texts(s.SourcePorts), p.texts(s.DestinationPorts))
}

func (p *payload) addFindings(r *audit.Report) {
	for i := range r.Findings {
		f := &r.Findings[i]
		p.Findings.add(p.text(f.ID), p.text(f.Kind), p.text(f.Category), p.text(string(f.Severity)), p.text(f.Title), p.text(f.Message),
			p.text(f.Remedy), p.text(f.Resource), p.rule(f.Rule), p.ruleList(f.By), p.nicList(f.NICs), p.texts(f.Services),
			p.text(f.Access), p.text(string(f.Breadth)), p.text(f.File), f.Line, f.Column, p.text(f.Pointer), p.text(f.SHA256), p.witness(f.Witness),
			numbers(p.dictionary, f.Controls, func(id string) int { return p.follow(p.controls, id) }),
			p.list(placesOf(p.exposures, f.Exposures)),
			p.texts(f.Facts), flag(f.Dismissed), p.text(f.Reason), p.text(f.Owner), p.text(f.Expires))
	}
	for i := range r.Facts {
		f := &r.Facts[i]
		p.Facts.add(p.text(f.Fact), p.nicList(f.NICs), p.ruleList(f.Rules), p.text(f.Remedy))
	}
	for i := range r.Controls {
		c := &r.Controls[i]
		p.Controls.add(p.text(c.ID), p.text(c.Title), p.text(string(c.Status)), p.text(c.Reason),
			numbers(p.dictionary, c.Findings, func(id string) int { return p.follow(p.findings, id) }))
	}
	for i := range r.Dismissals {
		d := &r.Dismissals[i]
		p.Dismissals.add(p.follow(p.findings, d.ID), p.text(d.Reason), p.text(d.Owner), p.text(d.Expires), p.text(d.State),
			p.text(d.File), d.Line)
	}
}
