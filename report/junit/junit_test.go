package junit

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	gojunit "github.com/joshdk/go-junit"

	"ipflow/verify/assert"
	"ipflow/verify/assert/asserttest"
)

func written(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, asserttest.Results(), [2]string{"ipflow.version", "<1>\x00"}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestAnotherReaderUnderstands gives hostile results to a JUnit reader that is
// not ours.
func TestAnotherReaderUnderstands(t *testing.T) {
	suites, err := gojunit.Ingest(written(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(suites) != len(asserttest.Names) {
		t.Fatalf("%d suites, want one for each of %d files", len(suites), len(asserttest.Names))
	}
	want := map[assert.State]gojunit.Status{
		assert.Pass: gojunit.StatusPassed, assert.XFail: gojunit.StatusSkipped, assert.Fail: gojunit.StatusFailed, assert.XPass: gojunit.StatusFailed,
		assert.Expired: gojunit.StatusFailed, assert.Unknown: gojunit.StatusError, assert.Error: gojunit.StatusError,
	}
	results := asserttest.Results()
	for i, s := range suites {
		if s.Totals.Tests != 7 || s.Totals.Passed != 1 || s.Totals.Skipped != 1 || s.Totals.Failed != 3 || s.Totals.Error != 2 {
			t.Errorf("suite %d: %+v", i, s.Totals)
		}
		for k, c := range s.Tests {
			r := &results[i*7+k]
			if c.Name != assert.Inert(r.Name.Text) || c.Status != want[r.State] {
				t.Errorf("%q is %s, want %q %s", c.Name, c.Status, r.Name.Text, want[r.State])
			}
			if c.Error != nil && !strings.Contains(c.Error.Error(), "remedy: "+assert.Inert(r.Remedy)) {
				t.Errorf("%q does not hold the remedy", c.Error)
			}
		}
	}
}

// TestInert reads the XML strictly: nothing in it but our elements, and no
// character that drives anything.
func TestInert(t *testing.T) {
	text := written(t)
	d := xml.NewDecoder(bytes.NewReader(text))
	d.Strict = true
	elements := map[string]int{}
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			elements[x.Name.Local]++
		case xml.Comment, xml.Directive:
			t.Errorf("%T in the output", x)
		}
	}
	n := len(asserttest.Names)
	for name, want := range map[string]int{"testsuites": 1, "testsuite": n, "testcase": 7 * n, "failure": 3 * n, "error": 2 * n, "skipped": n, "properties": n, "property": n} {
		if elements[name] != want {
			t.Errorf("%d of %s, want %d", elements[name], name, want)
		}
		delete(elements, name)
	}
	if len(elements) > 0 {
		t.Errorf("elements from names: %v", elements)
	}
	for _, r := range string(text) {
		if r < ' ' && r != '\n' || r == 0x7f || r == 0x9b || r == '\u202e' || r == '\u2028' || r == '\ufffd' {
			t.Fatalf("%U in the output", r)
		}
	}
	for _, bad := range []string{"<script", "]]>", "##vso[", "##["} {
		if bytes.Contains(text, []byte(bad)) {
			t.Errorf("%s in the output", bad)
		}
	}
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("::")) {
			t.Errorf("a line that begins with a command: %s", line)
		}
	}
	if again := written(t); !bytes.Equal(text, again) {
		t.Error("the same results give other bytes")
	}
}

// TestSchema validates with xmllint of libxml2-utils, and sees it refuse what
// is wrong.
func TestSchema(t *testing.T) {
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint (libxml2-utils) is not installed; another reader has checked the results")
	}
	validate := func(text []byte) (string, error) {
		path := filepath.Join(t.TempDir(), "results.xml")
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(xmllint, "--noout", "--nonet", "--schema", filepath.Join("testdata", "junit.xsd"), path).CombinedOutput()
		return string(out), err
	}
	text := written(t)
	if out, err := validate(text); err != nil {
		t.Errorf("%v: %.2000s", err, out)
	}
	for _, change := range [][2]string{{" classname=", " class="}, {"<failure ", "<wrong "}, {` tests="7"`, ` tests="-7"`}} {
		wrong := strings.ReplaceAll(strings.ReplaceAll(string(text), change[0], change[1]), "</"+strings.Trim(change[0], "< ")+">", "</"+strings.Trim(change[1], "< ")+">")
		if _, err := validate([]byte(wrong)); err == nil {
			t.Errorf("the schema accepts %q", change[1])
		}
	}
}
