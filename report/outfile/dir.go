package outfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// marker is the file by which a directory is known to be ours. Dataset readers
// skip names that begin with an underscore.
const marker = "_ipflow"

const markerText = "Files written by ipflow. While this file and those are all there is, a later run may replace the directory.\n"

var partName = regexp.MustCompile(`^part-[0-9]{5,}\.[a-z0-9.]+$`)

// Dir is an output directory that is not there yet: part files, or files with
// names of their own.
type Dir struct {
	path   string
	target string
	temp   string
	ext    string
	names  []string // of a directory of named files
	parts  int
	done   bool
}

// CreateNamed starts a directory of files with the names and no others, under the
// conditions of CreateDir.
func CreateNamed(path string, names []string) (*Dir, error) { return createDir(path, "", names) }

// CreateDir starts a directory of part files at path; ext follows the parts'
// number, such as ".parquet". What stands at path already is replaced by Commit
// if it is an empty directory or one that an earlier run wrote and that holds
// nothing else; anything else is refused.
func CreateDir(path, ext string) (*Dir, error) { return createDir(path, ext, nil) }

func createDir(path, ext string, names []string) (*Dir, error) {
	target, info, err := resolve(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	if info != nil && !info.IsDir() {
		return nil, fmt.Errorf("write %s: exists and is not a directory", path)
	}
	if info != nil {
		if err := replaceable(path, target, names); err != nil {
			return nil, err
		}
	}
	// The hidden name must stand beside the directory even if that is ".".
	if target, err = filepath.Abs(target); err != nil {
		return nil, pathError(path, err)
	}
	temp := hidden(target)
	if err := os.Mkdir(temp, 0o755); err != nil {
		return nil, pathError(path, err)
	}
	d := &Dir{path: path, target: target, temp: temp, ext: ext, names: names}
	f, err := d.create(marker)
	if err == nil {
		_, err = f.Write([]byte(markerText))
		if e := f.Close(); err == nil {
			err = e
		}
	}
	if err != nil {
		d.Abort()
		return nil, pathError(path, err)
	}
	return d, nil
}

func replaceable(path, target string, names []string) error {
	written := func(name string) bool {
		if names != nil {
			return slices.Contains(names, name)
		}
		return partName.MatchString(name)
	}
	entries, err := os.ReadDir(target)
	if err != nil {
		return pathError(path, err)
	}
	ours := false
	for _, e := range entries {
		ours = ours || e.Name() == marker && e.Type().IsRegular()
	}
	for _, e := range entries {
		if !ours || e.Name() != marker && !written(e.Name()) || !e.Type().IsRegular() {
			return fmt.Errorf("write %s: the directory holds %s, which ipflow did not write: remove it or choose another name", path, e.Name())
		}
	}
	return nil
}

// Part is a file of a Dir.
type Part struct {
	d *Dir
	f *os.File
}

// Next starts the next part file. The one before must be closed.
func (d *Dir) Next() (*Part, error) {
	f, err := d.create(fmt.Sprintf("part-%05d%s", d.parts, d.ext))
	if err != nil {
		return nil, pathError(d.path, err)
	}
	d.parts++
	return &Part{d: d, f: f}, nil
}

// Named starts one of the files of CreateNamed. The one before must be closed.
func (d *Dir) Named(name string) (*Part, error) {
	if !slices.Contains(d.names, name) {
		panic("outfile: no such name: " + name)
	}
	f, err := d.create(name)
	if err != nil {
		return nil, pathError(d.path, err)
	}
	return &Part{d: d, f: f}, nil
}

func (d *Dir) create(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(d.temp, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
}

// Write appends p.
func (p *Part) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	return n, pathError(p.d.path, err)
}

// Close syncs and closes the part, which still is not visible.
func (p *Part) Close() error { return pathError(p.d.path, closeSynced(p.f)) }

// Commit makes the directory appear. An earlier one is moved aside first, as no
// system renames over a directory with files, and back if the second step fails;
// a crash between the two leaves it under a hidden name beside.
func (d *Dir) Commit() error {
	if d.done {
		return nil
	}
	d.done = true
	err := d.replace()
	if err != nil {
		os.RemoveAll(d.temp)
		return err
	}
	return pathError(d.path, syncDir(filepath.Dir(d.target)))
}

func (d *Dir) replace() error {
	if err := syncDir(d.temp); err != nil {
		return pathError(d.path, err)
	}
	err := os.Rename(d.temp, d.target)
	if err == nil {
		return nil
	}
	if info, e := os.Lstat(d.target); e != nil || !info.IsDir() {
		return pathError(d.path, err)
	}
	// It may have changed since CreateDir.
	if err := replaceable(d.path, d.target, d.names); err != nil {
		return err
	}
	old := hidden(d.target)
	if err := os.Rename(d.target, old); err != nil {
		return pathError(d.path, err)
	}
	if err := os.Rename(d.temp, d.target); err != nil {
		if os.Rename(old, d.target) != nil {
			return fmt.Errorf("%w; the former directory stays as %s", pathError(d.path, err), old)
		}
		return pathError(d.path, err)
	}
	if err := os.RemoveAll(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write %s: complete, but the former directory stays as %s: %w", d.path, old, err)
	}
	return nil
}

// Abort removes what was written. It does nothing after Commit.
func (d *Dir) Abort() {
	if d.done {
		return
	}
	d.done = true
	os.RemoveAll(d.temp)
}
