// Package manynics makes runs over many NICs in random order: the estate of the
// published figures, flows for it as batches in memory, and the engine answering
// them on so many workers into a sink that forgets. Reading and writing files is
// not in it; finding the NIC, all layers and the verdict id of every row are.
//
// Batches never change once made and may be run over again.
//
// Imports: benchmarks/corpus, index, ingest/column, ingest/network, verify,
// verify/oracle.
package manynics
