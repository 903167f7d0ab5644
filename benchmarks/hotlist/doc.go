// Package hotlist makes races on one hot rule list: the inbound rules of a
// made-up security group as one local address meets them, traces of packets for
// them, and the way ipflow answers such a trace.
//
// A List hands its rules out in a neutral form, specialised to the local address
// (rules about other addresses are gone, tags and groups are unfolded into the
// fewest prefixes, nothing stands behind a rule that matches everything), for
// classifiers that know nothing of Azure. Both come of the same network, but
// rules are unfolded by index.Selectors and answered by index.Classifier or
// verify/oracle: Check compares.
//
// A List never changes once made; its methods may run concurrently.
//
// Imports: benchmarks/corpus, index, index/memory, ingest/flow, ingest/network, verify/oracle.
package hotlist
