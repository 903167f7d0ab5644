package index

import (
	"encoding/binary"
	"math/bits"

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
	width    uint32
	table    []uint16 // row-major: outcome numbers; nil when bits is set
	outcomes []layerOutcome
	bits     *intersection // set when the table would be too large
}

const (
	maxIDs   = 1 << 16 // distinct outcomes of a Stage, verdicts of a classifier
	maxCells = 1 << 24 // pairs of classes that are tried for one table

	defaultMaxTable = 1 << 21 // cells of one table, kept after equal rows are merged
)

// table returns the Stage's table for a family, compiled on first use.
func (c *compiler) table(s *Stage, family4 bool) *stageTable {
	i := 0
	if !family4 {
		i = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables[i] == nil {
		b := c.builders.Get().(*builder)
		s.tables[i] = b.table(s, family4)
		c.builders.Put(b)
	}
	return s.tables[i]
}

// finish computes the outcomes of all pairs of classes, or leaves that for each
// question where there would be too many.
func (b *builder) finish(t *stageTable) {
	rowOf, columnOf, ok := b.fill(t)
	if ok {
		t.remote4.renumber(rowOf)
		t.remote6.renumber(rowOf)
		t.services.renumber(columnOf)
		return
	}
	t.table, t.width, t.outcomes = nil, 0, nil
	t.bits = newIntersection(b)
}

// fill computes the outcome of every pair of classes; equal rows and equal columns
// are stored once. It gives up when the table would be too large.
func (b *builder) fill(t *stageTable) (rowOf, columnOf []uint32, ok bool) {
	height, width := b.remote.len(), b.columns.len()
	if height*width > maxCells || b.c.maxTable < 0 {
		return nil, nil, false
	}
	plain := make([]uint32, len(b.entries)+1) // outcome number + 1 of each sure match
	keyed := map[string]uint32{}
	var key []byte
	doubtful := func(r, s int) uint32 {
		key = b.outcomeKey(r, s, key[:0])
		n, known := keyed[string(key)]
		if !known {
			n = uint32(len(t.outcomes))
			t.outcomes = append(t.outcomes, b.outcome(key))
			keyed[string(key)] = n
		}
		return n
	}
	b.rows.reset(width)
	b.row = append(b.row[:0], make([]uint16, width)...)
	places := b.places.upTo(width)
	rowOf = make([]uint32, height)
	for r := range rowOf {
		hash := uint64(0)
		for s := range b.row {
			p := b.pair(r, s)
			at, pure := p.match()
			var n uint32
			if !pure || p.remoteDoubts != nil || p.serviceDoubts != nil {
				n = doubtful(r, s)
			} else {
				if plain[at] == 0 {
					t.outcomes = append(t.outcomes, b.sureOutcome(at))
					plain[at] = uint32(len(t.outcomes))
				}
				n = plain[at] - 1
			}
			b.row[s] = uint16(n)
			hash += uint64(n+1) * places[s]
		}
		if len(t.outcomes) > maxIDs {
			return nil, nil, false
		}
		rowOf[r], _ = b.rows.ofHashed(b.row, hash)
		if b.rows.len()*width > b.c.maxTable {
			return nil, nil, false
		}
	}
	t.table, columnOf = mergeColumns(b.rows.rows, width, &b.places)
	t.width = uint32(len(t.table) / b.rows.len())
	return rowOf, columnOf, true
}

// match returns the position of the first entry that surely matches in both
// classes, len(entries) for none; pure is false when that entry has facts.
func (p *pair) match() (at int, pure bool) {
	for w, x := range p.remote {
		if x &= p.service[w]; x != 0 {
			at = bits.TrailingZeros64(x)
			return w*64 + at, p.based[w]>>at&1 == 0
		}
	}
	return len(p.entries), true
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

// outcomeKey names the outcome where a remote class meets a service class.
func (b *builder) outcomeKey(remote, service int, key []byte) []byte {
	p := b.pair(remote, service)
	return p.key(key)
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

// key names the outcome: doubtful entries, marked, each with its facts, then the
// sure match.
func (p *pair) key(key []byte) []byte {
	for w := range p.remote {
		sure := p.remote[w] & p.service[w]
		may := sure & p.based[w]
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

// outcome reads a key back.
func (b *builder) outcome(key []byte) layerOutcome { return readOutcome(b.entries, key) }

func readOutcome(entries []entry, key []byte) (out layerOutcome) {
	next := func() uint32 {
		x := binary.LittleEndian.Uint32(key)
		key = key[4:]
		return x
	}
	for {
		x := next()
		if x == noMatch {
			return out
		}
		e := &entries[x>>1]
		if x&1 == 0 {
			out.sure = e.rule
			return out
		}
		facts := make([]fact, next())
		for i := range facts {
			facts[i] = fact(next())
		}
		out.may = append(out.may, doubtfulRule{e.rule, facts})
	}
}

// mergeColumns joins equal columns of a row-major table; columnOf says where each
// went.
func mergeColumns(table []uint16, width int, places *weights) (merged []uint16, columnOf []uint32) {
	height := len(table) / width
	hashes, weight := make([]uint64, width), places.upTo(height)
	for r := range height {
		w := weight[r]
		for s, x := range table[r*width : (r+1)*width] {
			hashes[s] += uint64(x+1) * w
		}
	}
	columnOf = make([]uint32, width)
	var first []int // a column of each kind
	byHash := make(map[uint64]uint32, width)
	for s, h := range hashes {
		n, ok := byHash[h]
		if ok = ok && equalColumns(table, width, s, first[n]); !ok {
			n = uint32(len(first)) // of two columns with one hash the second is not found again: it stays
			byHash[h] = n
			first = append(first, s)
		}
		columnOf[s] = n
	}
	merged = make([]uint16, 0, height*len(first))
	for r := range height {
		row := table[r*width : (r+1)*width]
		for _, s := range first {
			merged = append(merged, row[s])
		}
	}
	return merged, columnOf
}

func equalColumns(table []uint16, width, a, b int) bool {
	for r := 0; r < len(table); r += width {
		if table[r+a] != table[r+b] {
			return false
		}
	}
	return true
}

// layerOrder is Azure's order of the layers that stand in a classifier
// (network-security-group-how-it-works).
func layerOrder(dir flow.Direction) [3]flow.Layer {
	if dir == flow.Outbound {
		return [3]flow.Layer{flow.SecurityAdmin, flow.NetworkInterface, flow.Subnet}
	}
	return [3]flow.Layer{flow.SecurityAdmin, flow.Subnet, flow.NetworkInterface}
}
