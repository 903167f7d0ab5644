// Package oracle answers one question at a time by walking the rules of the
// network in Azure's order, point by point. It is written to be read beside
// Microsoft's pages, it is slow, and it judges the index: both must agree on
// access, rule, layers and reason for every tuple. Users reach it as
// `--engine oracle`.
//
// An Oracle never changes; its methods may run concurrently.
//
// Imports: ingest/flow, ingest/network. Never index.
package oracle
