package corpus

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"ipflow/ingest/network"
)

const (
	tagsFile   = "serviceTags.json"
	tagsChange = "400"
	tagsCloud  = "Public"
)

// File is one file of an export.
type File struct {
	Name  string
	Write func(io.Writer) error // streams the content; may be called again
}

// Files are the exports that make up the estate, one per resource type.
func (e *Estate) Files() []File {
	page := func(name string, count int, element func(*jsonWriter, int)) File {
		return File{name, func(w io.Writer) error {
			j := newJSONWriter(w)
			j.object("", func() {
				j.array("value", func() {
					for i := 0; i < count && !j.broken(); i++ {
						element(j, i)
					}
				})
			})
			return j.finish()
		}}
	}
	if e.list != nil {
		return []File{
			page("networkInterfaces.json", 1, e.writeNIC),
			page("networkSecurityGroups.json", 1, e.writeGroup),
			page("virtualNetworks.json", 1, e.writeVNet),
		}
	}
	return []File{
		page("applicationSecurityGroups.json", e.o.ASGs, e.writeASG),
		page("networkInterfaces.json", e.o.NICs, e.writeNIC),
		page("networkSecurityGroups.json", e.o.NSGs, e.writeGroup),
		page("routeTables.json", e.vnets, e.writeTable),
		{tagsFile, e.writeTags},
		page("virtualNetworks.json", e.vnets, e.writeVNet),
	}
}

// resource writes what every resource of Microsoft.Network has in common.
func (e *Estate) resource(j *jsonWriter, vnet int, kind, id string, properties func()) {
	j.object("", func() {
		j.string("name", network.LastSegment(id))
		j.string("id", id)
		j.string("etag", etag(id))
		j.string("type", "Microsoft.Network/"+kind)
		j.string("location", e.location(vnet))
		j.object("tags", func() { j.string("environment", e.environment(vnet)) })
		j.object("properties", func() {
			j.string("provisioningState", "Succeeded")
			properties()
		})
	})
}

// child writes a resource inside another one.
func child(j *jsonWriter, kind, id string, properties func()) {
	j.object("", func() {
		j.string("name", network.LastSegment(id))
		j.string("id", id)
		j.string("etag", etag(id))
		j.string("type", "Microsoft.Network/"+kind)
		j.object("properties", func() {
			j.string("provisioningState", "Succeeded")
			properties()
		})
	})
}

func etag(id string) string {
	h := uint64(0)
	for i := range len(id) {
		h = mix64(h ^ uint64(id[i]))
	}
	return fmt.Sprintf(`W/\"%08x-%04x-4%03x-8%03x-%012x\"`, uint32(h), uint16(h>>32), h>>48&0xfff, h>>52&0xfff, h&0xffffffffffff)
}

func texts(list []netip.Prefix) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.String()
	}
	return out
}

func (e *Estate) writeASG(j *jsonWriter, i int) {
	first := (i*e.o.NICs + e.o.ASGs - 1) / e.o.ASGs
	e.resource(j, e.nicVNet(first), "applicationSecurityGroups", e.asgID(i), func() {})
}

func (e *Estate) writeTable(j *jsonWriter, v int) {
	t := e.routeTable(v)
	e.resource(j, v, "routeTables", t.ID, func() {
		j.bool("disableBgpRoutePropagation", false)
		j.array("routes", func() {
			for _, r := range t.Routes {
				child(j, "routeTables/routes", t.ID+"/routes/"+r.Name, func() {
					j.string("addressPrefix", r.Prefix.String())
					j.string("nextHopType", r.NextHop)
					j.string("nextHopIpAddress", "10.0.0.4")
					j.bool("hasBgpOverride", false)
				})
			}
		})
		j.references("subnets", t.SubnetIDs)
	})
}

func (e *Estate) writeVNet(j *jsonWriter, v int) {
	vnet, subnets := e.vnet(v)
	e.resource(j, v, "virtualNetworks", vnet.ID, func() {
		j.object("addressSpace", func() { j.strings("addressPrefixes", texts(vnet.Prefixes)) })
		j.array("subnets", func() {
			for _, s := range subnets {
				writeSubnet(j, s)
			}
		})
		j.array("virtualNetworkPeerings", func() {
			for _, p := range vnet.Peerings {
				writePeering(j, p)
			}
		})
		j.bool("enableDdosProtection", false)
	})
}

func writeSubnet(j *jsonWriter, s *network.Subnet) {
	child(j, "virtualNetworks/subnets", s.ID, func() {
		if len(s.Prefixes) == 1 {
			j.string("addressPrefix", s.Prefixes[0].String())
		} else {
			j.strings("addressPrefixes", texts(s.Prefixes))
		}
		if s.Group.ID != "" {
			j.reference("networkSecurityGroup", s.Group.ID)
		}
		if s.RouteTable.ID != "" {
			j.reference("routeTable", s.RouteTable.ID)
		}
		j.strings("delegations", nil)
		j.string("privateEndpointNetworkPolicies", s.PrivateEndpointPolicies)
		j.string("privateLinkServiceNetworkPolicies", "Enabled")
	})
}

func writePeering(j *jsonWriter, p *network.Peering) {
	child(j, "virtualNetworks/virtualNetworkPeerings", p.ID, func() {
		j.string("peeringState", p.State)
		j.string("peeringSyncLevel", p.SyncLevel)
		j.reference("remoteVirtualNetwork", p.RemoteID)
		j.bool("allowVirtualNetworkAccess", p.AllowAccess)
		j.bool("allowForwardedTraffic", true)
		j.bool("allowGatewayTransit", false)
		j.bool("useRemoteGateways", p.UseRemoteGateways)
		j.bool("doNotVerifyRemoteGateways", false)
		j.bool("peerCompleteVnets", !p.Partial)
		j.object("remoteAddressSpace", func() { j.strings("addressPrefixes", texts(p.Remote)) })
		j.object("remoteVirtualNetworkAddressSpace", func() { j.strings("addressPrefixes", texts(p.Remote)) })
	})
}

func (e *Estate) writeNIC(j *jsonWriter, i int) {
	c := e.nic(i)
	e.resource(j, e.nicVNet(i), "networkInterfaces", c.ID, func() {
		j.array("ipConfigurations", func() {
			for k := range c.IPConfigs {
				writeIPConfig(j, c, &c.IPConfigs[k])
			}
		})
		j.object("dnsSettings", func() {
			j.strings("dnsServers", nil)
			j.strings("appliedDnsServers", nil)
		})
		j.string("macAddress", c.MAC)
		j.bool("enableAcceleratedNetworking", true)
		j.bool("enableIPForwarding", c.IPForwarding)
		j.reference("networkSecurityGroup", c.Group.ID)
		j.bool("primary", true)
		j.reference("virtualMachine", c.VMID)
		j.string("nicType", "Standard")
	})
}

func writeIPConfig(j *jsonWriter, c *network.NIC, cfg *network.IPConfig) {
	child(j, "networkInterfaces/ipConfigurations", c.ID+"/ipConfigurations/"+cfg.Name, func() {
		j.string("privateIPAddress", cfg.Address.String())
		j.string("privateIPAllocationMethod", "Dynamic")
		version := "IPv4"
		if cfg.Address.Is6() {
			version = "IPv6"
		}
		j.string("privateIPAddressVersion", version)
		j.reference("subnet", cfg.SubnetID)
		j.bool("primary", cfg.Primary)
		j.references("applicationSecurityGroups", cfg.ASGs)
	})
}

func (e *Estate) writeGroup(j *jsonWriter, g int) {
	group := e.group(g)
	rules := func(name string, list []*network.Rule) {
		j.array(name, func() {
			for _, r := range list {
				child(j, "networkSecurityGroups/"+name, r.ID, func() { writeRule(j, r) })
			}
		})
	}
	e.resource(j, e.homeOf(g), "networkSecurityGroups", group.ID, func() {
		rules("securityRules", group.Rules)
		rules("defaultSecurityRules", defaultRules(group))
		if len(group.SubnetIDs) > 0 {
			j.references("subnets", group.SubnetIDs)
		}
		if len(group.NICIDs) > 0 {
			j.references("networkInterfaces", group.NICIDs)
		}
	})
}

// defaultRules are the six that Azure adds, as Link completes them.
func defaultRules(group *network.SecurityGroup) []*network.Rule {
	n := &network.Network{SecurityGroups: []*network.SecurityGroup{{ID: group.ID, Name: group.Name}}}
	network.Link(n)
	return n.SecurityGroups[0].Rules
}

func writeRule(j *jsonWriter, r *network.Rule) {
	protocol := "*"
	switch r.Protocol {
	case 1:
		protocol = "Icmp"
	case 6:
		protocol = "Tcp"
	case 17:
		protocol = "Udp"
	}
	j.string("protocol", protocol)
	ports := func(name string, list []string) {
		if len(list) == 1 {
			j.string(name, list[0])
			list = nil
		}
		j.strings(name+"s", list)
	}
	side := func(name string, list []network.Selector) {
		var words, asgs []string
		for _, s := range list {
			if s.Kind == network.SelectASG {
				asgs = append(asgs, s.Text)
			} else {
				words = append(words, s.Text)
			}
		}
		if len(words) == 1 {
			j.string(name+"AddressPrefix", words[0])
			words = nil
		}
		j.strings(name+"AddressPrefixes", words)
		if len(asgs) > 0 {
			j.references(name+"ApplicationSecurityGroups", asgs)
		}
	}
	var source, destination []string
	for _, p := range r.SourcePorts {
		source = append(source, portsText(p))
	}
	for _, p := range r.DestinationPorts {
		destination = append(destination, portsText(p))
	}
	ports("sourcePortRange", source)
	ports("destinationPortRange", destination)
	side("source", r.Source)
	side("destination", r.Destination)
	j.string("access", r.Access.String())
	j.int("priority", int(r.Priority))
	j.string("direction", r.Direction.String())
}

// writeTags writes the answer of the service-tag API.
func (e *Estate) writeTags(w io.Writer) error {
	j := newJSONWriter(w)
	j.object("", func() {
		j.string("name", tagsCloud)
		j.string("id", e.subscription(0)+"/providers/Microsoft.Network/serviceTags/"+tagsCloud)
		j.string("type", "Microsoft.Network/serviceTags")
		j.string("changeNumber", tagsChange)
		j.string("cloud", tagsCloud)
		j.array("values", func() {
			for _, t := range e.tags {
				j.object("", func() {
					j.string("name", t.Name)
					j.string("id", t.Name)
					j.object("properties", func() { writeTag(j, t) })
				})
			}
		})
	})
	return j.finish()
}

func writeTag(j *jsonWriter, t *network.ServiceTag) {
	service, region, _ := strings.Cut(t.Name, ".")
	if !slices.Contains(regions, region) {
		region = ""
	}
	j.string("changeNumber", "1")
	j.string("region", region)
	j.string("state", "GA")
	j.strings("networkFeatures", []string{"API", "NSG", "UDR", "FW"})
	j.string("systemService", service)
	j.strings("addressPrefixes", texts(t.Prefixes))
}
