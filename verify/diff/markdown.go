package diff

import (
	"fmt"
	"io"
	"strings"

	"ipflow/ingest/diag"
)

// MarkdownLimit is the most bytes WriteMarkdown writes: a comment on GitHub holds
// 65536 characters, one on Azure DevOps 150000.
const MarkdownLimit = 60000

// WriteMarkdown writes the report as a comment on a pull request: a sentence and
// a table, the most important first. Rows beyond limit bytes (0: MarkdownLimit)
// are counted, not shown. Names are escaped.
func (r *Report) WriteMarkdown(w io.Writer, limit int) error {
	if limit <= 0 {
		limit = MarkdownLimit
	}
	var b strings.Builder
	fmt.Fprintf(&b, "### ipflow diff\n\n%s.\n", diag.Markdown(r.Summary()))
	const reserve = 400 // for what is said about the rest
	left := 0
	if len(r.Changes) > 0 {
		b.WriteString("\n| | NICs | Flows | Before | After | Witness |\n|---|---|---|---|---|---|\n")
	}
	for i := range r.Changes {
		row := r.Changes[i].row()
		if left > 0 || b.Len()+len(row)+reserve > limit {
			left++
			continue
		}
		b.WriteString(row)
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n%d more changes are left out; `ipflow diff -o text` shows them.\n", left)
	}
	hidden := 0
	for k, list := range []([]string){idsOf(r.OnlyOld), idsOf(r.OnlyNew)} {
		for n, id := range list {
			line := fmt.Sprintf("- only %s: %s\n", []string{"before", "after"}[k], diag.Markdown(id))
			if n == 0 {
				line = "\n" + line
			}
			if hidden > 0 || b.Len()+len(line)+reserve/2 > limit {
				hidden++
				continue
			}
			b.WriteString(line)
		}
	}
	if hidden > 0 {
		fmt.Fprintf(&b, "\n%d more NICs of one side only are left out.\n", hidden)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (c *Change) row() string {
	var flows []string
	for i := range c.Boxes[:min(len(c.Boxes), shownBoxes)] {
		flows = append(flows, diag.Markdown(flowsText(&c.Boxes[i], c.Direction)))
	}
	if n := len(c.Boxes) - shownBoxes; n > 0 {
		flows = append(flows, fmt.Sprintf("and %d more boxes", n))
	}
	title := diag.Markdown(c.title())
	if c.Exposes {
		title = "**" + title + "**"
	}
	return fmt.Sprintf("| %s | %s %s | %s | %s | %s | %s |\n", title, c.Direction, diag.Markdown(nicNames(c.NICs)),
		strings.Join(flows, "<br>"), diag.Markdown(c.Before.text()), diag.Markdown(c.After.text()), diag.Markdown(c.witnessText()))
}
