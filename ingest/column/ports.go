package column

import (
	"encoding/binary"
	"strconv"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
)

// Ports builds a column of numbers from text, for a known number of rows. While
// every value is a decimal of at most 8 digits as a program writes it, without
// sign, blanks or zeros in front, the column is of numbers and its text can be
// told from them; from the first other value on it is one of text, as Text makes
// it from all of its rows.
type Ports struct {
	rows    int
	numbers []int32
	valid   Validity
	text    *Text // nil while all are numbers
	spare   *Text
}

// NewPorts returns a builder for a column of the given number of rows.
func NewPorts(rows int) *Ports {
	p := &Ports{}
	p.Reset(rows)
	return p
}

// Reset begins a column of the given number of rows.
func (p *Ports) Reset(rows int) {
	p.rows, p.valid, p.text = rows, Validity{}, nil
	p.numbers = make([]int32, 0, rows)
}

// AppendNull adds a null row.
func (p *Ports) AppendNull() {
	if p.text != nil {
		p.text.AppendNull()
		return
	}
	p.valid.AppendNull(1)
	p.numbers = append(p.numbers, 0)
}

// Append adds a row. It copies v.
func (p *Ports) Append(v []byte) {
	if p.text == nil {
		if n := len(v); n > 0 && n <= 8 {
			var field [16]byte
			copy(field[:], v)
			if x, ok := decimal(binary.LittleEndian.Uint64(field[:]), uint32(n)); ok {
				p.valid.AppendValid(1)
				p.numbers = append(p.numbers, x)
				return
			}
		}
		p.spell()
	}
	p.text.Append(v)
}

// AppendSpans adds a row for each span of data; empty ones are null. It copies
// the values. SpanSlack bytes follow every span in data.
func (p *Ports) AppendSpans(data []byte, at []Span) {
	valid := 0 // rows not yet noted as valid
	for i, s := range at {
		if p.text != nil {
			p.text.AppendSpans(data, at[i:])
			return
		}
		if s.Len == 0 {
			p.valid.AppendValid(valid)
			p.AppendNull()
			valid = 0
			continue
		}
		x, ok := int32(0), false
		if s.Len <= 8 {
			x, ok = decimal(binary.LittleEndian.Uint64(data[s.First:]), s.Len)
		}
		if ok {
			p.numbers = append(p.numbers, x)
			valid++
			continue
		}
		p.valid.AppendValid(valid)
		valid = 0
		p.spell()
		p.text.AppendSpans(data, at[i:])
		return
	}
	p.valid.AppendValid(valid)
}

// decimal reads the n digits, 1 to 8, that word starts with, lowest byte first.
// All are read at once: pairs of neighbours, then of pairs, then of fours are
// joined in one multiplication each.
func decimal(word uint64, n uint32) (int32, bool) {
	const zeros = 0x3030303030303030
	w := word<<(64-8*n) ^ zeros // the bytes in front of the digits, still to be cleared
	w &^= ^uint64(0) >> (8 * n) & zeros
	if (w+0x7676767676767676|w)&0x8080808080808080 != 0 || n > 1 && word&0xff == '0' {
		return 0, false
	}
	w = w*10 + w>>8
	w = (w&0x000000ff000000ff*(100+1000000<<32) + w>>16&0x000000ff000000ff*(1+10000<<32)) >> 32
	return int32(w), true
}

// spell turns the column of numbers into one of text.
func (p *Ports) spell() {
	if p.spare == nil {
		p.spare = NewText(p.rows)
	} else {
		p.spare.Reset(p.rows)
	}
	p.text = p.spare
	var text [16]byte
	for row, x := range p.numbers {
		if p.valid.IsNull(row) {
			p.text.AppendNull()
		} else {
			p.text.Append(strconv.AppendInt(text[:0], int64(x), 10))
		}
	}
	p.numbers = nil
}

// Len returns the rows added so far.
func (p *Ports) Len() int {
	if p.text != nil {
		return p.text.Len()
	}
	return p.valid.Len()
}

// Finish returns the column: Int32, or what Text's Finish returns. Before the
// next row the builder must be Reset.
func (p *Ports) Finish() arrow.Array {
	if p.text != nil {
		return p.text.Finish()
	}
	n := len(p.numbers)
	data := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(p.numbers))), 4*n)
	p.numbers = nil // which is the column's from here on
	return NewFixed(arrow.PrimitiveTypes.Int32, n, data, &p.valid)
}
