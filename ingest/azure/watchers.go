package azure

import (
	"math"

	"ipflow/ingest/network"
)

// watchers reads what observes the network.
func (b *builder) watchers() {
	b.net.NetworkWatchers = each(b, (*reader).networkWatcher, whole, typeWatcher)
	b.net.FlowLogs = each(b, (*reader).flowLog, whole, typeFlowLog)
}

func (r *reader) networkWatcher(res Resource) *network.NetworkWatcher {
	w := &network.NetworkWatcher{ID: res.ID, Name: res.Name, Origin: res.Node.Origin()}
	if n := res.Node.Get("location"); !n.Residue() {
		w.Location = n.Text()
	}
	return w
}

// flowLog reads the state and retention of a flow log. "retentionPolicy.days: …
// 0 retains for ever" (flow logs REST reference).
func (r *reader) flowLog(res Resource) *network.FlowLog {
	l := &network.FlowLog{ID: res.ID, Name: res.Name, Origin: res.Node.Origin()}
	var target, state, days string // facts
	l.TargetID, target = r.ref(get(res.Properties, "targetResourceId"))
	l.Enabled, state = r.flag(get(res.Properties, "enabled"), false)
	kept, policy := r.flag(get(res.Properties, "retentionPolicy", "enabled"), false)
	switch n := get(res.Properties, "retentionPolicy", "days"); {
	case n.Residue():
		days = factAt(n)
	case !blank(n) && kept:
		v, ok := n.Int()
		if !ok || v < 0 || v > math.MaxInt32 {
			r.faults.Errorf(n.Origin(), "bad-retention", "%s is no number of days", describe(n))
			days = factAt(n)
		}
		l.RetentionDays = int(v)
	}
	l.Facts = facts([]string{target, state, policy, days})
	return l
}
