package reach

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
)

// inTag asks the oracle whether an address is in a tag as the NIC sees it: by a
// rule for the tag, all alone.
func inTag(n *network.Network, c *network.NIC, tag network.Selector, a netip.Addr) oracle.Truth {
	rest := &network.Rule{
		ID: "rest", Direction: flow.Inbound, Access: flow.Deny, Protocol: network.AnyProtocol,
		Source: []network.Selector{{}}, Destination: []network.Selector{{}},
		SourcePorts: []flow.PortRange{flow.AllPorts}, DestinationPorts: []flow.PortRange{flow.AllPorts},
	}
	probe := *rest
	probe.ID, probe.Source = "probe", []network.Selector{tag}
	alone := *c
	alone.Group = network.GroupRef{ID: "/probe", Group: &network.SecurityGroup{ID: "/probe", Rules: []*network.Rule{&probe, rest}}}
	trace := oracle.New(n).Trace(&alone, flow.Tuple{Direction: flow.Inbound, Protocol: flow.TCP, Local: flow.AddressFrom(a), Remote: flow.AddressFrom(a)})
	for _, l := range trace.Layers {
		if l.Layer == flow.NetworkInterface {
			return l.Rules[0].Source.Truth
		}
	}
	panic("no layer of the NIC")
}

// TestMatrixOfTags holds cells between NICs and tags to the oracle: what is told
// of all addresses is true of each that is, or may be, in the tag; what is told as
// allowed is allowed at one that surely is; the rest is told as Unknown.
func TestMatrixOfTags(t *testing.T) {
	worlds := 200
	if testing.Short() {
		worlds = 25
	}
	rng := rand.New(rand.NewPCG(33, 5))
	doubtful, cells := 0, 0
	for range worlds {
		w := world.New(randomBytes(rng, 300))
		p := newProber(t, w, 0)
		zones := nicZones(w.Net)
		if len(zones) > 0 {
			zones = zones[:len(zones)-1]
		}
		nics := len(zones)
		for _, name := range []string{"Internet", "VirtualNetwork"} {
			e, err := Resolve(w.Net, name)
			if err != nil {
				t.Fatal(err)
			}
			zones = append(zones, Zone{name, []End{e}})
		}
		m := p.Matrix(zones)
		for i := range nics {
			for j := nics; j < len(zones); j++ {
				cells += 2
				doubtful += compareTag(t, w, m, j, i, i) + compareTag(t, w, m, i, j, i)
			}
		}
		if t.Failed() {
			t.Fatal(w)
		}
	}
	t.Logf("%d of %d cells rest on addresses that may be in the tag", doubtful, cells)
	if doubtful == 0 {
		t.Error("no tag was in doubt")
	}
}

// compareTag checks a cell between a zone of one NIC and one of a tag.
func compareTag(t *testing.T, w *world.World, m *Matrix, from, to, nicZone int) (doubtful int) {
	t.Helper()
	c := m.Zones[nicZone].Ends[0].Members[0].NIC
	tagZone := &m.Zones[from+to-nicZone]
	tag := *tagZone.Ends[0].tag
	judge := oracle.New(w.Net)
	dir := flow.Inbound
	if from == nicZone {
		dir = flow.Outbound
	}
	cell := m.Cell(from, to)
	for i := range cell.Services {
		s, x := &cell.Services[i], &cell.Witnesses[i]
		in, access := inTag(w.Net, c, tag, x.Tuple.Remote.Netip()), judge.Classify(c, x.Tuple).Access
		mayBe := s.Access == flow.Unknown && access == flow.Allow && in == oracle.Maybe
		if x.NIC != c || x.Tuple.Direction != dir || in == oracle.No || access != s.Access && !mayBe {
			t.Errorf("%s: witness %+v of %+v: in the tag %v, %s", tagZone.Name, x.Tuple, s, in, access)
		}
		if mayBe {
			doubtful++
		}
	}
	for _, q := range questionsOf(c, dir) {
		in := inTag(w.Net, c, tag, q.Remote.Netip())
		if in == oracle.No {
			continue
		}
		received := q
		if dir == flow.Outbound {
			received = turned(q)
		}
		access := judge.Classify(c, q).Access
		var told []string
		for i := range cell.Services {
			if s := &cell.Services[i]; s.serves(t, received) {
				told = append(told, fmt.Sprint(s.Access, " ", between(s.Every)))
			}
		}
		every := slices.Contains(told, "Allow every") || slices.Contains(told, "Unknown every")
		switch {
		case every && !slices.Contains(told, access.String()+" every"),
			access == flow.Allow && in == oracle.Yes && !every && !slices.Contains(told, "Allow some"),
			access != flow.Deny && len(told) == 0:
			t.Errorf("%s: %+v is %s, in the tag %v, told %v", tagZone.Name, q, access, in, told)
			return doubtful
		}
	}
	return doubtful
}

// questionsOf are some flows of each address of a NIC.
func questionsOf(c *network.NIC, dir flow.Direction) (out []flow.Tuple) {
	for i := range c.IPConfigs {
		for _, remote := range world.Remotes {
			local := c.IPConfigs[i].Address
			if local.Is4() != remote.Is4() {
				continue
			}
			for _, protocol := range world.Protocols {
				out = append(out, flow.Tuple{
					Direction: dir, Local: flow.AddressFrom(local), Remote: flow.AddressFrom(remote), Protocol: protocol, LocalPort: 5, RemotePort: 5,
				})
			}
		}
	}
	return out
}

// What only an address lets through that a NIC perhaps does not have is Unknown,
// what all of its subnet lets through is allowed.
func TestMatrixOfUnrecordedAddress(t *testing.T) {
	n := estate.New(nil, nil)
	group := estate.Group("nsg", estate.Rule(t, 100, "one In Allow Tcp 8.8.8.8 10.0.0.9 443"), estate.Rule(t, 110, "all In Allow Tcp 8.8.8.8 * 80"), estate.Rule(t, 120, "none In Deny * * * *"))
	n.SecurityGroups = append(n.SecurityGroups, group)
	n.NICs = []*network.NIC{{
		ID: "/nics/dynamic", Name: "dynamic", SubnetID: estate.Subnet, Group: network.GroupRef{ID: group.ID}, IPConfigs: []network.IPConfig{{Name: "c"}},
	}}
	estate.Linked(n)
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	zones, faults := ParseZones(n, "zones.txt", []byte("dns = 8.8.8.8\nweb = dynamic\n"))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	m := New(n, ix).Matrix(zones)
	cell := m.Cell(0, 1)
	if got, want := Text(cell.Services), "Tcp 80; Tcp 443 (some unknown)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if len(m.Notes) == 0 {
		t.Error("nothing is said of the address")
	}
	for i, want := range []uint16{80, 443} {
		if x := cell.Witnesses[i]; x.NIC != n.NICs[0] || x.Tuple.LocalPort != want {
			t.Errorf("witness %+v", x)
		}
	}
}

// Flows are left out as expected only where the end surely has their address.
func TestExpectedEndIsSure(t *testing.T) {
	worlds := 100
	if testing.Short() {
		worlds = 20
	}
	rng := rand.New(rand.NewPCG(17, 5))
	doubtful := 0
	for range worlds {
		w := world.New(randomBytes(rng, 300))
		p := newProber(t, w, 0)
		for _, name := range []string{"Internet", "VirtualNetwork"} {
			e, err := Resolve(w.Net, name)
			if err != nil {
				t.Fatal(err)
			}
			expected := p.ExpectEnd(e)
			for _, c := range w.Net.NICs {
				set := expected(p.space, c, flow.Inbound)
				for _, a := range world.Remotes {
					in := inTag(w.Net, c, *e.tag, a)
					if in == oracle.Maybe {
						doubtful++
					}
					q := flow.Tuple{Direction: flow.Inbound, Protocol: flow.TCP, Local: flow.AddressFrom(a), Remote: flow.AddressFrom(a)}
					if p.space.Contains(set, q) != (in == oracle.Yes) {
						t.Fatalf("%s of %s at %s: expected %t, is in it %v\n%s", name, c.ID, a, p.space.Contains(set, q), in, w)
					}
				}
			}
		}
	}
	if doubtful == 0 {
		t.Error("no address was in doubt")
	}
}
