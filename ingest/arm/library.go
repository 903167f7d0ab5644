package arm

import (
	"net/url"
	"path"
	"strings"

	"ipflow/ingest/jsontree"
)

// library finds the files that templates link to.
type library struct {
	files      map[string]Input // templates of the snapshot by clean path
	parameters map[string]Input
	read       func(string) *jsontree.Node
	outside    map[string]Input // what read answered; without root for nothing
}

// maxOutside bounds how many files are looked for outside the snapshot.
const maxOutside = 4096

func newLibrary(templates, parameters []Input, read func(string) *jsontree.Node) *library {
	l := &library{files: map[string]Input{}, parameters: map[string]Input{}, read: read, outside: map[string]Input{}}
	for _, in := range templates {
		if _, twice := l.files[path.Clean(in.Path)]; !twice {
			l.files[path.Clean(in.Path)] = in
		}
	}
	for _, in := range parameters {
		if _, twice := l.parameters[path.Clean(in.Path)]; !twice {
			l.parameters[path.Clean(in.Path)] = in
		}
	}
	return l
}

// open returns the file of the path: of the snapshot, or beside it.
func (l *library) open(file string, mayRead bool) (Input, bool) {
	for _, files := range []map[string]Input{l.files, l.parameters, l.outside} {
		if in, ok := files[file]; ok {
			return in, in.Root != nil
		}
	}
	if !mayRead || l.read == nil || len(l.outside) >= maxOutside {
		return Input{}, false
	}
	in := Input{Path: file, Root: l.read(file)}
	l.outside[file] = in
	return in, in.Root != nil
}

// parametersBeside returns the parameter file X.parameters.json beside X.json.
func (l *library) parametersBeside(template string) (Input, bool) {
	if template == "-" {
		return Input{}, false
	}
	dir, base := path.Split(template)
	for _, ext := range []string{".gz", ".zst"} {
		base = strings.TrimSuffix(base, ext)
	}
	ext := path.Ext(base)
	name := dir + strings.TrimSuffix(base, ext) + ".parameters" + ext
	for _, packed := range []string{"", ".gz", ".zst"} {
		if in, ok := l.open(path.Clean(name+packed), packed == ""); ok && isParameters(in.Root) {
			return in, true
		}
	}
	return Input{}, false
}

func isParameters(n *jsontree.Node) bool {
	return strings.Contains(fold(n.Get("$schema").Text()), "deploymentparameters") || n.Get("parameters").Kind() == jsontree.Object && n.Get("resources") == nil
}

// fits reports whether a document is what a link is for.
func fits(n *jsontree.Node, what string) bool {
	if what == "template" {
		return n.Get("resources") != nil
	}
	return isParameters(n)
}

// within reports whether a path is in or below the directory of the root
// template, where files outside the snapshot may be read.
func within(file, root string) bool {
	if root == "-" {
		return false
	}
	dir := path.Dir(root)
	if dir == "." {
		return !path.IsAbs(file) && file != ".." && !strings.HasPrefix(file, "../")
	}
	return strings.HasPrefix(file, strings.TrimSuffix(dir, "/")+"/")
}

func (l *library) relative(from, target, root, what string) (Input, bool) {
	if target == "" {
		return Input{}, false
	}
	file := path.Join(path.Dir(from), target)
	in, ok := l.open(file, within(file, root))
	return in, ok && fits(in.Root, what)
}

// The URI of a file: what uri() in a template starts from. Leading ".." of a
// path are written "__", which survives the rules for relative references.
const uriBase = "file:///"

func fileURI(file string) string {
	segments := strings.Split(path.Clean(file), "/")
	for i, s := range segments {
		if s == ".." {
			segments[i] = "__"
		} else {
			segments[i] = url.PathEscape(s)
		}
	}
	if segments[0] == "" {
		segments[0] = "%2F" // an absolute path
	}
	return uriBase + strings.Join(segments, "/")
}

func pathOfURI(uri string) (string, bool) {
	rest, ok := strings.CutPrefix(uri, uriBase)
	if !ok {
		return "", false
	}
	segments := strings.Split(rest, "/")
	for i, s := range segments {
		switch plain, err := url.PathUnescape(s); {
		case err != nil:
			return "", false
		case s == "__":
			segments[i] = ".."
		case i == 0 && s == "%2F":
			segments[i] = ""
		default:
			segments[i] = plain
		}
	}
	return path.Clean(strings.Join(segments, "/")), true
}

// byURI finds the file of a URI, of which parts may be unknown. One that was
// made from the template's own place is a path. Of any other the last segments
// count: as many as possible that name a file below the directory of the linking
// template, of the root template, or in the snapshot.
func (l *library) byURI(from string, target text, root, what string) (Input, bool) {
	tail := linkTail(target)
	if tail == "" {
		return Input{}, false
	}
	if file, ok := pathOfURI(tail); ok {
		if in, ok := l.open(file, within(file, root)); ok && fits(in.Root, what) {
			return in, true
		}
		return Input{}, false
	}
	if u, err := url.PathUnescape(tail); err == nil {
		tail = u
	}
	segments := strings.FieldsFunc(tail, func(r rune) bool { return r == '/' })
	for i := range segments {
		suffix := path.Join(segments[i:]...)
		if strings.HasPrefix(suffix, "..") {
			continue
		}
		for _, dir := range []string{path.Dir(from), path.Dir(root)} {
			file := path.Join(dir, suffix)
			if in, ok := l.open(file, within(file, root)); ok && fits(in.Root, what) && in.Path != from && in.Path != root {
				return in, true
			}
		}
		if in, ok := l.suffix(suffix, from, root, what); ok && i < len(segments)-1 {
			return in, true
		}
	}
	return Input{}, false
}

// suffix finds the one template of the snapshot whose path ends so.
func (l *library) suffix(suffix, from, root, what string) (found Input, ok bool) {
	files := l.files
	if what != "template" {
		files = l.parameters
	}
	for _, p := range sortedKeys(files) {
		if strings.HasSuffix(p, "/"+suffix) && p != from && p != root {
			if ok {
				return Input{}, false
			}
			found, ok = files[p], true
		}
	}
	return found, ok
}

// linkTail is the known end of a URI, without query: it ends in .json. A token
// for access often follows it, and is often unknown.
func linkTail(t text) string {
	for i := len(t) - 1; i >= 0; i-- {
		if t[i].residue != nil {
			continue
		}
		s, _, _ := strings.Cut(t[i].literal, "?")
		if j := strings.LastIndex(fold(s), ".json"); j > 0 && s[j-1] != '/' {
			s = s[:j+len(".json")]
			if i > 0 && !strings.Contains(s, "/") && strings.HasPrefix(s, ".") {
				return ""
			}
			return s
		}
	}
	return ""
}
