// Package report tells what verify found: it opens the output of a run in the
// format that was asked for and puts it where it was asked to go.
//
// Open gives a verify.Sink: encoding runs in the engine's workers, committing in
// input order. The output appears at its path only when Close succeeds; Abort,
// or an error of Close, leaves the path as it was. Faults of the request are a
// *UsageError or a *layout.ClashError; IsUsage tells both.
//
// Imports: verify, ingest/column, report/layout, report/parquet, report/flows,
// report/outfile.
package report
