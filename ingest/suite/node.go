package suite

import (
	"fmt"
	"strconv"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
)

// kind is what a value is, in words that messages use.
type kind string

const (
	null    kind = "null"
	boolean kind = "a boolean"
	number  kind = "a number"
	text    kind = "text"
	list    kind = "a list"
	object  kind = "a mapping"
)

// node is a value of either syntax.
type node struct {
	kind    kind
	text    string // of text; of numbers and booleans as JSON writes them
	items   []*node
	members []member
	at      diag.Origin
	odd     bool // a whole number in a spelling that YAML versions read differently: 080, 0x50, 1_000
}

type member struct {
	name  string
	at    diag.Origin
	value *node
}

// tooMuch is the fault of a suite beyond a bound.
type tooMuch struct {
	at      diag.Origin
	message string
}

// budget bounds what is read.
type budget struct{ nodes int }

func (b *budget) spend(at diag.Origin, depth int) *tooMuch {
	switch b.nodes++; {
	case b.nodes > maxNodes:
		return &tooMuch{at, fmt.Sprintf("more than %d values; aliases count as often as they are used", maxNodes)}
	case depth > maxDepth:
		return &tooMuch{at, fmt.Sprintf("more than %d levels deep", maxDepth)}
	}
	return nil
}

// readJSON reads the one document of a JSON file.
func readJSON(path string, data []byte) (*node, diag.List) {
	docs, faults := jsontree.Parse(path, data)
	if len(faults) > 0 {
		return nil, faults
	}
	switch len(docs) {
	case 0:
		faults.Errorf(diag.Origin{File: path, Line: 1, Column: 1}, "bad-suite", "the file is empty")
		return nil, faults
	case 1:
	default:
		faults.Errorf(place(docs[1].Origin()), "bad-suite", "a second document; the file may hold one")
		return nil, faults
	}
	var b budget
	n, over := b.fromJSON(docs[0], 0)
	if over != nil {
		faults.Errorf(over.at, "bad-suite", "%s", over.message)
		return nil, faults
	}
	return n, nil
}

// place drops the pointer: suites are told by line.
func place(o diag.Origin) diag.Origin {
	o.Pointer = ""
	return o
}

func (b *budget) fromJSON(in *jsontree.Node, depth int) (*node, *tooMuch) {
	out := &node{at: place(in.Origin())}
	if over := b.spend(out.at, depth); over != nil {
		return nil, over
	}
	switch in.Kind() {
	case jsontree.Absent, jsontree.Null:
		out.kind = null
	case jsontree.Bool:
		out.kind, out.text = boolean, strings.ToLower(in.Text())
	case jsontree.Number:
		out.kind, out.text = number, in.Raw()
		if v, ok := in.Int(); ok {
			out.text = strconv.FormatInt(v, 10)
		}
	case jsontree.String:
		out.kind, out.text = text, in.Text()
	case jsontree.Array:
		out.kind = list
		for _, x := range in.Items() {
			item, over := b.fromJSON(x, depth+1)
			if over != nil {
				return nil, over
			}
			out.items = append(out.items, item)
		}
	case jsontree.Object:
		out.kind = object
		for _, m := range in.Members() {
			value, over := b.fromJSON(m.Value, depth+1)
			if over != nil {
				return nil, over
			}
			out.members = append(out.members, member{m.Name, place(m.Value.NameOrigin()), value})
		}
	}
	return out, nil
}
