package diag

import "testing"

func TestDiagnosticStringNamesPlaceAndPointer(t *testing.T) {
	d := Diagnostic{Origin: Origin{File: "hub.json", Line: 41, Column: 19, Pointer: "/resources/3/properties/priority"}, Message: "4097 is outside 100-4096"}
	if got, want := d.String(), "hub.json:41:19: /resources/3/properties/priority: 4097 is outside 100-4096"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestPrintableKeepsTerminalsSafe(t *testing.T) {
	for in, want := range map[string]string{
		"web-nsg":           "web-nsg",
		"größe 名前":          "größe 名前",
		"a\x1b[31mred\nb":   `a\x1b[31mred\nb`,
		"zero\u200bwidth":   `zero\u200bwidth`,
		"rtl\u202eoverride": `rtl\u202eoverride`,
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestListSortOrdersAndCompacts(t *testing.T) {
	var l List
	l.Warnf(Origin{File: "b.json", Line: 1}, "x", "later")
	l.Errorf(Origin{File: "a.json", Line: 9}, "x", "second")
	l.Errorf(Origin{File: "a.json", Line: 2}, "x", "first")
	l.Errorf(Origin{File: "a.json", Line: 2}, "x", "first")
	l.Sort()
	if len(l) != 3 || l[0].Message != "first" || l[1].Message != "second" || l[2].Message != "later" {
		t.Fatalf("order: %v", l)
	}
	if l.Count(Error) != 2 || l.Count(Warning) != 1 || l.Count(Info) != 0 {
		t.Errorf("counts: %d errors, %d warnings, %d infos", l.Count(Error), l.Count(Warning), l.Count(Info))
	}
}
