package arm_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"ipflow/ingest/arm"
	"ipflow/ingest/jsontree"
)

var update = flag.Bool("update", false, "rewrite the want files")

// TestTemplates evaluates the templates of testdata/*.txtar. The comment of an
// archive may hold lines "set NAME=VALUE", "parameters FILE", "outside FILE" (a
// file that is not in the snapshot) and "unknown" (no context at all). The file
// want is what results.
func TestTemplates(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := evaluateArchive(t, archive)
			for i, f := range archive.Files {
				if f.Name != "want" {
					continue
				}
				if *update {
					archive.Files[i].Data = []byte(got)
					if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
						t.Fatal(err)
					}
					return
				}
				if diff := cmp.Diff(string(f.Data), got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				return
			}
			t.Fatal("the archive has no file want")
		})
	}
}

func evaluateArchive(t *testing.T, archive *txtar.Archive) string {
	o := arm.Options{SubscriptionID: "00000000-0000-0000-0000-000000000000", ResourceGroup: "rg", Location: "westus", Set: map[string]string{}}
	var named []string
	outside := map[string]bool{}
	for line := range strings.Lines(string(archive.Comment)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "set":
			name, value, _ := strings.Cut(rest, "=")
			o.Set[name] = value
		case "parameters":
			named = append(named, rest)
		case "outside":
			outside[rest] = true
		case "unknown":
			o.SubscriptionID, o.ResourceGroup, o.Location = "", "", ""
		}
	}
	all := map[string]arm.Input{}
	var templates, parameters []arm.Input
	for _, f := range archive.Files {
		if f.Name == "want" {
			continue
		}
		in := parse(t, f.Name, f.Data)
		all[f.Name] = in
		switch {
		case outside[f.Name]:
		case strings.Contains(in.Root.Get("$schema").Text(), "Parameters"):
			parameters = append(parameters, in)
		default:
			templates = append(templates, in)
		}
	}
	for _, name := range named {
		o.Parameters = append(o.Parameters, all[name])
	}
	o.Read = func(p string) *jsontree.Node {
		if !outside[p] {
			return nil
		}
		return all[p].Root
	}
	return render(t, arm.Evaluate(templates, parameters, o))
}

// render writes a result for people to review.
func render(t *testing.T, made *arm.Result) string {
	var b strings.Builder
	for _, r := range made.Resources {
		o := r.Node.Origin()
		fmt.Fprintf(&b, "%s\n  at %s %s\n", r.ID, o, o.Pointer)
		for _, d := range r.Doubts {
			fmt.Fprintf(&b, "  doubt %s %s\n", d, d.Pointer)
		}
		if r.Many {
			b.WriteString("  many\n")
		}
		for _, m := range r.Node.Members() {
			switch m.Name {
			case "id", "type", "name", "apiVersion":
				continue
			}
			if strings.EqualFold(m.Name, "properties") {
				for _, p := range m.Value.Members() {
					fmt.Fprintf(&b, "  .%s %s %s\n", p.Name, jsonOf(t, p.Value), where(p.Value))
				}
				if m.Value.Residue() {
					fmt.Fprintf(&b, "  properties %s\n", jsonOf(t, m.Value))
				}
				continue
			}
			fmt.Fprintf(&b, "  %s %s\n", m.Name, jsonOf(t, m.Value))
		}
	}
	for _, o := range made.Outputs {
		fmt.Fprintf(&b, "output %s %s\n", o.Name, jsonOf(t, o.Node))
	}
	for _, u := range made.Unresolved {
		fmt.Fprintf(&b, "unresolved %s %s %s: %s\n", u.Origin, u.Origin.Pointer, u.Expression, strings.Join(u.Missing, "; "))
	}
	for _, d := range made.Diagnostics {
		fmt.Fprintf(&b, "%s %s: %s\n", d.Severity, d.Code, d)
	}
	return b.String()
}

// where lists the places that the parts of a value come from.
func where(n *jsontree.Node) string {
	var lines []string
	var walk func(n *jsontree.Node)
	walk = func(n *jsontree.Node) {
		o := n.Origin()
		place := fmt.Sprintf("%s:%d", o.File, o.Line)
		if len(lines) == 0 || lines[len(lines)-1] != place {
			lines = append(lines, place)
		}
		for _, it := range n.Items() {
			walk(it)
		}
	}
	walk(n)
	return "(" + strings.Join(lines, " ") + ")"
}

func jsonOf(t *testing.T, n *jsontree.Node) string {
	if n.Residue() {
		return "<" + n.Text() + ">"
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(marked(n)); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

// marked is plain with residues in angle brackets.
func marked(n *jsontree.Node) any {
	switch n.Kind() {
	case jsontree.Object:
		out := map[string]any{}
		for _, m := range n.Members() {
			out[m.Name] = marked(m.Value)
		}
		return out
	case jsontree.Array:
		out := []any{}
		for _, it := range n.Items() {
			out = append(out, marked(it))
		}
		return out
	case jsontree.String:
		if n.Residue() {
			return "<" + n.Text() + ">"
		}
	case jsontree.Absent, jsontree.Null, jsontree.Bool, jsontree.Number:
	}
	return plain(n)
}
