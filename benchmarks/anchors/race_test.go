package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain lets the race start this program for measurements, as it starts itself.
func TestMain(m *testing.M) {
	if mine, err := measuring(); mine {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// quick runs rows of the race with small sizes and returns what it printed.
func quick(t *testing.T, row string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a part of the race")
	}
	var out, log strings.Builder
	err := run(context.Background(), []string{"--quick", "--rounds", "1", "--only", row, "--cache", t.TempDir()}, &out, &log)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	return out.String()
}

// skipAbsent skips the rest of a test when an anchor is not installed.
func skipAbsent(t *testing.T, printed string) {
	t.Helper()
	for line := range strings.Lines(printed) {
		if _, why, ok := strings.Cut(line, "not run: "); ok {
			why, _, _ = strings.Cut(why, " |")
			t.Skip(why)
		}
	}
}

func TestHotListRace(t *testing.T) {
	printed := quick(t, "hotlist")
	for _, want := range []string{"| nsg1000+tags: ", "| adversarial |", "hot list, 50 and 200 rules, uniform and flow-like", "quick sizes", "`make race ONLY=hotlist QUICK=1 ROUNDS=1`"} {
		if !strings.Contains(printed, want) {
			t.Errorf("no %q in\n%s", want, printed)
		}
	}
	skipAbsent(t, printed)
	if n := strings.Count(printed, "held"); n < 6 {
		t.Errorf("%d judgements, not 3 gates and 3 moonshots:\n%s", n, printed)
	}
}

// TestFileRaces runs from file to file: the sizes are small, the checks of answers
// and kept columns are those of the full race.
func TestFileRaces(t *testing.T) {
	printed := quick(t, "verify,csv,sql")
	for _, want := range []string{"Parquet → Parquet", "peak memory of a run", "one → two cores", "CSV → Parquet", "| carry | ", "plain SQL range join"} {
		if !strings.Contains(printed, want) {
			t.Errorf("no %q in\n%s", want, printed)
		}
	}
	skipAbsent(t, printed)
}

// TestEstateRows needs no anchor.
func TestEstateRows(t *testing.T) {
	printed := quick(t, "nics,compile,load,memory")
	for _, want := range []string{"random NIC order", "half IPv6, addresses as text", "compile 100 NSGs", "load + compile 500 NICs", "peak memory", "memory per NIC"} {
		if !strings.Contains(printed, want) {
			t.Errorf("no %q in\n%s", want, printed)
		}
	}
	if strings.Contains(printed, "not run") {
		t.Error(printed)
	}
}

// TestAbsentAnchor hides the compiler: the row says so and the others are there.
func TestAbsentAnchor(t *testing.T) {
	path := os.Getenv("PATH")
	t.Setenv("PATH", t.TempDir())
	_, err := startACL(t.TempDir())
	t.Setenv("PATH", path)
	if !isAbsent(err) {
		t.Fatalf("%v is not the error of an absent anchor", err)
	}
	g := gate{what: "x", missing: err.Error(), unit: "×"}
	if c := strings.Join(g.cells(), "|"); !strings.Contains(c, "not run: rte_acl is absent") {
		t.Error(c)
	}
}

func TestJudgement(t *testing.T) {
	g := gate{what: "x", values: []float64{2, 6, 3}, unit: "×", gate: atLeast(3), moonshot: atLeast(4)}
	if c := g.cells(); c[3] != "3× (2–6)" || c[4] != "≥ 3×" || c[5] != "held" || c[7] != "**not held**" {
		t.Errorf("%q", c)
	}
	if got := median([]float64{4, 1, 2, 3}); got != 2.5 {
		t.Errorf("median %v", got)
	}
	if got := cell("a|b\n<c>"); got != "a\\|b &lt;c>" {
		t.Errorf("cell %q", got)
	}
}

func TestReplaceBetween(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doc.md")
	if err := os.WriteFile(path, []byte("one\n<!-- race -->\nold\n<!-- /race -->\ntwo\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := replaceBetween(path, []byte("new\n")); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if want := "one\n<!-- race -->\n\nnew\n\n<!-- /race -->\ntwo\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("nothing here\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if replaceBetween(path, nil) == nil {
		t.Error("a document without marks was written to")
	}
}

func TestArguments(t *testing.T) {
	for _, args := range [][]string{{"--only", "nothing"}, {"--rounds", "0"}, {"extra"}} {
		var out strings.Builder
		if err := run(context.Background(), args, &out, &out); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}

func TestStolenTimeIsRead(t *testing.T) {
	s := parseStolen("cpu  10 1 5 60 2 0 2 20 7 0\ncpu0 1 2 3\n")
	if s.stolen != 20 || s.all != 100 {
		t.Errorf("%+v", s)
	}
	for _, text := range []string{"", "cpu 1 2 3", "intr 1 2 3 4 5 6 7 8 9", "cpu a b c d e f g h"} {
		if s := parseStolen(text); s != (stolen{}) {
			t.Errorf("%q: %+v", text, s)
		}
	}
}
