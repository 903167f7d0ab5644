package main

import (
	"fmt"
	"os"
	"slices"
)

// runVerify races `ipflow verify` from Parquet to Parquet against DuckDB copying
// the input alone, and takes scaling and memory from the same runs.
func (r *race) runVerify() error {
	f, err := r.newFileRace()
	if err != nil {
		return err
	}
	rows := r.rowsOf()
	zstd, err := r.flows(f.estate, "flows.parquet", rows)
	if err != nil {
		return err
	}
	snappy, err := r.flows(f.estate, "flows-snappy.parquet", rows, "--codec", "snappy")
	if err != nil {
		return err
	}
	few, err := r.flows(f.estate, "flows-few.parquet", rows/4)
	if err != nil {
		return err
	}
	copied := f.copies("copy", 2, quoted(zstd), "zstd")
	carry := f.ours("carry", 2, zstd)
	none := f.ours("none", 2, zstd, "--keep", "none")
	alone := f.ours("carry1", 1, zstd)
	copied1 := f.copies("copy1", 1, quoted(zstd), "zstd")
	copiedSnappy := f.copies("copy-snappy", 2, quoted(snappy), "snappy")
	carrySnappy := f.ours("carry-snappy", 2, snappy, "--codec", "snappy")
	fewer := f.ours("carry-few", 2, few)
	var foreign, foreignCopy *leg
	if f.duck != nil {
		path, err := f.writtenByDuckDB(zstd)
		if err != nil {
			return err
		}
		foreignCopy = f.copies("copy-foreign", 2, quoted(path), "zstd")
		foreign = f.ours("carry-foreign", 2, path)
	}
	// The first run warms the caches up and is where the answers are looked at.
	for _, l := range f.legs {
		if _, err := l.once(); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	if err := f.checkVerify(zstd, snappy); err != nil {
		return err
	}
	if err := f.interleave("verify"); err != nil {
		return err
	}

	millions := fmt.Sprintf("%sM rows", amount(float64(rows)/1e6, ""))
	f.against(gate{row: "verify", what: "verify " + millions + ", Parquet → Parquet, two cores, columns kept, zstd", gate: atMost(0.45), moonshot: atMost(0.20)}, carry, (*cost).run, copied)
	f.against(gate{row: "verify", what: "… load and compile included", gate: atMost(0.75), moonshot: atMost(0.20)}, carry, wall, copied)
	f.against(gate{row: "verify", what: "… snappy", gate: atMost(0.45), moonshot: atMost(0.20)}, carrySnappy, (*cost).run, copiedSnappy)
	f.against(gate{row: "verify", what: "results only (`--keep none`), zstd", gate: atMost(0.40), moonshot: atMost(0.18)}, none, (*cost).run, copied)
	if foreign != nil {
		f.against(gate{row: "verify", what: "columns kept, zstd, the input written by DuckDB", gate: atMost(0.45), moonshot: atMost(0.20)}, foreign, (*cost).run, foreignCopy)
	}
	one, two := alone.each((*cost).run), carry.each((*cost).run)
	f.gates = append(f.gates, gate{
		row: "verify", what: "one → two cores, end to end, columns kept", unit: "×", values: ratiosOf(one, two),
		ours: seconds(one) + " → " + seconds(two), anchor: duckScaling(copied1, copied), gate: atLeast(1.6), moonshot: atLeast(1.9),
	})
	f.memoryGate(carry, fewer, none, carrySnappy)
	f.stageTable(carry, none)
	return nil
}

// duckScaling is how DuckDB's COPY gains from the second core.
func duckScaling(one, two *leg) string {
	if one == nil {
		return "–"
	}
	return "DuckDB COPY " + amount(median(ratiosOf(one.each(wall), two.each(wall))), "×")
}

// memoryGate judges the largest resident size of all runs on two cores.
func (f *fileRace) memoryGate(carry, fewer *leg, others ...*leg) {
	peak := func(c *cost) float64 { return c.peakMB }
	values := carry.each(peak)
	for _, o := range others {
		for i, v := range o.each(peak) {
			values[i] = max(values[i], v)
		}
	}
	f.gates = append(f.gates, gate{
		row: "verify", what: "peak memory of a run, two workers, load and compile included", unit: "MiB",
		values: scaled(values, 1e6/(1<<20)), gate: atMost(1024), moonshot: atMost(512),
		ours: fmt.Sprintf("%.0f MiB; a quarter of the rows: %.0f MiB", slices.Max(values)*1e6/(1<<20), slices.Max(fewer.each(peak))*1e6/(1<<20)), anchor: "–",
	})
}

func scaled(values []float64, by float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = v * by
	}
	return out
}

// stageTable shows where the time of a whole run goes.
func (f *fileRace) stageTable(legs ...*leg) {
	t := table{
		title: "`ipflow verify`, two cores: parts of the wall clock, and thread-seconds by stage (median)",
		head:  []string{"run", "load", "compile", "the rest", "whole process", "peak memory"},
	}
	t.head = append(t.head, stages...)
	for _, l := range legs {
		row := []string{
			l.name, seconds(l.each(func(c *cost) float64 { return c.load })), seconds(l.each(func(c *cost) float64 { return c.compile })),
			seconds(l.each((*cost).run)), seconds(l.each(wall)), amount(median(l.each(func(c *cost) float64 { return c.peakMB })), "MB"),
		}
		for _, s := range stages {
			row = append(row, seconds(l.each(func(c *cost) float64 { return c.stage(s) })))
		}
		t.rows = append(t.rows, row)
	}
	f.tables = append(f.tables, t)
}

// stages are those of stage_seconds in the log.
var stages = []string{"decode", "parse", "classify", "encode", "write"}

// writtenByDuckDB is the same flows in row groups of 122,880 rows, with DuckDB's
// encodings: what most people's files look like.
func (f *fileRace) writtenByDuckDB(flows string) (string, error) {
	dir, err := f.filesDir()
	if err != nil {
		return "", err
	}
	path := dir + "/flows-duckdb.parquet"
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	_, err = f.duck.sql(fmt.Sprintf("COPY (SELECT * FROM %s) TO %s (FORMAT parquet, COMPRESSION zstd)", quoted(flows), quoted(path+".part")))
	if err != nil {
		return "", err
	}
	return path, os.Rename(path+".part", path)
}

// checkVerify looks at what the warm-up runs wrote.
func (f *fileRace) checkVerify(zstd, snappy string) error {
	if f.duck == nil {
		return nil
	}
	for out, in := range map[string]string{"carry": zstd, "carry1": zstd, "carry-snappy": snappy, "carry-foreign": zstd} {
		if err := f.sameColumns(in, f.out(out)); err != nil {
			return err
		}
	}
	// Every run gave the same answers, whatever it kept.
	want := ""
	for _, out := range []string{"carry", "none", "carry1", "carry-snappy", "carry-foreign"} {
		got, err := f.duck.value(fmt.Sprintf("SELECT count(*) || ' rows, hash ' || sum(hash(file_row_number, %s)) FROM read_parquet(%s, file_row_number = true)", resultColumns, quoted(f.out(out))))
		if err != nil {
			return err
		}
		if want == "" {
			want = got
		}
		if got != want {
			return fmt.Errorf("the answers of run %s (%s) differ from the first (%s)", out, got, want)
		}
	}
	return nil
}

const resultColumns = "access, rule, rule_id, priority, layer, group_id, admin_rule, subnet_rule, nic_rule, reason, error"
