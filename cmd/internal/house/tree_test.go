package house

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const modulePath = "ipflow"

// A tree is what the checks look at: the module's packages and text files.
type tree struct {
	packages []*pkg // sorted by dir
	texts    []text // every text file, sorted by path
}

type pkg struct {
	dir   string // slash-separated, relative to the root; "." at the root
	files []goFile
}

type goFile struct {
	path    string // relative to the root
	test    bool
	imports []string
	doc     string // the package comment, "" when the file has none
	lines   int
}

type text struct {
	path string
	body []byte
}

// readTree reads the module at root. It leaves out folders the go command ignores
// (but reads .ci), folders of build results, nested modules, and binary or very
// large files.
func readTree(root string) (*tree, error) {
	t := &tree{}
	byDir := map[string]*pkg{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			return skip(p, rel, d.Name())
		}
		if !d.Type().IsRegular() || rel == ".git" { // a file in linked work trees
			return nil
		}
		body, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if isText(body) {
			t.texts = append(t.texts, text{rel, body})
		}
		if path.Ext(rel) != ".go" || slices.Contains(strings.Split(rel, "/"), "testdata") {
			return nil
		}
		f, err := readGo(rel, body)
		if err != nil {
			return err
		}
		dir := path.Dir(rel)
		if byDir[dir] == nil {
			byDir[dir] = &pkg{dir: dir}
			t.packages = append(t.packages, byDir[dir])
		}
		byDir[dir].files = append(byDir[dir].files, f)
		return nil
	})
	slices.SortFunc(t.packages, func(a, b *pkg) int { return strings.Compare(a.dir, b.dir) })
	return t, err
}

func skip(p, rel, name string) error {
	switch {
	case rel == ".":
		return nil
	case strings.HasPrefix(name, "_"), strings.HasPrefix(name, ".") && rel != ".ci", rel == "dist", rel == "out":
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(p, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

func isText(body []byte) bool {
	return len(body) < 4<<20 && bytes.IndexByte(body[:min(len(body), 8<<10)], 0) < 0
}

func readGo(rel string, body []byte) (goFile, error) {
	f := goFile{path: rel, test: strings.HasSuffix(rel, "_test.go"), lines: bytes.Count(body, []byte{'\n'})}
	file, err := parser.ParseFile(token.NewFileSet(), rel, body, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return f, err
	}
	if file.Doc != nil {
		f.doc = file.Doc.Text()
	}
	for _, spec := range file.Imports {
		f.imports = append(f.imports, importPath(spec))
	}
	return f, nil
}

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		panic("house: import " + spec.Path.Value)
	}
	return p
}

// own returns the directory of an import of this module, and whether it is one.
func own(imp string) (string, bool) {
	if imp == modulePath {
		return ".", true
	}
	return strings.CutPrefix(imp, modulePath+"/")
}

// foreign reports whether an import is neither of this module nor of Go itself.
func foreign(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return strings.Contains(first, ".")
}

// room returns the first element of a package's folder.
func room(dir string) string {
	first, _, _ := strings.Cut(dir, "/")
	return first
}

// code returns what the package's code, without its tests, imports.
func (p *pkg) code() []string {
	var out []string
	for _, f := range p.files {
		if !f.test {
			out = append(out, f.imports...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// module is a direct requirement of a go.mod.
func directModules(gomod []byte) []string {
	var out []string
	for line := range strings.Lines(string(gomod)) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "require ")
		fields := strings.Fields(line)
		if len(fields) >= 2 && foreign(fields[0]) && strings.HasPrefix(fields[1], "v") && !strings.Contains(line, "// indirect") {
			out = append(out, fields[0])
		}
	}
	return out
}

func inModule(imp, module string) bool {
	return imp == module || strings.HasPrefix(imp, module+"/")
}
