package jsontree

import (
	"bytes"
	"math"
	"strings"
	"sync"
	"unicode/utf8"
	"unsafe"
)

// Long is a text that is mostly one list, read piece by piece: pieces can be parsed
// concurrently, and each be forgotten when its elements have been looked at. The
// list is the first document itself or a member of it, and its elements are objects:
//
//	head   {"value": [
//	piece    {…}, {…},                  whole elements, each with its comma
//	piece    {…}, {…},
//	tail     {…}], "nextLink": null}    the last elements and all that follows
//
// Where a piece may end is a guess. Whether it was right shows when pieces are
// parsed: one begins where the list expects an element, and must end so. By
// induction, if all do then the pieces are what Parse would read, with the same
// Origins. If one does not, the text has to be parsed as a whole.
type Long struct {
	name    string
	head    string
	member  string
	list    uint32 // index of the list's node when the head is parsed
	depth   int    // containers open in it, the list included
	pointer string // of the list
	lead    []byte // what elements begin with: the newline, the indentation, the brace
	scan    scanner
	end     chan place // where the last piece so far ends
	spent   spent
}

// place is where a piece ends and the next one begins.
type place struct {
	line, column int
	elements     uint32 // in the list before it
	ok           bool   // all pieces so far are in order
}

// longLists are the members that hold the elements of a page, in lower case.
var longLists = []string{"value", "data"}

// NewLong reports whether a text that begins with the block may be a long list, and
// how many bytes come before the first element.
func NewLong(name string, block []byte) (l *Long, head int, ok bool) {
	text := bytes.TrimPrefix(block, []byte("\xef\xbb\xbf"))
	p := newParser(&file{name: name, text: unsafe.String(unsafe.SliceData(text), len(text))})
	p.lists = longLists
	if more, err := p.between(); err != nil || !more {
		return nil, 0, false
	}
	if p.document() != errList || !utf8.Valid(text[:p.pos]) {
		return nil, 0, false
	}
	list := p.file.node(p.next - 1)
	l = &Long{
		name: name, head: strings.Clone(p.text[:p.pos]), list: p.next - 1, depth: len(p.open),
		pointer: list.pointer(), lead: lead(text[p.pos:]), end: make(chan place, 1),
	}
	if list.flags&member != 0 {
		l.member = strings.Clone(list.memberName())
	}
	line, column := p.file.position(p.pos)
	l.end <- place{line: line, column: column, ok: true}
	return l, len(block) - len(text) + p.pos, true
}

// lead returns what stands before the first element and in it up to its brace, from
// the newline on; nil when it begins on the line of the bracket.
func lead(text []byte) []byte {
	rest := bytes.TrimLeft(text, " \t\r\n")
	if len(rest) == 0 || rest[0] != '{' {
		return nil
	}
	space := text[:len(text)-len(rest)+1]
	i := bytes.LastIndexByte(space, '\n')
	if i < 0 {
		return nil
	}
	return bytes.Clone(space[i:])
}

// Member returns the name of the member that the list is, as written, "" when the
// document is the list.
func (l *Long) Member() string { return l.member }

// Cut returns how many bytes of a block can be a piece, 0 when it has to be longer.
// A block begins where the last piece ended.
func (l *Long) Cut(block []byte) int {
	if l.lead == nil {
		return l.scan.cut(block)
	}
	return max(0, bytes.LastIndex(block, l.lead))
}

// scanner finds the commas between elements by following strings and brackets.
type scanner struct {
	seen     int // bytes of the block already looked at
	comma    int // bytes up to and with the last comma between elements
	depth    int // brackets open in the element
	inString bool
	escaped  bool
	over     bool // the list has ended
}

func (s *scanner) cut(block []byte) int {
	for i := s.seen; i < len(block) && !s.over; i++ {
		switch c := block[i]; {
		case s.escaped:
			s.escaped = false
		case s.inString:
			switch c {
			case '"':
				s.inString = false
			case '\\':
				s.escaped = true
			}
		case c == '"':
			s.inString = true
		case c == '{' || c == '[':
			s.depth++
		case c == '}' || c == ']':
			s.depth--
			s.over = s.depth < 0
		case c == ',' && s.depth == 0:
			s.comma = i + 1
		}
	}
	n := s.comma
	s.seen, s.comma = len(block)-n, 0
	return n
}

// Piece is some elements of a long list. Every piece has to be parsed.
type Piece struct {
	long        *Long
	text        []byte
	file        *file
	before, end chan place
}

// Next makes a piece of the bytes that Cut granted. They must not be changed
// afterwards.
func (l *Long) Next(text []byte) *Piece {
	p := &Piece{long: l, text: text, before: l.end, end: make(chan place, 1)}
	l.end = p.end
	return p
}

// Parse returns an array of the elements; ok is false when the text is no piece of
// the list, or an earlier one is not. Pieces may be parsed concurrently; one waits
// until those before it have been.
func (p *Piece) Parse() (elements *Node, ok bool) {
	text := validText(p.text)
	f := &file{name: p.long.name, text: text, above: p.long.pointer, localLine: 1, localColumn: 1}
	p.file = f
	q := newParser(f)
	q.spare, q.spent = p.long.depth-1, &p.long.spent
	count, ok := uint32(0), len(text) < math.MaxUint32
	if ok {
		count, ok = q.elements(p.long.lead == nil)
	}
	lines, from := f.lines(), strings.LastIndexByte(text, '\n')
	at := <-p.before
	ok = ok && at.ok
	f.line, f.column, f.first = at.line, at.column, at.elements
	end := place{line: at.line + lines, column: len(text) - from, elements: at.elements + count, ok: ok}
	if lines == 0 {
		end.column = at.column + len(text)
	}
	p.end <- end
	if !ok {
		return nil, false
	}
	return f.node(0), true
}

// Release lets other pieces use the memory of this one's nodes, none of which may be
// looked at afterwards. The piece must have been parsed.
func (p *Piece) Release() {
	p.long.spent.put(p.file.pages)
	p.file.pages = nil
}

// spent keeps full pages of nodes that nobody looks at any more, since clearing new
// ones costs as much as filling them. It may be used concurrently; a nil one is empty.
type spent struct {
	mu    sync.Mutex
	pages [][]Node
}

// take returns a page, nil when there is none.
func (s *spent) take() []Node {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.pages) - 1
	if last < 0 {
		return nil
	}
	page := s.pages[last]
	s.pages = s.pages[:last]
	return page
}

func (s *spent) put(pages [][]Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, page := range pages {
		if len(page) == 1<<pageBits {
			s.pages = append(s.pages, page)
		}
	}
}

// Tail parses what follows the pieces, which must all have been handed to Next. The
// first document is the one of the list, which holds the last elements only.
func (l *Long) Tail(text []byte) (docs []*Node, list *Node, ok bool) {
	at := <-l.end
	l.end <- at
	if !at.ok || len(l.head)+len(text) >= math.MaxUint32/3 {
		return nil, nil, false // a byte that is not UTF-8 becomes three
	}
	f := &file{
		name: l.name, text: l.head + validText(text), cut: len(l.head), line: at.line, column: at.column,
		list: l.list, first: at.elements,
	}
	head := file{text: l.head}
	f.localLine, f.localColumn = head.position(len(l.head))
	docs, err := newParser(f).documents()
	if err != nil || len(docs) == 0 {
		return nil, nil, false
	}
	return docs, f.node(l.list), true
}

// elements reads a text that is elements of an array, the comma of the last one
// included. Strict says that the text must end with that comma, and not in space
// or a comment after it. It returns how many there are.
func (p *parser) elements(strict bool) (count uint32, ok bool) {
	p.add(Array, 0, p.next+1, 0)
	p.open = append(p.open, frame{close: ']'})
	p.state = atSlot
	// The text ends inside the array, which is a fault of a document.
	if err := p.run(); err == nil || p.pos != len(p.text) || len(p.open) != 1 || p.state != atSlot {
		return 0, false
	}
	p.file.node(0).end = p.next
	return p.open[0].count, !strict || strings.HasSuffix(p.text, ",") && p.comma == len(p.text)-1
}
