// Package flows writes verify results as CSV, JSON lines and Arrow IPC.
//
// CSV has a header, quotes (RFC 4180) only fields that hold the delimiter, a
// quote or a line break, ends lines with LF, and leaves null empty. A field is
// written as it is even if a spreadsheet would take it for a formula: whoever
// opens flows from a stranger in one should import the columns as text. JSON
// lines hold every column in order, with an explicit null; values that came from
// JSON are repeated as they were. In both, binary values look as DuckDB prints
// them (\xC3), times are ISO 8601, and .gz or .zst output holds one member or
// frame per batch, which every reader joins.
//
// In Arrow IPC, the string result columns and kept dictionary columns of strings
// or binaries are dictionaries with int32 indexes. A stream replaces them batch
// by batch. A file, where Arrow forbids that, holds one per column over the whole
// run, written after the last batch; its size is bounded by the distinct values.
// Metadata of the input's schema is not written.
//
// Equal batches give equal bytes for any number of workers: all formats encode a
// batch from the batch alone, and the file's dictionaries grow in commit order.
//
// Imports: verify, ingest/column, report/layout, Arrow, klauspost/compress.
package flows
