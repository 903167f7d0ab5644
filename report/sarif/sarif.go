package sarif

import (
	"bufio"
	"encoding/json"
	"io"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/verify/audit"
)

// schema is the location of the standard's JSON schema, by which viewers know the
// version.
const schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// Fingerprint is the name under which a result carries the id of its finding.
const Fingerprint = "ipflowFinding/v1"

// Options say how places are written; the zero value works.
type Options struct {
	// Base is the absolute directory that artifact locations are relative to; ""
	// leaves relative paths as they are.
	Base string
	// Column turns a 1-based column in bytes into one in UTF-16 units, 0 when it is
	// not known. nil leaves columns out.
	Column func(file string, line, column int) int
}

// writer is one run.
type writer struct {
	o         Options
	report    *audit.Report
	artifacts []artifact
	index     map[string]int // by path
	rules     map[string]*audit.Rule
}

// Write writes the findings of a report.
func Write(w io.Writer, r *audit.Report, o Options) error {
	x := &writer{o: o, report: r, artifacts: []artifact{}, index: map[string]int{}, rules: map[string]*audit.Rule{}}
	for i := range r.Rules {
		x.rules[r.Rules[i].ID] = &r.Rules[i]
	}
	for i := range r.Snapshot.Documents {
		d := &r.Snapshot.Documents[i]
		x.artifact(d.Path, d.SHA256)
	}
	kinds := audit.Kinds()
	results := []result{}
	for i := range r.Findings {
		results = append(results, x.result(&r.Findings[i], kinds))
	}
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetIndent("", " ")
	err := enc.Encode(log{
		Schema: schema, Version: "2.1.0",
		Runs: []run{{
			Tool:       tool{component{Name: "ipflow", Version: r.Version, Rules: descriptors(kinds, r.Benchmark)}},
			ColumnKind: "utf16CodeUnits", Artifacts: x.artifacts, Results: results,
			Properties: map[string]any{"snapshotSha256": r.Snapshot.SHA256, "assumptions": assumptions(r)},
		}},
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

func assumptions(r *audit.Report) []string {
	out := []string{}
	for _, a := range r.Snapshot.Assumptions {
		out = append(out, a.Name+"="+a.Value)
	}
	return out
}

// levels are those of SARIF; scores the numbers that code scanning services sort
// by, of the Common Vulnerability Scoring System's bands.
var (
	levels = map[audit.Severity]string{
		audit.Critical: "error", audit.High: "error", audit.Medium: "warning", audit.Low: "note", audit.Info: "note",
	}
	scores = map[audit.Severity]string{
		audit.Critical: "9.5", audit.High: "8.0", audit.Medium: "5.5", audit.Low: "2.0", audit.Info: "0.1",
	}
)

func descriptors(kinds []audit.Kind, benchmark string) []descriptor {
	out := make([]descriptor, len(kinds))
	for i, k := range kinds {
		tags := []string{"security", "network", "azure"}
		out[i] = descriptor{
			ID: k.ID, Name: name(k.ID), ShortDescription: message{plain(k.Title)}, FullDescription: message{plain(k.Help)},
			Help: help{
				Text:     plain(k.Help + " " + k.Remedy),
				Markdown: diag.Markdown(k.Help) + "\n\n**Remedy.** " + diag.Markdown(k.Remedy) + "\n\nControls are those of the " + diag.Markdown(benchmark) + ".",
			},
			DefaultConfiguration: configuration{levels[k.Severity]},
			Properties:           ruleBag{Tags: tags, Precision: "very-high", Severity: scores[k.Severity]},
		}
	}
	return out
}

// name is an id without dashes: "exposed-web" is ExposedWeb.
func name(id string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(id, "-") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

// artifact lists a file once and returns its position.
func (x *writer) artifact(file, hash string) int {
	i, ok := x.index[file]
	if !ok {
		i = len(x.artifacts)
		x.index[file] = i
		a := artifact{Location: location{URI: x.uri(file)}}
		if hash != "" {
			a.Hashes = map[string]string{"sha-256": hash}
		}
		x.artifacts = append(x.artifacts, a)
	}
	return i
}

// uri writes a path as a relative reference.
func (x *writer) uri(file string) string {
	if x.o.Base != "" && filepath.IsAbs(file) {
		if rel, err := filepath.Rel(x.o.Base, file); err == nil {
			file = rel
		}
	}
	file = path.Clean(filepath.ToSlash(file))
	parts := strings.Split(file, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	file = strings.Join(parts, "/")
	if strings.Contains(parts[0], ":") { // not the scheme of a URI
		file = "./" + file
	}
	return file
}

func (x *writer) result(f *audit.Finding, kinds []audit.Kind) result {
	out := result{
		RuleID: f.Kind, RuleIndex: slices.IndexFunc(kinds, func(k audit.Kind) bool { return k.ID == f.Kind }), Level: levels[f.Severity],
		Message: message{plain(f.Title + ". " + f.Message + " " + f.Remedy)}, Fingerprints: map[string]string{Fingerprint: f.ID},
		Suppressions: []suppression{},
		Properties: resultBag{
			Severity: string(f.Severity), Pointer: f.Pointer, NICs: f.NICs, Services: f.Services, Controls: f.Controls, Facts: f.Facts,
		},
	}
	if f.Witness != nil {
		out.Properties.Witness = diag.Printable(f.Witness.String())
	}
	at := x.place(f.Place)
	at.Logical = []logical{{FullyQualifiedName: f.Resource, Kind: "resource"}}
	if f.Rule != "" && f.Rule != f.Resource {
		at.Logical = append(at.Logical, logical{Name: f.Rule[strings.LastIndexByte(f.Rule, '/')+1:], FullyQualifiedName: f.Rule, Kind: "member"})
	}
	out.Locations = []place{at}
	for _, id := range f.By {
		r := x.rules[id]
		if r == nil || r.File == "" {
			continue
		}
		related := x.place(r.Place)
		number := len(out.RelatedLocations)
		related.ID, related.Message = &number, &message{plain(r.Name + " (" + r.Access + ")")}
		out.RelatedLocations = append(out.RelatedLocations, related)
	}
	if f.Dismissed {
		out.Suppressions = append(out.Suppressions, suppression{
			Kind: "external", Status: "accepted", Justification: diag.Printable(f.Reason + " (" + f.Owner + ", until " + f.Expires + ")"),
		})
	}
	return out
}

func (x *writer) place(p audit.Place) place {
	if p.File == "" {
		return place{}
	}
	index := x.artifact(p.File, p.SHA256)
	out := &physical{Artifact: location{URI: x.uri(p.File), Index: &index}}
	if p.Line > 0 {
		out.Region = &region{StartLine: p.Line}
		if x.o.Column != nil && p.Column > 0 {
			out.Region.StartColumn = x.o.Column(p.File, p.Line, p.Column)
		}
	}
	return place{Physical: out}
}

// plain escapes a text for a plain text message: [text](target) is a link there
// and {0} a placeholder.
func plain(s string) string {
	return strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "{", "{{", "}", "}}").Replace(diag.Printable(s))
}
