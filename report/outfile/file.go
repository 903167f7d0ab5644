package outfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// File is an output file that is not there yet.
type File struct {
	path   string // as the user wrote it
	target string // what is replaced: path with symbolic links followed
	temp   string // "" when written straight through
	w      io.Writer
	file   *os.File // nil for a passed-through writer, which stays open
	done   bool
}

// Create starts an output at path; "-" is standard output. A symbolic link is
// followed: the file it names is replaced, not the link.
func Create(path string) (*File, error) {
	if path == "-" {
		return Through(os.Stdout), nil
	}
	target, info, err := resolve(path)
	if err != nil {
		return nil, err
	}
	if info != nil && info.IsDir() {
		return nil, fmt.Errorf("write %s: is a directory: end the name with / for a directory of part files", path)
	}
	if info != nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(target, os.O_WRONLY, 0)
		if err != nil {
			return nil, pathError(path, err)
		}
		return &File{path: path, w: f, file: f}, nil
	}
	f, err := createTemp(target)
	if err != nil {
		return nil, pathError(path, err)
	}
	return &File{path: path, target: target, temp: f.Name(), w: f, file: f}, nil
}

// Through wraps a writer, such as standard output, that takes bytes as they
// come. Commit and Abort leave it open.
func Through(w io.Writer) *File { return &File{path: "standard output", w: w} }

// Write appends p.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err != nil {
		err = pathError(f.path, err)
	}
	return n, err
}

// Commit makes the file appear: sync, rename, sync of the directory. After an
// error nothing has changed at the path. Either ends the File.
func (f *File) Commit() error {
	if f.done {
		return nil
	}
	f.done = true
	switch {
	case f.file == nil:
		return nil
	case f.temp == "":
		return pathError(f.path, f.file.Close())
	}
	err := closeSynced(f.file)
	if err == nil {
		err = os.Rename(f.temp, f.target)
	}
	if err != nil {
		os.Remove(f.temp)
		return pathError(f.path, err)
	}
	return pathError(f.path, syncDir(filepath.Dir(f.target)))
}

// Abort drops what was written. It does nothing after Commit.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	if f.file != nil {
		f.file.Close()
	}
	if f.temp != "" {
		os.Remove(f.temp)
	}
}

// resolve follows symbolic links; info is nil when nothing is there yet.
func resolve(path string) (target string, info fs.FileInfo, err error) {
	if path == "" {
		return "", nil, errors.New("write output: the path is empty")
	}
	if _, err := os.Lstat(path); err != nil {
		if e := checkParent(path); e != nil || errors.Is(err, fs.ErrNotExist) {
			return path, nil, e
		}
		return path, nil, pathError(path, err)
	}
	target, err = filepath.EvalSymlinks(path)
	if err == nil {
		info, err = os.Stat(target)
	}
	return target, info, pathError(path, err)
}

func checkParent(path string) error {
	dir := filepath.Dir(filepath.Clean(path))
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("write %s: directory %s does not exist: create it first", path, dir)
	case err != nil:
		return pathError(path, err)
	case !info.IsDir():
		return fmt.Errorf("write %s: %s is not a directory", path, dir)
	}
	return nil
}

// maxName leaves room in a file name of 255 bytes, the usual bound, for what
// hidden names add.
const maxName = 200

// hidden returns a fresh name beside path that directory listings and dataset
// readers skip.
func hidden(path string) string {
	dir, name := filepath.Split(filepath.Clean(path))
	var b [6]byte
	rand.Read(b[:])
	return dir + "." + name[:min(len(name), maxName)] + ".ipflow-" + hex.EncodeToString(b[:])
}

func createTemp(target string) (*os.File, error) {
	for {
		f, err := os.OpenFile(hidden(target), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

func closeSynced(f *os.File) error {
	err := f.Sync()
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// syncDir makes a rename last. Some file systems do not sync directories; the
// data itself is safe then, and there is nothing to add.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return nil // may write the directory, not read it
		}
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !unsyncable(err) {
		return err
	}
	return nil
}

// pathError names the user's path in place of the hidden one.
func pathError(path string, err error) error {
	if err == nil {
		return nil
	}
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		err = pe.Err
	case errors.As(err, &le):
		err = le.Err
	}
	return fmt.Errorf("write %s: %w", path, err)
}
