package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ipflow/ingest/network"
)

func (a *app) assumptionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "assumptions",
		Short: "List the choices made where Azure's behaviour is not settled",
		Long: `List every named assumption with its values (the default first), what it means
and what is known about it. Change one with --assume NAME=VALUE.`,
		Example: "  ipflow assumptions\n  ipflow assumptions -o json",
		Args:    noArgs,
	}
	output := outputFlag(cmd.Flags(), "text", "json")
	cmd.RunE = func(*cobra.Command, []string) error {
		if err := checkFormat(*output, "text", "json"); err != nil {
			return err
		}
		if *output == "json" {
			return a.printAssumptionsJSON()
		}
		for _, as := range network.AllAssumptions() {
			fmt.Fprintf(a.stdout, "%s=%s\n    values: %s\n    %s\n    known:  %s\n", as.Name, as.Values[0], strings.Join(as.Values, " | "), as.Meaning, as.Source)
		}
		return nil
	}
	return cmd
}

func (a *app) printAssumptionsJSON() error {
	type row struct {
		Name    string   `json:"name"`
		Default string   `json:"default"`
		Values  []string `json:"values"`
		Meaning string   `json:"meaning"`
		Source  string   `json:"source"`
	}
	var rows []row
	for _, as := range network.AllAssumptions() {
		rows = append(rows, row{as.Name, as.Values[0], as.Values, as.Meaning, as.Source})
	}
	return a.printJSON(rows)
}

// printJSON writes a value as indented JSON, not escaping <, > and &.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
