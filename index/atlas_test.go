package index

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"ipflow/index/interval"
	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// taggedNetwork is one NIC of both families behind two groups whose rules name
// overlapping tags and prefixes in a small part of the address space. Rules for
// every address would hide most others: long lists have none.
func taggedNetwork(rng *rand.Rand, tags, prefixes, rules int) *network.Network {
	n := &network.Network{Internet: network.DefaultInternet(true), Tags: network.NewServiceTags(diag.Origin{}, "1", "Public")}
	prefix := func() netip.Prefix {
		if rng.IntN(3) == 0 {
			a := netip.AddrFrom16([16]byte{0: 0x26, 1: 3, 5: byte(rng.IntN(4)), 7: byte(rng.IntN(4)), 8: byte(rng.IntN(3))})
			return netip.PrefixFrom(a, 40+rng.IntN(40)).Masked()
		}
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(rng.IntN(3)), byte(rng.IntN(8)), byte(rng.Uint32())}), 12+rng.IntN(21)).Masked()
	}
	for i := range tags {
		tag := &network.ServiceTag{Name: fmt.Sprintf("Tag%d", i)}
		for range 1 + rng.IntN(prefixes) {
			tag.Prefixes = append(tag.Prefixes, prefix())
		}
		n.Tags.Add(tag)
	}
	remote := func() (out []network.Selector) {
		switch x := rng.IntN(5); {
		case x == 0 && rules < 100:
			return selectors("*")
		case x == 1:
			return selectors(prefix().String(), prefix().String())
		case x == 2: // a tag beside a prefix is an address set of its own
			return selectors(fmt.Sprintf("Tag%d", rng.IntN(tags)), prefix().String())
		}
		return selectors(fmt.Sprintf("Tag%d", rng.IntN(tags)))
	}
	for g := range 2 {
		group := &network.SecurityGroup{ID: fmt.Sprintf("/nsgs/g%d", g)}
		for j := range rules {
			r := &network.Rule{ID: fmt.Sprintf("%s/r%d", group.ID, j), Name: fmt.Sprintf("r%d", j), Group: group, Priority: int32(100 + j)}
			r.Direction, r.Access = flow.Inbound, flow.Access(1+rng.IntN(2))
			r.Protocol = []network.ProtocolMatch{network.AnyProtocol, 6, 17, 1}[rng.IntN(4)]
			r.Source, r.Destination = remote(), selectors("*")
			port := uint16(rng.IntN(6))
			r.SourcePorts, r.DestinationPorts = []flow.PortRange{flow.AllPorts}, []flow.PortRange{{First: port, Last: port + uint16(rng.IntN(3))}}
			if rng.IntN(8) == 0 {
				r.SourcePorts = []flow.PortRange{{First: 1, Last: 2}}
			}
			group.Rules = append(group.Rules, r)
		}
		n.SecurityGroups = append(n.SecurityGroups, group)
	}
	n.VirtualNetworks = []*network.VirtualNetwork{{ID: "/vnets/v", Prefixes: prefixList("10.0.0.0/16", "fd00::/48")}}
	subnet := &network.Subnet{ID: "/vnets/v/subnets/s", Name: "s", VirtualNetworkID: "/vnets/v", Prefixes: prefixList("10.0.0.0/24", "fd00::/64")}
	nic := &network.NIC{ID: "/nics/a", Name: "a", SubnetID: subnet.ID, IPConfigs: []network.IPConfig{
		{Name: "four", Address: netip.MustParseAddr("10.0.0.4")}, {Name: "six", Address: netip.MustParseAddr("fd00::4")},
	}}
	nic.Group.ID, subnet.Group.ID = "/nsgs/g0", "/nsgs/g1"
	n.Subnets, n.NICs = []*network.Subnet{subnet}, []*network.NIC{nic}
	network.Link(n)
	return n
}

func selectors(texts ...string) (out []network.Selector) {
	for _, t := range texts {
		s, _, ok := network.ParseSelector(t)
		if !ok {
			panic("selector " + t)
		}
		out = append(out, s)
	}
	return out
}

// What an atlas holds, and whether there are tables at all, changes no answer.
func TestAtlasChangesNoAnswer(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 19))
	mixed, overflown := 0, 0
	for round := range 60 {
		tags, prefixes, rules := 2+round%12, 12, 12
		if round%10 == 9 {
			tags, prefixes, rules = 150, 1, 300 // more large sets than one classifier may have zones of
		}
		n := taggedNetwork(rng, tags, prefixes, rules)
		var all []*Index
		for _, o := range []Options{{LargeSet: 1 << 20}, {LargeSet: -1}, {LargeSet: 4}, {LargeSet: -1, MaxTable: -1}} {
			ix, err := Compile(context.Background(), n, o)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, ix)
		}
		nic := n.NICs[0]
		for _, local := range all[1].Locals(nic) {
			if local.In.fused().zones != nil {
				mixed++
			} else if rules == 300 {
				overflown++
			}
		}
		for _, remote := range borders(n) {
			if remote.Is4() {
				a := flow.AddressFrom(remote).As4()
				if got, want := region4(all[1].c.geo4.atlas, a), all[1].c.geo4.region[search32(all[1].c.geo4.starts, interval.IPv4(a))]; got != want {
					t.Fatalf("round %d: region of %s is %d, want %d", round, remote, got, want)
				}
			}
			q := flow.Tuple{Local: flow.AddressFrom(netip.MustParseAddr("10.0.0.4")), Remote: flow.AddressFrom(remote), Direction: flow.Inbound}
			if !remote.Is4() {
				q.Local = flow.AddressFrom(netip.MustParseAddr("fd00::4"))
			}
			for range 4 {
				q.Protocol = []flow.Protocol{flow.TCP, flow.UDP, flow.ICMP}[rng.IntN(3)]
				q.LocalPort, q.RemotePort, q.AnySourcePort = uint16(rng.IntN(8)), uint16(rng.IntN(4)), rng.IntN(4) == 0
				want := all[0].Classify(nic, q)
				for i, ix := range all[1:] {
					if got := ix.Classify(nic, q); got != want {
						t.Fatalf("round %d, index %d, %+v: %+v, want %+v", round, i+1, q, got, want)
					}
				}
			}
		}
	}
	if mixed == 0 || overflown == 0 {
		t.Errorf("%d classifiers with mixed intervals, %d with too many zones: the test tests nothing", mixed, overflown)
	}
}

// borders is the addresses at which a prefix of a tag begins, those before, and
// those after its end.
func borders(n *network.Network) (out []netip.Addr) {
	for i := 0; ; i++ {
		tag := n.Tag(fmt.Sprintf("Tag%d", i))
		if tag == nil {
			return out
		}
		for _, p := range tag.Prefixes {
			last := lastOf(p)
			for _, a := range []netip.Addr{p.Addr(), p.Addr().Prev(), last, last.Next()} {
				if a.IsValid() {
					out = append(out, a)
				}
			}
		}
	}
}

func lastOf(p netip.Prefix) netip.Addr {
	if p.Addr().Is4() {
		return interval.PrefixIPv4(p).Last.Netip()
	}
	return interval.PrefixIPv6(p).Last.Netip()
}
