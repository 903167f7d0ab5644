package jsontree

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// value is n as encoding/json would decode it into an any with UseNumber.
func value(n *Node) any {
	switch n.Kind() {
	case Bool:
		v, _ := n.Bool()
		return v
	case Number:
		return json.Number(n.Raw())
	case String:
		s, _ := n.Str()
		return s
	case Array:
		out := []any{}
		for _, i := range n.Items() {
			out = append(out, value(i))
		}
		return out
	case Object:
		out := map[string]any{}
		for _, m := range n.Members() {
			out[m.Name] = value(m.Value)
		}
		return out
	case Absent, Null:
	}
	return nil
}

// touch calls everything a reader would and checks what holds for any tree.
func touch(t *testing.T, n *Node, pointer string) {
	t.Helper()
	o := n.Origin()
	if o.Line < 1 || o.Column < 1 || o.Pointer != pointer {
		t.Fatalf("origin %v, pointer %q, want %q", o, o.Pointer, pointer)
	}
	n.Bool()
	n.Int()
	if count := len(n.Items()) + len(n.Members()); n.Len() != count || n.Empty() != (count == 0 && (n.Kind() == Array || n.Kind() == Object)) {
		t.Fatalf("%s: Len %d and Empty %t of %d", pointer, n.Len(), n.Empty(), count)
	}
	i := 0
	for item := range n.Elements() {
		touch(t, item, fmt.Sprintf("%s/%d", pointer, i))
		i++
	}
	if i != len(n.Items()) {
		t.Fatalf("%s: %d elements, %d items", pointer, i, len(n.Items()))
	}
	for _, m := range n.Members() {
		if n.Get(m.Name) == nil {
			t.Fatalf("%s: Get(%q) finds nothing", pointer, m.Name)
		}
		touch(t, m.Value, pointer+"/"+escapePointer(m.Name))
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		``, `{"a":[1,2.5e3,null,true,false,"x\u00e9\ud83d\ude00\ud800"],"A":{}}`, "[1,2,]// c\n{}/* */,{}",
		"\xef\xbb\xbf{}", "\xff\xfe[\x00]\x00", "\xfe\xff\x00[\x00]", "\"\xff\n\"", `{"a\"b":1,"a\"b":{"a":2}}`,
		`[[[[[[[[]]]]]]]`, `{"a":`, "\x00", `{"~/":[[{"":0}]]}`, `-0 0.0 1E-5`, "{\"a\"\uFEFF:\uFEFF1}", `"\`, `["\u12`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		strict, valid := decodeStrict(data)
		docs, faults := Parse("f", bytes.Clone(data))
		if len(faults) > 1 {
			t.Fatalf("%d faults: %v", len(faults), faults)
		}
		for _, fault := range faults {
			if fault.Origin.Line < 1 || fault.Origin.Column < 1 || fault.Message == "" {
				t.Fatalf("fault without place or words: %+v", fault)
			}
		}
		var got []any
		for _, d := range docs {
			touch(t, d, "")
			got = append(got, value(d))
			again, faults := Parse("f", d.Encode())
			if len(faults) > 0 || len(again) != 1 {
				t.Fatalf("Encode gave %q: %v", d.Encode(), faults)
			}
			if diff := cmp.Diff(value(d), value(again[0])); diff != "" {
				t.Fatalf("round trip (-before +after):\n%s", diff)
			}
		}
		if valid {
			if len(faults) > 0 {
				t.Fatalf("encoding/json accepts it: %v", faults)
			}
			if diff := cmp.Diff(strict, got); diff != "" {
				t.Fatalf("(-encoding/json +jsontree):\n%s", diff)
			}
		}
	})
}

// decodeStrict reads the documents with encoding/json. What only one of the two
// may refuse is left out: values nested too deep, and documents that touch, such
// as 0 and 1 in "01".
func decodeStrict(data []byte) (docs []any, valid bool) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	last := 0
	for {
		var v any
		switch err := d.Decode(&v); err {
		case nil:
		case io.EOF:
			return docs, true
		default:
			return nil, false
		}
		end := int(d.InputOffset())
		if bytes.Count(data[last:end], []byte("["))+bytes.Count(data[last:end], []byte("{")) > MaxDepth {
			return nil, false
		}
		if end < len(data) && !strings.ContainsRune(" \t\r\n{}[]\"", rune(data[end])) {
			return nil, false
		}
		last = end
		docs = append(docs, v)
	}
}
