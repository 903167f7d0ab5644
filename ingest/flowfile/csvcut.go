package flowfile

import (
	"bytes"
	"encoding/binary"
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
	delimiters uint64          // the delimiter eight times
	fields     [][]column.Span // by field of a record, then by row
	rows       [cutRows]bool   // false for rows of another number of fields
	bad        int             // such rows
	store      []column.Span   // of fields
	long       []bool          // by field: the last one took more than 16 bytes
}

func newCutter(delimiter byte, width int) *cutter {
	c := &cutter{delimiters: uint64(delimiter) * ones, store: make([]column.Span, width*cutRows), long: make([]bool, width)}
	for f := range width {
		c.fields = append(c.fields, c.store[f*cutRows:(f+1)*cutRows])
	}
	return c
}

const ones = 0x0101010101010101

// plain reports whether a text has neither quotes nor bytes that are not UTF-8.
func plain(text []byte, quotes bool) bool {
	return (!quotes || bytes.IndexByte(text, '"') < 0) && (ascii(text) || utf8.Valid(text))
}

// ascii reports whether all bytes are below 0x80. It looks at 64 of them at a time,
// four times as fast as the library's check, which has to find out more.
func ascii(text []byte) bool {
	high := uint64(0)
	for ; len(text) >= 64; text = text[64:] {
		t := text[:64]
		high |= binary.LittleEndian.Uint64(t) | binary.LittleEndian.Uint64(t[8:]) |
			binary.LittleEndian.Uint64(t[16:]) | binary.LittleEndian.Uint64(t[24:]) |
			binary.LittleEndian.Uint64(t[32:]) | binary.LittleEndian.Uint64(t[40:]) |
			binary.LittleEndian.Uint64(t[48:]) | binary.LittleEndian.Uint64(t[56:])
	}
	for _, c := range text {
		high |= uint64(c)
	}
	return high&(ones<<7) == 0
}

// cut cuts at most cutRows records. column.SpanSlack bytes follow the records in
// data, which must be plain. The fields of bad rows are empty.
func (c *cutter) cut(data []byte, recs []span) {
	c.bad = 0
	for row, rec := range recs {
		if c.rows[row] = c.one(data, row, rec.first, rec.end); !c.rows[row] {
			c.bad++
			for f := range c.fields {
				c.fields[f][row] = column.Span{}
			}
		}
	}
}

// one cuts one record: short fields eight bytes at a time, longer ones by the
// library's search, which is faster from some twenty bytes on.
func (c *cutter) one(data []byte, row int, first, end uint32) bool {
	last := len(c.fields) - 1
	for f, spans := range c.fields {
		n := end - first // bytes up to the next delimiter, or to the end
		if c.long[f] {
			if i := bytes.IndexByte(data[first:end], byte(c.delimiters)); i >= 0 {
				n = uint32(i)
			}
			c.long[f] = n > 16
		} else if w := c.find(binary.LittleEndian.Uint64(data[first:])); w < 8 {
			n = min(n, w)
		} else if w := 8 + c.find(binary.LittleEndian.Uint64(data[first+8:])); w < 16 || n <= 16 {
			n = min(n, w)
		} else {
			if i := bytes.IndexByte(data[first+16:end], byte(c.delimiters)); i >= 0 {
				n = 16 + uint32(i)
			}
			c.long[f] = true
		}
		spans[row] = column.Span{First: first, Len: n}
		first += n
		if first == end {
			return f == last
		}
		first++
	}
	return false
}

// find returns the place of the first delimiter among a word's bytes, lowest
// first; 8 when there is none.
func (c *cutter) find(word uint64) uint32 {
	w := word ^ c.delimiters
	return uint32(bits.TrailingZeros64((w-ones)&^w&(ones<<7))) / 8
}
