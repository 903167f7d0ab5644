// Package index compiles a network into classifiers, one per NIC, direction and
// local address, and answers with a verdict id in a handful of table look-ups.
//
// The way of a rule list: a plan decides the local side of its rules for an
// address (plan.go); which rules are left is a signature, and NICs with equal
// signatures share a Stage (stage.go), whatever their number. A builder makes the
// Stage's table (builder.go, service.go, fill.go, table.go): protocol and ports, and remote
// addresses, are cut into elementary intervals, intervals at which the same rules
// match share a class (sweep.go), and the table gives the rule that is first where
// two classes meet. A Classifier asks the tables of a NIC's layers one after the other
// (chain.go) until it has had so many questions that fusing them into one table, whose
// cells are verdicts, pays (fuse.go, plane.go, remotes.go). Questions go through that
// sixteen at a time where the processor has vectors (vector.go), else four at a time
// (batch.go).
//
// Address sets with many ranges, service tags for the most part, are cut once for
// the whole index (atlas.go). Where a table would be too large the classes keep
// their rule bit sets and are intersected per question (intersection.go).
//
// Equal Stages and equal Classifiers are built once and shared: all of them by
// Compile or, of a large network, each by the first question (recipe.go, shelf.go),
// as are those for local addresses that no ip configuration owns. Forms may change
// while questions are asked, answers never; all methods may run concurrently.
//
// Imports: ingest/flow, ingest/network, index/interval, index/memory, x/sync, x/sys/cpu.
package index
