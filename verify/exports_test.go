package verify

import (
	"context"
	"net/netip"
	"testing"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/verify/internal/estate"
	"ipflow/verify/oracle"
)

// TestExportedEstate holds a real export to answers derived by hand from its
// JSON. VM1 (10.0.0.4, subnet default without a group) has VM1-nsg: inbound 300
// allow TCP 22 and 8080, 310 allow UDP, 320 deny all; no outbound rules. VM2
// (10.0.1.4) has VM2-nsg without rules of its own, and its subnet private has
// subnet-nsg: inbound 100 allow TCP 22-23, 80, 8080 from 10.0.0.0/24, 110 deny
// all; outbound 120 allow TCP 8080 to 10.0.0.0/24, 130 allow UDP, 140 deny all.
func TestExportedEstate(t *testing.T) {
	table := []struct {
		nic, direction, protocol, local, remote string
		port                                    uint16 // of the destination
		access                                  flow.Access
		rule                                    string
		layer                                   flow.Layer
		reason                                  string
	}{
		{"vm1346", "In", "TCP", "10.0.0.4", "8.8.8.8", 22, flow.Allow, "SSH", flow.NetworkInterface, "300 names port 22 for any source; no group on the subnet"},
		{"vm1346", "In", "TCP", "10.0.0.4", "8.8.8.8", 8080, flow.Allow, "SSH", flow.NetworkInterface, "300 names port 8080 too"},
		{"vm1346", "In", "TCP", "10.0.0.4", "8.8.8.8", 23, flow.Deny, "DenyAnyCustomAnyInbound", flow.NetworkInterface, "23 is in no list; 320 denies all"},
		{"vm1346", "In", "TCP", "10.0.0.4", "10.0.1.4", 443, flow.Deny, "DenyAnyCustomAnyInbound", flow.NetworkInterface, "320 stands before AllowVnetInBound"},
		{"vm1346", "In", "UDP", "10.0.0.4", "8.8.8.8", 53, flow.Allow, "AllowAnyCustomAnyInbound", flow.NetworkInterface, "310 allows UDP on every port"},
		{"vm1346", "In", "UDP", "10.0.0.4", "8.8.8.8", 22, flow.Allow, "AllowAnyCustomAnyInbound", flow.NetworkInterface, "300 is for TCP only"},
		{"vm1346", "In", "ICMP", "10.0.0.4", "10.0.1.4", 0, flow.Deny, "DenyAnyCustomAnyInbound", flow.NetworkInterface, "300 is TCP, 310 UDP, 320 any protocol"},
		{"vm1346", "In", "TCP", "10.0.0.4", "168.63.129.16", 80, flow.Deny, "DenyAnyCustomAnyInbound", flow.NetworkInterface, "by the rules; the platform exempts probes, a note"},
		{"vm1346", "Out", "TCP", "10.0.0.4", "8.8.8.8", 443, flow.Allow, "AllowInternetOutBound", flow.NetworkInterface, "default rules only"},
		{"vm1346", "Out", "TCP", "10.0.0.4", "10.0.1.4", 22, flow.Allow, "AllowVnetOutBound", flow.NetworkInterface, "10.0.1.4 is in the address space 10.0.0.0/16"},
		{"vm1346", "Out", "TCP", "10.0.0.4", "172.31.0.1", 443, flow.Deny, "DenyAllOutBound", flow.NetworkInterface, "neither VirtualNetwork nor Internet"},
		{"vm1346", "Out", "ICMP", "10.0.0.4", "8.8.8.8", 0, flow.Allow, "AllowInternetOutBound", flow.NetworkInterface, "default rules are for every protocol"},

		{"vm235", "In", "TCP", "10.0.1.4", "10.0.0.4", 22, flow.Allow, "AllowVnetInBound", flow.NetworkInterface, "100 allows at the subnet, then the NIC's default rule"},
		{"vm235", "In", "TCP", "10.0.1.4", "10.0.0.4", 23, flow.Allow, "AllowVnetInBound", flow.NetworkInterface, "100 names 22-23"},
		{"vm235", "In", "TCP", "10.0.1.4", "10.0.0.4", 8080, flow.Allow, "AllowVnetInBound", flow.NetworkInterface, "100 names 8080"},
		{"vm235", "In", "TCP", "10.0.1.4", "10.0.0.4", 24, flow.Deny, "DenyCidrBlockCustomAnyInbound", flow.Subnet, "24 is behind 22-23; 110 denies all"},
		{"vm235", "In", "TCP", "10.0.1.4", "10.0.1.9", 22, flow.Deny, "DenyCidrBlockCustomAnyInbound", flow.Subnet, "the source is not in 10.0.0.0/24, traffic within the subnet is filtered too"},
		{"vm235", "In", "TCP", "10.0.1.4", "8.8.8.8", 22, flow.Deny, "DenyCidrBlockCustomAnyInbound", flow.Subnet, "the subnet comes first inbound"},
		{"vm235", "In", "UDP", "10.0.1.4", "10.0.0.4", 22, flow.Deny, "DenyCidrBlockCustomAnyInbound", flow.Subnet, "100 is for TCP"},
		{"vm235", "In", "ICMP", "10.0.1.4", "10.0.0.4", 0, flow.Deny, "DenyCidrBlockCustomAnyInbound", flow.Subnet, "100 is for TCP, 110 for all"},
		{"vm235", "Out", "TCP", "10.0.1.4", "10.0.0.4", 8080, flow.Allow, "AllowAnyCustom8080Outbound", flow.Subnet, "the NIC's default rule, then 120 at the subnet, which is last outbound"},
		{"vm235", "Out", "TCP", "10.0.1.4", "10.0.0.4", 22, flow.Deny, "DenyAnyCustomAnyOutbound", flow.Subnet, "120 is for 8080; 140 denies"},
		{"vm235", "Out", "TCP", "10.0.1.4", "10.0.1.9", 8080, flow.Deny, "DenyAnyCustomAnyOutbound", flow.Subnet, "120 is for 10.0.0.0/24"},
		{"vm235", "Out", "UDP", "10.0.1.4", "8.8.8.8", 53, flow.Allow, "AllowAnyCustomAnyOutbound", flow.Subnet, "AllowInternetOutBound at the NIC, then 130"},
		{"vm235", "Out", "UDP", "10.0.1.4", "10.0.0.4", 53, flow.Allow, "AllowAnyCustomAnyOutbound", flow.Subnet, "AllowVnetOutBound at the NIC, then 130"},
		{"vm235", "Out", "UDP", "10.0.1.4", "172.31.0.1", 53, flow.Deny, "DenyAllOutBound", flow.NetworkInterface, "the NIC comes first outbound and knows no such network"},
		{"vm235", "Out", "TCP", "10.0.1.4", "8.8.8.8", 443, flow.Deny, "DenyAnyCustomAnyOutbound", flow.Subnet, "the NIC allows, 140 denies"},
		{"vm235", "Out", "ICMP", "10.0.1.4", "10.0.0.4", 0, flow.Deny, "DenyAnyCustomAnyOutbound", flow.Subnet, "120 is TCP, 130 UDP, 140 any protocol"},
	}
	for _, form := range []string{"files", "list"} {
		n := estate.Snapshot(t, sharedHere(t, "data", "exports", "batfish-cloud-azure", form))
		ix, err := index.Compile(context.Background(), n, index.Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range table {
			nics := n.NICsNamed(c.nic)
			if len(nics) != 1 {
				t.Fatalf("%s: %d NICs are named %s", form, len(nics), c.nic)
			}
			q := flow.Tuple{Local: flow.AddressFrom(netip.MustParseAddr(c.local)), Remote: flow.AddressFrom(netip.MustParseAddr(c.remote))}
			q.Direction, _ = flow.ParseDirection(c.direction)
			q.Protocol, _ = flow.ParseProtocol(c.protocol)
			if q.Protocol.HasPorts() {
				q.LocalPort, q.RemotePort = c.port, 50000
				if q.Direction == flow.Outbound {
					q.LocalPort, q.RemotePort = 50000, c.port
				}
			}
			want, got := oracle.New(n).Classify(nics[0], q), ix.Classify(nics[0], q)
			if got != want {
				t.Errorf("%s: %+v: index %+v, oracle %+v", form, c, got, want)
			}
			rule := ""
			if r := n.Rule(want.Rule); r != nil {
				rule = r.Name
			}
			if want.Access != c.access || rule != c.rule || want.Layer != c.layer || want.Reason != "" {
				t.Errorf("%s: %s %s %s %s port %d: %s by %q in %s %s\nwant %s by %q in %s: %s", form, c.nic, c.direction, c.protocol, c.remote, c.port,
					want.Access, rule, want.Layer, want.Reason, c.access, c.rule, c.layer, c.reason)
			}
		}
	}
}
