package index

import (
	"strings"
	"sync"

	"ipflow/ingest/flow"
)

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

// verdictTable holds the distinct verdicts, 24 bytes each. Those of a large estate
// are millions: they stand in blocks, which need no copying when there are more. It
// may be used concurrently.
type verdictTable struct {
	mu     sync.RWMutex
	count  int
	blocks [][]uint32 // blockVerdicts verdicts each
	slots  []uint64   // open addressing: id + 1, and above it as many bits of the hash; 0 is free

	reasons factLists // by number less firstReason: uncertain or not, then the facts
}

const blockVerdicts = 1 << 12

func (t *verdictTable) row(id int) []uint32 {
	at := id % blockVerdicts * verdictWords
	return t.blocks[id/blockVerdicts][at : at+verdictWords]
}

func (t *verdictTable) intern(v verdict) VerdictID {
	row := v.words()
	return t.internAll(row[:], []uint64{scramble(hashRow(row[:]))})[0]
}

// internAll numbers verdicts, given as their words and the scrambled hashRow of
// each.
func (t *verdictTable) internAll(rows []uint32, hashes []uint64) []VerdictID {
	ids := make([]VerdictID, len(hashes))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reserve(len(hashes))
	for i, hash := range hashes {
		ids[i] = t.of(rows[i*verdictWords:(i+1)*verdictWords], hash)
	}
	return ids
}

func (t *verdictTable) of(row []uint32, hash uint64) VerdictID {
	mask := uint64(len(t.slots) - 1)
	i := hash & mask
	for ; t.slots[i] != 0; i = (i + 1) & mask {
		if t.slots[i]>>32 == hash>>32 {
			if id := int(uint32(t.slots[i])) - 1; equalRows(t.row(id), row) {
				return VerdictID(id)
			}
		}
	}
	if t.count%blockVerdicts == 0 {
		var block []uint32
		if t.count > 0 { // small networks are compiled by the thousand
			block = make([]uint32, 0, blockVerdicts*verdictWords)
		}
		t.blocks = append(t.blocks, block)
	}
	last := &t.blocks[len(t.blocks)-1]
	*last = append(*last, row...)
	t.count++
	t.slots[i] = hash>>32<<32 | uint64(t.count)
	return VerdictID(t.count - 1)
}

// reserve makes room for so many more.
func (t *verdictTable) reserve(more int) {
	n := max(len(t.slots), leastSlots)
	for n < 2*(t.count+more) {
		n *= 2
	}
	if n == len(t.slots) {
		return
	}
	t.slots = make([]uint64, n)
	mask := uint64(n - 1)
	for id := range t.count {
		hash := scramble(hashRow(t.row(id)))
		i := hash & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = hash>>32<<32 | uint64(id+1)
	}
}

// reason numbers a list of facts, or of those that make only the rule uncertain.
// The facts are sorted and once each, and each is one text (interner.single).
func (t *verdictTable) reason(facts []fact, ruleUncertain bool) int32 {
	uncertain := fact(0)
	if ruleUncertain {
		uncertain = 1
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return firstReason + t.reasons.of(uncertain, facts)
}

func (t *verdictTable) get(c *compiler, id VerdictID) flow.Verdict {
	t.mu.RLock()
	row := t.row(int(id))
	reason := int32(row[5])
	v := flow.Verdict{
		Access: flow.Access(row[0] >> 8), Layer: flow.Layer(row[0] & 0xff), Rule: flow.RuleRef(row[1]),
		AdminRule: flow.RuleRef(row[2]), SubnetRule: flow.RuleRef(row[3]), NICRule: flow.RuleRef(row[4]),
	}
	var why []fact
	if reason >= firstReason {
		why = t.reasons.list(reason - firstReason)
	}
	t.mu.RUnlock()
	switch {
	case reason == noGroup:
		v.Reason = flow.ReasonNoNSG
	case len(why) > 0:
		if why[0] == 1 {
			v.Reason = flow.ReasonRuleUncertain
		}
		v.Reason += strings.Join(c.names(why[1:]), ",")
	}
	return v
}

// access is get's Access alone.
func (t *verdictTable) access(id VerdictID) flow.Access {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return flow.Access(t.row(int(id))[0] >> 8)
}

func (t *verdictTable) len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.count
}

// factLists numbers distinct lists of facts, each behind a first word. They stand
// in one array, which only grows.
type factLists struct {
	words []fact
	ends  []uint32 // of list n in words
	slots []uint32 // open addressing: number + 1, 0 is free
}

// list is list n with its first word. It stays as it is when more are added.
func (l *factLists) list(n int32) []fact {
	from := uint32(0)
	if n > 0 {
		from = l.ends[n-1]
	}
	return l.words[from:l.ends[n]:l.ends[n]]
}

func (l *factLists) of(first fact, facts []fact) int32 {
	if 2*(len(l.ends)+1) > len(l.slots) {
		l.grow()
	}
	mask := uint64(len(l.slots) - 1)
	i := hashFacts(first, facts) & mask
	for ; l.slots[i] != 0; i = (i + 1) & mask {
		n := int32(l.slots[i]) - 1
		if known := l.list(n); len(known) == len(facts)+1 && known[0] == first && equalRows(facts, known[1:]) {
			return n
		}
	}
	l.words = append(append(l.words, first), facts...)
	l.ends = append(l.ends, uint32(len(l.words)))
	l.slots[i] = uint32(len(l.ends))
	return int32(len(l.ends)) - 1
}

func (l *factLists) grow() {
	n := leastSlots
	for n < 4*(len(l.ends)+1) {
		n *= 2
	}
	l.slots = make([]uint32, n)
	mask := uint64(n - 1)
	for list := range l.ends {
		words := l.list(int32(list))
		i := hashFacts(words[0], words[1:]) & mask
		for l.slots[i] != 0 {
			i = (i + 1) & mask
		}
		l.slots[i] = uint32(list + 1)
	}
}

func hashFacts(first fact, facts []fact) uint64 {
	h := uint64(uint32(first))
	for _, f := range facts {
		h = scramble(h ^ uint64(uint32(f)))
	}
	return scramble(h)
}
