package ingest

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipflow/ingest/network"
)

// sharedData returns the folder of public exports, or skips.
func sharedData(t *testing.T, elem ...string) string {
	t.Helper()
	root := os.Getenv("IPFLOW_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	path := filepath.Join(append([]string{root, "data"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no shared data: %v (set IPFLOW_SHARED)", err)
	}
	return path
}

// TestExportsAreUnderstood reads every folder of public exports and finds each
// security rule of the JSON in the model, resolved, or named by a diagnostic.
func TestExportsAreUnderstood(t *testing.T) {
	root := sharedData(t, "exports")
	var folders []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".json") {
			if dir := filepath.Dir(path); len(folders) == 0 || folders[len(folders)-1] != dir {
				folders = append(folders, dir)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) < 8 {
		t.Fatalf("only %d folders below %s", len(folders), root)
	}
	for _, dir := range folders {
		name, err := filepath.Rel(root, dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			s, err := Load(context.Background(), Options{Paths: []string{dir}})
			if err != nil {
				t.Fatal(err)
			}
			rules := map[string]*network.Rule{}
			for _, g := range s.Network.SecurityGroups {
				for _, r := range g.Rules {
					rules[network.Key(r.ID)] = r
				}
			}
			ids := ruleIDs(t, dir)
			for id, name := range ids {
				r := rules[network.Key(id)]
				switch {
				case r == nil:
					t.Errorf("rule %s is not in the model", id)
				case len(r.Facts) > 0 && !mentions(s, r):
					t.Errorf("rule %s is uncertain (%v) and no diagnostic says why", id, r.Facts)
				case r.Name != name:
					t.Errorf("rule %s is called %q", id, r.Name)
				}
			}
			t.Logf("%d rules, %d NICs, %d groups, %d diagnostics", len(ids), len(s.Network.NICs), len(s.Network.SecurityGroups), len(s.Diagnostics))
		})
	}
}

func mentions(s *Snapshot, r *network.Rule) bool {
	for _, d := range s.Diagnostics {
		if d.Origin.File == r.Origin.File && strings.HasPrefix(d.Origin.Pointer, r.Origin.Pointer) {
			return true
		}
	}
	return false
}

// ruleIDs finds every security rule of the JSON files with a plain decoder.
func ruleIDs(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		walkRules(v, out)
	}
	return out
}

func walkRules(v any, out map[string]string) {
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			walkRules(e, out)
		}
	case map[string]any:
		id, _ := x["id"].(string)
		if i := strings.LastIndex(strings.ToLower(id), "securityrules/"); i > 0 && x["name"] != nil {
			out[id], _ = x["name"].(string)
		}
		for _, e := range x {
			walkRules(e, out)
		}
	}
}
