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

// cutter cuts records without quotes into fields of known number, many records at
// a time, and says where the fields are in place of copying them.
type cutter struct {
	delimiter byte
	fields    [][]column.Span // by field of a record, then by row
	rows      [cutRows]bool   // false for rows of another number of fields
	bad       int             // such rows
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

// cut cuts at most cutRows records and reports whether it could: they must have no
// quotes and be UTF-8. data ends slack bytes after the block's. The fields of bad
// rows are empty.
func (c *cutter) cut(data []byte, recs []span, quotes bool) bool {
	from, end := recs[0].first, recs[len(recs)-1].end
	text := data[from:end]
	if quotes && bytes.IndexByte(text, '"') >= 0 {
		return false
	}
	c.bad = 0
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
		if c.rows[row] = c.one(&m, row, rec.first, rec.end); c.rows[row] {
			continue
		}
		c.bad++
		for f := range c.fields {
			c.fields[f][row] = column.Span{}
		}
	}
	return true
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
func (c *cutter) one(m *marks, row int, first, end uint32) bool {
	last := len(c.fields) - 1
	for f, spans := range c.fields {
		to := m.next()
		if to >= end {
			spans[row] = column.Span{First: first, Len: end - first}
			return f == last
		}
		spans[row] = column.Span{First: first, Len: to - first}
		first = to + 1
		m.pass()
	}
	for m.next() < end {
		m.pass()
	}
	return false
}
