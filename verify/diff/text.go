package diff

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// WriteText writes the report for people. Names are made printable.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	for i := range r.Changes {
		c := &r.Changes[i]
		p("%s: %s at %s\n", c.title(), c.Direction, diag.Printable(nicNames(c.NICs)))
		p("    before  %s\n    after   %s\n", diag.Printable(c.Before.text()), diag.Printable(c.After.text()))
		for j := range c.Boxes[:min(len(c.Boxes), shownBoxes)] {
			p("    flows   %s\n", flowsText(&c.Boxes[j], c.Direction))
		}
		if n := len(c.Boxes) - shownBoxes; n > 0 {
			p("            and %d more boxes; -o json has all\n", n)
		}
		p("    witness %s\n", diag.Printable(c.witnessText()))
	}
	for _, side := range []struct {
		word string
		nics []*network.NIC
	}{{"only before", r.OnlyOld}, {"only after", r.OnlyNew}} {
		for _, n := range side.nics {
			p("%s: %s\n", side.word, diag.Printable(n.ID))
		}
	}
	p("%s\n", diag.Printable(r.Summary()))
	_, err := io.WriteString(w, b.String())
	return err
}

// Summary tells the report in a sentence.
func (r *Report) Summary() string {
	text := fmt.Sprintf("%s at %d of %s", count(len(r.Changes), "change"), r.changed(), count(r.Compared, "NIC"))
	if len(r.Changes) == 0 {
		text = "no verdict changed at " + count(r.Compared, "NIC")
	}
	if n := r.exposures(); n > 0 {
		text += fmt.Sprintf(", %d of them new exposure to the Internet", n)
	}
	if n := len(r.Undecided); n > 0 {
		text += fmt.Sprintf("; at %s flows are Unknown before and after, and may have changed (%s)", count(n, "NIC"), few(r.Facts))
	}
	if n := len(r.Unplaced); n > 0 {
		text += fmt.Sprintf("; %s, %s, %s not compared: other rules, but at no NIC of both sides", count(n, "security group"), few(groupNames(r.Unplaced)), be(n))
	}
	if n := len(r.OnlyOld); n > 0 {
		text += "; " + count(n, "NIC") + " only before"
	}
	if n := len(r.OnlyNew); n > 0 {
		text += "; " + count(n, "NIC") + " only after"
	}
	return text
}

func groupNames(list []*network.SecurityGroup) (out []string) {
	for _, g := range list {
		out = append(out, g.Name)
	}
	return out
}

func be(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// few joins the first of some texts.
func few(list []string) string {
	if more := len(list) - shownFacts; more > 0 {
		list = append(slices.Clip(list[:shownFacts]), fmt.Sprintf("%d more", more))
	}
	return strings.Join(list, ", ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (r *Report) changed() int {
	seen := map[*network.NIC]bool{}
	for i := range r.Changes {
		for _, n := range r.Changes[i].NICs {
			seen[n] = true
		}
	}
	return len(seen)
}

func (r *Report) exposures() (n int) {
	for i := range r.Changes {
		if r.Changes[i].Exposes {
			n++
		}
	}
	return n
}

// title says in a few words what the change is.
func (c *Change) title() string {
	before, after := c.Before.Access, c.After.Access
	switch {
	case c.Exposes:
		return "new exposure to the Internet"
	case before == after:
		return "decided by another rule"
	case after == flow.Allow:
		return "newly allowed"
	case after == flow.Unknown:
		return "newly unknown"
	}
	return "newly denied"
}

// text names the answer, its rule and where that stands.
func (d *Decision) text() string {
	out := d.Access.String()
	switch {
	case d.Rule != nil:
		out += ", " + d.Rule.Spelling()
		if at := d.Rule.Origin; at.File != "" {
			out += " (" + at.String() + ")"
		}
	case d.Reason != "":
		out += ", " + d.Reason
	default:
		out += ", no rule"
	}
	return out
}

func nicNames(list []*network.NIC) string {
	names := make([]string, 0, len(list))
	for _, n := range list[:min(len(list), shownNICs)] {
		names = append(names, n.Name)
	}
	if n := len(list) - shownNICs; n > 0 {
		names = append(names, fmt.Sprintf("%d more", n))
	}
	return strings.Join(names, ", ")
}

func idsOf(list []*network.NIC) []string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = n.ID
	}
	return out
}
