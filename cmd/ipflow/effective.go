package main

import (
	"net/netip"

	"github.com/spf13/cobra"

	"ipflow/ingest/diag"
	"ipflow/verify"
	"ipflow/verify/effective"
)

func (a *app) effectiveCommand() *cobra.Command {
	var nic string
	cmd := &cobra.Command{
		Use:   "effective",
		Short: "Print the effective rules of a NIC, as 'az network nic list-effective-nsg'",
		Long: `Print the security groups that apply to a NIC with their rules in the shape of
Azure's effective-rules API: normalised, tags expanded as this NIC sees them.`,
		Example: "  ipflow effective -s export/ --nic web-nic | jq '.value[].effectiveSecurityRules[].name'",
		Args:    noArgs,
	}
	a.addSnapshotFlags(cmd.Flags())
	cmd.Flags().StringVar(&nic, "nic", "", "network interface, by name or id")
	output := outputFlag(cmd.Flags(), "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkFormat(*output, "json"); err != nil {
			return err
		}
		if nic == "" {
			return usagef("name the network interface with --nic")
		}
		s, err := a.load(cmd.Context(), 0)
		if err != nil {
			return err
		}
		a.talk.diagnostics(s.Diagnostics)
		f := checkFlags{nic: nic}
		c, fault := verify.Find(s.Network, nic, "", netip.Addr{})
		if fault == verify.LocalIPNotOnNIC && c != nil {
			fault = verify.NoFault // no address was asked about
		}
		if _, err := f.accept(s.Network, c, fault, netip.Addr{}); err != nil {
			return err
		}
		answer, notes := effective.Of(s.Network, c)
		for _, n := range notes {
			a.talk.infof("%s", diag.Printable(n))
		}
		a.talk.infof("%s", effective.Sources(c))
		return a.printJSON(answer)
	}
	return cmd
}
