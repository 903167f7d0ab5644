package azure

import (
	"iter"
	"slices"
	"strings"

	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// isGraph reports whether an object is a Resource Graph result. Its keys come in
// camel, snake and Pascal case, by tool and version.
func isGraph(n *jsontree.Node) bool {
	data := n.Get("data")
	if data.Kind() != jsontree.Array && data.Get("columns").Kind() != jsontree.Array {
		return false
	}
	for _, name := range []string{"count", "totalRecords", "total_records", "skipToken", "skip_token", "$skipToken", "resultTruncated", "result_truncated"} {
		if n.Get(name) != nil {
			return true
		}
	}
	for _, m := range n.Members() {
		if m.Name == "Data" {
			return true
		}
	}
	return false
}

// graph reads a Resource Graph result.
func (w *walk) graph(n *jsontree.Node) (Kind, int) {
	cut := w.checkTruncated(n)
	data := n.Get("data")
	if data.Kind() == jsontree.Array {
		f := w.begin(data, true, cut)
		w.foldRows(f, data.Elements(), cut)
		return ResourceGraph, w.finishRows(f)
	}
	columns, rows := data.Get("columns").Items(), data.Get("rows").Items()
	objects := make([]*jsontree.Node, 0, len(rows))
	for _, row := range rows {
		cells := row.Items()
		if len(cells) != len(columns) {
			w.faults.Errorf(row.Origin(), "bad-row", "the row has %d cells, the table %d columns; export it again", len(cells), len(columns))
			continue
		}
		members := make([]jsontree.Member, len(cells))
		for i, c := range cells {
			members[i] = jsontree.Member{Name: columns[i].Get("name").Text(), Value: c}
		}
		objects = append(objects, jsontree.NewObject(row.Origin(), members))
	}
	f := &fold{}
	w.foldRows(f, slices.Values(objects), cut)
	return ResourceGraphTable, w.finishRows(f)
}

func (w *walk) foldRows(f *fold, rows iter.Seq[*jsontree.Node], cut bool) {
	for row := range rows {
		f.total++
		r, ok := NewResource(row, w.path)
		if !ok {
			f.noteStrange(row.Origin(), 1)
			continue
		}
		if !r.nested() {
			r.Projected = true
			if columns := dottedColumns(row); len(columns) > 0 {
				r.Properties = jsontree.NewObject(row.Origin(), columns)
			}
		}
		r.Cut = cut
		w.collect(w.complete(r))
		f.count++
	}
}

func (w *walk) finishRows(f *fold) (count int) {
	if f.strange > 0 {
		w.faults.Infof(f.firstStrange, "unrecognised",
			"%d of %d rows are no resources: they have neither an id nor a type with a name", f.strange, f.total)
	}
	return f.count
}

// dottedColumns collects the columns that Resource Graph names properties_x when
// a query projects properties.x.
func dottedColumns(row *jsontree.Node) []jsontree.Member {
	const prefix = "properties_"
	var out []jsontree.Member
	for _, m := range row.Members() {
		if len(m.Name) > len(prefix) && strings.EqualFold(m.Name[:len(prefix)], prefix) {
			out = append(out, jsontree.Member{Name: m.Name[len(prefix):], Value: m.Value})
		}
	}
	return out
}

// checkTruncated warns when the result says that it holds less than the query
// found: az graph query returns 100 rows unless told otherwise.
func (w *walk) checkTruncated(n *jsontree.Node) (cut bool) {
	const remedy = "what is missing counts as not in the snapshot; query with --first 1000 and follow --skip-token"
	count := n.Get("count")
	total := n.Get("totalRecords")
	if total == nil {
		total = n.Get("total_records")
	}
	c, hasCount := count.Int()
	t, hasTotal := total.Int()
	if hasCount && hasTotal && c < t {
		w.faults.Warnf(count.Origin(), "truncated-snapshot", "the result holds %d of %d rows; %s", c, t, remedy)
		return true
	}
	for _, name := range []string{"resultTruncated", "result_truncated"} {
		if v, ok := n.Get(name).Bool(); ok && v {
			w.faults.Warnf(n.Get(name).Origin(), "truncated-snapshot", "the result was truncated; %s", remedy)
			return true
		}
	}
	for _, name := range []string{"skipToken", "skip_token", "$skipToken"} {
		if token := n.Get(name); token.Text() != "" && network.Key(token.Text()) != "null" {
			w.faults.Warnf(token.Origin(), "truncated-snapshot", "the result has more pages; %s", remedy)
			return true
		}
	}
	return false
}
