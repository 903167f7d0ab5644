// Package flowfile turns flow files (Parquet, Arrow IPC, CSV, TSV, JSON lines)
// into batches of columns.
//
// Several files are one input: they are read one after another in sorted order
// and must have one format and the same columns, though not in the same order.
// A caller may rely on this: every input row comes out once and in order; the
// cut points of batches depend on the input and Options.WindowRows only; memory
// is bounded by a few windows; whatever a file holds, the outcome is batches or
// one error that names the file, never a panic.
//
// An input has one end or two: a NIC's view of flows (local, remote, direction),
// or flows with source and destination, see column.Schema. Two ends are read
// where src_ip and dst_ip are there and no column of the NIC's view is, or where
// Options.Map names a column of theirs.
//
// Rows of text. A CSV record ends at a line feed outside quotes, a JSON line at
// any line feed; empty lines (in JSON lines: lines of white space) are no rows.
// A record that cannot be split into the header's number of fields, that is not
// UTF-8, or that is longer than 16 MiB, is one bad row, see Batch.Bad. A quote
// that is not closed within 16 MiB or before the end of the file makes its own
// line a bad row, and reading goes on with the next line. An empty CSV field is
// null, quoted or not. A window of text ends early at 64 MiB.
//
// The columns of JSON lines are the keys of the first window, in order of
// appearance; a key absent from a line is null. A key that first appears later
// is an error that names the line, for dropping it would lose data; with --keep
// only the columns that it names are looked for, wherever they first appear. A
// line that gives one column twice is a bad row. Nested values are kept as their
// JSON text.
//
// Parquet and Arrow columns keep their types, and dictionaries stay
// dictionaries. Parquet BYTE_ARRAY columns come as Dictionary<uint32, T> while
// every page of the window has codes. INT96 becomes a timestamp in nanoseconds,
// Arrow string views become strings. Columns that are nested or repeated cannot
// be kept.
//
// Imports: ingest/column, ingest/diag, parquet-go (its reading home),
// klauspost/compress, x/sync, x/sys, and Arrow for its types, IPC and allocator.
package flowfile
