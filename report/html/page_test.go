package html

import (
	"bytes"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"ipflow/verify/audit"
)

// written returns the page of a report.
func written(t *testing.T, r *audit.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// hostile are names that try to be more than text.
var hostile = []string{
	`<script>alert(1)</script>`,
	`</script><script>alert(2)</script>`,
	`<!--<script>`,
	`"><img src=x onerror=alert(3)>`,
	`'"` + "`" + `;alert(4);//`,
	`{{.}} ${alert(5)} &lt;b&gt;`,
	"\x1b[31mred\x1b[0m\x07",
	"\u202Ecod.exe\u202C \u2066a\u2069",
	"line\u2028one\u2029two\r\nthree\x00",
	strings.Repeat("ü漢字😀ع", 16),
	`javascript:alert(6)`,
	"bad\xff\xfeutf8",
}

// hostileReport has a hostile name in every text of a small report.
func hostileReport() *audit.Report {
	r := sampleReport(24, 60, 6)
	random := rand.New(rand.NewPCG(3, 5))
	evil := func(s *string) { *s += hostile[random.IntN(len(hostile))] }
	ids := map[string]string{}
	rename := func(s *string) { // keeps references whole
		if *s == "" {
			return
		}
		if _, ok := ids[*s]; !ok {
			renamed := *s
			evil(&renamed)
			ids[*s] = renamed
		}
		*s = ids[*s]
	}
	all := func(list []string, f func(*string)) {
		for i := range list {
			f(&list[i])
		}
	}
	place := func(p *audit.Place) {
		evil(&p.File)
		evil(&p.Pointer)
		evil(&p.SHA256)
	}
	seen := map[*audit.Witness]bool{}
	witness := func(w *audit.Witness) { // rows share them
		if w == nil || seen[w] {
			return
		}
		seen[w] = true
		rename(&w.NIC)
		rename(&w.Rule)
		rename(&w.SubnetRule)
		rename(&w.NICRule)
		evil(&w.Reason)
	}
	for i := range r.Rules {
		x := &r.Rules[i]
		rename(&x.ID)
		rename(&x.NSG)
		evil(&x.Name)
		evil(&x.Shadowed)
		evil(&x.Protocol)
		all(x.Source, evil)
		all(x.DestinationPorts, evil)
		all(x.ShadowedBy, rename)
		place(&x.Place)
	}
	for i := range r.NICs {
		n := &r.NICs[i]
		rename(&n.ID)
		rename(&n.NSG)
		rename(&n.SubnetNSG)
		rename(&n.Subnet)
		evil(&n.Name)
		evil(&n.VM)
		evil(&n.File)
	}
	for i := range r.Groups {
		for j := range r.Groups[i].Members {
			rename(&r.Groups[i].Members[j].NIC)
		}
	}
	for i := range r.Exposures {
		x := &r.Exposures[i]
		if x.Zones[0] != "Internet" {
			all(x.Zones, rename)
		}
		all(x.Rules, rename)
		for j := range x.Boxes {
			rename(&x.Boxes[j].Rule)
			evil(&x.Boxes[j].Reason)
		}
		for j := range x.Sensitive {
			evil(&x.Sensitive[j].Name)
		}
		witness(x.Witness)
	}
	for i := range r.Zones {
		if r.Zones[i].Name != "Internet" {
			rename(&r.Zones[i].Name)
		}
		all(r.Zones[i].NICs, rename)
	}
	for i := range r.Cells {
		c := &r.Cells[i]
		if c.From != "Internet" {
			rename(&c.From)
		}
		rename(&c.To)
		all(c.Rules, rename)
		witness(c.Witness)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		for _, s := range []*string{&f.Title, &f.Message, &f.Remedy, &f.Reason, &f.Owner, &f.Kind} {
			evil(s)
		}
		rename(&f.Resource)
		rename(&f.Rule)
		all(f.NICs, rename)
		place(&f.Place)
		witness(f.Witness)
	}
	all(r.Notes, evil)
	evil(&r.Version)
	evil(&r.Facts[0].Fact)
	evil(&r.Snapshot.Tags)
	for i := range r.Snapshot.Documents {
		evil(&r.Snapshot.Documents[i].Path)
	}
	return r
}

// TestPolicyIsOfItsContent: the hashes of the policy are those of what stands in
// the page, and nothing in the page would need more.
func TestPolicyIsOfItsContent(t *testing.T) {
	page := written(t, sampleReport(12, 40, 4))
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(page, -1)
	script := regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindAllStringSubmatch(page, -1)
	if len(style) != 1 || len(script) != 1 {
		t.Fatalf("%d styles and %d scripts, want one each", len(style), len(script))
	}
	want := `content="` + strings.ReplaceAll(policy(style[0][1], script[0][1]), "'", "&#39;")
	if !strings.Contains(strings.ReplaceAll(page, "&#43;", "+"), want) {
		t.Error("the policy does not hold the hashes of the style and script of the page")
	}
	body := strings.ReplaceAll(strings.ReplaceAll(page, script[0][0], ""), style[0][0], "")
	for _, forbidden := range []string{`(?i)<[^>]* style=`, `(?i)<[^>]* on\w+=`, `(?i)(src|href)="?(https?:|//|data:|javascript:)`, `(?i)@import|url\(`} {
		if found := regexp.MustCompile(forbidden).FindString(body + style[0][1]); found != "" {
			t.Errorf("the page has %q, which its policy forbids or which loads something", found)
		}
	}
}

// TestHostileTextIsInert: no name of the input becomes markup or a control
// character, with or without the script.
func TestHostileTextIsInert(t *testing.T) {
	page := written(t, hostileReport())
	for _, forbidden := range []string{
		"<script>alert", "</script><script>", "<!--", "<img", "\x1b", "\x07", "\x00", "\u202e", "\u2066", "\u2028", "\u2029", "\r", "\xff",
	} {
		if strings.Contains(page, forbidden) {
			t.Errorf("the page contains %q", forbidden)
		}
	}
	if n := strings.Count(page, "</script>"); n != 2 {
		t.Errorf("%d ends of scripts, want those of the data and of the script", n)
	}
	if !strings.Contains(page, `\u003cscript\u003ealert(1)\u003c`) || !strings.Contains(page, "&lt;script&gt;alert(1)") {
		t.Error("the hostile names are not in the data and the summary, so this shows nothing")
	}
}

// TestScriptsParse: each file of the script is whole by itself.
func TestScriptsParse(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node on this machine: the browser alone reads the script")
	}
	for _, name := range scriptFiles {
		if out, err := exec.Command(node, "--check", name).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", name, out)
		}
	}
}

// TestSameReportSameBytes.
func TestSameReportSameBytes(t *testing.T) {
	first := written(t, sampleReport(40, 100, 5))
	if again := written(t, sampleReport(40, 100, 5)); again != first {
		t.Error("two pages of one report differ")
	}
}

// TestEmptyReport: an empty estate is a page too.
func TestEmptyReport(t *testing.T) {
	if page := written(t, &audit.Report{}); !strings.Contains(page, "<strong>0</strong> <span>open</span>") {
		t.Error("the page of an empty report does not say that there are no findings")
	}
}

// TestDanglingReferences: what leads to no row is shown by its name.
func TestDanglingReferences(t *testing.T) {
	r := &audit.Report{Findings: []audit.Finding{{Title: "x", Severity: audit.Low, Rule: "/gone/rule", NICs: []string{"/gone/nic"}, Exposures: []int{7}}}}
	p := payloadOf(r)
	rule := p.Findings.columns[8][0]
	if rule >= 0 || p.Prefixes[p.Strings[-1-rule].prefix]+p.Strings[-1-rule].tail != "/gone/rule" {
		t.Errorf("the reference to a rule that is not in the report is %d", rule)
	}
}

// TestLargeReportFitsIntoAMail holds the promise of docs/audit.md.
func TestLargeReportFitsIntoAMail(t *testing.T) {
	if testing.Short() {
		t.Skip("a large report")
	}
	const bound = 15_000_000
	if size := len(written(t, largeReport())); size >= bound {
		t.Errorf("a report of 10,000 NICs and 5,000 rules has %d bytes, want less than %d", size, bound)
	} else {
		t.Logf("10,000 NICs, 5,000 rules, 400 zones: %d bytes", size)
	}
}
