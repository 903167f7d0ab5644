package diagnose

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipflow/ingest/diag"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
)

// ask asks one profile: direction protocol source destination port.
func ask(t *testing.T, n *network.Network, target, words string) (Answer, []string) {
	t.Helper()
	w := strings.Fields(words)
	a, notes, err := Ask(n, Request{TargetResourceID: target, Profiles: []Profile{{w[0], w[1], w[2], w[3], w[4]}}})
	if err != nil {
		t.Fatalf("%s: %v", words, err)
	}
	return a, notes
}

// brief renders a result: access, then per group its matched rule and after
// each colon the rules with the letters of the fields that matched.
func brief(r Result) string {
	var b strings.Builder
	b.WriteString(r.GroupResult.Access)
	for _, g := range r.GroupResult.Groups {
		b.WriteString("\n" + network.LastSegment(g.GroupID) + "@" + network.LastSegment(g.AppliedTo) + " ")
		if g.Matched == nil {
			b.WriteString("-")
		} else {
			b.WriteString(g.Matched.Action + " " + g.Matched.Name)
		}
		for _, e := range g.Rules {
			b.WriteString("\n  " + e.Name + " ")
			for i, on := range []bool{e.Protocol, e.Source, e.SourcePort, e.Destination, e.DestinationPort} {
				if on {
					b.WriteByte("psodt"[i])
				} else {
					b.WriteByte('.')
				}
			}
		}
	}
	if r.GroupResult.Reason != "" {
		b.WriteString("\nreason " + r.GroupResult.Reason)
	}
	for _, w := range r.Warnings {
		b.WriteString("\nwarning " + w)
	}
	return b.String()
}

func TestVectors(t *testing.T) {
	type question struct{ words, want string }
	for _, c := range []struct {
		name        string
		subnet, nic []string // rules by ascending priority; nil is no group
		questions   []question
	}{
		{"vector-72", nil, []string{}, []question{{"Inbound TCP 12.11.12.14 10.1.1.4 12100", `Deny
g-nic@nic1 Deny DefaultRule_DenyAllInBound
  DefaultRule_AllowVnetInBound p.o.t
  DefaultRule_AllowAzureLoadBalancerInBound p.odt
  DefaultRule_DenyAllInBound psodt`}}},
		{"vector-73", nil, []string{"ssh In Allow Tcp * * 22"}, []question{{"Inbound TCP 12.11.12.14 10.1.1.4 12100", `Deny
g-nic@nic1 Deny DefaultRule_DenyAllInBound
  UserRule_ssh psod.
  DefaultRule_AllowVnetInBound p.o.t
  DefaultRule_AllowAzureLoadBalancerInBound p.odt
  DefaultRule_DenyAllInBound psodt`}}},
		{"vector-74", nil, []string{"ssh In Allow Tcp * * 22"}, []question{{"Inbound TCP 12.11.12.14 10.0.0.4 22", `Allow
g-nic@nic1 Allow UserRule_ssh
  UserRule_ssh psodt`}}},
		{"vector-75", nil, []string{}, []question{{"Inbound TCP 10.0.1.0/26 10.0.0.4 *", `Allow
g-nic@nic1 Allow DefaultRule_AllowVnetInBound
  DefaultRule_AllowVnetInBound psodt`}}},
		{"vector-76", nil, []string{}, []question{
			{"Inbound TCP 10.0.0.0/7 10.0.0.4 80", `Deny
g-nic@nic1 Deny DefaultRule_DenyAllInBound
  DefaultRule_AllowVnetInBound p.odt
  DefaultRule_AllowAzureLoadBalancerInBound p.odt
  DefaultRule_DenyAllInBound psodt
warning answer differs inside the range: rule DefaultRule_AllowVnetInBound covers part of the source (10.0.0.0/16)`},
			{"Inbound TCP 11.0.0.0/8 10.0.0.4 80", `Deny
g-nic@nic1 Deny DefaultRule_DenyAllInBound
  DefaultRule_AllowVnetInBound p.odt
  DefaultRule_AllowAzureLoadBalancerInBound p.odt
  DefaultRule_DenyAllInBound psodt`},
		}},
		{"vector-93", nil, []string{"ping In Allow Icmp * * *"}, []question{
			{"Inbound ICMP 8.8.8.8 10.0.0.4 *", `Allow
g-nic@nic1 Allow UserRule_ping
  UserRule_ping psodt`},
			{"Inbound TCP 8.8.8.8 10.0.0.4 80", `Deny
g-nic@nic1 Deny DefaultRule_DenyAllInBound
  UserRule_ping .sodt
  DefaultRule_AllowVnetInBound p.odt
  DefaultRule_AllowAzureLoadBalancerInBound p.odt
  DefaultRule_DenyAllInBound psodt`},
		}},
		{"two-layers", []string{"web In Allow Tcp * * 80,443"}, []string{"all In Allow * * * *"}, []question{
			{"Inbound TCP 8.8.8.8 10.0.0.4 443", `Allow
g-subnet@app Allow UserRule_web
  UserRule_web psodt
g-nic@nic1 Allow UserRule_all
  UserRule_all psodt`},
			// A denying layer ends the list.
			{"Inbound TCP 8.8.8.8 10.0.0.4 22", `Deny
g-subnet@app Deny DefaultRule_DenyAllInBound
  UserRule_web psod.
  DefaultRule_AllowVnetInBound p.odt
  DefaultRule_AllowAzureLoadBalancerInBound p.odt
  DefaultRule_DenyAllInBound psodt`},
			{"Outbound TCP 10.0.0.4 8.8.8.8 22", `Allow
g-nic@nic1 Allow DefaultRule_AllowInternetOutBound
  DefaultRule_AllowVnetOutBound pso.t
  DefaultRule_AllowInternetOutBound psodt
g-subnet@app Allow DefaultRule_AllowInternetOutBound
  DefaultRule_AllowVnetOutBound pso.t
  DefaultRule_AllowInternetOutBound psodt`},
		}},
		{"star-is-held-by-star", nil, []string{}, []question{
			// Recorded: destination * is matched by * and not by VirtualNetwork.
			{"Inbound TCP 10.0.0.9 * 80", `Deny
g-nic@nic1 Deny DefaultRule_DenyAllInBound
  DefaultRule_AllowVnetInBound pso.t
  DefaultRule_AllowAzureLoadBalancerInBound p.odt
  DefaultRule_DenyAllInBound psodt
warning answer differs inside the range: rule DefaultRule_AllowVnetInBound covers part of the destination (10.0.0.0/16, 168.63.129.16)`},
		}},
		{"star-protocol", nil, []string{"tcp In Allow Tcp * * 80", "any In Deny * * * 80"}, []question{
			{"Inbound * 8.8.8.8 10.0.0.4 80", `Deny
g-nic@nic1 Deny UserRule_any
  UserRule_tcp .sodt
  UserRule_any psodt
warning answer differs inside the range: rule UserRule_tcp covers part of the protocol`},
		}},
		{"port-range", nil, []string{"web In Allow Tcp * * 80-90", "low In Deny Tcp * * 85-100"}, []question{
			{"Inbound TCP 8.8.8.8 10.0.0.4 80-90", `Allow
g-nic@nic1 Allow UserRule_web
  UserRule_web psodt`},
			{"Inbound TCP 8.8.8.8 10.0.0.4 86-100", `Deny
g-nic@nic1 Deny UserRule_low
  UserRule_web psod.
  UserRule_low psodt
warning answer differs inside the range: rule UserRule_web covers part of the destination port`},
		}},
		{"tag-in-question", nil, []string{"tag In Allow Tcp Known * 80", "near In Allow Tcp 9.9.9.0/24 * 80", "not In Deny Tcp Nobody * 80"}, []question{
			{"Inbound TCP known 10.0.0.4 80", `Allow
g-nic@nic1 Allow UserRule_tag
  UserRule_tag psodt`},
			{"Inbound TCP Part 10.0.0.4 80", `Allow
g-nic@nic1 Allow UserRule_tag
  UserRule_tag psodt`},
			{"Inbound TCP Empty 10.0.0.4 443", `Deny
g-nic@nic1 Deny DefaultRule_DenyAllInBound
  UserRule_tag p.od.
  UserRule_near p.od.
  UserRule_not p.od.
  DefaultRule_AllowVnetInBound p.odt
  DefaultRule_AllowAzureLoadBalancerInBound p.odt
  DefaultRule_DenyAllInBound psodt`},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := estate.New(group(t, "g-subnet", c.subnet), group(t, "g-nic", c.nic))
			n.Tags = network.NewServiceTags(diag.Origin{}, "1", "Public")
			n.Tags.Add(&network.ServiceTag{Name: "Known", Prefixes: estate.Prefixes("8.8.8.0/24", "2600::/32")})
			n.Tags.Add(&network.ServiceTag{Name: "Part", Prefixes: estate.Prefixes("8.8.8.8/32")})
			n.Tags.Add(&network.ServiceTag{Name: "Empty"})
			network.Link(n)
			for _, q := range c.questions {
				a, _ := ask(t, n, "vm1", q.words)
				if len(a.Results) != 1 {
					t.Fatalf("%s: %d results", q.words, len(a.Results))
				}
				if diff := cmp.Diff(q.want, brief(a.Results[0])); diff != "" {
					t.Errorf("%s (-want +got):\n%s", q.words, diff)
				}
			}
		})
	}
}

func group(t *testing.T, name string, rules []string) *network.SecurityGroup {
	if rules == nil {
		return nil
	}
	var list []*network.Rule
	for i, words := range rules {
		list = append(list, estate.Rule(t, int32(100+10*i), words))
	}
	return estate.Group(name, list...)
}

// adminRules makes rules of one network manager from words.
func adminRules(t *testing.T, words ...string) *network.AdminRules {
	const manager = "/subscriptions/s/providers/Microsoft.Network/networkManagers/GlobalRules"
	a := &network.AdminRules{Source: "test"}
	for i, w := range words {
		always := strings.Contains(w, "AlwaysAllow")
		r := estate.Rule(t, int32(1+i), strings.Replace(w, "AlwaysAllow", "Allow", 1))
		r.Kind, r.Always, r.ManagerID, r.ID = network.AdminRule, always, manager, manager+"/rules/"+r.Name
		a.Rules = append(a.Rules, r)
	}
	return a
}

// Admin rules are the first element: the manager, the virtual network, bare
// rule names; none when none matches.
func TestAdminRules(t *testing.T) {
	for _, c := range []struct {
		name, words, want string
		rules             []string
		nsg               []string
	}{
		{
			"vector-77", "Inbound TCP 10.0.0.9 10.0.0.4 80", `Deny
GlobalRules@vnet Deny VirtualNetwork
  VirtualNetwork psodt`, []string{"VirtualNetwork In Deny * VirtualNetwork * *"}, []string{},
		},
		{
			"none-matches", "Inbound TCP 8.8.8.8 10.0.0.4 80", `Allow
g@nic1 Allow UserRule_web
  UserRule_web psodt`, []string{"ssh In Deny Tcp * * 22"}, []string{"web In Allow Tcp * * 80"},
		},
		{
			"allow-leaves-it-to-the-groups", "Inbound TCP 8.8.8.8 10.0.0.4 80", `Deny
GlobalRules@vnet Allow web
  ssh psod.
  web psodt
g@nic1 Deny UserRule_no
  UserRule_no psodt`, []string{"ssh In Deny Tcp * * 22", "web In Allow Tcp * * 80"}, []string{"no In Deny Tcp * * 80"},
		},
		{
			"always-allow-ends", "Inbound TCP 8.8.8.8 10.0.0.4 80", `Allow
GlobalRules@vnet AlwaysAllow web
  web psodt`, []string{"web In AlwaysAllow Tcp * * 80"}, []string{"no In Deny Tcp * * 80"},
		},
		{
			"part-always-allowed", "Inbound TCP 8.8.8.0/24 10.0.0.4 80", `Deny
GlobalRules@vnet Allow rest
  some p.odt
  rest psodt
g@nic1 Deny UserRule_no
  UserRule_no psodt
warning answer differs inside the range: rule some covers part of the source (8.8.8.8)`,
			[]string{"some In AlwaysAllow Tcp 8.8.8.8 * 80", "rest In Allow Tcp * * 80"},
			[]string{"no In Deny Tcp * * 80"},
		},
		{
			"uncertain-always-allow", "Inbound TCP 8.8.8.8 10.0.0.4 80", `Unknown
GlobalRules@vnet -
  some p.odt
g@nic1 Deny UserRule_no
  UserRule_no psodt
reason unknown-tag:Nobody`, []string{"some In AlwaysAllow Tcp Nobody * 80"}, []string{"no In Deny Tcp * * 80"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := estate.New(nil, group(t, "g", c.nsg))
			n.Subnets[0].Admin = adminRules(t, c.rules...)
			a, _ := ask(t, estate.Linked(n), "vm1", c.words)
			if diff := cmp.Diff(c.want, brief(a.Results[0])); diff != "" {
				t.Error(diff)
			}
		})
	}
	n := estate.New(nil, nil)
	n.Subnets[0].Admin = adminRules(t, "ssh In Deny Tcp * * 22")
	if a, _ := ask(t, estate.Linked(n), "vm1", "Inbound TCP 8.8.8.8 10.0.0.4 80"); len(a.Results) != 0 {
		t.Errorf("no group and no matching admin rule, and yet %s", brief(a.Results[0]))
	}
}

// One group on subnet and NIC is listed once per association.
func TestVector94(t *testing.T) {
	t.Run("vector-94", func(t *testing.T) {
		g := group(t, "both", []string{"web In Allow Tcp * * 80"})
		a, _ := ask(t, estate.Linked(estate.New(g, g)), estate.NIC, "Inbound TCP 8.8.8.8 10.0.0.4 80")
		want := `Allow
both@app Allow UserRule_web
  UserRule_web psodt
both@nic1 Allow UserRule_web
  UserRule_web psodt`
		if diff := cmp.Diff(want, brief(a.Results[0])); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNoGroup(t *testing.T) {
	a, notes := ask(t, estate.Linked(estate.New(nil, nil)), "nic1", "Inbound TCP 8.8.8.8 10.0.0.4 80")
	text, err := json.Marshal(a)
	if err != nil || string(text) != `{"results":[]}` {
		t.Errorf("%s, %v", text, err)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "no network security group applies") {
		t.Errorf("notes %q", notes)
	}
}

func TestUnknown(t *testing.T) {
	for _, c := range []struct {
		name, words, want string
		rules             []string
		change            func(n *network.Network)
	}{
		{
			name: "unknown-tag-decides", rules: []string{"tag In Allow Tcp Nobody * 80"},
			words: "Inbound TCP 8.8.8.8 10.0.0.4 80",
			want: `Unknown
g@nic1 -
  UserRule_tag p.odt
  DefaultRule_AllowVnetInBound p.odt
  DefaultRule_AllowAzureLoadBalancerInBound p.odt
  DefaultRule_DenyAllInBound psodt
reason unknown-tag:Nobody`,
		},
		{
			name: "unknown-tag-does-not-matter", rules: []string{"tag In Allow Tcp Nobody * 443"},
			words: "Inbound TCP 10.0.0.9 10.0.0.4 80",
			want: `Allow
g@nic1 Allow DefaultRule_AllowVnetInBound
  UserRule_tag p.od.
  DefaultRule_AllowVnetInBound psodt`,
		},
		{
			name: "only-the-rule-is-uncertain", rules: []string{"tag In Deny Tcp Nobody * 80"},
			words: "Inbound TCP 8.8.8.8 10.0.0.4 80",
			want: `Deny
g@nic1 Deny DefaultRule_DenyAllInBound
  UserRule_tag p.odt
  DefaultRule_AllowVnetInBound p.odt
  DefaultRule_AllowAzureLoadBalancerInBound p.odt
  DefaultRule_DenyAllInBound psodt
reason rule-uncertain:unknown-tag:Nobody`,
		},
		{
			name: "asked-about-an-unknown-tag", rules: []string{"same In Allow Tcp nobody * 80"},
			words: "Inbound TCP Nobody 10.0.0.4 80",
			want: `Allow
g@nic1 Allow UserRule_same
  UserRule_same psodt`,
		},
		{
			name: "unknown-tag-against-prefix", rules: []string{"near In Allow Tcp 10.0.0.0/8 * 80"},
			words: "Inbound TCP Nobody 10.0.0.4 80",
			want: `Unknown
g@nic1 -
  UserRule_near p.odt
  DefaultRule_AllowVnetInBound p.odt
  DefaultRule_AllowAzureLoadBalancerInBound p.odt
  DefaultRule_DenyAllInBound psodt
reason unknown-tag:Nobody`,
		},
		{
			name: "group-not-in-the-snapshot", rules: []string{"web In Allow Tcp * * 80"},
			words:  "Inbound TCP 8.8.8.8 10.0.0.4 80",
			change: func(n *network.Network) { n.Subnets[0].Group.ID = "/nsgs/gone" },
			want: `Unknown
gone@app -
g@nic1 Allow UserRule_web
  UserRule_web psodt
reason missing-nsg:/nsgs/gone`,
		},
		{
			name: "missing-group-cannot-save-a-deny", rules: []string{"web In Deny Tcp * * 80"},
			words:  "Inbound TCP 8.8.8.8 10.0.0.4 80",
			change: func(n *network.Network) { n.Subnets[0].Group.ID = "/nsgs/gone" },
			want: `Deny
gone@app -
g@nic1 Deny UserRule_web
  UserRule_web psodt
reason rule-uncertain:missing-nsg:/nsgs/gone`,
		},
		{
			name: "missing-peer", rules: []string{},
			words: "Inbound TCP 10.9.0.0/24 10.0.0.4 80",
			change: func(n *network.Network) {
				n.VirtualNetworks[0].Peerings = []*network.Peering{{ID: "p", RemoteID: "/vnets/b", AllowAccess: true}}
			},
			want: `Unknown
g@nic1 -
  DefaultRule_AllowVnetInBound p.odt
  DefaultRule_AllowAzureLoadBalancerInBound p.odt
  DefaultRule_DenyAllInBound psodt
reason missing-peer:/vnets/b`,
		},
		{
			name: "icmp-meets-ports", rules: []string{"ping In Allow Icmp * * 8"},
			words: "Inbound ICMP 8.8.8.8 10.0.0.4 *",
			want: `Unknown
g@nic1 -
  UserRule_ping psod.
  DefaultRule_AllowVnetInBound p.odt
  DefaultRule_AllowAzureLoadBalancerInBound p.odt
  DefaultRule_DenyAllInBound psodt
reason ports-on-portless:` + estate.GroupID("g") + `/securityRules/ping`,
		},
		{
			name: "unreadable-rule", rules: []string{"web In Allow Tcp * * 80"},
			words:  "Inbound TCP 8.8.8.8 10.0.0.4 80",
			change: func(n *network.Network) { n.SecurityGroups[0].Rules[0].AddFact("unresolved:f#/p") },
			want: `Unknown
g@nic1 -
  UserRule_web psodt
  DefaultRule_AllowVnetInBound p.odt
  DefaultRule_AllowAzureLoadBalancerInBound p.odt
  DefaultRule_DenyAllInBound psodt
reason unresolved:f#/p`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := estate.New(nil, group(t, "g", c.rules))
			if c.change != nil {
				c.change(n)
			}
			a, _ := ask(t, estate.Linked(n), "vm1", c.words)
			if diff := cmp.Diff(c.want, brief(a.Results[0])); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// No packet is of both families: a side of one family asks about that family
// only, so a Deny for 0.0.0.0/0 holds * towards an IPv4 address.
func TestFamilies(t *testing.T) {
	n := estate.Linked(estate.New(nil, group(t, "g", []string{"no4 In Deny Tcp 0.0.0.0/0 * 80", "all In Allow Tcp * * 80"})))
	for words, want := range map[string]string{
		"Inbound TCP * 10.0.0.4 80":    "Deny",
		"Inbound TCP * fd00::4 80":     "Allow",
		"Inbound TCP * * 80":           "Allow",
		"Inbound TCP 2600::1 * 80":     "Allow",
		"Inbound TCP Internet * 80":    "Allow",
		"Inbound TCP 8.0.0.0/8 * 80":   "Deny",
		"Inbound TCP 0.0.0.0/0 * 80":   "Deny",
		"Inbound TCP ::/0 * 80":        "Allow",
		"Inbound TCP 8.8.8.8 * 80-443": "Deny",
	} {
		a, _ := ask(t, n, "vm1", words)
		if got := a.Results[0].GroupResult.Access; got != want {
			t.Errorf("%s: %s, want %s", words, got, want)
		}
	}
	a, _ := ask(t, n, "vm1", "Inbound TCP * * 80")
	if len(a.Results[0].Warnings) != 1 || !strings.Contains(a.Results[0].Warnings[0], "UserRule_no4 covers part of the source (0.0.0.0/0)") {
		t.Errorf("warnings %q", a.Results[0].Warnings)
	}
}

// Membership of the local side is the ip configuration's, of the remote side
// the address's.
func TestApplicationSecurityGroups(t *testing.T) {
	n := estate.New(nil, group(t, "g", []string{"web In Allow Tcp asg:/asgs/db asg:/asgs/web 80"}))
	n.NICs[0].IPConfigs[0].ASGs = []string{"/asgs/WEB"}
	n.NICs[0].IPConfigs = append(n.NICs[0].IPConfigs, network.IPConfig{Name: "ip2", Address: estate.Prefixes("10.0.0.5/32")[0].Addr()})
	n.NICs = append(n.NICs, &network.NIC{
		ID: "/nics/db", Name: "db", SubnetID: estate.Subnet,
		IPConfigs: []network.IPConfig{{Address: estate.Prefixes("10.0.1.9/32")[0].Addr(), ASGs: []string{"/asgs/db"}}},
	})
	n.SecurityGroups[0].Rules = append(n.SecurityGroups[0].Rules, estate.Rule(t, 200, "no In Deny * * * *"))
	network.Link(n)
	for words, want := range map[string]string{
		"Inbound TCP 10.0.1.9 10.0.0.4 80":    "Allow",
		"Inbound TCP 10.0.1.9 10.0.0.5 80":    "Deny",
		"Inbound TCP 10.0.1.8 10.0.0.4 80":    "Deny",
		"Inbound TCP 10.0.1.9 10.0.0.9 80":    "Deny",
		"Inbound TCP 10.0.1.9 10.0.0.4/31 80": "Deny",
		"Inbound TCP 10.0.1.9 10.0.0.4/32 80": "Allow",
	} {
		a, _ := ask(t, n, "vm1", words)
		if got := a.Results[0].GroupResult.Access; got != want {
			t.Errorf("%s: %s, want %s", words, got, want)
		}
	}
	a, _ := ask(t, n, "vm1", "Inbound TCP 10.0.1.9 10.0.0.4/31 80")
	if w := a.Results[0].Warnings; len(w) != 1 || !strings.Contains(w[0], "UserRule_web covers part of the destination (10.0.0.4)") {
		t.Errorf("warnings %q", w)
	}
}
