package lint

import (
	"fmt"
	"io"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
)

// WriteText writes the findings for people, grouped by kind; of each kind at
// most limit, 0 means all. Names are made printable.
func (r *Report) WriteText(w io.Writer, limit int) error {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	counts := map[Kind]int{}
	for i := range r.Findings {
		counts[r.Findings[i].Kind]++
	}
	shown, hidden := map[Kind]int{}, 0
	for i := range r.Findings {
		f := &r.Findings[i]
		if shown[f.Kind]++; limit > 0 && shown[f.Kind] > limit {
			hidden++
			continue
		}
		p("%s: %s: %s\n", f.Severity(), f.Kind, diag.Printable(f.Subject()))
		if at := f.Origin(); at.File != "" {
			p("    at   %s\n", diag.Printable(at.String()))
		}
		p("    %s\n", diag.Printable(f.Message))
		for _, o := range f.By[:min(len(f.By), shownRules)] {
			if o.Origin.File != "" {
				p("    by   %s at %s\n", diag.Printable(o.Spelling()), diag.Printable(o.Origin.String()))
			}
		}
		if f.Witness != nil {
			p("    flow %s\n", diag.Printable(f.Witness.String()))
		}
	}
	switch {
	case len(r.Findings) == 0:
		p("no findings\n")
	default:
		var parts []string
		for _, k := range Kinds() {
			if counts[k] > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", counts[k], k))
			}
		}
		p("%s\n", strings.Join(parts, ", "))
		if hidden > 0 {
			p("%d more findings are not shown; --print-all shows them\n", hidden)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WritePlan writes the deletions for people.
func (r *Report) WritePlan(w io.Writer) error {
	var b strings.Builder
	if len(r.Deletions) == 0 {
		b.WriteString("nothing can be deleted\n")
	} else {
		fmt.Fprintf(&b, "Deleting these %d rules, all of them together, changes no verdict:\n", len(r.Deletions))
	}
	for _, d := range r.Deletions {
		fmt.Fprintf(&b, "    %s", diag.Printable(d.ID))
		if d.Origin.File != "" {
			fmt.Fprintf(&b, "  at %s", diag.Printable(d.Origin.String()))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// String writes the flow as a line for people.
func (x *Witness) String() string {
	t := x.Tuple
	local, remote := t.Local.String(), t.Remote.String()
	if t.Protocol.HasPorts() {
		l, r := fmt.Sprint(t.LocalPort), fmt.Sprint(t.RemotePort)
		if t.AnySourcePort && t.Direction == flow.Inbound {
			r = "*"
		} else if t.AnySourcePort {
			l = "*"
		}
		local, remote = endpoint(local, l), endpoint(remote, r)
	}
	at := ""
	if x.NIC != nil {
		at = " at NIC " + x.NIC.Name
	}
	return fmt.Sprintf("%s %s, local %s, remote %s%s", t.Direction, t.Protocol, local, remote, at)
}

func endpoint(address, port string) string {
	if strings.Contains(address, ":") {
		return "[" + address + "]:" + port
	}
	return address + ":" + port
}
