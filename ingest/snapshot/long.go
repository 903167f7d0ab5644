package snapshot

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"sync"

	"ipflow/ingest/jsontree"
)

// Reader takes documents apart as soon as they are parsed, so that no tree outlives
// its use. Its methods run concurrently.
type Reader interface {
	// Document reads a document.
	Document(path string, root *jsontree.Node) any
	// Elements reads some elements, given in an array, of a long list: a
	// document, or the member of one whose name is given. Done says that nothing
	// leads to the elements any more, nor to their text.
	Elements(path, member string, elements *jsontree.Node) (part any, done bool)
	// Long reads the document of a long list that holds only the last elements;
	// parts are what Elements answered for those before, in order. When it
	// answers false the document is read as a whole.
	Long(path string, root, list *jsontree.Node, parts []any) (any, bool)
}

const (
	// defaultPiece is small against memory and large against what each piece costs.
	defaultPiece = 4 << 20
	// headBytes is how much of a file is looked at for the begin of a long list.
	headBytes = 64 << 10
)

// longFile reads a file as a long list, longData what is in memory already. The
// result is nil when it is none, or has to be read as a whole for another reason;
// begun says that it looked like one.
func (l *loader) longFile(ctx context.Context, e entry) (r *result, begun bool) {
	if l.o.Reader == nil || l.o.PieceSize < 0 || e.open == stdin {
		return nil, false
	}
	f, err := os.Open(e.open)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() < int64(2*l.pieceSize()) || info.Size() > l.limit() {
		return nil, false
	}
	return l.pieces(e, contextReader{ctx, f})
}

func (l *loader) longData(e entry, data []byte) *result {
	if l.o.Reader == nil || l.o.PieceSize < 0 || len(data) < 2*l.pieceSize() {
		return nil
	}
	r, _ := l.pieces(e, bytes.NewReader(data))
	return r
}

func (l *loader) pieceSize() int { return cmp.Or(l.o.PieceSize, defaultPiece) }

// pieces reads the list. This goroutine reads, hashes and cuts, others parse.
func (l *loader) pieces(e entry, r io.Reader) (*result, bool) {
	size := l.pieceSize()
	block := make([]byte, min(headBytes, size))
	if _, err := io.ReadFull(r, block); err != nil {
		return nil, false
	}
	list, head, ok := jsontree.NewLong(e.path, block)
	if !ok {
		return nil, false
	}
	sum, total := sha256.New(), int64(len(block))
	sum.Write(block)
	var work gathering
	room := l.rooms.take(size)
	for kept := copy(room, block[head:]); ; {
		n, err := io.ReadFull(r, room[kept:])
		sum.Write(room[kept : kept+n])
		total += int64(n)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) || total > l.limit() || work.failed() {
			work.wait.Wait()
			return nil, true
		}
		if n < len(room)-kept {
			block = room[:kept+n]
			break
		}
		cut, want := list.Cut(room), size
		if rest := len(room) - cut; rest > want/2 {
			want = 2 * rest // an element longer than that
		}
		// The piece may be read, and its room be in use for another, at once.
		next := l.rooms.take(want)
		kept = copy(next, room[cut:])
		if cut > 0 {
			work.start(l, e, list, list.Next(room[:cut:cut]), room)
		} else {
			l.rooms.put(room)
		}
		room = next
	}
	docs, node, ok := list.Tail(block)
	work.wait.Wait()
	if !ok || work.failed() {
		return nil, true
	}
	first, ok := l.o.Reader.Long(e.path, docs[0], node, work.parts)
	if !ok {
		return nil, true
	}
	out := &result{file: File{
		Path: e.path, Relative: e.relative, Size: total, SHA256: hex.EncodeToString(sum.Sum(nil)), Documents: len(docs),
	}}
	out.docs = append(out.docs, parsed{read: first})
	for _, d := range docs[1:] {
		out.docs = append(out.docs, parsed{read: l.o.Reader.Document(e.path, d)})
	}
	return out, true
}

// gathering collects what is read from the pieces of a list.
type gathering struct {
	wait  sync.WaitGroup
	mu    sync.Mutex
	parts []any
	bad   bool // a piece was none
}

func (g *gathering) failed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bad
}

// start reads a piece in a goroutine of its own, when one of the workers is free.
// Pieces are started in order, so that those that wait for earlier ones do not wait
// for ever. The piece lies in the room.
func (g *gathering) start(l *loader, e entry, list *jsontree.Long, piece *jsontree.Piece, room []byte) {
	g.mu.Lock()
	i := len(g.parts)
	g.parts = append(g.parts, nil)
	g.mu.Unlock()
	l.workers <- struct{}{}
	g.wait.Go(func() {
		defer func() { <-l.workers }()
		elements, ok := piece.Parse()
		var part any
		if ok {
			var done bool
			if part, done = l.o.Reader.Elements(e.path, list.Member(), elements); done {
				piece.Release()
				l.rooms.put(room)
			}
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.parts[i] = part
		g.bad = g.bad || !ok
	})
}

// rooms are blocks of text that nothing leads to any more. Reading into one again
// costs less than to have the system find and clear another.
type rooms struct {
	size int // of those that are kept
	mu   sync.Mutex
	free [][]byte
}

func (r *rooms) take(size int) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.free) - 1
	if size != r.size || last < 0 {
		return make([]byte, size)
	}
	room := r.free[last]
	r.free = r.free[:last]
	return room
}

func (r *rooms) put(room []byte) {
	if len(room) != r.size {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free = append(r.free, room)
}
