package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ipflow/index"
	"ipflow/ingest"
	"ipflow/ingest/diag"
	"ipflow/ingest/suite"
	"ipflow/verify/audit"
	"ipflow/verify/reach"
)

type auditFlags struct {
	zones, services, baseline, writeBaseline string
	now, failOn                              string
	html, markdown, sarif, json, parquet     string
	quiet                                    bool
}

func (a *app) auditCommand() *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Report what an estate exposes, with evidence for a security review",
		Long: `Report the exact exposure of every NIC to the Internet and to other zones, with
management and database ports called out; rules that do nothing; what is not
known, and which fact is missing; and how the estate meets the networking
controls of the CIS Microsoft Azure Foundations Benchmark (v2.1.0, section 6),
judged on what all rules in front of a NIC let in together.

A summary goes to stdout; --html, --markdown, --json and --parquet write the
whole report and --sarif its findings, several of them in one run. The HTML page loads nothing: mail it.

A baseline dismisses findings: each entry needs a reason, an owner and an expiry,
or it does not count. --write-baseline writes one with blanks to fill in.

Exit code 1 when a finding that is not dismissed has the severity --fail-on or
worse.`,
		Example: `  ipflow audit -s export/
  ipflow audit -s export/ --html audit.html
  ipflow audit -s export/ --sarif audit.sarif --markdown audit.md --json audit.json
  ipflow audit -s export/ --write-baseline baseline.yaml --fail-on never
  ipflow audit -s export/ --baseline baseline.yaml --fail-on medium
  ipflow audit -s main.json -o json | jq '.controls[] | {id, status, reason}'`,
		Args: noArgs,
	}
	fs := cmd.Flags()
	a.addSnapshotFlags(fs)
	fs.StringVar(&f.html, "html", "", "write the report as one self-contained HTML page to `FILE`")
	fs.StringVar(&f.markdown, "markdown", "", "write the report as Markdown to `FILE`")
	fs.StringVar(&f.sarif, "sarif", "", "write the findings as SARIF 2.1.0 to `FILE`")
	fs.StringVar(&f.json, "json", "", "write the report as JSON to `FILE`")
	fs.StringVar(&f.parquet, "parquet", "", "write the report as Parquet tables into the directory `DIR`")
	fs.StringVar(&f.zones, "zones", "", strings.Join(reach.ZoneKinds, ", ")+" or a file of zones (default subnets, or vnets where there are more than "+strconv.Itoa(audit.MaxSubnetZones)+")")
	fs.StringVar(&f.services, "services", "", "`FILE` with the services to call out, in place of the built-in list: lines NAME = CATEGORY PROTOCOLS PORTS")
	fs.StringVar(&f.baseline, "baseline", "", "`FILE` with dismissals, YAML or JSON")
	fs.StringVar(&f.writeBaseline, "write-baseline", "", "write an entry for every finding to `FILE`")
	fs.StringVar(&f.now, "now", "", "day that dismissals are held against, YEAR-MONTH-DAY (default SOURCE_DATE_EPOCH, or today)")
	fs.StringVar(&f.failOn, "fail-on", "high", "exit 1 on findings of this severity or worse: critical, high, medium, low, info, or never")
	fs.BoolVar(&f.quiet, "no-progress", false, "do not say on stderr how far the run is")
	output := outputFlag(fs, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkFormat(*output, "text", "json"); err != nil {
			return err
		}
		if f.failOn != "never" && !slices.Contains(audit.Severities(), audit.Severity(f.failOn)) {
			return usagef("--fail-on takes critical, high, medium, low, info or never, not %q", f.failOn)
		}
		return a.audit(cmd.Context(), &f, *output)
	}
	return cmd
}

func (a *app) audit(ctx context.Context, f *auditFlags, output string) error {
	now, err := dayOf(f.now)
	if err != nil {
		return err
	}
	o := audit.Options{Now: now}
	if f.services != "" {
		if o.Services, err = a.readServices(f.services); err != nil {
			return err
		}
	}
	if f.baseline != "" {
		if o.Baseline, err = a.readBaseline(f.baseline); err != nil {
			return err
		}
	}
	outputs, err := f.outputs()
	if err != nil {
		return err
	}
	defer outputs.abort()
	s, err := a.load(ctx, 0)
	if err != nil {
		return err
	}
	a.talk.diagnostics(s.Diagnostics)
	if f.zones != "" {
		if o.Zones, err = a.zones(s, f.zones); err != nil {
			return err
		}
	}
	r, err := a.runAudit(ctx, s, o, f.quiet)
	if err != nil {
		return err
	}
	if err := outputs.write(ctx, r, s); err != nil {
		return err
	}
	if output == "json" {
		err = r.WriteJSON(a.stdout)
	} else {
		err = r.WriteText(a.stdout)
	}
	if err != nil {
		return err
	}
	return f.verdict(r)
}

// runAudit compiles and audits, and says on stderr how far it is.
func (a *app) runAudit(ctx context.Context, s *ingest.Snapshot, o audit.Options, quiet bool) (*audit.Report, error) {
	if !quiet {
		o.Progress = a.stepLines()
	}
	ix, err := index.Compile(ctx, s.Network, index.Options{FuseAfter: index.AtOnce})
	if err != nil {
		return nil, err
	}
	return audit.Run(ctx, auditInput(s, ix), o)
}

// auditInput says where the network comes from.
func auditInput(s *ingest.Snapshot, ix *index.Index) audit.Input {
	in := audit.Input{Network: s.Network, Index: ix, Version: version, Hashes: map[string]string{}}
	for _, f := range s.Files {
		in.Hashes[f.Path] = f.SHA256
	}
	in.Snapshot = audit.Snapshot{
		SHA256: s.SHA256, Errors: s.Diagnostics.Count(diag.Error), Warnings: s.Diagnostics.Count(diag.Warning),
	}
	for _, d := range s.Documents {
		in.Snapshot.Documents = append(in.Snapshot.Documents, audit.Document{Path: d.Path, Kind: string(d.Kind), Resources: d.Resources, SHA256: in.Hashes[d.Path]})
	}
	for t, n := range s.Counts {
		in.Snapshot.Resources = append(in.Snapshot.Resources, audit.Count{Type: t, Count: n})
	}
	slices.SortFunc(in.Snapshot.Resources, func(x, y audit.Count) int { return strings.Compare(x.Type, y.Type) })
	return in
}

// stepLines writes a line now and then.
func (a *app) stepLines() func(step string, done, of int) {
	last := time.Now()
	return func(step string, done, of int) {
		if time.Since(last) < progressEvery {
			return
		}
		last = time.Now()
		a.talk.line("info", fmt.Sprintf("%s: %d of %d", step, done, of), map[string]any{"step": step, "done": done, "of": of})
	}
}

// maxAuditFile bounds the files that say how to audit.
const maxAuditFile = 8 << 20

func readBounded(flag, path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, inputError(fmt.Errorf("%s: %w", flag, err))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxAuditFile+1))
	if err != nil {
		return nil, inputError(fmt.Errorf("%s: %w", flag, err))
	}
	if len(text) > maxAuditFile {
		return nil, inputError(fmt.Errorf("%s: %s is larger than 8 MiB", flag, path))
	}
	return text, nil
}

func (a *app) readServices(path string) ([]audit.KnownService, error) {
	text, err := readBounded("--services", path)
	if err != nil {
		return nil, err
	}
	list, faults := audit.ParseServices(path, text)
	for _, f := range faults {
		a.talk.errorf("%s", diag.Printable(f.Error()))
	}
	if len(faults) > 0 {
		return nil, inputError(errors.New("read services: " + path + " cannot be used"))
	}
	if len(list) == 0 {
		return nil, inputError(errors.New("read services: " + path + " names none"))
	}
	return list, nil
}

func (a *app) readBaseline(path string) (*audit.Baseline, error) {
	text, err := readBounded("--baseline", path)
	if err != nil {
		return nil, err
	}
	list, faults := suite.ParseBaseline(path, text)
	for _, d := range faults {
		a.talk.errorf("%s", d)
	}
	if len(faults) > 0 {
		return nil, inputError(errors.New("read baseline: " + path + " cannot be used"))
	}
	out := &audit.Baseline{}
	for _, d := range list {
		out.Entries = append(out.Entries, audit.Accepted{
			Finding: d.Finding.Text, Reason: d.Reason, Owner: d.Owner, Expires: d.Expires, NICs: d.NICs, File: d.At.File, Line: d.At.Line,
		})
	}
	return out, nil
}

// verdict is exit code 1 for findings bad enough.
func (f *auditFlags) verdict(r *audit.Report) error {
	if f.failOn == "never" {
		return nil
	}
	for i := range r.Findings {
		if x := &r.Findings[i]; !x.Dismissed && x.Severity.AtLeast(audit.Severity(f.failOn)) {
			return &exitError{code: exitFindings}
		}
	}
	return nil
}
