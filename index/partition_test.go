package index

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// partitionNetwork is one NIC with addresses of both families behind two groups
// of made-up rules; some rules rest on unknown tags.
func partitionNetwork(rng *rand.Rand, groups int) *network.Network {
	texts := []string{"*", "VirtualNetwork", "Internet", "Nobody", "10.0.0.0/24", "10.0.0.4", "fd00::/64", "2001:db8::8", "0.0.0.0/1", "8.8.8.8"}
	side := func() []network.Selector {
		s, _, ok := network.ParseSelector(texts[rng.IntN(len(texts))])
		if !ok {
			panic("selector")
		}
		return []network.Selector{s}
	}
	portRanges := func() []flow.PortRange {
		if rng.IntN(3) > 0 {
			return []flow.PortRange{flow.AllPorts}
		}
		a, b := uint16(rng.IntN(4)), uint16(rng.IntN(4))
		return []flow.PortRange{{First: min(a, b), Last: max(a, b)}, {First: 65535, Last: 65535}}
	}
	n := &network.Network{Internet: network.DefaultInternet(false)}
	for g := range groups {
		group := &network.SecurityGroup{ID: fmt.Sprintf("/nsgs/g%d", g)}
		for j := range 6 {
			r := &network.Rule{ID: fmt.Sprintf("%s/r%d", group.ID, j), Name: fmt.Sprintf("r%d", j), Group: group, Priority: int32(100 + j)}
			r.Direction, r.Access = flow.Direction(1+rng.IntN(2)), flow.Access(1+rng.IntN(2))
			r.Protocol = []network.ProtocolMatch{network.AnyProtocol, 6, 17, 1, 50}[rng.IntN(5)]
			r.Source, r.Destination, r.SourcePorts, r.DestinationPorts = side(), side(), portRanges(), portRanges()
			group.Rules = append(group.Rules, r)
		}
		n.SecurityGroups = append(n.SecurityGroups, group)
	}
	n.VirtualNetworks = []*network.VirtualNetwork{{ID: "/vnets/v", Prefixes: prefixList("10.0.0.0/16", "fd00::/48")}}
	subnet := &network.Subnet{ID: "/vnets/v/subnets/s", Name: "s", VirtualNetworkID: "/vnets/v", Prefixes: prefixList("10.0.0.0/24", "fd00::/64")}
	nic := &network.NIC{ID: "/nics/a", Name: "a", SubnetID: subnet.ID, IPConfigs: []network.IPConfig{
		{Name: "four", Address: netip.MustParseAddr("10.0.0.4")}, {Name: "six", Address: netip.MustParseAddr("fd00::4")},
	}}
	if groups > 0 {
		nic.Group.ID = "/nsgs/g0"
	}
	if groups > 1 {
		subnet.Group.ID = "/nsgs/g1"
	}
	n.Subnets, n.NICs = []*network.Subnet{subnet}, []*network.NIC{nic}
	network.Link(n)
	return n
}

// The rows and the columns of a partition hold every point once, and the verdict
// where they cross is the classifier's.
func TestPartitionEqualsClassify(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 13))
	remotes := []string{
		"0.0.0.0", "10.0.0.4", "10.0.0.5", "10.0.255.255", "10.1.0.0", "8.8.8.8", "127.255.255.255", "128.0.0.0", "168.63.129.16", "255.255.255.255",
		"::", "fd00::4", "fd00:0:0:1::", "2001:db8::8", "2001:db8::9", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	}
	for round := range 120 {
		n := partitionNetwork(rng, round%3)
		maxTable := 0
		if round%2 == 1 {
			maxTable = -1
		}
		ix, err := Compile(context.Background(), n, Options{MaxTable: maxTable, LargeSet: round/2%2 - 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range ix.Locals(n.NICs[0]) {
			for dir, k := range map[flow.Direction]*Classifier{flow.Inbound: l.In, flow.Outbound: l.Out} {
				p := k.Partition()
				for _, text := range remotes {
					remote := netip.MustParseAddr(text)
					if remote.Is4() != l.Address.Is4() {
						continue
					}
					row := rowHolding(t, p, remote)
					q := flow.Tuple{Local: l.Address, Remote: flow.AddressFrom(remote), Direction: dir}
					for _, q.Protocol = range []flow.Protocol{flow.TCP, flow.UDP, flow.ICMP, flow.ICMPv6, flow.ESP, 0, 255} {
						for _, ports := range [][2]uint16{{0, 0}, {3, 0}, {2, 65535}, {65535, 4}, {uint16(rng.Uint32()), 1}} {
							if q.Protocol.HasPorts() {
								q.LocalPort, q.RemotePort = ports[0], ports[1]
							}
							if got, want := p.Verdict(row, columnHolding(t, p, q)), k.Classify(&q); got != want {
								t.Fatalf("round %d %+v: %+v, classified %+v", round, q, ix.Verdict(got), ix.Verdict(want))
							}
						}
					}
				}
			}
		}
	}
}

func rowHolding(t *testing.T, p *Partition, a netip.Addr) int {
	t.Helper()
	found := -1
	for r := range p.Rows {
		if p.Rows[r].inner().contains(a) {
			if found >= 0 {
				t.Fatalf("%s is in the rows %d and %d", a, found, r)
			}
			found = r
		}
	}
	if found < 0 {
		t.Fatalf("%s is in no row", a)
	}
	return found
}

func columnHolding(t *testing.T, p *Partition, q flow.Tuple) int {
	t.Helper()
	source, destination := q.Ports()
	found := -1
	for c := range p.Columns {
		for _, b := range p.Columns[c] {
			if !b.Protocols.Contains(q.Protocol) {
				continue
			}
			if q.Protocol.HasPorts() && (!b.Source.Contains(interval.Port(source)) || !b.Destination.Contains(interval.Port(destination))) {
				continue
			}
			if found >= 0 {
				t.Fatalf("%+v is in two boxes of the columns %d and %d", q, found, c)
			}
			found = c
		}
	}
	if found < 0 {
		t.Fatalf("%+v is in no column", q)
	}
	return found
}
