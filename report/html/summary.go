package html

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/verify/audit"
)

// summary is what the page says without its script.
type summary struct {
	Title    string
	Facts    []string // one line under the title
	Cards    []card
	Findings []remark
	More     int // findings that are not among Findings
	Notes    []string
}

// card is one figure of the estate with its parts.
type card struct {
	Heading string
	Link    string // view that shows more
	Figure  string
	Unit    string
	Parts   []part
	Bars    []bar
}

// part is one line of a card.
type part struct {
	Class string // names the mark before it; "" for none
	Count int
	Text  string
}

// bar is a stretch of a card's bar, in hundredths of a percent of its width.
type bar struct {
	Class    string
	At, Wide int
}

// remark is a finding in words.
type remark struct{ Severity, Title, Message, Place string }

// shownRemarks bounds the findings that are told without a script.
const shownRemarks = 500

func summaryOf(r *audit.Report) *summary {
	s := &summary{Title: "Network security audit"}
	if r.Now != "" {
		s.Facts = append(s.Facts, r.Now)
	}
	s.Facts = append(s.Facts, count(r.Snapshot.NICs, "NIC"), count(r.Snapshot.SecurityGroups, "security group"))
	if sum := r.Snapshot.SHA256; sum != "" {
		s.Facts = append(s.Facts, "snapshot "+diag.Printable(sum[:min(12, len(sum))]))
	}
	s.Facts = append(s.Facts, "ipflow "+diag.Printable(r.Version))
	s.Cards = []card{findingsCard(r), internetCard(r), sensitiveCard(r), unknownCard(r), controlsCard(r), estateCard(r)}
	for i := range r.Findings {
		f := &r.Findings[i]
		switch {
		case f.Dismissed:
			continue
		case len(s.Findings) == shownRemarks:
			s.More++
			continue
		}
		place := ""
		if f.File != "" {
			place = fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		s.Findings = append(s.Findings, remark{
			string(f.Severity), diag.Printable(f.Title), diag.Printable(f.Message), diag.Printable(place),
		})
	}
	for _, n := range r.Notes {
		s.Notes = append(s.Notes, diag.Printable(n))
	}
	return s
}

// count writes a number with the plural of its noun.
func count(n int, word string) string {
	return grouped(n) + " " + noun(n, word)
}

// noun returns the noun, in the plural unless there is one.
func noun(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// grouped writes a number with a narrow space between thousands.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

// bars lays out the parts of a card side by side.
func bars(parts []part) (out []bar) {
	total, at := 0, 0
	for _, p := range parts {
		total += p.Count
	}
	if total == 0 {
		return nil
	}
	seen := 0
	for _, p := range parts {
		seen += p.Count
		if end := seen * 10000 / total; end > at {
			out = append(out, bar{p.Class, at, end - at})
			at = end
		}
	}
	return out
}

func findingsCard(r *audit.Report) card {
	c := card{Heading: "Findings", Link: "findings", Unit: "open"}
	counts := map[audit.Severity]int{}
	open, dismissed := 0, 0
	for i := range r.Findings {
		if r.Findings[i].Dismissed {
			dismissed++
			continue
		}
		open++
		counts[r.Findings[i].Severity]++
	}
	for _, s := range []audit.Severity{audit.Critical, audit.High, audit.Medium, audit.Low, audit.Info} {
		if counts[s] > 0 {
			c.Parts = append(c.Parts, part{string(s), counts[s], string(s)})
		}
	}
	c.Figure, c.Bars = grouped(open), bars(c.Parts)
	if dismissed > 0 {
		c.Parts = append(c.Parts, part{"", dismissed, "dismissed"})
	}
	return c
}

func internetCard(r *audit.Report) card {
	c := card{Heading: "Reach of the Internet", Link: "nics", Unit: "NICs let it in"}
	counts := r.InternetCounts()
	for _, s := range []struct{ state, text string }{
		{"open", "open to it at large"},
		{"unknown", "not decidable"},
		{"restricted", "open to parts of it"},
		{"closed", "closed"},
	} {
		if counts[s.state] > 0 {
			c.Parts = append(c.Parts, part{s.state, counts[s.state], s.text})
		}
	}
	let := counts["open"] + counts["restricted"]
	if let == 1 {
		c.Unit = "NIC lets it in"
	}
	c.Figure, c.Bars = grouped(let), bars(c.Parts)
	return c
}

func sensitiveCard(r *audit.Report) card {
	c := card{Heading: "Management and data ports", Link: "findings", Unit: "NICs expose one to the Internet"}
	members := map[int][]audit.Member{}
	for i := range r.Groups {
		members[r.Groups[i].ID] = r.Groups[i].Members
	}
	all, byName := map[string]bool{}, map[string]map[string]bool{}
	for i := range r.Exposures {
		x := &r.Exposures[i]
		if x.Access != "Allow" || !slices.Contains(x.Zones, "Internet") {
			continue
		}
		for _, s := range x.Sensitive {
			if s.Category == audit.Web || s.Category == audit.AnyUDP {
				continue // for the public, or not one service
			}
			if byName[s.Name] == nil {
				byName[s.Name] = map[string]bool{}
			}
			for _, m := range members[x.Group] {
				all[m.NIC], byName[s.Name][m.NIC] = true, true
			}
		}
	}
	for name, nics := range byName {
		c.Parts = append(c.Parts, part{"", len(nics), diag.Printable(name)})
	}
	slices.SortFunc(c.Parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Text, b.Text))
	})
	const shown = 5
	if more := len(c.Parts) - shown; more > 0 {
		c.Parts = append(c.Parts[:shown], part{"", more, "more services"})
	}
	if len(all) == 1 {
		c.Unit = "NIC exposes one to the Internet"
	}
	c.Figure = grouped(len(all))
	return c
}

func unknownCard(r *audit.Report) card {
	c := card{Heading: "Not known", Link: "unknown", Unit: noun(len(r.Facts), "missing fact")}
	nics, rules := map[string]bool{}, map[string]bool{}
	for i := range r.Facts {
		for _, id := range r.Facts[i].NICs {
			nics[id] = true
		}
		for _, id := range r.Facts[i].Rules {
			rules[id] = true
		}
	}
	c.Figure = grouped(len(r.Facts))
	c.Parts = []part{{"", len(nics), noun(len(nics), "NIC") + " touched"}, {"", len(rules), noun(len(rules), "rule") + " touched"}}
	if n := r.Snapshot.Errors + r.Snapshot.Warnings; n > 0 {
		c.Parts = append(c.Parts, part{"", n, noun(n, "fault") + " of the input"})
	}
	return c
}

func controlsCard(r *audit.Report) card {
	c := card{Heading: "CIS controls", Link: "controls", Unit: "failed"}
	counts := map[audit.Status]int{}
	for i := range r.Controls {
		counts[r.Controls[i].Status]++
	}
	for _, s := range []struct {
		status audit.Status
		text   string
	}{{audit.Fail, "fail"}, {audit.Undecided, "undecided"}, {audit.Pass, "pass"}, {audit.NotApplicable, "not applicable"}} {
		if counts[s.status] > 0 {
			c.Parts = append(c.Parts, part{string(s.status), counts[s.status], s.text})
		}
	}
	c.Figure, c.Bars = grouped(counts[audit.Fail]), bars(c.Parts)
	return c
}

func estateCard(r *audit.Report) card {
	s := &r.Snapshot
	c := card{Heading: "Estate", Link: "evidence", Figure: grouped(s.NICs), Unit: noun(s.NICs, "NIC")}
	for _, p := range []part{
		{"", s.VMs, noun(s.VMs, "virtual machine")},
		{"", s.SecurityGroups, noun(s.SecurityGroups, "security group")},
		{"", s.SecurityRules, noun(s.SecurityRules, "security rule")},
		{"", s.AdminRules, noun(s.AdminRules, "admin rule")},
		{"", s.Subnets, noun(s.Subnets, "subnet")},
		{"", s.VirtualNetworks, noun(s.VirtualNetworks, "virtual network")},
		{"", s.PublicIPs, noun(s.PublicIPs, "public IP")},
	} {
		if p.Count > 0 {
			c.Parts = append(c.Parts, p)
		}
	}
	return c
}
