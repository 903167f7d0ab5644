package house

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// soundTree is a small tree without a fault.
var soundTree = map[string]string{
	"go.mod":                  "module ipflow\n\nrequire (\n\tgolang.org/x/text v0.1.0\n\tgolang.org/x/sys v0.1.0 // indirect\n)\n",
	"docs/dependencies.md":    "| `golang.org/x/text` | UTF-16 | ingest/jsontree |\n",
	"ingest/diag/doc.go":      "// Package diag holds faults.\n//\n// Imports: standard library only.\npackage diag\n",
	"ingest/flow/doc.go":      "// Package flow holds words.\n//\n// Imports: standard library only.\npackage flow\n",
	"ingest/jsontree/doc.go":  "// Package jsontree reads.\n//\n// Imports: ingest/diag, x/text.\npackage jsontree\n",
	"ingest/jsontree/read.go": "package jsontree\n\nimport (\n\t_ \"golang.org/x/text/encoding/unicode\"\n\t_ \"ipflow/ingest/diag\"\n)\n",
	"ingest/network/doc.go":   "// Package network is the model.\n//\n// Imports: ingest/diag, ingest/flow.\npackage network\n",
	"ingest/network/model.go": "package network\n\nimport _ \"ipflow/ingest/flow\"\n",
	"index/doc.go":            "// Package index compiles.\n//\n// Imports: ingest/network.\npackage index\n",
	"index/index.go":          "package index\n\nimport _ \"ipflow/ingest/network\"\n",
	"verify/oracle/doc.go":    "// Package oracle walks.\n//\n// Imports: ingest/network.\npackage oracle\n",
	"verify/oracle/walk.go":   "package oracle\n\nimport _ \"ipflow/ingest/network\"\n",
}

func TestChecksSeeViolations(t *testing.T) {
	const head = "package index\n\nimport _ "
	tests := []struct {
		name, check string
		path, body  string // what is added to the sound tree
		want        string // part of a violation
	}{
		{"right-room", "rooms", "index/more.go", head + "\"ipflow/verify/oracle\"\n", "imports verify/oracle"},
		{"right-room-in-test", "rooms", "index/more_test.go", head + "\"ipflow/verify/oracle\"\n", "index/more_test.go: imports verify/oracle"},
		{"benchmarks-imported", "rooms", "index/more.go", head + "\"ipflow/benchmarks/corpus\"\n", "imports benchmarks/corpus"},
		{"no-room", "rooms", "pkg/x/doc.go", "package x\n", "stands in no room"},
		{"not-in-table", "imports", "ingest/diag/more.go", "package diag\n\nimport _ \"ipflow/ingest/flow\"\n", "ingest/diag: may not import ingest/flow"},
		{"no-row", "imports", "verify/guess/doc.go", "package guess\n", "verify/guess: no row"},
		{"oracle-index", "reach", "verify/oracle/more.go", "package oracle\n\nimport _ \"ipflow/index/interval\"\n", "verify/oracle > index/interval"},
		{"oracle-index-by-way", "reach", "ingest/flow/more.go", "package flow\n\nimport _ \"ipflow/index\"\n", "ingest/network > ingest/flow > index"},
		{"model-parser", "reach", "ingest/network/more.go", "package network\n\nimport _ \"ipflow/ingest/jsontree\"\n", "never pulls in a parser"},
		{"test-support", "test-support", "ingest/flow/more.go", "package flow\n\nimport _ \"testing\"\n", "ingest/network: imports ingest/flow, which imports testing"},
		{"foreign-home", "homes", "index/more.go", head + "\"golang.org/x/text/width\"\n", "whose home is ingest/jsontree"},
		{"no-home", "homes", "index/more.go", head + "\"example.com/left/pad\"\n", "has no home"},
		{"test-module", "homes", "index/more.go", head + "\"github.com/google/go-cmp/cmp\"\n", "is for tests"},
		{"second-comment", "docs", "index/more.go", "// Package index, once more.\npackage index\n", "index/more.go: a second package comment"},
		{"no-doc", "docs", "index/route/table.go", "package route\n", "index/route: no doc.go"},
		{"empty-doc", "docs", "index/doc.go", "package index\n", "index/doc.go: no package comment"},
		{"no-imports-line", "docs", "index/doc.go", "// Package index compiles.\npackage index\n", "no line that begins with Imports:"},
		{"untrue-imports-line", "docs", "index/doc.go", "// Package index compiles.\n//\n// Imports: ingest/networking.\npackage index\n", "does not name ingest/network"},
		{"empty-package-name", "names", "index/util/doc.go", "package util\n", "index/util: a package named util"},
		{"empty-file-name", "names", "index/helpers_test.go", "package index\n", "a file named helpers"},
		{"long-file", "sizes", "index/more.go", "package index\n" + strings.Repeat("\n", maxLines), "index/more.go: 501 lines"},
		{"long-test", "sizes", "index/more_test.go", "package index\n" + strings.Repeat("\n", maxTestLines), "index/more_test.go: 701 lines"},
		{"undocumented-module", "dependencies", "go.mod", "module ipflow\n\nrequire github.com/spf13/pflag v1.0.0\n", "no line for github.com/spf13/pflag"},
		{"gone-module", "dependencies", "go.mod", "module ipflow\n", "golang.org/x/text is no direct module"},
		{"home-not-named", "dependencies", "docs/dependencies.md", "| `golang.org/x/text` | UTF-16 | somewhere |\n", "does not name ingest/jsontree"},
		{"machine-path", "mentions", "docs/x.md", "one\nsee /wor" + "k/main\n", "docs/x.md:2: mentions"},
		{"registry", "mentions", ".ci/run", "GOPROXY=https://proxy.gola" + "ng.org\n", ".ci/run:1: mentions"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := run(t, test.check, map[string]string{test.path: test.body})
			if !strings.Contains(strings.Join(got, "\n"), test.want) {
				t.Errorf("check %s found %q, want something with %q", test.check, got, test.want)
			}
		})
	}
	for _, c := range checks {
		t.Run("sound/"+c.name, func(t *testing.T) {
			if got := run(t, c.name, nil); len(got) > 0 {
				t.Errorf("check %s found %q in a sound tree", c.name, got)
			}
		})
	}
}

// run writes the sound tree with the additions and runs one check on it.
func run(t *testing.T, check string, add map[string]string) []string {
	t.Helper()
	root := t.TempDir()
	for _, files := range []map[string]string{soundTree, add} {
		for name, body := range files {
			p := filepath.Join(root, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	tree, err := readTree(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		if c.name == check {
			return c.run(tree)
		}
	}
	t.Fatalf("no check is called %q", check)
	return nil
}
