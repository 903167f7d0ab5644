package annotation

import (
	"fmt"
	"io"
	"strings"

	"ipflow/verify/assert"
)

// Kinds are the pipelines that Write knows.
var Kinds = []string{"github", "azure"}

// Write writes a line for each result that is not a pass; kind is one of Kinds.
func Write(w io.Writer, kind string, results []assert.Result) error {
	var b strings.Builder
	for i := range results {
		if r := &results[i]; r.State != assert.Pass {
			switch kind {
			case "github":
				github(&b, r)
			case "azure":
				azure(&b, r)
			default:
				panic("annotation: kind " + kind)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// message is what an annotation says.
func message(r *assert.Result) string {
	parts := []string{"expected " + r.Expected, "found " + r.Message}
	if r.State == assert.XFail && r.Reason != "" {
		parts = append(parts, "expected to fail: "+r.Reason)
	}
	if r.Remedy != "" && r.State != assert.XFail {
		parts = append(parts, "remedy: "+r.Remedy)
	}
	for i := range parts {
		parts[i] = assert.Inert(parts[i])
	}
	return strings.Join(parts, "\n")
}

// github writes a workflow command. Data escapes %, CR and LF, properties also
// : and the comma (actions/toolkit, command.ts).
func github(b *strings.Builder, r *assert.Result) {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	command := "error"
	if r.State == assert.XFail {
		command = "notice"
	}
	fmt.Fprintf(b, "::%s file=%s,line=%d,col=%d,title=%s::%s\n", command,
		property.Replace(assert.Inert(r.At.File)), r.At.Line, r.At.Column,
		property.Replace(assert.Inert(string(r.State)+": "+r.Name.Text)), data.Replace(message(r)))
}

// azure writes a logging command, whose properties escape ; and ] too. There are
// no notices: an expected failure is not told.
func azure(b *strings.Builder, r *assert.Result) {
	if r.State == assert.XFail {
		return
	}
	escape := strings.NewReplacer("%", "%AZP25", "\r", "%0D", "\n", "%0A", ";", "%3B", "]", "%5D")
	fmt.Fprintf(b, "##vso[task.logissue type=error;sourcepath=%s;linenumber=%d;columnnumber=%d;code=%s]%s\n",
		escape.Replace(assert.Inert(r.At.File)), r.At.Line, r.At.Column, r.State,
		escape.Replace(assert.Inert(r.Name.Text)+"\n"+message(r)))
}
