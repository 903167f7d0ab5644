package flowfile

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
)

// checkTypes reports columns that batches cannot carry: nested ones, and flow
// columns of a type that says nothing about flows.
func (l *layout) checkTypes(file string, fields []arrow.Field) error {
	for i, f := range fields {
		if nested(f.Type) {
			return fmt.Errorf("%s: column %s is nested (%s), which cannot be kept; name the columns to keep with --keep", file, show(f.Name), f.Type)
		}
		for c, at := range l.flow {
			if at == i && !flowType(f.Type) {
				return fmt.Errorf("%s: column %s is %s; %s must be text, whole numbers or 16-byte binary", file, show(f.Name), f.Type, l.want[c])
			}
		}
	}
	return nil
}

func nested(t arrow.DataType) bool {
	if d, ok := t.(*arrow.DictionaryType); ok {
		return nested(d.ValueType)
	}
	_, ok := t.(arrow.NestedType)
	return ok
}

func flowType(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		_, again := t.ValueType.(*arrow.DictionaryType)
		return !again && flowType(t.ValueType)
	case *arrow.FixedSizeBinaryType:
		return t.ByteWidth == 16
	}
	switch t.ID() {
	case arrow.STRING, arrow.LARGE_STRING, arrow.BINARY, arrow.LARGE_BINARY:
		return true
	}
	return arrow.IsInteger(t.ID())
}
