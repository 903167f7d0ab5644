package audit

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
)

// hostile means something to everybody who might print it: a browser, a terminal,
// Markdown, a spreadsheet, whoever counts columns.
var hostile = "=cmd|'!A1 <script>alert(1)</script> <img src=x onerror=y>\x1b[31m\x07\u202e\nsecond | line `code` [a](b:c) @all #1 ~~x~~ $y$ **b** " + strings.Repeat("é😀", 30)

func hostileReport(t *testing.T) *Report {
	t.Helper()
	n := estate.New(groupFrom(t, "sub", []string{"in In Allow Tcp * * 22", "twice In Deny Tcp * * 22", "tag In Allow Tcp Nobody * 80"}), nil)
	g := n.SecurityGroups[0]
	for _, r := range g.Rules[:2] {
		r.Name += hostile
		r.ID = g.ID + "/securityRules/" + r.Name
		r.Origin.File, r.Origin.Line, r.Origin.Column = "dir/"+hostile+".json", 3, 5
	}
	n.NICs[0].Name += hostile
	n.NICs[0].ID += hostile
	n.VirtualMachines[0].NICIDs[0] = n.NICs[0].ID
	g.Rules[2].Destination = []network.Selector{{Kind: network.SelectUnknown, Text: hostile, Fact: "unresolved:" + hostile}}
	r := runOn(t, estate.Linked(n), Options{Baseline: &Baseline{Entries: []Accepted{{Finding: "x" + hostile, Reason: hostile, Owner: hostile, File: hostile}}}})
	r.Snapshot.Documents = append(r.Snapshot.Documents, Document{Path: hostile, Kind: "rest"})
	r.Notes = append(r.Notes, hostile)
	return r
}

func TestHostileNamesInText(t *testing.T) {
	var b bytes.Buffer
	if err := hostileReport(t).WriteText(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if strings.ContainsAny(text, "\x1b\x07\u202e") || strings.Contains(text, "\nsecond") {
		t.Errorf("a control character stands in the text as it is:\n%q", text)
	}
	if !strings.Contains(text, `\x1b[31m`) {
		t.Error("the name is not in the text")
	}
}

func TestHostileNamesInMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := hostileReport(t).WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, bad := range []string{"<script", "<img", "\x1b", "\x07", "\u202e", "\nsecond", "@all", "[a](b", " `code`", " #1", "~~x", "**b", "cmd|"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q stands in the Markdown as it is", bad)
		}
	}
	if !strings.Contains(text, "&lt;script&gt;") {
		t.Error("the name is not in the Markdown")
	}
	columns := 0
	for line := range strings.Lines(text) {
		bars := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		switch {
		case bars == 0:
			columns = 0
		case columns == 0:
			columns = bars
		case bars != columns:
			t.Errorf("a row of %d bars in a table of %d: %q", bars, columns, line)
		}
	}
}

func TestHostileNamesInJSON(t *testing.T) {
	r := hostileReport(t)
	text := jsonOf(t, r)
	if strings.ContainsAny(text, "<>\x1b\x07") {
		t.Error("markup or a control character stands in the JSON as it is")
	}
	var back Report
	if err := json.Unmarshal([]byte(text), &back); err != nil {
		t.Fatal(err)
	}
	if back.NICs[0].Name != r.NICs[0].Name || !strings.Contains(back.NICs[0].Name, hostile) {
		t.Errorf("the name came back as %q", back.NICs[0].Name)
	}
}

// TestJSONHasEverything reads the JSON form back and writes it again.
func TestJSONHasEverything(t *testing.T) {
	text := jsonOf(t, hostileReport(t))
	var back Report
	if err := json.Unmarshal([]byte(text), &back); err != nil {
		t.Fatal(err)
	}
	if again := jsonOf(t, &back); again != text {
		t.Error("the report changes on its way through JSON")
	}
	if strings.Contains(text, ":null") && strings.Contains(strings.ReplaceAll(text, `"witness":null`, ""), `s":null`) {
		t.Error("a list is null")
	}
}

// TestDropALayer makes sure that the tests above see a missing layer: what the
// NIC's group denies is exposed once the group is gone.
func TestDropALayer(t *testing.T) {
	subnet, own := []string{"in In Allow Tcp * * 22"}, []string{"no In Deny * * * *"}
	with := runOn(t, estate.Linked(estate.New(groupFrom(t, "sub", subnet), groupFrom(t, "own", own))), Options{})
	without := runOn(t, estate.Linked(estate.New(groupFrom(t, "sub", subnet), nil)), Options{})
	if with.Controls[1].Status != Pass || without.Controls[1].Status != Fail {
		t.Errorf("SSH is %s with the group and %s without", with.Controls[1].Status, without.Controls[1].Status)
	}
}

// TestAdminRulesCount lets admin rules close what the group opens, and open what
// it closes.
func TestAdminRulesCount(t *testing.T) {
	for name, c := range map[string]struct {
		group, admin string
		always       bool
		want         Status
	}{
		"admin-denies":  {"in In Allow Tcp * * 22", "a In Deny Tcp * * 22", false, Pass},
		"always-allows": {"no In Deny * * * *", "a In Allow Tcp * * 22", true, Fail},
		"allow-passes":  {"no In Deny * * * *", "a In Allow Tcp * * 22", false, Pass},
	} {
		t.Run(name, func(t *testing.T) {
			n := estate.New(groupFrom(t, "sub", []string{c.group}), nil)
			r := estate.Rule(t, 100, c.admin)
			r.Kind, r.ID, r.ManagerID, r.Always = network.AdminRule, "/managers/m/rules/a", "/managers/m", c.always
			n.VirtualNetworks[0].Admin = &network.AdminRules{Rules: []*network.Rule{r}}
			report := runOn(t, estate.Linked(n), Options{})
			if got := report.Controls[1]; got.Status != c.want {
				t.Errorf("%+v, want %s", got, c.want)
			}
			if c.always {
				f := findingOf(t, report, kindManagement)
				if v := confirm(t, n, f.Witness); v.Layer != flow.SecurityAdmin || f.Rule != r.ID {
					t.Errorf("decided by %s in %s", f.Rule, v.Layer)
				}
			}
		})
	}
}
