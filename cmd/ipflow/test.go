package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"ipflow/index"
	"ipflow/ingest"
	"ipflow/ingest/diag"
	"ipflow/ingest/suite"
	"ipflow/report/annotation"
	"ipflow/report/junit"
	"ipflow/report/outfile"
	"ipflow/report/tap"
	"ipflow/verify/assert"
)

type testFlags struct {
	output, annotations, now string
	files                    map[string]*string // by format
	all, schema, suggest     bool
	coverage                 bool
	coverageTime             time.Duration
}

// testFormats are what results are written as, to stdout or a file.
var testFormats = []string{"text", "json", "junit", "tap"}

func (a *app) testCommand() *cobra.Command {
	f := testFlags{files: map[string]*string{}}
	cmd := &cobra.Command{
		Use:   "test FILE...",
		Short: "Check a file of expectations: who may reach what, by which rule",
		Long: `Check suites of assertions, YAML or JSON, against a snapshot. An assertion says
for a set of flows (from, to, protocol, ports) that every one of them is allowed
or denied (expect), by which rule (by), or that nothing is allowed beyond a set
(only). A failure comes with a flow that goes otherwise, the deciding rule, its
file and line, and what to do.

Ends are as in 'ipflow reach': *, Internet, another service tag, an address, a
prefix, or a NIC, VM, subnet, virtual network, NSG or ASG by name or id; lists of
them, too. Missing facts make an assertion unknown, never a pass; one that
selects no flow is an error. expires: DAY ends an assertion; xfail: REASON
expects it to fail and reports when it passes.

Exit code 1 when an assertion is anything but a pass or an expected failure, 3
when a suite cannot be read.`,
		Example: `  ipflow test -s export/ suite.yaml
  ipflow test -s main.json network.yaml --annotations github --junit results.xml
  ipflow test -s export/ suite.yaml -o tap | prove -e cat /dev/stdin
  ipflow test -s export/ --suggest > suite.yaml
  ipflow test -s export/ suite.yaml --coverage
  ipflow test --schema > suite.schema.json`,
	}
	fs := cmd.Flags()
	a.addSnapshotFlags(fs)
	for _, format := range testFormats[1:] {
		f.files[format] = fs.String(format, "", "write the results to this file as "+strings.ToUpper(format)+", too")
	}
	fs.StringVar(&f.annotations, "annotations", "", "write lines to stderr by which a pipeline marks the assertions in a change: "+strings.Join(annotation.Kinds, " or "))
	fs.StringVar(&f.now, "now", "", "the day that expires is compared with, as 2026-12-31 (default $SOURCE_DATE_EPOCH, else today)")
	fs.BoolVar(&f.all, "print-all", false, "print what passed, too")
	fs.BoolVar(&f.suggest, "suggest", false, "print a suite that describes what is allowed now, and end")
	fs.BoolVar(&f.coverage, "coverage", false, "also tell which rules and boundaries the suites exercise, and which changes of a rule they do not notice")
	fs.DurationVar(&f.coverageTime, "coverage-time", time.Minute, "how long --coverage may take; 0 for as long as it needs")
	fs.BoolVar(&f.schema, "schema", false, "print the JSON schema of suites, for editors, and end")
	output := outputFlag(fs, testFormats...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.output = *output
		if err := f.validate(args); err != nil {
			return err
		}
		if f.schema {
			_, err := io.WriteString(a.stdout, suite.Schema)
			return err
		}
		now, err := dayOf(f.now)
		if err != nil {
			return err
		}
		assertions, err := a.readSuites(args)
		if err != nil {
			return err
		}
		s, err := a.load(cmd.Context(), 0)
		if err != nil {
			return err
		}
		a.talk.diagnostics(s.Diagnostics)
		if f.suggest {
			return a.suggest(cmd.Context(), s, now)
		}
		return a.test(cmd.Context(), s, assertions, &f, now)
	}
	return cmd
}

func (f *testFlags) validate(args []string) error {
	if err := checkFormat(f.output, testFormats...); err != nil {
		return err
	}
	if f.annotations != "" && !slices.Contains(annotation.Kinds, f.annotations) {
		return usagef("--annotations takes %s, not %q", strings.Join(annotation.Kinds, " or "), f.annotations)
	}
	if f.coverage && f.output != "text" && f.output != "json" {
		return usagef("--coverage prints text or json, not %s", f.output)
	}
	if f.coverageTime < 0 {
		return usagef("--coverage-time takes a time such as 30s or 5m, not %s", f.coverageTime)
	}
	for _, alone := range []struct {
		flag string
		set  bool
	}{{"--schema", f.schema}, {"--suggest", f.suggest}} {
		if alone.set && len(args) > 0 {
			return usagef("%s reads no suite; leave out %q", alone.flag, args[0])
		}
	}
	if len(args) == 0 && !f.schema && !f.suggest {
		return usagef("no suite: name a YAML or JSON file of assertions; 'ipflow test --help' shows one")
	}
	return nil
}

// readSuites reads all files, and tells the faults of all.
func (a *app) readSuites(paths []string) (out []*suite.Assertion, err error) {
	bad := 0
	for _, path := range paths {
		content, err := a.readSuite(path)
		if err != nil {
			return nil, inputError(fmt.Errorf("read suite: %w", err))
		}
		s, faults := suite.Parse(path, content)
		for _, d := range faults {
			a.talk.line("error", d.String(), map[string]any{"code": d.Code, "file": d.Origin.File, "line": d.Origin.Line, "column": d.Origin.Column})
		}
		if s == nil {
			bad++
			continue
		}
		out = append(out, s.Assertions...)
	}
	if bad > 0 {
		return nil, inputError(fmt.Errorf("%d of %d %s cannot be read, so nothing was tested", bad, len(paths), plural(len(paths), "suite")))
	}
	return out, nil
}

func (a *app) readSuite(path string) ([]byte, error) {
	var r io.Reader = a.stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		r = file
	} else if slices.Contains(a.snapshot.paths, "-") {
		return nil, errors.New("standard input cannot be both snapshot and suite")
	}
	return io.ReadAll(io.LimitReader(r, suite.MaxBytes+1))
}

func (a *app) test(ctx context.Context, s *ingest.Snapshot, assertions []*suite.Assertion, f *testFlags, now time.Time) error {
	ix, err := index.Compile(ctx, s.Network, index.Options{FuseAfter: index.AtOnce})
	if err != nil {
		return err
	}
	checker := assert.New(s.Network, ix, assert.Options{Now: now})
	results, err := checker.Run(ctx, assertions)
	if err != nil {
		return err
	}
	out := outcome{results: results, snapshot: s}
	if f.coverage {
		if out.coverage, err = a.cover(ctx, checker, assertions, f); err != nil {
			return err
		}
	}
	if err := a.writeResults(a.stdout, f.output, &out, f); err != nil {
		return err
	}
	for _, format := range testFormats[1:] {
		if path := *f.files[format]; path != "" {
			if err := a.resultsFile(path, format, &out, f); err != nil {
				return err
			}
		}
	}
	if f.annotations != "" {
		if err := annotation.Write(a.talk.w, f.annotations, results); err != nil {
			return err
		}
	}
	if summary := assert.Summarize(results); !summary.OK() {
		well := summary.Pass + summary.XFail
		return &exitError{exitFindings, fmt.Errorf("%d of %d %s did not hold", summary.Assertions-well, summary.Assertions, plural(summary.Assertions, "assertion"))}
	}
	return nil
}

// suggest prints a suite that holds.
func (a *app) suggest(ctx context.Context, s *ingest.Snapshot, now time.Time) error {
	ix, err := index.Compile(ctx, s.Network, index.Options{FuseAfter: index.AtOnce})
	if err != nil {
		return err
	}
	out, err := assert.New(s.Network, ix, assert.Options{Now: now}).Suggest(ctx)
	if err != nil {
		return err
	}
	for _, n := range out.Notes {
		a.talk.infof("%s", diag.Printable(n))
	}
	if out.LeftOut > 0 {
		a.talk.infof("%d %s left out: missing facts make them unknown", out.LeftOut, plural(out.LeftOut, "assertion"))
	}
	if len(out.Assertions) == 0 {
		return &exitError{exitFindings, errors.New("nothing to suggest: no subnet of the snapshot has a NIC about which something is certain")}
	}
	comments := []string{
		"What is allowed now, as 'ipflow test --suggest' found it: keep what is meant, correct what is not.",
		"Snapshot " + s.SHA256,
	}
	return suite.Write(a.stdout, comments, out.Assertions)
}

func (a *app) resultsFile(path, format string, out *outcome, f *testFlags) error {
	file, err := outfile.Create(path)
	if err != nil {
		return err
	}
	defer file.Abort()
	if err := a.writeResults(file, format, out, f); err != nil {
		return err
	}
	return file.Commit()
}

// outcome is what a run of suites gave.
type outcome struct {
	results  []assert.Result
	coverage *assert.Coverage // nil when not asked for
	snapshot *ingest.Snapshot
}

func (a *app) writeResults(w io.Writer, format string, out *outcome, f *testFlags) error {
	switch format {
	case "json":
		report := assert.ReportOf(out.results)
		if out.coverage != nil {
			report.Coverage = assert.ReportCoverage(out.coverage)
		}
		return report.WriteJSON(w)
	case "junit":
		return junit.Write(w, out.results, provenance(out.snapshot)...)
	case "tap":
		return tap.Write(w, out.results)
	}
	for _, n := range notes(out.results) {
		a.talk.infof("%s", diag.Printable(n))
	}
	if err := assert.WriteText(w, out.results, assert.TextOptions{All: f.all, Color: inColor(w)}); err != nil || out.coverage == nil {
		return err
	}
	return assert.WriteCoverage(w, out.coverage, f.all)
}

// cover measures the suites, with a line about how far it is now and then.
func (a *app) cover(ctx context.Context, c *assert.Checker, assertions []*suite.Assertion, f *testFlags) (*assert.Coverage, error) {
	o := assert.CoverageOptions{}
	if f.coverageTime > 0 {
		o.Until = time.Now().Add(f.coverageTime)
	}
	told := time.Now()
	o.Progress = func(done, of int) {
		if time.Since(told) >= progressEvery {
			told = time.Now()
			a.talk.infof("%s of %s changed rules tried", thousands(int64(done)), thousands(int64(of)))
		}
	}
	return c.Cover(ctx, assertions, o)
}

// notes are those of results that WriteText does not explain.
func notes(results []assert.Result) (out []string) {
	for i := range results {
		if results[i].State.OK() {
			out = append(out, results[i].Notes...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// inColor reports whether w is a terminal that takes colours (no-color.org).
func inColor(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isatty.IsTerminal(file.Fd())
}
