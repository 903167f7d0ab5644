package column

import "github.com/apache/arrow/go/v17/arrow"

// Schema describes the batches of an input.
type Schema struct {
	// Record holds the columns of every Batch.Record with their names. Where it
	// says type T, the column of a batch is T or Dictionary<uint32, T>: readers
	// choose batch by batch what pays. Ports of text may be int32, see Batch.Text. A field that is not nullable has no null in
	// any batch. Field metadata under LogicalKey names what Arrow's types cannot
	// say.
	Record *arrow.Schema
	Flow   [NumNames]int // columns of Record, -1 when the input lacks it
	Keep   []int         // columns of Record to pass to the output, in order
	Text   bool          // the input is text: every column is a string, see Batch.Text
	Kinds  bool          // the input is JSON lines: batches have Kinds
	// Ends says that the input is two-ended: Flow has source and destination in
	// the places of local and remote, and neither nic, vm nor direction.
	Ends bool
}

// LogicalKey is the key of the field metadata that holds the Parquet logical
// type of a column ("JSON", "UUID", "INTERVAL" …) where the Arrow type has no
// word for it.
const LogicalKey = "parquet.logical"

// Logical returns the field's Parquet logical type, "" when its Arrow type says
// all.
func Logical(f arrow.Field) string {
	if i := f.Metadata.FindKey(LogicalKey); i >= 0 {
		return f.Metadata.Values()[i]
	}
	return ""
}
