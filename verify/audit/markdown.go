package audit

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"ipflow/ingest/diag"
)

// markdownRows bounds each table of the Markdown form; the JSON form has all.
const markdownRows = 500

// page writes Markdown; what comes from the input is escaped.
type page struct{ out *bufio.Writer }

// md escapes.
func md(s string) string { return diag.Markdown(s) }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }

// table writes a table whose cells are escaped; rows beyond the bound are
// counted.
func (p *page) table(header []string, rows int, row func(i int) []string) {
	p.line("| %s |\n|%s", strings.Join(header, " | "), strings.Repeat("---|", len(header)))
	for i := range min(rows, markdownRows) {
		cells := row(i)
		for k := range cells {
			cells[k] = md(cells[k])
		}
		p.line("| %s |", strings.Join(cells, " | "))
	}
	if rows > markdownRows {
		p.line("\n%d more rows are left out; `--json` and `--parquet` have them.", rows-markdownRows)
	}
	p.line("")
}

// WriteMarkdown writes the report as a document.
func (r *Report) WriteMarkdown(w io.Writer) error {
	p := &page{bufio.NewWriter(w)}
	r.overview(p)
	r.controlTable(p)
	r.findingList(p)
	r.exposureTable(p)
	r.cellTable(p)
	r.factTable(p)
	r.dismissalTable(p)
	r.sources(p)
	return p.out.Flush()
}

func (r *Report) overview(p *page) {
	s, n := &r.Snapshot, r.InternetCounts()
	p.line("# Network audit\n")
	p.line("%s, %s with %s, %s, %s, %s.", count(s.NICs, "NIC"), count(s.SecurityGroups, "security group"), count(s.SecurityRules, "rule"),
		count(s.AdminRules, "admin rule"), count(s.VirtualNetworks, "virtual network"), count(s.Subnets, "subnet"))
	p.line("Snapshot SHA-256 `%s`, ipflow %s.\n", s.SHA256, md(r.Version))
	p.line("From the Internet: %d NICs open, %d restricted to some addresses, %d unknown, %d closed. Routes, NAT and guest firewalls are not part of this: it is what security groups and admin rules let in.\n",
		n[string(Open)], n[string(Restricted)], n["unknown"], n["closed"])
	for _, note := range r.Notes {
		p.line("* %s", md(note))
	}
	if len(r.Notes) > 0 {
		p.line("")
	}
}

func (r *Report) controlTable(p *page) {
	p.line("## Controls\n\n%s.\n", md(r.Benchmark))
	p.table([]string{"control", "status", "title", "because"}, len(r.Controls), func(i int) []string {
		c := &r.Controls[i]
		return []string{c.ID, string(c.Status), c.Title, c.Reason}
	})
}

func (r *Report) findingList(p *page) {
	p.line("## Findings\n")
	if len(r.Findings) == 0 {
		p.line("None.\n")
		return
	}
	p.table([]string{"severity", "finding", "place", "flow", "id"}, len(r.Findings), func(i int) []string {
		f := &r.Findings[i]
		severity, title := string(f.Severity), f.Title
		if f.Dismissed {
			severity = "dismissed"
			title += " — " + f.Reason + " (" + f.Owner + ", until " + f.Expires + ")"
		} else {
			title += ". " + f.Message
		}
		witness := ""
		if f.Witness != nil {
			witness = f.Witness.String()
		}
		return []string{severity, title, f.Place.String(), witness, f.ID}
	})
}

func (r *Report) exposureTable(p *page) {
	p.line("## Exposure\n")
	p.table([]string{"NICs", "from", "access", "services", "listed services", "decided by", "flow"}, len(r.Exposures), func(i int) []string {
		x := &r.Exposures[i]
		from := make([]string, len(x.Zones))
		for k, z := range x.Zones {
			from[k] = lastSegment(z)
		}
		access := x.Access
		if x.Zones[0] == internet {
			access += ", " + string(x.Breadth)
		}
		rules := make([]string, len(x.Rules))
		for k, id := range x.Rules {
			rules[k] = ruleName(id)
		}
		if len(x.Facts) > 0 {
			rules = append(rules, x.Facts...)
		}
		return []string{
			r.membersText(x.Group, 4), few(from, 6), access, servicesText(x.Services, 8), sensitiveNames(x), few(rules, 6), x.Witness.String(),
		}
	})
}

// ruleName is GROUP/RULE of a rule's id.
func ruleName(id string) string {
	parts := strings.Split(id, "/")
	if len(parts) < 3 {
		return id
	}
	return parts[len(parts)-3] + "/" + parts[len(parts)-1]
}

func (r *Report) cellTable(p *page) {
	p.line("## Zones\n\nWhat one zone may send to another, by the rules of both ends.\n")
	p.table([]string{"from", "to", "services", "let through by", "flow"}, len(r.Cells), func(i int) []string {
		c := &r.Cells[i]
		var services []string
		for _, s := range c.Services {
			text := serviceText(Service{s.Protocol, s.DestinationPorts})
			if s.Between == "some" {
				text += " (some)"
			}
			if s.Access != "Allow" {
				text += " (unknown)"
			}
			services = append(services, text)
		}
		rules := make([]string, len(c.Rules))
		for k, id := range c.Rules {
			rules[k] = ruleName(id)
		}
		return []string{lastSegment(c.From), lastSegment(c.To), few(services, 8), few(rules, 6), c.Witness.String()}
	})
}

func (r *Report) factTable(p *page) {
	if len(r.Facts) == 0 {
		return
	}
	p.line("## Not known\n")
	p.table([]string{"fact", "NICs", "rules", "remedy"}, len(r.Facts), func(i int) []string {
		f := &r.Facts[i]
		return []string{f.Fact, fmt.Sprint(len(f.NICs)), fmt.Sprint(len(f.Rules)), f.Remedy}
	})
}

func (r *Report) dismissalTable(p *page) {
	if len(r.Dismissals) == 0 {
		return
	}
	p.line("## Baseline, as of %s\n", md(r.Now))
	p.table([]string{"finding", "state", "reason", "owner", "expires", "place"}, len(r.Dismissals), func(i int) []string {
		d := &r.Dismissals[i]
		return []string{d.ID, d.State, d.Reason, d.Owner, d.Expires, fmt.Sprintf("%s:%d", d.File, d.Line)}
	})
}

func (r *Report) sources(p *page) {
	s := &r.Snapshot
	p.line("## Sources\n")
	p.table([]string{"document", "kind", "resources", "SHA-256"}, len(s.Documents), func(i int) []string {
		d := &s.Documents[i]
		return []string{d.Path, d.Kind, fmt.Sprint(d.Resources), d.SHA256}
	})
	p.line("Internet tag: %s. Service tags: %s.\n", md(s.Internet), md(orNone(s.Tags)))
	p.table([]string{"assumption", "in force", "meaning"}, len(s.Assumptions), func(i int) []string {
		x := &s.Assumptions[i]
		value := x.Value
		if !x.Default {
			value += " (changed)"
		}
		return []string{x.Name, value, x.Meaning}
	})
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
