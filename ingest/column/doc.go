// Package column carries flows in columns: a Batch is a window of consecutive
// input rows as an Arrow record, with the places of the flow columns in it.
//
// A Batch is owned by whoever received it, is read-only once handed on, and is
// released exactly once with Release. Readers promise batches in input order
// whose cut points depend on the input and the window size only.
//
// Imports: ingest/flow, Arrow. This is Arrow's one home; readers and writers
// reach it through here.
package column
