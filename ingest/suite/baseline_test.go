package suite

import (
	"strings"
	"testing"
)

func TestParseBaseline(t *testing.T) {
	for name, text := range map[string]string{
		"b.yaml": "version: 1\ndismissals:\n  - finding: \"12\"\n    reason: r\n    owner: o\n    expires: 2027-01-02\n    nics: [/nics/a, /nics/b]\n  - finding: ab\n    reason: \"\"\n    owner:\n",
		"b.json": `{"dismissals": [{"finding": "12", "reason": "r", "owner": "o", "expires": "2027-01-02", "nics": ["/nics/a", "/nics/b"]}, {"finding": "ab", "reason": "", "owner": null}]}`,
	} {
		list, faults := ParseBaseline(name, []byte(text))
		if len(faults) > 0 || len(list) != 2 {
			t.Fatalf("%s: %v %+v", name, faults, list)
		}
		if d := list[0]; d.Finding.Text != "12" || d.Reason != "r" || d.Owner != "o" || d.Expires.Format("2006-01-02") != "2027-01-02" || len(d.NICs) != 2 {
			t.Errorf("%s: %+v", name, d)
		}
		if d := list[1]; d.Reason != "" || d.Owner != "" || !d.Expires.IsZero() {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if list, faults := ParseBaseline("b.yaml", []byte("dismissals:\n")); len(list) != 0 || len(faults) != 0 {
		t.Errorf("nothing dismissed: %v %v", list, faults)
	}
	for text, want := range map[string]string{
		"dismissals: [{reason: r}]":                     "b.yaml:1:14: a dismissal without finding",
		"dismissals: [{finding: a}, {finding: a}]":      "b.yaml:1:28: the finding a is dismissed in line 1 already",
		"dismissals: [{finding: a, expires: soon}]":     "b.yaml:1:36: expires is a day",
		"dismissals: [{finding: a, until: 2027-01-01}]": "b.yaml:1:27: unknown key \"until\"",
		"dismissals: {}":                                "b.yaml:1:13: dismissals is a list",
		"version: 2\ndismissals: []":                    "b.yaml:1:10: version is \"2\"",
		"findings: []":                                  "b.yaml:1:1: no dismissals",
		"dismissals: [{finding: a, reason: 7}]":         "b.yaml:1:35: reason is text, not a number",
		"dismissals: [{finding: a, nics: []}]":          "b.yaml:1:33: nics is an empty list",
		"dismissals: [{finding: a, owner: [o]}]":        "b.yaml:1:34: owner is text, not a list",
	} {
		_, faults := ParseBaseline("b.yaml", []byte(text))
		if len(faults) == 0 || !strings.HasPrefix(faults[0].String(), want) {
			t.Errorf("%s: %v, want %s…", text, faults, want)
		}
	}
}
