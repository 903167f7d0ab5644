package flowfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// stdin is the path of standard input.
const stdin = "-"

// expand resolves globs and returns the paths sorted, each once. A path that
// exists is taken as it is, whatever characters it has.
func expand(paths []string) ([]string, error) {
	if len(paths) == 0 {
		return nil, usagef("no flow files given; use --flows FILE")
	}
	var out []string
	for _, p := range paths {
		if p == stdin {
			out = append(out, p)
			continue
		}
		info, err := os.Stat(p)
		switch {
		case err == nil && info.IsDir():
			return nil, usagef("%s is a directory; name its files, for example '%s'", p, filepath.Join(p, "*.parquet"))
		case err == nil:
			out = append(out, filepath.Clean(p))
			continue
		case !errors.Is(err, fs.ErrNotExist) || !strings.ContainsAny(p, "*?["):
			return nil, fmt.Errorf("read flows: %w", err)
		}
		found, err := filepath.Glob(p)
		if err != nil {
			return nil, usagef("%s: %v", p, err)
		}
		found = slices.DeleteFunc(found, func(f string) bool {
			info, err := os.Stat(f)
			return err == nil && info.IsDir()
		})
		if len(found) == 0 {
			return nil, fmt.Errorf("read flows: no file matches %s", p)
		}
		out = append(out, found...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
