package assert

import (
	"fmt"
	"io"
	"strings"

	"ipflow/ingest/diag"
)

// TextOptions tune WriteText; the zero value works.
type TextOptions struct {
	All   bool // tells what passed, too
	Color bool
}

// words of the states, of one width, and their colours.
var stateWords = map[State]struct{ word, color string }{
	Pass:    {"PASS   ", "\x1b[32m"},
	Fail:    {"FAIL   ", "\x1b[31m"},
	Unknown: {"UNKNOWN", "\x1b[33m"},
	Error:   {"ERROR  ", "\x1b[31m"},
	XFail:   {"XFAIL  ", "\x1b[36m"},
	XPass:   {"XPASS  ", "\x1b[31m"},
	Expired: {"EXPIRED", "\x1b[31m"},
}

// WriteText writes results for people: first what is not well, explained, then
// the rest, then a summary. Names are made inert.
func WriteText(w io.Writer, list []Result, o TextOptions) error {
	var b strings.Builder
	for i := range list {
		if !list[i].State.OK() {
			list[i].explain(&b, o)
		}
	}
	for i := range list {
		if r := &list[i]; r.State == XFail || r.State.OK() && o.All {
			r.line(&b, o)
		}
	}
	s := Summarize(list)
	var parts []string
	for _, state := range States {
		if n := s.of(state); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	fmt.Fprintf(&b, "%s: %s\n", count(s.Assertions, "assertion"), strings.Join(parts, ", "))
	_, err := io.WriteString(w, b.String())
	return err
}

// line writes a result's first line.
func (r *Result) line(b *strings.Builder, o TextOptions) {
	word := stateWords[r.State]
	if o.Color {
		b.WriteString(word.color + word.word + "\x1b[0m")
	} else {
		b.WriteString(word.word)
	}
	text := "  " + r.Name.Text + "  (" + r.At.String() + ")"
	if r.State == XFail && r.Reason != "" {
		text += ": " + r.Reason
	}
	b.WriteString(Inert(text) + "\n")
}

// explain writes a result with all that helps to mend it.
func (r *Result) explain(b *strings.Builder, o TextOptions) {
	r.line(b, o)
	put := func(key, text string) {
		if text != "" {
			b.WriteString(Inert(fmt.Sprintf("         %-9s %s", key, text)) + "\n")
		}
	}
	put("expected", r.Expected)
	put("found", r.Message)
	for i, f := range r.Flows {
		key := ""
		if i == 0 {
			key = "flows"
		}
		put(key, f)
	}
	if r.More > 0 {
		put("", fmt.Sprintf("and %d more", r.More))
	}
	put("facts", strings.Join(r.Facts, ", "))
	for _, n := range r.Notes {
		put("note", n)
	}
	put("remedy", r.Remedy)
	put("owner", r.Owner)
}

// Inert makes a text harmless on a terminal and in the log of a pipeline: no
// control character, one line, and nothing that Azure Pipelines or GitHub Actions
// take for a command, wherever in a line it stands.
func Inert(s string) string {
	return strings.ReplaceAll(diag.Printable(s), "##", `#\x23`)
}
