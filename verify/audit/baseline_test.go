package audit

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"ipflow/ingest/network"
	"ipflow/ingest/suite"
	"ipflow/verify/internal/estate"
)

func TestBaseline(t *testing.T) {
	n := estate.Linked(estate.New(groupFrom(t, "sub", []string{"in In Allow Tcp * * 22"}), nil))
	id := findingOf(t, runOn(t, n, Options{}), kindManagement).ID
	day := func(text string) time.Time {
		d, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	now := day("2026-11-28").Add(23 * time.Hour)
	whole := Accepted{Finding: id, Reason: "jump host", Owner: "ops", Expires: day("2026-11-28")}
	for name, c := range map[string]struct {
		change func(*Accepted)
		state  string
	}{
		"last-day":    {func(*Accepted) {}, Applied},
		"day-over":    {func(x *Accepted) { x.Expires = day("2026-11-27") }, Expired},
		"no-reason":   {func(x *Accepted) { x.Reason = " " }, Incomplete},
		"no-owner":    {func(x *Accepted) { x.Owner = "" }, Incomplete},
		"no-expiry":   {func(x *Accepted) { x.Expires = time.Time{} }, Incomplete},
		"other-id":    {func(x *Accepted) { x.Finding = strings.Repeat("0", 32) }, Unmatched},
		"this-nic":    {func(x *Accepted) { x.NICs = []string{strings.ToUpper(estate.NIC)} }, Applied},
		"another-nic": {func(x *Accepted) { x.NICs = []string{"/nics/other"} }, Outgrown},
		"upper-case":  {func(x *Accepted) { x.Finding = strings.ToUpper(x.Finding) }, Applied},
	} {
		t.Run(name, func(t *testing.T) {
			x := whole
			c.change(&x)
			r := runOn(t, n, Options{Baseline: &Baseline{Entries: []Accepted{x}}, Now: now})
			f := findingOf(t, r, kindManagement)
			if r.Dismissals[0].State != c.state || f.Dismissed != (c.state == Applied) {
				t.Errorf("%s, dismissed %t, want %s", r.Dismissals[0].State, f.Dismissed, c.state)
			}
			want := Fail
			if c.state == Applied {
				want = Pass
			}
			if r.Controls[1].Status != want {
				t.Errorf("SSH is %s, want %s", r.Controls[1].Status, want)
			}
			var b bytes.Buffer
			if err := r.WriteText(&b); err != nil {
				t.Fatal(err)
			}
			if said := strings.Contains(b.String(), ": "+c.state+":"); said != (c.state != Applied) {
				t.Errorf("the text says %t that the entry is %s:\n%s", said, c.state, b.String())
			}
		})
	}
}

// TestWrittenBaselineReads reads what WriteBaseline writes: blanks do not count,
// filled in they do.
func TestWrittenBaselineReads(t *testing.T) {
	r := hostileReport(t)
	var b bytes.Buffer
	if err := r.WriteBaseline(&b); err != nil {
		t.Fatal(err)
	}
	list, faults := suite.ParseBaseline("baseline.yaml", b.Bytes())
	if len(faults) > 0 {
		t.Fatalf("%v\n%s", faults, b.String())
	}
	if len(list) != len(r.Findings) {
		t.Fatalf("%d entries of %d findings", len(list), len(r.Findings))
	}
	for i, d := range list {
		if f := &r.Findings[i]; d.Finding.Text != f.ID || d.Reason != "" || len(d.NICs) != len(f.NICs) || len(d.NICs) > 0 && d.NICs[0] != f.NICs[0] {
			t.Errorf("entry %+v of finding %s %q", d, f.ID, f.NICs)
		}
	}
}

// TestNewServicesAreNewFindings widens a rule whose finding was dismissed.
func TestNewServicesAreNewFindings(t *testing.T) {
	id := func(rule string) string {
		return findingOf(t, runOn(t, estate.Linked(estate.New(groupFrom(t, "sub", []string{rule}), nil)), Options{}), kindManagement).ID
	}
	ssh := id("in In Allow Tcp * * 22")
	for _, rule := range []string{"in In Allow Tcp * * 22,3389", "in In Allow Tcp 203.0.113.0/28 * 22", "other In Allow Tcp * * 22"} {
		if id(rule) == ssh {
			t.Errorf("%s has the finding of SSH from everywhere", rule)
		}
	}
	if id("in In Allow Tcp Internet * 22") != ssh {
		t.Error("the same exposure in other words is another finding")
	}
}

func TestFlowLogsAndWatchers(t *testing.T) {
	log := func(target string, days int, on bool) *network.FlowLog {
		return &network.FlowLog{ID: "/w/flowLogs/l", Name: "l", TargetID: target, Enabled: on, RetentionDays: days}
	}
	for name, c := range map[string]struct {
		logs []*network.FlowLog
		want Status
	}{
		"none":           {nil, Undecided},
		"of-the-vnet":    {[]*network.FlowLog{log(strings.ToUpper(estate.VNet), 90, true)}, Pass},
		"of-the-group":   {[]*network.FlowLog{log(estate.GroupID("sub"), 0, true)}, Pass},
		"too-short":      {[]*network.FlowLog{log(estate.VNet, 89, true)}, Fail},
		"off":            {[]*network.FlowLog{log(estate.VNet, 365, false)}, Fail},
		"somewhere-else": {[]*network.FlowLog{log("/vnets/other", 365, true)}, Undecided},
		"not-readable":   {[]*network.FlowLog{{Name: "l", TargetID: estate.VNet, Facts: []string{"unresolved:x"}}}, Undecided},
	} {
		n := estate.New(groupFrom(t, "sub", []string{"in In Allow Tcp 10.0.0.0/8 * 22"}), nil)
		n.FlowLogs = c.logs
		if got := runOn(t, estate.Linked(n), Options{}).Controls[4]; got.ID != "6.5" || got.Status != c.want {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
	for name, c := range map[string]struct {
		location string
		watcher  string // its location; "" for none
		id       string
		want     Status
	}{
		"there":              {"West US", "westus", "/subscriptions/s/w", Pass},
		"elsewhere":          {"westus", "eastus", "/subscriptions/s/w", Fail},
		"none":               {"westus", "", "", Undecided},
		"other-subscription": {"westus", "westus", "/subscriptions/t/w", Undecided},
		"no-location":        {"", "westus", "/subscriptions/s/w", Undecided},
	} {
		n := estate.New(nil, nil)
		n.VirtualNetworks[0].Location = c.location
		if c.watcher != "" {
			n.NetworkWatchers = []*network.NetworkWatcher{{ID: c.id, Location: c.watcher}}
		}
		if got := runOn(t, estate.Linked(n), Options{}).Controls[5]; got.ID != "6.6" || got.Status != c.want {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
}
