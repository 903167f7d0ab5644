package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ipflow/ingest"
	"ipflow/ingest/diag"
	"ipflow/ingest/flowfile"
	"ipflow/report"
	"ipflow/verify"
	"ipflow/verify/oracle"
)

type verifyFlags struct {
	flows       []string
	flowsFormat string
	out, format string
	codec       string
	maps        []string
	keep        string
	workers     int
	memory      string
	engine      string
	compile     string
	noProgress  bool
	profile     string
	failOn      failOn
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [flags] [PROFILE]",
		Short: "Answer a file of flows: one output row per input row",
		Long: `Answer every flow of one or more files and write the kept input columns with the
verdict beside them: access, rule, rule_id, priority, layer, group_id,
admin_rule, subnet_rule, nic_rule, reason, error. Rows that cannot be asked
become rows with an error; no row is lost.

Flow columns are nic, vm (optional), direction, protocol, local_ip, local_port,
remote_ip, remote_port; --map gives them other names. Parquet, Arrow IPC, CSV,
TSV and JSONL are read (text also as .gz or .zst).

Files with src_ip, src_port, dst_ip, dst_port and protocol instead, and none of
direction, local_* and remote_*, are asked at both ends, outbound at the NIC that
owns src_ip and inbound at the one that owns dst_ip. Each end gets columns too:
source_access, source_rule, source_reason, and the same of the destination.`,
		Example: `  ipflow verify -s export/ --flows flows.csv -o results.parquet
  ipflow verify -s export/ --flows 'flows-*.parquet' -o results.parquet --keep flow_id --fail-on unknown,error
  ipflow verify -s export/ --flows log.csv --map nic=NicId --map remote_ip=SrcIP -o - --format csv | head`,
		Args: cobra.MaximumNArgs(1),
	}
	fs := cmd.Flags()
	a.addSnapshotFlags(fs)
	fs.StringArrayVar(&f.flows, "flows", nil, "flow file, glob or - (repeatable)")
	fs.StringVar(&f.flowsFormat, "flows-format", "", "parquet, csv, tsv, jsonl or arrow (default: by the file's extension)")
	fs.StringVarP(&f.out, "output", "o", "", "file to write, DIRECTORY/ for part files, or - for stdout")
	fs.StringVar(&f.format, "format", "", "parquet, csv, jsonl or arrow (default: by OUT's extension, else parquet)")
	fs.StringVar(&f.codec, "codec", "", "Parquet compression: zstd, snappy or none (default zstd, and columns copied from Parquet keep theirs)")
	fs.StringArrayVar(&f.maps, "map", nil, "name of a flow column in the files: COLUMN=NAME (repeatable)")
	fs.StringVar(&f.keep, "keep", "all", "input columns to carry over: all, none or COL,…")
	fs.IntVar(&f.workers, "workers", 0, "goroutines that classify and encode (default: one per core)")
	fs.StringVar(&f.memory, "memory", "", "memory to stay within, for example 512MiB; smaller windows are used")
	fs.StringVar(&f.engine, "engine", "index", "index, or oracle: the slow walk through the rules that judges the index")
	fs.StringVar(&f.compile, "compile", "auto", "when rules are compiled: all before the first flow, asked as flows ask for NICs, or auto: all for up to 4,096 classifiers (a NIC has one for each address and direction, which others may share)")
	fs.BoolVar(&f.noProgress, "no-progress", false, "no progress on stderr")
	fs.StringVar(&f.profile, "profile", "", "write a cpu, mem or trace profile of the run to the file PROFILE, for 'go tool pprof' or 'go tool trace'")
	f.failOn.add(fs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		stop, err := startProfile(f.profile, strings.Join(args, ""))
		if err != nil {
			return err
		}
		err = a.verify(cmd.Context(), &f)
		return errors.Join(err, stop())
	}
	return cmd
}

func (f *verifyFlags) validate() (flowfile.Options, error) {
	var o flowfile.Options
	_, known := compileWhen[f.compile]
	switch {
	case len(f.flows) == 0:
		return o, usagef("no flows: name files with --flows FILE")
	case f.out == "":
		return o, usagef("no output: name it with -o OUT (- for stdout)")
	case f.engine != "index" && f.engine != "oracle":
		return o, usagef("--engine takes index or oracle, not %q", f.engine)
	case !known:
		return o, usagef("--compile takes auto, all or asked, not %q", f.compile)
	case f.engine == "oracle" && f.compile != "auto":
		return o, usagef("--compile %s is for --engine index: the oracle compiles nothing", f.compile)
	case f.workers < 0:
		return o, usagef("--workers takes a positive number, not %d", f.workers)
	}
	if err := f.failOn.validate(); err != nil {
		return o, err
	}
	if err := f.distinctFiles(); err != nil {
		return o, err
	}
	o.Format = f.flowsFormat
	o.Map = map[string]string{}
	for _, m := range f.maps {
		name, in, ok := strings.Cut(m, "=")
		name = strings.ToLower(name)
		if !ok || in == "" || !slices.Contains(flowfile.FlowColumns(), name) {
			return o, usagef("--map takes COLUMN=NAME with COLUMN one of %s, not %q", strings.Join(flowfile.FlowColumns(), ", "), m)
		}
		o.Map[name] = in
	}
	var err error
	if o.Keep, err = flowfile.ParseKeep(f.keep); err != nil {
		return o, usagef("--keep: %w", err)
	}
	if f.memory != "" {
		limit, err := parseSize(f.memory)
		if err != nil {
			return o, err
		}
		debug.SetMemoryLimit(limit)
		o.WindowRows = windowFor(limit)
	}
	return o, nil
}

// distinctFiles refuses an output that is one of the inputs.
func (f *verifyFlags) distinctFiles() error {
	out, err := os.Stat(f.out)
	if err != nil || out.IsDir() {
		return nil
	}
	for _, in := range f.flows {
		if file, err := os.Stat(in); err == nil && os.SameFile(out, file) && out.Mode().IsRegular() {
			return usagef("-o %s is one of the flow files; name another file", f.out)
		}
	}
	return nil
}

// minMemory is the least --memory that leaves room for two windows.
const minMemory = 64 << 20

// windowFor sizes the windows so that a handful of them, at about 1 KiB a row
// with their output, stay within half of the limit.
func windowFor(limit int64) int {
	return int(max(4096, min(1<<17, limit/2/8/1024)))
}

// parseSize reads 512MiB, 2GB, 1G or a number of bytes.
func parseSize(text string) (int64, error) {
	units := []struct {
		suffix string
		factor float64
	}{{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"b", 1}, {"", 1}}
	t := strings.ToLower(strings.TrimSpace(text))
	for _, u := range units {
		number, ok := strings.CutSuffix(t, u.suffix)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(v*u.factor >= minMemory && v*u.factor < 1<<60) {
			break
		}
		return int64(v * u.factor), nil
	}
	return 0, usagef("--memory takes a size of at least 64MiB, for example 512MiB or 2GB, not %q", text)
}

func (a *app) verify(ctx context.Context, f *verifyFlags) error {
	options, err := f.validate()
	if err != nil {
		return err
	}
	if slices.Contains(f.flows, "-") && slices.Contains(a.snapshot.paths, "-") {
		return usagef("-s - and --flows - both name stdin; give one of them a file")
	}
	options.Stdin = a.stdin
	options.PortNumbers = report.Output{Path: f.out, Format: f.format}.Typed()
	flows, err := flowfile.Open(ctx, f.flows, options)
	if err != nil {
		return flowsError(err)
	}
	defer flows.Close()
	for _, h := range flows.Hints() {
		a.talk.warnf("%s", diag.Printable(h))
	}
	schema := flows.Schema()
	fields := report.Fields(schema)
	if err := (report.Output{Path: f.out, Format: f.format, Codec: f.codec, Ends: schema.Ends}).Validate(fields); err != nil {
		return usagef("%w", err)
	}
	s, err := a.load(ctx, f.workers)
	if err != nil {
		return err
	}
	a.talk.diagnostics(s.Diagnostics)
	cfg := verify.Config{Network: s.Network, Ends: schema.Ends, Workers: f.workers}
	if f.engine == "oracle" {
		cfg.Judge = oracle.New(s.Network)
	} else if cfg.Index, err = a.compile(ctx, s, f); err != nil {
		return err
	}
	sink, err := report.Open(a.output(f, s, schema.Ends), fields)
	if err != nil {
		if report.IsUsage(err) {
			return usagef("%w", err)
		}
		return inputError(err)
	}
	return a.answer(ctx, f, cfg, flows, sink)
}

// flowsError tells a request that cannot be met from a file that cannot be read.
func flowsError(err error) error {
	var usage *flowfile.UsageError
	if errors.As(err, &usage) {
		return usagef("%w", err)
	}
	return inputError(err)
}

// output describes the file to write, with the metadata that reviewers need.
func (a *app) output(f *verifyFlags, s *ingest.Snapshot, twoEnded bool) report.Output {
	meta := []report.KeyValue{
		{Key: "ipflow.version", Value: version},
		{Key: "ipflow.snapshot.sha256", Value: s.SHA256},
		{Key: "ipflow.flows", Value: strings.Join(f.flows, " ")},
		{Key: "ipflow.assumptions", Value: s.Network.Assumptions.String()},
	}
	if epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		meta = append(meta, report.KeyValue{Key: "ipflow.created", Value: time.Unix(epoch, 0).UTC().Format(time.RFC3339)})
	}
	return report.Output{Path: f.out, Format: f.format, Codec: f.codec, Metadata: meta, Version: version, PartRows: partRows, Ends: twoEnded, Stdout: a.stdout}
}

// partRows is the size of part files when OUT is a directory.
const partRows = 8 << 20

// answerGC collects earlier than usual while flows are answered: the heap is a few
// large windows without pointers, cheap to look through, and a quarter less memory
// at the peak costs no measurable time (docs/performance.md).
const answerGC = 60

func (a *app) answer(ctx context.Context, f *verifyFlags, cfg verify.Config, flows *flowfile.Reader, sink verify.Sink) error {
	a.pace.stop()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(answerGC)
	}
	e := verify.NewEngine(cfg)
	before := progressOf(cfg.Index)
	stop := func() {}
	if !f.noProgress {
		stop = a.follow(flowPace{flows, e, before})
	}
	sum, err := e.Run(ctx, flows, sink)
	stop()
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return flowsError(err)
	}
	a.summary(sum, flows.DecodeTime(), before)
	return f.failOn.exit(sum.Deny, sum.Unknown, sum.Errors)
}

// summary closes a run. Where the time went is for machines: thread-seconds by
// stage, which add up to more than the seconds that passed.
func (a *app) summary(s verify.Summary, decode time.Duration, before compiling) {
	peak := peakMemory()
	rate := float64(s.Rows) / max(s.Elapsed.Seconds(), 1e-9)
	compile, text := before.since()
	a.talk.line("info", fmt.Sprintf("%d %s: %d allow, %d deny, %d unknown, %d errors; %s, %s flows/s, peak memory %s%s",
		s.Rows, plural(s.Rows, "flow"), s.Allow, s.Deny, s.Unknown, s.Errors, seconds(s.Elapsed), thousands(int64(rate)), size(peak), text),
		before.fields(map[string]any{
			"flows": s.Rows, "allow": s.Allow, "deny": s.Deny, "unknown": s.Unknown, "errors": s.Errors,
			"seconds": s.Elapsed.Seconds(), "flows_per_second": rate, "peak_memory_bytes": peak,
			"stage_seconds": map[string]any{
				"decode": decode.Seconds(), "parse": s.Stages.Parse.Seconds(), "compile": compile.Seconds(),
				"classify": max(0, s.Stages.Classify-compile).Seconds(), "encode": s.Stages.Encode.Seconds(), "write": s.Stages.Write.Seconds(),
			},
		}))
}
