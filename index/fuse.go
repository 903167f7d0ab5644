package index

import (
	"encoding/binary"
	"math/bits"

	"ipflow/index/interval"
	"ipflow/ingest/flow"
)

// A slot is a rule's place in the bit sets of a classifier. The slots of each
// stage start at a word boundary, so that a stage is a run of words.
type slot struct {
	e   *entry
	bit int
}

// layout places the entries of the stages.
type layout struct {
	stages []*Stage
	slots  []slot
	first  []int    // first word of each stage; first[len(stages)] is the total
	based  []uint64 // slots whose entry has facts of its own: never a sure match
	at     []*entry // entry of each bit, nil between stages
}

func newLayout(stages []*Stage) *layout {
	l := &layout{stages: stages}
	word := 0
	for _, s := range stages {
		l.first = append(l.first, word)
		for i := range s.entries {
			l.slots = append(l.slots, slot{&s.entries[i], word*64 + i})
		}
		word += (len(s.entries) + 63) / 64
	}
	l.first = append(l.first, word)
	l.based, l.at = make([]uint64, word), make([]*entry, word*64)
	for _, s := range l.slots {
		l.at[s.bit] = s.e
		if len(s.e.facts) > 0 {
			l.based[s.bit>>6] |= 1 << (s.bit & 63)
		}
	}
	return l
}

func (l *layout) words() int { return l.first[len(l.stages)] }

// remoteSpans lists where each slot's remote side matches, per family.
func (l *layout) remoteSpans() (v4 []span[interval.IPv4], v6 []span[interval.IPv6]) {
	for _, s := range l.slots {
		r := s.e.remote
		v4 = append(v4, span[interval.IPv4]{where: r.sure.v4, bit: s.bit, sure: true})
		v6 = append(v6, span[interval.IPv6]{where: r.sure.v6, bit: s.bit, sure: true})
		for _, d := range r.may {
			v4 = append(v4, span[interval.IPv4]{where: d.where.v4, bit: s.bit, fact: d.fact})
			v6 = append(v6, span[interval.IPv6]{where: d.where.v6, bit: s.bit, fact: d.fact})
		}
	}
	return v4, v6
}

// cell computes the outcome of every layer where a remote class meets a service
// class. key receives a compact name of the outcome; equal keys, equal verdicts.
func (l *layout) cell(remote, service *class, key []byte) []byte {
	key = key[:0]
	for s := range l.stages {
		if l.stages[s].entries == nil {
			continue
		}
		matched := false
		for w := l.first[s]; w < l.first[s+1] && !matched; w++ {
			sure := remote.sure[w] & service.sure[w]
			may := sure & l.based[w]
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
				key = l.appendDoubt(key, w*64+bits.TrailingZeros64(may), remote, service)
			}
			if sure != 0 {
				key = binary.LittleEndian.AppendUint32(key, uint32(w*64+end)<<1)
				matched = true
			}
		}
		if !matched {
			key = binary.LittleEndian.AppendUint32(key, noMatch)
		}
	}
	return key
}

// noMatch ends the key of a layer in which no rule surely matches: admin rules.
const noMatch = 1<<32 - 2

// appendDoubt writes a doubtful slot: its bit, marked, then its facts.
func (l *layout) appendDoubt(key []byte, bit int, remote, service *class) []byte {
	facts := unionFacts(unionFacts(l.at[bit].facts, remote.facts[bit]), service.facts[bit])
	key = binary.LittleEndian.AppendUint32(key, uint32(bit)<<1|1)
	key = binary.LittleEndian.AppendUint32(key, uint32(len(facts)))
	for _, f := range facts {
		key = binary.LittleEndian.AppendUint32(key, uint32(f))
	}
	return key
}

// outcomes reads a key back.
func (l *layout) outcomes(key []byte) []layerOutcome {
	out := make([]layerOutcome, len(l.stages))
	next := func() uint32 {
		x := binary.LittleEndian.Uint32(key)
		key = key[4:]
		return x
	}
	for s, stage := range l.stages {
		out[s].stage = stage
		if stage.entries == nil {
			continue
		}
		for {
			x := next()
			if x == noMatch {
				break
			}
			e := l.at[x>>1]
			if x&1 == 0 {
				out[s].sure = e
				break
			}
			facts := make([]fact, next())
			for i := range facts {
				facts[i] = fact(next())
			}
			out[s].may = append(out[s].may, doubtfulEntry{e, facts})
		}
	}
	return out
}

// Limits of the verdict table of one classifier and family.
const (
	maxCells = 1 << 24 // remote classes × service classes tried
	maxIDs   = 1 << 16 // distinct verdicts

	defaultMaxTable = 1 << 21 // cells kept after equal rows are merged
)

// build fuses the stages of one NIC, direction and local address. family4
// selects which remote addresses are cut: a local address has one family.
func (c *compiler) build(stages []*Stage, family4 bool) *Classifier {
	l := newLayout(stages)
	b := serviceBuilder{c: c, slots: l.slots, words: l.words(), classes: newClassTable()}
	k := &Classifier{services: b.build()}
	remotes := newClassTable()
	spans4, spans6 := l.remoteSpans()
	if family4 {
		d := sweep(spans4, 0, l.words(), remotes)
		rowOf := c.rows(k, l, remotes.list, b.classes.list)
		d.renumber(rowOf)
		for _, s := range d.starts {
			k.start4 = append(k.start4, uint32(s))
		}
		k.row = d.of
	} else {
		d := sweep(spans6, interval.IPv6{}, l.words(), remotes)
		rowOf := c.rows(k, l, remotes.list, b.classes.list)
		d.renumber(rowOf)
		k.start6, k.row = d.starts, d.of
	}
	return k
}

// rows fills the table and returns the row of each remote class; without a
// table, classes are their own rows.
func (c *compiler) rows(k *Classifier, l *layout, remotes, services []class) []uint32 {
	rowOf := make([]uint32, len(remotes))
	if c.fillTable(k, l, remotes, services, rowOf) {
		return rowOf
	}
	k.width, k.table, k.verdicts = 0, nil, nil
	k.wide = &intersection{c: c, layout: l, remotes: remotes, services: services, cache: map[string]VerdictID{}}
	for i := range rowOf {
		rowOf[i] = uint32(i)
	}
	return rowOf
}

// fillTable computes the verdict of each pair of classes and merges equal rows.
// It gives up when that would be too large.
func (c *compiler) fillTable(k *Classifier, l *layout, remotes, services []class, rowOf []uint32) bool {
	width := len(services)
	if len(remotes)*width > maxCells {
		return false
	}
	local := map[VerdictID]uint16{}
	byKey := map[string]uint16{}
	rows := map[string]uint32{}
	row := make([]uint16, width)
	rowBytes := make([]byte, 2*width)
	var key []byte
	for r := range remotes {
		for s := range services {
			key = l.cell(&remotes[r], &services[s], key)
			id, ok := byKey[string(key)]
			if !ok {
				v := c.verdicts.intern(c.conclude(l.outcomes(key)))
				if id, ok = local[v]; !ok {
					if len(k.verdicts) == maxIDs {
						return false
					}
					id = uint16(len(k.verdicts))
					local[v] = id
					k.verdicts = append(k.verdicts, v)
				}
				byKey[string(key)] = id
			}
			row[s] = id
			binary.LittleEndian.PutUint16(rowBytes[2*s:], id)
		}
		n, ok := rows[string(rowBytes)]
		if !ok {
			n = uint32(len(rows))
			if int(n+1)*width > c.maxTable {
				return false
			}
			rows[string(rowBytes)] = n
			k.table = append(k.table, row...)
		}
		rowOf[r] = n
	}
	k.width = uint32(width)
	return true
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
