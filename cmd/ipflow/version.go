package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// version is set at link time for releases (-X main.version=…).
var version = "0.1.0-dev"

func (a *app) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  ipflow version -o json",
		Args:    noArgs,
	}
	output := outputFlag(cmd.Flags(), "text", "json")
	cmd.RunE = func(*cobra.Command, []string) error {
		if err := checkFormat(*output, "text", "json"); err != nil {
			return err
		}
		revision := ""
		if info, ok := debug.ReadBuildInfo(); ok {
			for _, s := range info.Settings {
				if s.Key == "vcs.revision" {
					revision = s.Value
				}
			}
		}
		if *output == "json" {
			return a.printJSON(map[string]string{
				"version": version, "revision": revision, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
			})
		}
		fmt.Fprintf(a.stdout, "ipflow %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return nil
	}
	return cmd
}

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIRECTORY",
		Short:   "Write man pages, one per command, into a directory",
		Example: "  ipflow man /usr/local/share/man/man1",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			header := &doc.GenManHeader{Title: "IPFLOW", Section: "1", Source: "ipflow " + version}
			if err := doc.GenManTree(cmd.Root(), header, args[0]); err != nil {
				return inputError(fmt.Errorf("write man pages: %w", err))
			}
			return nil
		},
	}
}
