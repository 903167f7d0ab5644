package tap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"ipflow/verify/assert"
	"ipflow/verify/assert/asserttest"
)

func written(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, asserttest.Results()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The lines of version 13: a test point has a number, a description and at most
// one directive behind a # that no backslash escapes.
var (
	point = regexp.MustCompile(`^(not )?ok ([0-9]+) - ((?:[^#\\]|\\.)*?)(?: # (TODO) ((?:[^#\\]|\\.)*))?$`)
	plain = regexp.MustCompile(`\\(.)`)
)

// TestLines reads the results by the grammar of the specification, and the
// blocks as YAML.
func TestLines(t *testing.T) {
	results := asserttest.Results()
	lines := strings.Split(strings.TrimSuffix(written(t), "\n"), "\n")
	if lines[0] != "TAP version 13" || lines[1] != fmt.Sprintf("1..%d", len(results)) {
		t.Fatalf("%q", lines[:2])
	}
	lines = lines[2:]
	for i := range results {
		r := &results[i]
		m := point.FindStringSubmatch(lines[0])
		if m == nil {
			t.Fatalf("not a test point: %q", lines[0])
		}
		if m[2] != fmt.Sprint(i+1) || plain.ReplaceAllString(m[3], "$1") != assert.Inert(r.Name.Text) || (m[1] == "") != (r.State == assert.Pass) || (m[4] == "TODO") != (r.State == assert.XFail) {
			t.Errorf("%q for %s of %q", lines[0], r.State, r.Name.Text)
		}
		if lines = lines[1:]; r.State == assert.Pass {
			continue
		}
		var block []string
		for lines[0] != "  ..." {
			block = append(block, strings.TrimPrefix(lines[0], "  "))
			lines = lines[1:]
		}
		lines = lines[1:]
		var got map[string]string
		if err := yaml.Unmarshal([]byte(strings.Join(block, "\n")), &got); err != nil {
			t.Fatalf("%v\n%s", err, strings.Join(block, "\n"))
		}
		if got["state"] != string(r.State) || got["remedy"] != assert.Inert(r.Remedy) || got["at"] != assert.Inert(r.At.String()) || len(got) != 9 {
			t.Errorf("%q", got)
		}
	}
	if len(lines) > 0 {
		t.Errorf("%q is left", lines)
	}
}

func TestInert(t *testing.T) {
	text := written(t)
	for _, r := range text {
		if r < ' ' && r != '\n' || r == 0x7f || r == 0x9b || r == '\u202e' || r == '\u2028' || r == '\ufffd' {
			t.Fatalf("%U in the output", r)
		}
	}
	if strings.Contains(text, "##") || strings.Contains(text, "\n::") {
		t.Error("a command of a pipeline in the output")
	}
}

// seen is a test point as another reader tells it.
type seen struct {
	ID   int    `json:"id"`
	OK   bool   `json:"ok"`
	Name string `json:"name"`
	Todo bool   `json:"todo"`
}

// perlParser prints what TAP::Parser, which comes with Perl, makes of a stream.
const perlParser = `
use strict; use warnings; use TAP::Parser; use JSON::PP;
binmode STDIN, ':utf8'; my $text = do { local $/; <STDIN> };
my $p = TAP::Parser->new({ tap => $text });
my @out;
while (my $r = $p->next) {
	if ($r->is_test) { my $d = $r->description; $d =~ s/^- //; push @out, { id => $r->number + 0, ok => ($r->is_actual_ok ? JSON::PP::true : JSON::PP::false), name => $d, todo => ($r->has_todo ? JSON::PP::true : JSON::PP::false) }; }
	elsif ($r->is_unknown) { die "unknown line: " . $r->as_string . "\n"; }
}
die join("\n", $p->parse_errors) . "\n" if $p->parse_errors;
print JSON::PP->new->utf8->encode(\@out);
`

// TestAnotherReaderUnderstands gives hostile results to readers of TAP that are
// not ours: TAP::Parser of Perl, and tap-parser of npm where it is installed.
func TestAnotherReaderUnderstands(t *testing.T) {
	for _, reader := range []struct {
		name, needs string
		args        []string
		decode      func([]byte) ([]seen, error)
	}{
		{"perl", "perl with TAP::Parser", []string{"perl", "-MTAP::Parser", "-MJSON::PP", "-e", perlParser}, func(out []byte) (list []seen, err error) {
			err = json.Unmarshal(out, &list)
			return list, err
		}},
		{"npm", "tap-parser ('npm install --global tap-parser')", []string{"tap-parser", "-j", "0"}, decodeEvents},
	} {
		t.Run(reader.name, func(t *testing.T) {
			path, err := exec.LookPath(reader.args[0])
			if err != nil || reader.name == "perl" && exec.Command(path, "-MTAP::Parser", "-MJSON::PP", "-e", "1").Run() != nil {
				t.Skipf("%s is not installed", reader.needs)
			}
			cmd := exec.Command(path, reader.args[1:]...)
			cmd.Stdin = strings.NewReader(written(t))
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			// tap-parser's exit code tells of the failures in the stream.
			if err := cmd.Run(); err != nil && reader.name == "perl" {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			list, err := reader.decode(stdout.Bytes())
			if err != nil {
				t.Fatalf("%v: %.1000s", err, stdout.String())
			}
			results := asserttest.Results()
			if len(list) != len(results) {
				t.Fatalf("%d test points, want %d", len(list), len(results))
			}
			for i, s := range list {
				r := &results[i]
				name := plain.ReplaceAllString(s.Name, "$1")
				if want := assert.Inert(r.Name.Text); s.ID != i+1 || s.OK != (r.State == assert.Pass) || s.Todo != (r.State == assert.XFail) || name != want && s.Name != want && s.Name != strings.TrimSpace(want) {
					t.Errorf("%+v for %s of %q", s, r.State, want)
				}
			}
		})
	}
}

// decodeEvents reads the events of tap-parser -j: ["assert", {…}] and others.
func decodeEvents(out []byte) (list []seen, err error) {
	var events [][]json.RawMessage
	if err := json.Unmarshal(out, &events); err != nil {
		return nil, err
	}
	for _, e := range events {
		var kind string
		if err := json.Unmarshal(e[0], &kind); err != nil {
			return nil, err
		}
		switch kind {
		case "extra":
			return nil, fmt.Errorf("a line that is no TAP: %s", e[1])
		case "assert":
			var point struct {
				ID   int             `json:"id"`
				OK   bool            `json:"ok"`
				Name string          `json:"name"`
				Todo json.RawMessage `json:"todo"`
			}
			if err := json.Unmarshal(e[1], &point); err != nil {
				return nil, err
			}
			list = append(list, seen{point.ID, point.OK, point.Name, len(point.Todo) > 0 && string(point.Todo) != "false"})
		}
	}
	return list, nil
}
