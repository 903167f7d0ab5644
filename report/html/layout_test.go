package html

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ipflow/index"
	"ipflow/ingest"
	"ipflow/verify/audit"
)

// inspect returns the script that looks for faults of the layout.
func inspect(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("testdata/inspect.js")
	if err != nil {
		t.Fatal(err)
	}
	return string(script)
}

// exampleReport audits docs/example/estate.
func exampleReport(t *testing.T) *audit.Report {
	t.Helper()
	s, err := ingest.Load(t.Context(), ingest.Options{Paths: []string{"../../docs/example/estate"}})
	if err != nil {
		t.Fatal(err)
	}
	ix, err := index.Compile(t.Context(), s.Network, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := audit.Input{Network: s.Network, Index: ix, Version: "test", Hashes: map[string]string{}, Snapshot: audit.Snapshot{SHA256: s.SHA256}}
	for _, f := range s.Files {
		in.Hashes[f.Path] = f.SHA256
	}
	for _, d := range s.Documents {
		in.Snapshot.Documents = append(in.Snapshot.Documents, audit.Document{Path: d.Path, Kind: string(d.Kind), Resources: d.Resources, SHA256: in.Hashes[d.Path]})
	}
	r, err := audit.Run(t.Context(), in, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestLayout looks at every view at two widths in both themes: nothing sticks
// out of the window, no text covers another, every contrast is 4.5 or more.
func TestLayout(t *testing.T) {
	look := inspect(t)
	for name, r := range map[string]*audit.Report{"estate": exampleReport(t), "hostile": hostileReport()} {
		file := fileOf(t, r)
		shown := slices.Clone(views)
		if name == "estate" {
			for i := 1; i < len(r.NICs); i++ {
				shown = append(shown, fmt.Sprintf("nic-%d", i))
			}
		}
		for _, width := range []int64{1280, 360} {
			for _, theme := range []string{"light", "dark"} {
				t.Run(fmt.Sprintf("%s/width=%d/%s", name, width, theme), func(t *testing.T) {
					b := openFile(t, file, screen(width, theme))
					for _, view := range shown {
						b.view(view)
						eval[chromedp.Void](b, "[...document.querySelectorAll('.view:not([hidden]) details')].slice(0, 3).forEach(d => { d.open = true })")
						for _, fault := range eval[[]string](b, look) {
							t.Errorf("%s: %s", view, fault)
						}
					}
					eval[chromedp.Void](b, "document.querySelector('#rules tbody button').click()")
					for _, fault := range eval[[]string](b, "(() => { const d = document.getElementById('dialog'); return d.scrollWidth > d.clientWidth ? ['the dialog is wider than its frame'] : [] })()") {
						t.Error(fault)
					}
					b.quiet()
				})
			}
		}
	}
}

// TestInspectSeesFaults breaks a sound page once in each way, so that a look that
// sees nothing fails.
func TestInspectSeesFaults(t *testing.T) {
	look := inspect(t)
	b := openFile(t, fileOf(t, sampleReport(6, 40, 3)))
	if faults := eval[[]string](b, look); len(faults) > 0 {
		t.Fatalf("the page is not sound: %q", faults)
	}
	for name, breaking := range map[string]string{
		"width":    "s.setProperty('width', '2000px')",
		"overlap":  "s.setProperty('position', 'relative'), s.setProperty('top', '-30px')",
		"contrast": "s.setProperty('color', '#bbbbbb')",
	} {
		eval[chromedp.Void](b, "(() => { const s = document.querySelector('#overview .figure').style; "+breaking+" })()")
		if faults := eval[[]string](b, look); len(faults) == 0 {
			t.Errorf("the look does not see a fault of %s", name)
		}
		eval[chromedp.Void](b, "document.querySelector('#overview .figure').removeAttribute('style')")
	}
}

// TestThemeButton turns the theme that the reader prefers around.
func TestThemeButton(t *testing.T) {
	b := openFile(t, fileOf(t, sampleReport(6, 40, 3)), screen(1280, "dark"))
	ground := func() string { return eval[string](b, "getComputedStyle(document.documentElement).backgroundColor") }
	dark := ground()
	eval[chromedp.Void](b, "document.getElementById('theme').click()")
	light := ground()
	if dark == light {
		t.Errorf("the ground stays %s", dark)
	}
	eval[chromedp.Void](b, "document.getElementById('theme').click()")
	if ground() != dark {
		t.Error("the second press does not turn back")
	}
	b.quiet()
}

// TestStructure: landmarks, headings and names that assistive technology goes by.
func TestStructure(t *testing.T) {
	b := openFile(t, fileOf(t, sampleReport(30, 120, 9)))
	for _, view := range views {
		b.view(view)
		for what, script := range map[string]string{
			"one main":                   "document.querySelectorAll('main').length === 1",
			"one visible h1":             "[...document.querySelectorAll('h1')].filter(h => h.checkVisibility()).length === 1",
			"the focus on the heading":   "document.activeElement.tagName === 'H1' || document.activeElement === document.body",
			"the view marked in the nav": "document.querySelectorAll('#nav [aria-current=page]').length === 1",
			"a caption for every table":  "[...document.querySelectorAll('.view:not([hidden]) table')].every(t => t.caption?.textContent || t.getAttribute('aria-label'))",
			"a scope for every header":   "[...document.querySelectorAll('.view:not([hidden]) th')].every(t => t.scope)",
			"a name for every control":   "[...document.querySelectorAll('.view:not([hidden]) :is(button, input, select, a[href])')].every(e => (e.getAttribute('aria-label') || e.textContent).trim())",
			"a name for every picture":   "[...document.querySelectorAll('svg')].every(s => s.getAttribute('aria-hidden') || s.getAttribute('aria-label'))",
			"no id twice":                "new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size === document.querySelectorAll('[id]').length",
		} {
			if !eval[bool](b, script) {
				t.Errorf("view %s: not %s", view, what)
			}
		}
		b.key(kb.Tab)
		if !eval[bool](b, "(() => { const s = getComputedStyle(document.activeElement); return document.activeElement === document.body || s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 })()") {
			t.Errorf("view %s: the focus cannot be seen", view)
		}
	}
	b.quiet()
}
