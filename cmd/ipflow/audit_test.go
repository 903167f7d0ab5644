package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestInterruptedAuditLeavesNothing ends an audit before it begins and on its way.
func TestInterruptedAuditLeavesNothing(t *testing.T) {
	for name, after := range map[string]time.Duration{"before": 0, "on-the-way": 5 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			estate, dir := filepath.Join(t.TempDir(), "estate"), t.TempDir()
			var made bytes.Buffer
			if code := run(context.Background(), []string{"synth", "estate", "--out", estate, "--nics", "300"}, nil, &made, &made); code != exitDone {
				t.Fatalf("synth ends with %d: %s", code, made.String())
			}
			ctx, cancel := context.WithTimeout(context.Background(), after)
			defer cancel()
			var out, talk bytes.Buffer
			code := run(ctx, []string{
				"audit", "-s", estate, "--json", filepath.Join(dir, "a.json"), "--sarif", filepath.Join(dir, "a.sarif"), "--parquet", filepath.Join(dir, "tables"),
			}, nil, &out, &talk)
			if code != exitInterrupted || out.Len() > 0 {
				t.Errorf("exit code %d, %d bytes on stdout: %s", code, out.Len(), talk.String())
			}
			left, err := os.ReadDir(dir)
			if err != nil || len(left) > 0 {
				t.Errorf("%v stay behind, %v", left, err)
			}
		})
	}
}
