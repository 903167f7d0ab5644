package assert

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"ipflow/ingest/diag"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
)

// shop is one NIC, nic1 at 10.0.0.4, behind a subnet NSG.
func shop(t *testing.T) *network.Network {
	t.Helper()
	web, ssh := estate.Rule(t, 100, "web In Allow Tcp Internet 10.0.0.0/24 80,443"), estate.Rule(t, 110, "ssh In Allow Tcp 203.0.113.0/28 * 22")
	web.Origin, ssh.Origin = diag.Origin{File: "nsg.json", Line: 7, Column: 3}, diag.Origin{File: "nsg.json", Line: 9, Column: 3}
	n := estate.New(estate.Group("nsg", web, ssh, estate.Rule(t, 120, "backup Out Deny Tcp * Backup 443")), nil)
	network.Link(n)
	return n
}

func TestStates(t *testing.T) {
	c := newChecker(t, shop(t))
	for _, test := range []struct {
		keys  string
		state State
		want  []string // in the explanation
	}{
		{"from: Internet, to: nic1, protocol: TCP, ports: 443, expect: allow", Pass, nil},
		{"from: Internet, to: nic1, protocol: TCP, ports: 443, expect: allow, by: nsg/web", Pass, nil},
		{"from: Internet, to: nic1, protocol: TCP, ports: 443, expect: allow, by: UserRule_WEB", Pass, nil},
		{"from: Internet, to: nic1, protocol: TCP, ports: [80, 443], expect: allow, by: [ssh, securityRules/web]", Pass, nil},
		{"from: Internet, to: nic1, protocol: TCP, ports: 443, expect: allow, by: ssh", Fail, []string{"another rule decides: nsg, securityRules/web, nsg.json:7:3", "correct by"}},
		{"from: Internet, to: nic1, protocol: TCP, ports: 22, expect: deny", Fail, []string{
			"Inbound Tcp 203.0.113.9:50000 > 10.0.0.4:22 at nic1 is Allow, by nsg, securityRules/ssh, nsg.json:9:3 (Subnet)",
			"flows     Allow: Tcp from 203.0.113.0/28 to 10.0.0.4/32 port 22", "narrow or delete nsg, securityRules/ssh (priority 110)",
		}},
		{"from: 203.0.113.0/28, to: nic1, protocol: TCP, ports: 22, expect: allow", Pass, nil},
		{"from: 203.0.113.0/27, to: nic1, protocol: TCP, ports: 22, expect: allow", Fail, []string{
			"is Deny, by nsg, defaultSecurityRules/DenyAllInBound", "Deny: Tcp from 203.0.113.16/28 to 10.0.0.4/32 port 22", "put a rule that allows it before nsg, defaultSecurityRules/DenyAllInBound",
		}},
		{"from: 203.0.113.0/28, to: nic1, protocol: TCP, ports: 0-65535, expect: allow", Fail, nil},
		{"from: nic1, to: 20.0.0.1, protocol: TCP, ports: 443, expect: deny", Unknown, []string{"facts     unknown-tag:Backup", "--service-tags"}},
		{"from: nic1, to: 20.0.0.1, protocol: TCP, ports: 443, expect: deny, xfail: soon", Unknown, nil},
		{"from: 8.8.8.8, to: nic1, ports: 23, protocol: TCP, expect: allow, xfail: soon", XFail, []string{"XFAIL    x  (s.yaml:2:10): soon"}},
		{"from: 8.8.8.8, to: nic1, ports: 443, protocol: TCP, expect: allow, xfail: soon", XPass, []string{"passes, but is marked xfail", "delete xfail"}},
		{"from: 8.8.8.8, to: nic1, ports: 443, protocol: TCP, expect: allow, expires: 2026-05-31", Expired, []string{
			"the assertion expired on 2026-05-31 (today is 2026-06-01); without that: pass: it passes",
		}},
		{"from: 8.8.8.8, to: nic1, ports: 443, protocol: TCP, expect: allow, expires: 2026-06-01", Pass, nil},
		{"from: 8.8.8.8, to: nic1, ports: 23, protocol: TCP, expect: allow, xfail: soon, expires: 2026-05-31", Expired, []string{"the exception (xfail) expired", "without that: fail: Inbound"}},
		{"from: 8.8.8.8, to: nic1, ports: 23, protocol: TCP, expect: allow, xfail: soon, expires: 2026-06-01", XFail, nil},
		{"from: Internet, to: nic1, only: {protocol: TCP, ports: [22, 80, 443]}", Fail, []string{"beyond only: Inbound Tcp 168.63.129.16", "AllowVnetInBound", "before the default rules of nsg, or add the flow to only"}},
		{"from: Internet, to: nic1, only: [{protocol: TCP, ports: [22, 80, 443]}, AzureLoadBalancer]", Pass, nil},
		{"from: Internet, to: nic1, only: [{protocol: TCP, ports: [80, 443]}, AzureLoadBalancer]", Fail, []string{"beyond only: Inbound Tcp 203.0.113.9:50000 > 10.0.0.4:22", "or add the flow to only"}},
		{"from: 8.8.8.0/24, to: nic1, expect: allow, only: {protocol: TCP, ports: [80, 443]}", Pass, nil},
		{"from: 8.8.8.0/24, to: nic1, expect: allow, only: {protocol: TCP, ports: [80, 81]}", Fail, []string{"port 81", "is Deny"}},
		{"from: 8.8.8.0/24, to: nic1, expect: allow, only: {protocol: TCP, ports: 80}", Fail, []string{"beyond only", "port 443"}},
		{"from: 8.8.8.0/24, to: nic1, expect: allow, by: web, only: {protocol: TCP, ports: [80, 443]}", Pass, nil},
		{"from: 8.8.8.0/24, to: nic1, expect: allow, by: ssh, only: {protocol: TCP, ports: [80, 443]}", Fail, []string{"another rule decides"}},
		// What selects nothing was not tested.
		{"from: 10.9.0.0/16, to: 10.8.0.0/16, expect: deny", Error, []string{"from: 10.9.0.0/16 selects no flow at any NIC"}},
		{"from: fd00::/8, to: nic1, expect: deny", Error, []string{"from: fd00::/8 selects no flow", "one address family"}},
		{"from: [8.8.8.8, fd00::/8], to: nic1, expect: deny, ports: 23", Error, []string{"from: fd00::/8 selects no flow"}},
		{"from: Internet, to: ncc1, expect: deny", Error, []string{"did you mean nic1?", "(s.yaml:2:33)"}},
		{"from: Internet, to: nic1, expect: deny, by: wob", Error, []string{`no rule "wob" is in the snapshot; did you mean web?`}},
		{"from: Internet, to: nic1, only: nowhere", Error, []string{`"nowhere" is neither in the snapshot nor a tag`}},
		{"from: Internet, to: ncc1, expect: deny, xfail: soon", Error, nil},
	} {
		t.Run(strings.ReplaceAll(test.keys, " ", "_"), func(t *testing.T) {
			r := c.Check(parse(t, "assertions:\n- {name: x, "+test.keys+"}\n")[0])
			var b bytes.Buffer
			if err := WriteText(&b, []Result{r}, TextOptions{}); err != nil {
				t.Fatal(err)
			}
			if r.State != test.state {
				t.Errorf("state %s, want %s\n%s", r.State, test.state, b.String())
			}
			for _, w := range test.want {
				if !strings.Contains(b.String(), w) {
					t.Errorf("not told: %s\n%s", w, b.String())
				}
			}
			checkWitness(t, c.net, &r)
			if report := ReportOf([]Result{r}); report.Summary.OK() != r.State.OK() || report.Summary.of(r.State) != 1 {
				t.Errorf("summary %+v of a %s", report.Summary, r.State)
			}
		})
	}
}

// A group whose members are not all known never passes.
func TestUnknownMembers(t *testing.T) {
	n := shop(t)
	n.NICs[0].IPConfigs[0].ASGs = []string{"/asgs/a"}
	n.NICs = append(n.NICs, &network.NIC{
		ID: "/nics/doubtful", Name: "doubtful", SubnetID: estate.Subnet,
		IPConfigs: []network.IPConfig{{Name: "c", Address: estate.Prefixes("10.0.0.9/32")[0].Addr(), ASGFact: "unresolved:t.json#/asgs"}},
	})
	network.Link(n)
	r := newChecker(t, n).Check(parse(t, "assertions:\n- {name: x, from: 8.8.8.8, to: 'asg:a', ports: 443, protocol: TCP, expect: allow}\n")[0])
	if r.State != Unknown || len(r.Facts) != 1 || r.Facts[0] != "unresolved:t.json#/asgs" || !strings.Contains(r.Message, "holds at the 1 NIC the snapshot shows") {
		t.Errorf("%+v", r)
	}
}

// The day is that of UTC, wherever the clock stands.
func TestExpiresByDayInUTC(t *testing.T) {
	n := shop(t)
	a := parse(t, "assertions:\n- {name: x, from: 8.8.8.8, to: nic1, ports: 443, protocol: TCP, expect: allow, expires: 2026-06-01}\n")
	for now, want := range map[string]State{"2026-06-01T23:59:59Z": Pass, "2026-06-02T00:00:00Z": Expired, "2026-06-02T01:00:00+02:00": Pass} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if r := New(n, newIndex(t, n), Options{Now: at}).Check(a[0]); r.State != want {
			t.Errorf("%s: %s, want %s", now, r.State, want)
		}
	}
}
