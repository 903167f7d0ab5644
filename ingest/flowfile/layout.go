package flowfile

import (
	"fmt"
	"slices"
	"strings"

	"ipflow/ingest/column"
	"ipflow/ingest/diag"
)

// layout says which columns of an input are read and what they are for.
type layout struct {
	file  string
	names []string // every column of the input, in the first file's order
	used  []int    // indexes of names that batches carry, ascending
	flow  [column.NumNames]int
	keep  []int // both index used
	want  [column.NumNames]string
	ends  bool // two-ended, see column.Schema
	// extra counts the trailing names that were not seen yet but asked for (JSON
	// lines only).
	extra int
}

func sameName(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

func indexName(names []string, name string) int {
	return slices.IndexFunc(names, func(n string) bool { return sameName(n, name) })
}

// resolve lays out an input whose first file has the given columns. With open,
// names asked for by Keep may still turn up later.
func resolve(file string, names []string, o *Options, open bool) (*layout, error) {
	want, err := o.flowNames()
	if err != nil {
		return nil, err
	}
	l := &layout{file: file, names: slices.Clone(names), want: want.one}
	if l.ends = want.twoEnded(names); l.ends {
		l.want = want.ends
	}
	var at [column.NumNames]int
	for c := range column.NumNames {
		if at[c] = -1; l.ends && column.EndNames()[c] == "" {
			continue
		}
		at[c] = indexName(names, l.want[c])
		mapped := l.want[c] != l.title(c)
		if at[c] < 0 && (mapped || c != column.NIC && c != column.VM) {
			return nil, l.missing(c, mapped)
		}
	}
	var keep []int
	switch {
	case o.Keep.all():
		for i := range names {
			keep = append(keep, i)
		}
	default:
		for _, k := range o.Keep.Columns {
			i := indexName(l.names, k)
			if i < 0 && !open {
				return nil, usagef("--keep %s: %s has no such column; it has %s", k, file, list(names))
			}
			if i < 0 {
				i = len(l.names)
				l.names = append(l.names, k)
				l.extra++
			}
			if !slices.Contains(keep, i) {
				keep = append(keep, i)
			}
		}
	}
	for i := range l.names {
		if slices.Contains(at[:], i) || slices.Contains(keep, i) {
			l.used = append(l.used, i)
		}
	}
	for _, i := range l.used {
		for j, other := range l.names {
			if i != j && sameName(l.names[i], other) {
				return nil, fmt.Errorf("%s has two columns named alike, %s and %s; rename one", file, show(l.names[min(i, j)]), show(l.names[max(i, j)]))
			}
		}
	}
	for c, i := range at {
		l.flow[c] = slices.Index(l.used, i)
	}
	for _, i := range keep {
		l.keep = append(l.keep, slices.Index(l.used, i))
	}
	return l, nil
}

// title is the flow column's own name.
func (l *layout) title(c column.Name) string {
	if l.ends {
		return column.EndNames()[c]
	}
	return c.String()
}

func (l *layout) missing(c column.Name, mapped bool) error {
	title := l.title(c)
	if mapped {
		return fmt.Errorf("%s has no column %s, which --map gives for %s; it has %s", l.file, show(l.want[c]), title, list(l.names))
	}
	hint := fmt.Sprintf("name it with --map %s=NAME", title)
	if n, why := suggest(l.names, c, l.ends); n != "" {
		hint = fmt.Sprintf("did you mean --map %s=%s%s?", title, show(n), why)
	} else if src, dst := suggestEnds(l.names); c == column.Direction && src != "" {
		hint = fmt.Sprintf("if every flow is to be asked at both ends, use --map src_ip=%s --map dst_ip=%s", show(src), show(dst))
	}
	return fmt.Errorf("%s has no column %s; it has %s; %s", l.file, title, list(l.names), hint)
}

// hints names columns that look like an optional flow column which the input
// lacks: it is then read as if nic were empty, which the user should know. Two
// ends have no use for one that is there.
func (l *layout) hints() []string {
	var out []string
	for _, c := range []column.Name{column.NIC, column.VM} {
		if l.ends {
			if indexName(l.names, c.String()) >= 0 {
				out = append(out, fmt.Sprintf("%s: column %s is not used: the flows have two ends, whose NICs are the owners of src_ip and dst_ip", l.file, c))
			}
			continue
		}
		if l.flow[c] >= 0 {
			continue
		}
		if n, _ := suggest(l.names, c, false); n != "" {
			out = append(out, fmt.Sprintf("%s has no column %s; did you mean --map %s=%s?", l.file, c, c, show(n)))
		}
	}
	return out
}

// match returns where each used column stands among the names of a further
// file. Both files must have the same columns, in whatever order.
func (l *layout) match(file string, names []string) ([]int, error) {
	for _, n := range l.names {
		if !slices.Contains(names, n) {
			return nil, fmt.Errorf("%s has no column %s, which %s has; all flow files must have the same columns", file, show(n), l.file)
		}
	}
	for _, n := range names {
		if !slices.Contains(l.names, n) {
			return nil, fmt.Errorf("%s has a column %s, which %s lacks; all flow files must have the same columns", file, show(n), l.file)
		}
	}
	if len(names) != len(l.names) {
		return nil, fmt.Errorf("%s has %d columns, %s has %d; all flow files must have the same columns", file, len(names), l.file, len(l.names))
	}
	at := make([]int, len(l.used))
	for i, u := range l.used {
		at[i] = slices.Index(names, l.names[u])
	}
	return at, nil
}

// list names at most 40 columns.
func list(names []string) string {
	const most = 40
	if len(names) == 0 {
		return "no columns"
	}
	var b strings.Builder
	for i, n := range names[:min(len(names), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(show(n))
	}
	if len(names) > most {
		fmt.Fprintf(&b, " and %d more", len(names)-most)
	}
	return b.String()
}

// show makes a name from a file fit for a message.
func show(name string) string {
	const most = 100
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "…"
	}
	if name == "" || strings.ContainsAny(name, " ,;\"'") {
		name = "'" + name + "'"
	}
	return diag.Printable(name)
}
