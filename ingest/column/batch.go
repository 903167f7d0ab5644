package column

import (
	"github.com/apache/arrow/go/v17/arrow"
)

// Name is a flow column, the fields that make up a question.
type Name uint8

// The flow columns in the order of CONTRACT.
const (
	NIC Name = iota
	VM
	Direction
	Protocol
	LocalIP
	LocalPort
	RemoteIP
	RemotePort
	NumNames
)

var names = [NumNames]string{"nic", "vm", "direction", "protocol", "local_ip", "local_port", "remote_ip", "remote_port"}

// String returns the column's name in flow files.
func (n Name) String() string { return names[n] }

// Names lists the flow columns' names in order.
func Names() []string { return names[:] }

// EndNames lists what the columns of a two-ended input are called, by the flow
// column that each takes the place of: the source stands where local does, as
// the packet leaves it. The others have no place there and are "".
func EndNames() [NumNames]string {
	return [NumNames]string{
		Protocol: names[Protocol], LocalIP: "src_ip", LocalPort: "src_port", RemoteIP: "dst_ip", RemotePort: "dst_port",
	}
}

// IsPort reports whether the column holds ports.
func (n Name) IsPort() bool { return n == LocalPort || n == RemotePort }

// Batch is a window of consecutive input rows.
//
// The Record holds every input column that is kept or is a flow column, once.
// A flow column has one of the Arrow types String, LargeString, Binary,
// Dictionary of these, any integer type, or FixedSizeBinary(16); the engine
// accepts all of them for every column where they make sense.
type Batch struct {
	Seq      int   // 0, 1, 2 … in input order
	FirstRow int64 // number of input rows before this batch
	Record   arrow.Record
	Flow     [NumNames]int // column of Record, -1 when the input lacks it
	Keep     []int         // columns of Record to pass to the output, in order
	// Bad marks rows that could not be split into fields (malformed CSV or
	// JSONL lines); their cells are null. nil when there are none.
	Bad []bool
	// Kinds is set by JSONL input only: per Record column and row the JSON kind
	// of the value ('s'tring, 'n'umber, 'b'ool, 'o'bject or array as raw JSON,
	// 0 null or absent), so that JSONL output repeats it as it was. The Record
	// holds the text.
	Kinds [][]byte
	// Text is true when the source was text (CSV, JSONL): port columns then are
	// strings here, or int32 where the reader was asked for numbers and all of the
	// batch are such, and become int32 in typed output. Dictionaries hold each value
	// once, in order of first appearance among the rows that are not null, and no
	// other value.
	Text bool
	// Source is set by Parquet input whose batch is exactly one row group. The
	// batch holds its file.
	Source *RowGroup
}

// Rows returns the number of rows.
func (b *Batch) Rows() int { return int(b.Record.NumRows()) }

// Release gives the batch's memory back.
func (b *Batch) Release() {
	if b.Record != nil {
		b.Record.Release()
		b.Record = nil
	}
	if b.Source != nil {
		b.Source.File.Release()
		b.Source = nil
	}
}
