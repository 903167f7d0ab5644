package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ipflow/ingest"
	"ipflow/ingest/diag"
	"ipflow/ingest/network"
)

func (a *app) inspectCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inspect",
		Short: "Show what was understood of a snapshot",
		Long: `Show what a snapshot holds: resources by type, every document with the kind it was
recognised as, faults of the input with file, line and JSON pointer, and the
facts that are missing with the number of NICs and rules each touches.`,
		Example: "  ipflow inspect -s export/\n  ipflow inspect -s export/ -o json | jq '.rules[] | select(.resolved|not)'",
		Args:    noArgs,
	}
	a.addSnapshotFlags(cmd.Flags())
	output := outputFlag(cmd.Flags(), "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkFormat(*output, "text", "json"); err != nil {
			return err
		}
		s, err := a.loadAny(cmd.Context(), 0)
		if err != nil {
			return err
		}
		if *output == "json" {
			return a.printJSON(inspection(s))
		}
		return inspectText(a.stdout, s)
	}
	return cmd
}

// inspectText prints the text form; names are made printable.
func inspectText(w io.Writer, s *ingest.Snapshot) error {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	p("Resources\n")
	for _, t := range slices.Sorted(maps.Keys(s.Counts)) {
		p("  %6d  %s\n", s.Counts[t], diag.Printable(t))
	}
	p("\nDocuments\n")
	for _, d := range s.Documents {
		p("  %-22s %6d  %s\n", d.Kind, d.Resources, diag.Printable(d.Path))
	}
	n := s.Network
	rules := 0
	for _, g := range n.SecurityGroups {
		rules += len(g.Rules)
	}
	p("\nModel\n  %d NICs, %d security groups with %d rules, %d virtual networks, %d subnets, %d route tables\n",
		len(n.NICs), len(n.SecurityGroups), rules, len(n.VirtualNetworks), len(n.Subnets), len(n.RouteTables))
	if admin := n.AdminRules(); len(admin) > 0 {
		p("  %d security admin rules that apply or may\n", len(admin))
	}
	if n.Tags != nil {
		p("  %d service tags from %s (change %s)\n", n.Tags.Len(), diag.Printable(n.Tags.Origin.File), diag.Printable(n.Tags.ChangeNumber))
	} else {
		p("  no service-tag file\n")
	}
	p("  Internet tag: %s\n", diag.Printable(n.Internet.Source))
	if facts := n.Facts(); len(facts) > 0 {
		p("\nMissing facts (NICs, rules that rest on each)\n")
		for _, f := range facts {
			p("  %6d %6d  %s\n", f.NICs, f.Rules, diag.Printable(f.Fact))
		}
	}
	if len(s.Diagnostics) > 0 {
		p("\nDiagnostics: %d errors, %d warnings, %d remarks\n",
			s.Diagnostics.Count(diag.Error), s.Diagnostics.Count(diag.Warning), s.Diagnostics.Count(diag.Info))
		for _, d := range s.Diagnostics {
			p("%s: %s\n", d.Severity, d)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// The JSON form of CONTRACT. Arrays are never null.
type inspectJSON struct {
	Documents   []documentJSON   `json:"documents"`
	Resources   map[string]int   `json:"resources"`
	NICs        []nicJSON        `json:"nics"`
	Rules       []ruleJSON       `json:"rules"`
	Facts       []factJSON       `json:"facts"`
	Diagnostics []diagnosticJSON `json:"diagnostics"`
}

type documentJSON struct {
	Path      string `json:"path"`
	Kind      string `json:"kind"`
	Resources int    `json:"resources"`
}

type nicJSON struct {
	ID        string   `json:"id"`
	VM        string   `json:"vm"`
	Subnet    string   `json:"subnet"`
	Addresses []string `json:"addresses"`
	NSG       string   `json:"nsg"`
	SubnetNSG string   `json:"subnetNsg"`
	ASGs      []string `json:"asgs"`
}

type ruleJSON struct {
	ID               string   `json:"id"`
	NSG              string   `json:"nsg"`
	Name             string   `json:"name"`
	Priority         any      `json:"priority"` // a number, or the text that could not be read
	Direction        string   `json:"direction"`
	Access           string   `json:"access"`
	Protocol         string   `json:"protocol"`
	Source           []string `json:"source"`
	SourcePorts      []string `json:"sourcePorts"`
	Destination      []string `json:"destination"`
	DestinationPorts []string `json:"destinationPorts"`
	File             string   `json:"file"`
	Line             int      `json:"line"`
	Pointer          string   `json:"pointer"`
	Resolved         bool     `json:"resolved"`
}

type factJSON struct {
	Fact  string `json:"fact"`
	NICs  int    `json:"nics"`
	Rules int    `json:"rules"`
}

type diagnosticJSON struct {
	Severity string `json:"severity"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Pointer  string `json:"pointer"`
	Code     string `json:"code"`
	Message  string `json:"message"`
}

func inspection(s *ingest.Snapshot) inspectJSON {
	out := inspectJSON{
		Documents: []documentJSON{}, Resources: s.Counts, NICs: []nicJSON{}, Rules: []ruleJSON{}, Facts: []factJSON{}, Diagnostics: []diagnosticJSON{},
	}
	for _, d := range s.Documents {
		out.Documents = append(out.Documents, documentJSON{d.Path, string(d.Kind), d.Resources})
	}
	for _, c := range s.Network.NICs {
		out.NICs = append(out.NICs, nicOf(c))
	}
	for _, g := range s.Network.SecurityGroups {
		for _, r := range g.Rules {
			out.Rules = append(out.Rules, ruleOf(r))
		}
	}
	for _, r := range s.Network.AdminRules() {
		out.Rules = append(out.Rules, ruleOf(r))
	}
	slices.SortStableFunc(out.Rules, func(a, b ruleJSON) int {
		return strings.Compare(network.Key(a.ID), network.Key(b.ID))
	})
	for _, f := range s.Network.Facts() {
		out.Facts = append(out.Facts, factJSON{f.Fact, f.NICs, f.Rules})
	}
	for _, d := range s.Diagnostics {
		out.Diagnostics = append(out.Diagnostics, diagnosticJSON{
			d.Severity.String(), d.Origin.File, d.Origin.Line, d.Origin.Column, d.Origin.Pointer, d.Code, d.Message,
		})
	}
	return out
}

func nicOf(c *network.NIC) nicJSON {
	j := nicJSON{ID: c.ID, VM: c.VMID, Subnet: c.SubnetID, NSG: c.Group.ID, Addresses: []string{}, ASGs: []string{}}
	if c.Subnet != nil {
		j.SubnetNSG = c.Subnet.Group.ID
	}
	for _, cfg := range c.IPConfigs {
		if cfg.Address.IsValid() {
			j.Addresses = append(j.Addresses, cfg.Address.String())
		}
		j.ASGs = append(j.ASGs, cfg.ASGs...)
	}
	slices.Sort(j.ASGs)
	j.ASGs = slices.Compact(j.ASGs)
	return j
}

func ruleOf(r *network.Rule) ruleJSON {
	texts := func(list []string) []string { return append([]string{}, list...) }
	j := ruleJSON{
		ID: r.ID, NSG: r.GroupID(), Name: r.Name, Priority: r.Priority, Direction: r.Text.Direction, Access: r.Text.Access, Protocol: r.Text.Protocol,
		Source: texts(r.Text.Source), SourcePorts: texts(r.Text.SourcePorts),
		Destination: texts(r.Text.Destination), DestinationPorts: texts(r.Text.DestinationPorts),
		File: r.Origin.File, Line: r.Origin.Line, Pointer: r.Origin.Pointer, Resolved: !r.Text.Unresolved,
	}
	if r.Priority == 0 && r.Text.Priority != "" {
		j.Priority = r.Text.Priority
	}
	return j
}
