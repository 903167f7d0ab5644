// Package layouttest holds small batches with verdicts for the tests of output
// formats.
//
// Imports: verify, ingest/column, report/layout, Arrow.
package layouttest
