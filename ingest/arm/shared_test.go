package arm_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipflow/ingest/arm"
	"ipflow/ingest/jsontree"
)

// shared returns a folder of the shared data, or skips.
func shared(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("IPFLOW_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	p := filepath.Join(append([]string{root, "data", "arm"}, elem...)...)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("no shared data: %v (set IPFLOW_SHARED)", err)
	}
	return p
}

func parseFile(t testing.TB, file string) arm.Input {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, filepath.ToSlash(file), data)
}

func parse(t testing.TB, name string, data []byte) arm.Input {
	t.Helper()
	docs, faults := jsontree.Parse(name, data)
	if len(faults) > 0 || len(docs) == 0 {
		t.Fatalf("parse %s: %v", name, faults)
	}
	return arm.Input{Path: name, Root: docs[0]}
}

// plain turns a node into what encoding/json would make of it.
func plain(n *jsontree.Node) any {
	switch n.Kind() {
	case jsontree.Object:
		out := map[string]any{}
		for _, m := range n.Members() {
			out[m.Name] = plain(m.Value)
		}
		return out
	case jsontree.Array:
		out := []any{}
		for _, it := range n.Items() {
			out = append(out, plain(it))
		}
		return out
	case jsontree.Bool:
		v, _ := n.Bool()
		return v
	case jsontree.Number:
		return json.Number(n.Raw())
	case jsontree.String:
		return n.Text()
	case jsontree.Absent, jsontree.Null:
	}
	return nil
}

// TestEngineCases holds the evaluation to what Microsoft's engine predicts.
func TestEngineCases(t *testing.T) {
	root := shared(t, "engine-cases")
	cases, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 3 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name(), func(t *testing.T) {
			dir := filepath.Join(root, c.Name())
			context := parseFile(t, filepath.Join(dir, "context.json")).Root
			made := arm.Evaluate([]arm.Input{parseFile(t, filepath.Join(dir, "template.json"))}, nil, arm.Options{
				SubscriptionID: context.Get("subscriptionId").Text(), ResourceGroup: context.Get("resourceGroup").Text(),
				Parameters: []arm.Input{parseFile(t, filepath.Join(dir, "parameters.json"))},
			})
			for _, d := range made.Diagnostics {
				t.Log(d)
			}
			want, _ := plain(parseFile(t, filepath.Join(dir, "expected.json")).Root).(map[string]any)
			var got []any
			for _, r := range made.Resources {
				got = append(got, plain(r.Node))
			}
			if diff := cmp.Diff(want["predictedResources"], any(got)); diff != "" {
				t.Errorf("resources (-engine +ours):\n%s", diff)
			}
			outputs, _ := want["outputs"].(map[string]any)
			seen := 0
			for _, o := range made.Outputs {
				if w, ok := outputs[o.Name]; ok {
					seen++
					if diff := cmp.Diff(w, plain(o.Node)); diff != "" {
						t.Errorf("output %s (-engine +ours):\n%s", o.Name, diff)
					}
				}
			}
			if seen != len(outputs) {
				t.Errorf("%d of %d outputs", seen, len(outputs))
			}
		})
	}
}

// TestTemplatesEnd evaluates all templates of the corpus, each alone.
func TestTemplatesEnd(t *testing.T) {
	root := shared(t, "templates")
	n := 0
	err := filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".json") {
			return err
		}
		in := parseFile(t, p)
		if in.Root.Get("resources") == nil {
			return nil
		}
		n++
		arm.Evaluate([]arm.Input{in}, nil, arm.Options{})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 114 {
		t.Errorf("only %d templates", n)
	}
}
