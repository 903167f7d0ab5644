package layout

import (
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"ipflow/ingest/column"
	"ipflow/verify"
)

// Field is a kept input column.
type Field struct {
	Name string
	Type arrow.DataType
	// Port marks the two ports of a flow of a text source: strings in batches,
	// int32 in typed output.
	Port bool
	// Logical is the Parquet logical type that Type has no word for: "JSON",
	// "BSON", "ENUM", "UUID" or "INTERVAL". Others are left out of the output.
	Logical string
	// Required says that no cell is null.
	Required bool
}

// Result is a result column.
type Result uint8

// The result columns in output order.
const (
	Access Result = iota
	Rule
	RuleID
	Priority
	Layer
	GroupID
	AdminRule
	SubnetRule
	NICRule
	Reason
	Error
	// The columns below stand in the output of two-ended flows only.
	SourceAccess
	SourceRule
	SourceReason
	DestinationAccess
	DestinationRule
	DestinationReason
	numResults
)

var resultNames = [numResults]string{
	"access", "rule", "rule_id", "priority", "layer", "group_id",
	"admin_rule", "subnet_rule", "nic_rule", "reason", "error",
	"source_access", "source_rule", "source_reason", "destination_access", "destination_rule", "destination_reason",
}

// NumResults is the number of result columns of one-ended flows.
const NumResults = SourceAccess

// Columns are the columns of an output: the kept ones, then the result columns.
type Columns struct {
	Kept []Field
	Ends bool // the flows have two ends, and each has columns of its own
}

// Results returns the number of result columns: those below it, in order.
func (c Columns) Results() Result {
	if c.Ends {
		return numResults
	}
	return NumResults
}

// String returns the column's name.
func (r Result) String() string { return resultNames[r] }

// Text returns the row's value in a string column, "" for null. Priority is no
// string column.
func (r Result) Text(row *verify.Row) string {
	switch r {
	case Access:
		return row.Access
	case Rule:
		return row.Rule
	case RuleID:
		return row.RuleID
	case Layer:
		return row.Layer
	case GroupID:
		return row.GroupID
	case AdminRule:
		return row.AdminRule
	case SubnetRule:
		return row.SubnetRule
	case NICRule:
		return row.NICRule
	case Reason:
		return row.Reason
	case Error:
		return row.Error
	case SourceAccess:
		return row.Source.Access
	case SourceRule:
		return row.Source.Rule
	case SourceReason:
		return row.Source.Reason
	case DestinationAccess:
		return row.Destination.Access
	case DestinationRule:
		return row.Destination.Rule
	case DestinationReason:
		return row.Destination.Reason
	}
	panic("layout: no string column " + r.String())
}

// ClashError tells that a kept column cannot stand beside the others under its
// name. It is a usage error; the remedy is --keep.
type ClashError struct {
	Column string // the kept column, as spelled in the input
	Reason string
}

func (e *ClashError) Error() string {
	return fmt.Sprintf("input column %q %s: leave it out with --keep", e.Column, e.Reason)
}

// Check refuses a kept column named like a result column in any case, and
// two kept columns of the same name: no reader could tell them apart.
func (c Columns) Check() error {
	seen := make(map[string]bool, len(c.Kept))
	for _, f := range c.Kept {
		for _, name := range resultNames[:c.Results()] {
			if strings.EqualFold(f.Name, name) {
				return &ClashError{Column: f.Name, Reason: fmt.Sprintf("is named like the result column %q", name)}
			}
		}
		name := strings.ToValidUTF8(f.Name, "\uFFFD") // as typed formats write it
		if seen[name] {
			return &ClashError{Column: f.Name, Reason: "occurs twice"}
		}
		seen[name] = true
	}
	return nil
}

// Format encodes batches of one output format. Encode depends on its arguments
// only and may run concurrently; blocks of one Format fit any of its files.
type Format interface {
	Encode(b *column.Batch, ids []verify.ID, t verify.Table) (verify.Block, error)
	// Begin starts a file on w, which receives every byte of it in order.
	Begin(w io.Writer) (Appender, error)
}

// Appender writes the blocks of one file in the order given.
type Appender interface {
	Append(verify.Block) error
	// Close completes the file and leaves w open.
	Close() error
}
