// Package sarif turns the findings of an audit into SARIF 2.1.0, the format in
// which code scanning services and editors take results.
//
// A result points at the rule in the source, names its group and rule as logical
// locations, and carries a fingerprint that stays the same when lines move or
// rules are reordered. Dismissed findings are results with a suppression. Equal
// reports give equal bytes.
//
// Messages are plain text: brackets, braces and backslashes, which SARIF reads as
// links and placeholders, are escaped, control characters made visible.
//
// Imports: ingest/diag, verify/audit.
package sarif
