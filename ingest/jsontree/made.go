package jsontree

import (
	"fmt"
	"strconv"

	"ipflow/ingest/diag"
)

// made is the content of a constructed node.
type made struct {
	origin  diag.Origin
	text    string // of a string, number or bool
	items   []*Node
	members []Member
}

func construct(kind Kind, m made) *Node {
	// One allocation for the three.
	c := &struct {
		node Node
		src  source
		made made
	}{made: m}
	c.src.made = &c.made
	c.node = Node{src: &c.src, kind: kind, parent: noParent}
	return &c.node
}

// NewNull returns null.
func NewNull(o diag.Origin) *Node { return construct(Null, made{origin: o}) }

// NewBool returns true or false.
func NewBool(o diag.Origin, v bool) *Node {
	return construct(Bool, made{origin: o, text: strconv.FormatBool(v)})
}

// NewNumber returns the number with the source text raw, which must be a JSON
// number.
func NewNumber(o diag.Origin, raw string) *Node {
	if raw == "" || numberEnd(raw, 0) != len(raw) {
		panic(fmt.Sprintf("jsontree: %q is not a JSON number", raw))
	}
	return construct(Number, made{origin: o, text: raw})
}

// NewString returns the string s.
func NewString(o diag.Origin, s string) *Node { return construct(String, made{origin: o, text: s}) }

// NewArray returns an array. It keeps the slice; items keep their own origins.
func NewArray(o diag.Origin, items []*Node) *Node {
	return construct(Array, made{origin: o, items: items})
}

// NewObject returns an object. It keeps the slice; values keep their own origins.
func NewObject(o diag.Origin, members []Member) *Node {
	return construct(Object, made{origin: o, members: members})
}

// NewResidue returns a string that stands for an expression which could not be
// resolved; text is that expression in its brackets.
func NewResidue(o diag.Origin, text string) *Node {
	n := construct(String, made{origin: o, text: text})
	n.flags |= residue
	return n
}
