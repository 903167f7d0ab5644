package jsontree

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Eight bytes at a time find what one at a time would, wherever it stands.
func TestEightAtATime(t *testing.T) {
	for _, fill := range []string{" ", "a", "\x22\x5c", "!#[]", "\x80", "\xa2\xdc", "\x00"} {
		for n := range 40 {
			for _, end := range []string{"", `"`, `\`, "x", "\n", `\"`, `"\`} {
				text := strings.Repeat(fill, n) + end + "  "
				for i := range len(text) + 1 {
					want := len(text)
					if k := strings.IndexAny(text[i:], `"\`); k >= 0 {
						want = i + k
					}
					if got := special(text, i); got != want {
						t.Fatalf("special(%q, %d) = %d, want %d", text, i, got, want)
					}
					got, spaces := indented(text, i), len(text)-len(strings.TrimLeft(text[i:], " "))
					if got > spaces || got < spaces && spaces+8 <= len(text) {
						t.Fatalf("indented(%q, %d) = %d, spaces end at %d", text, i, got, spaces)
					}
				}
			}
		}
	}
}

func TestLines(t *testing.T) {
	for n := range 3*markStep + 2 {
		if n%97 > 2 && n%markStep > 1 {
			continue
		}
		for _, text := range []string{strings.Repeat("\n", n), strings.Repeat("a", n), strings.Repeat("ab\n", n/3) + "c"} {
			f := file{text: text}
			if got, want := f.lines(), strings.Count(text, "\n"); got != want {
				t.Errorf("%d lines in %d bytes, want %d", got, len(text), want)
			}
		}
	}
}

// Pieces that lie in the memory of released ones are read alike: more nodes than a
// page holds, of other kinds at every place, and with nothing left of the names and
// flags of those before.
func TestReleasedMemory(t *testing.T) {
	const lead = "\n  "
	shapes := []string{`{"a\"b": "\u0041", "c": [1, {"d": null}]}`, `{"e": {"f": [["x", "y\n"], true]}}`, `{}`, `{"g": "h"}`}
	var elements []string
	for i := range 30_000 {
		elements = append(elements, shapes[i/7%4])
	}
	text := []byte("[" + lead + strings.Join(elements, ","+lead) + "\n]")
	list, from, ok := NewLong("f", text)
	if !ok {
		t.Fatal("no long list")
	}
	want, faults := Parse("f", text)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	items := want[0].Items()
	pages := 0
	for size := 100_000; from+size < len(text); size += 30_000 {
		n := list.Cut(text[from : from+size])
		piece := list.Next(text[from : from+n])
		from += n
		got, ok := piece.Parse()
		if !ok {
			t.Fatal("no piece")
		}
		for item := range got.Elements() {
			if diff := cmp.Diff(spots(items[0], nil), spots(item, nil)); diff != "" {
				t.Fatalf("(-Parse +piece):\n%s", diff)
			}
			items = items[1:]
		}
		pages = max(pages, len(piece.file.pages))
		piece.Release()
		if kept := len(list.spent.pages); kept != pages {
			t.Fatalf("%d pages are kept, the largest piece so far had %d", kept, pages)
		}
	}
	if len(items) == 30_000 || pages < 2 {
		t.Errorf("%d elements left, %d pages", len(items), pages)
	}
}
