package diag

import (
	"fmt"
	"strings"
)

// Markdown returns s as text that stays inert in a Markdown document, in a cell
// of a table too: no markup, no HTML, no mention of a person, no link.
func Markdown(s string) string {
	s = Printable(s)
	var b strings.Builder
	for _, r := range s {
		switch r {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '@', '#', '!':
			// No mention of a person, no link to an issue, no image.
			fmt.Fprintf(&b, "&#%d;", r)
		case '\\', '`', '*', '_', '{', '}', '[', ']', '(', ')', '|', '~', '$':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), "://", ":\u200b//") // no automatic link
}
