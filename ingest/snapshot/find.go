package snapshot

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"ipflow/ingest/diag"
)

// stdin is the path that means standard input.
const stdin = "-"

// entry is one file to read.
type entry struct {
	path     string // as shown
	relative string // as hashed
	open     string // as opened; stdin for standard input
	named    bool   // the user named the file itself
}

// find turns the user's paths into entries, sorted by path, each file once.
func find(paths []string) ([]entry, diag.List, []error) {
	f := finder{byReal: make(map[string]*entry), roots: make(map[string]bool)}
	for _, p := range paths {
		f.root(p)
	}
	entries := make([]entry, 0, len(f.byReal))
	for _, e := range f.byReal {
		entries = append(entries, *e)
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.open, b.open))
	})
	return entries, f.faults, f.errs
}

type finder struct {
	byReal map[string]*entry // by the path without symbolic links
	roots  map[string]bool   // directories walked, as the user wrote them
	faults diag.List
	errs   []error
}

// root adds what one path of the user leads to.
func (f *finder) root(name string) {
	if name == stdin {
		f.add(stdin, entry{path: stdin, relative: stdin, open: stdin, named: true})
		return
	}
	info, err := os.Stat(name)
	if err != nil {
		f.errs = append(f.errs, explain(filepath.ToSlash(name), err))
		return
	}
	real := resolve(name)
	if !info.IsDir() {
		shown := filepath.ToSlash(name)
		f.add(real, entry{path: shown, relative: path.Base(shown), open: name, named: true})
		return
	}
	if !f.roots[name] {
		f.roots[name] = true
		f.walk(name, real)
	}
}

// walk adds the JSON files of a directory.
func (f *finder) walk(name, real string) {
	found := false
	err := filepath.WalkDir(real, func(at string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(real, at)
		if relErr != nil {
			return relErr
		}
		shown := path.Join(filepath.ToSlash(name), filepath.ToSlash(rel))
		if err != nil {
			f.errs = append(f.errs, explain(shown, err))
			found = true // the listing is incomplete; do not add that nothing was there
			return skip(d)
		}
		if d.IsDir() {
			if at != real && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		mode, target := d.Type(), at
		if mode&fs.ModeSymlink != 0 {
			mode, target = f.follow(shown, at)
		}
		if !isJSON(d.Name()) || mode&fs.ModeIrregular != 0 {
			return nil
		}
		found = true
		if !mode.IsRegular() {
			f.faults.Warnf(diag.Origin{File: shown}, "not-a-file", "this is a %s and was not read; name it with --snapshot to read it", kind(mode))
			return nil
		}
		f.add(target, entry{path: shown, relative: filepath.ToSlash(rel), open: at})
		return nil
	})
	switch {
	case err != nil:
		f.errs = append(f.errs, explain(filepath.ToSlash(name), err))
	case !found:
		f.errs = append(f.errs, fmt.Errorf("%s: no *.json or *.jsonc file in this directory (nor with .gz or .zst); name the directory that holds the export", filepath.ToSlash(name)))
	}
}

func skip(d fs.DirEntry) error {
	if d != nil && d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// follow returns what a symbolic link inside a directory leads to. A link that
// needs no more attention answers ModeIrregular.
func (f *finder) follow(shown, at string) (mode fs.FileMode, target string) {
	info, err := os.Stat(at)
	hidden := strings.HasPrefix(filepath.Base(at), ".")
	switch {
	case err != nil && isJSON(at):
		f.errs = append(f.errs, explain(shown, err))
	case err != nil:
	case !info.IsDir():
		return info.Mode().Type(), resolve(at)
	case !hidden:
		// Following could loop, or leave the directory for the whole disk.
		f.faults.Warnf(diag.Origin{File: shown}, "link-not-followed", "this symbolic link to a directory was not followed; name it with --snapshot to read it")
	}
	return fs.ModeIrregular, at
}

// add enters a file, or a second way to one already entered. Which of two ways is
// kept must not depend on the order of the paths.
func (f *finder) add(real string, e entry) {
	old, ok := f.byReal[real]
	if !ok {
		f.byReal[real] = &e
		return
	}
	old.named = old.named || e.named
	if e.path < old.path {
		old.path, old.open = e.path, e.open
	}
	if cmp.Or(cmp.Compare(len(old.relative), len(e.relative)), cmp.Compare(e.relative, old.relative)) < 0 {
		old.relative = e.relative
	}
}

// resolve returns the absolute path without symbolic links, or as near to it as
// the system allows: the pipe behind /dev/fd/63 has no path.
func resolve(name string) string {
	abs, err := filepath.Abs(name)
	if err != nil {
		return filepath.Clean(name)
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real
	}
	return abs
}

// isJSON reports whether a directory's file is to be read.
func isJSON(name string) bool {
	name = strings.ToLower(filepath.Base(name))
	if strings.HasPrefix(name, "._") {
		return false
	}
	for _, packed := range []string{".gz", ".zst"} {
		if bare, ok := strings.CutSuffix(name, packed); ok {
			name = bare
			break
		}
	}
	return strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".jsonc")
}

func kind(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	}
	return "device"
}

// explain says what is wrong with a path, and what to do, in one line.
func explain(shown string, err error) error {
	remedy := ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
		remedy = "; check the path"
	case errors.Is(err, fs.ErrPermission):
		remedy = "; grant read access to it"
	}
	if shown == "" {
		shown = `""`
	}
	// The path is said already, and better: as the user wrote it.
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	return fmt.Errorf("%s: %w%s", diag.Printable(shown), err, remedy)
}
