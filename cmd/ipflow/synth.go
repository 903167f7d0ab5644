package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"ipflow/benchmarks/corpus"
	"ipflow/report/outfile"
)

func (a *app) synthCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "synth",
		Short: "Make up an estate, or flows for any snapshot, from a seed",
		Long: `Make up data to try ipflow with: an Azure estate of any size, written as exports of
the REST API, and flows drawn for the NICs and rules of any snapshot, your own
included. The same flags give the same bytes.`,
		Example: `  ipflow synth estate --out estate --nics 2000
  ipflow synth flows -s estate --out flows.parquet --rows 10000000
  ipflow synth list --out list --kind fw --rules 1000
  ipflow verify -s estate --flows flows.parquet -o results.parquet`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.synthEstateCommand(), a.synthFlowsCommand(), a.synthListCommand())
	return cmd
}

func (a *app) synthEstateCommand() *cobra.Command {
	var o corpus.Options
	var out, rules string
	var force bool
	cmd := &cobra.Command{
		Use:   "estate",
		Short: "Make up an estate and write its exports into a directory",
		Long: `Write the exports of a made-up estate: a hub and spokes of virtual networks, NICs
with one or two addresses, a security group at every subnet and every NIC,
application security groups, route tables and 3,000 service tags.

--rules says how many custom rules the groups have: RULES:WEIGHT,… where of the
sum of the weights that many groups have so many rules.`,
		Example: `  ipflow synth estate --out estate --nics 2000
  ipflow synth estate --out estate --nics 500 --nsgs 60 --subnets 40 --rules 50:36,200:18,1000:6 --tags 0.08 --ipv6 0.5 --seed 1
  ipflow synth estate --out large --nics 50000 --nsgs 5000 --rules 100`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "directory to write; it must be empty or new")
	f.IntVar(&o.NICs, "nics", 500, "network interfaces")
	f.IntVar(&o.NSGs, "nsgs", 0, "security groups (default: 12 per 100 NICs)")
	f.IntVar(&o.Subnets, "subnets", 0, "subnets (default: 8 per 100 NICs)")
	f.IntVar(&o.ASGs, "asgs", 0, "application security groups (default: one per 20 NICs)")
	f.StringVar(&rules, "rules", "50:36,200:18,1000:6", "custom rules of the security groups: RULES:WEIGHT,…")
	f.Float64Var(&o.Tags, "tags", 0.08, "share of rules whose remote side is a service tag, 0-0.6")
	f.Float64Var(&o.IPv6, "ipv6", 0, "share of NICs with an IPv6 address too, 0-1")
	f.Uint64Var(&o.Seed, "seed", 1, "another seed makes another estate")
	f.BoolVar(&force, "force", false, "write into a directory that is not empty; files of the same names are replaced")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if out == "" {
			return usagef("no directory: name it with --out DIR")
		}
		var err error
		if o.Rules, err = corpus.ParseRules(rules); err != nil {
			return usagef("--rules: %w", err)
		}
		e, err := corpus.New(o)
		if err != nil {
			return usagef("synth estate: %w", err)
		}
		return a.writeEstate(cmd.Context(), e.Files(), out, force)
	}
	return cmd
}

func (a *app) synthListCommand() *cobra.Command {
	var out, kind string
	var rules, packets int
	var seed uint64
	var force bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Make up one long rule list, after ClassBench, and a trace for it",
		Long: `Write the exports of one NIC that forwards for others, as a firewall does, with a
security group whose inbound rules are a list in the manner of ClassBench: 'acl',
access lists with few wild sources and open source ports, or 'fw', firewalls with
many wild addresses and ranges on both ports. The lists are like ClassBench's in
their shares, they are not its output.

Beside them trace.csv holds flows to 16 hosts behind the NIC, nine in ten inside a
random rule about the host.`,
		Example: `  ipflow synth list --out list --kind fw --rules 1000
  ipflow verify -s list --flows list/trace.csv -o results.parquet`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "directory to write; it must be empty or new")
	f.StringVar(&kind, "kind", "acl", "acl or fw")
	f.IntVar(&rules, "rules", 1000, "rules of the list, 1-1000")
	f.IntVar(&packets, "packets", 100_000, "packets of the trace")
	f.Uint64Var(&seed, "seed", 1, "another seed makes another list")
	f.BoolVar(&force, "force", false, "write into a directory that is not empty; files of the same names are replaced")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if out == "" {
			return usagef("no directory: name it with --out DIR")
		}
		if packets < 0 {
			return usagef("--packets takes 0 or more, not %d", packets)
		}
		k, err := corpus.ParseListKind(kind)
		if err != nil {
			return usagef("--kind: %w", err)
		}
		e, err := corpus.NewListEstate(k, rules, seed)
		if err != nil {
			return usagef("synth list: %w", err)
		}
		return a.writeEstate(cmd.Context(), append(e.Files(), e.TraceFile(packets)), out, force)
	}
	return cmd
}

// writeEstate writes every file under a hidden name beside its place and makes
// all appear at the end.
func (a *app) writeEstate(ctx context.Context, list []corpus.File, dir string, force bool) (err error) {
	made, err := claimDir(dir, force)
	if err != nil {
		return err
	}
	var files []*outfile.File
	defer func() {
		for _, f := range files {
			f.Abort()
		}
		if err != nil && made {
			os.Remove(dir) // stays if someone else has put a file there
		}
	}()
	start, done := time.Now(), atomic.Int64{}
	stop := a.every(func() string { return size(done.Load()) + " written" })
	defer stop()
	for _, f := range list {
		out, err := outfile.Create(filepath.Join(dir, f.Name))
		if err != nil {
			return inputError(err)
		}
		files = append(files, out)
		if err := f.Write(&meter{ctx, out, &done}); err != nil {
			return outputError(ctx, err)
		}
	}
	for _, out := range files {
		if err := out.Commit(); err != nil {
			return inputError(err)
		}
	}
	a.talk.infof("%d files, %s written to %s in %s", len(files), size(done.Load()), dir, seconds(time.Since(start)))
	return nil
}

// claimDir makes the directory or sees to it that it may be written to; made is
// true when it was not there.
func claimDir(dir string, force bool) (made bool, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err := os.Mkdir(dir, 0o755)
		if errors.Is(err, fs.ErrNotExist) {
			return false, inputError(fmt.Errorf("write estate: directory %s does not exist: create it first", filepath.Dir(filepath.Clean(dir))))
		}
		if err != nil {
			return false, inputError(fmt.Errorf("write estate: %w", err))
		}
		return true, nil
	case err != nil:
		return false, inputError(fmt.Errorf("write estate: %w", err))
	case len(entries) > 0 && !force:
		return false, usagef("--out %s: the directory holds %s already; name an empty one, or give --force to write beside it", dir, entries[0].Name())
	}
	return false, nil
}

type synthFlows struct {
	options                  corpus.FlowOptions
	file                     corpus.FileOptions
	out, mix, order, address string
	noProgress               bool
}

func (a *app) synthFlowsCommand() *cobra.Command {
	var f synthFlows
	cmd := &cobra.Command{
		Use:   "flows",
		Short: "Make up flows for the NICs and rules of a snapshot",
		Long: `Write flows for the NICs of a snapshot, an estate of 'synth estate' or your own.

Mixes: flow, traffic as flow logs show it (every NIC has a pool of endpoints, most
of them allowed or denied by a rule of its own); uniform, evenly drawn addresses
and ports; adversarial, every row a fresh point inside a random rule of the NIC.

The NIC of a row is drawn evenly, or with --nic-order zipf (the default of the mix
flow) so that few NICs have most of the rows.`,
		Example: `  ipflow synth flows -s estate --out flows.parquet --rows 10000000
  ipflow synth flows -s estate --out flows.csv --rows 100000 --mix adversarial --ipv6 0.3
  ipflow synth flows -s export/ --out flows.parquet --rows 1000000 --seed 2 --faults 0.001 --codec snappy`,
		Args: cobra.NoArgs,
	}
	fs := cmd.Flags()
	a.addSnapshotFlags(fs)
	fs.StringVar(&f.out, "out", "", "file to write, - for stdout")
	fs.Int64Var(&f.options.Rows, "rows", 1_000_000, "rows to draw")
	fs.StringVar(&f.mix, "mix", "flow", "flow, uniform or adversarial")
	fs.Float64Var(&f.options.IPv6, "ipv6", 0, "share of rows between IPv6 addresses, 0-1")
	fs.Uint64Var(&f.options.Seed, "seed", 1, "another seed makes other flows")
	fs.StringVar(&f.order, "nic-order", "", "zipf or random (default: zipf for the mix flow, else random)")
	fs.Float64Var(&f.options.Faults, "faults", 0, "share of rows with a fault: unknown NIC, bad protocol, bad address …")
	fs.StringVar(&f.file.Format, "format", "", "parquet, csv, jsonl, arrow or arrows (default: by the file's extension)")
	fs.StringVar(&f.file.Codec, "codec", "zstd", "Parquet compression: zstd, snappy or none")
	fs.IntVar(&f.file.RowGroup, "row-group", 1<<20, "rows of a Parquet row group, rounded up to 65,536")
	fs.StringVar(&f.address, "addresses", "text", "form of the address columns in Parquet and Arrow: text, uint32 or binary")
	fs.IntVar(&f.file.Workers, "workers", 0, "goroutines that draw rows (default: one per core)")
	fs.BoolVar(&f.noProgress, "no-progress", false, "no progress on stderr")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.complete(); err != nil {
			return err
		}
		s, err := a.load(cmd.Context(), f.file.Workers)
		if err != nil {
			return err
		}
		a.talk.diagnostics(s.Diagnostics)
		flows, err := corpus.NewFlows(s.Network, f.options)
		if err != nil {
			return usagef("synth flows: %w", err)
		}
		return a.writeFlows(cmd.Context(), &f, flows)
	}
	return cmd
}

// complete reads the flags that are words.
func (f *synthFlows) complete() (err error) {
	if f.out == "" {
		return usagef("no output: name it with --out FILE (- for stdout)")
	}
	if f.options.Mix, err = corpus.ParseMix(f.mix); err != nil {
		return usagef("--mix: %w", err)
	}
	if f.options.Addresses, err = corpus.ParseAddresses(f.address); err != nil {
		return usagef("--addresses: %w", err)
	}
	switch f.order {
	case "":
		f.options.Zipf = f.options.Mix == corpus.FlowLike
	case "zipf", "random":
		f.options.Zipf = f.order == "zipf"
	default:
		return usagef("--nic-order takes zipf or random, not %q", f.order)
	}
	if f.file.Workers < 0 {
		return usagef("--workers takes a positive number, not %d", f.file.Workers)
	}
	if f.file.Format == "" {
		if f.file.Format, err = formatByName(f.out); err != nil {
			return err
		}
	}
	if f.out == "-" && (f.file.Format == "parquet" || f.file.Format == "arrow") {
		return usagef("standard output takes csv, jsonl or arrows, not %s", f.file.Format)
	}
	if err := f.file.Validate(f.options.Addresses); err != nil {
		return usagef("synth flows: %w", err)
	}
	return nil
}

func formatByName(path string) (string, error) {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".parquet", ".csv", ".jsonl", ".arrow", ".arrows":
		return ext[1:], nil
	case ".ndjson":
		return "jsonl", nil
	}
	if path == "-" {
		return "", usagef("standard output needs --format csv, jsonl or arrows")
	}
	return "", usagef("--out %s: its extension names no format; end it in .parquet, .csv, .jsonl, .arrow or .arrows, or give --format", path)
}

func (a *app) writeFlows(ctx context.Context, f *synthFlows, flows *corpus.Flows) error {
	out := outfile.Through(a.stdout)
	if f.out != "-" {
		var err error
		if out, err = outfile.Create(f.out); err != nil {
			return inputError(err)
		}
	}
	defer out.Abort()
	var rows, bytes atomic.Int64
	f.file.Progress = rows.Store
	start, stop := time.Now(), func() {}
	if !f.noProgress {
		stop = a.every(func() string {
			return fmt.Sprintf("%s of %s rows written", thousands(rows.Load()), thousands(f.options.Rows))
		})
	}
	err := flows.Write(ctx, &meter{ctx, out, &bytes}, f.file)
	stop()
	if err != nil {
		return outputError(ctx, err)
	}
	if err := out.Commit(); err != nil {
		return inputError(err)
	}
	elapsed := time.Since(start)
	a.talk.line("info", fmt.Sprintf("%s rows, %s in %s, %s rows/s", thousands(f.options.Rows), size(bytes.Load()), seconds(elapsed),
		thousands(int64(float64(f.options.Rows)/max(elapsed.Seconds(), 1e-9)))),
		map[string]any{"rows": f.options.Rows, "bytes": bytes.Load(), "seconds": elapsed.Seconds()})
	return nil
}

func outputError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return inputError(err)
}

// meter counts what passes and ends with the context.
type meter struct {
	ctx context.Context
	w   io.Writer
	n   *atomic.Int64
}

func (m *meter) Write(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.w.Write(p)
	m.n.Add(int64(n))
	return n, err
}

// every says how far long work is, now and then, until it is stopped.
func (a *app) every(text func() string) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				a.talk.infof("%s", text())
			}
		}
	}()
	return func() { close(done); <-ended }
}
