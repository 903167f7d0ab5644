// Package audit turns a network into the evidence of a security review: what of
// each NIC the Internet and other zones may reach, which services between which
// zones, which rules do nothing, what is not known, and which controls of the CIS
// Microsoft Azure Foundations Benchmark that meets.
//
// A Report is plain rows: what renders it needs nothing else. Rows name each
// other by id. Slices are sorted and never nil, so that equal input gives equal
// reports; names are as the input wrote them and must be escaped by whoever
// prints them. The verdicts are those of verify: routes, NAT and guest firewalls
// are not part of them. Exposure of a NIC is what its own rules let in, both
// security groups and admin rules; a cell of the zone matrix is what the rules of
// both ends let through.
//
// Imports: index, index/interval, ingest/diag, ingest/flow, ingest/network,
// verify/lint, verify/reach, verify/space.
package audit
