// Package rows writes lists of flat row structs, the answers of analyses, as CSV
// and Parquet. A row's fields are strings, integers and booleans with a tag
// `parquet:"NAME"`, and `parquet:"NAME,optional"` where the zero value is null.
// The fields of an embedded struct are columns in its place.
//
// Equal rows give equal bytes. The writer is left open.
//
// Imports: parquet-go.
package rows
