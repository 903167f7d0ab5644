package index

import (
	"slices"
	"strings"
	"sync"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
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
func (s *Stage) endsOf(r *network.Rule) ends {
	if r == nil {
		return endPass
	}
	switch r.Access {
	case flow.Deny:
		return endDeny
	case flow.Allow:
		if r.Always {
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

// layerOutcome is what one Stage says in one cell: the rules that may match
// before the one that surely does, and that one.
type layerOutcome struct {
	may  []doubtfulRule
	sure *network.Rule // nil when the stage is missing, or no admin rule matches
}

type doubtfulRule struct {
	rule  *network.Rule
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
	stages []*Stage
	layers []layerOutcome
	open   []ends
	tails  [][]ends
}

func newVerdictBuilder(stages []*Stage, layers []layerOutcome) *verdictBuilder {
	b := &verdictBuilder{stages: stages, layers: layers, open: make([]ends, len(layers)+1), tails: make([][]ends, len(layers))}
	b.open[len(layers)] = endAllow
	for i := len(layers) - 1; i >= 0; i-- {
		o, s := &layers[i], stages[i]
		tail := make([]ends, len(o.may)+1)
		if s.isMissing() {
			tail[0] = s.anyEnd()
		} else {
			tail[len(o.may)] = s.endsOf(o.sure)
			for j := len(o.may) - 1; j >= 0; j-- {
				tail[j] = tail[j+1] | s.endsOf(o.may[j].rule)
			}
		}
		b.tails[i], b.open[i] = tail, b.through(tail[0], i)
	}
	return b
}

func (s *Stage) isMissing() bool { return s.scope == nil }

// through turns the ends of layer i into the packet's.
func (b *verdictBuilder) through(e ends, i int) ends {
	if e&endPass == 0 {
		return e
	}
	return e&^endPass | b.open[i+1]
}

// name puts a rule into the column of its layer.
func (s *Stage) name(v *flow.Verdict, ref flow.RuleRef) {
	switch s.layer {
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

// concludeSure is conclude where nothing is in doubt, nearly always; ok is false
// elsewhere.
func concludeSure(stages []*Stage, layers []layerOutcome) (v flow.Verdict, ok bool) {
	v.Access = flow.Allow
	for i, s := range stages {
		o := &layers[i]
		if len(o.may) > 0 || s.isMissing() {
			return v, false
		}
		if o.sure == nil {
			continue
		}
		v.Rule, v.Layer = o.sure.Ref, s.layer
		s.name(&v, o.sure.Ref)
		switch s.endsOf(o.sure) {
		case endPass:
		case endDeny:
			v.Access = flow.Deny
			return v, true
		case endAllow:
			return v, true
		default:
			return v, false
		}
	}
	if v.Rule == 0 {
		v.Reason = flow.ReasonNoNSG
	}
	return v, true
}

// conclude builds the verdict of a cell.
func (c *compiler) conclude(stages []*Stage, layers []layerOutcome) flow.Verdict {
	if v, ok := concludeSure(stages, layers); ok {
		return v
	}
	b := newVerdictBuilder(stages, layers)
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
		v.Rule, v.Layer = o.sure.Ref, b.stages[i].layer
		if b.stages[i].endsOf(o.sure) != endPass {
			return
		}
	}
}

// decisiveFacts are those of doubtful entries whose match leads to another
// access (forAccess), or to another deciding rule, than some entry behind them.
func (b *verdictBuilder) decisiveFacts(forAccess bool) (facts []fact) {
	const both = endAllow | endDeny
	for i := range b.layers {
		o, s, last := &b.layers[i], b.stages[i], i == len(b.layers)-1
		if s.isMissing() && (!forAccess || b.open[i] == both) {
			facts = append(facts, s.missing)
		}
		for j, d := range o.may {
			hit, rest := s.endsOf(d.rule), b.tails[i][j+1]
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
			b.stages[i].name(v, o.sure.Ref)
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
