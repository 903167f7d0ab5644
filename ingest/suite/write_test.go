package suite

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ipflow/ingest/diag"
)

// TestWriteReadsBack writes what was read: it reads back the same, places aside.
func TestWriteReadsBack(t *testing.T) {
	check := func(path, text string) {
		first, faults := Parse(path, []byte(text))
		if len(faults) > 0 {
			t.Fatalf("%s: %v", path, faults)
		}
		var b bytes.Buffer
		if err := Write(&b, []string{"made\nby a test"}, first.Assertions); err != nil {
			t.Fatal(err)
		}
		second, faults := Parse("written.yaml", b.Bytes())
		if len(faults) > 0 {
			t.Fatalf("%s: %v\n%s", path, faults, b.String())
		}
		if diff := cmp.Diff(first, second, cmpopts.IgnoreTypes(diag.Origin{})); diff != "" {
			t.Errorf("%s: %s\n%s", path, diff, b.String())
		}
		for _, r := range b.String() {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s: %U in\n%s", path, r, b.String())
			}
		}
	}
	for path, text := range accepted {
		check(path, text)
	}
	for _, name := range []string{
		"null", "Yes", "y", "1", "1.5", "0x7", "10.0.0.0/8", "::/0", "fd00::1", "*", "a: b", "a #b", "- a", "---", "[a]", "a\nb", " a ", "a ", "\t", "é\u0085\u2028\u202e\x1b\x7f", "漢字", "\U000e0001", "\\n \"", "'", "%0A", "2026-01-01", "asg:web", "x)",
	} {
		quoted := strings.NewReplacer("\n", `\n`, "\t", `\t`, "\x1b", `\u001b`, "\x7f", `\u007f`, `\`, `\\`, `"`, `\"`).Replace(name)
		check("s.json", `{"assertions": [{"name": "`+quoted+`", "from": "`+quoted+`", "only": "`+quoted+`", "owner": "`+quoted+`", "xfail": "`+quoted+`"}]}`)
	}
}
