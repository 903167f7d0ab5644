package index

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"ipflow/index/interval"
	"ipflow/ingest/network"
)

func prefixList(texts ...string) (out []netip.Prefix) {
	for _, t := range texts {
		out = append(out, netip.MustParsePrefix(t))
	}
	return out
}

func TestPrefixesAreFewestAndExact(t *testing.T) {
	for _, c := range []struct {
		name string
		give Addresses
		want []netip.Prefix
	}{
		{"empty", Addresses{}, nil},
		{"everything", exported(everything), prefixList("0.0.0.0/0", "::/0")},
		{"halves-join", AddressesOf(prefixList("10.0.0.0/17", "10.0.128.0/17")), prefixList("10.0.0.0/16")},
		{
			"unaligned",
			Addresses{V4: interval.Set[interval.IPv4]{{First: 1, Last: 11}}},
			prefixList("0.0.0.1/32", "0.0.0.2/31", "0.0.0.4/30", "0.0.0.8/30"),
		},
		{
			"last-address",
			exported(everything).Minus(AddressesOf(prefixList("0.0.0.0/1", "::/0"))),
			prefixList("128.0.0.0/1"),
		},
		{
			"hole-in-ipv6",
			AddressesOf(prefixList("fd00::/16")).Minus(AddressesOf(prefixList("fd00:8000::/17"))),
			prefixList("fd00::/17"),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.give.Prefixes(); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	rng := rand.New(rand.NewPCG(7, 9))
	for range 500 {
		var rs []interval.Range[interval.IPv4]
		for range 1 + rng.IntN(5) {
			a, b := interval.IPv4(rng.Uint32()), interval.IPv4(rng.Uint32())
			rs = append(rs, interval.Range[interval.IPv4]{First: min(a, b), Last: max(a, b)})
		}
		a := Addresses{V4: interval.Of(rs)}
		list := a.Prefixes()
		if back := AddressesOf(list); !back.V4.Equal(a.V4) {
			t.Fatalf("%v came back as %v", a.V4, back.V4)
		}
		for i := 1; i < len(list); i++ {
			if list[i-1].Overlaps(list[i]) {
				t.Fatalf("%v overlaps %v", list[i-1], list[i])
			}
		}
	}
}

// The local side of a rule with an application security group: by ip
// configuration for one address, by member addresses for a set.
func TestSideOfGroupMembers(t *testing.T) {
	const asg = "/asgs/web"
	nic := &network.NIC{
		ID: "/nics/a", Name: "a", SubnetID: "/vnets/v/subnets/s",
		IPConfigs: []network.IPConfig{
			{Name: "one", Address: netip.MustParseAddr("10.0.0.4"), ASGs: []string{"/ASGS/web"}},
			{Name: "two", Address: netip.MustParseAddr("10.0.0.5")},
		},
	}
	blank := &network.NIC{
		ID: "/nics/b", Name: "b", SubnetID: "/vnets/v/subnets/s",
		IPConfigs: []network.IPConfig{{Name: "one", ASGs: []string{asg}}},
	}
	n := &network.Network{
		NICs:            []*network.NIC{nic, blank},
		VirtualNetworks: []*network.VirtualNetwork{{ID: "/vnets/v", Name: "v", Prefixes: prefixList("10.0.0.0/16")}},
		Subnets:         []*network.Subnet{{ID: "/vnets/v/subnets/s", VirtualNetworkID: "/vnets/v", Prefixes: prefixList("10.0.0.0/24")}},
	}
	network.Link(n)
	r := &network.Rule{ID: "r", Destination: []network.Selector{{Kind: network.SelectASG, Text: asg}}}
	s := NewSelectors(n)

	side := s.Side(nic, r, false, true)
	if got, want := side.Sure.Prefixes(), prefixList("10.0.0.4/32"); !slices.Equal(got, want) || len(side.May) != 0 {
		t.Errorf("local side %v, %v; want %v and no doubt", got, side.May, want)
	}
	for a, want := range map[string]bool{"10.0.0.4": true, "10.0.0.5": false, "10.0.0.9": false} {
		if sure, facts := s.Local(nic, r, false, netip.MustParseAddr(a)); sure != want || len(facts) != 0 {
			t.Errorf("%s: sure %v, facts %v", a, sure, facts)
		}
	}
	side = s.Side(blank, r, false, true)
	if len(side.May) != 1 || side.May[0].Fact != "missing-address:/nics/b" || !side.Sure.Empty() {
		t.Errorf("unrecorded address: %+v", side)
	}
	// Seen from afar, the unrecorded member may be anywhere in its subnet.
	side = s.Side(nic, r, false, false)
	if got := side.Most().Prefixes(); !slices.Equal(got, prefixList("10.0.0.0/24")) {
		t.Errorf("remote side at most %v", got)
	}
	if got := side.Sure.Prefixes(); !slices.Equal(got, prefixList("10.0.0.4/32")) {
		t.Errorf("remote side surely %v", got)
	}
}

func TestSelectorsKeepFacts(t *testing.T) {
	nic := &network.NIC{ID: "/nics/a", SubnetID: "/vnets/gone/subnets/s"}
	n := &network.Network{NICs: []*network.NIC{nic}}
	network.Link(n)
	got := NewSelectors(n).Of(nic, network.Selector{Kind: network.SelectVirtualNetwork})
	if !got.Sure.Covers(AddressesOf(prefixList("168.63.129.16/32"))) || !got.Most().Covers(exported(everything)) {
		t.Errorf("VirtualNetwork without its network: %+v", got)
	}
	if len(got.May) == 0 || got.May[0].Fact != "missing-vnet:/vnets/gone" {
		t.Errorf("facts %+v", got.May)
	}
	tag := NewSelectors(n).Of(nic, network.Selector{Kind: network.SelectServiceTag, Text: "Nobody"})
	if len(tag.May) != 1 || tag.May[0].Fact != "unknown-tag:Nobody" {
		t.Errorf("unknown tag: %+v", tag)
	}
}
