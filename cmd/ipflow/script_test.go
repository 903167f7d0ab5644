package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/tools/txtar"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ipflow": main})
}

// TestScripts runs each subcommand as a user does, errors included. Every
// script finds the snapshot of testdata/estate.txtar in its directory; a file of
// its own replaces one of the snapshot. Commands beside those of testscript:
//
//	exits CODE PROGRAM ARG…   run, and compare the exit code
//	one-line                  stderr is one line `ipflow: …`, as errors are
//	flows FILE ROWS           write flows of many kinds as CSV
//	truncate FILE BYTES       cut a file
//	holds DIRECTORY NAME…     the directory holds these files and no other
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setupEstate,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"one-line": oneLine,
			"flows":    writeFlows,
			"truncate": truncate,
			"holds":    holds,
		},
	})
}

func setupEstate(env *testscript.Env) error {
	env.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	return writeEstate(env.WorkDir)
}

func writeEstate(dir string) error {
	a, err := txtar.ParseFile(filepath.Join("testdata", "estate.txtar"))
	if err != nil {
		return err
	}
	for _, f := range a.Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if _, err := os.Stat(path); err == nil {
			continue // the script's own
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// scriptUsage ends a script that calls a command wrongly.
func scriptUsage(ts *testscript.TestScript, neg bool, args []string, least int, text string) {
	if neg || len(args) < least {
		ts.Fatalf("usage: %s", text)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	scriptUsage(ts, neg, args, 2, "exits CODE PROGRAM ARG…")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func oneLine(ts *testscript.TestScript, neg bool, args []string) {
	scriptUsage(ts, neg, args, 0, "one-line")
	text := ts.ReadFile("stderr")
	if strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "ipflow: ") || strings.HasSuffix(text, ".\n") {
		ts.Fatalf("stderr is not one line `ipflow: …` without a period: %q", text)
	}
}

// writeFlows draws rows over both NICs, with a few that cannot be asked.
func writeFlows(ts *testscript.TestScript, neg bool, args []string) {
	scriptUsage(ts, neg, args, 2, "flows FILE ROWS")
	rows, err := strconv.Atoi(args[1])
	ts.Check(err)
	var b bytes.Buffer
	b.WriteString("id,nic,direction,protocol,local_ip,local_port,remote_ip,remote_port\n")
	for i := range rows {
		nic, local := "web-nic", "10.0.0.9"
		if i%3 == 0 {
			nic, local = "db-nic", "10.0.1.9"
		}
		if i%97 == 0 {
			nic = "gone"
		}
		fmt.Fprintf(&b, "f%d,%s,%s,%s,%s,%d,%d.0.%d.%d,%d\n", i, nic, []string{"Inbound", "Outbound"}[i%2], []string{"TCP", "UDP", "6", "17"}[i/2%4],
			local, []int{443, 22, 5432, 80}[i/5%4], []int{10, 8, 192, 20}[i/7%4], i%4, i%251, 1024+i%5000)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o644))
}

func truncate(ts *testscript.TestScript, neg bool, args []string) {
	scriptUsage(ts, neg, args, 2, "truncate FILE BYTES")
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if info.Size() <= n {
		ts.Fatalf("%s has %d bytes only", args[0], info.Size())
	}
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

func holds(ts *testscript.TestScript, neg bool, args []string) {
	scriptUsage(ts, neg, args, 1, "holds DIRECTORY NAME…")
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	want := slices.Sorted(slices.Values(args[1:]))
	if !slices.Equal(got, want) {
		ts.Fatalf("%s holds %q, want %q", args[0], got, want)
	}
}

// TestInterrupted stops a run that waits for its input, as Ctrl-C does: exit
// code 130, and neither OUT nor anything beside it.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	if err := writeEstate(dir); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	in, feed := io.Pipe()
	defer feed.Close()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.WriteString(feed, "nic,direction,protocol,local_ip,local_port,remote_ip,remote_port\nweb-nic,In,TCP,10.0.0.9,443,8.8.8.8,5\n")
		cancel()
	}()
	var stdout, stderr bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{
			"verify", "-s", filepath.Join(dir, "estate"), "--flows", "-", "--flows-format", "csv", "-o", filepath.Join(out, "r.parquet"), "--no-progress",
		}, in, &stdout, &stderr)
	}()
	select {
	case code := <-done:
		if code != exitInterrupted {
			t.Errorf("exit code %d, want %d: %s", code, exitInterrupted, stderr.String())
		}
	case <-time.After(30 * time.Second):
		t.Fatal("still running 30 s after the interrupt")
	}
	if left, err := os.ReadDir(out); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
