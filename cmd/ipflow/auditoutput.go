package main

import (
	"context"
	"io"

	"ipflow/ingest"
	"ipflow/report/html"
	"ipflow/report/outfile"
	"ipflow/report/tables"
	"ipflow/verify/audit"
)

// auditOutputs are the files of a run. They are started before the snapshot is
// read, so that a path that cannot be written is told at once, and appear when all
// of them are complete.
type auditOutputs struct {
	files  []auditFile
	tables *outfile.Dir
}

type auditFile struct {
	file  *outfile.File
	write func(io.Writer, *audit.Report) error
}

// outputs starts the files that were asked for.
func (f *auditFlags) outputs() (*auditOutputs, error) {
	o := &auditOutputs{}
	seen := map[string]string{}
	for _, x := range []struct {
		flag, path string
		write      func(io.Writer, *audit.Report) error
	}{
		{"--html", f.html, html.Write},
		{"--markdown", f.markdown, func(w io.Writer, r *audit.Report) error { return r.WriteMarkdown(w) }},
		{"--sarif", f.sarif, writeSARIF},
		{"--json", f.json, func(w io.Writer, r *audit.Report) error { return r.WriteJSON(w) }},
		{"--write-baseline", f.writeBaseline, func(w io.Writer, r *audit.Report) error { return r.WriteBaseline(w) }},
	} {
		switch {
		case x.path == "":
			continue
		case x.path == "-":
			o.abort()
			return nil, usagef("%s takes a file; -o text or json chooses what goes to stdout", x.flag)
		case seen[x.path] != "":
			o.abort()
			return nil, usagef("%s and %s name one file", seen[x.path], x.flag)
		}
		seen[x.path] = x.flag
		file, err := outfile.Create(x.path)
		if err != nil {
			o.abort()
			return nil, inputError(err)
		}
		o.files = append(o.files, auditFile{file, x.write})
	}
	if f.parquet == "" {
		return o, nil
	}
	var names []string
	for _, t := range tables.All() {
		names = append(names, t.Name+".parquet")
	}
	dir, err := outfile.CreateNamed(f.parquet, names)
	if err != nil {
		o.abort()
		return nil, inputError(err)
	}
	o.tables = dir
	return o, nil
}

func (o *auditOutputs) abort() {
	for _, f := range o.files {
		f.file.Abort()
	}
	if o.tables != nil {
		o.tables.Abort()
	}
}

// write fills all files, then makes them appear.
func (o *auditOutputs) write(ctx context.Context, r *audit.Report, s *ingest.Snapshot) error {
	for _, f := range o.files {
		if err := f.write(f.file, r); err != nil {
			return err
		}
	}
	if o.tables != nil {
		for _, t := range tables.All() {
			if err := o.table(t, r, s); err != nil {
				return err
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, f := range o.files {
		if err := f.file.Commit(); err != nil {
			return err
		}
	}
	if o.tables == nil {
		return nil
	}
	return o.tables.Commit()
}

func (o *auditOutputs) table(t tables.Table, r *audit.Report, s *ingest.Snapshot) error {
	part, err := o.tables.Named(t.Name + ".parquet")
	if err != nil {
		return err
	}
	err = t.Write(part, r, version, provenance(s)...)
	if e := part.Close(); err == nil {
		err = e
	}
	return err
}
