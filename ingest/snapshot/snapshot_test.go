package snapshot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"ipflow/ingest/diag"
)

func gz(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

func zst(s string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return string(w.EncodeAll([]byte(s), nil))
}

// tree writes files below a new directory, makes it the working directory and
// returns its path.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		at := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(root)
	return root
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

// listing is the documents as PATH#INDEX TEXT.
func listing(s *Snapshot) []string {
	var out []string
	if s == nil {
		return nil
	}
	for _, d := range s.Documents {
		out = append(out, fmt.Sprintf("%s#%d %s", d.Path, d.Index, d.Root.Encode()))
	}
	return out
}

func texts(l diag.List) []string {
	var out []string
	for _, d := range l {
		out = append(out, d.Severity.String()+" "+d.String())
	}
	return out
}

func mustRead(t *testing.T, o Options, paths ...string) *Snapshot {
	t.Helper()
	s, faults, err := Read(t.Context(), paths, o)
	if err != nil || len(faults) > 0 {
		t.Fatalf("Read(%q): %v, faults %v", paths, err, texts(faults))
	}
	return s
}

func TestReadDirectory(t *testing.T) {
	tree(t, map[string]string{
		"s/b.json":                "\xef\xbb\xbf{\"bom\":1}",
		"s/a.JSON":                "\xff\xfe[\x001\x006\x00]\x00",
		"s/sub/deep/c.jsonc":      "// c\n{\"c\":1,}\n{\"c\":2}",
		"s/sub/d.json.gz":         gz(`{"d":1}`) + gz(`{"d":2}`),
		"s/sub/e.jsonc.zst":       zst(`{"e":`) + zst(`1}`),
		"s/sub/f.json.zst":        "\x50\x2a\x4d\x18\x02\x00\x00\x00xx" + zst("[6]"),
		"s/sub/unpacked.json.gz":  `"plain"`,
		"s/sub/packed.json":       gz(`"packed"`),
		"s/.git/x.json":           "{broken",
		"s/sub/.terraform/y.json": "{broken",
		"s/._b.json":              "\x00\x05\x16\x07",
		"s/.dotfile.json":         "7",
		"s/readme.md":             "{broken",
		"s/json":                  "{broken",
		"s/x.json.bz2":            "{broken",
	})
	want := []string{
		`s/.dotfile.json#0 7`,
		`s/a.JSON#0 [16]`,
		`s/b.json#0 {"bom":1}`,
		`s/sub/d.json.gz#0 {"d":1}`,
		`s/sub/d.json.gz#1 {"d":2}`,
		`s/sub/deep/c.jsonc#0 {"c":1}`,
		`s/sub/deep/c.jsonc#1 {"c":2}`,
		`s/sub/e.jsonc.zst#0 {"e":1}`,
		`s/sub/f.json.zst#0 [6]`,
		`s/sub/packed.json#0 "packed"`,
		`s/sub/unpacked.json.gz#0 "plain"`,
	}
	one := mustRead(t, Options{Workers: 1}, "s")
	if d := cmp.Diff(want, listing(one)); d != "" {
		t.Errorf("documents (-want +got):\n%s", d)
	}
	if got := one.Documents[6].Root.Get("c").Origin(); got.String() != "s/sub/deep/c.jsonc:3:6" || got.Pointer != "/c" {
		t.Errorf("origin %v %s", got, got.Pointer)
	}
	many := mustRead(t, Options{Workers: 8}, "s/")
	if d := cmp.Diff(want, listing(many)); d != "" {
		t.Errorf("8 workers (-want +got):\n%s", d)
	}
	if d := cmp.Diff(one.Files, many.Files); d != "" || one.SHA256 != many.SHA256 {
		t.Errorf("files differ with 8 workers: %s", d)
	}
}

func TestReadNamedFiles(t *testing.T) {
	root := tree(t, map[string]string{"export.txt": `{"a":1}`, "sub/.hidden/packed": gz(`[2]`), "sub/x.json": "3"})
	s := mustRead(t, Options{}, "sub/.hidden/packed", "./export.txt", filepath.Join(root, "sub"))
	want := []string{"./export.txt#0 " + `{"a":1}`, filepath.ToSlash(root) + "/sub/x.json#0 3", "sub/.hidden/packed#0 [2]"}
	if d := cmp.Diff(want, listing(s)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	var relative []string
	for _, f := range s.Files {
		relative = append(relative, f.Relative)
	}
	if d := cmp.Diff([]string{"export.txt", "x.json", "packed"}, relative); d != "" {
		t.Errorf("relative (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"sub/x.json#0 3"}, listing(mustRead(t, Options{}, "./sub"))); d != "" {
		t.Errorf("cleaned (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"x.json#0 3"}, func() []string { t.Chdir("sub"); return listing(mustRead(t, Options{}, ".")) }()); d != "" {
		t.Errorf("working directory (-want +got):\n%s", d)
	}
}

func TestReadStdin(t *testing.T) {
	tree(t, map[string]string{"a.json": "1"})
	for name, in := range map[string]string{"plain": "[2] [3]", "gzip": gz("[2] [3]"), "zstd": zst("[2] [3]")} {
		t.Run(name, func(t *testing.T) {
			s := mustRead(t, Options{Stdin: strings.NewReader(in)}, "a.json", "-", "-")
			if d := cmp.Diff([]string{"-#0 [2]", "-#1 [3]", "a.json#0 1"}, listing(s)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if got := s.Documents[1].Root.Origin().String(); got != "-:1:5" {
				t.Errorf("origin %s", got)
			}
		})
	}
}

func TestHashIsOfTheSortedListing(t *testing.T) {
	root := tree(t, map[string]string{
		"one/b.json": "[1]", "one/sub/a.json": "[2]", "two/b.json": "[3]", "two/zip.json.gz": gz("[4]"),
	})
	sum := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	b := []string{sum("[1]") + "  b.json\n", sum("[3]") + "  b.json\n"}
	slices.Sort(b)
	want := sum(b[0] + b[1] + sum("[2]") + "  sub/a.json\n" + sum("[4]") + "  zip.json.gz\n")

	first := mustRead(t, Options{}, "one", "two")
	for name, paths := range map[string][]string{
		"order":          {"two", "one"},
		"spelling":       {"./one/", "./two"},
		"absolute":       {filepath.Join(root, "one"), filepath.Join(root, "two")},
		"twice":          {"two", "one", "two", "one/sub/a.json", "two/b.json"},
		"file-then-root": {"one/sub/a.json", "two", "one"},
	} {
		t.Run(name, func(t *testing.T) {
			s := mustRead(t, Options{}, paths...)
			if s.SHA256 != want {
				t.Errorf("hash %s, want %s", s.SHA256, want)
			}
			if len(s.Documents) != 4 {
				t.Errorf("documents %q", listing(s))
			}
			if name == "order" || name == "twice" || name == "file-then-root" {
				if d := cmp.Diff(listing(first), listing(s)); d != "" {
					t.Errorf("(-one two +this):\n%s", d)
				}
			}
		})
	}
	if err := os.WriteFile("one/b.json", []byte("[1 ]"), 0o644); err != nil {
		t.Fatal(err)
	}
	if s := mustRead(t, Options{}, "one", "two"); s.SHA256 == want {
		t.Error("the hash does not see a changed byte")
	}
	if hash([]File{{Relative: "a\nb", SHA256: "00"}}) != sum("\\00  a\\nb\n") {
		t.Error("a newline in a name is not escaped")
	}
}

func TestSymbolicLinks(t *testing.T) {
	tree(t, map[string]string{"s/real/a.json": "1", "s/b.json": "2", "other/c.json": "3", "other/d.json": "4"})
	link(t, "..", "s/real/loop")
	link(t, filepath.Join("..", "other"), "s/away")
	link(t, filepath.Join("..", "other"), "s/.away")
	link(t, filepath.Join("..", "other", "c.json"), "s/c.json")
	link(t, "b.json", "s/z.json")
	link(t, "nowhere", "s/dangling.txt")
	link(t, "s", "root")
	s, faults, err := Read(t.Context(), []string{"root"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"root/b.json#0 2", "root/c.json#0 3", "root/real/a.json#0 1"}, listing(s)); d != "" {
		t.Errorf("documents (-want +got):\n%s", d)
	}
	const text = ": this symbolic link to a directory was not followed; name it with --snapshot to read it"
	if d := cmp.Diff([]string{"warning root/away" + text, "warning root/real/loop" + text}, texts(faults)); d != "" {
		t.Errorf("faults (-want +got):\n%s", d)
	}
	all := []string{"other/c.json#0 3", "other/d.json#0 4", "s/b.json#0 2", "s/real/a.json#0 1"}
	for _, paths := range [][]string{{"s", "other"}, {"other", "s"}} {
		s, _, err := Read(t.Context(), paths, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(all, listing(s)); d != "" {
			t.Errorf("%v (-want +got):\n%s", paths, d)
		}
	}
	link(t, "nowhere", "s/dangling.json")
	if _, _, err := Read(t.Context(), []string{"s"}, Options{}); err == nil || !strings.HasPrefix(err.Error(), "s/dangling.json: ") {
		t.Errorf("a dangling link: %v", err)
	}
}

func TestSyntaxFaults(t *testing.T) {
	tree(t, map[string]string{"s/bad.json": "{\"a\": 1\n x}", "s/good.json": "1", "s/half.json": "2 [", "s/empty.json": " \n", "only/bad.json": "{"})
	const bad = `s/bad.json:2:2: /a: expected a comma or '}', found "x"`
	half := `s/half.json:1:4: /0: the file ends inside the array opened in line 1; it is cut off or lacks ']'`
	s, faults, err := Read(t.Context(), []string{"s"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"s/good.json#0 1", "s/half.json#0 2"}, listing(s)); d != "" {
		t.Errorf("documents (-want +got):\n%s", d)
	}
	want := []string{"error " + bad, "warning s/empty.json: the file holds no JSON document", "error " + half}
	if d := cmp.Diff(want, texts(faults)); d != "" {
		t.Errorf("faults (-want +got):\n%s", d)
	}

	s, faults, err = Read(t.Context(), []string{"s/bad.json", "s/half.json"}, Options{})
	if s != nil || err == nil || err.Error() != bad {
		t.Errorf("named: %v, %v", listing(s), err)
	}
	if d := cmp.Diff([]string{"error " + half}, texts(faults)); d != "" {
		t.Errorf("named, faults (-want +got):\n%s", d)
	}

	s, faults, err = Read(t.Context(), []string{"only"}, Options{})
	if err != nil || s == nil || len(s.Documents) != 0 || faults.Count(diag.Error) != 1 {
		t.Errorf("directory of one bad file: %v, %v, %v", listing(s), texts(faults), err)
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	packed := gz(`{"a": "` + strings.Repeat("a varied text 0123456789 ", 40) + `"}`)
	frame := zst(`{"a": "` + strings.Repeat("a varied text 0123456789 ", 40) + `"}`)
	flipped := []byte(packed)
	flipped[len(flipped)-6] ^= 1
	tree(t, map[string]string{
		"cut.json.gz": packed[:len(packed)/2], "cuthead.json.gz": packed[:5], "bad.json.gz": string(flipped), "none.json.gz": "",
		"cut.json.zst": frame[:len(frame)-3], "bomb.json.gz": gz(strings.Repeat(" ", 1<<20) + "1"), "bomb.json.zst": zst(strings.Repeat(" ", 1<<20) + "1"),
		"big.json": strings.Repeat(" ", 5000) + "1", "nojson/a.txt": "1", "empty.json": "", "fits.json.gz": gz(strings.Repeat(" ", 4095) + "1"),
	})
	const tooMany = "the file has more than 4096 bytes after decompression; split it"
	for _, c := range []struct {
		name  string
		paths []string
		want  string
	}{
		{"missing", []string{"gone/x.json"}, "gone/x.json: no such file or directory; check the path"},
		{"nameless", []string{""}, `"": no such file or directory; check the path`},
		{"nothing-named", nil, "no snapshot named; name a file, a directory or - for standard input"},
		{"no-json", []string{"nojson"}, "nojson: no *.json or *.jsonc file in this directory (nor with .gz or .zst); name the directory that holds the export"},
		{"gzip-cut", []string{"cut.json.gz"}, "cut.json.gz: the gzip data is cut off; copy or export the file again"},
		{"gzip-cut-head", []string{"cuthead.json.gz"}, "cuthead.json.gz: the gzip data is cut off; copy or export the file again"},
		{"gzip-damaged", []string{"bad.json.gz"}, "bad.json.gz: the gzip data is damaged (gzip: invalid checksum); copy or export the file again"},
		{"gzip-empty", []string{"none.json.gz"}, "none.json.gz: the file is empty, not even compressed; export it again"},
		{"zstd-cut", []string{"cut.json.zst"}, "cut.json.zst: the zstd data is cut off; copy or export the file again"},
		{"gzip-bomb", []string{"bomb.json.gz"}, "bomb.json.gz: " + tooMany},
		{"zstd-bomb", []string{"bomb.json.zst"}, "bomb.json.zst: " + tooMany},
		{"plain-too-large", []string{"big.json"}, "big.json: " + tooMany},
		{"no-document", []string{"empty.json"}, "empty.json: no JSON document in it; check that the export wrote something"},
		{"no-stdin", []string{"-"}, "-: there is no standard input to read; name a file"},
		{"all-told-once-in-order", []string{"z", "big.json", "a", "fits.json.gz", "z"}, "a: no such file or directory; check the path\nbig.json: " + tooMany + "\nz: no such file or directory; check the path"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _, err := Read(t.Context(), c.paths, Options{MaxFileSize: 4096})
			if s != nil || err == nil || err.Error() != c.want {
				t.Errorf("got  %v, %v\nwant %s", listing(s), err, c.want)
			}
		})
	}
	t.Run("bomb-on-stdin", func(t *testing.T) {
		_, _, err := Read(t.Context(), []string{"-"}, Options{MaxFileSize: 4096, Stdin: strings.NewReader(strings.Repeat(" ", 4097))})
		if err == nil || err.Error() != "-: "+tooMany {
			t.Errorf("got %v", err)
		}
	})
	t.Run("bound-is-reachable", func(t *testing.T) {
		if got := listing(mustRead(t, Options{MaxFileSize: 4096}, "fits.json.gz")); len(got) != 1 {
			t.Errorf("got %q", got)
		}
	})
	t.Run("wraps", func(t *testing.T) {
		if _, _, err := Read(t.Context(), []string{"gone"}, Options{}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v is not fs.ErrNotExist", err)
		}
	})
	t.Run("options", func(t *testing.T) {
		for _, o := range []Options{{MaxFileSize: -1}, {Workers: -1}} {
			if _, _, err := Read(t.Context(), []string{"fits.json.gz"}, o); err == nil {
				t.Errorf("%+v was taken", o)
			}
		}
	})
}

func TestUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	tree(t, map[string]string{"s/a.json": "1", "s/locked.json": "2", "s/dir/b.json": "3"})
	for _, name := range []string{"s/locked.json", "s/dir"} {
		if err := os.Chmod(name, 0); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(name, 0o755)
	}
	_, _, err := Read(t.Context(), []string{"s"}, Options{})
	want := "s/dir: permission denied; grant read access to it\ns/locked.json: permission denied; grant read access to it"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestCancelled(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	// The pipe never delivers: only the context can end this.
	if s, _, err := Read(ctx, []string{"-"}, Options{Stdin: r}); s != nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, %v", s, err)
	}
}

func FuzzExpand(f *testing.F) {
	f.Add([]byte("[1]"))
	f.Add([]byte(gz("[1]") + gz("[2]")))
	f.Add([]byte(zst("[1]") + zst("[2]")))
	f.Add([]byte(gz(strings.Repeat("x", 9000))))
	f.Add([]byte("\x50\x2a\x4d\x18\x02\x00\x00\x00xx" + zst("[6]")))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := expand(bytes.NewReader(data), 0, 4096)
		if len(out) > 4096 || err != nil && out != nil {
			t.Fatalf("%d bytes, %v", len(out), err)
		}
		// What is not compressed comes out as it went in, and what is packed again
		// comes out the same.
		if err == nil {
			for _, packed := range []string{gz(string(out)), zst(string(out))} {
				again, err := expand(strings.NewReader(packed), 0, 4096)
				if err != nil || !bytes.Equal(again, out) {
					t.Fatalf("packed again: %v", err)
				}
			}
		}
	})
}
