package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// fuse is a context that ends when it is asked often enough whether it has.
type fuse struct {
	context.Context
	left   atomic.Int64
	cancel context.CancelFunc
}

func newFuse(asks int64) *fuse {
	f := &fuse{}
	f.Context, f.cancel = context.WithCancel(context.Background())
	f.left.Store(asks)
	return f
}

func (f *fuse) Err() error {
	if f.left.Add(-1) < 0 {
		f.cancel()
	}
	return f.Context.Err()
}

// TestInterruptedQuestions interrupts the questions about whole sets of flows at
// many of the places where they look whether to go on: exit code 130 and nothing
// on stdout, never a part of an answer.
func TestInterruptedQuestions(t *testing.T) {
	estate := filepath.Join("..", "..", "docs", "example", "estate")
	asks := func(asks int64, args ...string) (code int, stdout, stderr string, left int64) {
		f := newFuse(asks)
		defer f.cancel()
		var out, talk bytes.Buffer
		code = run(f, args, strings.NewReader(""), &out, &talk)
		return code, out.String(), talk.String(), f.left.Load()
	}
	changed := filepath.Join(t.TempDir(), "changed")
	if err := os.CopyFS(changed, os.DirFS(estate)); err != nil {
		t.Fatal(err)
	}
	groups := filepath.Join(changed, "network-security-groups.az.json")
	text, err := os.ReadFile(groups)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("203.0.113.0/28"), []byte("203.0.113.0/27"))
	if err := os.WriteFile(groups, text, 0o644); err != nil {
		t.Fatal(err)
	}
	const plenty = 1 << 40
	_, _, _, left := asks(plenty, "inspect", "-s", estate)
	loading := plenty - left
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"reach", "-s", estate}, exitDone},
		{[]string{"reach", "-s", estate, "--from", "vnet-hub", "--to", "vnet-shop", "-o", "json"}, exitDone},
		{[]string{"matrix", "-s", estate}, exitDone},
		{[]string{"matrix", "-s", estate, "--zones", "tags", "-o", "csv"}, exitDone},
		{[]string{"lint", "-s", estate}, exitFindings},
		{[]string{"lint", "-s", estate, "--fix-plan", "-o", "json"}, exitFindings},
		{[]string{"diff", estate, changed}, exitFindings},
	} {
		t.Run(strings.Join([]string{c.args[0], fmt.Sprint(len(c.args))}, "-"), func(t *testing.T) {
			code, whole, stderr, left := asks(plenty, c.args...)
			if code != c.code || whole == "" {
				t.Fatalf("exit code %d, want %d: %s", code, c.code, stderr)
			}
			total := plenty - left
			if total < loading+10 {
				t.Errorf("asks %d times whether to go on, %d of them while loading", total, loading)
			}
			for n := int64(0); n < total; n += 1 + total/40 {
				code, stdout, stderr, _ := asks(n, c.args...)
				switch {
				case code == exitInterrupted && stdout == "" && strings.HasSuffix(stderr, "ipflow: interrupted\n"):
				case code == c.code && stdout == whole: // nothing was left to do
				default:
					t.Fatalf("interrupted at %d of %d: exit code %d, %d bytes on stdout: %s", n, total, code, len(stdout), stderr)
				}
			}
		})
	}
}
