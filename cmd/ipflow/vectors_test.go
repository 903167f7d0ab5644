package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// A vector is a txtar archive: its files are the snapshot, all but these:
//
//	base       names of archives in testdata/vectors/base whose files join the
//	           snapshot; a later file replaces an earlier one of its name
//	ask        questions and answers, see below
//	load       what `inspect` must say, see vectors_load_test.go
//	diagnose   requests and answers of `diagnose`, see vectors_load_test.go
//
// A question is a line of flags for `check`; quotes are single. The lines behind
// it say what must come out:
//
//	=> ACCESS [RULE]     access and ruleName ("-" for none)
//	id ID                ruleId ("" for the empty one)
//	reason TEXT          the whole reason
//	note TEXT            part of some note
//	stderr TEXT          part of what stderr says
//	refused TEXT         exit code 2, with this on stderr
//	column NAME [TEXT]   the result column of `verify`, empty for null
//
// Every question that check answers is asked of `verify` too, through the
// index: access, rule and reason must be the same.
type vector struct {
	name  string
	dir   string // the snapshot, written out
	asked []question
	loads []expectation
	talks []dialogue
}

// expectation is a line that says what must come out.
type expectation struct {
	line       int
	word, text string
}

type question struct {
	line    int
	args    []string
	access  string
	rule    string
	expects []expectation
}

func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/vectors/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) {
			v := readVector(t, f)
			if len(v.asked)+len(v.loads)+len(v.talks) == 0 {
				t.Fatal("asks nothing")
			}
			for _, q := range v.asked {
				v.ask(t, q)
			}
			v.load(t)
			for _, d := range v.talks {
				v.diagnose(t, d)
			}
		})
	}
}

func readVector(t *testing.T, file string) *vector {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	v := &vector{name: file, dir: filepath.Join(t.TempDir(), "snapshot")}
	for _, f := range a.Files {
		switch f.Name {
		case "ask":
			v.asked = parseAsk(t, string(f.Data))
		case "load":
			v.loads = parseLoad(string(f.Data))
		case "diagnose":
			v.talks = parseDialogues(t, string(f.Data))
		case "base":
			for _, base := range strings.Fields(string(f.Data)) {
				b, err := txtar.ParseFile(filepath.Join("testdata", "vectors", "base", base+".txtar"))
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range b.Files {
					v.write(t, f)
				}
			}
		default:
			v.write(t, f)
		}
	}
	return v
}

func (v *vector) write(t *testing.T, f txtar.File) {
	t.Helper()
	path := filepath.Join(v.dir, filepath.FromSlash(f.Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f.Data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func parseAsk(t *testing.T, text string) (out []question) {
	t.Helper()
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "--"):
			out = append(out, question{line: n, args: splitArgs(line)})
		case len(out) == 0:
			t.Fatalf("line %d: answer before any question", n)
		case word == "=>":
			q := &out[len(out)-1]
			q.access, q.rule, _ = strings.Cut(rest, " ")
		default:
			q := &out[len(out)-1]
			q.expects = append(q.expects, expectation{n, word, rest})
		}
	}
	return out
}

// splitArgs splits at spaces outside single quotes.
func splitArgs(line string) (out []string) {
	quoted := false
	for _, f := range strings.FieldsFunc(line, func(r rune) bool {
		if r == '\'' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	}) {
		out = append(out, strings.ReplaceAll(f, "'", ""))
	}
	return out
}

func (v *vector) ask(t *testing.T, q question) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args := append([]string{"check", "-s", v.dir}, q.args...)
	code := run(context.Background(), args, strings.NewReader(""), &stdout, &stderr)
	fail := func(format string, a ...any) {
		t.Helper()
		t.Errorf("line %d: %s\n%s\nstdout %sstderr %s", q.line, strings.Join(q.args, " "), fmt.Sprintf(format, a...), stdout.String(), stderr.String())
	}
	var got checkAnswer
	if code == 0 {
		if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
			fail("not JSON: %v", err)
			return
		}
	}
	want := 0
	for _, e := range q.expects {
		ok := false
		switch e.word {
		case "id":
			ok = got.RuleID == strings.Trim(e.text, `"`)
		case "reason":
			ok = got.Reason == e.text
		case "note":
			ok = strings.Contains(strings.Join(got.Notes, "\n"), e.text)
		case "stderr":
			ok = strings.Contains(stderr.String(), e.text)
		case "refused":
			want = exitUsage
			ok = strings.Contains(stderr.String(), e.text) && stdout.Len() == 0
		case "column":
			ok = q.access != "" // compared by askIndex
		}
		if !ok {
			fail("line %d: want %s %q", e.line, e.word, e.text)
		}
	}
	if code != want {
		fail("exit code %d, want %d", code, want)
	}
	if q.access == "" {
		return
	}
	if q.rule == "-" {
		q.rule = ""
	}
	if got.Access != q.access || got.RuleName != q.rule {
		fail("got %s %q, want %s %q", got.Access, got.RuleName, q.access, q.rule)
	}
	v.askIndex(t, q, got)
}

// askIndex asks `verify` the same and compares.
func (v *vector) askIndex(t *testing.T, q question, want checkAnswer) {
	t.Helper()
	flags := map[string]string{}
	var passed []string
	for i := 0; i < len(q.args); i += 2 {
		name := strings.TrimPrefix(q.args[i], "--")
		switch name {
		case "strict": // verify knows no such flag, and answers the same
			i--
		case "vm", "nic", "direction", "protocol", "local", "remote":
			flags[name] = q.args[i+1]
		default:
			passed = append(passed, q.args[i], q.args[i+1])
		}
	}
	local, err := parseEndpoint("local", flags["local"])
	if err != nil {
		t.Fatal(err)
	}
	remote, err := parseEndpoint("remote", flags["remote"])
	if err != nil {
		t.Fatal(err)
	}
	var in bytes.Buffer
	w := csv.NewWriter(&in)
	w.Write([]string{"nic", "vm", "direction", "protocol", "local_ip", "local_port", "remote_ip", "remote_port"})
	w.Write([]string{flags["nic"], flags["vm"], flags["direction"], flags["protocol"], local.addr.String(), local.port, remote.addr.String(), remote.port})
	w.Flush()
	var stdout, stderr bytes.Buffer
	args := append([]string{"verify", "-s", v.dir, "--flows", "-", "--flows-format", "csv", "-o", "-", "--format", "csv", "--keep", "none", "--no-progress"}, passed...)
	if code := run(context.Background(), args, &in, &stdout, &stderr); code != 0 {
		t.Errorf("line %d: verify exits %d: %s", q.line, code, stderr.String())
		return
	}
	rows, err := csv.NewReader(&stdout).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("line %d: verify wrote %v, %v", q.line, rows, err)
	}
	got := map[string]string{}
	for i, name := range rows[0] {
		got[name] = rows[1][i]
	}
	if got["access"] != want.Access || got["rule"] != want.RuleName || got["reason"] != want.Reason {
		t.Errorf("line %d: %s\nverify says %s %q %q (%s), check %s %q %q", q.line, strings.Join(q.args, " "),
			got["access"], got["rule"], got["reason"], got["error"], want.Access, want.RuleName, want.Reason)
	}
	for _, e := range q.expects {
		if e.word != "column" {
			continue
		}
		name, text, _ := strings.Cut(e.text, " ")
		if cell, ok := got[name]; !ok || cell != text {
			t.Errorf("line %d: %s\ncolumn %s is %q, want %q", e.line, strings.Join(q.args, " "), name, cell, text)
		}
	}
}
