package house

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestHouse holds the tree to every rule.
func TestHouse(t *testing.T) {
	tree, err := readTree(moduleRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.packages) < 5 {
		t.Fatalf("only %d packages found: the walk is broken", len(tree.packages))
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			for _, violation := range c.run(tree) {
				t.Error(violation)
			}
		})
	}
}

// TestExceptionsAreNeeded keeps longFiles from outliving its files.
func TestExceptionsAreNeeded(t *testing.T) {
	tree, err := readTree(moduleRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range longFiles {
		if e.why == "" {
			t.Errorf("longFiles: %s gives no reason", name)
		}
		long := slices.ContainsFunc(tree.packages, func(p *pkg) bool {
			return slices.ContainsFunc(p.files, func(f goFile) bool { return f.path == name && f.lines > maxLines })
		})
		if !long {
			t.Errorf("longFiles: %s needs no exception", name)
		}
	}
}

// moduleRoot returns the folder of go.mod, above the test's own.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}
