package jsontree

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/text/encoding/unicode"
)

// source tells a node where its content is: in a file's text, or made up.
// Exactly one of the two is set.
type source struct {
	file *file
	made *made
}

// file is one parsed text and all nodes of it.
type file struct {
	name string
	text string
	// pages hold the nodes; a node's index is its page and its place in it.
	// Pages instead of one slice, so that growing never copies.
	pages [][]Node

	// Of a part of a text, see Long. Behind cut the text is that of another
	// place, given as it is in the file and in this text.
	cut                    int
	line, column           int // 0 when there is no such place
	localLine, localColumn int
	above                  string // pointer of the list whose elements the text holds
	list                   uint32 // node whose elements are
	first                  uint32 // the ones from here on

	once     sync.Once
	marks    []mark
	lastList atomic.Pointer[listPlace]
}

const pageBits = 12

func (f *file) node(i uint32) *Node {
	return &f.pages[i>>pageBits][i&(1<<pageBits-1)]
}

// mark is the line count at a fixed distance in the text. Marks instead of a
// table of all lines: 8 bytes per KiB, and a file of one line is no worse.
type mark struct {
	line  uint32 // newlines before the mark
	start uint32 // where the line that the mark is in begins
}

const markStep = 1024

// position returns the 1-based line and byte column of an offset.
func (f *file) position(off int) (line, column int) {
	f.once.Do(f.buildMarks)
	m := f.marks[off/markStep]
	piece := f.text[off/markStep*markStep : off]
	start := int(m.start)
	if i := strings.LastIndexByte(piece, '\n'); i >= 0 {
		start = off - len(piece) + i + 1
	}
	line, column = int(m.line)+strings.Count(piece, "\n")+1, off-start+1
	if f.line > 0 && off >= f.cut {
		if line == f.localLine {
			column += f.column - f.localColumn
		}
		line += f.line - f.localLine
	}
	return line, column
}

// lines returns how many newlines the text has.
func (f *file) lines() int {
	f.once.Do(f.buildMarks)
	last := len(f.marks) - 1
	return int(f.marks[last].line) + strings.Count(f.text[last*markStep:], "\n")
}

func (f *file) buildMarks() {
	marks := make([]mark, 1, len(f.text)/markStep+1)
	var m mark
	for at := markStep; at <= len(f.text); at += markStep {
		piece := f.text[at-markStep : at]
		m.line += uint32(strings.Count(piece, "\n"))
		if i := strings.LastIndexByte(piece, '\n'); i >= 0 {
			m.start = uint32(at - markStep + i + 1)
		}
		marks = append(marks, m)
	}
	f.marks = marks
}

// pointer returns the RFC 6901 pointer of a parsed node. Most are asked for along a
// list, whose own pointer is built once then.
func (n *Node) pointer() string {
	var room [128]byte
	if n.flags&member != 0 || n.parent == noParent {
		return string(n.appendPointer(room[:0]))
	}
	f := n.src.file
	list := f.lastList.Load()
	if list == nil || list.index != n.parent {
		list = &listPlace{n.parent, string(f.node(n.parent).appendPointer(room[:0]))}
		f.lastList.Store(list)
	}
	return string(n.appendStep(append(room[:0], list.pointer...)))
}

// listPlace is the pointer of a list.
type listPlace struct {
	index   uint32 // of its node
	pointer string
}

func (n *Node) appendPointer(b []byte) []byte {
	// Deeper than nearly all exports: no allocation.
	var room [16]*Node
	way := room[:0]
	f := n.src.file
	for ; n.parent != noParent; n = f.node(n.parent) {
		way = append(way, n)
	}
	b = append(b, f.above...)
	for _, step := range slices.Backward(way) {
		b = step.appendStep(b)
	}
	return b
}

// appendStep appends the part of the pointer that leads from the container to n.
func (n *Node) appendStep(b []byte) []byte {
	b = append(b, '/')
	f := n.src.file
	switch {
	case n.flags&member != 0:
		return append(b, escapePointer(n.memberName())...)
	case n.parent == f.list:
		return strconv.AppendUint(b, uint64(f.first)+uint64(n.name), 10)
	}
	return strconv.AppendUint(b, uint64(n.name), 10)
}

func escapePointer(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// decode returns the bytes as UTF-8 text without byte order mark. It shares
// memory with data unless data has to be rewritten.
func decode(data []byte) (string, error) {
	var err error
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		data = data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		data, err = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(data)
		if err != nil {
			return "", fmt.Errorf("decode UTF-16: %w", err)
		}
	}
	text := validText(data)
	if len(text) >= math.MaxUint32 {
		return "", fmt.Errorf("the text is %d bytes long, the limit is 4 GiB; split it", len(text))
	}
	return text, nil
}

// validText is UTF-8 in any case. It shares memory with data where that is.
func validText(data []byte) string {
	if !utf8.Valid(data) {
		data = replaceInvalid(data)
	}
	return unsafe.String(unsafe.SliceData(data), len(data))
}

// replaceInvalid writes U+FFFD for each byte that is not part of valid UTF-8, as
// encoding/json does; bytes.ToValidUTF8 would write one for a run of them.
func replaceInvalid(data []byte) []byte {
	out := make([]byte, 0, len(data)+len(data)/8)
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		out = utf8.AppendRune(out, r)
		data = data[size:]
	}
	return out
}
