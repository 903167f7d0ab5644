package audit

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ipflow/ingest/network"
)

// Baseline is what somebody has accepted.
type Baseline struct{ Entries []Accepted }

// Accepted is an entry of a baseline.
type Accepted struct {
	Finding, Reason, Owner string
	Expires                time.Time // the last day on which it counts; zero when absent
	NICs                   []string  // when not empty, the NICs that it was accepted for
	File                   string
	Line                   int
}

// The states of a Dismissal.
const (
	Applied    = "applied"
	Expired    = "expired"    // its last day is over
	Incomplete = "incomplete" // no reason, owner or expiry
	Unmatched  = "unmatched"  // no finding has the id any more
	Outgrown   = "outgrown"   // the finding touches NICs that it does not list
)

// dismiss marks the findings that entries of the baseline accept, and says what
// became of each entry.
func (a *auditor) dismiss() {
	a.out.Dismissals = []Dismissal{}
	if a.o.Baseline == nil {
		return
	}
	today := a.o.Now.UTC().Truncate(24 * time.Hour)
	a.out.Now = today.Format(time.DateOnly)
	byID := map[string]*Finding{}
	for i := range a.out.Findings {
		byID[a.out.Findings[i].ID] = &a.out.Findings[i]
	}
	for _, x := range a.o.Baseline.Entries {
		row := Dismissal{ID: x.Finding, Reason: x.Reason, Owner: x.Owner, File: x.File, Line: x.Line, State: Applied}
		if !x.Expires.IsZero() {
			row.Expires = x.Expires.Format(time.DateOnly)
		}
		f := byID[strings.ToLower(x.Finding)]
		switch {
		case f == nil:
			row.State = Unmatched
		case strings.TrimSpace(x.Reason) == "" || strings.TrimSpace(x.Owner) == "" || x.Expires.IsZero():
			row.State = Incomplete
		case today.After(x.Expires):
			row.State = Expired
		case !x.covers(f):
			row.State = Outgrown
		default:
			f.Dismissed, f.Reason, f.Owner, f.Expires = true, x.Reason, x.Owner, row.Expires
		}
		a.out.Dismissals = append(a.out.Dismissals, row)
	}
}

// covers reports whether the entry was accepted for every NIC of the finding.
func (x *Accepted) covers(f *Finding) bool {
	return len(x.NICs) == 0 || !slices.ContainsFunc(f.NICs, func(id string) bool {
		return !slices.ContainsFunc(x.NICs, func(own string) bool { return network.Key(own) == network.Key(id) })
	})
}

// WriteBaseline writes an entry for every finding: those that are dismissed as
// they are, others with blanks where somebody must say why.
func (r *Report) WriteBaseline(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# An entry counts once it has a reason, an owner and an expiry (YEAR-MONTH-DAY).\n" +
		"# With nics it holds for these NICs only; without, for whichever the finding touches.\nversion: 1\ndismissals:\n")
	for i := range r.Findings {
		f := &r.Findings[i]
		fmt.Fprintf(&b, "  # %s\n  - finding: %s\n    reason: %s\n    owner: %s\n    expires: %s\n",
			Inert(string(f.Severity)+": "+f.Title), quoted(f.ID), quoted(f.Reason), quoted(f.Owner), quoted(f.Expires))
		if len(f.NICs) > 0 {
			b.WriteString("    nics:\n")
			for _, id := range f.NICs {
				b.WriteString("      - " + quoted(id) + "\n")
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// quoted writes a text as a JSON string, which YAML reads too.
func quoted(s string) string {
	out, err := json.Marshal(s)
	if err != nil {
		panic("audit: a string that JSON cannot hold: " + err.Error())
	}
	return string(out)
}
