package verify

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/oracle"
)

// wideNetwork has a NIC whose own list tells more than 65,536 pairs of ports apart,
// by rules about source ports from one address and about destination ports from
// another; the subnet's list hides most of them.
func wideNetwork() *network.Network {
	n := &network.Network{Internet: network.DefaultInternet(true)}
	group := func(name string) (*network.SecurityGroup, func(access flow.Access, source string, from, to flow.PortRange)) {
		g := &network.SecurityGroup{ID: "/nsgs/" + name, Name: name}
		n.SecurityGroups = append(n.SecurityGroups, g)
		return g, func(access flow.Access, source string, from, to flow.PortRange) {
			p := len(g.Rules) + 100
			r := &network.Rule{ID: fmt.Sprintf("%s/r%d", g.ID, p), Name: fmt.Sprintf("r%d", p), Group: g, Priority: int32(p)}
			r.Direction, r.Access, r.Protocol = flow.Inbound, access, network.AnyProtocol
			r.Source, r.Destination = selector(source), selector("*")
			r.SourcePorts, r.DestinationPorts = []flow.PortRange{from}, []flow.PortRange{to}
			g.Rules = append(g.Rules, r)
		}
	}
	one := func(port int) flow.PortRange { return flow.PortRange{First: uint16(port), Last: uint16(port)} }
	subnetGroup, add := group("subnet")
	add(flow.Deny, "192.0.2.2", flow.AllPorts, flow.AllPorts)
	add(flow.Allow, "*", flow.AllPorts, flow.AllPorts)
	nicGroup, add := group("nic")
	add(flow.Deny, "192.0.2.3", one(300), one(300))
	for port := 1; port <= 300; port++ {
		add(flow.Allow, "192.0.2.1", one(port), flow.AllPorts)
	}
	for port := 1; port <= 300; port++ {
		add(flow.Deny, "192.0.2.2", flow.AllPorts, one(port))
	}
	add(flow.Allow, "*", flow.AllPorts, flow.AllPorts)
	subnet := &network.Subnet{ID: "/vnets/v/subnets/s", Name: "s", VirtualNetworkID: "/vnets/v", Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}}
	nic := &network.NIC{ID: "/nics/a", Name: "a", SubnetID: subnet.ID, IPConfigs: []network.IPConfig{{Name: "one", Address: netip.MustParseAddr("10.0.0.4")}}}
	nic.Group.ID, subnet.Group.ID = nicGroup.ID, subnetGroup.ID
	n.VirtualNetworks = []*network.VirtualNetwork{{ID: "/vnets/v", Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}}
	n.Subnets, n.NICs = []*network.Subnet{subnet}, []*network.NIC{nic}
	network.Link(n)
	return n
}

func selector(text string) []network.Selector {
	s, _, ok := network.ParseSelector(text)
	if !ok {
		panic("selector " + text)
	}
	return []network.Selector{s}
}

// A list with more service columns than 16 bits number is fused rightly.
func TestWideListAgreesWithOracle(t *testing.T) {
	n := wideNetwork()
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	judge := oracle.New(n)
	access := map[flow.Access]int{}
	for _, remote := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"} {
		for _, source := range []uint16{1, 81, 83, 299, 300, 301} {
			for _, destination := range []uint16{1, 81, 83, 299, 300, 301} {
				q := flow.Tuple{
					Direction: flow.Inbound, Protocol: flow.TCP, Local: flow.AddressFrom(netip.MustParseAddr("10.0.0.4")),
					Remote: flow.AddressFrom(netip.MustParseAddr(remote)), LocalPort: destination, RemotePort: source,
				}
				got, want := ix.Classify(n.NICs[0], q), judge.Classify(n.NICs[0], q)
				if got != want {
					t.Errorf("%s:%d to port %d: %+v, the oracle %+v", remote, source, destination, got, want)
				}
				access[got.Access]++
			}
		}
	}
	if access[flow.Allow] == 0 || access[flow.Deny] == 0 {
		t.Errorf("%v: the test tests nothing", access)
	}
}
