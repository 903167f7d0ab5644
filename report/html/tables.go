package html

import (
	"encoding/binary"
	"encoding/json"
	"strconv"
	"strings"

	"ipflow/ingest/diag"
)

// table is rows of whole numbers by column. What a number means is up to the
// column: a count, or the number of a string, a list or a row.
type table struct {
	names   []string
	columns [][]int
	known   map[string]int // rows by content, for intern
}

func newTable(names ...string) *table {
	return &table{names: names, columns: make([][]int, len(names)), known: map[string]int{}}
}

// add appends a row and returns its number.
func (t *table) add(row ...int) int {
	if len(row) != len(t.names) {
		panic("html: a row that does not fit its table")
	}
	for i, v := range row {
		t.columns[i] = append(t.columns[i], v)
	}
	return len(t.columns[0]) - 1
}

// intern returns the number of an equal row and adds it if there is none.
func (t *table) intern(row ...int) int {
	k := key(row)
	at, ok := t.known[k]
	if !ok {
		at = t.add(row...)
		t.known[k] = at
	}
	return at
}

// MarshalJSON writes {"name":[…],…}.
func (t *table) MarshalJSON() ([]byte, error) {
	out := make(map[string][]int, len(t.names))
	for i, name := range t.names {
		out[name] = t.columns[i]
		if out[name] == nil {
			out[name] = []int{}
		}
	}
	return json.Marshal(out)
}

func key(row []int) string {
	b := make([]byte, 0, 2*len(row))
	for _, v := range row {
		b = binary.AppendVarint(b, int64(v))
	}
	return string(b)
}

// dictionary stores every string and every list once. String 0 is "", list 0 is
// empty.
type dictionary struct {
	Prefixes []string   `json:"prefixes"`
	Strings  []entry    `json:"strings"`
	Lists    []sequence `json:"lists"`

	prefixes map[string]int
	strings  map[string]int
	lists    map[string]int
}

// entry is a string, cut behind its last slash where it is an id: those of one
// group share all but their tail. In JSON it is the string, or [prefix, tail].
type entry struct {
	prefix int // -1 for none
	tail   string
}

func (e entry) MarshalJSON() ([]byte, error) {
	if e.prefix < 0 {
		return json.Marshal(e.tail)
	}
	return json.Marshal([]any{e.prefix, e.tail})
}

// sequence is a list of numbers. In JSON [n] behind a number stands for n more,
// each one greater than the one before: a list of prefixes that is much like an
// earlier one is a few such runs.
type sequence []int

func (s sequence) MarshalJSON() ([]byte, error) {
	out := []byte{'['}
	for i := 0; i < len(s); i++ {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, int64(s[i]), 10)
		run := 0
		for i+run+1 < len(s) && s[i+run+1] == s[i]+run+1 {
			run++
		}
		if run > 2 {
			out = append(out, ",["...)
			out = strconv.AppendInt(out, int64(run), 10)
			out = append(out, ']')
			i += run
		}
	}
	return append(out, ']'), nil
}

func newDictionary() *dictionary {
	d := &dictionary{prefixes: map[string]int{}, strings: map[string]int{}, lists: map[string]int{}}
	d.text("")
	d.list([]int{})
	return d
}

// text returns the number of a string. Here every text of the report becomes
// inert: control characters and those that turn the writing direction are
// spelled out.
func (d *dictionary) text(s string) int {
	at, ok := d.strings[s]
	if ok {
		return at
	}
	shown := diag.Printable(s)
	e := entry{-1, shown}
	if cut := strings.LastIndexByte(shown, '/') + 1; cut > 1 && shown[0] == '/' {
		prefix, ok := d.prefixes[shown[:cut]]
		if !ok {
			prefix = len(d.Prefixes)
			d.prefixes[shown[:cut]] = prefix
			d.Prefixes = append(d.Prefixes, shown[:cut])
		}
		e = entry{prefix, shown[cut:]}
	}
	at = len(d.Strings)
	d.Strings = append(d.Strings, e)
	d.strings[s] = at
	return at
}

// list returns the number of a list of numbers, which it keeps.
func (d *dictionary) list(items []int) int {
	k := key(items)
	at, ok := d.lists[k]
	if !ok {
		at = len(d.Lists)
		d.lists[k] = at
		d.Lists = append(d.Lists, items)
	}
	return at
}

// numbers returns the number of the list of what number says of each item.
func numbers[T any](d *dictionary, items []T, number func(T) int) int {
	out := make([]int, len(items))
	for i, item := range items {
		out[i] = number(item)
	}
	return d.list(out)
}

// texts returns the number of a list of strings.
func (d *dictionary) texts(list []string) int { return numbers(d, list, d.text) }
