//go:build unix

package snapshot

import (
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Shells pass <(command) as the path of a pipe.
func TestNamedPipes(t *testing.T) {
	tree(t, map[string]string{"s/a.json": "1"})
	if err := syscall.Mkfifo("s/pipe.json", 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	s, faults, err := Read(t.Context(), []string{"s"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"s/a.json#0 1"}, listing(s)); d != "" {
		t.Errorf("in a directory (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"warning s/pipe.json: this is a named pipe and was not read; name it with --snapshot to read it"}, texts(faults)); d != "" {
		t.Errorf("faults (-want +got):\n%s", d)
	}
	go func() { _ = os.WriteFile("s/pipe.json", []byte("[2]"), 0o600) }()
	if d := cmp.Diff([]string{"s/pipe.json#0 [2]"}, listing(mustRead(t, Options{}, "s/pipe.json"))); d != "" {
		t.Errorf("named (-want +got):\n%s", d)
	}
}
