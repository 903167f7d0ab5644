package azure

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unsafe"

	"ipflow/ingest/flow"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// store keeps what many resources are made of: words that repeat once, all else
// close together in blocks, where allocations of their own would cost time and
// memory. Strings are copies: a network must not hold on to the text of a
// file. A store is for one goroutine.
type store struct {
	words      [1 << wordBits]string
	shorts     [1 << shortBits]shortWord
	references map[string]string
	bytes      []byte // free rest of a block
	rules      block[network.Rule]
	selectors  block[network.Selector]
	texts      block[string]
	ports      block[flow.PortRange]

	// Room that reading one rule needs and the next one reuses.
	one, many []*jsontree.Node
	groups    []*jsontree.Node
	names     []string
	ids       []string
	ranges    []flow.PortRange
	fields    [ruleFieldCount]*jsontree.Node
	byName    map[string]*network.Rule // of one list
}

func newStore() *store {
	return &store{references: map[string]string{}, byName: map[string]*network.Rule{}}
}

// id is word for references to other resources.
func (s *store) id(id string) string {
	if kept, ok := s.references[id]; ok {
		return kept
	}
	kept := s.text(id)
	if len(s.references) < most {
		s.references[kept] = kept
	}
	return kept
}

const (
	longestWord = 48
	wordBits    = 12
	shortBits   = 10
	most        = 1 << 14 // entries of a map
	blockBytes  = 16 << 10
	blockItems  = 256
)

// letGo forgets the nodes that reading needed.
func (s *store) letGo() {
	clear(s.one[:cap(s.one)])
	clear(s.many[:cap(s.many)])
	clear(s.fields[:])
	clear(s.byName)
	clear(s.groups[:cap(s.groups)])
	clear(s.names[:cap(s.names)])
	clear(s.ids[:cap(s.ids)])
}

// rulesByName returns an empty map.
func (s *store) rulesByName() map[string]*network.Rule {
	// Emptying takes time by the most it ever held.
	if len(s.byName) > most {
		s.byName = map[string]*network.Rule{}
	}
	clear(s.byName)
	return s.byName
}

// word returns a string that repeats.
func (s *store) word(text string) string {
	n := len(text)
	if n == 0 || n > longestWord {
		return s.text(text)
	}
	if n <= 8 {
		return s.short(text)
	}
	// One place for each of many words; a new one takes the place of another.
	b := unsafe.Slice(unsafe.StringData(text), n)
	h := binary.LittleEndian.Uint64(b)*prime ^ bits.RotateLeft64(binary.LittleEndian.Uint64(b[n-8:])+uint64(n), 32)
	place := &s.words[h*prime>>(64-wordBits)]
	if *place != text {
		*place = s.text(text)
	}
	return *place
}

const prime = 0x9e3779b97f4a7c15

// shortWord is a word with its bytes beside it, so that to compare it is to look at
// one place.
type shortWord struct {
	bytes uint64
	text  string
}

// short is word for one to eight bytes.
func (s *store) short(text string) string {
	// The bytes overlap; with the length they tell one word from another.
	n := len(text)
	b := unsafe.Slice(unsafe.StringData(text), n)
	var w uint64
	if n >= 4 {
		w = uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
	} else {
		w = uint64(b[0]) | uint64(b[n/2])<<8 | uint64(b[n-1])<<16
	}
	place := &s.shorts[(w+uint64(n))*prime>>(64-shortBits)]
	if place.bytes != w || len(place.text) != n {
		*place = shortWord{w, s.text(text)}
	}
	return place.text
}

// usual is word for fields of which a few words are nearly all there is, with the
// Key of the word without the spaces around it.
func (s *store) usual(text string) (word, key string) {
	switch text {
	case "Inbound":
		return "Inbound", "inbound"
	case "Outbound":
		return "Outbound", "outbound"
	case "Allow":
		return "Allow", "allow"
	case "Deny":
		return "Deny", "deny"
	case "Tcp":
		return "Tcp", "tcp"
	case "Udp":
		return "Udp", "udp"
	case "*":
		return "*", "*"
	}
	return s.word(text), network.Key(strings.TrimSpace(text))
}

// text returns a copy of a string.
func (s *store) text(text string) string {
	switch {
	case text == "":
		return ""
	case len(text) > blockBytes/8:
		return strings.Clone(text)
	case len(text) > len(s.bytes):
		s.bytes = make([]byte, blockBytes)
	}
	kept := s.bytes[:copy(s.bytes, text)]
	s.bytes = s.bytes[len(kept):]
	return unsafe.String(&kept[0], len(kept)) // written once
}

// block hands out the elements of slices that hold many.
type block[T any] struct{ free []T }

// keep returns a copy of the list, nil of an empty one. It cannot grow in place.
func (b *block[T]) keep(list []T) []T {
	n := len(list)
	switch {
	case n == 0:
		return nil
	case n > blockItems/8:
		return append(make([]T, 0, n), list...)
	case n > len(b.free):
		b.free = make([]T, blockItems)
	}
	kept := b.free[:n:n]
	copy(kept, list)
	b.free = b.free[n:]
	return kept
}

// room returns an empty list that n elements fit in. It is for filled, before
// anything else is taken from the block.
func (b *block[T]) room(n int) []T {
	switch {
	case n > blockItems/8:
		return make([]T, 0, n)
	case n > len(b.free):
		b.free = make([]T, blockItems)
	}
	return b.free[:0:n]
}

// filled keeps a list that was begun with room, as keep does.
func (b *block[T]) filled(list []T) []T {
	n := len(list)
	if n == 0 {
		return nil
	}
	if cap(list) <= blockItems/8 {
		b.free = b.free[n:]
	}
	return list[:n:n]
}

// add returns an element of its own.
func (b *block[T]) add() *T {
	if len(b.free) == 0 {
		b.free = make([]T, blockItems)
	}
	p := &b.free[0]
	b.free = b.free[1:]
	return p
}

// What most rules have on some side; nobody may change the elements.
var (
	anySelector = []network.Selector{{Kind: network.SelectAny, Text: "*"}}
	anyText     = []string{"*"}
	allPorts    = []flow.PortRange{flow.AllPorts}
)

// keepSelectors keeps a list that was begun with room.
func (s *store) keepSelectors(list []network.Selector) []network.Selector {
	if len(list) == 1 && list[0] == anySelector[0] {
		return anySelector[:1:1]
	}
	return s.selectors.filled(list)
}

func (s *store) keepTexts(list []string) []string {
	if len(list) == 1 && list[0] == anyText[0] {
		return anyText[:1:1]
	}
	return s.texts.keep(list)
}

func (s *store) keepPorts(list []flow.PortRange) []flow.PortRange {
	if len(list) == 1 && list[0] == flow.AllPorts {
		return allPorts[:1:1]
	}
	return s.ports.keep(list)
}
