package snapshot

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
)

// DefaultMaxFileSize is the most bytes a file may have after decompression.
const DefaultMaxFileSize = 4 << 30

// Options say how to read. The zero value works, without standard input.
type Options struct {
	Stdin       io.Reader // what "-" reads
	MaxFileSize int64     // bytes after decompression; 0 means DefaultMaxFileSize
	Workers     int       // files read, and pieces of long ones parsed, at the same time; 0 means GOMAXPROCS
	// Reader, when set, gets the documents, which then are not kept.
	Reader Reader
	// PieceSize is how many bytes of a long list are parsed at a time, for a
	// Reader; 0 means 4 MiB, less than 0 that every file is parsed as a whole.
	PieceSize int
}

// Validate reports an option out of bounds.
func (o Options) Validate() error {
	if o.MaxFileSize < 0 || o.MaxFileSize == math.MaxInt64 {
		return fmt.Errorf("file size limit %d is outside 0-%d", o.MaxFileSize, int64(math.MaxInt64-1))
	}
	if o.Workers < 0 {
		return fmt.Errorf("number of workers %d is negative", o.Workers)
	}
	return nil
}

// Document is one JSON document of a snapshot.
type Document struct {
	Path   string         // of its file, as in every Origin of Root
	Index  int            // 0-based, among the documents of the file
	Root   *jsontree.Node // nil when there is a Reader
	Read   any            // what the Reader answered
	SHA256 string         // of its file
}

// File is one file that was read.
type File struct {
	Path      string // as named, joined with the path below a named directory, with slashes; "-" for standard input
	Relative  string // the path below the named directory, the last element for a file named itself
	Size      int64  // bytes after decompression
	SHA256    string // of the content after decompression, in lower-case hexadecimal digits
	Documents int    // how many were read from it
}

// Snapshot is everything that was read.
type Snapshot struct {
	Documents []Document // by path, then index
	SHA256    string     // see the package comment
	Files     []File     // by path
}

// Read reads all documents that the paths lead to.
//
// The error is for what keeps the snapshot from being whole: a path that does not
// exist, may not be read, is cut off or too large, a directory without JSON
// files, a named file whose syntax lets no document be read, paths that yield no
// document and no fault either. It then joins one line for each such path, and
// there is no snapshot. A syntax fault elsewhere is a diagnostic. The list is
// sorted, returned in either case, and does not repeat what the error says.
//
// When ctx ends, Read returns its error at once, even where a reader of Stdin
// still waits.
func Read(ctx context.Context, paths []string, o Options) (*Snapshot, diag.List, error) {
	if err := o.Validate(); err != nil {
		return nil, nil, err
	}
	if len(paths) == 0 {
		return nil, nil, errors.New("no snapshot named; name a file, a directory or - for standard input")
	}
	entries, faults, errs := find(paths)
	results, err := load(ctx, entries, o)
	if err != nil {
		return nil, nil, err
	}
	s := new(Snapshot)
	for i, r := range results {
		switch none := len(r.docs) == 0; {
		case r.err != nil:
			errs = append(errs, r.err)
			continue
		case none && len(r.faults) > 0 && entries[i].named:
			errs = append(errs, errors.New(r.faults[0].String()))
			continue
		case none && len(r.faults) == 0:
			faults.Warnf(diag.Origin{File: r.file.Path}, "no-document", "the file holds no JSON document")
		}
		faults = append(faults, r.faults...)
		s.Files = append(s.Files, r.file)
		for k, d := range r.docs {
			s.Documents = append(s.Documents, Document{Path: r.file.Path, Index: k, Root: d.root, Read: d.read, SHA256: r.file.SHA256})
		}
	}
	if len(errs) == 0 && len(s.Documents) == 0 && faults.Count(diag.Error) == 0 {
		errs = append(errs, fmt.Errorf("%s: no JSON document in it; check that the export wrote something", strings.Join(paths, ", ")))
	}
	faults.Sort()
	if len(errs) > 0 {
		slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
		errs = slices.CompactFunc(errs, func(a, b error) bool { return a.Error() == b.Error() })
		return nil, faults, errors.Join(errs...)
	}
	s.SHA256 = hash(s.Files)
	return s, faults, nil
}

// result is one file's outcome. If err is set, only it is.
type result struct {
	file   File
	docs   []parsed
	faults diag.List
	err    error
}

// parsed is a document, or what the Reader made of it.
type parsed struct {
	root *jsontree.Node
	read any
}

// loader reads files.
type loader struct {
	o       Options
	workers chan struct{} // one for each piece that is being parsed
	rooms   rooms
}

func (l *loader) limit() int64 { return cmp.Or(l.o.MaxFileSize, DefaultMaxFileSize) }

// load reads the entries, results in the same order. Its error is ctx's.
func load(ctx context.Context, entries []entry, o Options) ([]result, error) {
	results := make([]result, len(entries))
	workers := cmp.Or(o.Workers, runtime.GOMAXPROCS(0))
	l := &loader{o: o, workers: make(chan struct{}, workers)}
	l.rooms.size = l.pieceSize()
	var g errgroup.Group
	g.SetLimit(workers)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i, e := range entries {
			g.Go(func() error {
				results[i] = l.read(ctx, e)
				return nil
			})
		}
		// A fault of one file must not keep the others' from being told.
		_ = g.Wait()
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-done:
		return results, ctx.Err()
	}
}

func (l *loader) read(ctx context.Context, e entry) result {
	long, begun := l.longFile(ctx, e)
	if long != nil {
		return *long
	}
	data, err := content(ctx, e, l.o)
	if err != nil {
		return result{err: explain(e.path, err)}
	}
	if !begun {
		if long := l.longData(e, data); long != nil {
			return *long
		}
	}
	sum := sha256.Sum256(data)
	docs, faults := jsontree.Parse(e.path, data)
	r := result{
		file: File{
			Path:      e.path,
			Relative:  e.relative,
			Size:      int64(len(data)),
			SHA256:    hex.EncodeToString(sum[:]),
			Documents: len(docs),
		},
		faults: faults,
	}
	for _, root := range docs {
		if l.o.Reader != nil {
			r.docs = append(r.docs, parsed{read: l.o.Reader.Document(e.path, root)})
		} else {
			r.docs = append(r.docs, parsed{root: root})
		}
	}
	return r
}

// hash lists the files as sha256sum does, its escapes included, and hashes that.
func hash(files []File) string {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int {
		return cmp.Or(cmp.Compare(a.Relative, b.Relative), cmp.Compare(a.SHA256, b.SHA256))
	})
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`)
	h := sha256.New()
	for _, f := range files {
		mark, name := "", escape.Replace(f.Relative)
		if name != f.Relative {
			mark = `\`
		}
		fmt.Fprintf(h, "%s%s  %s\n", mark, f.SHA256, name)
	}
	return hex.EncodeToString(h.Sum(nil))
}
