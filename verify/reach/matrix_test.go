package reach

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/world"
	"ipflow/verify/oracle"
	"ipflow/verify/space"
)

// serves reports whether one of the services holds the flow, which is inbound.
func (s *Service) serves(t *testing.T, q flow.Tuple) bool {
	t.Helper()
	protocols, err := space.ParseProtocols(s.Protocol)
	if err != nil {
		t.Fatal(err)
	}
	if !protocols.Contains(q.Protocol) {
		return false
	}
	source, err1 := space.ParsePorts(s.SourcePorts)
	destination, err2 := space.ParsePorts(s.DestinationPorts)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return !q.Protocol.HasPorts() || source.Contains(interval.Port(q.RemotePort)) && destination.Contains(interval.Port(q.LocalPort))
}

// TestMatrixEqualsEveryPair compares each cell of the matrix of all NICs, one
// zone each, and of all of them together, with the oracle at both ends.
func TestMatrixEqualsEveryPair(t *testing.T) {
	worlds := 120
	if testing.Short() {
		worlds = 25
	}
	rng := rand.New(rand.NewPCG(12, 21))
	compared := 0
	for i := range worlds {
		w := world.New(randomBytes(rng, 100+i))
		p := newProber(t, w, 0)
		judge := oracle.New(w.Net)
		zones := nicZones(w.Net)
		remote, err := Resolve(w.Net, "8.8.8.0/24")
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, Zone{"dns", []End{remote}})
		m := p.Matrix(zones)
		for from := range zones {
			for to := range zones {
				if len(zones[from].Ends)*len(zones[to].Ends) == 0 || zones[from].Name == "dns" && zones[to].Name == "dns" {
					continue
				}
				compared++
				compareCell(t, m, judge, from, to)
			}
		}
		if t.Failed() {
			t.Fatal(w)
		}
	}
	t.Logf("%d cells", compared)
}

func compareCell(t *testing.T, m *Matrix, judge *oracle.Oracle, from, to int) {
	t.Helper()
	cell := m.Cell(from, to)
	for i := range cell.Services {
		s, w := &cell.Services[i], &cell.Witnesses[i]
		sent := w.Tuple
		if sent.Direction == flow.Inbound {
			sent = turned(sent)
		}
		if !s.serves(t, turned(sent)) || !isEndOf(&m.Zones[from], sent.Local) || !isEndOf(&m.Zones[to], sent.Remote) {
			t.Errorf("%s to %s: witness %+v is not of %+v", m.Zones[from].Name, m.Zones[to].Name, w.Tuple, s)
		}
		confirm(t, judge, &m.Zones[from], &m.Zones[to], &Example{w.NIC, w.Tuple, s.Access})
	}
	for _, protocol := range world.Protocols {
		ports := world.Ports
		if !protocol.HasPorts() {
			ports = ports[:1]
		}
		for _, source := range ports {
			for _, destination := range ports {
				in := flow.Tuple{Direction: flow.Inbound, Protocol: protocol, LocalPort: destination, RemotePort: source}
				marks := marksOf(judge, &m.Zones[from], &m.Zones[to], in)
				var want []string
				if marks == someAllowed {
					want = append(want, "Allow every")
				} else if marks&someAllowed != 0 {
					want = append(want, "Allow some")
				}
				if marks == someUnknown {
					want = append(want, "Unknown every")
				} else if marks&someUnknown != 0 {
					want = append(want, "Unknown some")
				}
				var got []string
				for i := range cell.Services {
					if s := &cell.Services[i]; s.serves(t, in) {
						got = append(got, s.Access.String()+" "+between(s.Every))
					}
				}
				if slices.Sort(got); !slices.Equal(got, want) {
					t.Errorf("%s to %s %+v: told %v, is %v", m.Zones[from].Name, m.Zones[to].Name, in, got, want)
					return
				}
			}
		}
	}
}

// marksOf asks the oracle about every pair of addresses of two zones. The zone
// of prefixes stands for 8.8.8.8, and for 8.8.8.9, about which no world has a
// rule of its own.
func marksOf(judge *oracle.Oracle, from, to *Zone, in flow.Tuple) (marks int) {
	for _, s := range endpoints(from) {
		for _, r := range endpoints(to) {
			if s.at.Is4() != r.at.Is4() {
				continue
			}
			in.Local, in.Remote = r.at, s.at
			out := flow.Tuple{
				Direction: flow.Outbound, Protocol: in.Protocol, Local: s.at, Remote: r.at, LocalPort: in.RemotePort, RemotePort: in.LocalPort,
			}
			a, b := flow.Allow, flow.Allow
			if s.nic != nil {
				a = judge.Classify(s.nic, out).Access
			}
			if r.nic != nil {
				b = judge.Classify(r.nic, in).Access
			}
			switch {
			case a == flow.Deny || b == flow.Deny:
				marks |= someDenied
			case a == flow.Allow && b == flow.Allow:
				marks |= someAllowed
			default:
				marks |= someUnknown
			}
		}
	}
	return marks
}

// isEndOf reports whether an endpoint of the zone has the address.
func isEndOf(z *Zone, a flow.Address) bool {
	return slices.ContainsFunc(z.Ends, func(e End) bool {
		if !e.IsNICs() {
			return e.addresses.Contains(a.Netip())
		}
		return slices.ContainsFunc(e.Members, func(m Member) bool { return m.NIC.IPConfigOf(a.Netip()) != nil })
	})
}

type endpoint struct {
	nic *network.NIC
	at  flow.Address
}

func endpoints(z *Zone) (out []endpoint) {
	for _, e := range z.Ends {
		for _, m := range e.Members {
			for i := range m.NIC.IPConfigs {
				out = append(out, endpoint{m.NIC, flow.AddressFrom(m.NIC.IPConfigs[i].Address)})
			}
		}
		if !e.IsNICs() {
			for _, a := range world.Addrs("8.8.8.8", "8.8.8.9") {
				out = append(out, endpoint{nil, flow.AddressFrom(a)})
			}
		}
	}
	return out
}

func TestParseZonesTellsEveryFault(t *testing.T) {
	w := world.New(nil)
	zones, faults := ParseZones(w.Net, "zones.txt", []byte("# zones\na = n0, 10.0.0.0/8\n\nb\na = n1\nc = nobody, nic:n1 # here\n"))
	if len(zones) != 2 || len(zones[0].Ends) != 2 || zones[1].Name != "c" || len(zones[1].Ends) != 1 {
		t.Errorf("zones %+v", zones)
	}
	want := []string{"zones.txt:4: write NAME", "zones.txt:5: zone \"a\" stands in line 2 already", "zones.txt:6: zone \"c\": \"nobody\""}
	if len(faults) != len(want) {
		t.Fatalf("faults %v", faults)
	}
	for i := range want {
		if !strings.HasPrefix(faults[i].Error(), want[i]) {
			t.Errorf("fault %q, want %q…", faults[i], want[i])
		}
	}
}
