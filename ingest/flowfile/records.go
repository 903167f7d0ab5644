package flowfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"sync"
)

const (
	// maxRecord bounds a CSV record or JSON line in bytes; longer ones are bad
	// rows.
	maxRecord = 16 << 20
	// maxBlock is the text after which a window ends although it has fewer rows
	// than asked. With the record that passes it, offsets stay far below 2^31.
	maxBlock = 64 << 20
)

// span is a record in its block, without its line ending.
type span struct{ first, end uint32 }

// block is a run of whole records.
type block struct {
	data []byte
	recs []span
	bad  []int32 // indexes of records known to be malformed, ascending
	line int64   // line ends before data in the file
	// quotes is false when no record has a quote; valid for text with quotes.
	quotes bool
}

// withSlack returns the data with the slack bytes that follow it in memory.
func (b *block) withSlack() []byte {
	b.data = slices.Grow(b.data, slack)
	return b.data[:len(b.data)+slack]
}

// lineOf returns the 1-based line on which a record starts.
func (b *block) lineOf(rec int) int64 {
	return b.line + int64(bytes.Count(b.data[:b.recs[rec].first], []byte{'\n'})) + 1
}

// splitter cuts text into records and records into blocks.
//
// What one record is, and so one row, depends on line feeds and quotes alone: a
// record ends at a line feed, or at the end of the input. With quotes, a double
// quote at the start of a field opens a quoted part that hides line feeds until
// its closing quote, two quotes standing for one. Where no closing quote comes
// within maxRecord bytes or before the end of the input, the quote hides
// nothing: the record ends on its own line and is malformed, and reading goes
// on at the next line. So a stray quote costs one row, not the rest of the
// file. Empty lines are no records (for JSON: lines of white space).
type splitter struct {
	r         io.Reader
	path      string
	quotes    bool
	delimiter byte
	rows      int // of a block, at most
	limit     int // maxRecord, smaller in tests

	rest []byte // read, not yet in a block
	eof  bool
	line int64 // line ends before rest
	// refuse is the offset in rest up to which a quote that is open at a line
	// feed is known to have no closing quote; it keeps the work linear.
	refuse int
	// bare is the offset in the block at work up to which, from the record at work
	// on, there is no quote.
	bare  int
	masks [256]uint64 // of the line feeds in the piece of text that is at work
	hint  int         // bytes of the last block
	// spare holds blocks that were decoded: fresh memory of this size costs as
	// much as splitting what it holds.
	spare sync.Pool
}

// recycle takes back a block whose records were copied.
func (s *splitter) recycle(b *block) { s.spare.Put(b) }

func (s *splitter) fresh() *block {
	if b, ok := s.spare.Get().(*block); ok {
		*b = block{line: s.line, data: b.data[:0], recs: b.recs[:0]}
		return b
	}
	return &block{line: s.line, data: make([]byte, 0, max(s.hint+s.hint/32, len(s.rest))+2*readSize), recs: make([]span, 0, min(s.rows, 1<<18))}
}

// next returns the next block, of at least one record; io.EOF at the end.
func (s *splitter) next() (*block, error) {
	b := s.fresh()
	b.data = append(b.data, s.rest...)
	s.bare = 0
	pos, more := 0, true
	for more && len(b.recs) < s.rows && pos < maxBlock {
		if pos = s.bareLines(b, pos); len(b.recs) == s.rows || pos >= maxBlock {
			break
		}
		var err error
		start := pos
		if pos, more, err = s.record(b, pos); err != nil {
			return nil, err
		}
		s.line += int64(bytes.Count(b.data[start:pos], []byte{'\n'}))
	}
	s.rest = append(s.rest[:0], b.data[pos:]...)
	s.refuse = max(0, s.refuse-pos)
	s.hint = pos
	b.data = b.data[:pos]
	switch {
	case len(b.recs) > 0:
		return b, nil
	case more: // a block of empty lines
		return s.next()
	}
	return nil, io.EOF
}

// bareLines takes the records from pos on that lie in the block whole and have no
// quotes, as many as can be told without a second look, and returns where the
// next one starts.
func (s *splitter) bareLines(b *block, pos int) int {
	if s.bare <= pos && s.quotes {
		if i := bytes.IndexByte(b.data[pos:], '"'); i >= 0 {
			s.bare = pos + i
		} else {
			s.bare = len(b.data)
		}
	} else if !s.quotes {
		s.bare = len(b.data)
	}
	first := len(b.recs)
	for more := true; more && len(b.recs) < s.rows; {
		pos, more = s.scanLines(b, pos, min(s.bare, maxBlock))
	}
	s.line += int64(len(b.recs) - first)
	return pos
}

// scanLines takes the records that lie whole in the next piece of the text before
// end. more is false when the next one has to be looked at by itself.
func (s *splitter) scanLines(b *block, pos, end int) (next int, more bool) {
	blocks := min(len(s.masks), (end-pos)/64)
	if blocks <= 0 {
		return pos, false
	}
	base, start := pos, pos
	scan(s.masks[:blocks], b.data[base:], '\n')
	for i, mask := range s.masks[:blocks] {
		for ; mask != 0; mask &= mask - 1 {
			eol := base + i*64 + bits.TrailingZeros64(mask)
			if len(b.recs) == s.rows || b.data[pos] <= ' ' || eol-pos > s.limit {
				return pos, false
			}
			rec := span{uint32(pos), uint32(eol)}
			if b.data[eol-1] == '\r' {
				rec.end--
			}
			b.recs = append(b.recs, rec)
			pos = eol + 1
		}
	}
	return pos, pos > start
}

// record finds the record that starts at pos, reading on as needed, and returns
// where the next one starts. ok is false at the end of the input.
func (s *splitter) record(b *block, pos int) (next int, ok bool, err error) {
	eol, err := s.lineEnd(b, pos, pos)
	if err != nil {
		return 0, false, err
	}
	if eol < 0 {
		next, err = s.overlong(b, pos)
		return next, true, err
	}
	if eol == pos {
		return pos, false, nil
	}
	first := b.data[pos:eol]
	if s.blank(first) {
		return eol, true, nil
	}
	if !s.quotes || bytes.IndexByte(first, '"') < 0 {
		b.add(pos, eol)
		return eol, true, nil
	}
	b.quotes = true
	end, closed, err := s.quoted(b, pos, eol)
	if err != nil {
		return 0, false, err
	}
	if !closed {
		b.bad = append(b.bad, int32(len(b.recs)))
		end = eol
	}
	b.add(pos, end)
	return end, true, nil
}

// add notes a record whose line ending, if any, is before end.
func (b *block) add(first, end int) {
	if b.data[end-1] == '\n' {
		end--
	}
	if end > first && b.data[end-1] == '\r' {
		end--
	}
	b.recs = append(b.recs, span{uint32(first), uint32(end)})
}

func (s *splitter) blank(line []byte) bool {
	if !s.quotes {
		return len(bytes.TrimLeft(line, " \t\r\n")) == 0
	}
	return len(line) <= 2 && len(bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'})) == 0
}

// lineEnd returns the offset after the line feed at or after from, or the end
// of the input; -1 when the record that starts at start would pass the limit.
func (s *splitter) lineEnd(b *block, start, from int) (int, error) {
	for {
		if i := bytes.IndexByte(b.data[from:], '\n'); i >= 0 {
			if from+i-start > s.limit {
				return -1, nil
			}
			return from + i + 1, nil
		}
		if len(b.data)-start > s.limit {
			return -1, nil
		}
		if s.eof {
			return len(b.data), nil
		}
		from = len(b.data)
		if err := s.read(b); err != nil {
			return 0, err
		}
	}
}

// quoted follows the quotes of a record and returns its end. closed is false
// when a quote never closes.
func (s *splitter) quoted(b *block, start, eol int) (end int, closed bool, err error) {
	for p := start; ; {
		// Outside quotes: p may be the start of a field.
		i := bytes.IndexByte(b.data[p:eol], '"')
		if i < 0 {
			return eol, true, nil
		}
		p += i
		if p > start && b.data[p-1] != s.delimiter {
			p++ // a bare quote; the row is malformed but the record is clear
			continue
		}
		if p, err = s.closing(b, start, p+1); p < 0 || err != nil {
			return 0, false, err
		}
		if p > eol {
			if eol, err = s.lineEnd(b, start, p); eol < 0 || err != nil {
				s.refuse = max(s.refuse, min(start+s.limit, len(b.data)))
				return 0, false, err
			}
		}
	}
}

// closing returns the offset after the quote that closes the quoted part which
// starts at p, or -1 when there is none.
func (s *splitter) closing(b *block, start, p int) (int, error) {
	seen := p // no line feed between here and p was looked for yet
	for {
		i := bytes.IndexByte(b.data[p:], '"')
		if i < 0 || p+i-start > s.limit {
			if seen < s.refuse && bytes.IndexByte(b.data[seen:min(s.refuse, len(b.data))], '\n') >= 0 {
				return -1, nil
			}
			if i >= 0 || s.eof || len(b.data)-start > s.limit {
				s.refuse = max(s.refuse, min(start+s.limit, len(b.data)))
				return -1, nil
			}
			p = len(b.data)
			if err := s.read(b); err != nil {
				return 0, err
			}
			continue
		}
		p += i
		if seen < s.refuse {
			if bytes.IndexByte(b.data[seen:min(s.refuse, p)], '\n') >= 0 {
				return -1, nil
			}
			seen = p
		}
		if p+1 == len(b.data) && !s.eof {
			if err := s.read(b); err != nil {
				return 0, err
			}
		}
		if p+1 < len(b.data) && b.data[p+1] == '"' {
			p += 2
			continue
		}
		return p + 1, nil
	}
}

// overlong drops the line that starts at pos, keeping its line feed, and notes a
// bad row for it.
func (s *splitter) overlong(b *block, pos int) (int, error) {
	b.bad = append(b.bad, int32(len(b.recs)))
	b.recs = append(b.recs, span{uint32(pos), uint32(pos)})
	s.bare = 0 // what follows moves
	for {
		if i := bytes.IndexByte(b.data[pos:], '\n'); i >= 0 {
			b.data = append(b.data[:pos], b.data[pos+i:]...)
			s.refuse = min(s.refuse, pos)
			return pos + 1, nil
		}
		b.data = b.data[:pos]
		if s.eof {
			return pos, nil
		}
		if err := s.read(b); err != nil {
			return 0, err
		}
	}
}

// read appends the next piece of the input to the block.
func (s *splitter) read(b *block) error {
	n := len(b.data)
	if cap(b.data)-n < readSize {
		grown := make([]byte, n, n+n/2+readSize)
		copy(grown, b.data)
		b.data = grown
	}
	got, err := s.r.Read(b.data[n : n+readSize])
	b.data = b.data[:n+got]
	switch {
	case errors.Is(err, io.EOF):
		s.eof = true
	case err != nil:
		return fmt.Errorf("read flows %s: %w", nameOf(s.path), err)
	}
	return nil
}
