package index

import (
	"encoding/binary"
	"slices"
	"strings"
	"sync"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// fact is a fact by number. Texts are interned from 0 up. Facts about one rule
// alone, of which a large estate has millions, are negative and have no text until
// one is asked for.
type fact int32

// ruleFact is a kind of fact about one rule.
type ruleFact int32

const (
	icmpOnIPv6 ruleFact = iota
	portsOnPortless
	sourcePortUnspecified
	ruleFacts // how many there are
)

var ruleFactText = [ruleFacts]string{"icmp-on-ipv6:", "ports-on-portless:", "source-port-unspecified:"}

// factOf returns a fact about a rule. Admin rules stand in several lists, under a
// number each: their facts are interned, so that equal texts are one fact.
func (c *compiler) factOf(kind ruleFact, r *network.Rule) fact {
	if r.Kind == network.AdminRule {
		return c.intern.fact(ruleFactText[kind] + r.ID)
	}
	return -1 - fact(r.Ref)*fact(ruleFacts) - fact(kind)
}

// text returns the fact as written in reasons.
func (c *compiler) text(f fact) string {
	if f >= 0 {
		return c.intern.text(f)
	}
	n := -1 - f
	return ruleFactText[n%fact(ruleFacts)] + c.net.Rule(flow.RuleRef(n/fact(ruleFacts))).ID
}

// names returns the facts as sorted distinct texts.
func (c *compiler) names(facts []fact) []string {
	if len(facts) == 0 {
		return nil
	}
	var out []string
	for _, f := range facts {
		out = append(out, strings.Split(c.text(f), ",")...) // one may hold several
	}
	slices.Sort(out)
	return slices.Compact(out)
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

// VerdictID is the position of a verdict in its index's table. Equal verdicts
// have equal ids.
type VerdictID uint32

// A verdict is a flow.Verdict in numbers.
type verdict struct {
	access, layer      uint8
	rule               flow.RuleRef
	admin, subnet, nic flow.RuleRef
	reason             int32 // position in reasons
}

// reasons that have no facts.
const (
	noReason int32 = iota
	noGroup        // flow.ReasonNoNSG
	firstReason
)

const verdictWords = 6

func (v *verdict) words() [verdictWords]uint32 {
	return [verdictWords]uint32{
		uint32(v.access)<<8 | uint32(v.layer), uint32(v.rule), uint32(v.admin), uint32(v.subnet), uint32(v.nic), uint32(v.reason),
	}
}

// verdictTable holds the distinct verdicts, 24 bytes and the place in a hash table
// each. It may be used concurrently.
type verdictTable struct {
	mu      sync.RWMutex
	rows    rowSet[uint32]
	reasons []string // by number less firstReason: uncertain or not, then the facts, as bytes
	ids     map[string]int32
}

func newVerdictTable() *verdictTable {
	t := &verdictTable{ids: map[string]int32{}}
	t.rows.reset(verdictWords)
	return t
}

func (t *verdictTable) intern(v verdict) VerdictID {
	row := v.words()
	t.mu.Lock()
	defer t.mu.Unlock()
	n, _ := t.rows.of(row[:])
	return VerdictID(n)
}

// reason numbers a list of facts, or of those that make only the rule uncertain.
func (t *verdictTable) reason(c *compiler, facts []fact, ruleUncertain bool) int32 {
	key := []byte{0}
	if ruleUncertain {
		key[0] = 1
	}
	for _, f := range c.intern.single(facts) {
		key = binary.LittleEndian.AppendUint32(key, uint32(f))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n, ok := t.ids[string(key)]
	if !ok {
		n = firstReason + int32(len(t.reasons))
		t.reasons = append(t.reasons, string(key))
		t.ids[t.reasons[len(t.reasons)-1]] = n
	}
	return n
}

func (t *verdictTable) get(c *compiler, id VerdictID) flow.Verdict {
	t.mu.RLock()
	row := t.rows.row(int(id))
	reason := int32(row[5])
	v := flow.Verdict{
		Access: flow.Access(row[0] >> 8), Layer: flow.Layer(row[0] & 0xff), Rule: flow.RuleRef(row[1]),
		AdminRule: flow.RuleRef(row[2]), SubnetRule: flow.RuleRef(row[3]), NICRule: flow.RuleRef(row[4]),
	}
	key := ""
	if reason >= firstReason {
		key = t.reasons[reason-firstReason]
	}
	t.mu.RUnlock()
	switch {
	case reason == noGroup:
		v.Reason = flow.ReasonNoNSG
	case key != "":
		facts := make([]fact, 0, len(key)/4)
		for b := []byte(key[1:]); len(b) > 0; b = b[4:] {
			facts = append(facts, fact(binary.LittleEndian.Uint32(b)))
		}
		if key[0] == 1 {
			v.Reason = flow.ReasonRuleUncertain
		}
		v.Reason += strings.Join(c.names(facts), ",")
	}
	return v
}

// access is get's Access alone.
func (t *verdictTable) access(id VerdictID) flow.Access {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return flow.Access(t.rows.row(int(id))[0] >> 8)
}

func (t *verdictTable) len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.rows.len()
}
