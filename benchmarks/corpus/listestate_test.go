package corpus

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"testing"

	"ipflow/ingest"
	"ipflow/ingest/flow"
	"ipflow/verify/oracle"
)

// TestListEstate: the security group decides a packet by the list's first rule,
// and the trace is flows for it.
func TestListEstate(t *testing.T) {
	for _, kind := range []ListKind{ACL, Firewall} {
		t.Run(kind.String(), func(t *testing.T) {
			e, err := NewListEstate(kind, 200, 1)
			if err != nil {
				t.Fatal(err)
			}
			n := e.Network()
			s, err := ingest.Load(context.Background(), ingest.Options{Paths: []string{writeEstate(t, e)}})
			if err != nil || len(s.Diagnostics) > 0 {
				t.Fatal(err, s.Diagnostics)
			}
			compareNetworks(t, n, s.Network)
			judge, trace := oracle.New(n), e.ListTrace(2000)
			hosts, inside := map[uint32]bool{}, 0
			for _, p := range trace {
				hosts[p.Destination] = true
				v := judge.Classify(n.NICs[0], flow.Tuple{
					Local: flow.AddressFrom4(p.Destination), Remote: flow.AddressFrom4(p.Source),
					LocalPort: p.DestinationPort, RemotePort: p.SourcePort, Protocol: p.Protocol, Direction: flow.Inbound,
				})
				if !p.Protocol.HasPorts() {
					continue // rules about any protocol and some ports are uncertain for these
				}
				want := slices.IndexFunc(e.list, func(r ListRule) bool { return r.Matches(p) })
				name := "none"
				if want >= 0 {
					inside++
					name = fmt.Sprintf("rule-%04d", want+1)
				}
				if got := n.Rule(v.Rule); want >= 0 && got.Name != name {
					t.Fatalf("%+v is decided by %s, not by %s", p, got.Name, name)
				}
			}
			if len(hosts) > traceHosts || inside < 1500 {
				t.Errorf("%d hosts, %d packets inside a rule", len(hosts), inside)
			}
			var b bytes.Buffer
			if err := e.TraceFile(2000).Write(&b); err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(&b).ReadAll()
			if err != nil || len(rows) != 2001 || rows[1][0] != n.NICs[0].ID || rows[1][3] != flow.AddressFrom4(trace[0].Destination).String() {
				t.Errorf("%d lines, %v", len(rows), err)
			}
		})
	}
	for _, rules := range []int{0, 1001} {
		if _, err := NewListEstate(ACL, rules, 1); err == nil {
			t.Errorf("a list of %d rules was made", rules)
		}
	}
}
