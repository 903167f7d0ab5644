package ingest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"ipflow/ingest/azure"
	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
	"ipflow/ingest/snapshot"
)

// Options says what to load and how to read what Azure leaves open.
type Options struct {
	Paths            []string // files, directories or "-"
	ServiceTags      []string // tag files that replace those of the snapshot
	InternetPrefixes string   // file with the content of the Internet tag, "" for the newest recording
	Assumptions      network.Assumptions
	Deployment       Deployment // what ARM templates are evaluated with
	Stdin            io.Reader
	Workers          int // goroutines that parse; 0 means GOMAXPROCS

	pieceSize int // as in snapshot.Options
}

// Snapshot is what the files say.
type Snapshot struct {
	Network     *network.Network
	Documents   []azure.DocumentInfo
	Counts      map[string]int // resources by type
	Diagnostics diag.List      // sorted
	Unreadable  diag.List      // those of them that kept documents from being read at all
	SHA256      string         // over the documents in sorted path order
	// Files are all files that were read, with their hashes: those of the paths,
	// those that templates led to, parameter and service-tag files.
	Files   []snapshot.File
	Elapsed time.Duration
}

// Load reads, decodes and links. The error names what could not be read.
func Load(ctx context.Context, o Options) (*Snapshot, error) {
	start := time.Now()
	files, faults, err := snapshot.Read(ctx, o.Paths, snapshot.Options{
		Stdin: o.Stdin, Workers: o.Workers, Reader: new(reader), PieceSize: o.pieceSize,
	})
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	decoder := azure.NewDecoder()
	for _, d := range files.Documents {
		decoder.Join(d.Read.(*azure.Part))
	}
	templates, err := evaluate(ctx, decoder, o)
	if err != nil {
		return nil, err
	}
	decoded := decoder.Finish()
	s := &Snapshot{
		Network: decoded.Network, Documents: decoded.Documents, Counts: decoded.Counts,
		Diagnostics: slices.Concat(faults, decoded.Diagnostics, templates.faults), SHA256: templates.hash(files.SHA256),
		Files: slices.Concat(files.Files, templates.outside),
	}
	for _, d := range faults {
		if d.Severity == diag.Error {
			s.Unreadable = append(s.Unreadable, d)
		}
	}
	s.Unreadable.Sort()
	n := s.Network
	n.Assumptions = o.Assumptions
	if err := s.replaceTags(ctx, o); err != nil {
		return nil, err
	}
	n.Internet = network.DefaultInternet(o.Assumptions.Value("microsoft-internal") == "excluded")
	if o.InternetPrefixes != "" {
		list, err := readPrefixes(o.InternetPrefixes)
		if err != nil {
			return nil, fmt.Errorf("read internet prefixes: %w", err)
		}
		n.Internet = network.InternetFrom(o.InternetPrefixes, list)
	}
	s.markTruncated()
	s.Diagnostics = append(s.Diagnostics, network.Link(n)...)
	s.Diagnostics = append(s.Diagnostics, templates.unresolved(n)...)
	s.Diagnostics.Sort()
	s.Elapsed = time.Since(start)
	return s, nil
}

// markTruncated lets a snapshot that holds a part of the rows leave ASG
// membership open.
func (s *Snapshot) markTruncated() {
	if s.Network.Assumptions.Value("truncated-exports") != "unknown" {
		return
	}
	for _, d := range s.Diagnostics {
		if d.Code == "truncated-snapshot" || d.Code == "missing-page" {
			s.Network.MembersFact = "truncated-export:" + d.Origin.File
			return
		}
	}
}

// reader lets azure read documents while others are still being parsed.
type reader struct{ parts azure.Parts }

func (r *reader) Document(path string, root *jsontree.Node) any { return r.parts.Document(path, root) }

func (r *reader) Elements(path, member string, elements *jsontree.Node) (part any, done bool) {
	p := r.parts.Elements(path, member, elements)
	return p, p.Detached()
}

func (r *reader) Long(path string, root, list *jsontree.Node, parts []any) (any, bool) {
	all := make([]*azure.Part, len(parts))
	for i, p := range parts {
		all[i] = p.(*azure.Part)
	}
	return r.parts.Long(path, root, list, all)
}

func inputs(files *snapshot.Snapshot) []azure.Input {
	out := make([]azure.Input, len(files.Documents))
	for i, d := range files.Documents {
		out[i] = azure.Input{Path: d.Path, Root: d.Root}
	}
	return out
}

// replaceTags takes the service tags from the files the user named.
func (s *Snapshot) replaceTags(ctx context.Context, o Options) error {
	if len(o.ServiceTags) == 0 {
		return nil
	}
	files, faults, err := snapshot.Read(ctx, o.ServiceTags, snapshot.Options{Stdin: o.Stdin, Workers: o.Workers})
	if err != nil {
		return fmt.Errorf("read service tags: %w", err)
	}
	decoded := azure.Decode(inputs(files))
	if decoded.Network.Tags == nil {
		return fmt.Errorf("read service tags: %s holds no service tags; download ServiceTags_Public_*.json or run 'az network list-service-tags -l REGION'", o.ServiceTags[0])
	}
	s.Network.Tags = decoded.Network.Tags
	s.Files = append(s.Files, files.Files...)
	s.Diagnostics = append(append(s.Diagnostics, faults...), decoded.Diagnostics...)
	return nil
}
