package outfile

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// list names everything below dir, hidden files too.
func list(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if rel, _ := filepath.Rel(dir, p); rel != "." {
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func mustCreate(t *testing.T, path, text string) *File {
	t.Helper()
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFileAppearsOnCommitOnly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	f := mustCreate(t, path, "new")
	if names := list(t, dir); len(names) != 1 || !strings.HasPrefix(names[0], ".out.csv.ipflow-") {
		t.Errorf("before commit: %v", names)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	f.Abort()
	if diff := cmp.Diff([]string{"out.csv"}, list(t, dir)); diff != "" {
		t.Error(diff)
	}
	if got := read(t, path); got != "new" {
		t.Errorf("got %q", got)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o600 != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestExistingFileStaysUntilCommit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	write(t, path, "old")
	mustCreate(t, path, "lost").Abort()
	f := mustCreate(t, path, "new")
	if got := read(t, path); got != "old" {
		t.Errorf("before commit: %q", got)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "new" {
		t.Errorf("after commit: %q", got)
	}
	if diff := cmp.Diff([]string{"out.csv"}, list(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestLongNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("n", 255))
	if err := mustCreate(t, path, "x").Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestSymbolicLinkIsFollowed(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	write(t, real, "old")
	if err := os.Symlink(real, link); err != nil {
		t.Skip("no symbolic links here")
	}
	if err := mustCreate(t, link, "new").Commit(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 || read(t, real) != "new" {
		t.Errorf("link %v, %v, real holds %q", info.Mode(), err, read(t, real))
	}
}

func TestDeviceIsWrittenThrough(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no device files")
	}
	if err := mustCreate(t, os.DevNull, "gone").Commit(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatalf("%s was replaced: %v, %v", os.DevNull, info, err)
	}
}

func TestThroughLeavesTheWriterOpen(t *testing.T) {
	var b bytes.Buffer
	f := Through(&b)
	f.Write([]byte("x"))
	if err := f.Commit(); err != nil || b.String() != "x" {
		t.Errorf("got %q, %v", b.String(), err)
	}
}

func TestErrorsNameThePathOnOneLine(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "")
	os.Mkdir(filepath.Join(dir, "full"), 0o755)
	write(t, filepath.Join(dir, "full", "part-00000.csv"), "not ours: no marker")
	locked := filepath.Join(dir, "locked")
	os.Mkdir(locked, 0o555)
	file := func(p string) func() error {
		return func() error {
			f, err := Create(p)
			if err == nil {
				f.Abort()
			}
			return err
		}
	}
	parts := func(p string) func() error {
		return func() error {
			d, err := CreateDir(p, ".csv")
			if err == nil {
				d.Abort()
			}
			return err
		}
	}
	for want, f := range map[string]func() error{
		"is a directory: end the name with /":                file(filepath.Join(dir, "full")),
		"does not exist: create it first":                    file(filepath.Join(dir, "none", "out.csv")),
		"does not exist: create it first\x00":                parts(filepath.Join(dir, "none", "out") + "/"),
		"is not a directory":                                 file(filepath.Join(dir, "file", "out.csv")),
		"exists and is not a directory":                      parts(filepath.Join(dir, "file") + "/"),
		"part-00000.csv, which ipflow did not write: remove": parts(filepath.Join(dir, "full") + "/"),
		"permission denied":                                  file(filepath.Join(locked, "out.csv")),
		"path is empty":                                      file(""),
	} {
		want := strings.TrimSuffix(want, "\x00")
		err := f()
		if err == nil && want == "permission denied" && os.Geteuid() <= 0 {
			continue // root may write anywhere
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), ".ipflow-") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if slices.ContainsFunc(list(t, dir), func(n string) bool { return strings.Contains(n, "ipflow-") }) {
		t.Errorf("left behind: %v", list(t, dir))
	}
}

func part(t *testing.T, d *Dir, text string) {
	t.Helper()
	p, err := d.Next()
	if err != nil {
		t.Fatal(err)
	}
	p.Write([]byte(text))
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDirAppearsAndReplacesItself(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out") + "/"
	for _, parts := range [][]string{{"a", "b", "c"}, {"d"}} {
		d, err := CreateDir(out, ".csv")
		if err != nil {
			t.Fatal(err)
		}
		before := list(t, filepath.Join(dir))
		for _, text := range parts {
			part(t, d, text)
		}
		if slices.Contains(before, "out") != slices.Contains(list(t, dir), "out") {
			t.Error("out appeared before commit")
		}
		if err := d.Commit(); err != nil {
			t.Fatal(err)
		}
		want := []string{"out", "out/_ipflow", "out/part-00000.csv", "out/part-00001.csv", "out/part-00002.csv"}[:2+len(parts)]
		if diff := cmp.Diff(want, list(t, dir)); diff != "" {
			t.Error(diff)
		}
		if got := read(t, filepath.Join(dir, "out", "part-00000.csv")); got != parts[0] {
			t.Errorf("got %q, want %q", got, parts[0])
		}
	}
}

func TestDirReplacesAnEmptyOne(t *testing.T) {
	dir := t.TempDir()
	d, err := CreateDir(dir+"/", ".csv")
	if err != nil {
		t.Fatal(err)
	}
	part(t, d, "x")
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"_ipflow", "part-00000.csv"}, list(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestDirOfTheWorkingDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "here")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	d, err := CreateDir("./", ".csv")
	if err != nil {
		t.Fatal(err)
	}
	part(t, d, "x")
	if names := list(t, dir); len(names) != 0 {
		t.Errorf("before commit: %v", names)
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"_ipflow", "part-00000.csv"}, list(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestDirKeepsWhatUsersAdded(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	d, err := CreateDir(out+"/", ".csv")
	if err != nil {
		t.Fatal(err)
	}
	part(t, d, "x")
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	// One comes while the second run is under way, one is there before the third.
	d, err = CreateDir(out+"/", ".csv")
	if err != nil {
		t.Fatal(err)
	}
	part(t, d, "y")
	write(t, filepath.Join(out, "notes.txt"), "mine")
	if err := d.Commit(); err == nil || !strings.Contains(err.Error(), "notes.txt") {
		t.Errorf("commit: %v", err)
	}
	if _, err := CreateDir(out+"/", ".csv"); err == nil {
		t.Error("created over notes.txt")
	}
	if diff := cmp.Diff([]string{"out", "out/_ipflow", "out/notes.txt", "out/part-00000.csv"}, list(t, dir)); diff != "" {
		t.Error(diff)
	}
	if got := read(t, filepath.Join(out, "part-00000.csv")); got != "x" {
		t.Errorf("got %q", got)
	}
}

func TestDirAbortLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	d, err := CreateDir(filepath.Join(dir, "out")+"/", ".csv")
	if err != nil {
		t.Fatal(err)
	}
	part(t, d, "x")
	d.Abort()
	if names := list(t, dir); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
}

// TestNamedFiles writes a directory of files with names of their own; a later run
// replaces it, and nothing else.
func TestNamedFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tables")
	names := []string{"a.parquet", "b.parquet"}
	for _, text := range []string{"one", "two"} {
		d, err := CreateNamed(dir, names)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			p, err := d.Named(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Write([]byte(text + name)); err != nil {
				t.Fatal(err)
			}
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Commit(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "b.parquet")); err != nil || string(got) != text+"b.parquet" {
			t.Errorf("%q, %v", got, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "mine.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateNamed(dir, names); err == nil {
		t.Error("a directory with a file of somebody else is replaced")
	}
}
