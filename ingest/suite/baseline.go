package suite

import (
	"time"

	"ipflow/ingest/diag"
)

// Dismissal is an entry of a baseline: a finding of audit that somebody has
// accepted. What an entry lacks is empty; it then does not count, but is no fault.
type Dismissal struct {
	Finding       Word // its id
	Reason, Owner string
	Expires       time.Time // the last day on which it counts, in UTC; zero when absent
	// NICs, when not empty, are those that it was accepted for.
	NICs []string
	At   diag.Origin
}

var (
	baselineKeys  = []string{"dismissals", "version", "$schema"}
	dismissalKeys = []string{"finding", "reason", "owner", "expires", "nics"}
)

// ParseBaseline reads a baseline, in the syntaxes of Parse: a mapping with the key
// dismissals. With faults there is none.
func ParseBaseline(path string, data []byte) ([]Dismissal, diag.List) {
	root, faults := readAny(path, data)
	if len(faults) > 0 {
		return nil, faults
	}
	r := &reader{}
	out := r.baseline(root)
	if len(r.faults) > 0 {
		return nil, r.told(path)
	}
	return out, nil
}

func (r *reader) baseline(n *node) (out []Dismissal) {
	m := r.mapping(n, "a baseline", baselineKeys)
	if m == nil {
		return nil
	}
	r.version(m)
	entries := m["dismissals"]
	switch {
	case entries == nil:
		r.structure(n.at, "no dismissals: a baseline is a mapping with the key dismissals, a list")
		return nil
	case entries.kind == null: // nothing is dismissed
		return nil
	case entries.kind != list:
		r.wrongKind(entries, "dismissals", list)
		return nil
	}
	seen := map[string]diag.Origin{}
	for _, item := range entries.items {
		d := r.dismissal(item)
		if old, twice := seen[d.Finding.Text]; twice && d.Finding.Text != "" {
			r.value(d.At, "the finding %s is dismissed in line %d already", shortened(d.Finding.Text), old.Line)
		}
		seen[d.Finding.Text] = d.At
		out = append(out, d)
	}
	return out
}

func (r *reader) dismissal(n *node) Dismissal {
	out := Dismissal{At: n.at}
	m := r.mapping(n, "a dismissal", dismissalKeys)
	if m == nil {
		return out
	}
	if m["finding"] == nil {
		r.structure(n.at, "a dismissal without finding, the id that audit prints")
	} else {
		out.Finding = Word{r.text(m["finding"], "finding", maxName), m["finding"].at}
	}
	// A baseline that was just written has blanks to fill in.
	optional := func(key string) string {
		v := m[key]
		if v == nil || v.kind == null || v.kind == text && v.text == "" {
			return ""
		}
		return r.text(v, key, maxName)
	}
	out.Reason, out.Owner = optional("reason"), optional("owner")
	if v := m["expires"]; v != nil && v.kind != null && v.text != "" {
		out.Expires = r.date(v)
	}
	for _, w := range r.words(m["nics"], "nics") {
		out.NICs = append(out.NICs, w.Text)
	}
	return out
}
