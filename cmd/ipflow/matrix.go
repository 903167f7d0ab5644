package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ipflow/index"
	"ipflow/ingest"
	"ipflow/ingest/diag"
	"ipflow/report/rows"
	"ipflow/verify/reach"
)

func (a *app) matrixCommand() *cobra.Command {
	var zones string
	cmd := &cobra.Command{
		Use:   "matrix",
		Short: "Print which services each zone may use at each other",
		Long: `Print the services (protocols and ports) that each zone may use at each other:
those that the rules of both ends allow, exactly. A service is allowed between
every pair of endpoints of the two zones or between some; cells in which nothing
is allowed or Unknown are left out.

Zones are the subnets, vnets or asgs of the snapshot, its service tags and
Internet beside the vnets (tags), or those of a file: a line NAME = SELECTOR,
SELECTOR … each, with the selectors of 'ipflow reach'. Of a zone that is not made
of NICs only the other end is asked.`,
		Example: `  ipflow matrix -s export/ -o markdown
  ipflow matrix -s export/ --zones vnets -o csv > matrix.csv
  ipflow matrix -s export/ --zones zones.txt -o json | jq '.cells[] | select(.from=="dmz")'`,
		Args: noArgs,
	}
	fs := cmd.Flags()
	a.addSnapshotFlags(fs)
	fs.StringVar(&zones, "zones", "subnets", strings.Join(reach.ZoneKinds, ", ")+" or a file of zones")
	formats := []string{"markdown", "json", "csv", "parquet"}
	output := outputFlag(fs, formats...)
	quiet := progressFlag(fs)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkFormat(*output, formats...); err != nil {
			return err
		}
		s, err := a.load(cmd.Context(), 0)
		if err != nil {
			return err
		}
		a.talk.diagnostics(s.Diagnostics)
		return a.matrix(cmd.Context(), s, zones, *output, *quiet)
	}
	return cmd
}

// maxZones bounds a zone file.
const maxZones = 64 << 20

func (a *app) matrix(ctx context.Context, s *ingest.Snapshot, from, output string, quiet bool) error {
	zones, err := a.zones(s, from)
	if err != nil {
		return err
	}
	if len(zones) == 0 {
		return usagef("--zones %s: the snapshot has none", from)
	}
	steps, stop := a.followSteps(quiet)
	defer stop()
	steps.begin("compiling rules")
	ix, err := index.Compile(ctx, s.Network, index.Options{FuseAfter: index.AtOnce})
	if err != nil {
		return err
	}
	m, err := reach.New(s.Network, ix).MatrixContext(ctx, zones, steps.begin("reading zones"))
	if err != nil {
		return err
	}
	cells, err := m.All(ctx, steps.begin("comparing zones"))
	if err != nil {
		return err
	}
	stop()
	for _, n := range m.Notes {
		a.talk.infof("%s", diag.Printable(n))
	}
	a.zoneDoubts(zones)
	switch output {
	case "json":
		return m.WriteJSON(a.stdout, cells)
	case "csv":
		return rows.CSV(a.stdout, m.Rows(cells))
	case "parquet":
		return rows.Parquet(a.stdout, m.Rows(cells), version, provenance(s)...)
	}
	return m.WriteMarkdown(a.stdout, cells)
}

// zoneDoubts says that zones may hold more than the snapshot shows.
func (a *app) zoneDoubts(zones []reach.Zone) {
	var facts []string
	doubtful := 0
	for i := range zones {
		before := len(facts)
		for j := range zones[i].Ends {
			facts = append(facts, zones[i].Ends[j].Doubts...)
		}
		if len(facts) > before {
			doubtful++
		}
	}
	slices.Sort(facts)
	if facts = slices.Compact(facts); len(facts) > 0 {
		a.talk.infof("%s", diag.Printable(fmt.Sprintf("%d of %d zones may hold more than the snapshot shows: %s", doubtful, len(zones), fewFacts(facts))))
	}
}

// zones reads --zones.
func (a *app) zones(s *ingest.Snapshot, from string) ([]reach.Zone, error) {
	if slices.Contains(reach.ZoneKinds, from) {
		return reach.ZonesBy(s.Network, from), nil
	}
	file, err := os.Open(from)
	if err != nil {
		return nil, usagef("--zones takes %s or a file: %w", strings.Join(reach.ZoneKinds, ", "), err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxZones+1))
	if err != nil {
		return nil, inputError(err)
	}
	if len(text) > maxZones {
		return nil, inputError(usageless("--zones: " + from + " is larger than 64 MiB"))
	}
	zones, faults := reach.ParseZones(s.Network, from, text)
	if len(faults) > 0 {
		for _, f := range faults {
			a.talk.errorf("%s", diag.Printable(f.Error()))
		}
		return nil, inputError(errors.New("read zones: " + from + " cannot be used"))
	}
	return zones, nil
}
