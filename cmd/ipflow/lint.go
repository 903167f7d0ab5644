package main

import (
	"context"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ipflow/ingest/diag"
	"ipflow/ingest/network"
	"ipflow/verify/lint"
	"ipflow/verify/space"
)

type lintFlags struct {
	groups, kinds []string
	failOn        string
	plan, all     bool
	output        string
	quiet         *bool
}

// shownFindings is how many findings of a kind the text form shows.
const shownFindings = 3

func (a *app) lintCommand() *cobra.Command {
	var f lintFlags
	cmd := &cobra.Command{
		Use:   "lint",
		Short: "Find rules that do nothing, or not what they seem to",
		Long: `Find security rules that are shadowed by the union of earlier ones, redundant,
duplicate, malformed, that can never apply or rest on an unknown tag, and groups
that are attached to nothing. Every claim is proven over all packets, for every
subnet and NIC the group stands at, whatever missing facts turn out to be.

Exit code 1 when there are findings of the severity --fail-on or worse: error is
a rule that is malformed or overruled by earlier ones with another action,
warning one that does nothing, info one that earlier rules take some flows from.`,
		Example: `  ipflow lint -s export/
  ipflow lint -s export/ --nsg web-nsg --kind shadowed,redundant --print-all
  ipflow lint -s export/ --fix-plan
  ipflow lint -s export/ -o json | jq '.findings[] | select(.differentAction)'`,
		Args: noArgs,
	}
	fs := cmd.Flags()
	a.addSnapshotFlags(fs)
	fs.StringSliceVar(&f.groups, "nsg", nil, "security group to look at, by name or id (repeatable; default all)")
	fs.StringSliceVar(&f.kinds, "kind", nil, "kinds of finding to report (repeatable; default all): "+kindWords())
	fs.StringVar(&f.failOn, "fail-on", "warning", "exit 1 on findings of this severity or worse: error, warning, info, or never")
	fs.BoolVar(&f.plan, "fix-plan", false, "print the rules that can be deleted together without changing any verdict")
	fs.BoolVar(&f.all, "print-all", false, "print all findings, not three of each kind")
	output := outputFlag(fs, "text", "json", "csv")
	f.quiet = progressFlag(fs)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		f.output = *output
		if err := f.validate(); err != nil {
			return err
		}
		s, err := a.load(cmd.Context(), 0)
		if err != nil {
			return err
		}
		a.talk.diagnostics(s.Diagnostics)
		return a.lint(cmd.Context(), s.Network, &f)
	}
	return cmd
}

func kindWords() string {
	var out []string
	for _, k := range lint.Kinds() {
		out = append(out, string(k))
	}
	return strings.Join(out, ", ")
}

func (f *lintFlags) validate() error {
	if err := checkFormat(f.output, "text", "json", "csv"); err != nil {
		return err
	}
	for _, k := range f.kinds {
		if !slices.Contains(lint.Kinds(), lint.Kind(k)) {
			return usagef("--kind takes %s, not %q", kindWords(), k)
		}
	}
	switch f.failOn {
	case "error", "warning", "info", "never":
	default:
		return usagef("--fail-on takes error, warning, info or never, not %q", f.failOn)
	}
	if f.plan && f.output == "csv" {
		return usagef("--fix-plan prints text or json, not csv")
	}
	return nil
}

func (a *app) lint(ctx context.Context, n *network.Network, f *lintFlags) error {
	groups, err := groupsNamed(n, f.groups)
	if err != nil {
		return err
	}
	steps, stop := a.followSteps(*f.quiet)
	defer stop()
	r, err := lint.Run(ctx, n, lint.Options{Groups: groups, Progress: steps.begin("judging security groups")})
	if err != nil {
		return err
	}
	stop()
	if len(f.kinds) > 0 {
		r.Findings = slices.DeleteFunc(r.Findings, func(x lint.Finding) bool { return !slices.Contains(f.kinds, string(x.Kind)) })
	}
	switch {
	case f.output == "json":
		err = a.printJSON(lintOf(r, f.plan))
	case f.output == "csv":
		err = a.lintCSV(r)
	case f.plan:
		err = r.WritePlan(a.stdout)
	default:
		limit := shownFindings
		if f.all {
			limit = 0
		}
		err = r.WriteText(a.stdout, limit)
	}
	if err != nil {
		return err
	}
	for i := range r.Findings {
		if f.fails(r.Findings[i].Severity()) {
			return &exitError{code: exitFindings}
		}
	}
	return nil
}

// fails reports whether a finding of the severity is enough for exit code 1.
func (f *lintFlags) fails(s diag.Severity) bool {
	switch f.failOn {
	case "error":
		return s == diag.Error
	case "warning":
		return s <= diag.Warning
	case "info":
		return true
	}
	return false
}

// groupsNamed finds groups by name or id; nil when none is asked for.
func groupsNamed(n *network.Network, texts []string) (out []*network.SecurityGroup, err error) {
	for _, text := range texts {
		found := false
		for _, g := range n.SecurityGroups {
			if key := network.Key(text); network.Key(g.Name) == key || network.Key(g.ID) == key {
				found = true
				if !slices.Contains(out, g) {
					out = append(out, g)
				}
			}
		}
		if !found {
			return nil, usagef("--nsg: no security group %q is in the snapshot", text)
		}
	}
	return out, nil
}

// The JSON form of findings. Arrays are never null.
type lintJSON struct {
	Findings  []findingJSON `json:"findings"`
	Deletions *[]string     `json:"deletions,omitempty"` // with --fix-plan
}

type findingJSON struct {
	Kind            string      `json:"kind"`
	Severity        string      `json:"severity"`
	Rule            string      `json:"rule"`
	By              []string    `json:"by"`
	DifferentAction bool        `json:"differentAction"`
	File            string      `json:"file"`
	Line            int         `json:"line"`
	Pointer         string      `json:"pointer"`
	Message         string      `json:"message"`
	Witness         *space.Flow `json:"witness"`
}

func lintOf(r *lint.Report, plan bool) lintJSON {
	out := lintJSON{Findings: []findingJSON{}}
	for i := range r.Findings {
		f := &r.Findings[i]
		j := findingJSON{
			Kind: string(f.Kind), Severity: f.Severity().String(), Rule: f.Subject(), By: []string{}, DifferentAction: f.DifferentAction,
			File: f.Origin().File, Line: f.Origin().Line, Pointer: f.Origin().Pointer, Message: f.Message,
		}
		for _, b := range f.By {
			j.By = append(j.By, b.ID)
		}
		if w := f.Witness; w != nil {
			flow := flowOf(w.NIC, w.Tuple)
			j.Witness = &flow
		}
		out.Findings = append(out.Findings, j)
	}
	if plan {
		ids := []string{}
		for _, d := range r.Deletions {
			ids = append(ids, d.ID)
		}
		out.Deletions = &ids
	}
	return out
}

func (a *app) lintCSV(r *lint.Report) error {
	w := csv.NewWriter(a.stdout)
	header := []string{"kind", "severity", "rule", "by", "different_action", "file", "line", "pointer", "message"}
	if err := w.Write(append(header, flowColumns...)); err != nil {
		return err
	}
	for _, f := range lintOf(r, false).Findings {
		row := []string{
			f.Kind, f.Severity, f.Rule, strings.Join(f.By, " "), strconv.FormatBool(f.DifferentAction),
			f.File, strconv.Itoa(f.Line), f.Pointer, f.Message,
		}
		if err := w.Write(append(row, flowCells(f.Witness)...)); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}
