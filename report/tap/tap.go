package tap

import (
	"fmt"
	"io"
	"strings"

	"ipflow/verify/assert"
)

// Write writes results.
func Write(w io.Writer, results []assert.Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "TAP version 13\n1..%d\n", len(results))
	for i := range results {
		r := &results[i]
		word := "not ok"
		if r.State == assert.Pass {
			word = "ok"
		}
		fmt.Fprintf(&b, "%s %d - %s", word, i+1, description(r.Name.Text))
		if r.State == assert.XFail {
			b.WriteString(" # TODO " + description(r.Reason))
		}
		b.WriteByte('\n')
		if r.State != assert.Pass {
			block(&b, r)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// description escapes what ends a description or begins a directive.
func description(s string) string {
	return strings.NewReplacer(`\`, `\\`, "#", `\#`).Replace(assert.Inert(s))
}

// block writes what helps to mend an assertion, as texts only: some readers know
// little more of YAML.
func block(b *strings.Builder, r *assert.Result) {
	b.WriteString("  ---\n")
	put := func(key, text string) {
		if text != "" {
			fmt.Fprintf(b, "  %s: %s\n", key, quoted(text))
		}
	}
	put("state", string(r.State))
	put("at", r.At.String())
	put("expected", r.Expected)
	put("message", r.Message)
	put("flows", strings.Join(r.Flows, "; "))
	put("facts", strings.Join(r.Facts, ", "))
	put("notes", strings.Join(r.Notes, "; "))
	put("remedy", r.Remedy)
	put("owner", r.Owner)
	b.WriteString("  ...\n")
}

// quoted writes a YAML text in double quotes. It holds printable characters
// only, so that no escapes are needed but these two.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(assert.Inert(s)) + `"`
}
