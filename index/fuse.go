package index

import (
	"encoding/binary"
	"math/bits"
	"sync"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// A stageTable is a Stage unfolded for the remote addresses of one family: the
// outcome of the Stage for every remote class and service class. It is compiled
// once per Stage and shared by the classifiers that the Stage is part of.
type stageTable struct {
	stage    *Stage
	remote4  dimension[interval.IPv4] // of: rows; empty for IPv6
	remote6  dimension[interval.IPv6] // of: rows; empty for IPv4
	services services                 // classes are columns
	width    uint32
	table    []uint32 // row-major: outcome numbers; nil when bits is set
	outcomes []layerOutcome
	bits     *intersection // set when the table would be too large
}

// stageBits places the entries of a Stage in bit sets.
type stageBits struct {
	stage *Stage
	words int
	based []uint64 // entries with facts of their own: never a sure match
}

func newStageBits(s *Stage) stageBits {
	b := stageBits{stage: s, words: (len(s.entries) + 63) / 64}
	b.based = make([]uint64, b.words)
	for i := range s.entries {
		if len(s.entries[i].facts) > 0 {
			b.based[i>>6] |= 1 << (i & 63)
		}
	}
	return b
}

// table returns the Stage's table for a family, compiled on first use.
func (c *compiler) table(s *Stage, family4 bool) *stageTable {
	i := 0
	if !family4 {
		i = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables[i] == nil {
		s.tables[i] = c.stageTable(s, family4)
	}
	return s.tables[i]
}

func (c *compiler) stageTable(s *Stage, family4 bool) *stageTable {
	b := newStageBits(s)
	services := serviceBuilder{c: c, stage: s, words: b.words, classes: newClassTable()}
	t := &stageTable{stage: s, services: services.build()}
	remotes := newClassTable()
	if family4 {
		t.remote4 = sweep(remoteSpans(s, func(a addresses) interval.Set[interval.IPv4] { return a.v4 }), 0, b.words, remotes)
	} else {
		t.remote6 = sweep(remoteSpans(s, func(a addresses) interval.Set[interval.IPv6] { return a.v6 }), interval.IPv6{}, b.words, remotes)
	}
	if rowOf, ok := t.fill(&b, remotes.list, services.classes.list, c.maxTable); ok {
		t.remote4.renumber(rowOf)
		t.remote6.renumber(rowOf)
		table, columnOf := mergeColumns(t.table, int(t.width))
		t.width = uint32(len(table) * int(t.width) / len(t.table))
		t.table = table
		t.services.renumber(columnOf)
		return t
	}
	t.table, t.width, t.outcomes = nil, 0, nil
	t.bits = &intersection{stageBits: b, remotes: remotes.list, services: services.classes.list, numbers: map[string]uint32{}}
	return t
}

// remoteSpans lists where each entry's remote side matches.
func remoteSpans[T interval.Point[T]](s *Stage, family func(addresses) interval.Set[T]) []span[T] {
	out := make([]span[T], 0, len(s.entries))
	for i := range s.entries {
		r := s.entries[i].remote
		out = append(out, span[T]{where: family(r.sure), bit: i, sure: true})
		for _, d := range r.may {
			out = append(out, span[T]{where: family(d.where), bit: i, fact: d.fact})
		}
	}
	return out
}

// noMatch ends the key of a Stage in which no rule surely matches: admin rules,
// and Stages that are missing.
const noMatch = 1<<32 - 1

// cell names the outcome of the Stage where a remote class meets a service
// class: doubtful entries, marked, each with its facts, then the sure match.
func (b *stageBits) cell(remote, service *class, key []byte) []byte {
	key = key[:0]
	for w := range b.words {
		sure := remote.sure[w] & service.sure[w]
		may := sure & b.based[w]
		sure &^= may
		if remote.may != nil {
			may |= remote.may[w] & service.sure[w]
		}
		if service.may != nil {
			may |= remote.sure[w] & service.may[w]
			if remote.may != nil {
				may |= remote.may[w] & service.may[w]
			}
		}
		end := 64
		if sure != 0 {
			end = bits.TrailingZeros64(sure)
			may &= 1<<end - 1
		}
		for ; may != 0; may &= may - 1 {
			key = b.appendDoubt(key, w*64+bits.TrailingZeros64(may), remote, service)
		}
		if sure != 0 {
			return binary.LittleEndian.AppendUint32(key, uint32(w*64+end)<<1)
		}
	}
	return binary.LittleEndian.AppendUint32(key, noMatch)
}

// appendDoubt writes a doubtful entry: its position, marked, then its facts.
func (b *stageBits) appendDoubt(key []byte, bit int, remote, service *class) []byte {
	facts := unionFacts(unionFacts(b.stage.entries[bit].facts, remote.facts[bit]), service.facts[bit])
	key = binary.LittleEndian.AppendUint32(key, uint32(bit)<<1|1)
	key = binary.LittleEndian.AppendUint32(key, uint32(len(facts)))
	for _, f := range facts {
		key = binary.LittleEndian.AppendUint32(key, uint32(f))
	}
	return key
}

// outcome reads a key back.
func (b *stageBits) outcome(key []byte) layerOutcome {
	out := layerOutcome{stage: b.stage}
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
		e := &b.stage.entries[x>>1]
		if x&1 == 0 {
			out.sure = e
			return out
		}
		facts := make([]fact, next())
		for i := range facts {
			facts[i] = fact(next())
		}
		out.may = append(out.may, doubtfulEntry{e, facts})
	}
}

// pure returns the position of the entry that matches where neither class has
// doubts, len(entries) for none; ok is false when that entry has facts.
func (b *stageBits) pure(remote, service []uint64) (at int, ok bool) {
	for w := range b.words {
		if x := remote[w] & service[w]; x != 0 {
			at = w*64 + bits.TrailingZeros64(x)
			return at, b.based[w]>>(at&63)&1 == 0
		}
	}
	return len(b.stage.entries), true
}

// maxCells bounds the pairs of classes that are tried for one table.
const maxCells = 1 << 24

// fill computes the outcome of every pair of classes; equal rows are stored
// once, rowOf says where. It gives up when the table would be too large.
func (t *stageTable) fill(b *stageBits, remotes, services []class, maxTable int) (rowOf []uint32, ok bool) {
	width := len(services)
	if len(remotes)*width > maxCells || maxTable < 0 {
		return nil, false
	}
	t.width = uint32(width)
	rowOf = make([]uint32, len(remotes))
	plain := make([]uint32, len(b.stage.entries)+1) // outcome number + 1 of each pure match
	keyed := map[string]uint32{}
	rows := map[string]uint32{}
	row, rowBytes, key := make([]uint32, width), make([]byte, 4*width), []byte(nil)
	for r := range remotes {
		for s := range services {
			x, y := &remotes[r], &services[s]
			at, pure := 0, false
			if x.may == nil && y.may == nil {
				at, pure = b.pure(x.sure, y.sure)
			}
			if pure {
				if plain[at] == 0 {
					key = b.cell(x, y, key)
					t.outcomes = append(t.outcomes, b.outcome(key))
					plain[at] = uint32(len(t.outcomes))
				}
				row[s] = plain[at] - 1
			} else {
				key = b.cell(x, y, key)
				n, known := keyed[string(key)]
				if !known {
					n = uint32(len(t.outcomes))
					t.outcomes = append(t.outcomes, b.outcome(key))
					keyed[string(key)] = n
				}
				row[s] = n
			}
			binary.LittleEndian.PutUint32(rowBytes[4*s:], row[s])
		}
		n, known := rows[string(rowBytes)]
		if !known {
			n = uint32(len(rows))
			if int(n+1)*width > maxTable {
				return nil, false
			}
			rows[string(rowBytes)] = n
			t.table = append(t.table, row...)
		}
		rowOf[r] = n
	}
	return rowOf, true
}

// renumber replaces classes by rows and joins neighbours that became equal.
func (d *dimension[T]) renumber(to []uint32) {
	n := 0
	for i := range d.of {
		row := to[d.of[i]]
		if n > 0 && d.of[n-1] == row {
			continue
		}
		d.starts[n], d.of[n] = d.starts[i], row
		n++
	}
	d.starts, d.of = append([]T(nil), d.starts[:n]...), append([]uint32(nil), d.of[:n]...)
}

// outcome numbers the outcome of the Stage for a remote row and service column.
func (t *stageTable) outcome(row, column uint32) uint32 {
	if t.bits != nil {
		return t.bits.at(row, column)
	}
	return t.table[row*t.width+column]
}

// get returns an outcome by its number.
func (t *stageTable) get(number uint32) layerOutcome {
	if t.bits != nil {
		return t.bits.get(number)
	}
	return t.outcomes[number]
}

// intersection answers for a Stage whose table would be too large: the bit sets
// of both classes are intersected per question. Rows and columns are classes.
type intersection struct {
	stageBits
	remotes, services []class

	mu       sync.RWMutex
	numbers  map[string]uint32 // outcome key → number
	outcomes []layerOutcome
}

func (x *intersection) at(remote, service uint32) uint32 {
	var buf [64]byte
	key := x.cell(&x.remotes[remote], &x.services[service], buf[:0])
	x.mu.RLock()
	n, ok := x.numbers[string(key)]
	x.mu.RUnlock()
	if ok {
		return n
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if n, ok = x.numbers[string(key)]; ok {
		return n
	}
	n = uint32(len(x.outcomes))
	x.outcomes = append(x.outcomes, x.outcome(key))
	x.numbers[string(key)] = n
	return n
}

func (x *intersection) get(number uint32) layerOutcome {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.outcomes[number]
}

func forEachBit(words []uint64, f func(bit int)) {
	for w, x := range words {
		for ; x != 0; x &= x - 1 {
			f(w*64 + bits.TrailingZeros64(x))
		}
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
