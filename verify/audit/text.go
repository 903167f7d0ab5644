package audit

import (
	"fmt"
	"io"
	"strings"
)

// shownFindings is how many findings of a kind the summary tells.
const shownFindings = 3

// shownRows bounds the other lists of the summary.
const shownRows = 12

// lines collects lines whose names are made printable.
type lines struct{ b strings.Builder }

func (l *lines) add(format string, args ...any) {
	l.b.WriteString(Inert(fmt.Sprintf(format, args...)))
	l.b.WriteByte('\n')
}

// WriteText writes a summary for readers; the other forms have everything. Names
// are made printable.
func (r *Report) WriteText(w io.Writer) error {
	var l lines
	s := &r.Snapshot
	l.add("%s, %s with %s, %s; %s, SHA-256 %s", count(s.NICs, "NIC"), count(s.SecurityGroups, "security group"), count(s.SecurityRules, "rule"),
		count(s.VirtualNetworks, "virtual network"), count(len(s.Documents), "document"), short(s.SHA256))
	r.exposureText(&l)
	r.findingText(&l)
	r.controlText(&l)
	r.factText(&l)
	r.dismissalText(&l)
	if len(r.Notes) > 0 {
		l.add("")
	}
	for _, n := range r.Notes {
		l.add("note: %s", n)
	}
	_, err := io.WriteString(w, l.b.String())
	return err
}

func short(hash string) string {
	if len(hash) > 16 {
		return hash[:16] + "…"
	}
	return hash
}

// InternetCounts counts the NICs by the worst of their groups: open, restricted,
// unknown, closed.
func (r *Report) InternetCounts() map[string]int {
	out := map[string]int{}
	for i := range r.NICs {
		out[r.InternetOf(&r.NICs[i])]++
	}
	return out
}

// InternetOf is how far the Internet may reach the NIC: the worst of its groups.
func (r *Report) InternetOf(nic *NIC) string {
	is := "closed"
	for _, g := range nic.Groups {
		is = worseOf(is, r.Groups[g-1].Internet)
	}
	return is
}

func (r *Report) exposureText(l *lines) {
	n := r.InternetCounts()
	l.add("")
	l.add("From the Internet: %d open, %d restricted to some addresses, %d unknown, %d closed (NICs)", n[string(Open)], n[string(Restricted)], n["unknown"], n["closed"])
	shown := 0
	for i := range r.Exposures {
		x := &r.Exposures[i]
		if x.Zones[0] != internet {
			continue
		}
		if shown++; shown > shownRows {
			continue
		}
		how := string(x.Breadth)
		if x.Access != "Allow" {
			how = "unknown"
		}
		l.add("  %-10s %s: %s", how, r.membersText(x.Group, 3), servicesText(x.Services, 6))
		if names := sensitiveNames(x); names != "" {
			l.add("             listed: %s", names)
		}
	}
	if shown > shownRows {
		l.add("  and %d more; --json, --markdown and --parquet have all", shown-shownRows)
	}
}

func (r *Report) membersText(group, most int) string {
	g := &r.Groups[group-1]
	var names []string
	for _, m := range g.Members {
		names = append(names, lastSegment(m.NIC))
	}
	return few(names, most) + " (" + g.Family + ")"
}

func lastSegment(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

func servicesText(list []Service, most int) string {
	var out []string
	for _, s := range list {
		out = append(out, serviceText(s))
	}
	return few(out, most)
}

func serviceText(s Service) string {
	name := s.Protocol
	if name == "*" {
		name = "all protocols"
	}
	if len(s.Ports) == 1 && s.Ports[0] == "0-65535" {
		return name
	}
	return name + " " + few(s.Ports, 8)
}

func sensitiveNames(x *Exposure) string {
	var names []string
	for _, s := range x.Sensitive {
		if s.Category == Management || s.Category == Database {
			names = append(names, s.Name)
		}
	}
	return few(names, 6)
}

func (r *Report) findingText(l *lines) {
	bySeverity, byKind, dismissed := map[Severity]int{}, map[string]int{}, 0
	for i := range r.Findings {
		if r.Findings[i].Dismissed {
			dismissed++
			continue
		}
		bySeverity[r.Findings[i].Severity]++
	}
	var parts []string
	for _, s := range Severities() {
		parts = append(parts, fmt.Sprintf("%d %s", bySeverity[s], s))
	}
	l.add("")
	l.add("Findings: %s; %d dismissed", strings.Join(parts, ", "), dismissed)
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Dismissed {
			continue
		}
		if byKind[f.Kind]++; byKind[f.Kind] > shownFindings || f.Severity == Info {
			continue
		}
		l.add("%s: %s: %s", f.Severity, f.Kind, f.Title)
		if f.File != "" {
			l.add("    at   %s", f.Place)
		}
		l.add("    %s", f.Message)
		if f.Witness != nil {
			l.add("    flow %s", f.Witness)
		}
		l.add("    id   %s", f.ID)
	}
	for _, k := range Kinds() {
		shown := shownFindings
		if k.Severity == Info {
			shown = 0
		}
		if more := byKind[k.ID] - shown; more > 0 {
			l.add("%d more %s", more, k.ID)
		}
	}
}

// String is FILE:LINE:COLUMN.
func (p Place) String() string {
	out := p.File
	if p.Line > 0 {
		out += fmt.Sprintf(":%d", p.Line)
		if p.Column > 0 {
			out += fmt.Sprintf(":%d", p.Column)
		}
	}
	return out
}

// String writes the flow as a line for people.
func (w *Witness) String() string {
	end := func(ip string, port *uint16) string {
		switch {
		case port == nil:
			return ip
		case strings.Contains(ip, ":"):
			return fmt.Sprintf("[%s]:%d", ip, *port)
		}
		return fmt.Sprintf("%s:%d", ip, *port)
	}
	from, to := end(w.RemoteIP, w.RemotePort), end(w.LocalIP, w.LocalPort)
	if w.Direction == "Outbound" {
		from, to = to, from
	}
	return fmt.Sprintf("%s %s %s > %s at %s: %s", w.Direction, w.Protocol, from, to, lastSegment(w.NIC), w.Access)
}

func (r *Report) controlText(l *lines) {
	l.add("")
	l.add("%s", r.Benchmark)
	for i := range r.Controls {
		c := &r.Controls[i]
		l.add("  %-14s %s  %s: %s", c.Status, c.ID, c.Title, c.Reason)
	}
}

func (r *Report) factText(l *lines) {
	if len(r.Facts) == 0 {
		return
	}
	l.add("")
	l.add("Not known (NICs, rules that rest on it)")
	for i := range r.Facts {
		f := &r.Facts[i]
		if i == shownRows {
			l.add("  and %d more", len(r.Facts)-i)
			break
		}
		l.add("  %6d %6d  %s: %s", len(f.NICs), len(f.Rules), f.Fact, f.Remedy)
	}
}

// dismissalText tells the entries of the baseline that do not count.
func (r *Report) dismissalText(l *lines) {
	why := map[string]string{
		Expired: "its last day is over", Incomplete: "it lacks a reason, an owner or an expiry",
		Unmatched: "no finding has this id", Outgrown: "the finding touches NICs that it does not list",
	}
	first := true
	for i := range r.Dismissals {
		d := &r.Dismissals[i]
		if d.State == Applied {
			continue
		}
		if first {
			l.add("")
			l.add("Dismissals that do not count")
			first = false
		}
		l.add("  %s:%d: %s: %s: %s", d.File, d.Line, d.ID, d.State, why[d.State])
	}
}
