package corpus

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// servicePorts are what people open, by name.
var servicePorts = []struct {
	port uint16
	name string
}{
	{443, "https"},
	{80, "http"},
	{22, "ssh"},
	{3389, "rdp"},
	{53, "dns"},
	{1433, "mssql"},
	{5432, "postgres"},
	{3306, "mysql"},
	{6379, "redis"},
	{8080, "http-alt"},
	{8443, "https-alt"},
	{25, "smtp"},
	{389, "ldap"},
	{636, "ldaps"},
	{88, "kerberos"},
	{123, "ntp"},
	{445, "smb"},
	{5985, "winrm"},
	{9200, "search"},
	{27017, "mongo"},
}

// A ruleDrawer draws the rules of one security group.
type ruleDrawer struct {
	e     *Estate
	s     *stream
	group *network.SecurityGroup
	home  int // virtual network whose subnets and ASGs the rules name
}

func (d *ruleDrawer) rule(priority int32) *network.Rule {
	s := d.s
	r := &network.Rule{Kind: network.UserRule, Group: d.group, Priority: priority, Direction: flow.Outbound, Access: flow.Deny, Protocol: network.AnyProtocol}
	if s.chance(0.70) {
		r.Direction = flow.Inbound
	}
	if s.chance(0.75) {
		r.Access = flow.Allow
	}
	switch x := s.Float64(); {
	case x < 0.65:
		r.Protocol = network.ProtocolMatch(flow.TCP)
	case x < 0.80:
		r.Protocol = network.ProtocolMatch(flow.UDP)
	case x < 0.84:
		r.Protocol = icmp
	}
	// Azure refuses rules that mix families, so one draw decides both sides.
	six := s.chance(d.e.o.IPv6 / 3)
	remote, local := d.remote(six), d.local(six)
	ports, name := []flow.PortRange{flow.AllPorts}, "any"
	r.SourcePorts = []flow.PortRange{flow.AllPorts}
	if r.Protocol != icmp {
		ports, name = d.ports()
		if s.chance(0.02) {
			first := uint16(1024 * (1 + s.IntN(60)))
			r.SourcePorts = []flow.PortRange{{First: first, Last: first + 1023}}
		}
	}
	if name == "any" && r.Protocol == network.AnyProtocol && remote[0].Kind == network.SelectAny {
		// A rule that matches everything a NIC sees stands at the end of a real
		// list: the rules behind it would be there for nothing.
		ports, name = []flow.PortRange{{First: 443, Last: 443}}, "https"
	}
	r.DestinationPorts = ports
	if r.Direction == flow.Inbound {
		r.Source, r.Destination = remote, local
		name += "-in-"
	} else {
		r.Source, r.Destination = local, remote
		name += "-out-"
	}
	r.Name = r.Access.String() + "-" + name + strconv.Itoa(int(priority))
	r.ID = d.group.ID + "/securityRules/" + r.Name
	return r
}

// selector parses the text of an operand, which is ours and therefore one.
func selector(text string) network.Selector {
	sel, _, ok := network.ParseSelector(text)
	if !ok {
		panic("corpus: no selector: " + text)
	}
	return sel
}

func one(text string) []network.Selector { return []network.Selector{selector(text)} }

// remote draws the operand of the other side.
func (d *ruleDrawer) remote(six bool) []network.Selector {
	s, tags := d.s, d.e.o.Tags
	switch x := s.Float64() - tags; {
	case x < 0:
		// Large tags are the ones that rules name most.
		rank := int(float64(len(d.e.ranked)) * math.Pow(s.Float64(), 4))
		return []network.Selector{{Kind: network.SelectServiceTag, Text: d.e.ranked[rank].Name}}
	case x < 0.15:
		return one("*")
	case x < 0.25:
		return one("VirtualNetwork")
	case x < 0.30:
		return one("Internet")
	case x < 0.36:
		return d.asg()
	}
	var out []network.Selector
	for range 1 + s.IntN(10) {
		sel := selector(prefixText(d.remotePrefix(six)))
		if !slices.ContainsFunc(out, func(o network.Selector) bool { return o.Text == sel.Text }) {
			out = append(out, sel)
		}
	}
	return out
}

// remotePrefix is half the time a public range, else one of the estate.
func (d *ruleDrawer) remotePrefix(six bool) netip.Prefix {
	s := d.s
	public := s.chance(0.5)
	switch {
	case six && public:
		return within(s, publicBlock6, 32+4*s.IntN(9))
	case six:
		return d.e.subnetPrefixes(s.IntN(d.e.o.Subnets))[1]
	case public:
		return publicPrefix(s, 16+s.IntN(17))
	}
	return within(s, d.e.vnetPrefixes(s.IntN(d.e.vnets))[0], 20+s.IntN(13))
}

// local draws the operand of the group's own side.
func (d *ruleDrawer) local(six bool) []network.Selector {
	s := d.s
	x := s.Float64()
	from, to := d.e.subnetsIn(d.home)
	subnet := from + s.IntN(to-from)
	switch {
	case x < 0.55:
		return one("*")
	case x < 0.75:
		p := d.e.subnetPrefixes(subnet)
		if six {
			return one(p[1].String())
		}
		return one(p[0].String())
	case x < 0.85:
		return d.asg()
	case x < 0.90:
		return one("VirtualNetwork")
	}
	return one(d.host(subnet, six))
}

// host is the address of a NIC of the subnet, or of its first host.
func (d *ruleDrawer) host(subnet int, six bool) string {
	first, end := d.e.firstNIC(subnet), d.e.firstNIC(subnet+1)
	nic := first + d.s.IntN(max(1, end-first))
	switch {
	case first >= end:
		v := d.e.vnetOfSubnet(subnet)
		if six {
			return address6(v, subnet-v*d.e.perVNet, 4).String()
		}
		return netip.AddrFrom4([4]byte{10, byte(v), byte(subnet - v*d.e.perVNet), 4}).String()
	case six:
		return d.e.nicAddress6(nic).String()
	}
	return d.e.nicAddress(nic, 0).String()
}

// asg is a group with members in the home network, if that has NICs.
func (d *ruleDrawer) asg() []network.Selector {
	from, to := d.e.subnetsIn(d.home)
	first, end := d.e.firstNIC(from), d.e.firstNIC(to)
	nic := d.s.IntN(d.e.o.NICs)
	if first < end {
		nic = first + d.s.IntN(end-first)
	}
	return []network.Selector{{Kind: network.SelectASG, Text: d.e.asgID(d.e.asgOf(nic))}}
}

// ports draws destination ports and a word for them.
func (d *ruleDrawer) ports() ([]flow.PortRange, string) {
	s := d.s
	switch x := s.Float64(); {
	case x < 0.10:
		return []flow.PortRange{flow.AllPorts}, "any"
	case x < 0.65:
		if s.chance(0.6) {
			p := pick(s, servicePorts)
			return []flow.PortRange{{First: p.port, Last: p.port}}, p.name
		}
		p := uint16(1 + s.IntN(32767))
		return []flow.PortRange{{First: p, Last: p}}, fmt.Sprintf("port-%d", p)
	case x < 0.78:
		first := 1 + s.IntN(60000)
		last := min(65535, first+1+s.IntN(1<<s.IntN(13)))
		return []flow.PortRange{{First: uint16(first), Last: uint16(last)}}, fmt.Sprintf("ports-%d", first)
	}
	var list []flow.PortRange
	for range 2 + s.IntN(7) {
		p := pick(s, servicePorts).port
		if s.chance(0.5) {
			p = uint16(1 + s.IntN(32767))
		}
		if !slices.Contains(list, flow.PortRange{First: p, Last: p}) {
			list = append(list, flow.PortRange{First: p, Last: p})
		}
	}
	return list, fmt.Sprintf("list-%d", list[0].First)
}

// prefixText writes whole addresses without their length, as Azure shows them.
func prefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func portsText(r flow.PortRange) string {
	switch {
	case r == flow.AllPorts:
		return "*"
	case r.First == r.Last:
		return strconv.Itoa(int(r.First))
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}
