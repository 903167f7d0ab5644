package report

import (
	"slices"

	"ipflow/ingest/column"
)

// Fields lists the kept columns of an input, in output order.
func Fields(s column.Schema) []Field {
	out := make([]Field, len(s.Keep))
	for i, c := range s.Keep {
		f := s.Record.Field(c)
		port := s.Flow[column.LocalPort] == c || s.Flow[column.RemotePort] == c
		out[i] = Field{Name: f.Name, Type: f.Type, Port: s.Text && port, Logical: column.Logical(f), Required: !f.Nullable}
	}
	return slices.Clip(out)
}
