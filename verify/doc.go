// Package verify asks: it takes batches of flows from a Source, finds the NIC
// of each row, classifies it with an index or with the oracle, and hands every
// row's verdict id to a Sink, in input order, whatever the number of workers.
//
// Two-ended flows are asked at both ends, and the verdicts of the ends joined to
// one answer.
//
// Concurrency has its one home here (Engine). An Engine runs once.
//
// Imports: index, index/interval, index/memory, ingest/column, ingest/flow,
// ingest/network, x/sys/cpu, verify/ends.
package verify
