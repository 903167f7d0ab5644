package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v4"
)

// TestDocs runs the commands of documents. Commands beside those of testscript:
//
//	console FILE   run each line `$ …` of its console blocks; what follows is what it prints
//	steps FILE N   run the N scripts of its pipelines
//	copy A B       copy a directory
func TestDocs(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "docs"),
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Join(env.WorkDir, "bin")+string(os.PathListSeparator)+env.Getenv("PATH"))
			return os.CopyFS(filepath.Join(env.WorkDir, "docs"), os.DirFS(filepath.Join("..", "..", "docs")))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"console": console,
			"steps":   pipelineSteps,
			"copy":    copyTree,
		},
	})
}

var fenced = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// blocks returns the fenced blocks of one kind.
func blocks(ts *testscript.TestScript, path, kind string) (out []string) {
	for _, m := range fenced.FindAllStringSubmatch(ts.ReadFile(path), -1) {
		if m[1] == kind {
			out = append(out, m[2])
		}
	}
	if len(out) == 0 {
		ts.Fatalf("%s has no %s block", path, kind)
	}
	return out
}

func console(ts *testscript.TestScript, neg bool, args []string) {
	scriptUsage(ts, neg, args, 1, "console FILE")
	for _, b := range blocks(ts, args[0], "console") {
		for _, part := range strings.Split("\n"+b, "\n$ ")[1:] {
			command, want, _ := strings.Cut(strings.TrimSuffix(part, "\n"), "\n")
			ts.Exec("bash", "-c", command) // what it prints counts, not how it ends
			if got := strings.TrimSuffix(ts.ReadFile("stdout"), "\n"); got != want {
				ts.Fatalf("%s: $ %s\nprints\n%s\nand is said to print\n%s", args[0], command, got, want)
			}
		}
	}
}

func pipelineSteps(ts *testscript.TestScript, neg bool, args []string) {
	scriptUsage(ts, neg, args, 2, "steps FILE N")
	var scripts []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range []string{"run", "script"} {
				if s, ok := v[key].(string); ok {
					scripts = append(scripts, s)
				}
			}
			for _, key := range []string{"jobs", "ipflow", "steps"} {
				walk(v[key])
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	for _, b := range blocks(ts, args[0], "yaml") {
		var v any
		ts.Check(yaml.Unmarshal([]byte(b), &v))
		walk(v)
	}
	if want, err := strconv.Atoi(args[1]); err != nil || len(scripts) != want {
		ts.Fatalf("%s has %d scripts, want %s", args[0], len(scripts), args[1])
	}
	for _, s := range scripts {
		if err := ts.Exec("bash", "-e", "-c", s); err != nil {
			ts.Fatalf("%v: %s", err, s)
		}
	}
}

func copyTree(ts *testscript.TestScript, neg bool, args []string) {
	scriptUsage(ts, neg, args, 2, "copy A B")
	ts.Check(os.CopyFS(ts.MkAbs(args[1]), os.DirFS(ts.MkAbs(args[0]))))
}
