package reach

import (
	"context"
	"testing"

	"ipflow/index"
	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
	"ipflow/verify/oracle"
	"ipflow/verify/space"
)

// TestExposure asks of small security groups whether the Internet may open TCP
// 22: spellings that scanners of single rules miss, and safe groups that they
// report.
func TestExposure(t *testing.T) {
	for _, c := range []struct {
		name    string
		rules   []string
		exposed bool
	}{
		{"any", []string{"a In Allow Tcp * * 22"}, true},
		{"tag-internet", []string{"a In Allow Tcp Internet * 22"}, true},
		{"zero-prefix", []string{"a In Allow Tcp 0.0.0.0/0 * 22"}, true},
		{"two-halves", []string{"a In Allow Tcp 0.0.0.0/1,128.0.0.0/1 * 22"}, true},
		{"a-quarter", []string{"a In Allow Tcp 0.0.0.0/2 * 22"}, true},
		{"list-of-ports", []string{"a In Allow Tcp Internet * 22,3389"}, true},
		{"range-of-ports", []string{"a In Allow Tcp Internet * 20-30"}, true},
		{"every-port", []string{"a In Allow Tcp Internet * *"}, true},
		{"every-protocol", []string{"a In Allow * Internet * 22"}, true},
		{"tag-of-any-tenant", []string{"a In Allow Tcp AzureCloud * 22"}, true},
		{"protocol-in-lower-case", []string{"a In Allow tcp Internet * 22"}, true},
		{"deny-before-allow", []string{"d In Deny Tcp Internet * 22", "a In Allow Tcp Internet * 22"}, false},
		{"union-of-denies-before-allow", []string{
			"d1 In Deny * 0.0.0.0/1 * *", "d2 In Deny * 128.0.0.0/1 * *", "d3 In Deny * ::/0 * *", "a In Allow Tcp Internet * 22",
		}, false},
		{"deny-of-a-range-before-allow", []string{"d In Deny Tcp * * 1-100", "a In Allow Tcp Internet * 22"}, false},
		{"private-source", []string{"a In Allow Tcp 10.0.0.0/8 * 22"}, false},
		{"outbound-only", []string{"a Out Allow Tcp Internet * 22"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var rules []*network.Rule
			for i, words := range c.rules {
				rules = append(rules, estate.Rule(t, int32(100+i), words))
			}
			n := estate.New(nil, estate.Group("nsg", rules...))
			n.Tags = network.NewServiceTags(diag.Origin{}, "1", "Public")
			n.Tags.Add(&network.ServiceTag{Name: "AzureCloud", Prefixes: estate.Prefixes("20.0.0.0/11", "40.64.0.0/10")})
			network.Link(n)
			ix, err := index.Compile(context.Background(), n, index.Options{})
			if err != nil {
				t.Fatal(err)
			}
			q := Question{To: End{Members: members(n.NICs)}, Only: []flow.Access{flow.Allow, flow.Unknown}}
			if q.From, err = Resolve(n, "Internet"); err != nil {
				t.Fatal(err)
			}
			// The host at 168.63.129.16 counts as VirtualNetwork, which is let in.
			host, err := Resolve(n, "168.63.129.16")
			if err != nil {
				t.Fatal(err)
			}
			p := New(n, ix)
			q.Expected = p.ExpectEnd(host)
			q.Protocols = index.ProtocolsOf(flow.TCP)
			if q.Ports, err = space.ParsePorts([]string{"22"}); err != nil {
				t.Fatal(err)
			}
			answer := p.Ask(q)
			if exposed := len(answer.Sets) > 0; exposed != c.exposed {
				t.Fatalf("exposed %v, is %v", exposed, c.exposed)
			}
			for i := range answer.Sets {
				if s := &answer.Sets[i]; s.Access != flow.Allow {
					t.Errorf("access %s", s.Access)
				} else {
					checkWitness(t, oracle.New(n), s)
				}
			}
		})
	}
}
