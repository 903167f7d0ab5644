// Package lint finds rules of security groups that do nothing, or not what they
// seem to: shadowed, redundant, duplicate, malformed, out of place.
//
// It turns a network into findings, each with the rules that are the cause and,
// where there is one, a flow that shows it. Every claim about a rule is proven
// over the whole space of packets, for every NIC and subnet the group is attached
// to and for every completion of the facts the snapshot leaves open; what cannot
// be proven within the step limit is not claimed. Default rules are never the
// subject of a finding. Findings come in a fixed order. Run may be called
// concurrently; it changes nothing.
//
// How: the rules of one direction are products of sets (local and remote
// addresses, protocol, ports). Each dimension is cut at all bounds of all rules
// and points that the same rules match become one atom, so that a rule is a few
// bit sets (space.go) and "do these rules cover that one" is answered by cutting
// one product with the others (cover.go).
//
// Imports: index, index/interval, ingest/diag, ingest/flow, ingest/network,
// x/sync.
package lint
