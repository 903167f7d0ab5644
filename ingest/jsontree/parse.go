package jsontree

import (
	"fmt"
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
	f := &file{name: name, text: text}
	p := &parser{file: f, src: &source{file: f}, text: text}
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
		root, err := p.document()
		if err != nil {
			faults = append(faults, p.diagnostic(err))
			break
		}
		roots = append(roots, root)
	}
	for _, i := range roots {
		docs = append(docs, f.node(i))
	}
	return docs, faults
}

// parser walks the text once, without recursion. Values whose container is still
// open wait in kids; when it closes they move to the file's pages side by side.
type parser struct {
	file  *file
	src   *source
	text  string
	pos   int
	open  []frame
	kids  []Node
	state state
}

// frame is one open container.
type frame struct {
	off   uint32 // its bracket
	kids  int    // where its children begin in parser.kids
	name  uint32 // the member being read, 0 between members
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

// document reads the document at the current position and returns its root.
func (p *parser) document() (uint32, *fault) {
	p.open, p.kids, p.state = p.open[:0], p.kids[:0], atValue
	for p.state != atNext || len(p.open) > 0 {
		if err := p.space(); err != nil {
			return 0, err
		}
		if p.pos == len(p.text) {
			return 0, p.failEnd()
		}
		var err *fault
		switch c := p.text[p.pos]; p.state {
		case atValue:
			err = p.value(c)
		case atSlot:
			switch top := &p.open[len(p.open)-1]; {
			case c == top.close:
				p.closeContainer()
			case c == ',':
				err = p.fail(p.pos, "a value is missing before the comma; remove the comma")
			case top.close == '}':
				err = p.memberName(c, top)
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
			return 0, err
		}
	}
	return p.settle(p.kids[0], noParent), nil
}

// value reads a scalar or opens a container.
func (p *parser) value(c byte) *fault {
	n := Node{src: p.src, off: uint32(p.pos)}
	switch {
	case c == '{' || c == '[':
		if len(p.open) == MaxDepth {
			return p.fail(p.pos, "more than %d values inside each other", MaxDepth)
		}
		p.open = append(p.open, frame{off: n.off, kids: len(p.kids), close: c + 2})
		p.pos++
		p.state = atSlot
		return nil
	case c == '"':
		end, esc, err := p.quoted()
		if err != nil {
			return err
		}
		n.kind, n.flags, n.n = String, esc*escaped, uint32(end-p.pos-1)
		p.pos = end + 1
	case c == '-' || '0' <= c && c <= '9':
		end := numberEnd(p.text, p.pos)
		if end < 0 || end < len(p.text) && wordByte(p.text[end]) {
			return p.fail(p.pos, "%s is not a JSON number", p.word())
		}
		n.kind, n.n = Number, uint32(end-p.pos)
		p.pos = end
	default:
		word := p.word()
		switch word {
		case "null":
			n.kind = Null
		case "true", "false":
			n.kind = Bool
		default:
			return p.fail(p.pos, "expected a value, found %s", p.found())
		}
		n.n = uint32(len(word))
		p.pos += len(word)
	}
	p.emit(n)
	return nil
}

// emit adds a finished value to the container it stands in.
func (p *parser) emit(n Node) {
	if len(p.open) > 0 {
		top := &p.open[len(p.open)-1]
		n.name = top.name
		n.flags |= top.flags
	}
	p.kids = append(p.kids, n)
	p.state = atNext
}

// closeContainer ends the innermost container and stores its children.
func (p *parser) closeContainer() {
	top := p.open[len(p.open)-1]
	p.open = p.open[:len(p.open)-1]
	n := Node{src: p.src, off: top.off, kind: Array, n: uint32(len(p.kids) - top.kids)}
	if top.close == '}' {
		n.kind = Object
	}
	for i, kid := range p.kids[top.kids:] {
		at := p.settle(kid, noParent)
		if i == 0 {
			n.first = at
		}
	}
	p.kids = p.kids[:top.kids]
	p.pos++
	p.emit(n)
}

// settle gives a node its final index, which its children can then be told.
func (p *parser) settle(n Node, parent uint32) uint32 {
	n.parent = parent
	at := p.file.add(n)
	if n.kind == Array || n.kind == Object {
		for i := range n.n {
			p.file.node(n.first + i).parent = at
		}
	}
	return at
}

// memberName reads a name and its colon.
func (p *parser) memberName(c byte, top *frame) *fault {
	if c != '"' {
		return p.fail(p.pos, "expected a member name in double quotes or '}', found %s", p.found())
	}
	end, esc, err := p.quoted()
	if err != nil {
		return err
	}
	top.name, top.flags = uint32(p.pos+1), esc*nameEscaped
	p.pos = end + 1
	if err := p.space(); err != nil {
		return err
	}
	switch {
	case p.pos == len(p.text):
		return p.failEnd()
	case p.text[p.pos] != ':':
		return p.fail(p.pos, "expected a colon after the member name, found %s", p.found())
	}
	p.pos++
	p.state = atValue
	return nil
}

// quoted checks the string at the current position and returns where its closing
// quote is, and 1 if there are escapes in it.
func (p *parser) quoted() (end int, esc uint8, err *fault) {
	start := p.pos + 1
	n := strings.IndexByte(p.text[start:], '"')
	if n < 0 {
		return 0, 0, p.fail(p.pos, "the string is not closed before the end of the file")
	}
	b := strings.IndexByte(p.text[start:start+n], '\\')
	if b < 0 {
		return start + n, 0, nil
	}
	for i := start + b; i < len(p.text); i++ {
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

// space skips whitespace, comments and byte order marks, which concatenating
// files leaves in the middle.
func (p *parser) space() *fault {
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
			p.pos++
		case c == '/' && strings.HasPrefix(p.text[p.pos:], "//"):
			n := strings.IndexByte(p.text[p.pos:], '\n')
			if n < 0 {
				p.pos = len(p.text)
				return nil
			}
			p.pos += n + 1
		case c == '/' && strings.HasPrefix(p.text[p.pos:], "/*"):
			n := strings.Index(p.text[p.pos+2:], "*/")
			if n < 0 {
				return p.fail(p.pos, "the comment is not closed before the end of the file")
			}
			p.pos += n + 4
		case c == 0xEF && strings.HasPrefix(p.text[p.pos:], "\uFEFF"):
			p.pos += len("\uFEFF")
		default:
			return nil
		}
	}
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
	line, _ := p.file.position(int(top.off))
	return p.fail(p.pos, "the file ends inside the %s opened in line %d; it is cut off or lacks %q", what, line, top.close)
}

// diagnostic places a fault. The pointer is that of the value being read.
func (p *parser) diagnostic(f *fault) diag.Diagnostic {
	line, col := p.file.position(f.off)
	o := diag.Origin{File: p.file.name, Line: line, Column: col}
	for i, fr := range p.open {
		end := len(p.kids)
		if i+1 < len(p.open) {
			end = p.open[i+1].kids
		}
		switch {
		case fr.close == ']':
			o.Pointer += "/" + strconv.Itoa(end-fr.kids)
		case fr.name != 0:
			n := Node{src: p.src, name: fr.name, flags: fr.flags}
			o.Pointer += "/" + escapePointer(n.memberName())
		}
	}
	return diag.Diagnostic{Severity: diag.Error, Origin: o, Code: "bad-json", Message: f.message}
}
