package jsontree

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"ipflow/ingest/diag"
)

// Kind says what a value is.
type Kind uint8

// The kinds. Absent is only ever answered for a nil *Node.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String returns the kind's name in lower case, as a message would say it.
func (k Kind) String() string {
	switch k {
	case Absent:
		return "absent"
	case Null:
		return "null"
	case Bool:
		return "bool"
	case Number:
		return "number"
	case String:
		return "string"
	case Array:
		return "array"
	case Object:
		return "object"
	}
	panic(fmt.Sprintf("jsontree: kind %d", uint8(k)))
}

// Node is one JSON value. A nil *Node is the absent value. Nodes come from Parse
// and from the New functions; the zero Node is not one.
//
// A large export holds tens of millions of these, hence 32 bytes: offsets and
// indexes instead of strings and slices, and one pointer for the collector. Nodes
// lie in the order of the text, a container before what it holds: the first child
// of a container is the next node, and end leads from one child to the next.
type Node struct {
	src    *source
	parent uint32 // index of the container; noParent for a document
	off    uint32 // where the value begins in the text, for a string its quote
	n      uint32 // bytes of a number or of a string between its quotes; of a container the index of its first child
	end    uint32 // index of the node after this one and all it holds
	name   uint32 // where the member name begins after its quote; in an array the place in it
	hash   uint16 // of the member name, see hashName
	kind   Kind
	flags  uint8
}

const (
	escaped     uint8 = 1 << iota // the string holds backslashes
	nameEscaped                   // the member name does
	member                        // it stands in an object: name is one
	residue                       // made by NewResidue
)

const noParent = ^uint32(0)

// Member is one name and value of an object.
type Member struct {
	Name  string
	Value *Node
}

// Kind returns what n is, Absent for nil.
func (n *Node) Kind() Kind {
	if n == nil {
		return Absent
	}
	return n.kind
}

// Origin returns where n was read from: the first byte of the value, in lines and
// bytes of the decoded text, and its pointer inside its document. A constructed
// node answers with the origin it was given. The zero Origin for nil.
func (n *Node) Origin() diag.Origin {
	switch {
	case n == nil:
		return diag.Origin{}
	case n.src.made != nil:
		return n.src.made.origin
	}
	line, col := n.src.file.position(int(n.off))
	return diag.Origin{File: n.src.file.name, Line: line, Column: col, Pointer: n.pointer()}
}

// NameOrigin returns where the member name of n stands: its quote. A constructed
// node, and one that is no member, answers with Origin.
func (n *Node) NameOrigin() diag.Origin {
	o := n.Origin()
	if n == nil || n.src.made != nil || n.name == 0 {
		return o
	}
	o.Line, o.Column = n.src.file.position(int(n.name) - 1)
	return o
}

// Get returns the member with the name, compared without regard to ASCII case.
// Of several the last wins. It is nil when there is none or n is no object.
func (n *Node) Get(name string) *Node {
	if n.Kind() != Object {
		return nil
	}
	if m := n.src.made; m != nil {
		for i := len(m.members) - 1; i >= 0; i-- {
			if equalFold(m.members[i].Name, name) {
				return m.members[i].Value
			}
		}
		return nil
	}
	h := hashName(name)
	var found *Node
	f := n.src.file
	for i := n.n; i < n.end; {
		c := f.node(i)
		if c.hash == h && c.named(name) {
			found = c
		}
		i = c.end
	}
	return found
}

// children yields the parsed children of a container in the order of the text.
func (n *Node) children() iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		f := n.src.file
		for i := n.n; i < n.end; {
			c := f.node(i)
			if !yield(c) {
				return
			}
			i = c.end
		}
	}
}

// Elements yields an array's elements in order, nothing when n is no array.
func (n *Node) Elements() iter.Seq[*Node] {
	switch {
	case n.Kind() != Array:
		return func(func(*Node) bool) {}
	case n.src.made != nil:
		return slices.Values(n.src.made.items)
	}
	return n.children()
}

// Empty reports whether n is a container that holds nothing.
func (n *Node) Empty() bool {
	switch k := n.Kind(); {
	case k != Array && k != Object:
		return false
	case n.src.made != nil:
		return len(n.src.made.items)+len(n.src.made.members) == 0
	}
	return n.n == n.end
}

// Len returns how many elements or members a container holds, 0 for every other
// kind. It counts them.
func (n *Node) Len() int {
	switch k := n.Kind(); {
	case k != Array && k != Object:
		return 0
	case n.src.made != nil:
		return len(n.src.made.items) + len(n.src.made.members)
	}
	count := 0
	for range n.children() {
		count++
	}
	return count
}

// Path is Get applied to each name in turn.
func (n *Node) Path(names ...string) *Node {
	for _, name := range names {
		n = n.Get(name)
	}
	return n
}

// Items returns an array's elements in order, nil when n is no array. The slice
// must not be changed.
func (n *Node) Items() []*Node {
	if n.Kind() != Array {
		return nil
	}
	if m := n.src.made; m != nil {
		return m.items
	}
	return n.AppendItems(make([]*Node, 0, n.Len()))
}

// AppendItems appends an array's elements in order. Unlike a loop over Elements it
// allocates nothing but the room in the slice.
func (n *Node) AppendItems(to []*Node) []*Node {
	if n.Kind() != Array {
		return to
	}
	if m := n.src.made; m != nil {
		return append(to, m.items...)
	}
	f := n.src.file
	for i := n.n; i < n.end; {
		c := f.node(i)
		to = append(to, c)
		i = c.end
	}
	return to
}

// Members returns an object's members in source order, duplicates included, nil
// when n is no object. The slice must not be changed.
func (n *Node) Members() []Member {
	if n.Kind() != Object {
		return nil
	}
	if m := n.src.made; m != nil {
		return m.members
	}
	members := make([]Member, 0, n.Len())
	for c := range n.children() {
		members = append(members, Member{Name: c.memberName(), Value: c})
	}
	return members
}

// Str returns a string's value; ok is false for every other kind. A residue is a
// string: ask Residue before trusting the text.
func (n *Node) Str() (value string, ok bool) {
	if n.Kind() != String {
		return "", false
	}
	if n.src.made != nil {
		return n.src.made.text, true
	}
	s := n.src.file.text[n.off+1 : n.off+1+n.n]
	if n.flags&escaped != 0 {
		s = unquote(s)
	}
	return s, true
}

// Text returns a string's value or the source text of a number or bool, "" for
// every other kind.
func (n *Node) Text() string {
	switch n.Kind() {
	case String:
		s, _ := n.Str()
		return s
	case Number, Bool:
		return n.raw()
	case Absent, Null, Array, Object:
	}
	return ""
}

// Raw returns a number's source text, "" for every other kind.
func (n *Node) Raw() string {
	if n.Kind() != Number {
		return ""
	}
	return n.raw()
}

// Bool returns the value of true and false, and of the strings "true" and "false"
// in any case, which templates use for them; ok is false for anything else.
func (n *Node) Bool() (v, ok bool) {
	switch n.Kind() {
	case Bool, String:
		switch s := n.Text(); {
		case equalFold(s, "true"):
			return true, true
		case equalFold(s, "false"):
			return false, true
		}
	case Absent, Null, Number, Array, Object:
	}
	return false, false
}

// Int returns the value of a number without fraction (100, 1e2, 100.0) or of a
// string of decimal digits, which may have a sign and spaces around it; ok is
// false for anything else and beyond 64 bits.
func (n *Node) Int() (v int64, ok bool) {
	switch n.Kind() {
	case Number:
		return integral(n.raw())
	case String:
		return parseInt(strings.TrimSpace(n.Text()))
	case Absent, Null, Bool, Array, Object:
	}
	return 0, false
}

// Residue reports whether n was made by NewResidue: it stands for an expression
// that could not be resolved, and its text is that expression.
func (n *Node) Residue() bool { return n != nil && n.flags&residue != 0 }

// raw returns the text of a number or bool.
func (n *Node) raw() string {
	if n.src.made != nil {
		return n.src.made.text
	}
	return n.src.file.text[n.off : n.off+n.n]
}

// named reports whether a parsed member has the name, ASCII case aside. Names are
// not measured: one that matches is the one whose quote follows.
func (n *Node) named(name string) bool {
	if n.flags&nameEscaped != 0 {
		return equalFold(n.memberName(), name)
	}
	rest := n.src.file.text[n.name:]
	return len(rest) > len(name) && rest[len(name)] == '"' && (rest[:len(name)] == name || equalFold(rest[:len(name)], name))
}

func (n *Node) memberName() string {
	s := n.src.file.text[n.name:]
	if n.flags&nameEscaped == 0 {
		return s[:strings.IndexByte(s, '"')]
	}
	i := 0
	for s[i] != '"' {
		if s[i] == '\\' {
			i++
		}
		i++
	}
	return unquote(s[:i])
}

// integral reads a JSON number exactly; going through a float64 would call
// 1.00000000000000000001 an integer.
func integral(raw string) (int64, bool) {
	if v, ok := parseInt(raw); ok {
		return v, true
	}
	mantissa, exponent := raw, 0
	if i := strings.IndexAny(raw, "eE"); i >= 0 {
		e, err := strconv.Atoi(raw[i+1:])
		if err != nil {
			return 0, false
		}
		mantissa, exponent = raw[:i], e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	fraction = strings.TrimRight(fraction, "0")
	digits := whole + fraction
	if strings.Trim(digits, "-0") == "" {
		return 0, true
	}
	shift := exponent - len(fraction)
	for ; shift < 0 && strings.HasSuffix(digits, "0"); shift++ {
		digits = digits[:len(digits)-1]
	}
	// 19 digits are the most an int64 has.
	if shift < 0 || shift > 19 {
		return 0, false
	}
	return parseInt(digits + strings.Repeat("0", shift))
}

func parseInt(s string) (int64, bool) {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, false
	}
	return v, true
}

// equalFold is strings.EqualFold for ASCII only: Azure folds no other letters,
// and Unicode folding would take U+212A for a k.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
