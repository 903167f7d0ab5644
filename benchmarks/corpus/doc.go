// Package corpus makes Azure estates and flows from a seed: what benchmarks,
// load tests and `ipflow synth` run on.
//
// An Estate is written as real exports (REST pages, one file per resource type)
// and handed out as a linked network.Network; both are the same estate. Every
// object is drawn from its own random stream, so files are written object by
// object, whatever the size of the estate. Flows are drawn for the NICs and
// rules of any network, an Estate's or one that was loaded: a window of rows is
// a pure function of options and position, so windows may be drawn in any order
// and by any number of goroutines. List and its trace are ClassBench-like rule
// lists for races between classifiers; NewListEstate puts one into a security
// group.
//
// Equal options give equal bytes on every machine. Estate and Flows never change
// once made; their methods may run concurrently.
//
// The proportions (rule mix, operand mix, port mix, shape of the service tags)
// are those that figures in docs/performance.md were measured with.
//
// Imports: ingest/column, ingest/diag, ingest/flow, ingest/network, Arrow,
// parquet-go.
package corpus
