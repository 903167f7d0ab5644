package verify

import (
	"sync"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// firstVerdict is the id of verdict 0; the ids below are faults.
const firstVerdict = ID(numFaults)

// verdictRows is the Table of one run: fault rows first, then the rows of the
// verdicts, rendered on demand.
type verdictRows struct {
	render func(uint32) *Row
	access func(uint32) flow.Access
	count  func() int

	mu   sync.RWMutex
	rows []*Row
}

func newVerdictRows(render func(uint32) *Row, access func(uint32) flow.Access, count func() int) *verdictRows {
	t := &verdictRows{render: render, access: access, count: count}
	for f := range numFaults {
		t.rows = append(t.rows, &Row{Error: f.String()})
	}
	return t
}

// Row renders the row of an id.
func (t *verdictRows) Row(id ID) *Row {
	t.mu.RLock()
	if int(id) < len(t.rows) && t.rows[id] != nil {
		defer t.mu.RUnlock()
		return t.rows[id]
	}
	t.mu.RUnlock()
	row := t.render(uint32(id - firstVerdict))
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.rows) <= int(id) {
		t.rows = append(t.rows, nil)
	}
	t.rows[id] = row
	return row
}

// Len bounds the ids handed out so far.
func (t *verdictRows) Len() int { return int(firstVerdict) + t.count() }

// RowOf renders a verdict as result columns.
func RowOf(n *network.Network, v flow.Verdict) *Row {
	row := &Row{
		Access: v.Access.String(), Layer: v.Layer.String(), Reason: v.Reason,
		AdminRule: spelling(n, v.AdminRule), SubnetRule: spelling(n, v.SubnetRule), NICRule: spelling(n, v.NICRule),
	}
	if r := n.Rule(v.Rule); r != nil {
		row.Rule, row.RuleID, row.GroupID = r.Spelling(), r.ID, r.GroupID()
		row.Priority, row.HasPriority = r.Priority, true
	}
	return row
}

func spelling(n *network.Network, ref flow.RuleRef) string {
	if ref == 0 {
		return ""
	}
	return n.Rule(ref).Spelling()
}

// internedVerdicts numbers verdicts for an engine that answers with structs.
type internedVerdicts struct {
	mu   sync.RWMutex
	list []flow.Verdict
	ids  map[flow.Verdict]uint32
}

func (t *internedVerdicts) id(v flow.Verdict) uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	id, ok := t.ids[v]
	if !ok {
		id = uint32(len(t.list))
		t.list = append(t.list, v)
		t.ids[v] = id
	}
	return id
}

func (t *internedVerdicts) get(id uint32) flow.Verdict {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.list[id]
}

func (t *internedVerdicts) len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.list)
}
