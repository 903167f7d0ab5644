// Package parquet writes verify results as Parquet.
//
// A batch becomes one row group, encoded whole by Encode: each column chunk is
// one optional dictionary page and data pages (version 1) of PageRows rows, or
// fewer where the values of that many rows pass 16 MiB. Result columns are
// dictionaries in order of first appearance, built from verdict ids and never
// from a string per row; kept columns are dictionaries where values repeat and
// plain otherwise; where the batch is a row group of a Parquet file, their chunks
// are copied as they stand if the form fits (carry.go). Every column is optional
// but those whose input says that it has no nulls. Append only moves bytes and
// shifts offsets, so equal batches give equal files for any number of workers.
//
// Types that Parquet lacks are written as the next one that holds the same
// values: seconds as milliseconds, date64 as days. Strings are UTF-8, as Parquet
// demands: bytes that are not become U+FFFD, except in copied chunks. No Arrow
// schema is stored.
//
// Imports: verify, ingest/column, report/layout, Arrow, parquet-go (its format
// and encoding/thrift only: its writer cannot take dictionary indexes),
// klauspost/compress.
package parquet
