package reach

import (
	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/verify/space"
)

// Space is where the Maps of Decisions live.
func (p *Prober) Space() *space.Space { return p.space }

// Decisions returns what a classifier decides over the remote addresses of its
// family and services, whatever the local address. Decision explains the labels.
func (p *Prober) Decisions(k *index.Classifier, dir flow.Direction) space.Map {
	return p.base(k, dir, dir)
}

// Decision returns what a label of Decisions, not 0, stands for.
func (p *Prober) Decision(label int) Decision { return p.decisions[label] }
