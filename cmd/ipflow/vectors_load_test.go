package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The file `load` of a vector says what `inspect -o json` must say of the
// snapshot, one line each:
//
//	error TEXT         an error whose code or message contains TEXT
//	warning TEXT       a warning, likewise
//	clean              neither errors nor warnings
//	rules N            the number of user rules
//	rule NAME JSON     the rule of that name has the members of JSON
//	kind FILE KIND     the kind the document was recognised as
//	fact N NIC FACT    a missing fact that touches N NICs
func parseLoad(text string) (out []expectation) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		out = append(out, expectation{n, word, rest})
	}
	return out
}

// load inspects the snapshot and compares.
func (v *vector) load(t *testing.T) {
	t.Helper()
	if len(v.loads) == 0 {
		return
	}
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), []string{"inspect", "-s", v.dir, "-o", "json"}, strings.NewReader(""), &stdout, &stderr); code != exitDone {
		t.Fatalf("inspect exits %d: %s", code, stderr.String())
	}
	var got inspectJSON
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, e := range v.loads {
		if !v.loaded(t, e, &got) {
			t.Errorf("load, line %d: want %s %s\ndiagnostics %+v\nrules %+v\ndocuments %+v", e.line, e.word, e.text, got.Diagnostics, got.Rules, got.Documents)
		}
	}
}

func (v *vector) loaded(t *testing.T, e expectation, got *inspectJSON) bool {
	t.Helper()
	switch e.word {
	case "error", "warning":
		for _, d := range got.Diagnostics {
			if d.Severity == e.word && (strings.Contains(d.Message, e.text) || strings.Contains(d.Code, e.text)) {
				return d.File != "" && d.Line > 0 // a fault leads to its place
			}
		}
		return false
	case "clean":
		for _, d := range got.Diagnostics {
			if d.Severity != "info" {
				return false
			}
		}
		return true
	case "rules":
		n := 0
		for _, r := range got.Rules {
			if !strings.Contains(strings.ToLower(r.ID), "/defaultsecurityrules/") {
				n++
			}
		}
		return strconv.Itoa(n) == e.text
	case "rule":
		name, want, _ := strings.Cut(e.text, " ")
		return hasMembers(t, e, got.Rules, name, want)
	case "kind":
		file, kind, _ := strings.Cut(e.text, " ")
		for _, d := range got.Documents {
			if strings.HasSuffix(d.Path, file) {
				return d.Kind == kind
			}
		}
		return false
	case "fact":
		for _, f := range got.Facts {
			if fmt.Sprintf("%d NIC %s", f.NICs, f.Fact) == e.text {
				return true
			}
		}
		return false
	}
	t.Fatalf("load, line %d: no rule for %q", e.line, e.word)
	return false
}

// hasMembers tells whether the one rule of that name has all members of want.
func hasMembers(t *testing.T, e expectation, rules []ruleJSON, name, want string) bool {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(want), &members); err != nil {
		t.Fatalf("load, line %d: %v", e.line, err)
	}
	found := 0
	for _, r := range rules {
		if r.Name != name {
			continue
		}
		found++
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var have map[string]any
		if err := json.Unmarshal(text, &have); err != nil {
			t.Fatal(err)
		}
		for m, w := range members {
			if !cmp.Equal(w, have[m]) {
				return false
			}
		}
	}
	return found == 1
}

// The file `diagnose` of a vector holds blocks that begin with a keyword on a
// line of its own:
//
//	request        and JSON: what `diagnose --request -` is asked
//	answer         and JSON: exactly what it must answer
//
// and single lines that belong to the request above them:
//
//	stderr TEXT    part of what stderr says
//	refused TEXT   exit code 2, with this on stderr
type dialogue struct {
	line            int
	request, answer string
	expects         []expectation
}

func parseDialogues(t *testing.T, text string) (out []dialogue) {
	t.Helper()
	var into *string
	n := 0
	for line := range strings.Lines(text) {
		n++
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "request":
			out = append(out, dialogue{line: n})
			into = &out[len(out)-1].request
		case len(out) == 0:
			t.Fatalf("diagnose, line %d: %s before any request", n, word)
		case word == "answer":
			into = &out[len(out)-1].answer
		case word == "stderr" || word == "refused":
			d := &out[len(out)-1]
			d.expects = append(d.expects, expectation{n, word, rest})
		default:
			*into += line
		}
	}
	return out
}

// diagnose asks one request and compares the decoded answers.
func (v *vector) diagnose(t *testing.T, d dialogue) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args := []string{"diagnose", "-s", v.dir, "--request", "-"}
	code := run(context.Background(), args, strings.NewReader(d.request), &stdout, &stderr)
	want := exitDone
	for _, e := range d.expects {
		if e.word == "refused" {
			want = exitUsage
		}
		if !strings.Contains(stderr.String(), e.text) {
			t.Errorf("diagnose, line %d: want %s %q\nstderr %s", e.line, e.word, e.text, stderr.String())
		}
	}
	if code != want {
		t.Fatalf("diagnose, line %d: exit code %d, want %d: %s", d.line, code, want, stderr.String())
	}
	if want != exitDone {
		return
	}
	var wantJSON, gotJSON any
	if err := json.Unmarshal([]byte(d.answer), &wantJSON); err != nil {
		t.Fatalf("diagnose, line %d: answer: %v", d.line, err)
	}
	if err := json.Unmarshal(stdout.Bytes(), &gotJSON); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantJSON, gotJSON); diff != "" {
		t.Errorf("diagnose, line %d: want (-), got (+):\n%s", d.line, diff)
	}
}
