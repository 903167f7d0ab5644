package verify

import (
	"ipflow/index"
	"ipflow/ingest/flow"
)

// groups sorts the rows of a batch by classifier (a counting sort: one pass to
// count, one to place 12-byte questions), answers group by group, in the order of
// questions, and takes the answers back to the rows. Each pass reads or writes one
// side in its order, and the other at one place for each group. It belongs to one
// worker and reuses its memory.
type groups struct {
	of          []uint32            // per row: classifier number + 1, then 1 + the question's place; 0 for none
	count       []uint32            // by the same number: rows, then the next place
	touched     []uint32            // such numbers that have rows, without 0
	classifiers []*index.Classifier // by number + 1
	questions   []index.Query       // room for one more behind the end
	answers     []ID                // by question
	work        index.Work
}

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
	// The vector loop stores 12 bytes of 16, and the processor looks for the room of all.
	g.questions, g.answers = grow(g.questions, int(total)+1)[:total], grow(g.answers, int(total))
	g.place(l)
	// Now count holds where each group ends; groups stand in touched's order.
	from := uint32(0)
	for _, n := range g.touched {
		k, questions, answers := g.classifiers[n], g.questions[from:g.count[n]], g.answers[from:g.count[n]]
		if from = g.count[n]; k.IPv4() {
			index.Answer4(k, questions, answers, firstVerdict, &g.work)
		} else {
			index.Answer6(k, questions, l.remote.v6, answers, firstVerdict, &g.work)
		}
	}
	g.collect(ids)
}

// placeBlock is how many rows the vector loop places in one go: a collection of
// garbage waits for it.
const placeBlock = 1 << 14

// place puts the rows' questions where their groups stand.
func (g *groups) place(l *lanes) {
	done := 0
	if hasVector && len(g.questions) > 0 {
		t := l.rowColumns()
		for len(g.of)-done >= lanesWide {
			blocks := min(len(g.of)-done, placeBlock) / lanesWide
			vectorPlace(&t, done, blocks, &g.of[0], &g.count[0], &g.questions[0])
			done += blocks * lanesWide
		}
	}
	for row := done; row < len(g.of); row++ {
		if n := g.of[row]; n != 0 {
			at := g.count[n]
			g.questions[at] = l.question(row)
			g.count[n]++
			g.of[row] = at + 1
		}
	}
}

// collect takes the answers to their rows.
func (g *groups) collect(ids []ID) {
	done := 0
	if hasVector && len(g.answers) > 0 {
		for len(g.of)-done >= lanesWide {
			blocks := min(len(g.of)-done, placeBlock) / lanesWide
			vectorCollect(&ids[done:][:blocks*lanesWide][0], &g.of[done], blocks, &g.answers[0])
			done += blocks * lanesWide
		}
	}
	for row := done; row < len(g.of); row++ {
		if at := g.of[row]; at != 0 {
			ids[row] = g.answers[at-1]
		}
	}
}

// question is a row as a question: the plain twin of the vector loop.
func (l *lanes) question(row int) index.Query {
	source, destination := l.ports(row)
	q := index.Query{
		Source:      min(source, index.OpenSource),
		Destination: index.DestinationKey(flow.Protocol(l.protocol.at(row)), uint16(destination)),
	}
	if e := l.remote.entry(row); l.remote.family[e] == 6 {
		q.Remote = e
	} else {
		q.Remote = l.remote.v4[e]
	}
	return q
}
