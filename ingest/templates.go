package ingest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"ipflow/ingest/arm"
	"ipflow/ingest/azure"
	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
	"ipflow/ingest/snapshot"
)

// Deployment is what ARM templates are evaluated with. The zero value stands for
// the defaults of each field.
type Deployment struct {
	Parameters     []string          // parameter files, in place of those beside the templates; the last counts first
	Set            map[string]string // single parameters, which count before files
	SubscriptionID string            // DefaultSubscription when ""
	ResourceGroup  string            // DefaultResourceGroup when ""
	Location       string            // DefaultLocation when ""
}

// The deployment context when the user names none.
const (
	DefaultSubscription  = "00000000-0000-0000-0000-000000000000"
	DefaultResourceGroup = "rg"
	DefaultLocation      = "westus"
)

// maxTemplateSize bounds a file that a template leads to. Azure takes 4 MB.
const maxTemplateSize = 64 << 20

// templates is what the evaluation of a snapshot's templates left to say.
type templates struct {
	ctx     context.Context
	faults  diag.List
	open    []arm.Unresolved
	outside []snapshot.File // read, but not part of the snapshot
	set     map[string]string
}

// evaluate turns the templates among the documents into resources.
func evaluate(ctx context.Context, decoder *azure.Decoder, o Options) (*templates, error) {
	t := &templates{ctx: ctx, set: o.Deployment.Set}
	roots := armInputs(decoder.Templates())
	given, err := t.parameterFiles(o)
	if err != nil || len(roots) == 0 {
		return t, err
	}
	made := arm.Evaluate(roots, armInputs(decoder.Parameters()), arm.Options{
		SubscriptionID: cmp.Or(o.Deployment.SubscriptionID, DefaultSubscription),
		ResourceGroup:  cmp.Or(o.Deployment.ResourceGroup, DefaultResourceGroup),
		Location:       cmp.Or(o.Deployment.Location, DefaultLocation),
		Parameters:     given, Set: o.Deployment.Set,
		Read: t.read,
	})
	t.faults = append(t.faults, made.Diagnostics...)
	t.open = made.Unresolved
	list := make([]azure.Resource, len(made.Resources))
	for i, r := range made.Resources {
		list[i] = azure.Resource{
			Type: r.Type, ID: r.ID, Name: r.Name, Node: r.Node, Path: r.Path,
			Declared: true, Doubts: r.Doubts, Many: r.Many,
		}
	}
	decoder.AddResources(list)
	return t, ctx.Err()
}

func armInputs(list []azure.Input) []arm.Input {
	out := make([]arm.Input, len(list))
	for i, in := range list {
		out[i] = arm.Input{Path: in.Path, Root: in.Root}
	}
	return out
}

// parameterFiles reads the files that the user named.
func (t *templates) parameterFiles(o Options) ([]arm.Input, error) {
	var out []arm.Input
	for _, file := range o.Deployment.Parameters {
		read, faults, err := snapshot.Read(t.ctx, []string{file}, snapshot.Options{Stdin: o.Stdin})
		if err != nil {
			return nil, fmt.Errorf("read parameters: %w", err)
		}
		t.faults = append(t.faults, faults...)
		t.outside = append(t.outside, read.Files...)
		for _, d := range read.Documents {
			if d.Root.Kind() != jsontree.Object || d.Root.Get("resources") != nil {
				return nil, fmt.Errorf("read parameters: %s is no parameter file; it holds {\"parameters\": {NAME: {\"value\": …}}}", d.Path)
			}
			out = append(out, arm.Input{Path: d.Path, Root: d.Root})
		}
	}
	return out, nil
}

// read returns the document of a file that a template leads to, or stands beside,
// nil when there is none.
func (t *templates) read(file string) *jsontree.Node {
	info, err := os.Stat(filepath.FromSlash(file))
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxTemplateSize {
		return nil
	}
	read, faults, err := snapshot.Read(t.ctx, []string{filepath.FromSlash(file)}, snapshot.Options{MaxFileSize: maxTemplateSize, Workers: 1})
	if err != nil {
		if t.ctx.Err() == nil {
			t.faults.Errorf(diag.Origin{File: file}, "unreadable", "a template leads to this file, which cannot be read: %v", err)
		}
		return nil
	}
	t.faults = append(t.faults, faults...)
	if len(read.Documents) == 0 {
		return nil
	}
	t.outside = append(t.outside, read.Files...)
	return read.Documents[0].Root
}

// hash is the hash of the snapshot with that of the files and settings beyond it
// that the result rests on; the snapshot's own when there are none.
func (t *templates) hash(own string) string {
	if len(t.outside)+len(t.set) == 0 {
		return own
	}
	lines := []string{}
	for _, f := range t.outside {
		lines = append(lines, f.SHA256+"  "+path.Base(f.Path))
	}
	slices.Sort(lines)
	for _, name := range slices.Sorted(maps.Keys(t.set)) {
		lines = append(lines, fmt.Sprintf("%q=%q", strings.ToLower(name), t.set[name]))
	}
	sum := sha256.Sum256([]byte(own + "\n" + strings.Join(lines, "\n") + "\n"))
	return hex.EncodeToString(sum[:])
}

// unresolved says of each value that stayed unknown what is missing: a warning
// where a verdict may rest on it, a remark elsewhere in the network's resources.
func (t *templates) unresolved(n *network.Network) diag.List {
	if len(t.open) == 0 {
		return nil
	}
	rests := map[string]bool{}
	for _, f := range n.Facts() {
		rests[f.Fact] = true
	}
	var out diag.List
	for _, u := range t.open {
		matters := rests["unresolved:"+u.Origin.File+"#"+u.Origin.Pointer]
		if !matters && !strings.HasPrefix(strings.ToLower(u.Type), "microsoft.network/") {
			continue
		}
		say := out.Infof
		if matters {
			say = out.Warnf
		}
		say(u.Origin, "unresolved", "%s is not known: %s%s", short(u.Expression), strings.Join(u.Missing, "; "), remedy(u))
	}
	return out
}

// remedy is what settles a value that a parameter would.
func remedy(u arm.Unresolved) string {
	for _, m := range u.Missing {
		if strings.HasPrefix(m, "parameter ") {
			return "; give it with --parameters or --set"
		}
	}
	return ""
}

// short bounds an expression for a message.
func short(s string) string {
	const most = 240
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
