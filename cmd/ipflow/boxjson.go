package main

import (
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/space"
)

// boxJSON is flows with one deciding rule; rule and layer are null when there is
// none.
type boxJSON struct {
	space.Words
	Rule  *string `json:"rule"`
	Layer *string `json:"layer"`
}

// boxesOf writes a box in words, as several where its protocols need them.
func boxesOf(b space.Box, r *network.Rule, layer flow.Layer) (out []boxJSON) {
	for _, w := range space.WordsOf(b) {
		j := boxJSON{Words: w}
		if r != nil {
			name := layer.String()
			j.Rule, j.Layer = &r.ID, &name
		}
		out = append(out, j)
	}
	return out
}
