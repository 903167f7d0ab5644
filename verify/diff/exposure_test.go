package diff

import (
	"context"
	"slices"
	"strings"
	"testing"

	"ipflow/index/interval"
	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
	"ipflow/verify/oracle"
	"ipflow/verify/space"
)

// TestExposure asks of rules that scanners commonly misread whether they open
// TCP/22 to the Internet, by what they change in a group without rules.
func TestExposure(t *testing.T) {
	linked := func(rules []string) *network.Network {
		var list []*network.Rule
		for i, words := range rules {
			list = append(list, estate.Rule(t, int32(100*(i+1)), words))
		}
		n := estate.New(nil, estate.Group("nsg", list...))
		n.Tags = network.NewServiceTags(diag.Origin{}, "1", "Public")
		n.Tags.Add(&network.ServiceTag{Name: "AzureCloud", Prefixes: estate.Prefixes("20.42.0.0/16", "51.104.0.0/15")})
		return estate.Linked(n)
	}
	for name, c := range map[string]struct {
		exposed bool
		rules   []string
	}{
		"any":              {true, []string{"r Inbound Allow tcp * * 22"}},
		"internet-tag":     {true, []string{"r Inbound Allow tcp Internet * 22"}},
		"all-ipv4":         {true, []string{"r Inbound Allow tcp 0.0.0.0/0 * 22"}},
		"two-halves":       {true, []string{"r Inbound Allow tcp 0.0.0.0/1,128.0.0.0/1 * 22"}},
		"a-quarter":        {true, []string{"r Inbound Allow tcp 0.0.0.0/2 * 22"}},
		"port-list":        {true, []string{"r Inbound Allow tcp * * 22,3389"}},
		"port-range":       {true, []string{"r Inbound Allow tcp * * 20-30"}},
		"any-port":         {true, []string{"r Inbound Allow tcp * * *"}},
		"any-protocol":     {true, []string{"r Inbound Allow * * * 22"}},
		"azure-cloud":      {true, []string{"r Inbound Allow tcp AzureCloud * 22"}},
		"lower-case":       {true, []string{"r inbound Allow TCP internet * 22"}},
		"deny-before":      {false, []string{"d Inbound Deny tcp Internet * 22", "r Inbound Allow tcp Internet * 22"}},
		"deny-wide-before": {false, []string{"d Inbound Deny tcp * * 1-100", "r Inbound Allow tcp * * 22"}},
		"private":          {false, []string{"r Inbound Allow tcp 10.0.0.0/8 * 22"}},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := linked(nil), linked(c.rules)
			r, err := Run(context.Background(), before, after, Options{})
			if err != nil {
				t.Fatal(err)
			}
			exposed := slices.ContainsFunc(r.Changes, func(x Change) bool {
				return x.Exposes && slices.ContainsFunc(x.Boxes, func(b space.Box) bool {
					return b.Protocols.Contains(flow.TCP) && b.LocalPorts.Contains(interval.Port(22))
				})
			})
			if exposed != c.exposed {
				t.Errorf("exposed %t, not %t: %+v", exposed, c.exposed, r.Changes)
			}
			if len(r.Changes) > 0 && c.exposed && !r.Changes[0].Exposes {
				t.Errorf("the exposure is not told first")
			}
			for i := range r.Changes {
				x := &r.Changes[i]
				was, is := oracle.New(before).Classify(before.NICs[0], x.Witness), oracle.New(after).Classify(x.WitnessNIC, x.Witness)
				if was.Access != x.Before.Access || is.Access != x.After.Access {
					t.Errorf("witness %+v: %s to %s, the oracle says %s to %s", x.Witness, x.Before.Access, x.After.Access, was.Access, is.Access)
				}
			}
		})
	}
}

func TestSidesAndOrder(t *testing.T) {
	group := func(rules ...string) *network.SecurityGroup {
		var list []*network.Rule
		for i, words := range rules {
			list = append(list, estate.Rule(t, int32(100*(i+1)), words))
		}
		return estate.Group("nsg", list...)
	}
	before := estate.New(nil, group("web Inbound Allow tcp Internet * 443", "ssh Inbound Allow tcp 10.9.0.0/16 * 22"))
	after := estate.New(nil, group("ssh Inbound Allow tcp 10.9.0.0/17,10.9.128.0/17 * 22", "tls Inbound Allow Tcp INTERNET * 443", "dns Outbound Deny udp * 8.8.8.8 53"))
	before.NICs = append(before.NICs, &network.NIC{ID: "/nics/gone", Name: "gone"})
	after.NICs = append(after.NICs, &network.NIC{ID: "/nics/new|<b>@team", Name: "new"})
	r, err := Run(context.Background(), estate.Linked(before), estate.Linked(after), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.OnlyOld) != 1 || r.OnlyOld[0].Name != "gone" || len(r.OnlyNew) != 1 || r.OnlyNew[0].Name != "new" {
		t.Errorf("only before %v, only after %v", r.OnlyOld, r.OnlyNew)
	}
	if len(r.Changes) != 1 || r.Changes[0].After.Rule == nil || r.Changes[0].After.Rule.Name != "dns" || r.Changes[0].Exposes {
		t.Errorf("changes %+v", r.Changes)
	}
	if r, err = Run(context.Background(), before, after, Options{Rules: true}); err != nil || len(r.Changes) != 2 {
		t.Errorf("with rules %+v, %v", r.Changes, err)
	}
}

// Where a rule in doubt changes, its flows are Unknown before and after: that is
// no change of the verdict, and it is told that it may be one.
func TestUnknownOnBothSides(t *testing.T) {
	build := func(rules ...string) *network.Network {
		var list []*network.Rule
		for i, words := range rules {
			list = append(list, estate.Rule(t, int32(100*(i+1)), words))
		}
		return estate.Linked(estate.New(nil, estate.Group("nsg", list...)))
	}
	before := []string{"backup Inbound Allow tcp AzureBackup * 443", "rest Inbound Deny tcp * * 443"}
	for name, c := range map[string]struct {
		after     []string
		undecided int
	}{
		"other-action": {[]string{"backup Inbound Deny tcp AzureBackup * 443", "rest Inbound Allow tcp * * 443"}, 1},
		"other-tag":    {[]string{"backup Inbound Allow tcp AzureCloud * 443", "rest Inbound Deny tcp * * 443"}, 1},
		"other-words":  {[]string{"renamed Inbound Allow TCP azurebackup * 443", "rest Inbound Deny tcp * * 443"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Run(context.Background(), build(before...), build(c.after...), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Changes) > 0 || len(r.Undecided) != c.undecided || strings.Contains(r.Summary(), "Unknown before and after") != (c.undecided > 0) {
				t.Errorf("%d NICs undecided by %v, want %d: %s", len(r.Undecided), r.Facts, c.undecided, r.Summary())
			}
		})
	}
}
