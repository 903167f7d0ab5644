package azure

import (
	"cmp"
	"slices"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// Input is one JSON document and the path it was read from. Several documents of
// one file are several inputs with the same path.
type Input struct {
	Path string
	Root *jsontree.Node // nil for a file without any document
}

// DocumentInfo says what a document was recognised as.
type DocumentInfo struct {
	Path      string
	Kind      Kind
	Resources int // resources, or records, tags or routes, that the document holds
}

// Result is everything that the documents of a snapshot say.
type Result struct {
	Documents []DocumentInfo // sorted by path
	// Counts holds the number of distinct resources by type, in Azure's casing.
	// Subnets, peerings and rules count where they are documents of their own.
	Counts        map[string]int
	Network       *network.Network // not yet linked
	Templates     []Input          // ARM templates, sorted by path
	Parameters    []Input          // ARM parameter files, sorted by path
	EffectiveNSGs []EffectiveNSG   // sorted by path
	Diagnostics   diag.List        // sorted
}

// Decoder collects documents and resources and decodes them together. Create it
// with NewDecoder.
type Decoder struct {
	documents  []DocumentInfo
	templates  []Input
	parameters []Input
	effective  []EffectiveNSG
	routes     []EffectiveRoutesOf

	connectivity []*network.Connectivity // listed as at work
	resources    []Resource
	tagFiles     []Input
	faults       diag.List
	store        *store

	listed network.AdminSources // admin rules and deployments that answers list
}

// NewDecoder returns an empty Decoder.
func NewDecoder() *Decoder { return &Decoder{store: newStore()} }

func (d *Decoder) reader() reader { return reader{&d.faults, d.store} }

// Add recognises the documents and collects what they hold.
func (d *Decoder) Add(inputs []Input) {
	var parts Parts
	for _, in := range inputs {
		d.Join(parts.Document(in.Path, in.Root))
	}
}

// AddResources collects resources that did not come from an export: those of an
// evaluated template. Their nodes may hold residues. Type, ID and Name are filled
// in from the node where they are empty.
func (d *Decoder) AddResources(resources []Resource) {
	for _, r := range resources {
		d.resources = append(d.resources, d.complete(r))
	}
}

// Templates returns the ARM templates recognised so far, sorted by path.
func (d *Decoder) Templates() []Input { return sortedInputs(d.templates) }

// Parameters returns the ARM parameter files recognised so far, sorted by path.
func (d *Decoder) Parameters() []Input { return sortedInputs(d.parameters) }

func sortedInputs(list []Input) []Input {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b Input) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// Finish merges and decodes everything collected. The Decoder is used up.
func (d *Decoder) Finish() *Result {
	slices.SortStableFunc(d.documents, func(a, b DocumentInfo) int { return strings.Compare(a.Path, b.Path) })
	slices.SortStableFunc(d.effective, func(a, b EffectiveNSG) int { return a.Origin.Compare(b.Origin) })
	b := newBuilder(&d.faults, d.store, d.resources)
	slices.SortStableFunc(d.routes, func(a, b EffectiveRoutesOf) int { return a.Origin.Compare(b.Origin) })
	b.build()
	b.managers(&d.listed)
	b.observe(d.effective, d.routes)
	b.connectivities(d.connectivity)
	b.serviceTags(sortedInputs(d.tagFiles))
	d.faults.Sort()
	return &Result{
		Documents: d.documents, Counts: b.counts(), Network: b.net,
		Templates: d.Templates(), Parameters: d.Parameters(),
		EffectiveNSGs: d.effective, Diagnostics: d.faults,
	}
}

// Decode reads a snapshot without templates: one among the inputs is recognised
// and listed in Templates, but it is for the caller to have it evaluated.
func Decode(inputs []Input) *Result {
	d := NewDecoder()
	d.Add(inputs)
	return d.Finish()
}

// sortResources puts resources into the order in which later ones win.
func sortResources(list []Resource) {
	slices.SortStableFunc(list, func(a, b Resource) int { return cmp.Compare(a.Path, b.Path) })
}
