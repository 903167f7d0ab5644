package annotation

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"ipflow/verify/assert"
	"ipflow/verify/assert/asserttest"
)

// A command as the runners read it.
var commands = map[string]*regexp.Regexp{
	"github": regexp.MustCompile(`^::(error|notice) file=([^,:]*),line=([0-9]+),col=([0-9]+),title=([^,:]*)::(.*)$`),
	"azure":  regexp.MustCompile(`^##vso\[task\.logissue type=error;sourcepath=([^;\]]*);linenumber=([0-9]+);columnnumber=([0-9]+);code=([a-z]+)\]([^;\]]*)$`),
}

var unescape = map[string]*strings.Replacer{
	"github": strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ","),
	"azure":  strings.NewReplacer("%AZP25", "%", "%0D", "\r", "%0A", "\n", "%3B", ";", "%5D", "]"),
}

// TestCommands reads hostile results as a runner does: one command for each, and
// nothing but what was meant in it.
func TestCommands(t *testing.T) {
	results := asserttest.Results()
	for kind, command := range commands {
		var b bytes.Buffer
		if err := Write(&b, kind, results); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		i := 0
		for k := range results {
			r := &results[k]
			if r.State == assert.Pass || kind == "azure" && r.State == assert.XFail {
				continue
			}
			line := lines[i]
			i++
			m := command.FindStringSubmatch(line)
			if m == nil {
				t.Errorf("%s: no command: %q", kind, line)
				continue
			}
			for n := range m {
				m[n] = unescape[kind].Replace(m[n])
			}
			file, said := m[1], m[len(m)-1]
			if kind == "github" {
				file = m[2]
			}
			if file != assert.Inert(r.At.File) || !strings.Contains(said, "found "+assert.Inert(r.Message)) || strings.Contains(line[2:], "##") {
				t.Errorf("%s: %q for %q", kind, line, r.Name.Text)
			}
			for _, c := range line {
				if c < ' ' || c == 0x7f || c == '\u202e' {
					t.Errorf("%s: %U in %q", kind, c, line)
				}
			}
			if kind == "github" && (m[1] == "notice") != (r.State == assert.XFail) {
				t.Errorf("%s for %s", m[1], r.State)
			}
		}
		if i != len(lines) {
			t.Errorf("%s: %d lines, want %d", kind, len(lines), i)
		}
	}
}
