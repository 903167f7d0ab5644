package jsontree

import (
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"
)

// quoted checks the string at the current position and returns where its closing
// quote is, and 1 if there are escapes in it.
func (p *parser) quoted() (end int, esc uint8, err *fault) {
	i := p.pos + 1
	// Names and most values end within a few words; the library's search is
	// faster on what is longer.
	for range 4 {
		if i+8 > len(p.text) {
			break
		}
		w := load8(p.text[i:])
		if m := equalBytes(w, '"') | equalBytes(w, '\\'); m != 0 {
			i += bits.TrailingZeros64(m) / 8
			if p.text[i] == '"' {
				return i, 0, nil
			}
			return p.escaped(i)
		}
		i += 8
	}
	n := strings.IndexByte(p.text[i:], '"')
	if n < 0 {
		return 0, 0, p.fail(p.pos, "the string is not closed before the end of the file")
	}
	if b := strings.IndexByte(p.text[i:i+n], '\\'); b >= 0 {
		return p.escaped(i + b)
	}
	return i + n, 0, nil
}

// escaped is quoted from the first backslash on, which is at i.
func (p *parser) escaped(i int) (end int, esc uint8, err *fault) {
	for i = special(p.text, i); i < len(p.text); i = special(p.text, i+1) {
		if p.text[i] == '"' {
			return i, 1, nil
		}
		i++
		switch {
		case i == len(p.text):
		case p.text[i] == 'u':
			if _, ok := hex4(p.text[i+1:]); !ok {
				return 0, 0, p.fail(i-1, `\u needs four hexadecimal digits`)
			}
		case strings.IndexByte(`"\/bfnrt`, p.text[i]) < 0:
			return 0, 0, p.fail(i-1, "unknown escape; write a backslash as two")
		}
	}
	return 0, 0, p.fail(p.pos, "the string is not closed before the end of the file")
}

// special returns where the first quote or backslash at or after i is, no less than
// the length of the text without one.
func special(text string, i int) int {
	for ; i+8 <= len(text); i += 8 {
		w := load8(text[i:])
		if m := equalBytes(w, '"') | equalBytes(w, '\\'); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(text); i++ {
		if text[i] == '"' || text[i] == '\\' {
			break
		}
	}
	return i
}

// indented returns where the first byte at or after i is that is no space. It may
// stop before, near the end of the text.
func indented(text string, i int) int {
	for i+8 <= len(text) {
		const spaces = 0x2020202020202020
		if w := load8(text[i:]) ^ spaces; w != 0 {
			return i + bits.TrailingZeros64(w)/8
		}
		i += 8
	}
	return i
}

// equalBytes sets the high bit of the bytes of w that are c; above the lowest one
// there may be others.
func equalBytes(w uint64, c byte) uint64 {
	const ones = 0x0101010101010101
	x := w ^ ones*uint64(c)
	return (x - ones) &^ x & (ones << 7)
}

// space skips whitespace, comments and byte order marks, which concatenating
// files leaves in the middle.
func (p *parser) space() *fault {
	for i := p.pos; i < len(p.text); {
		switch c := p.text[i]; {
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
			i = indented(p.text, i+1) // lines begin with many spaces
		case c == '/' && strings.HasPrefix(p.text[i:], "//"):
			n := strings.IndexByte(p.text[i:], '\n')
			if n < 0 {
				p.pos = len(p.text)
				return nil
			}
			i += n + 1
		case c == '/' && strings.HasPrefix(p.text[i:], "/*"):
			n := strings.Index(p.text[i+2:], "*/")
			if n < 0 {
				return p.fail(i, "the comment is not closed before the end of the file")
			}
			i += n + 4
		case c == 0xEF && strings.HasPrefix(p.text[i:], "\uFEFF"):
			i += len("\uFEFF")
		default:
			p.pos = i
			return nil
		}
	}
	p.pos = len(p.text)
	return nil
}

// numberEnd returns where the JSON number at i ends, -1 if there is none.
func numberEnd(s string, i int) int {
	digits := func() bool {
		from := i
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		return i > from
	}
	if s[i] == '-' {
		i++
	}
	if i < len(s) && s[i] == '0' {
		i++
	} else if !digits() {
		return -1
	}
	if i < len(s) && s[i] == '.' {
		i++
		if !digits() {
			return -1
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return -1
		}
	}
	return i
}

// wordByte reports whether c may not directly follow a number or literal.
func wordByte(c byte) bool {
	return 'a' <= lower(c) && lower(c) <= 'z' || '0' <= c && c <= '9' ||
		c == '_' || c == '.' || c == '+' || c == '-' || c >= utf8.RuneSelf
}

// word returns the text up to the next delimiter, at most 32 bytes of it.
func (p *parser) word() string {
	i := p.pos
	for i < len(p.text) && i < p.pos+32 && wordByte(p.text[i]) {
		i++
	}
	return p.text[p.pos:i]
}

// found describes what stands at the current position.
func (p *parser) found() string {
	if w := p.word(); w != "" {
		return strconv.Quote(strings.ToValidUTF8(w, ""))
	}
	if p.text[p.pos] == 0 {
		return "a zero byte; save the file as UTF-8, or as UTF-16 with byte order mark"
	}
	return strconv.QuoteRune(rune(p.text[p.pos]))
}
