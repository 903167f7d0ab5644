package explain

import (
	"fmt"
	"io"
	"net"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// Write renders the explanation and the notes as text, names inert.
func (e *Explanation) Write(w io.Writer, notes []string) error {
	p := printer{}
	e.head(&p)
	if e.Exempt != "" {
		p.line("")
		p.line("exempt from admin rules: %s", e.Exempt)
	}
	for i := range e.Layers {
		l := &e.Layers[i]
		l.write(&p, i+1)
		writeRules(&p, "undecidable", l.Undecided)
		writeRules(&p, "did not match", e.near(l))
	}
	if len(e.Layers) == 0 {
		p.line("")
		p.line("no network security group and no admin rule is on the way")
	}
	p.list("blocked by", e.Blockers)
	p.list("computed from", e.Sources())
	p.list("notes", notes)
	_, err := io.WriteString(w, p.b.String())
	return err
}

// printer makes every line inert, whatever names it holds.
type printer struct{ b strings.Builder }

func (p *printer) line(format string, args ...any) {
	p.b.WriteString(diag.Printable(fmt.Sprintf(format, args...)))
	p.b.WriteByte('\n')
}

func (p *printer) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	p.line("")
	p.line("%s", title)
	for _, s := range items {
		p.line("  %s", s)
	}
}

func (e *Explanation) head(p *printer) {
	answer := e.Verdict.Access.String()
	if e.Rule != "" {
		answer += " by " + e.Rule
	}
	p.line("%s", answer)
	if e.Verdict.Reason != "" {
		p.line("reason: %s", e.Verdict.Reason)
	}
	p.line("")
	t := &e.Tuple
	source, destination := t.Ports()
	local, remote := destination, source
	if t.Direction == flow.Outbound {
		local, remote = remote, local
	}
	p.line("%-9s %s %s", "packet", t.Direction, t.Protocol)
	p.line("%-9s %s", "remote", endpoint(t, t.Remote, remote, t.Direction == flow.Inbound))
	p.line("%-9s %s", "local", endpoint(t, t.Local, local, t.Direction == flow.Outbound))
	for _, row := range [...][2]string{
		{"NIC", e.Path.NIC}, {"VM", e.Path.VM}, {"subnet", e.Path.Subnet}, {"network", e.Path.VirtualNetwork},
	} {
		if row[1] == "" {
			row[1] = "not known"
			if row[0] == "VM" {
				row[1] = "none"
			}
		}
		p.line("%-9s %s", row[0], row[1])
	}
}

func endpoint(t *flow.Tuple, a flow.Address, port uint16, source bool) string {
	switch {
	case !t.Protocol.HasPorts():
		return a.String()
	case source && t.AnySourcePort:
		return net.JoinHostPort(a.String(), "*")
	}
	return net.JoinHostPort(a.String(), fmt.Sprint(port))
}

func (l *Layer) write(p *printer, number int) {
	group := l.GroupID
	if group == "" {
		group = "not known"
	}
	p.line("")
	p.line("%d. %s: %s", number, l.Layer, group)
	if l.Layer == flow.SecurityAdmin && l.Source != "" {
		p.line("   rules from %s", l.Source)
	}
	if !l.Reached {
		p.line("   not reached, an earlier layer ends the way")
	}
	switch {
	case l.Missing != "":
		p.line("   Unknown: %s", l.Missing)
	case l.Matched == nil:
		p.line("   no rule matches, the next layer decides")
	case len(l.Undecided) > 0:
		p.line("   %s if none of the undecidable rules matches", l.Matched.text())
	default:
		p.line("   %s", l.Matched.text())
	}
}

func writeRules(p *printer, title string, rules []Rule) {
	if len(rules) == 0 {
		return
	}
	p.line("   %s:", title)
	for i := range rules {
		p.line("     %s: %s", rules[i].text(), strings.Join(rules[i].Why, "; "))
	}
}

// text is ACCESS by NAME, priority N, at FILE:LINE:COLUMN.
func (r *Rule) text() string {
	s := fmt.Sprintf("%s by %s, priority %d", r.Access, r.Name, r.Priority)
	if o := r.Origin.String(); o != "" {
		s += ", " + o
		if r.Kind == network.DefaultRule && r.rule.Group != nil && r.Origin == r.rule.Group.Origin {
			s += " (Azure's own)"
		}
	}
	return s
}
