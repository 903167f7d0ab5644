// Package column carries flows in columns: a Batch is a window of consecutive
// input rows as an Arrow record, with the places of the flow columns in it; a
// Schema says what the batches of an input look like before the first is read.
//
// A Batch is owned by whoever received it, is read-only once handed on, and is
// released exactly once with Release. Readers promise batches in input order
// whose cut points depend on the input and the window size only.
//
// Readers build columns here (Text, Ports, Validity, NewStrings, NewDictionary,
// NewFixed); the arrays stand on memory of the Go heap, so a forgotten Release
// costs nothing but the collector's time. CodesOf, NullsOf and SpansOf show the
// memory of an array to code that must not make a call per row. Check proves
// that an array from outside cannot lead a reader out of bounds.
//
// Imports: ingest/flow, Arrow. This is Arrow's one home; readers and writers
// reach it through here.
package column
