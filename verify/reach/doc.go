// Package reach answers questions about whole sets of flows: it turns two ends
// (NICs, subnets, tags, prefixes …), protocols and ports into the exact sets of
// flows that are allowed, denied or unknown, each cut by deciding rule into a few
// boxes, with a witness.
//
// The verdicts are those of verify, flow by flow; routes, NAT and guest firewalls
// are not part of them. A NIC whose address is not recorded is answered for every
// address of its subnet. Open source ports are not asked about. Answers do not
// depend on the order of the snapshot's files.
//
// A Prober is for one goroutine.
//
// Imports: index, index/interval, ingest/diag, ingest/flow, ingest/network,
// verify/space.
package reach
