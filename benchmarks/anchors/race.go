package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// race is one run of some rows.
type race struct {
	ctx     context.Context
	log     io.Writer
	cache   string // big files, kept for the next run
	root    string // of ipflow's module
	command string
	rounds  int
	quick   bool
	stolen  stolen // when the race began

	binary string // ipflow, when built
	files  string // directory of generated files, when known
	duck   *duck  // when started

	tools   []string         // versions of the anchors that were there
	absence map[string]error // and why others were not
	gates   []gate
	tables  []table
}

// rows are what --only takes, in the order they run.
var rows = []struct {
	name, what string
	run        func(*race) error
}{
	{"hotlist", "one hot list on one core against rte_acl", (*race).runHotList},
	{"nics", "the engine over 500 NICs in random order on one core", (*race).runNICs},
	{"verify", "Parquet to Parquet against DuckDB copying the input; scaling; peak memory", (*race).runVerify},
	{"csv", "CSV to Parquet against DuckDB", (*race).runCSV},
	{"sql", "a plain range join in DuckDB's SQL, on a sample", (*race).runSQL},
	{"compile", "compiling 10,000 NSGs: time and memory", (*race).runCompile},
	{"load", "loading and compiling 50,000 NICs: time and peak memory", (*race).runLoad},
	{"memory", "memory of the index per NIC", (*race).runMemory},
}

func main() {
	if mine, err := measuring(); mine {
		if err != nil {
			fmt.Fprintf(os.Stderr, "race: %v\n", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "race: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	r := &race{ctx: ctx, log: stderr, stolen: readStolen(), absence: map[string]error{}}
	fs := flag.NewFlagSet("race", flag.ContinueOnError)
	fs.SetOutput(stderr)
	only := fs.String("only", "", "rows to run, separated by commas; all if empty")
	out := fs.String("out", "", "file for the tables as Markdown, beside stdout")
	into := fs.String("into", "", "Markdown document whose lines between <!-- race --> and <!-- /race --> the tables replace")
	cache := fs.String("cache", "", "directory for generated files, some 10 GB (default: $IPFLOW_RACE_CACHE, else ipflow-race in the temporary directory)")
	fs.IntVar(&r.rounds, "rounds", 5, "interleaved rounds")
	fs.BoolVar(&r.quick, "quick", false, "small sizes and two rounds, to try the race itself")
	fs.Usage = func() {
		fmt.Fprintln(stderr, "Race ipflow against its anchors and print Markdown tables.\n\nusage: race [flags]\n\nrows:")
		for _, w := range rows {
			fmt.Fprintf(stderr, "  %-10s %s\n", w.name, w.what)
		}
		fmt.Fprintln(stderr, "\nflags:")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	names, err := chosen(*only)
	switch {
	case err != nil:
		return err
	case fs.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case r.rounds < 1:
		return fmt.Errorf("--rounds takes 1 or more, not %d", r.rounds)
	}
	r.command = commandLine(fs)
	if r.quick {
		r.rounds = min(r.rounds, 2)
	}
	if r.root, err = moduleRoot(); err != nil {
		return err
	}
	if r.cache, err = cacheDir(*cache, r.quick); err != nil {
		return err
	}
	return r.runAll(names, *out, *into, stdout)
}

// commandLine is the race as `make race` takes it. Where files lie is of no
// interest to readers of the tables.
func commandLine(fs *flag.FlagSet) string {
	line := "make race"
	fs.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "only", "rounds":
			line += " " + strings.ToUpper(f.Name) + "=" + f.Value.String()
		case "quick":
			line += " QUICK=1"
		}
	})
	return line
}

// toolsDir is where benchmarks/anchors/install puts DuckDB.
func toolsDir() string {
	if dir := os.Getenv("IPFLOW_RACE_CACHE"); dir != "" {
		return dir
	}
	return filepath.Join(os.TempDir(), "ipflow-race")
}

// runAll runs the rows and reports what there is, whatever failed.
func (r *race) runAll(names []string, out, into string, stdout io.Writer) error {
	var failed []error
	for _, w := range rows {
		if !slices.Contains(names, w.name) {
			continue
		}
		start := time.Now()
		if err := w.run(r); err != nil {
			err = fmt.Errorf("row %s aborted: %w", w.name, err)
			r.say("%v", err)
			failed = append(failed, err)
		}
		r.say("row %s took %.0f s", w.name, time.Since(start).Seconds())
	}
	if r.duck != nil {
		r.duck.close()
	}
	var tables bytes.Buffer
	r.write(&tables)
	if _, err := stdout.Write(tables.Bytes()); err != nil {
		return err
	}
	if out != "" {
		if err := os.WriteFile(out, tables.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if into != "" && len(failed) == 0 { // a document gets whole runs only
		if err := replaceBetween(into, tables.Bytes()); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

// Marks of the part of a document that is the race's.
const beginMark, endMark = "<!-- race -->\n", "<!-- /race -->\n"

func replaceBetween(path string, text []byte) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(b, []byte(beginMark))
	_, after, closed := bytes.Cut(rest, []byte(endMark))
	if !ok || !closed {
		return fmt.Errorf("%s: no lines <!-- race --> and <!-- /race --> to write between", path)
	}
	return os.WriteFile(path, slices.Concat(before, []byte(beginMark+"\n"), text, []byte("\n"+endMark), after), 0o644)
}

func chosen(only string) ([]string, error) {
	var all, names []string
	for _, w := range rows {
		all = append(all, w.name)
	}
	if only == "" {
		return all, nil
	}
	for name := range strings.SplitSeq(only, ",") {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("--only: no row is called %q: choose of %s", name, strings.Join(all, ", "))
		}
		names = append(names, name)
	}
	return names, nil
}

// moduleRoot finds ipflow's source: the anchors' module names it.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "ipflow").Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		return "", errors.New("the race needs ipflow's source: run it in benchmarks/anchors, or with `make race`")
	}
	return dir, nil
}

// cacheDir makes the directory; quick files are kept apart from full ones.
func cacheDir(dir string, quick bool) (string, error) {
	if dir == "" {
		dir = toolsDir()
	}
	if quick {
		dir = filepath.Join(dir, "quick")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// size is full, or quick when the race is only tried.
func (r *race) size(full, quick int) int {
	if r.quick {
		return quick
	}
	return full
}

func (r *race) say(format string, args ...any) {
	fmt.Fprintf(r.log, "race: "+format+"\n", args...)
}

// An absentError says why an anchor cannot take part.
type absentError struct{ anchor, why string }

func (e *absentError) Error() string { return e.anchor + " is absent: " + e.why }

func absent(anchor, why string) error { return &absentError{anchor, why} }

func isAbsent(err error) bool {
	_, ok := errors.AsType[*absentError](err)
	return ok
}

// note remembers an absent anchor for the rows that need it.
func (r *race) note(err error) {
	if a, ok := errors.AsType[*absentError](err); ok {
		r.absence[a.anchor] = err
	}
	r.say("%v", err)
}

func (r *race) missing(anchor string) string {
	if err := r.absence[anchor]; err != nil {
		return err.Error()
	}
	return "no figure"
}
