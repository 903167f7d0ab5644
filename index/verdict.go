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

// ends is a set of the ways a rule, a layer or a packet can end.
type ends uint8

const (
	endAllow ends = 1 << iota // final: allowed
	endDeny                   // final: denied
	endPass                   // on to the next layer; allowed after the last
)

// endsOf says how a rule ends its layer. Security groups pass what they allow;
// admin rules do too, unless they always allow. An access that could not be
// read may be any.
func (s *Stage) endsOf(e *entry) ends {
	if e == nil {
		return endPass
	}
	switch e.rule.Access {
	case flow.Deny:
		return endDeny
	case flow.Allow:
		if e.rule.Always {
			return endAllow
		}
		return endPass
	case flow.Unknown:
		return s.anyEnd()
	}
	panic("index: access")
}

func (s *Stage) anyEnd() ends {
	if s.layer == flow.SecurityAdmin {
		return endPass | endAllow | endDeny
	}
	return endPass | endDeny
}

// layerOutcome is what one Stage says in one cell: the entries that may match
// before the one that surely does, and that one.
type layerOutcome struct {
	stage *Stage
	may   []doubtfulEntry
	sure  *entry // nil when the stage is missing, or no admin rule matches
}

type doubtfulEntry struct {
	e     *entry
	facts []fact
}

// verdictBuilder joins the outcomes of the layers, in their order, into a
// verdict: certain when every completion of the facts, which are independent per
// rule, gives it (CONTRACT, "Verdict").
//
// It works from the last layer to the first: open[i] is how a packet that
// reaches layer i can end, tails[i][j] how layer i can end if its first j
// doubtful entries miss.
type verdictBuilder struct {
	layers []layerOutcome
	open   []ends
	tails  [][]ends
}

func newVerdictBuilder(layers []layerOutcome) *verdictBuilder {
	b := &verdictBuilder{layers: layers, open: make([]ends, len(layers)+1), tails: make([][]ends, len(layers))}
	b.open[len(layers)] = endAllow
	for i := len(layers) - 1; i >= 0; i-- {
		o := &layers[i]
		tail := make([]ends, len(o.may)+1)
		if o.missing() {
			tail[0] = o.stage.anyEnd()
		} else {
			tail[len(o.may)] = o.stage.endsOf(o.sure)
			for j := len(o.may) - 1; j >= 0; j-- {
				tail[j] = tail[j+1] | o.stage.endsOf(o.may[j].e)
			}
		}
		b.tails[i], b.open[i] = tail, b.through(tail[0], i)
	}
	return b
}

func (o *layerOutcome) missing() bool { return o.stage.entries == nil }

// through turns the ends of layer i into the packet's.
func (b *verdictBuilder) through(e ends, i int) ends {
	if e&endPass == 0 {
		return e
	}
	return e&^endPass | b.open[i+1]
}

// conclude builds the verdict of a cell.
func (c *compiler) conclude(layers []layerOutcome) flow.Verdict {
	b := newVerdictBuilder(layers)
	var v flow.Verdict
	switch b.open[0] {
	case endAllow:
		v.Access = flow.Allow
	case endDeny:
		v.Access = flow.Deny
	}
	facts := b.decisiveFacts(v.Access == flow.Unknown)
	names := strings.Join(c.intern.names(facts), ",")
	switch {
	case v.Access == flow.Unknown:
		v.Reason = names
	case len(facts) > 0:
		b.nominalRule(&v)
		v.Reason = flow.ReasonRuleUncertain + names
	default:
		b.nominalRule(&v)
		if v.Rule == 0 {
			v.Reason = flow.ReasonNoNSG
		}
	}
	b.certainLayers(&v)
	return v
}

// nominalRule is the rule that decides when no doubtful entry matches.
func (b *verdictBuilder) nominalRule(v *flow.Verdict) {
	for i := range b.layers {
		o := &b.layers[i]
		if o.sure == nil {
			continue
		}
		v.Rule, v.Layer = o.sure.rule.Ref, o.stage.layer
		if o.stage.endsOf(o.sure) != endPass {
			return
		}
	}
}

// decisiveFacts are those of doubtful entries whose match leads to another
// access (forAccess), or to another deciding rule, than some entry behind them.
func (b *verdictBuilder) decisiveFacts(forAccess bool) (facts []fact) {
	const both = endAllow | endDeny
	for i := range b.layers {
		o, last := &b.layers[i], i == len(b.layers)-1
		if o.missing() && (!forAccess || b.open[i] == both) {
			facts = append(facts, o.stage.missing)
		}
		for j, d := range o.may {
			hit, rest := o.stage.endsOf(d.e), b.tails[i][j+1]
			var decides bool
			switch {
			case hit|rest == endPass: // both go on: the rule counts after the last layer only
				decides = last && !forAccess
			case forAccess:
				decides = b.through(hit|rest, i) == both
			default:
				decides = true
			}
			if decides {
				facts = append(facts, d.facts...)
			}
		}
		if b.tails[i][0]&endPass == 0 {
			break
		}
	}
	return facts
}

// certainLayers fills the rule of each layer that is surely reached and whose
// match is certain.
func (b *verdictBuilder) certainLayers(v *flow.Verdict) {
	for i := range b.layers {
		o := &b.layers[i]
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
		if b.tails[i][0] != endPass {
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
