package diagnose

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
)

func TestTargets(t *testing.T) {
	n := estate.New(nil, group(t, "g", []string{"web In Allow Tcp * * 80"}))
	second := &network.NIC{
		ID: estate.NIC + "b", Name: "nic1b", VMID: estate.VM, SubnetID: estate.Subnet, Group: network.GroupRef{ID: estate.GroupID("g2")},
		IPConfigs: []network.IPConfig{{Address: estate.Prefixes("10.0.0.7/32")[0].Addr()}},
	}
	n.NICs = append(n.NICs, second)
	n.SecurityGroups = append(n.SecurityGroups, group(t, "g2", []string{}))
	n.VirtualMachines[0].NICIDs = append(n.VirtualMachines[0].NICIDs, "/nics/gone")
	network.Link(n)
	applied := func(target, words string) (out []string, notes []string) {
		a, notes := ask(t, n, target, words)
		for _, r := range a.Results {
			out = append(out, network.LastSegment(r.GroupResult.Groups[0].AppliedTo))
		}
		return out, notes
	}
	for _, c := range []struct {
		target, words string
		want          []string
	}{
		{strings.ToUpper(estate.VM), "Inbound TCP * 10.0.0.7 80", []string{"nic1b"}},
		{"VM1", "Inbound TCP * 10.0.0.4 80", []string{"nic1"}},
		{"vm1", "Outbound TCP 10.0.0.7 * 80", []string{"nic1b"}},
		{"vm1", "Inbound TCP * 10.0.0.200 80", []string{"nic1", "nic1b"}},
		{"vm1", "Inbound TCP * * 80", []string{"nic1", "nic1b"}},
		{"nic1b", "Inbound TCP * 10.0.0.4 80", []string{"nic1b"}},
	} {
		got, notes := applied(c.target, c.words)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %s: %s", c.target, c.words, diff)
		}
		if vm := c.target != "nic1b"; vm != (len(notes) > 0 && strings.Contains(notes[0], "/nics/gone")) {
			t.Errorf("%s: notes %q", c.target, notes)
		}
	}
}

func TestUnusableRequests(t *testing.T) {
	good := Profile{"Inbound", "TCP", "*", "10.0.0.4", "80"}
	with := func(change func(p *Profile)) Request {
		p := good
		change(&p)
		return Request{TargetResourceID: "vm1", Profiles: []Profile{good, p}}
	}
	n := estate.New(nil, group(t, "g", []string{}))
	n.NICs = append(n.NICs, &network.NIC{ID: "/a/nics/twin", Name: "twin"}, &network.NIC{ID: "/b/nics/twin", Name: "twin"})
	n.VirtualMachines = append(n.VirtualMachines, &network.VirtualMachine{ID: "/vms/bare", Name: "bare"})
	network.Link(n)
	for _, c := range []struct {
		name    string
		request Request
		want    string
	}{
		{"no-target", Request{Profiles: []Profile{good}}, "targetResourceId is missing"},
		{"unknown-target", Request{TargetResourceID: "vm9", Profiles: []Profile{good}}, `no virtual machine or NIC "vm9"`},
		{"ambiguous", Request{TargetResourceID: "twin", Profiles: []Profile{good}}, `"twin" is ambiguous, give one of the ids /a/nics/twin, /b/nics/twin`},
		{"vm-without-nic", Request{TargetResourceID: "bare", Profiles: []Profile{good}}, "no NIC of virtual machine /vms/bare"},
		{"no-profiles", Request{TargetResourceID: "vm1"}, "profiles: 0 are given"},
		{"verbosity", Request{TargetResourceID: "vm1", VerbosityLevel: "Loud", Profiles: []Profile{good}}, `verbosityLevel: "Loud" is not Normal, Minimum or Full`},
		{"direction", with(func(p *Profile) { p.Direction = "Sideways" }), `profiles[1].direction: "Sideways" is not Inbound or Outbound`},
		{"protocol", with(func(p *Profile) { p.Protocol = "SCTP" }), `profiles[1].protocol: "SCTP" is not *, TCP`},
		{"source", with(func(p *Profile) { p.Source = "10.0.0.0/33" }), `profiles[1].source: "10.0.0.0/33" is not *, an address`},
		{"bare-integer", with(func(p *Profile) { p.Source = "111" }), `profiles[1].source: "111" is not`},
		{"empty-source", with(func(p *Profile) { p.Source = "" }), `profiles[1].source: "" is not`},
		{"destination", with(func(p *Profile) { p.Destination = "10.0.0.4:80" }), `profiles[1].destination: "10.0.0.4:80" is not`},
		{"port", with(func(p *Profile) { p.DestinationPort = "90-80" }), `profiles[1].destinationPort: "90-80" is not *, a port`},
		{"families", with(func(p *Profile) { p.Source = "fd00::4" }), "source fd00::4 and destination 10.0.0.4 are of different address families"},
		{"tag-of-other-family", with(func(p *Profile) { p.Source, p.Destination = "fd00::4", "VirtualNetwork" }), "have no address family in common"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, _, err := Ask(n, c.request)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if len(a.Results) != 0 {
				t.Errorf("answered all the same: %+v", a)
			}
		})
	}
}

// The recorded answers of Azure itself, byte for byte once re-indented.
func TestRecorded(t *testing.T) {
	for _, dir := range estate.Recorded(t, "-nsgdiag") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(dir, "query.json"))
			if err != nil {
				t.Fatal(err)
			}
			r, err := ParseRequest("query.json", text)
			if err != nil {
				t.Fatal(err)
			}
			a, _, err := Ask(estate.Snapshot(t, filepath.Join(dir, "snapshot")), r)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(filepath.Join(dir, "answer.json"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(a, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The published example of the API must fit our structs both ways.
func TestPublishedExampleRoundTrips(t *testing.T) {
	path := estate.Shared(t, "data", "azure-examples", "2023-09-01_NetworkWatcherNetworkConfigurationDiagnostic.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var example struct {
		Parameters struct{ Parameters json.RawMessage }
		Responses  map[string]struct{ Body json.RawMessage }
	}
	if err := json.Unmarshal(text, &example); err != nil {
		t.Fatal(err)
	}
	r, err := ParseRequest(path, example.Parameters.Parameters)
	if err != nil {
		t.Fatal(err)
	}
	want := Profile{"Inbound", "TCP", "10.1.0.4", "12.11.12.14", "12100"}
	if len(r.Profiles) != 1 || r.Profiles[0] != want || network.LastSegment(r.TargetResourceID) != "vm1" {
		t.Errorf("request %+v", r)
	}
	var a Answer
	body := example.Responses["200"].Body
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatal(err)
	}
	back, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var before, after any
	if json.Unmarshal(body, &before) != nil || json.Unmarshal(back, &after) != nil {
		t.Fatal("not JSON")
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}
