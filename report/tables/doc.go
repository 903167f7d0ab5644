// Package tables turns the report of an audit into flat tables and writes them as
// Parquet files: one row for a NIC, a rule, a box of flows, a finding.
//
// Lists are joined by line feeds, which no id of Azure holds; a name that does
// hold one is written with an escape. Tables name each other by ids. Equal reports
// give equal bytes.
//
// Imports: verify/audit, report/rows.
package tables
