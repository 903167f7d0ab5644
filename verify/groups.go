package verify

import (
	"encoding/binary"

	"ipflow/index"
	"ipflow/ingest/flow"
)

// groups sorts the rows of a batch by classifier (a counting sort: one pass to
// count, one to place 16- or 32-byte questions) and answers group by group. It
// belongs to one worker and reuses its memory.
type groups struct {
	of          []uint32            // per row: classifier number + 1, 0 for none
	count       []uint32            // per classifier number: rows, then the next place
	touched     []uint32            // classifier numbers with rows
	classifiers []*index.Classifier // by number
	v4          []index.Query4
	v6          []index.Query6
}

func (g *groups) begin(rows int) {
	g.of = resize(g.of, rows, 0)
	for _, n := range g.touched {
		g.count[n] = 0
	}
	g.touched = g.touched[:0]
}

// know returns the number by which rows are handed to a classifier.
func (g *groups) know(k *index.Classifier) uint32 {
	n := uint32(k.Number())
	for int(n) >= len(g.count) {
		g.count = append(g.count, 0)
		g.classifiers = append(g.classifiers, nil)
	}
	g.classifiers[n] = k
	return n
}

// put hands a row to the classifier of a number that know gave.
func (g *groups) put(row int, n uint32) {
	if g.count[n] == 0 {
		g.touched = append(g.touched, n)
	}
	g.count[n]++
	g.of[row] = n + 1
}

// answer fills ids for every row that was put.
func (g *groups) answer(l *lanes, ids []ID) {
	n4, n6 := uint32(0), uint32(0)
	for _, n := range g.touched {
		next := &n4
		if !g.classifiers[n].IPv4() {
			next = &n6
		}
		g.count[n], *next = *next, *next+g.count[n]
	}
	g.v4, g.v6 = grow(g.v4, int(n4)), grow(g.v6, int(n6))
	for i, of := range g.of {
		if of == 0 {
			continue
		}
		place := &g.count[of-1]
		source, destination := l.ports(i)
		if source > index.OpenSource {
			source = index.OpenSource
		}
		protocol, e := flow.Protocol(l.protocol.at(i)), l.remote.entry(i)
		if l.remote.family[e] == 4 {
			g.v4[*place] = index.Query4{Remote: l.remote.v4[e], Row: uint32(i), Source: source, Destination: uint16(destination), Protocol: protocol}
		} else {
			a := &l.remote.v6[e]
			g.v6[*place] = index.Query6{
				Hi: binary.BigEndian.Uint64(a[:8]), Lo: binary.BigEndian.Uint64(a[8:]),
				Row: uint32(i), Source: source, Destination: uint16(destination), Protocol: protocol,
			}
		}
		*place++
	}
	// Now count holds where each group ends; groups stand in touched's order.
	from4, from6 := uint32(0), uint32(0)
	for _, n := range g.touched {
		k, end := g.classifiers[n], g.count[n]
		if k.IPv4() {
			index.Scatter4(k, g.v4[from4:end], ids, firstVerdict)
			from4 = end
		} else {
			index.Scatter6(k, g.v6[from6:end], ids, firstVerdict)
			from6 = end
		}
	}
}
