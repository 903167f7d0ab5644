package suite

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
)

// Write writes assertions as a YAML suite that Parse reads back, with comment
// lines above.
func Write(w io.Writer, comments []string, assertions []*Assertion) error {
	out := bufio.NewWriter(w)
	for _, c := range comments {
		fmt.Fprintf(out, "# %s\n", diag.Printable(c))
	}
	fmt.Fprintln(out, "assertions:")
	for _, a := range assertions {
		writer{out}.assertion(a)
	}
	return out.Flush()
}

type writer struct{ out *bufio.Writer }

func (w writer) assertion(a *Assertion) {
	fmt.Fprintf(w.out, "  - name: %s\n", scalar(a.Name.Text))
	put := func(key, value string) {
		if value != "" {
			fmt.Fprintf(w.out, "    %s: %s\n", key, value)
		}
	}
	for _, kv := range a.pairs() {
		put(kv[0], kv[1])
	}
	if a.Direction != 0 {
		put("direction", a.Direction.String())
	}
	if a.Expect != flow.Unknown {
		put("expect", strings.ToLower(a.Expect.String()))
	}
	put("by", words(a.By))
	if len(a.Only) > 0 {
		fmt.Fprintln(w.out, "    only:")
	}
	for i := range a.Only {
		e := &a.Only[i]
		if e.Far.Text != "" {
			fmt.Fprintf(w.out, "      - %s\n", scalar(e.Far.Text))
			continue
		}
		var parts []string
		for _, kv := range e.pairs() {
			if kv[1] != "" {
				parts = append(parts, kv[0]+": "+kv[1])
			}
		}
		fmt.Fprintf(w.out, "      - {%s}\n", strings.Join(parts, ", "))
	}
	if a.Owner != "" {
		put("owner", scalar(a.Owner))
	}
	if !a.Expires.IsZero() {
		put("expires", a.Expires.Format(time.DateOnly))
	}
	switch {
	case a.XFail && a.Reason != "":
		put("xfail", scalar(a.Reason))
	case a.XFail:
		put("xfail", "true")
	}
}

// pairs are the keys of a selection with their values, "" for none.
func (s *Selection) pairs() [][2]string {
	var protocols, ports []string
	for _, p := range s.Protocols {
		switch {
		case p.First == p.Last:
			protocols = append(protocols, p.First.String())
		default:
			protocols = append(protocols, fmt.Sprintf("%d-%d", p.First, p.Last))
		}
	}
	for _, p := range s.Ports {
		if p.First == p.Last {
			ports = append(ports, strconv.Itoa(int(p.First)))
		} else {
			ports = append(ports, fmt.Sprintf("%d-%d", p.First, p.Last))
		}
	}
	return [][2]string{{"from", words(s.From)}, {"to", words(s.To)}, {"protocol", listed(protocols)}, {"ports", listed(ports)}}
}

func words(list []Word) string {
	var out []string
	for _, w := range list {
		out = append(out, scalar(w.Text))
	}
	return listed(out)
}

func listed(list []string) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return list[0]
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// plainScalar are texts that YAML reads as themselves in every place: a letter,
// then what no indicator is; words that mean something else are not among them.
var (
	plainScalar = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._/ ()+-]*[A-Za-z0-9)]$|^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+(/[0-9]+)?$`)
	otherWord   = regexp.MustCompile(`^(?i:null|true|false|yes|no|on|off|y|n)$`)
)

// scalar writes a text, in double quotes where it must be.
func scalar(s string) string {
	if plainScalar.MatchString(s) && !otherWord.MatchString(s) {
		return s
	}
	text, err := json.Marshal(strings.ToValidUTF8(s, "\ufffd"))
	if err != nil {
		panic("suite: a text as JSON: " + err.Error())
	}
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case r <= '~' || unicode.IsPrint(r) && r != unicode.ReplacementChar:
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}
