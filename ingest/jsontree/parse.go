package jsontree

import (
	"fmt"
	"slices"
	"strconv"
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
	docs, fault := p.documents()
	if fault != nil {
		faults = append(faults, p.diagnostic(fault))
	}
	return docs, faults
}

// documents reads all of the text, or up to the first fault.
func (p *parser) documents() (docs []*Node, err *fault) {
	var roots []uint32
	more := false
	for {
		if more, err = p.between(); err != nil || !more {
			break
		}
		root := p.next
		if err = p.document(); err != nil {
			break
		}
		roots = append(roots, root)
	}
	for _, i := range roots {
		docs = append(docs, p.file.node(i))
	}
	return docs, err
}

// parser walks the text once, without recursion, and appends each value to the
// file's pages when it begins.
type parser struct {
	file  *file
	src   *source
	text  string
	pos   int
	page  []Node // the last of the file's pages
	used  int    // nodes in it
	next  uint32 // index of the next node
	open  []frame
	state state

	// Of parts of a document, see Long.
	spent *spent   // pages to take before new ones; may be nil
	lists []string // stop behind the bracket of such a member, or of the document
	spare int      // containers around what is read
	comma int      // where the last comma after an element is, inside one container
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
	return p.run()
}

// run reads until no container is open.
func (p *parser) run() *fault {
	for p.state != atNext || len(p.open) > 0 {
		c, err := p.token()
		if err != nil {
			return err
		}
		switch p.state {
		case atValue:
			err = p.value(c)
		case atSlot:
			err = p.slot(c)
		case atNext:
			err = p.following(c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// slot reads what begins with c: a member, an element or the end of the container.
func (p *parser) slot(c byte) *fault {
	switch top := &p.open[len(p.open)-1]; {
	case c == '"' && top.close == '}':
		if err := p.memberName(top); err != nil {
			return err
		}
		c, err := p.token()
		if err != nil {
			return err
		}
		return p.value(c)
	case c == top.close:
		p.closeContainer()
		return nil
	case c == ',':
		return p.fail(p.pos, "a value is missing before the comma; remove the comma")
	case top.close == '}':
		return p.fail(p.pos, "expected a member name in double quotes or '}', found %s", p.found())
	}
	return p.value(c)
}

// following reads what comes after a value: c ends the container, or it is a comma
// and the next slot is read too.
func (p *parser) following(c byte) *fault {
	switch top := &p.open[len(p.open)-1]; c {
	case ',':
		p.comma = p.pos
		p.pos++
		top.name, top.flags = 0, 0
		p.state = atSlot
		c, err := p.token()
		if err != nil {
			return err
		}
		return p.slot(c)
	case top.close:
		p.closeContainer()
		return nil
	default:
		return p.fail(p.pos, "expected a comma or %q, found %s", top.close, p.found())
	}
}

// token moves to the next token of a document and returns its first byte.
func (p *parser) token() (byte, *fault) {
	text, i := p.text, p.pos
	// Most tokens stand here, or on the next line after spaces.
	if i < len(text) && text[i] == '\n' {
		i = indented(text, i+1)
	}
	if i < len(text) {
		if c := text[i]; c > ' ' && c != '/' && c < utf8.RuneSelf {
			p.pos = i
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
		p.scalar(String, p.pos, end-p.pos-1, esc*escaped)
		p.pos = end + 1
	case c == '{' || c == '[':
		if len(p.open)+p.spare == MaxDepth {
			return p.fail(p.pos, "more than %d values inside each other", MaxDepth)
		}
		kind := Array
		if c == '{' {
			kind = Object
		}
		p.add(kind, p.pos, p.next+1, 0)
		p.open = append(p.open, frame{index: p.next - 1, close: c + 2})
		p.pos++
		p.state = atSlot
		if p.lists != nil && c == '[' && p.atList() {
			return errList
		}
	case c == '-' || '0' <= c && c <= '9':
		end := numberEnd(p.text, p.pos)
		if end < 0 || end < len(p.text) && wordByte(p.text[end]) {
			return p.fail(p.pos, "%s is not a JSON number", p.word())
		}
		p.scalar(Number, p.pos, end-p.pos, 0)
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
		p.scalar(kind, p.pos, len(word), 0)
		p.pos += len(word)
	}
	return nil
}

// errList ends the reading of the head of a Long.
var errList = &fault{message: "a list begins"}

// atList reports whether the array just opened is the document or one of the
// members that are looked for.
func (p *parser) atList() bool {
	switch n := p.file.node(p.next - 1); len(p.open) {
	case 1:
		return true
	case 2:
		return slices.ContainsFunc(p.lists, n.named)
	}
	return false
}

// scalar adds a value that holds no others.
func (p *parser) scalar(kind Kind, off, length int, flags uint8) {
	p.add(kind, off, uint32(length), flags)
	p.state = atNext
}

// add appends a node to the container it stands in. Its end is right for a value
// that holds no others.
func (p *parser) add(kind Kind, off int, size uint32, flags uint8) {
	if p.used == len(p.page) {
		p.grow()
	}
	n := &p.page[p.used]
	p.used++
	p.next++
	// Every field is set: the page may be one used before.
	n.src, n.off, n.n, n.end, n.kind = p.src, uint32(off), size, p.next, kind
	if len(p.open) == 0 {
		n.parent, n.name, n.hash, n.flags = noParent, 0, 0, flags
		return
	}
	top := &p.open[len(p.open)-1]
	n.parent = top.index
	if top.close == '}' {
		n.name, n.hash, n.flags = top.name, top.hash, flags|top.flags|member
	} else {
		n.name, n.hash, n.flags = top.count, 0, flags
		top.count++
	}
}

// grow adds a page. The first one depends on the text: a directory of small files
// must not cost a full page each.
func (p *parser) grow() {
	size := 1 << pageBits
	if p.next == 0 {
		size = min(size, len(p.text)/32+1)
	} else if len(p.page) < size {
		// The first page was small; a second must not begin before it is full.
		page := make([]Node, min(size, 2*len(p.page)))
		copy(page, p.page)
		p.page, p.file.pages[0] = page, page
		return
	}
	if p.page = p.spent.take(); p.page == nil {
		p.page = make([]Node, size)
	}
	p.used = 0
	p.file.pages = append(p.file.pages, p.page)
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
