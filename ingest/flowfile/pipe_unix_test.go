//go:build unix

package flowfile

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A named pipe, as a shell gives for <(command), can be opened only once.
func TestNamedPipesAreReadOnce(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for _, name := range []string{"a", "b"} {
		path := filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Skip(err)
		}
		paths = append(paths, path)
		go func() {
			w, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return
			}
			defer w.Close()
			w.WriteString(threeRows)
		}()
	}
	got := mustRead(t, Options{Format: "csv"}, paths...)
	if len(got.rows) != 6 || got.bad != nil {
		t.Fatalf("rows: %v", got.rows)
	}
}
