package index

import (
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// ends is a set of the ways a rule, a layer or a packet can end.
type ends uint8

const (
	endAllow ends = 1 << iota // final: allowed
	endDeny                   // final: denied
	endPass                   // on to the next layer; allowed after the last
)

// standing is what verdicts need of a Stage.
type standing struct {
	layer     flow.Layer
	isMissing bool
	missing   fact // why the rules are unknown; valid iff isMissing
}

// endsOf says how a rule ends its layer. Security groups pass what they allow;
// admin rules do too, unless they always allow. An access that could not be
// read may be any.
func (s *standing) endsOf(r *network.Rule) ends {
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

func (s *standing) anyEnd() ends {
	if s.layer == flow.SecurityAdmin {
		return endPass | endAllow | endDeny
	}
	return endPass | endDeny
}

// layerOutcome is what one Stage says in one cell: the rules that may match
// before the one that surely does, and that one.
type layerOutcome struct {
	may  []*doubtfulRule
	sure *network.Rule // nil when the stage is missing, or no admin rule matches
}

type doubtfulRule struct {
	rule   *network.Rule
	facts  []fact
	number int32 // in its room
}

// verdictBuilder joins the outcomes of the layers, in their order, into a
// verdict: certain when every completion of the facts, which are independent per
// rule, gives it (CONTRACT, "Verdict").
//
// It works from the last layer to the first: open[i] is how a packet that
// reaches layer i can end, tails[i][j] how layer i can end if its first j
// doubtful entries miss. It reuses its memory.
type verdictBuilder struct {
	stages []standing
	layers []layerOutcome
	open   [4]ends
	tails  [3][]ends
	facts  []fact
}

func (b *verdictBuilder) begin(stages []standing, layers []layerOutcome) {
	b.stages, b.layers = stages, layers
	b.open[len(layers)] = endAllow
	for i := len(layers) - 1; i >= 0; i-- {
		o, s := &layers[i], &stages[i]
		tail := fill(b.tails[i], len(o.may)+1, 0)
		if s.isMissing {
			tail[0] = s.anyEnd()
		} else {
			tail[len(o.may)] = s.endsOf(o.sure)
			for j := len(o.may) - 1; j >= 0; j-- {
				tail[j] = tail[j+1] | s.endsOf(o.may[j].rule)
			}
		}
		b.tails[i], b.open[i] = tail, b.through(tail[0], i)
	}
}

// through turns the ends of layer i into the packet's.
func (b *verdictBuilder) through(e ends, i int) ends {
	if e&endPass == 0 {
		return e
	}
	return e&^endPass | b.open[i+1]
}

// name puts a rule into the column of its layer.
func (s *standing) name(v *verdict, ref flow.RuleRef) {
	switch s.layer {
	case flow.SecurityAdmin:
		v.admin = ref
	case flow.Subnet:
		v.subnet = ref
	case flow.NetworkInterface:
		v.nic = ref
	case flow.NoLayer:
		panic("index: stage without a layer")
	}
}

// concludeSure is conclude where nothing is in doubt, nearly always; ok is false
// elsewhere.
func concludeSure(stages []standing, layers []layerOutcome) (v verdict, ok bool) {
	v.access = uint8(flow.Allow)
	for i := range stages {
		o, s := &layers[i], &stages[i]
		if len(o.may) > 0 || s.isMissing {
			return v, false
		}
		if o.sure == nil {
			continue
		}
		v.rule, v.layer = o.sure.Ref, uint8(s.layer)
		s.name(&v, o.sure.Ref)
		switch s.endsOf(o.sure) {
		case endPass:
		case endDeny:
			v.access = uint8(flow.Deny)
			return v, true
		case endAllow:
			return v, true
		default:
			return v, false
		}
	}
	if v.rule == 0 {
		v.reason = noGroup
	}
	return v, true
}

// conclude builds the verdict of a cell.
func (b *verdictBuilder) conclude(c *compiler, stages []standing, layers []layerOutcome) verdict {
	if v, ok := concludeSure(stages, layers); ok {
		return v
	}
	b.begin(stages, layers)
	access := flow.Unknown
	switch b.open[0] {
	case endAllow:
		access = flow.Allow
	case endDeny:
		access = flow.Deny
	}
	v := verdict{access: uint8(access)}
	facts := b.decisiveFacts(access == flow.Unknown)
	switch {
	case access == flow.Unknown:
		v.reason = c.verdicts.reason(c.intern.single(facts), false)
	case len(facts) > 0:
		b.nominalRule(&v)
		v.reason = c.verdicts.reason(c.intern.single(facts), true)
	default:
		b.nominalRule(&v)
		if v.rule == 0 {
			v.reason = noGroup
		}
	}
	b.certainLayers(&v)
	return v
}

// nominalRule is the rule that decides when no doubtful entry matches.
func (b *verdictBuilder) nominalRule(v *verdict) {
	for i := range b.layers {
		o := &b.layers[i]
		if o.sure == nil {
			continue
		}
		v.rule, v.layer = o.sure.Ref, uint8(b.stages[i].layer)
		if b.stages[i].endsOf(o.sure) != endPass {
			return
		}
	}
}

// decisiveFacts are those of doubtful entries whose match leads to another
// access (forAccess), or to another deciding rule, than some entry behind them.
// They are valid until the next call.
func (b *verdictBuilder) decisiveFacts(forAccess bool) []fact {
	facts := b.facts[:0]
	const both = endAllow | endDeny
	for i := range b.layers {
		o, s, last := &b.layers[i], &b.stages[i], i == len(b.layers)-1
		if s.isMissing && (!forAccess || b.open[i] == both) {
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
	b.facts = facts
	return facts
}

// certainLayers fills the rule of each layer that is surely reached and whose
// match is certain.
func (b *verdictBuilder) certainLayers(v *verdict) {
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
