package arm

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"ipflow/ingest/arm/expr"
	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
)

// Input is one JSON document and the path of its file.
type Input struct {
	Path string
	Root *jsontree.Node
}

// Options is what the files do not say about the deployment. Fields left empty
// are unknown, and so is every value that needs them.
type Options struct {
	SubscriptionID  string
	ResourceGroup   string
	Location        string // of the resource group, or of a deployment at a wider scope
	TenantID        string
	ManagementGroup string // its name
	// Parameters are parameter files for all templates; a later one counts
	// before an earlier one. When there are any, the file beside a template is
	// not looked for.
	Parameters []Input
	// Set holds single parameters, which count before all files. A value is JSON
	// where it is, else text; for a parameter of type string it is text.
	Set map[string]string
	// Read returns the document of a file that is not among the inputs, nil when
	// there is none. It is asked for files in and below the directory of a root
	// template only. Nil means that there are no further files.
	Read func(path string) *jsontree.Node
}

// Resource is one resource that a template deploys.
type Resource struct {
	Type string // as written
	ID   string
	Name string // last segment
	// Node is the resource after evaluation: id, type, name, and what the
	// template says about it. It has no copy, condition or child resources.
	Node *jsontree.Node
	Path string // of the root template
	// Doubts are the places that leave open whether there is such a resource.
	Doubts []diag.Origin
	// Many says that it stands for a copy loop whose count is not known, or may
	// have been left out because the loop is too long.
	Many bool
}

// Unresolved is one value that is not known.
type Unresolved struct {
	Origin     diag.Origin
	Type       string   // of the resource it belongs to, as written
	Expression string   // what is left of it, in brackets
	Missing    []string // what is needed, in words
}

// Output is what a root template returns.
type Output struct {
	Path, Name string
	Node       *jsontree.Node
}

// Result is what the templates make.
type Result struct {
	Resources   []Resource
	Outputs     []Output // of root templates
	Unresolved  []Unresolved
	Diagnostics diag.List
}

// Evaluate reads the templates that no other one links to. Parameters are the
// parameter files among the inputs, used for the template they stand beside.
func Evaluate(templates, parameters []Input, o Options) *Result {
	lib := newLibrary(templates, parameters, o.Read)
	var runs []*run
	reached := map[string]bool{}
	roots := slices.Clone(templates)
	// Templates nearer to the top come first: they link to those below, which
	// are then not evaluated on their own.
	slices.SortStableFunc(roots, func(a, b Input) int {
		return cmp.Or(cmp.Compare(strings.Count(a.Path, "/"), strings.Count(b.Path, "/")), strings.Compare(a.Path, b.Path))
	})
	for _, in := range roots {
		if reached[in.Path] {
			continue
		}
		r := newRun(lib, in, &o)
		r.deploy()
		for p := range r.reached {
			if p != in.Path {
				reached[p] = true
			}
		}
		runs = append(runs, r)
	}
	runs = slices.DeleteFunc(runs, func(r *run) bool { return reached[r.root.Path] })
	slices.SortStableFunc(runs, func(a, b *run) int { return strings.Compare(a.root.Path, b.root.Path) })
	out := new(Result)
	used := map[string]bool{}
	for _, r := range runs {
		r.several = len(runs) > 1
		r.emit(out)
		for name := range r.known {
			used[name] = true
		}
	}
	strayParameters(out, &o, used, len(runs))
	out.Diagnostics.Sort()
	slices.SortStableFunc(out.Unresolved, func(a, b Unresolved) int {
		return cmp.Or(a.Origin.Compare(b.Origin), strings.Compare(a.Expression, b.Expression))
	})
	out.Unresolved = slices.CompactFunc(out.Unresolved, func(a, b Unresolved) bool {
		return a.Origin == b.Origin && a.Expression == b.Expression && slices.Equal(a.Missing, b.Missing)
	})
	return out
}

// strayParameters warns about values given for parameters that no template has:
// most often the wrong file.
func strayParameters(out *Result, o *Options, used map[string]bool, templates int) {
	if templates == 0 {
		return
	}
	for _, in := range o.Parameters {
		warnStray(&out.Diagnostics, in, used, "any template of the snapshot")
	}
	for name := range o.Set {
		if !used[fold(name)] {
			out.Diagnostics.Warnf(diag.Origin{}, "stray-parameter", "--set %s: no template of the snapshot has a parameter of this name", name)
		}
	}
}

func warnStray(faults *diag.List, in Input, used map[string]bool, whose string) {
	var stray []string
	members := parameterEntries(in.Root).Members()
	for _, m := range members {
		if !used[fold(m.Name)] {
			stray = append(stray, m.Name)
		}
	}
	switch {
	case len(stray) == 0:
	case len(stray) == len(members):
		faults.Warnf(in.Root.Origin(), "stray-parameter",
			"none of the parameters in this file (%s) is a parameter of %s; is it the wrong file?", shortList(stray), whose)
	default:
		faults.Warnf(in.Root.Origin(), "stray-parameter", "%s: not a parameter of %s; Azure refuses the file", shortList(stray), whose)
	}
}

// shortList joins names for a message.
func shortList(names []string) string {
	const most = 8
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// fold is the form in which names are compared.
func fold(s string) string { return strings.ToLower(s) }

// stem is a file's name without its directory and extensions.
func stem(file string) string {
	base := path.Base(file)
	for _, ext := range []string{".gz", ".zst", ".json", ".jsonc"} {
		base = strings.TrimSuffix(base, ext)
	}
	return base
}

// Limits of one root template, all its linked templates together. Azure's own:
// 800 resources, parameters and loop iterations, five levels of nesting.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/best-practices#template-limits
const (
	maxCopies      = 800
	maxResources   = 20_000
	maxDeployments = 2_000
	maxNesting     = 20
	maxDepth       = 2_500   // evaluations and values inside each other
	maxEmitted     = 2 << 20 // values of one resource
	maxSteps       = 10_000_000
	maxBytes       = 128 << 20
)

// run is the evaluation of one root template.
type run struct {
	lib     *library
	root    Input
	options *Options
	budget  *expr.Budget
	faults  diag.List
	reached map[string]bool // files that links led to
	known   map[string]bool // folded names of the root's parameters
	several bool            // there are other root templates
	top     *deployment

	deployments int
	resources   int
	depth       int
	told        map[string]bool        // faults, by code and place
	bounds      map[string]diag.Origin // bounds that were met, and where first
	nested      bool                   // a function nested too deep
	stack       []string               // what is under evaluation: parameters, variables
	parsed      map[string]parsed
	residues    map[*jsontree.Node]*expr.Unknown
	byID        map[string][]*instance
	order       []*instance // in the order of deployment
	all         []*deployment
	emitted     int
	cut         *diag.Origin // where a limit was met first
}

type parsed struct {
	expr expr.Expr
	err  error
}

func newRun(lib *library, in Input, o *Options) *run {
	return &run{
		lib: lib, root: in, options: o, budget: &expr.Budget{Steps: maxSteps, Bytes: maxBytes},
		reached: map[string]bool{}, known: map[string]bool{}, told: map[string]bool{}, bounds: map[string]diag.Origin{},
		parsed: map[string]parsed{}, residues: map[*jsontree.Node]*expr.Unknown{}, byID: map[string][]*instance{},
	}
}

// deploy finds all resources.
func (r *run) deploy() {
	r.top = r.rootDeployment()
	r.top.walk()
}

// tell reports a fault once for each place.
func (r *run) tell(s diag.Severity, at diag.Origin, code, message string) {
	key := code + "\x00" + at.File + "\x00" + at.Pointer
	if r.told[key] {
		return
	}
	r.told[key] = true
	r.faults = append(r.faults, diag.Diagnostic{Severity: s, Origin: at, Code: code, Message: message})
}

// limit reports that a value is left unknown because a bound was met, once for
// each bound.
func (r *run) limit(n *jsontree.Node, what string) {
	r.bound(n, what, "the value is left unknown: ")
}

// cutOff reports that resources are left out because a bound was met.
func (r *run) cutOff(n *jsontree.Node, what string) {
	at := r.bound(n, what, "the template is cut off here, and all that it deploys is uncertain: ")
	if r.cut == nil {
		r.cut = &at
	}
}

func (r *run) bound(n *jsontree.Node, what, effect string) diag.Origin {
	if at, ok := r.bounds[what]; ok {
		return at
	}
	at := n.Origin()
	if at.IsZero() {
		at = r.root.Root.Origin()
	}
	r.bounds[what] = at
	r.faults.Errorf(at, "template-limit", "%s%s", effect, what)
	return at
}
