// Package benchmarks measures ipflow on the estates and flows of
// benchmarks/corpus: compilation, one classifier on one list, the engine over
// many NICs in random order, and that memory does not grow with the flows.
//
// Names are key=value for benchstat; flows/s and bytes/NIC are reported beside
// ns/op. The oracle's figures stand beside the index's. There is no code here
// but tests; every benchmark runs once in seconds with -benchtime=1x.
//
// benchmarks/anchors, a module of its own, races the same against other programs.
//
// Imports: benchmarks/corpus, benchmarks/hotlist, benchmarks/manynics, index,
// ingest/flow, ingest/flowfile, ingest/network, report, verify, verify/oracle.
package benchmarks
