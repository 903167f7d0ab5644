package flowfile

import (
	"bytes"
	"math/bits"
	"unicode/utf8"

	"ipflow/ingest/column"
)

// cutRows is the number of records that are cut into fields before the columns
// take them: their text is still in the nearest cache then.
const cutRows = 128

// cutter cuts records of plain fields into fields of known number, many records at
// a time, and says where the fields are in place of copying them.
type cutter struct {
	delimiter byte
	fields    [][]column.Span // by field of a record, then by row
	rows      [cutRows]bool   // false for rows of another number of fields
	bad       int             // such rows
	quotes    int             // in the text
	around    int             // of these, around fields
	store     []column.Span   // of fields
	masks     []uint64        // of scan
}

func newCutter(delimiter byte, width int) *cutter {
	c := &cutter{delimiter: delimiter, store: make([]column.Span, width*cutRows)}
	for f := range width {
		c.fields = append(c.fields, c.store[f*cutRows:(f+1)*cutRows])
	}
	return c
}

// slack is the number of bytes that must follow a block's data: scan looks at 64
// bytes at a time.
const slack = 64 + column.SpanSlack

// cut cuts at most cutRows records and reports whether it could: they must be UTF-8
// and have no quotes but those around whole fields. data ends slack bytes after the
// block's. The fields of bad rows are empty.
func (c *cutter) cut(data []byte, recs []span, quotes bool) bool {
	from, end := recs[0].first, recs[len(recs)-1].end
	text := data[from:end]
	c.bad, c.around, c.quotes = 0, 0, 0
	if quotes {
		c.quotes = bytes.Count(text, []byte{'"'})
	}
	blocks := (len(text) + 63) / 64
	if cap(c.masks) <= blocks {
		c.masks = make([]uint64, blocks+blocks/4+1)
	}
	masks := append(c.masks[:blocks], 1) // the last a stop behind the text
	if scan(masks[:blocks], data[from:], c.delimiter) && !utf8.Valid(text) {
		return false
	}
	m := marks{masks: masks, word: masks[0], base: from}
	for row, rec := range recs {
		if c.rows[row] = c.one(data, &m, row, rec.first, rec.end); c.rows[row] {
			continue
		}
		c.bad++
		for f := range c.fields {
			c.fields[f][row] = column.Span{}
		}
	}
	// A field that stands in quotes has at least these two, so the numbers are
	// equal only where no field has others.
	return c.around == c.quotes && (c.bad == 0 || c.quotes == 0)
}

// marks are the delimiters of a text from the one at work on.
type marks struct {
	masks []uint64
	word  uint64 // what is left of the mask at work
	at    int    // of that mask
	base  uint32 // offset of the text
}

// next returns the offset of the delimiter at work; pass goes on to the one after.
func (m *marks) next() uint32 {
	for m.word == 0 {
		m.at++
		m.word = m.masks[m.at]
	}
	return m.base + uint32(m.at<<6+bits.TrailingZeros64(m.word))
}

func (m *marks) pass() { m.word &= m.word - 1 }

// one cuts one record at its marks.
func (c *cutter) one(data []byte, m *marks, row int, first, end uint32) bool {
	last := len(c.fields) - 1
	for f, spans := range c.fields {
		to := min(m.next(), end)
		s := column.Span{First: first, Len: to - first}
		if c.quotes > 0 && s.Len >= 2 && data[first] == '"' && data[to-1] == '"' {
			s = column.Span{First: first + 1, Len: s.Len - 2}
			c.around += 2
		}
		spans[row] = s
		if to == end {
			return f == last
		}
		first = to + 1
		m.pass()
	}
	for m.next() < end {
		m.pass()
	}
	return false
}
