package flowfile

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"ipflow/ingest/column"
)

// Options say how flow files are read. The zero value reads files by extension
// and keeps every column.
type Options struct {
	// Format is parquet, arrow, csv, tsv or jsonl, in any case; "" goes by each
	// file's extension (.parquet .arrow .arrows .ipc .feather .csv .tsv .jsonl
	// .ndjson; text also .gz and .zst). Standard input needs it.
	Format string
	// Map gives the file's name of a flow column, for example nic → NicId. Both
	// ignore case.
	Map map[string]string
	// Keep says which input columns the batches carry besides the flow columns.
	Keep KeepSpec
	// WindowRows is the largest number of rows of a batch; 0 means 1<<18 for text
	// and 1<<20 for Parquet and Arrow.
	WindowRows int
	// PortNumbers lets port columns of text input come as int32 in batches where
	// every port is one as programs write them, see column.Ports. Otherwise, and in
	// all other batches, they are text.
	PortNumbers bool
	// Stdin is what "-" reads.
	Stdin io.Reader

	allocator memory.Allocator // of Arrow input, for tests; nil for Go's
}

// KeepSpec names the input columns to keep. The zero value keeps all.
type KeepSpec struct {
	None bool
	// Columns are the names of the columns to keep, in this order; they ignore
	// case. Empty with None false: all, in the file's order.
	Columns []string
}

// ParseKeep reads all, none, or a comma-separated list of column names.
func ParseKeep(s string) (KeepSpec, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "", "all":
		return KeepSpec{}, nil
	case "none":
		return KeepSpec{None: true}, nil
	}
	var k KeepSpec
	for name := range strings.SplitSeq(s, ",") {
		if name = strings.TrimSpace(name); name == "" {
			return k, usagef("--keep %q has an empty column name", s)
		}
		k.Columns = append(k.Columns, name)
	}
	return k, nil
}

func (k KeepSpec) all() bool { return !k.None && len(k.Columns) == 0 }

// UsageError is a fault of the request, not of a file.
type UsageError struct{ text string }

// Error returns the fault and its remedy.
func (e *UsageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return &UsageError{fmt.Sprintf(format, args...)}
}

// fileFormat is one way to write flows.
type fileFormat uint8

const (
	unknownFormat fileFormat = iota
	parquetFormat
	arrowFormat
	csvFormat
	tsvFormat
	jsonlFormat
)

var formatNames = [...]string{"", "parquet", "arrow", "csv", "tsv", "jsonl"}

func (f fileFormat) String() string { return formatNames[f] }

func (f fileFormat) text() bool { return f >= csvFormat }

var extensions = map[string]fileFormat{
	".parquet": parquetFormat, ".arrow": arrowFormat, ".arrows": arrowFormat, ".ipc": arrowFormat, ".feather": arrowFormat,
	".csv": csvFormat, ".tsv": tsvFormat, ".jsonl": jsonlFormat, ".ndjson": jsonlFormat,
}

// formatOf returns the format that the options and the path's extension ask for.
func formatOf(path string, o *Options) (fileFormat, error) {
	const choices = "parquet, arrow, csv, tsv or jsonl"
	if o.Format != "" {
		if i := slices.Index(formatNames[:], strings.ToLower(o.Format)); i > 0 {
			return fileFormat(i), nil
		}
		return 0, usagef("--flows-format %q: choose %s", o.Format, choices)
	}
	if path == stdin {
		return 0, usagef("flows on standard input need --flows-format %s", choices)
	}
	ext := strings.ToLower(filepath.Ext(path))
	zipped := ext == ".gz" || ext == ".zst"
	if zipped {
		ext = strings.ToLower(filepath.Ext(path[:len(path)-len(ext)]))
	}
	f, ok := extensions[ext]
	if !ok {
		return 0, usagef("%s: its extension names no flow format; use --flows-format %s", path, choices)
	}
	if zipped && !f.text() {
		return 0, usagef("%s: compressed %s files are not read; decompress it first", path, f)
	}
	return f, nil
}

// flowNames are the names in the file of the flow columns, by Map or their own.
type flowNames struct {
	one, ends [column.NumNames]string // of one-ended and of two-ended inputs
	// The first column that Map names of each kind alone, "" for none.
	mappedOne, mappedEnds string
}

func (o *Options) flowNames() (n flowNames, err error) {
	titles := column.EndNames()
	n.ends = titles
	for c := range column.NumNames {
		n.one[c] = c.String()
		if titles[c] == "" {
			n.ends[c] = c.String() // no part of a two-ended question, but still no name for anything else
		}
	}
	for key := range o.Map {
		if !slices.ContainsFunc(FlowColumns(), func(f string) bool { return sameName(f, key) }) {
			return n, usagef("--map %s=%s: %s is no flow column; they are %s", key, o.Map[key], key, strings.Join(FlowColumns(), ", "))
		}
	}
	for c := range column.NumNames {
		for key, name := range o.Map {
			own, end := sameName(c.String(), key), sameName(titles[c], key)
			if own {
				n.one[c] = strings.TrimSpace(name)
			}
			if end {
				n.ends[c] = strings.TrimSpace(name)
			}
			switch {
			case own && !end:
				n.mappedOne = cmp.Or(n.mappedOne, c.String())
			case end && !own:
				n.mappedEnds = cmp.Or(n.mappedEnds, titles[c])
			}
		}
	}
	if n.mappedOne != "" && n.mappedEnds != "" {
		return n, usagef("--map names %s, of flows as one NIC sees them, and %s, of flows with two ends; name columns of one kind", n.mappedOne, n.mappedEnds)
	}
	if err := unique(n.one[:], column.Names()); err != nil {
		return n, err
	}
	return n, unique(n.ends[column.Protocol:], titles[column.Protocol:])
}

// unique refuses a name that stands for two flow columns, which titles call.
func unique(names, titles []string) error {
	for i, n := range names {
		if j := slices.IndexFunc(names[:i], func(m string) bool { return strings.EqualFold(m, n) }); j >= 0 {
			return usagef("column %s stands for both %s and %s; correct --map", n, titles[j], titles[i])
		}
	}
	return nil
}

// FlowColumns lists the flow columns that Map may name: those of one-ended, then
// those of two-ended inputs.
func FlowColumns() []string {
	out := slices.Clone(column.Names())
	for _, n := range column.EndNames() {
		if n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// twoEnded reports whether an input with the columns is read as flows with two
// ends: it has src_ip and dst_ip and no column that one-ended flows need beside
// protocol, or Map names its ends.
func (n *flowNames) twoEnded(names []string) bool {
	if n.mappedOne != "" || n.mappedEnds != "" {
		return n.mappedEnds != ""
	}
	for c := column.Direction; c < column.NumNames; c++ {
		if c != column.Protocol && indexName(names, n.one[c]) >= 0 {
			return false
		}
	}
	return indexName(names, n.ends[column.LocalIP]) >= 0 && indexName(names, n.ends[column.RemoteIP]) >= 0
}
