package audit

import (
	"bytes"
	"math/big"
	"strings"
	"testing"

	"ipflow/index"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
)

func jsonOf(t testing.TB, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// finding returns the one finding of a kind; "" stands for none.
func findingOf(t *testing.T, r *Report, kind string) *Finding {
	t.Helper()
	var out *Finding
	for i := range r.Findings {
		if r.Findings[i].Kind == kind {
			if out != nil {
				t.Fatalf("two findings of kind %s: %s and %s", kind, out.Title, r.Findings[i].Title)
			}
			out = &r.Findings[i]
		}
	}
	if out == nil {
		t.Fatalf("no finding of kind %s in %+v", kind, r.Findings)
	}
	return out
}

// TestEffectiveExposure judges what both groups let in together.
func TestEffectiveExposure(t *testing.T) {
	const open = "in In Allow Tcp * * 22"
	for name, c := range map[string]struct {
		subnet, nic []string // rules, by priority from 100 on
		kind        string   // of the finding; "" for none
		breadth     Breadth
		severity    Severity
		ssh         Status
	}{
		"one-group":        {subnet: []string{open}, kind: kindManagement, breadth: Open, severity: High, ssh: Fail},
		"both-groups":      {subnet: []string{open}, nic: []string{open}, kind: kindManagement, breadth: Open, severity: High, ssh: Fail},
		"nic-closes":       {subnet: []string{open}, nic: []string{"out Out Allow * * * *"}, ssh: Pass},
		"subnet-closes":    {subnet: []string{"out Out Allow * * * *"}, nic: []string{open}, ssh: Pass},
		"denied-before":    {subnet: []string{"no In Deny * Internet * 0-1023", open}, kind: "partially", ssh: Pass},
		"tag-internet":     {subnet: []string{"in In Allow Tcp Internet * 22"}, kind: kindManagement, breadth: Open, severity: High, ssh: Fail},
		"split-prefixes":   {subnet: []string{"in In Allow Tcp 0.0.0.0/1,128.0.0.0/1 * 22"}, kind: kindManagement, breadth: Open, severity: High, ssh: Fail},
		"quarter":          {subnet: []string{"in In Allow Tcp 0.0.0.0/2 * 22"}, kind: kindManagement, breadth: Open, severity: High, ssh: Fail},
		"range":            {subnet: []string{"in In Allow Tcp * * 20-30"}, kind: kindManagement, breadth: Open, severity: High, ssh: Fail},
		"list-of-ports":    {subnet: []string{"in In Allow Tcp * * 22,8080"}, kind: kindManagement, breadth: Open, severity: High, ssh: Fail},
		"any-protocol":     {subnet: []string{"in In Allow * * * 22"}, kind: kindManagement, breadth: Open, severity: High, ssh: Fail},
		"office":           {subnet: []string{"in In Allow Tcp 203.0.113.0/28 * 22"}, kind: kindManagement, breadth: Restricted, severity: Low, ssh: Pass},
		"private":          {subnet: []string{"in In Allow Tcp 10.0.0.0/8 * 22"}, ssh: Pass},
		"everything":       {subnet: []string{"in In Allow * * * *"}, kind: kindAllPorts, breadth: Open, severity: High, ssh: Fail},
		"all-from-partner": {subnet: []string{"in In Allow * 203.0.113.0/28 * *"}, kind: kindAllPorts, breadth: Restricted, severity: Medium, ssh: Pass},
		"nothing":          {kind: kindNoNSG, breadth: Open, severity: High, ssh: Fail},
		"unknown-tag":      {subnet: []string{"in In Allow Tcp Nobody * 22"}, kind: kindUnknown, breadth: Open, severity: Medium, ssh: Undecided},
		"database":         {subnet: []string{"in In Allow Tcp * * 5432"}, kind: kindDatabase, breadth: Open, severity: High, ssh: Pass},
		"web":              {subnet: []string{"in In Allow Tcp * * 443"}, kind: kindWeb, breadth: Open, severity: Low, ssh: Pass},
	} {
		t.Run(name, func(t *testing.T) {
			n := estate.Linked(estate.New(groupFrom(t, "sub", c.subnet), groupFrom(t, "own", c.nic)))
			r := runOn(t, n, Options{})
			ssh := r.Controls[1]
			if ssh.ID != "6.2" || ssh.Status != c.ssh {
				t.Errorf("SSH %+v, want %s", ssh, c.ssh)
			}
			if c.breadth == "" {
				for _, f := range r.Findings {
					if f.Category != ruleCategory {
						t.Errorf("found %s: %s", f.Kind, f.Message)
					}
				}
				return
			}
			f := findingOf(t, r, c.kind)
			if f.Breadth != c.breadth || f.Severity != c.severity {
				t.Errorf("%s %s, want %s %s: %s", f.Severity, f.Breadth, c.severity, c.breadth, f.Message)
			}
			confirm(t, n, f.Witness)
		})
	}
}

func groupFrom(t *testing.T, name string, rules []string) (out *network.SecurityGroup) {
	t.Helper()
	if rules == nil {
		return nil
	}
	out = estate.Group(name)
	for i, words := range rules {
		r := estate.Rule(t, int32(100+i), words)
		r.ID, r.Group = out.ID+"/securityRules/"+r.Name, out
		out.Rules = append(out.Rules, r)
	}
	return out
}

// TestNarrowRulesAddUp opens SSH to 256 blocks of 256 addresses, a rule each.
func TestNarrowRulesAddUp(t *testing.T) {
	var rules []string
	for i := range 256 {
		rules = append(rules, "r"+big.NewInt(int64(i)).String()+" In Allow Tcp 20.9."+big.NewInt(int64(i)).String()+".0/24 * 22")
	}
	for blocks, want := range map[int]Status{255: Pass, 256: Fail} {
		r := runOn(t, estate.Linked(estate.New(groupFrom(t, "sub", rules[:blocks]), nil)), Options{})
		if got := r.Controls[1].Status; got != want {
			t.Errorf("%d blocks: %s, want %s", blocks, got, want)
		}
	}
}

func TestBreadth(t *testing.T) {
	for text, want := range map[string]Breadth{
		"8.8.0.0/16": Open, "8.8.0.0/17": Restricted, "8.8.8.8/32": Restricted, "2600::/32": Open, "2600::/33": Restricted,
	} {
		if got := breadthOf(index.AddressesOf(estate.Prefixes(text))); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	if got := sizeOf(index.AddressesOf(estate.Prefixes("0.0.0.0/0", "::/0"))).String(); got != "340282366920938463463374607436063178752" { // 2^32 + 2^128
		t.Errorf("all addresses are %s", got)
	}
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		part, all int64
		want      string
	}{{0, 7, "0"}, {7, 7, "100"}, {1, 3, "33.33"}, {1, 2, "50"}, {1, 1 << 40, "0.01"}, {1<<40 - 1, 1 << 40, "99.99"}, {1, 8, "12.5"}} {
		if got := percentOf(big.NewInt(c.part), big.NewInt(c.all)); got != c.want {
			t.Errorf("%d of %d: %s, want %s", c.part, c.all, got, c.want)
		}
	}
}

func TestParseServicesTellsEveryFault(t *testing.T) {
	list, faults := ParseServices("s.txt", []byte("\xef\xbb\xbf# mine\nGit = management tcp 9418 # here\nX = database tcp,udp 1-2,9\nbad\nY = web esp 1\nZ = web tcp 70000\ngit = web tcp 1\n"))
	if len(list) != 2 || list[0].Name != "Git" || list[1].Ports.Contains(3) || !list[1].Ports.Contains(9) {
		t.Errorf("services %+v", list)
	}
	want := []string{"s.txt:4: write NAME", "s.txt:5: service \"Y\": the protocol", "s.txt:6: service \"Z\"", "s.txt:7: service \"git\" stands in line 2"}
	if len(faults) != len(want) {
		t.Fatalf("faults %v", faults)
	}
	for i := range want {
		if !strings.HasPrefix(faults[i].Error(), want[i]) {
			t.Errorf("fault %q, want %q…", faults[i], want[i])
		}
	}
}

// TestServicesReplaceTheList calls out what the user names; the controls are
// judged all the same.
func TestServicesReplaceTheList(t *testing.T) {
	n := estate.Linked(estate.New(groupFrom(t, "sub", []string{"in In Allow Tcp * * 22,9418,5432"}), nil))
	r := runOn(t, n, Options{Services: servicesFrom(t, "Git = code tcp 9418")})
	if f := findingOf(t, r, kindService); len(f.Services) != 1 || f.Services[0] != "Git (Tcp 9418)" {
		t.Errorf("services %v", f.Services)
	}
	if f := findingOf(t, r, kindManagement); len(f.Services) != 1 || f.Services[0] != "SSH (Tcp 22)" {
		t.Errorf("services %v", f.Services)
	}
	for _, f := range r.Findings {
		if f.Kind == kindDatabase {
			t.Errorf("PostgreSQL is not on the list: %s", f.Title)
		}
	}
}
