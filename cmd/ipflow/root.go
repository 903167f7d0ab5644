package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ipflow/ingest"
	"ipflow/ingest/network"
)

// app is what the commands share.
type app struct {
	stdin     io.Reader
	stdout    io.Writer
	talk      *talker
	pace      *pace
	logFormat string
	snapshot  snapshotFlags
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "ipflow",
		Short: "Azure IP flow verify for a whole estate, offline",
		Long: `ipflow reads an Azure network from files (exports of az, the portal, Resource
Graph or PowerShell) and answers whether flows may pass and which security rule
says so: one flow at a time, or millions from a file.

What the files do not say makes an answer Unknown, never a guess.`,
		Example: `  ipflow check -s export/ --nic web-nic --direction Inbound --protocol TCP --local 10.0.0.4:443 --remote 203.0.113.9:50000
  ipflow verify -s export/ --flows flows.csv -o results.parquet
  ipflow inspect -s export/`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			switch a.logFormat {
			case "text":
			case "json":
				a.talk.json = true
			default:
				return usagef("--log-format takes text or json, not %q", a.logFormat)
			}
			return nil
		},
	}
	root.PersistentFlags().StringVar(&a.logFormat, "log-format", "text", "how messages on stderr are written: text or json")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; '%s --help' lists the flags", err, cmd.CommandPath())
	})
	root.AddCommand(a.checkCommand(), a.diagnoseCommand(), a.effectiveCommand(), a.inspectCommand(), a.verifyCommand(),
		a.lintCommand(), a.diffCommand(), a.testCommand(), a.auditCommand(),
		a.reachCommand(), a.matrixCommand(), a.assumptionsCommand(), a.synthCommand(), a.versionCommand(), a.manCommand())
	return root
}

// snapshotFlags are the flags of every command that reads a snapshot.
type snapshotFlags struct {
	paths            []string
	serviceTags      []string
	assume           []string
	internetPrefixes string
	deployment       deploymentFlags
}

func (a *app) addSnapshotFlags(f *pflag.FlagSet) {
	f.StringArrayVarP(&a.snapshot.paths, "snapshot", "s", nil, "file, directory or - with exported JSON (repeatable)")
	f.StringArrayVar(&a.snapshot.serviceTags, "service-tags", nil, "service-tag file that replaces those of the snapshot (repeatable)")
	f.StringArrayVar(&a.snapshot.assume, "assume", nil, "choose where Azure's behaviour is not settled: NAME=VALUE (repeatable; see 'ipflow assumptions')")
	f.StringVar(&a.snapshot.internetPrefixes, "internet-prefixes", "", "file with the prefixes of the Internet tag, in place of the newest recorded list")
	a.snapshot.deployment.add(f)
}

func (f *snapshotFlags) assumptions() (network.Assumptions, error) {
	var as network.Assumptions
	for _, text := range f.assume {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return as, usagef("--assume takes NAME=VALUE, not %q", text)
		}
		if err := as.Set(name, value); err != nil {
			return as, usagef("--assume: %w", err)
		}
	}
	return as, nil
}

// load reads the snapshot for a question. A document that cannot be read at all
// ends it: what the document held, an ASG member or an admin rule, may change
// any answer.
func (a *app) load(ctx context.Context, workers int) (*ingest.Snapshot, error) {
	s, err := a.loadAny(ctx, workers)
	if err != nil || len(s.Unreadable) == 0 {
		return s, err
	}
	for _, d := range s.Unreadable {
		a.talk.errorf("%s", d)
	}
	return nil, inputError(fmt.Errorf("read snapshot: %d of its files cannot be read, so nothing was answered; mend them or move them away ('ipflow inspect' shows all)", len(s.Unreadable)))
}

// loadAny reads the snapshot; the faults it reports are left to the caller.
func (a *app) loadAny(ctx context.Context, workers int) (*ingest.Snapshot, error) {
	if len(a.snapshot.paths) == 0 {
		return nil, usagef("no snapshot: name exported files or directories with -s PATH")
	}
	as, err := a.snapshot.assumptions()
	if err != nil {
		return nil, err
	}
	d, err := a.snapshot.deployment.deployment()
	if err != nil {
		return nil, err
	}
	a.pace.start()
	s, err := ingest.Load(ctx, ingest.Options{
		Deployment: d,
		Paths:      a.snapshot.paths, ServiceTags: a.snapshot.serviceTags, InternetPrefixes: a.snapshot.internetPrefixes,
		Assumptions: as, Stdin: a.stdin, Workers: workers,
	})
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return nil, err
		}
		return nil, inputError(err)
	}
	return s, nil
}

// outputFlag adds -o with the formats a command prints; the first is the default.
func outputFlag(f *pflag.FlagSet, formats ...string) *string {
	return f.StringP("output", "o", formats[0], "output format: "+strings.Join(formats, " or "))
}

func checkFormat(got string, formats ...string) error {
	for _, f := range formats {
		if got == f {
			return nil
		}
	}
	return usagef("-o takes %s, not %q", strings.Join(formats, " or "), got)
}

// noArgs refuses arguments that are no flags.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q; '%s --help' shows how it is used", args[0], cmd.CommandPath())
	}
	return nil
}
