// Package ends asks about a flow at both of its ends: it turns a packet into the
// question of each end, outbound at the source and inbound at the destination,
// and joins the two verdicts to one.
//
// The facts of two ends are independent, for they belong to different rules: no
// rule is both outbound and inbound. So the joined access is certain exactly
// when every completion of the facts of both ends gives it.
//
// Nothing here depends on a network; the functions are pure.
//
// Imports: ingest/flow.
package ends
