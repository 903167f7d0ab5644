// Package html writes an audit report as one HTML file that can be mailed: style,
// script and data are inside, nothing is loaded.
//
// The page is safe to open whatever the names of the input are. Its Content
// Security Policy forbids everything but its own style and script, by hash, and
// forbids the script to make markup out of text; the script writes names as text
// nodes only. Control characters, those of terminals and of writing direction
// among them, are shown as escapes. Without a script the page shows the summary
// and the findings.
//
// The data is one JSON document of columns (payload.go, tables.go): every string
// is stored once and every list once, and rows name each other by number, so that
// ten thousand NICs fit into a mail. The script (script/*.js, concatenated in the
// order of scriptFiles) renders what is looked at and no more.
//
// Equal reports give equal bytes. The writer is left open.
//
// Imports: ingest/diag, verify/audit.
package html
