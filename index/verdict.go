package index

import (
	"slices"
	"strings"
	"sync"

	"ipflow/ingest/flow"
)

// VerdictID is the position of a verdict in its index's table. Equal verdicts
// have equal ids.
type VerdictID uint32

// verdictTable holds the distinct verdicts. It may be used concurrently.
type verdictTable struct {
	mu   sync.RWMutex
	list []flow.Verdict
	ids  map[flow.Verdict]VerdictID
}

func newVerdictTable() *verdictTable { return &verdictTable{ids: map[flow.Verdict]VerdictID{}} }

func (t *verdictTable) intern(v flow.Verdict) VerdictID {
	t.mu.RLock()
	id, ok := t.ids[v]
	t.mu.RUnlock()
	if ok {
		return id
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if id, ok = t.ids[v]; ok {
		return id
	}
	id = VerdictID(len(t.list))
	t.list = append(t.list, v)
	t.ids[v] = id
	return id
}

func (t *verdictTable) get(id VerdictID) flow.Verdict {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.list[id]
}

func (t *verdictTable) len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.list)
}

// ends is a set of ways a rule or a layer can end.
type ends uint8

const (
	endAllow ends = 1 << iota
	endDeny
)

func endsOf(a flow.Access) ends {
	switch a {
	case flow.Allow:
		return endAllow
	case flow.Deny:
		return endDeny
	case flow.Unknown: // an access that could not be read: either
		return endAllow | endDeny
	}
	panic("index: access")
}

// layerOutcome is what one Stage says in one cell: the entries that may match
// before the one that surely does, and that one.
type layerOutcome struct {
	stage *Stage
	may   []doubtfulEntry
	sure  *entry // nil iff the stage is missing
}

type doubtfulEntry struct {
	e     *entry
	facts []fact
}

// from returns the ways the layer can end if its first i doubtful entries miss.
func (o *layerOutcome) from(i int) ends {
	if o.sure == nil {
		return endAllow | endDeny
	}
	x := endsOf(o.sure.rule.Access)
	for _, d := range o.may[i:] {
		x |= endsOf(d.e.rule.Access)
	}
	return x
}

// conclude joins the outcomes of the layers in their order: all must allow. A
// verdict is certain when every completion of the facts, which are independent
// per rule, gives it (CONTRACT, "Verdict").
func (c *compiler) conclude(layers []layerOutcome) flow.Verdict {
	if len(layers) == 0 {
		return flow.Verdict{Access: flow.Allow, Reason: flow.ReasonNoNSG}
	}
	all, anyDeny := endAllow, ends(0)
	for i := range layers {
		x := layers[i].from(0)
		all &= x
		anyDeny |= x & endDeny
	}
	var v flow.Verdict
	var facts []fact
	switch {
	case all == 0:
		v.Access = flow.Deny
		facts = denyingRule(layers, &v)
	case anyDeny == 0:
		v.Access = flow.Allow
		last := &layers[len(layers)-1]
		v.Rule, v.Layer = last.sure.rule.Ref, last.stage.layer
		for _, d := range last.may {
			facts = append(facts, d.facts...)
		}
	default:
		facts = openFacts(layers)
	}
	if len(facts) > 0 {
		v.Reason = strings.Join(c.intern.names(facts), ",")
		if v.Access != flow.Unknown {
			v.Reason = flow.ReasonRuleUncertain + v.Reason
		}
	}
	certainLayers(layers, &v)
	return v
}

// denyingRule finds the first layer that denies when no doubtful rule matches,
// and the facts that could make another rule the denying one.
func denyingRule(layers []layerOutcome, v *flow.Verdict) (facts []fact) {
	for i := range layers {
		o := &layers[i]
		if o.sure == nil {
			facts = append(facts, o.stage.missing)
			continue
		}
		for j, d := range o.may {
			if o.from(j)&endDeny != 0 {
				facts = append(facts, d.facts...)
			}
		}
		if v.Rule == 0 && o.sure.rule.Access == flow.Deny {
			v.Rule, v.Layer = o.sure.rule.Ref, o.stage.layer
		}
		if o.from(0) == endDeny {
			break
		}
	}
	return facts
}

// openFacts are the facts that can turn the access: those of doubtful rules
// that would end a layer differently from some rule behind them.
func openFacts(layers []layerOutcome) (facts []fact) {
	for i := range layers {
		o := &layers[i]
		if o.sure == nil {
			facts = append(facts, o.stage.missing)
			continue
		}
		for j, d := range o.may {
			if endsOf(d.e.rule.Access)|o.from(j+1) == endAllow|endDeny {
				facts = append(facts, d.facts...)
			}
		}
	}
	return facts
}

// certainLayers fills the rule of each layer that is surely reached and whose
// match is certain.
func certainLayers(layers []layerOutcome, v *flow.Verdict) {
	for i := range layers {
		o := &layers[i]
		if o.sure != nil && len(o.may) == 0 {
			ref := o.sure.rule.Ref
			switch o.stage.layer {
			case flow.SecurityAdmin:
				v.AdminRule = ref
			case flow.Subnet:
				v.SubnetRule = ref
			case flow.NetworkInterface:
				v.NICRule = ref
			case flow.NoLayer:
				panic("index: stage without a layer")
			}
		}
		if o.from(0)&endDeny != 0 {
			return
		}
	}
}

// union of two sorted fact lists without repeats.
func unionFacts(a, b []fact) []fact {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	out := append(slices.Clip(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}
