package house

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// checks are the house rules, each from a tree to its violations.
var checks = []struct {
	name string
	run  func(*tree) []string
}{
	{"rooms", checkRooms},
	{"imports", checkImports},
	{"reach", checkReach},
	{"test-support", checkTestSupport},
	{"homes", checkHomes},
	{"docs", checkDocs},
	{"names", checkNames},
	{"sizes", checkSizes},
	{"dependencies", checkDependencies},
	{"mentions", checkMentions},
}

// checkRooms holds code and tests to the order of the rooms.
func checkRooms(t *tree) (bad []string) {
	for _, p := range t.packages {
		from := slices.Index(rooms, room(p.dir))
		if from < 0 {
			bad = append(bad, fmt.Sprintf("%s: Go code stands in no room (%s)", p.dir, strings.Join(rooms, ", ")))
			continue
		}
		for _, f := range p.files {
			for _, imp := range f.imports {
				dir, ok := own(imp)
				if !ok {
					continue
				}
				if to := slices.Index(rooms, room(dir)); to < 0 || to > from {
					bad = append(bad, fmt.Sprintf("%s: imports %s, which does not stand to the left of %s", f.path, dir, room(p.dir)))
				}
			}
		}
	}
	return bad
}

// checkImports compares code with mayImport, both ways round: no package
// without a row, no import without an entry.
func checkImports(t *tree) (bad []string) {
	for _, p := range t.packages {
		allowed, ok := mayImport[p.dir]
		if !ok {
			bad = append(bad, p.dir+": no row in mayImport of cmd/internal/house")
			continue
		}
		for _, imp := range p.code() {
			if dir, ok := own(imp); ok && !slices.ContainsFunc(allowed, func(a string) bool { return admits(a, dir) }) {
				bad = append(bad, fmt.Sprintf("%s: may not import %s", p.dir, dir))
			}
		}
	}
	return bad
}

func admits(pattern, dir string) bool {
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return inModule(dir, base)
	}
	return pattern == dir
}

func checkReach(t *tree) (bad []string) {
	for _, rule := range neverReach {
		seen := map[string]bool{}
		var visit func(dir, trail string)
		visit = func(dir, trail string) {
			if seen[dir] {
				return
			}
			seen[dir] = true
			if dir != rule.from && inModule(dir, rule.to) {
				bad = append(bad, fmt.Sprintf("%s: %s", trail, rule.why))
				return
			}
			i := slices.IndexFunc(t.packages, func(p *pkg) bool { return p.dir == dir })
			if i < 0 {
				return
			}
			for _, imp := range t.packages[i].code() {
				if next, ok := own(imp); ok {
					visit(next, trail+" > "+next)
				}
			}
		}
		visit(rule.from, rule.from)
	}
	return bad
}

// checkTestSupport keeps packages that are built on testing out of the program.
func checkTestSupport(t *tree) (bad []string) {
	support := map[string]bool{}
	for _, p := range t.packages {
		support[p.dir] = slices.Contains(p.code(), "testing")
	}
	for _, p := range t.packages {
		for _, imp := range p.code() {
			if dir, ok := own(imp); ok && support[dir] && !support[p.dir] {
				bad = append(bad, fmt.Sprintf("%s: imports %s, which imports testing and is for tests", p.dir, dir))
			}
		}
	}
	return bad
}

func checkHomes(t *tree) (bad []string) {
	for _, p := range t.packages {
		for _, f := range p.files {
			for _, imp := range f.imports {
				if !foreign(imp) {
					continue
				}
				if why := homeless(p.dir, f.test, imp); why != "" {
					bad = append(bad, fmt.Sprintf("%s: imports %s, %s", f.path, imp, why))
				}
			}
		}
	}
	return bad
}

// homeless says why a file may not import a third-party package, "" if it may.
// Tests may use any module that has a home, in order to judge what the code
// writes.
func homeless(dir string, test bool, imp string) string {
	for module, h := range homes {
		switch {
		case !inModule(imp, module):
			continue
		case test, slices.Contains(h.packages, dir), h.testOnly && strings.HasSuffix(dir, "test"):
			return ""
		case h.testOnly:
			return "which is for tests"
		}
		return "whose home is " + strings.Join(h.packages, ", ")
	}
	return "which has no home"
}

// checkDocs wants one package comment, in doc.go, with an Imports: paragraph
// that names every package of the project that the code imports.
func checkDocs(t *tree) (bad []string) {
	for _, p := range t.packages {
		doc := ""
		for _, f := range p.files {
			switch {
			case path.Base(f.path) == "doc.go":
				doc = f.doc
				if doc == "" {
					bad = append(bad, f.path+": no package comment")
				}
			case f.doc != "":
				bad = append(bad, f.path+": a second package comment; it belongs in doc.go")
			}
		}
		if doc == "" {
			if !slices.ContainsFunc(p.files, func(f goFile) bool { return path.Base(f.path) == "doc.go" }) {
				bad = append(bad, p.dir+": no doc.go")
			}
			continue
		}
		_, imports, ok := strings.Cut("\n"+doc, "\nImports:")
		if !ok {
			bad = append(bad, p.dir+"/doc.go: no line that begins with Imports:")
			continue
		}
		if strings.Contains(imports, "every room") && room(p.dir) == "cmd" {
			continue
		}
		words := strings.FieldsFunc(imports, func(r rune) bool { return strings.ContainsRune(" \n,;()", r) })
		for i := range words {
			words[i] = strings.TrimSuffix(words[i], ".")
		}
		for _, imp := range p.code() {
			if dir, ok := own(imp); ok && !slices.Contains(words, dir) {
				bad = append(bad, fmt.Sprintf("%s/doc.go: Imports: does not name %s", p.dir, dir))
			}
		}
	}
	return bad
}

func checkNames(t *tree) (bad []string) {
	for _, p := range t.packages {
		for _, element := range strings.Split(p.dir, "/") {
			if slices.Contains(emptyWords, element) {
				bad = append(bad, p.dir+": a package named "+element+" says nothing")
			}
		}
		for _, f := range p.files {
			base := strings.TrimSuffix(strings.TrimSuffix(path.Base(f.path), ".go"), "_test")
			if slices.Contains(emptyWords, base) {
				bad = append(bad, f.path+": a file named "+base+" says nothing")
			}
		}
	}
	return bad
}

func checkSizes(t *tree) (bad []string) {
	for _, p := range t.packages {
		for _, f := range p.files {
			bound := maxLines
			if f.test {
				bound = maxTestLines
			}
			if e, ok := longFiles[f.path]; ok {
				bound = e.lines
			}
			if f.lines > bound {
				bad = append(bad, fmt.Sprintf("%s: %d lines, more than %d", f.path, f.lines, bound))
			}
		}
	}
	return bad
}

// checkDependencies wants a line `module` … for every direct module of go.mod,
// naming each of its homes, and no line for a module that is gone.
func checkDependencies(t *tree) (bad []string) {
	find := func(name string) []byte {
		for _, x := range t.texts {
			if x.path == name {
				return x.body
			}
		}
		return nil
	}
	doc := string(find("docs/dependencies.md"))
	documented := map[string]string{}
	for line := range strings.Lines(doc) {
		if cells := strings.Split(line, "`"); strings.HasPrefix(line, "| `") && len(cells) > 2 {
			documented[cells[1]] = line
		}
	}
	direct := directModules(find("go.mod"))
	for _, m := range direct {
		line, ok := documented[m]
		if !ok {
			bad = append(bad, "docs/dependencies.md: no line for "+m)
			continue
		}
		h, ok := homes[m]
		if !ok {
			bad = append(bad, "go.mod: "+m+" has no home in cmd/internal/house")
		}
		for _, dir := range h.packages {
			used := slices.ContainsFunc(t.packages, func(p *pkg) bool {
				return p.dir == dir && slices.ContainsFunc(p.code(), func(imp string) bool { return inModule(imp, m) })
			})
			if used && !strings.HasSuffix(dir, "test") && !strings.Contains(line, dir) {
				bad = append(bad, fmt.Sprintf("docs/dependencies.md: the line of %s does not name %s", m, dir))
			}
		}
	}
	for m := range documented {
		if !slices.Contains(direct, m) {
			bad = append(bad, "docs/dependencies.md: "+m+" is no direct module of go.mod")
		}
	}
	slices.Sort(bad)
	return bad
}

func checkMentions(t *tree) (bad []string) {
	for _, x := range t.texts {
		for _, word := range unmentionable {
			if i := strings.Index(string(x.body), word); i >= 0 {
				line := 1 + strings.Count(string(x.body[:i]), "\n")
				bad = append(bad, fmt.Sprintf("%s:%d: mentions %s", x.path, line, word))
			}
		}
	}
	return bad
}
