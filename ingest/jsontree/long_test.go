package jsontree

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipflow/ingest/diag"
)

// readLong reads a text as a Long in blocks of the size: the documents with the
// elements of all pieces put back, or ok false.
func readLong(data []byte, size int) (l *Long, pieces []*Node, docs []*Node, list *Node, ok bool) {
	l, from, ok := NewLong("f", data[:min(len(data), max(64, size))])
	if !ok {
		return nil, nil, nil, nil, false
	}
	var wait sync.WaitGroup
	var results []*Node
	parsed := make(chan func(), len(data))
	for end := from; end < len(data); {
		end = min(len(data), end+size)
		n := l.Cut(data[from:end])
		if n == 0 {
			continue
		}
		piece := l.Next(data[from : from+n])
		from += n
		i := len(results)
		results = append(results, nil)
		wait.Go(func() {
			elements, _ := piece.Parse()
			parsed <- func() { results[i] = elements }
		})
	}
	docs, list, ok = l.Tail(data[from:])
	wait.Wait()
	close(parsed)
	for set := range parsed {
		set()
	}
	return l, results, docs, list, ok
}

// spot is one value and where it stands.
type spot struct {
	Origin diag.Origin
	Value  string
}

func spots(n *Node, out []spot) []spot {
	out = append(out, spot{n.Origin(), string(n.Encode())})
	for _, item := range n.Items() {
		out = spots(item, out)
	}
	for _, m := range n.Members() {
		out = append(out, spot{Value: m.Name})
		out = spots(m.Value, out)
	}
	return out
}

// longSpots lists the values of a text read as a Long, as spots of Parse's documents
// would, but for the values of the list and of what holds it.
func longSpots(pieces, docs []*Node, list *Node) []spot {
	var out []spot
	for i, d := range docs {
		if i > 0 {
			out = spots(d, out)
			continue
		}
		for _, m := range d.Members() {
			out = append(out, spot{Value: m.Name})
			if m.Value != list {
				out = spots(m.Value, out)
			} else {
				out = elementSpots(pieces, list, out)
			}
		}
		if d == list {
			out = elementSpots(pieces, list, out)
		}
	}
	return out
}

func elementSpots(pieces []*Node, list *Node, out []spot) []spot {
	for _, p := range append(pieces[:len(pieces):len(pieces)], list) {
		for item := range p.Elements() {
			out = spots(item, out)
		}
	}
	return out
}

func wholeSpots(docs []*Node, l *Long) []spot {
	var out []spot
	for i, d := range docs {
		if i > 0 {
			out = spots(d, out)
			continue
		}
		for _, item := range d.Items() {
			out = spots(item, out)
		}
		found := false
		for _, m := range d.Members() {
			out = append(out, spot{Value: m.Name})
			if !found && m.Name == l.Member() && m.Value.Kind() == Array {
				found = true
				for _, item := range m.Value.Items() {
					out = spots(item, out)
				}
				continue
			}
			out = spots(m.Value, out)
		}
	}
	return out
}

// FuzzLong compares reading by pieces with Parse: where it succeeds, every value
// and every origin is the same.
func FuzzLong(f *testing.F) {
	for _, s := range []string{
		`[{"a":1},{"b":[{"c":2},{}]},{"d":3}]`,
		"{\n  \"x\": 1,\n  \"value\": [\n    {\n      \"a\": [\n        {\"v\": 1},\n        {}\n      ]\n    },\n    {\n      \"b\": 2\n    },\n    {}\n  ],\n  \"nextLink\": null\n}\n{}",
		"\xef\xbb\xbf[\r\n\t{\"a\":\"\xff\"},\r\n\t{\"b\":\"\n\t{\"},// c\n\t{}\r\n]",
		"{\"data\":[\n{\"a\":1},/* \n{ */\n{\"a\":2},\n{\"a\":3}],\"count\":3}",
		`{"value":[{"a":",{"},{"b":"\",{"},{}],"value":[{}]}[{}]`,
		"[\n {},\n {},, \n {}]", "[\n {},\n {}\n {}]", "[{},// ,{}\n{}]", "[{},{},]", "[\n{},\n]", "[{}] ,{}", `{"value":[{},1,"x",{}]}`,
	} {
		for _, size := range []byte{1, 7, 40} {
			f.Add([]byte(s), size)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, size byte) {
		l, pieces, docs, list, ok := readLong(data, int(size)+1)
		if !ok {
			return
		}
		want, faults := Parse("f", data)
		if len(faults) > 0 {
			t.Fatalf("read by pieces, but %v", faults)
		}
		if diff := cmp.Diff(wholeSpots(want, l), longSpots(pieces, docs, list)); diff != "" {
			t.Fatalf("%q in pieces (-Parse +Long):\n%s", data, diff)
		}
	})
}

// An export in each of the usual layouts is read by pieces of about the size.
func TestLongTakesExports(t *testing.T) {
	var elements []string
	for i := range 300 {
		elements = append(elements, fmt.Sprintf(`{"id": %d, "rules": [{"name": "a,b"}, {"ports": ["1","2"]}]}`, i))
	}
	indented := func(indent, line string) string {
		return "[" + line + indent + strings.Join(elements, ","+line+indent) + line + "]"
	}
	for name, text := range map[string]string{
		"az":         indented("  ", "\n"),
		"powershell": indented("    ", "\r\n"),
		"compact":    "[" + strings.Join(elements, ",") + "]",
		"page":       "{\n  \"value\": " + indented("    ", "\n") + ",\n  \"nextLink\": \"x\"\n}\n",
		"page-line":  `{"value":[` + strings.Join(elements, ",") + `],"nextLink":"x"}`,
		"graph":      "{\n  \"count\": 300,\n  \"data\": " + indented("    ", "\n") + ",\n  \"total_records\": 300\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			l, pieces, docs, list, ok := readLong([]byte(text), 1024)
			if !ok {
				t.Fatal("not read by pieces")
			}
			if len(pieces) < len(text)/1024/2 || len(docs) != 1 {
				t.Errorf("%d pieces of %d bytes, %d documents", len(pieces), len(text), len(docs))
			}
			want, _ := Parse("f", []byte(text))
			if diff := cmp.Diff(wholeSpots(want, l), longSpots(pieces, docs, list)); diff != "" {
				t.Errorf("(-Parse +Long):\n%s", diff)
			}
		})
	}
}

// What is no long list, or not as regular as it seemed, is left to Parse.
func TestLongLeavesTheRest(t *testing.T) {
	for _, text := range []string{
		"", "1", "{}", `{"values":[{}]}`, `{"a":{"value":[{}]}}`, "\xff\xfe[\x00]\x00", "\x1f\x8b[", `{"value":[{}`, "[\n {},\n {}\n {}]",
		"[\n {\"a\":\"\n {},\"},\n {}]", "[{},// ,\n{},{}]]", "[\n {}, /*\n {},*/\n {},\n {}", strings.Repeat(" ", 70) + "[{}]",
	} {
		if _, _, _, _, ok := readLong([]byte(text), 1); ok {
			t.Errorf("%q was read by pieces", text)
		}
	}
}
