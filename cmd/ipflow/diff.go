package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ipflow/ingest"
	"ipflow/ingest/diag"
	"ipflow/ingest/network"
	"ipflow/report/rows"
	"ipflow/verify/diff"
	"ipflow/verify/space"
)

type diffFlags struct {
	before, after []string
	rules         bool
	quiet         *bool
}

func (a *app) diffCommand() *cobra.Command {
	var f diffFlags
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Show exactly the flows whose verdict differs between two snapshots",
		Long: `Show exactly the flows whose access differs between two snapshots or templates,
for each group of NICs with the same change: before and after with the deciding
rule, its file and line, the boxes of flows, and a witness. New exposure to the
Internet comes first. Rules that are renamed, renumbered, reordered or spelled in
other words without effect give no change.

OLD and NEW are files or directories, several joined by commas; --old and --new
name further ones. -s names files that belong to both sides, for example service
tags. Exit code 1 when something changed, NICs of one side only included; 4 when
nothing is seen to, but flows are Unknown on both sides where rules differ, or a
security group differs that stands at no NIC.`,
		Example: `  ipflow diff before/ after/
  ipflow diff main.json branch.json -s service-tags.json -o markdown > comment.md
  ipflow diff --old before/ --old peers/ --new after/ --new peers/ -o json | jq '.changes[].witness'`,
		Args: cobra.MaximumNArgs(2),
	}
	fs := cmd.Flags()
	a.addSnapshotFlags(fs)
	fs.Lookup("snapshot").Usage = "file or directory that belongs to both sides (repeatable)"
	fs.StringArrayVar(&f.before, "old", nil, "file or directory of the old side (repeatable)")
	fs.StringArrayVar(&f.after, "new", nil, "file or directory of the new side (repeatable)")
	fs.BoolVar(&f.rules, "rules", false, "report flows that another rule decides now, too, though their access is the same")
	output := outputFlag(fs, "text", "json", "markdown", "parquet")
	f.quiet = progressFlag(fs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkFormat(*output, "text", "json", "markdown", "parquet"); err != nil {
			return err
		}
		if err := f.paths(args); err != nil {
			return err
		}
		before, err := a.loadSide(cmd.Context(), f.before)
		if err != nil {
			return err
		}
		after, err := a.loadSide(cmd.Context(), f.after)
		if err != nil {
			return err
		}
		return a.diff(cmd.Context(), before, after, &f, *output)
	}
	return cmd
}

// paths joins the arguments with --old and --new.
func (f *diffFlags) paths(args []string) error {
	if len(args) == 1 {
		return usagef("diff takes OLD and NEW, or --old and --new")
	}
	if len(args) == 2 {
		f.before = append(strings.Split(args[0], ","), f.before...)
		f.after = append(strings.Split(args[1], ","), f.after...)
	}
	for _, side := range [][]string{f.before, f.after} {
		if len(side) == 0 {
			return usagef("diff takes OLD and NEW: two snapshots, files or directories")
		}
		for _, path := range side {
			if path == "" {
				return usagef("diff: one of the paths is empty")
			}
		}
	}
	return nil
}

// loadSide reads one side, with what belongs to both.
func (a *app) loadSide(ctx context.Context, paths []string) (*ingest.Snapshot, error) {
	side := *a
	side.snapshot.paths = append(append([]string(nil), paths...), a.snapshot.paths...)
	s, err := side.load(ctx, 0)
	if err != nil {
		return nil, err
	}
	a.talk.diagnostics(s.Diagnostics)
	return s, nil
}

func (a *app) diff(ctx context.Context, before, after *ingest.Snapshot, f *diffFlags, output string) error {
	steps, stop := a.followSteps(*f.quiet)
	defer stop()
	r, err := diff.Run(ctx, before.Network, after.Network, diff.Options{Rules: f.rules, Progress: steps.begin("comparing NICs")})
	if err != nil {
		return err
	}
	stop()
	for i, note := range r.Notes {
		if i == shownDiagnostics {
			a.talk.infof("%d more notes like these", len(r.Notes)-i)
			break
		}
		a.talk.infof("%s", diag.Printable(note))
	}
	switch output {
	case "json":
		err = a.printJSON(diffOf(r))
	case "markdown":
		err = r.WriteMarkdown(a.stdout, 0)
	case "parquet":
		metadata := append(provenance(after), [2]string{"ipflow.snapshot.before.sha256", before.SHA256})
		err = rows.Parquet(a.stdout, slices.Values(diffRows(r)), version, metadata...)
	default:
		err = r.WriteText(a.stdout)
	}
	if err != nil {
		return fmt.Errorf("write diff: %w", err)
	}
	switch {
	case len(r.Changes)+len(r.OnlyOld)+len(r.OnlyNew) > 0:
		return &exitError{code: exitFindings}
	case r.Open():
		return &exitError{exitUndecided, usageless("no change is seen, but that is not proven: " + r.Summary())}
	}
	return nil
}

// The JSON form of a diff. Arrays are never null.
type diffJSON struct {
	Changes    []changeJSON `json:"changes"`
	OnlyBefore []string     `json:"onlyBefore"`
	OnlyAfter  []string     `json:"onlyAfter"`
	Undecided  []string     `json:"undecided"` // NICs with flows that are Unknown on both sides
	Unplaced   []string     `json:"unplaced"`  // groups that differ and stand at no NIC compared
}

type changeJSON struct {
	NICs      []string     `json:"nics"`
	Direction string       `json:"direction"`
	Before    decisionJSON `json:"before"`
	After     decisionJSON `json:"after"`
	Boxes     []boxJSON    `json:"boxes"`
	Witness   space.Flow   `json:"witness"`
}

// decisionJSON has Reason where the access is Unknown or its rule uncertain, and
// the place of the rule where it is on record.
type decisionJSON struct {
	Access string  `json:"access"`
	Rule   *string `json:"rule"`
	Reason string  `json:"reason,omitempty"`
	File   string  `json:"file,omitempty"`
	Line   int     `json:"line,omitempty"`
}

// at is the place of the rule as FILE:LINE.
func (d *decisionJSON) at() string {
	if d.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", d.File, d.Line)
}

func diffOf(r *diff.Report) diffJSON {
	out := diffJSON{Changes: []changeJSON{}, OnlyBefore: nicIDs(r.OnlyOld), OnlyAfter: nicIDs(r.OnlyNew), Undecided: nicIDs(r.Undecided), Unplaced: []string{}}
	for _, g := range r.Unplaced {
		out.Unplaced = append(out.Unplaced, g.ID)
	}
	for i := range r.Changes {
		c := &r.Changes[i]
		j := changeJSON{
			NICs: nicIDs(c.NICs), Direction: c.Direction.String(), Before: decisionOf(&c.Before), After: decisionOf(&c.After),
			Witness: flowOf(c.WitnessNIC, c.Witness),
		}
		for k := range c.Boxes {
			j.Boxes = append(j.Boxes, boxesOf(c.Boxes[k], c.After.Rule, c.After.Layer)...)
		}
		out.Changes = append(out.Changes, j)
	}
	return out
}

func nicIDs(list []*network.NIC) []string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = n.ID
	}
	return out
}

func decisionOf(d *diff.Decision) decisionJSON {
	j := decisionJSON{Access: d.Access.String(), Reason: d.Reason}
	if d.Rule != nil {
		j.Rule, j.File, j.Line = &d.Rule.ID, d.Rule.Origin.File, d.Rule.Origin.Line
	}
	return j
}

// diffRow is a row of the Parquet form: one box of one change; lists are joined
// by spaces.
type diffRow struct {
	Change       int32  `parquet:"change"` // boxes of one change have the same number, from 1
	Exposes      bool   `parquet:"exposes"`
	NICs         string `parquet:"nics"`
	Direction    string `parquet:"direction"`
	Before       string `parquet:"before_access"`
	BeforeRule   string `parquet:"before_rule,optional"`
	BeforeReason string `parquet:"before_reason,optional"`
	BeforeAt     string `parquet:"before_at,optional"` // FILE:LINE of the rule
	After        string `parquet:"after_access"`
	AfterRule    string `parquet:"after_rule,optional"`
	AfterReason  string `parquet:"after_reason,optional"`
	AfterAt      string `parquet:"after_at,optional"`
	Layer        string `parquet:"layer,optional"`
	Protocol     string `parquet:"protocol"`
	Local        string `parquet:"local"`
	LocalPorts   string `parquet:"local_ports"`
	Remote       string `parquet:"remote"`
	RemotePorts  string `parquet:"remote_ports"`
	// The witness of the change.
	WitnessNIC        string `parquet:"witness_nic"`
	WitnessProtocol   string `parquet:"witness_protocol"`
	WitnessLocalIP    string `parquet:"witness_local_ip"`
	WitnessLocalPort  string `parquet:"witness_local_port,optional"`
	WitnessRemoteIP   string `parquet:"witness_remote_ip"`
	WitnessRemotePort string `parquet:"witness_remote_port,optional"`
}

func diffRows(r *diff.Report) (out []diffRow) {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	join := func(list []string) string { return strings.Join(list, " ") }
	for i, c := range diffOf(r).Changes {
		w := flowCells(&c.Witness)
		row := diffRow{
			Change: int32(i + 1), Exposes: r.Changes[i].Exposes, NICs: join(c.NICs), Direction: c.Direction,
			Before: c.Before.Access, BeforeRule: text(c.Before.Rule), BeforeReason: c.Before.Reason, BeforeAt: c.Before.at(),
			After: c.After.Access, AfterRule: text(c.After.Rule), AfterReason: c.After.Reason, AfterAt: c.After.at(),
			WitnessNIC: w[0], WitnessProtocol: w[3], WitnessLocalIP: w[4], WitnessLocalPort: w[5], WitnessRemoteIP: w[6], WitnessRemotePort: w[7],
		}
		for _, b := range c.Boxes {
			row.Protocol, row.Layer = b.Protocol, text(b.Layer)
			row.Local, row.LocalPorts, row.Remote, row.RemotePorts = join(b.Local), join(b.LocalPorts), join(b.Remote), join(b.RemotePorts)
			out = append(out, row)
		}
	}
	return out
}
