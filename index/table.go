package index

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sync/atomic"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// A stageTable is a Stage unfolded for the remote addresses of one family: the
// outcome of the Stage for every remote row and service column. It is compiled
// once per Stage and shared by the classifiers that the Stage is part of.
type stageTable struct {
	stage    *Stage
	remote4  remotes[interval.IPv4] // numbers are rows; empty for IPv6
	remote6  remotes[interval.IPv6] // numbers are rows; empty for IPv4
	services services               // classes are columns
	planes   [2]portPlane           // of services
	width    uint32
	table    []uint16 // row-major: outcome numbers; nil when bits is set
	outcomes []layerOutcome
	doubtful outcomeRoom
	bits     *intersection // set when the table would be too large
	kept     atomic.Bool   // a chain reads it: it may not be used again

	namesSources bool // some rule does, so an open source port is another question
}

// reset empties a table that was used before.
func (t *stageTable) reset(s *Stage) {
	t.stage, t.bits, t.width = s, nil, 0
	t.remote4.reset()
	t.remote6.reset()
	clear(t.outcomes)
	t.table, t.outcomes = t.table[:0], t.outcomes[:0]
	t.doubtful.reset()
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
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[kind]
	if t == nil {
		b := c.builders.take(func() *builder { return &builder{c: c, keyed: map[string]uint32{}} })
		t = b.table(s, kind)
		c.builders.put(b)
		if s.tables == nil {
			s.tables = map[tableKind]*stageTable{}
		}
		s.tables[kind] = t
	}
	return t
}

// tableMaker collects the rows of a table, equal rows and columns once. It reuses
// its memory.
type tableMaker struct {
	row      []uint16 // the row that endRow is to take
	rowOf    []uint32 // where each row that was given is
	columnOf []uint32 // where each column is; valid after mergeColumns
	cells    []uint16 // row-major, width columns; valid after mergeColumns, until begin
	width    int

	rows    rowSet[uint16]
	places  weights
	hashes  []uint64 // of each column, over all rows that were given
	columns rowSet[uint64]
	first   []int
	narrow  []uint16 // rows without the columns that are equal to one before
}

func (t *tableMaker) begin(width int) {
	t.row, t.rowOf, t.width = slices.Grow(t.row[:0], width)[:width], t.rowOf[:0], width
	t.hashes = fill(t.hashes, width, 0)
	t.rows.reset(width)
}

// endRow takes the row and returns the cells so far.
func (t *tableMaker) endRow() int {
	hash, weight := uint64(0), scramble(uint64(len(t.rowOf))+1)|1
	row := t.row
	places, hashes := t.places.upTo(len(row)), t.hashes[:len(row)]
	for s, x := range row {
		hash += uint64(x+1) * places[s]
		hashes[s] += uint64(x+1) * weight
	}
	n, _ := t.rows.ofHashed(row, hash)
	t.rowOf = append(t.rowOf, n)
	return t.rows.len() * t.width
}

func (t *tableMaker) height() int { return t.rows.len() }

// mergeColumns joins equal columns.
func (t *tableMaker) mergeColumns() {
	table, width := t.rows.rows, t.width
	t.columns.reset(1)
	t.columnOf, t.first = t.columnOf[:0], t.first[:0]
	for s := range width {
		n, fresh := t.columns.of(t.hashes[s : s+1])
		if !fresh && !equalColumns(table, width, s, t.first[n]) {
			n, fresh = t.columns.add(t.hashes[s:s+1]), true
		}
		if fresh {
			t.first = append(t.first, s)
		}
		t.columnOf = append(t.columnOf, n)
	}
	if t.width = len(t.first); t.width == width {
		t.cells = table
		return
	}
	t.narrow = slices.Grow(t.narrow[:0], t.height()*t.width)
	for r := range t.height() {
		row := table[r*width : (r+1)*width]
		for _, s := range t.first {
			t.narrow = append(t.narrow, row[s])
		}
	}
	t.cells = t.narrow
}

func equalColumns(table []uint16, width, a, b int) bool {
	for r := 0; r < len(table); r += width {
		if table[r+a] != table[r+b] {
			return false
		}
	}
	return true
}

// finish computes the outcomes of all pairs of classes, or leaves that for each
// question where there would be too many.
func (b *builder) finish(t *stageTable) {
	if !b.fill(t) {
		t.table, t.width, t.outcomes = nil, 0, nil
		t.bits = newIntersection(b)
		return
	}
	t.table, t.width = append(t.table[:0], b.made.cells...), uint32(b.made.width)
	t.remote4.renumber(b.made.rowOf, &b.blocks)
	t.remote6.renumber(b.made.rowOf, &b.blocks)
	b.merger.renumber(&t.services, b.made.columnOf)
}

// fill computes the outcome of every pair of classes. It gives up when the table
// would be too large.
func (b *builder) fill(t *stageTable) (ok bool) {
	height, width := b.remote.len(), b.columns.len()
	if height*width > maxCells || b.c.maxTable < 0 {
		return false
	}
	b.plain = fill(b.plain, len(b.entries)+1, 0) // outcome number + 1 of each sure match
	clear(b.keyed)
	b.made.begin(width)
	for r := range height {
		switch {
		case b.remote.doubtsOf(r) == nil && b.words == 1:
			b.shortRow(t, r)
		case b.remote.doubtsOf(r) == nil:
			b.longRow(t, r)
		default:
			for s := range width {
				b.made.row[s] = b.outcomeOf(t, r, s)
			}
		}
		if b.made.endRow() > b.c.maxTable || len(t.outcomes) > maxIDs {
			return false
		}
	}
	b.made.mergeColumns()
	return true
}

// shortRow is a row of a Stage whose entries fit into one word, nearly all of them.
func (b *builder) shortRow(t *stageTable, r int) {
	remote, based := b.remote.sure.rows[r], b.based[0]
	row := b.made.row
	for s, service := range b.columns.sure[:len(row)] {
		x := remote & service
		at := bits.TrailingZeros64(x)
		if x == 0 {
			at = len(b.entries)
		}
		if n := b.plain[at]; n != 0 && x&-x&based == 0 && (s >= len(b.columns.doubts) || b.columns.doubts[s] == nil) {
			row[s] = uint16(n - 1)
		} else {
			row[s] = b.outcomeOf(t, r, s)
		}
	}
}

// longRow is shortRow for any number of words.
func (b *builder) longRow(t *stageTable, r int) {
	remote := b.remote.sure.row(r)
	row := b.made.row
	for s := range row {
		at, sure := len(b.entries), s >= len(b.columns.doubts) || b.columns.doubts[s] == nil
		service := b.columns.row(s)
		for w, x := range remote {
			if x &= service[w]; x != 0 {
				at = w*64 + bits.TrailingZeros64(x)
				sure = sure && x&-x&b.based[w] == 0
				break
			}
		}
		if n := b.plain[at]; n != 0 && sure {
			row[s] = uint16(n - 1)
		} else {
			row[s] = b.outcomeOf(t, r, s)
		}
	}
}

// outcomeOf numbers the outcome where a remote and a service class meet.
func (b *builder) outcomeOf(t *stageTable, r, s int) uint16 {
	p := b.pair(r, s)
	at, sure := p.match()
	if !sure {
		b.key = p.key(b.key[:0])
		n, known := b.keyed[string(b.key)]
		if !known {
			n = uint32(len(t.outcomes))
			t.outcomes = append(t.outcomes, t.doubtful.read(b.entries, b.key))
			b.keyed[string(b.key)] = n
		}
		return uint16(n)
	}
	if b.plain[at] == 0 {
		t.outcomes = append(t.outcomes, b.sureOutcome(at))
		b.plain[at] = uint32(len(t.outcomes))
	}
	return uint16(b.plain[at] - 1)
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

// sureOutcome is the outcome when an entry surely matches; none when at is past
// the entries.
func (b *builder) sureOutcome(at int) layerOutcome {
	if at == len(b.entries) {
		return layerOutcome{}
	}
	return layerOutcome{sure: b.entries[at].rule}
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
	facts []fact
}

func (m *outcomeRoom) reset() {
	clear(m.rules)
	m.rules, m.facts = m.rules[:0], m.facts[:0]
}

// read reads a key back.
func (m *outcomeRoom) read(entries []entry, key []byte) (out layerOutcome) {
	next := func() uint32 {
		x := binary.LittleEndian.Uint32(key)
		key = key[4:]
		return x
	}
	from := len(m.rules)
	for {
		x := next()
		if x != noMatch && x&1 == 1 {
			first := len(m.facts)
			for range next() {
				m.facts = append(m.facts, fact(next()))
			}
			m.rules = append(m.rules, doubtfulRule{entries[x>>1].rule, m.facts[first:len(m.facts):len(m.facts)]})
			continue
		}
		out.may = m.rules[from:len(m.rules):len(m.rules)]
		if x != noMatch {
			out.sure = entries[x>>1].rule
		}
		return out
	}
}

// layerOrder is Azure's order of the layers that stand in a classifier
// (network-security-group-how-it-works).
func layerOrder(dir flow.Direction) [3]flow.Layer {
	if dir == flow.Outbound {
		return [3]flow.Layer{flow.SecurityAdmin, flow.NetworkInterface, flow.Subnet}
	}
	return [3]flow.Layer{flow.SecurityAdmin, flow.Subnet, flow.NetworkInterface}
}
