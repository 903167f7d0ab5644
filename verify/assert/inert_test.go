package assert_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"ipflow/verify/assert"
	"ipflow/verify/assert/asserttest"
)

// TestHostileNamesInText has a line for each thing that is told, and nothing in
// it that drives a terminal or a pipeline.
func TestHostileNamesInText(t *testing.T) {
	results := asserttest.Results()
	var b bytes.Buffer
	if err := assert.WriteText(&b, results, assert.TextOptions{All: true}); err != nil {
		t.Fatal(err)
	}
	checkInert(t, b.String())
	for line := range strings.Lines(b.String()) {
		ours := strings.HasPrefix(line, "         ") || strings.Contains(line, " assertions: ")
		for _, s := range assert.States {
			ours = ours || strings.HasPrefix(line, strings.ToUpper(string(s)))
		}
		if !ours {
			t.Errorf("a line that a name made: %q", line)
		}
	}
	if got, want := strings.Count(b.String(), "(suite "), 7*len(asserttest.Names); got != want {
		t.Errorf("%d results, want %d", got, want)
	}
	// In colour only the words of the states are.
	b.Reset()
	if err := assert.WriteText(&b, results, assert.TextOptions{Color: true}); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Count(b.String(), "\x1b"), 2*6*len(asserttest.Names); got != want {
		t.Errorf("%d escapes, want %d", got, want)
	}
}

// TestHostileNamesInJSON reads back what was written.
func TestHostileNamesInJSON(t *testing.T) {
	report := assert.ReportOf(asserttest.Results())
	var b bytes.Buffer
	if err := report.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	checkInert(t, b.String())
	var back assert.Report
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	for i := range report.Results {
		want, got := &report.Results[i], &back.Results[i]
		if !utf8.ValidString(want.Name) { // JSON has no such bytes
			want.Name = got.Name
		}
		if want.Name != got.Name || got.State != want.State || got.Line != want.Line {
			t.Errorf("%q reads back as %q", want.Name, got.Name)
		}
	}
	if diff := cmp.Diff(report.Summary, back.Summary); diff != "" {
		t.Error(diff)
	}
}

func checkInert(t *testing.T, text string) {
	t.Helper()
	for _, c := range text {
		if c != '\n' && c != ' ' && !unicode.IsPrint(c) {
			t.Fatalf("%U in the output", c)
		}
	}
	if strings.Contains(text, "##") {
		t.Error("a command of a pipeline in the output")
	}
}
