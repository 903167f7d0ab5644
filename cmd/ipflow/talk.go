package main

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"ipflow/ingest/diag"
)

// talker writes what is not a result: `ipflow: …` lines, or JSON lines with
// --log-format json. It may be used concurrently.
type talker struct {
	mu   sync.Mutex
	w    io.Writer
	json bool
}

func (t *talker) line(level, text string, fields map[string]any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.json {
		prefix := "ipflow: "
		if level == "warning" {
			prefix += "warning: "
		}
		fmt.Fprintln(t.w, prefix+text)
		return
	}
	record := map[string]any{"time": time.Now().UTC().Format(time.RFC3339), "level": level, "message": text}
	for k, v := range fields {
		record[k] = v
	}
	b, err := json.Marshal(record)
	if err != nil {
		panic("ipflow: log record: " + err.Error())
	}
	fmt.Fprintf(t.w, "%s\n", b)
}

func (t *talker) errorf(format string, args ...any) {
	t.line("error", fmt.Sprintf(format, args...), nil)
}

func (t *talker) warnf(format string, args ...any) {
	t.line("warning", fmt.Sprintf(format, args...), nil)
}

func (t *talker) infof(format string, args ...any) { t.line("info", fmt.Sprintf(format, args...), nil) }

func (t *talker) hint() {
	if !t.json {
		t.infof("'ipflow --help' lists commands, 'ipflow COMMAND --help' its flags")
	}
}

// shownDiagnostics bounds the faults a command other than inspect repeats.
const shownDiagnostics = 20

// diagnostics shows errors and warnings of the input, the worst first, and
// says where the rest can be read.
func (t *talker) diagnostics(list diag.List) {
	shown, hidden := 0, 0
	for _, severity := range []diag.Severity{diag.Error, diag.Warning} {
		for _, d := range list {
			if d.Severity != severity {
				continue
			}
			if shown == shownDiagnostics && !t.json {
				hidden++
				continue
			}
			shown++
			t.line(severity.String(), d.String(), map[string]any{
				"code": d.Code, "file": d.Origin.File, "line": d.Origin.Line, "column": d.Origin.Column, "pointer": d.Origin.Pointer,
			})
		}
	}
	if hidden > 0 {
		t.infof("%d more errors and warnings; 'ipflow inspect' with the same snapshot shows all", hidden)
	}
}
