package jsontree

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"

	"ipflow/ingest/diag"
)

// MaxDepth is how many containers may enclose each other. ARM itself stops far
// earlier; the bound keeps recursive readers of the tree from running out of
// stack.
const MaxDepth = 512

// Parse reads all documents of a file: JSON values one after another, with
// whitespace, comments or commas between them. An empty file has none. At the
// first fault reading stops: faults holds that one error, docs the documents that
// were complete before it. The file name is only used in origins.
//
// The trees share memory with data, which must not be changed afterwards.
func Parse(name string, data []byte) (docs []*Node, faults diag.List) {
	text, err := decode(data)
	if err != nil {
		faults.Errorf(diag.Origin{File: name, Line: 1, Column: 1}, "bad-json", "%v", err)
		return nil, faults
	}
	p := newParser(&file{name: name, text: text})
	var roots []uint32
	for {
		more, err := p.between()
		if err != nil {
			faults = append(faults, p.diagnostic(err))
			break
		}
		if !more {
			break
		}
		root := p.next
		if err := p.document(); err != nil {
			faults = append(faults, p.diagnostic(err))
			break
		}
		roots = append(roots, root)
	}
	for _, i := range roots {
		docs = append(docs, p.file.node(i))
	}
	return docs, faults
}

// parser walks the text once, without recursion, and appends each value to the
// file's pages when it begins.
type parser struct {
	file  *file
	src   *source
	text  string
	pos   int
	page  []Node // the last of the file's pages
	next  uint32 // index of the next node
	open  []frame
	state state
}

func newParser(f *file) *parser {
	return &parser{file: f, src: &source{file: f}, text: f.text}
}

// frame is one open container.
type frame struct {
	index uint32 // of its node
	count uint32 // elements begun
	name  uint32 // the member being read, 0 between members
	hash  uint16 // of its name
	flags uint8  // nameEscaped, for that member
	close byte   // '}' or ']'
}

// state is what the grammar allows next.
type state uint8

const (
	atValue state = iota // a value
	atSlot               // after '{', '[' or a comma: a member or element, or the end
	atNext               // after a value: a comma or the end
)

// fault is a syntax error at an offset.
type fault struct {
	off     int
	message string
}

func (f *fault) Error() string { return f.message }

func (p *parser) fail(off int, format string, args ...any) *fault {
	return &fault{off: off, message: fmt.Sprintf(format, args...)}
}

// between moves to the next document and reports whether there is one.
func (p *parser) between() (bool, *fault) {
	for {
		if err := p.space(); err != nil {
			return false, err
		}
		if p.pos == len(p.text) {
			return false, nil
		}
		if p.text[p.pos] != ',' {
			return true, nil
		}
		p.pos++
	}
}

// document reads the document at the current position.
func (p *parser) document() *fault {
	p.open, p.state = p.open[:0], atValue
	for p.state != atNext || len(p.open) > 0 {
		c, err := p.token()
		if err != nil {
			return err
		}
		switch p.state {
		case atValue:
			err = p.value(c)
		case atSlot:
			switch top := &p.open[len(p.open)-1]; {
			case c == '"' && top.close == '}':
				if err = p.memberName(top); err != nil {
					return err
				}
				if c, err = p.token(); err == nil {
					err = p.value(c)
				}
			case c == top.close:
				p.closeContainer()
			case c == ',':
				err = p.fail(p.pos, "a value is missing before the comma; remove the comma")
			case top.close == '}':
				err = p.fail(p.pos, "expected a member name in double quotes or '}', found %s", p.found())
			default:
				err = p.value(c)
			}
		case atNext:
			switch top := &p.open[len(p.open)-1]; c {
			case ',':
				p.pos++
				top.name, top.flags = 0, 0
				p.state = atSlot
			case top.close:
				p.closeContainer()
			default:
				err = p.fail(p.pos, "expected a comma or %q, found %s", top.close, p.found())
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// token moves to the next token of a document and returns its first byte.
func (p *parser) token() (byte, *fault) {
	if p.pos < len(p.text) {
		if c := p.text[p.pos]; c > ' ' && c != '/' && c < utf8.RuneSelf {
			return c, nil
		}
	}
	if err := p.space(); err != nil {
		return 0, err
	}
	if p.pos == len(p.text) {
		return 0, p.failEnd()
	}
	return p.text[p.pos], nil
}

// value reads a scalar or opens a container.
func (p *parser) value(c byte) *fault {
	switch {
	case c == '"':
		end, esc, err := p.quoted()
		if err != nil {
			return err
		}
		p.scalar(String, p.pos, end-p.pos-1).flags |= esc * escaped
		p.pos = end + 1
	case c == '{' || c == '[':
		if len(p.open) == MaxDepth {
			return p.fail(p.pos, "more than %d values inside each other", MaxDepth)
		}
		n := p.add(p.pos)
		n.kind, n.n = Array, p.next
		if c == '{' {
			n.kind = Object
		}
		p.open = append(p.open, frame{index: p.next - 1, close: c + 2})
		p.pos++
		p.state = atSlot
	case c == '-' || '0' <= c && c <= '9':
		end := numberEnd(p.text, p.pos)
		if end < 0 || end < len(p.text) && wordByte(p.text[end]) {
			return p.fail(p.pos, "%s is not a JSON number", p.word())
		}
		p.scalar(Number, p.pos, end-p.pos)
		p.pos = end
	default:
		word := p.word()
		kind := Bool
		switch word {
		case "null":
			kind = Null
		case "true", "false":
		default:
			return p.fail(p.pos, "expected a value, found %s", p.found())
		}
		p.scalar(kind, p.pos, len(word))
		p.pos += len(word)
	}
	return nil
}

// scalar adds a value that holds no others.
func (p *parser) scalar(kind Kind, off, length int) *Node {
	n := p.add(off)
	n.kind, n.n, n.end = kind, uint32(length), p.next
	p.state = atNext
	return n
}

// add appends a node to the container it stands in.
func (p *parser) add(off int) *Node {
	if len(p.page) == cap(p.page) {
		p.grow()
	}
	p.page = p.page[:len(p.page)+1]
	n := &p.page[len(p.page)-1]
	n.src, n.parent, n.off = p.src, noParent, uint32(off)
	if len(p.open) > 0 {
		top := &p.open[len(p.open)-1]
		n.parent = top.index
		if top.close == '}' {
			n.name, n.hash, n.flags = top.name, top.hash, top.flags|member
		} else {
			n.name = top.count
			top.count++
		}
	}
	p.next++
	return n
}

// grow adds a page. The first one depends on the text: a directory of small files
// must not cost a full page each.
func (p *parser) grow() {
	size := 1 << pageBits
	if p.next == 0 {
		size = min(size, len(p.text)/32+1)
	} else if len(p.page) < size {
		// The first page was small; a second must not begin before it is full.
		page := make([]Node, len(p.page), min(size, 2*len(p.page)))
		copy(page, p.page)
		p.page, p.file.pages[0] = page, page[:cap(page)]
		return
	}
	p.page = make([]Node, 0, size)
	p.file.pages = append(p.file.pages, p.page[:size])
}

// closeContainer ends the innermost container.
func (p *parser) closeContainer() {
	top := len(p.open) - 1
	p.file.node(p.open[top].index).end = p.next
	p.open = p.open[:top]
	p.pos++
	p.state = atNext
}

// memberName reads a name and its colon.
func (p *parser) memberName(top *frame) *fault {
	end, esc, err := p.quoted()
	if err != nil {
		return err
	}
	name := p.text[p.pos+1 : end]
	if esc != 0 {
		name = unquote(name)
	}
	top.name, top.flags, top.hash = uint32(p.pos+1), esc*nameEscaped, hashName(name)
	p.pos = end + 1
	c, err := p.token()
	if err != nil {
		return err
	}
	if c != ':' {
		return p.fail(p.pos, "expected a colon after the member name, found %s", p.found())
	}
	p.pos++
	if p.pos < len(p.text) && p.text[p.pos] == ' ' {
		p.pos++
	}
	p.state = atValue
	return nil
}

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
	for ; i < len(p.text); i++ {
		switch p.text[i] {
		case '"':
			return i, 1, nil
		case '\\':
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
	}
	return 0, 0, p.fail(p.pos, "the string is not closed before the end of the file")
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
			i++
			// Lines begin with many spaces.
			for i+8 <= len(p.text) {
				const spaces = 0x2020202020202020
				w := load8(p.text[i:]) ^ spaces
				i += bits.TrailingZeros64(w) / 8
				if w != 0 {
					break
				}
			}
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

func (p *parser) failEnd() *fault {
	top := p.open[len(p.open)-1]
	what := "array"
	if top.close == '}' {
		what = "object"
	}
	line, _ := p.file.position(int(p.file.node(top.index).off))
	return p.fail(p.pos, "the file ends inside the %s opened in line %d; it is cut off or lacks %q", what, line, top.close)
}

// diagnostic places a fault. The pointer is that of the value being read.
func (p *parser) diagnostic(f *fault) diag.Diagnostic {
	line, col := p.file.position(f.off)
	o := diag.Origin{File: p.file.name, Line: line, Column: col}
	for i, fr := range p.open {
		switch {
		case fr.close == ']':
			at := fr.count
			if i+1 < len(p.open) {
				at-- // the container open inside it
			}
			o.Pointer += "/" + strconv.FormatUint(uint64(at), 10)
		case fr.name != 0:
			n := Node{src: p.src, name: fr.name, flags: fr.flags}
			o.Pointer += "/" + escapePointer(n.memberName())
		}
	}
	return diag.Diagnostic{Severity: diag.Error, Origin: o, Code: "bad-json", Message: f.message}
}
