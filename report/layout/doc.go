// Package layout says which columns a verify result has, and turns the verdict
// ids of a batch into small per-column dictionaries.
//
// It is what the file formats have in common: the kept input columns (Field),
// the result columns after them (Result), the form in which a format takes part
// in a run (Format, Appender), a batch's distinct verdicts (Distinct), and its
// kept columns seen as plain values or as codes into them (Cells).
//
// Distinct and Cells are valid for one Encode call and hold no row strings:
// their order depends on the rows alone, never on the ids' numbers.
//
// Imports: verify, ingest/column, Arrow.
package layout
