package snapshot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"ipflow/ingest/jsontree"
)

// encoder answers with the text of documents that are arrays. Of every other piece
// it keeps the nodes up to the end.
type encoder struct{ pieces, long atomic.Int64 }

func (e *encoder) Document(_ string, root *jsontree.Node) any { return string(root.Encode()) }

func (e *encoder) Elements(_, _ string, elements *jsontree.Node) (part any, done bool) {
	if e.pieces.Add(1)%2 == 0 {
		return elements, false
	}
	return string(elements.Encode()), true
}

func (e *encoder) Long(_ string, root, _ *jsontree.Node, parts []any) (any, bool) {
	e.long.Add(1)
	var all []string
	for _, p := range append(parts, root) {
		text, ok := p.(string)
		if !ok {
			text = string(p.(*jsontree.Node).Encode())
		}
		all = append(all, strings.Trim(text, "[]"))
	}
	return "[" + strings.Join(all, ",") + "]", true
}

// Blocks and nodes are used again, but not those that somebody still looks at.
func TestPiecesDoNotDisturbEachOther(t *testing.T) {
	dir := t.TempDir()
	for k := range 3 {
		var b strings.Builder
		b.WriteString("[")
		for i := range 4000 {
			if i > 0 {
				b.WriteString(",")
			}
			// Some are longer than a piece.
			fmt.Fprintf(&b, "\n  {\"file\": %d, \"element\": \"%d%s\"}", k, i, strings.Repeat("x", i*i%301+i/1000*i%3000))
		}
		b.WriteString("\n]")
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.json", k)), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(size, workers int) (*Snapshot, *encoder) {
		var e encoder
		s, faults, err := Read(t.Context(), []string{dir}, Options{Reader: &e, PieceSize: size, Workers: workers})
		if err != nil || len(faults) > 0 {
			t.Fatal(err, faults)
		}
		return s, &e
	}
	want, _ := read(-1, 1)
	for _, size := range []int{900, 4000, 64 << 10} {
		for _, workers := range []int{1, 4} {
			got, e := read(size, workers)
			if e.long.Load() != 3 || e.pieces.Load() < 6 || got.SHA256 != want.SHA256 {
				t.Errorf("size %d: %d long files, %d pieces, hash %s", size, e.long.Load(), e.pieces.Load(), got.SHA256)
			}
			for i, d := range got.Documents {
				if d.Read != want.Documents[i].Read {
					t.Errorf("size %d, %d workers: %s is not what it is as a whole", size, workers, d.Path)
				}
			}
		}
	}
}
