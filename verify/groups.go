package verify

import (
	"ipflow/index"
	"ipflow/ingest/flow"
)

// groups sorts the rows of a batch by classifier (a counting sort: one pass to
// count, one to place 16-byte questions) and answers group by group. It belongs to
// one worker and reuses its memory.
type groups struct {
	of          []uint32            // per row: classifier number + 1, 0 for none
	count       []uint32            // by the same number: rows, then the next place
	touched     []uint32            // such numbers that have rows, without 0
	classifiers []*index.Classifier // by number + 1
	questions   []index.Query
	block       [queryBlock]index.Query
	work        index.Work
}

// queryBlock is how many rows are turned into questions before these are placed.
const queryBlock = 512

func (g *groups) begin(rows int) {
	g.of = grow(g.of, rows)
	clear(g.of)
	for _, n := range g.touched {
		g.count[n] = 0
	}
	g.touched = g.touched[:0]
}

// know returns the number + 1 by which rows are handed to a classifier.
func (g *groups) know(k *index.Classifier) uint32 {
	n := uint32(k.Number()) + 1
	for int(n) >= len(g.count) {
		g.count = append(g.count, 0)
		g.classifiers = append(g.classifiers, nil)
	}
	g.classifiers[n] = k
	return n
}

// put hands a row to a classifier by what know gave.
func (g *groups) put(row int, n uint32) {
	g.tally(n)
	g.of[row] = n
}

// tally counts a row of a classifier.
func (g *groups) tally(n uint32) {
	if g.count[n] == 0 {
		g.touched = append(g.touched, n)
	}
	g.count[n]++
}

// answer fills ids for every row that was put.
func (g *groups) answer(l *lanes, ids []ID) {
	total := uint32(0)
	for _, n := range g.touched {
		g.count[n], total = total, total+g.count[n]
	}
	g.questions = grow(g.questions, int(total))
	columns := l.rowColumns()
	for from := 0; from < len(g.of); from += queryBlock {
		g.place(l.questions(&columns, from, min(queryBlock, len(g.of)-from), &g.block))
	}
	// Now count holds where each group ends; groups stand in touched's order.
	from := uint32(0)
	for _, n := range g.touched {
		k, questions := g.classifiers[n], g.questions[from:g.count[n]]
		if from = g.count[n]; k.IPv4() {
			index.Scatter4(k, questions, ids, firstVerdict, &g.work)
		} else {
			index.Scatter6(k, questions, l.remote.v6, ids, firstVerdict, &g.work)
		}
	}
}

// place puts the questions of rows that have a classifier where its group stands.
func (g *groups) place(block []index.Query) {
	of, next, out := g.of, g.count, g.questions
	for i := range block {
		q := &block[i]
		n := of[q.Row]
		if n == 0 {
			continue
		}
		at := next[n]
		next[n] = at + 1
		out[at] = *q
	}
}

// questions turns rows into questions, in any order. Of rows without a classifier
// they may be nonsense.
func (l *lanes) questions(t *rowColumns, from, rows int, out *[queryBlock]index.Query) []index.Query {
	done := 0
	if hasVector {
		done = rows &^ (lanesWide - 1)
		if done > 0 {
			vectorQuestions(t, from, done/lanesWide, &out[0])
		}
	}
	for i := done; i < rows; i++ {
		out[i] = l.question(from + i)
	}
	return out[:rows]
}

// question is a row as a question: the plain twin of the vector loop.
func (l *lanes) question(row int) index.Query {
	source, destination := l.ports(row)
	q := index.Query{
		Row: uint32(row), Source: min(source, index.OpenSource),
		Destination: uint16(destination), Protocol: flow.Protocol(l.protocol.at(row)),
	}
	if e := l.remote.entry(row); l.remote.family[e] == 6 {
		q.Remote = e
	} else {
		q.Remote = l.remote.v4[e]
	}
	return q
}
