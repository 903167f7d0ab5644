package index

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// A stageTable is a Stage unfolded for the remote addresses of one family: the
// outcome of the Stage for every remote row and service column. It is compiled
// once per Stage and shared by the classifiers that the Stage is part of.
type stageTable struct {
	standing
	remote4  remotes[interval.IPv4] // numbers are rows; empty for IPv6
	remote6  remotes[interval.IPv6] // numbers are rows; empty for IPv4
	services services               // classes are columns
	planes   [2]portPlane           // of services
	width    uint32
	table    cells // empty when bits is set
	outcomes []layerOutcome
	bits     *intersection // set when the table would be too large
	shelved  *shelved      // guarded by the shelf

	namesSources bool // some rule does, so an open source port is another question
}

// reset empties a table that a builder works on.
func (t *stageTable) reset(s *Stage) {
	t.standing, t.bits, t.width = s.standing, nil, 0
	t.remote4.reset()
	t.remote6.reset()
	clear(t.outcomes)
	t.table, t.outcomes = cells{wide: t.table.wide[:0]}, t.outcomes[:0]
}

// clone copies a table out of the memory of its builder, in few pieces and as few bytes
// as its numbers need.
func (t *stageTable) clone(room *outcomeRoom) *stageTable {
	out := &stageTable{standing: t.standing, width: t.width, table: t.table.clone(len(t.outcomes)), outcomes: room.clone(t.outcomes), bits: t.bits, namesSources: t.namesSources}
	out.services.group, out.services.groups = t.services.group, slices.Clone(t.services.groups)
	words, halves := 0, 0
	t.eachArray(func(list *[]uint32) { words += len(*list) }, func(list *[]uint16) { halves += len(*list) })
	room32, room16 := make([]uint32, 0, words), make([]uint16, 0, halves)
	out.remote4, out.remote6, out.planes = t.remote4.shortened(), t.remote6.shortened(), t.planes
	out.eachArray(func(list *[]uint32) { *list, room32 = moved(*list, room32) }, func(list *[]uint16) { *list, room16 = moved(*list, room16) })
	for i := range out.services.groups {
		if out.services.groups[i].ports != nil {
			out.services.groups[i].ports = &out.planes[i]
		}
	}
	return out
}

// eachArray calls the functions for the arrays of numbers that a table consists of.
func (t *stageTable) eachArray(words func(*[]uint32), halves func(*[]uint16)) {
	words(&t.remote4.zoned)
	words(&t.remote6.zoned)
	for i := range t.planes {
		p := &t.planes[i]
		words(&p.class)
		for _, ports := range [...]*ports{&p.source, &p.destination} {
			halves(&ports.starts)
			words(&ports.of)
		}
	}
}

// moved copies a list behind what is in the room.
func moved[T any](list, room []T) (at, left []T) {
	n := len(room)
	room = append(room, list...)
	return room[n:len(room):len(room)], room
}

const (
	maxIDs   = 1 << 16 // distinct outcomes of a Stage, verdicts of a classifier
	maxCells = 1 << 24 // pairs of classes that are tried for one table

	defaultMaxTable = 1 << 21 // cells of one table, kept after equal rows are merged
)

// tableKind is which questions a table answers.
type tableKind struct {
	family4    bool // remote addresses are IPv4, else IPv6
	openSource bool // the source port is left open, else it is known
}

// table returns the Stage's table of a kind, compiled on first use.
func (c *compiler) table(s *Stage, kind tableKind) *stageTable {
	t, fresh := c.findTable(s, kind)
	if fresh {
		c.shelf.put(s, t, kind)
	}
	return t
}

func (c *compiler) findTable(s *Stage, kind tableKind) (t *stageTable, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t = s.tables[kind]
	if fresh = t == nil; fresh {
		b := c.builders.take(func() *builder { return &builder{c: c, filler: filler{keyed: map[string]uint32{}}} })
		t = b.table(s, kind).clone(&b.filler.room)
		c.builders.put(b)
		if s.tables == nil {
			s.tables = map[tableKind]*stageTable{}
		}
		s.tables[kind] = t
	}
	return t, fresh
}

func (b *builder) pair(remote, service int) pair {
	return pair{b.entries, b.based, b.remote.sure.row(remote), b.columns.row(service), b.remote.doubtsOf(remote), b.columns.doubtsOf(service)}
}

// pair is a remote and a service class.
type pair struct {
	entries                     []entry
	based                       []uint64
	remote, service             []uint64
	remoteDoubts, serviceDoubts *doubts
}

// match returns the position of the first entry that surely matches in both
// classes, len(entries) for none; sure is false when an entry before it may match.
func (p *pair) match() (at int, sure bool) {
	for w := range p.remote {
		x, may := p.word(w)
		if x|may != 0 {
			at = bits.TrailingZeros64(x | may)
			return w*64 + at, may>>at&1 == 0
		}
	}
	return len(p.entries), true
}

// word returns the entries of a word that surely match and those that may.
func (p *pair) word(w int) (sure, may uint64) {
	sure = p.remote[w] & p.service[w]
	may = sure & p.based[w]
	sure &^= may
	if p.remoteDoubts != nil {
		may |= p.remoteDoubts.may[w] & p.service[w]
	}
	if p.serviceDoubts != nil {
		may |= p.remote[w] & p.serviceDoubts.may[w]
		if p.remoteDoubts != nil {
			may |= p.remoteDoubts.may[w] & p.serviceDoubts.may[w]
		}
	}
	return sure, may
}

// noMatch ends the key of a Stage in which no rule surely matches: admin rules,
// and Stages that are missing.
const noMatch = 1<<32 - 1

// key names the outcome: doubtful entries, marked, each with its facts, then the
// sure match.
func (p *pair) key(key []byte) []byte {
	for w := range p.remote {
		sure, may := p.word(w)
		end := 64
		if sure != 0 {
			end = bits.TrailingZeros64(sure)
			may &= 1<<end - 1
		}
		for ; may != 0; may &= may - 1 {
			key = p.appendDoubt(key, w*64+bits.TrailingZeros64(may))
		}
		if sure != 0 {
			return binary.LittleEndian.AppendUint32(key, uint32(w*64+end)<<1)
		}
	}
	return binary.LittleEndian.AppendUint32(key, noMatch)
}

// appendDoubt writes a doubtful entry: its position, marked, then its facts.
func (p *pair) appendDoubt(key []byte, bit int) []byte {
	facts := p.entries[bit].facts
	for _, d := range [...]*doubts{p.remoteDoubts, p.serviceDoubts} {
		if d != nil {
			facts = unionFacts(facts, d.of(bit))
		}
	}
	key = binary.LittleEndian.AppendUint32(key, uint32(bit)<<1|1)
	key = binary.LittleEndian.AppendUint32(key, uint32(len(facts)))
	for _, f := range facts {
		key = binary.LittleEndian.AppendUint32(key, uint32(f))
	}
	return key
}

// outcomeRoom holds what doubtful outcomes refer to. It reuses its memory.
type outcomeRoom struct {
	rules []doubtfulRule
	list  []*doubtfulRule
	facts []fact
	last  []*doubtfulRule // by position of the entry: most outcomes doubt it on the same facts
}

func (m *outcomeRoom) reset() {
	clear(m.rules)
	clear(m.list)
	clear(m.last)
	m.rules, m.list, m.facts = m.rules[:0], m.list[:0], m.facts[:0]
}

// read reads a key back.
func (m *outcomeRoom) read(entries []entry, key []byte) (out layerOutcome) {
	next := func() uint32 {
		x := binary.LittleEndian.Uint32(key)
		key = key[4:]
		return x
	}
	from := len(m.list)
	for {
		x := next()
		if x != noMatch && x&1 == 1 {
			first := len(m.facts)
			for range next() {
				m.facts = append(m.facts, fact(next()))
			}
			m.list = append(m.list, m.doubt(entries, int(x>>1), first))
			continue
		}
		out.may = m.list[from:len(m.list):len(m.list)]
		if x != noMatch {
			out.sure = entries[x>>1].rule
		}
		return out
	}
}

// doubt returns a doubtful entry whose facts are the last ones, from first.
func (m *outcomeRoom) doubt(entries []entry, at, first int) *doubtfulRule {
	for len(m.last) <= at {
		m.last = append(m.last, nil)
	}
	facts := m.facts[first:len(m.facts):len(m.facts)]
	if d := m.last[at]; d != nil && slices.Equal(d.facts, facts) {
		m.facts = m.facts[:first]
		return d
	}
	m.rules = append(m.rules, doubtfulRule{entries[at].rule, facts, int32(len(m.rules))})
	m.last[at] = &m.rules[len(m.rules)-1]
	return m.last[at]
}

// clone copies outcomes, and what they refer to, out of the room.
func (m *outcomeRoom) clone(list []layerOutcome) []layerOutcome {
	out := slices.Clone(list)
	if len(m.rules) == 0 {
		return out
	}
	rules, facts, n := slices.Clone(m.rules), make([]fact, 0, len(m.facts)), 0
	for i := range rules {
		rules[i].facts, facts = moved(rules[i].facts, facts)
	}
	for i := range out {
		n += len(out[i].may)
	}
	room := make([]*doubtfulRule, 0, n)
	for i := range out {
		out[i].may, room = moved(out[i].may, room)
		for j, d := range out[i].may {
			out[i].may[j] = &rules[d.number]
		}
	}
	return out
}

// layerOrder is Azure's order of the layers that stand in a classifier
// (network-security-group-how-it-works).
func layerOrder(dir flow.Direction) [3]flow.Layer {
	if dir == flow.Outbound {
		return [3]flow.Layer{flow.SecurityAdmin, flow.NetworkInterface, flow.Subnet}
	}
	return [3]flow.Layer{flow.SecurityAdmin, flow.Subnet, flow.NetworkInterface}
}
