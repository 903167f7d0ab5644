package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed duckdb/serve.cjs
var duckSource []byte

// duck is DuckDB behind duckdb/serve.cjs.
type duck struct{ *coproc }

// duckAnswer is what a list of statements gives.
type duckAnswer struct {
	Seconds float64
	Rows    [][]any // of the last statement
}

// duckdb starts DuckDB once for all rows.
func (r *race) duckdb() (*duck, error) {
	if r.duck != nil || r.absence["DuckDB"] != nil {
		return r.duck, r.absence["DuckDB"]
	}
	d, err := startDuck(r.cache)
	if isAbsent(err) {
		r.note(err)
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	r.duck = d
	a, err := d.sql("SELECT version()")
	if err != nil {
		return nil, err
	}
	r.tools = append(r.tools, fmt.Sprintf("DuckDB %v", a.Rows[0][0]))
	return d, nil
}

func startDuck(cache string) (*duck, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, absent("DuckDB", "node is not installed; it comes as the npm package @duckdb/node-api")
	}
	program := filepath.Join(cache, "serve.cjs")
	if err := os.WriteFile(program, duckSource, 0o644); err != nil {
		return nil, err
	}
	modules := filepath.Join(toolsDir(), "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "@duckdb", "node-api")); err != nil {
		return nil, absent("DuckDB", "@duckdb/node-api is not installed; `make race-tools` installs it with npm")
	}
	cmd := exec.Command(node, program)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	p, err := startCoproc("duckdb", cmd)
	if err != nil {
		return nil, err
	}
	d := &duck{p}
	_, err = d.sql("SET temp_directory = "+quoted(filepath.Join(cache, "duckdb-spill")), "SET enable_progress_bar = false")
	if err != nil {
		return nil, absent("DuckDB", err.Error())
	}
	return d, nil
}

// sql runs statements one after the other.
func (d *duck) sql(statements ...string) (duckAnswer, error) {
	var a duckAnswer
	line, err := json.Marshal(statements)
	if err != nil {
		return a, err
	}
	text, err := d.ask("%s", line)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return a, fmt.Errorf("duckdb: %w", err)
	}
	return a, nil
}

// value runs a statement that gives one value.
func (d *duck) value(statement string) (string, error) {
	a, err := d.sql(statement)
	if err != nil {
		return "", err
	}
	if len(a.Rows) != 1 || len(a.Rows[0]) != 1 {
		return "", fmt.Errorf("duckdb: %d rows where one value was asked for", len(a.Rows))
	}
	return fmt.Sprint(a.Rows[0][0]), nil
}

// quoted is a string literal of SQL.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
