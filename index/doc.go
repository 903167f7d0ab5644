// Package index compiles a network into classifiers, one per NIC, direction and
// local address, and answers with a verdict id in a handful of table look-ups.
//
// The way of a rule list: a Stage is the ordered rules of one layer with the
// local side already decided (stage.go) and the remote side unfolded into
// address sets (selector.go, view.go). The Stages of a NIC and direction are
// fused into one Classifier: each dimension (remote address, protocol and
// ports) is cut into elementary intervals, intervals with the same matching
// rules share a class (sweep.go, service.go), and a table gives the verdict of
// every pair of classes (fuse.go). Where the table would be too large the
// classes keep their rule bit sets and are intersected per question (bits.go).
//
// Equal Stages and equal Classifiers are built once and shared. An Index never
// changes once compiled, except that classifiers for local addresses that no
// ip configuration owns are compiled when first asked for; all methods may run
// concurrently.
//
// Imports: ingest/flow, ingest/network, index/interval, x/sync.
package index
