package report

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"ipflow/report/flows"
	"ipflow/report/layout"
	"ipflow/report/outfile"
	"ipflow/report/parquet"
	"ipflow/verify"
)

// Field is a kept input column, in output order.
type Field = layout.Field

// KeyValue is an entry of Parquet's file metadata.
type KeyValue = parquet.KeyValue

// Output says what to write and where.
type Output struct {
	Path     string     // "-" is Stdout; ending in / is a directory of part files
	Format   string     // parquet, csv, jsonl or arrow; "" goes by Path's extension
	Codec    string     // Parquet pages: zstd (""), snappy or none
	Metadata []KeyValue // Parquet only, in this order
	Version  string     // ipflow's own
	PartRows int64      // directory: start a new part once one has this many rows; 0 for one part
	Ends     bool       // the flows have two ends, and each has columns of its own
	Stdout   io.Writer  // required when Path is "-"
}

// UsageError is a request that cannot be met as put.
type UsageError struct{ Text string }

func (e *UsageError) Error() string { return e.Text }

// IsUsage reports whether err is the user's to correct on the command line.
func IsUsage(err error) bool {
	var u *UsageError
	var c *layout.ClashError
	return errors.As(err, &u) || errors.As(err, &c)
}

func usage(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// kind is a format with what the output's name says about it.
type kind struct {
	format      string // parquet, csv, jsonl, arrow
	delim       byte   // csv
	stream      bool   // arrow
	compression string // csv, jsonl: "", gz, zst
}

// Validate refuses what Open would refuse before touching a file.
func (o Output) Validate(fields []Field) error {
	k, err := o.kind()
	if err != nil {
		return err
	}
	_, err = o.encoder(k, fields)
	return err
}

// Typed reports whether the output's format has types, so that ports of a text
// source are written as numbers.
func (o Output) Typed() bool {
	k, err := o.kind()
	return err == nil && (k.format == "parquet" || k.format == "arrow")
}

// Open starts the output of the kept fields and the result columns.
func Open(o Output, fields []Field) (verify.Sink, error) {
	k, err := o.kind()
	if err != nil {
		return nil, err
	}
	if o.PartRows < 0 {
		return nil, usage("rows per part are %d: give 0 or more", o.PartRows)
	}
	format, err := o.encoder(k, fields)
	if err != nil {
		return nil, err
	}
	s := &sink{format: format, partRows: o.PartRows}
	switch {
	case o.isDir():
		s.dir, err = outfile.CreateDir(o.Path, k.ext())
	case o.Path == "-":
		s.file = outfile.Through(o.Stdout)
	default:
		s.file, err = outfile.Create(o.Path)
	}
	if err != nil {
		return nil, err
	}
	if err := s.begin(); err != nil {
		s.Abort()
		return nil, err
	}
	return s, nil
}

func (o *Output) encoder(k kind, fields []Field) (layout.Format, error) {
	cols := layout.Columns{Kept: fields, Ends: o.Ends}
	switch k.format {
	case "csv":
		return flows.NewCSV(cols, k.delim, k.compression)
	case "jsonl":
		return flows.NewJSONL(cols, k.compression)
	case "arrow":
		return flows.NewArrow(cols, !k.stream)
	}
	for _, c := range append(parquet.Codecs(), "") {
		if c == o.Codec {
			return parquet.New(cols, parquet.Options{Codec: o.Codec, Metadata: o.Metadata, Version: o.Version})
		}
	}
	return nil, usage("unknown compression codec %q: choose %s", o.Codec, strings.Join(parquet.Codecs(), ", "))
}

func (o *Output) isDir() bool {
	return strings.HasSuffix(o.Path, "/") || strings.HasSuffix(o.Path, string(filepath.Separator))
}

var extensions = map[string]kind{
	".parquet": {format: "parquet"},
	".csv":     {format: "csv", delim: ','},
	".tsv":     {format: "csv", delim: '\t'},
	".jsonl":   {format: "jsonl"},
	".ndjson":  {format: "jsonl"},
	".arrow":   {format: "arrow"},
	".ipc":     {format: "arrow"},
	".arrows":  {format: "arrow", stream: true},
}

var formats = map[string]kind{
	"parquet": extensions[".parquet"],
	"csv":     extensions[".csv"],
	"jsonl":   extensions[".jsonl"],
	"arrow":   extensions[".arrow"],
}

// kind applies CONTRACT's rule: Format, else the extension, else Parquet.
func (o *Output) kind() (kind, error) {
	if o.Path == "" {
		return kind{}, usage("no output named: give -o OUT")
	}
	asked, known := formats[o.Format]
	if o.Format != "" && !known {
		return kind{}, usage("unknown format %q: choose parquet, csv, jsonl or arrow", o.Format)
	}
	if o.Path == "-" {
		if asked.format == "" || asked.format == "parquet" {
			return kind{}, usage("standard output needs --format csv, jsonl or arrow: a Parquet file must be complete before it is read")
		}
		asked.stream = asked.format == "arrow"
		return asked, nil
	}
	if o.isDir() {
		if !known {
			asked = formats["parquet"]
		}
		return asked, nil
	}
	name := strings.ToLower(o.Path)
	ext := filepath.Ext(name)
	compression := ""
	if ext == ".gz" || ext == ".zst" {
		compression = ext[1:]
		ext = filepath.Ext(strings.TrimSuffix(name, ext))
	}
	k, byName := extensions[ext]
	switch {
	case !known && !byName && compression != "":
		return kind{}, usage("cannot tell the format of %s: give --format csv or jsonl", o.Path)
	case !known && !byName:
		k = formats["parquet"]
	case known && k.format != asked.format:
		k = asked
	}
	if compression != "" && k.format != "csv" && k.format != "jsonl" {
		return kind{}, usage("%s: only csv and jsonl are compressed as a whole: drop .%s", o.Path, compression)
	}
	k.compression = compression
	return k, nil
}

// ext is the extension of part files.
func (k kind) ext() string { return "." + k.format }
