package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// made returns the path of a generated file or directory, made by `ipflow synth`
// when it is not there. Files of other generators than today's are removed.
func (r *race) made(name string, args ...string) (string, error) {
	dir, err := r.filesDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	program, err := r.ipflow()
	if err != nil {
		return "", err
	}
	r.say("making %s", name)
	cmd := exec.CommandContext(r.ctx, program, append([]string{"synth"}, append(args, "--out", path, "--seed", "1")...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("ipflow %s: %w: %s", strings.Join(cmd.Args[1:], " "), err, lastLine(string(out)))
	}
	return path, nil
}

// filesDir is named after the generators' source.
func (r *race) filesDir() (string, error) {
	if r.files != "" {
		return r.files, nil
	}
	sources, err := filepath.Glob(filepath.Join(r.root, "benchmarks", "corpus", "*.go"))
	if err != nil {
		return "", err
	}
	slices.Sort(sources)
	h := sha256.New()
	for _, path := range sources {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		h.Write(body)
	}
	dir := filepath.Join(r.cache, "files-"+hex.EncodeToString(h.Sum(nil))[:12])
	old, err := filepath.Glob(filepath.Join(r.cache, "files-*"))
	if err != nil {
		return "", err
	}
	for _, o := range old {
		if o != dir {
			if err := os.RemoveAll(o); err != nil {
				return "", err
			}
		}
	}
	r.files = dir
	return dir, os.MkdirAll(dir, 0o755)
}

// estate is the one of all rows that run from file to file, that of
// manynics.Options: 500 NICs in 40 subnets, 60 groups, 8 % tag operands.
func (r *race) estate() (string, error) {
	if r.quick {
		return r.made("estate", "estate", "--nics", "60", "--nsgs", "10", "--subnets", "8", "--rules", "50:6,200:4", "--tags", "0.08")
	}
	return r.made("estate", "estate", "--nics", "500", "--nsgs", "60", "--subnets", "40", "--rules", "50:36,200:18,1000:6", "--tags", "0.08")
}

// rowsOf is how many flows the file rows have.
func (r *race) rowsOf() int { return r.size(20_000_000, 100_000) }

func (r *race) flows(estate, name string, rows int, more ...string) (string, error) {
	return r.made(name, append([]string{"flows", "-s", estate, "--rows", fmt.Sprint(rows), "--mix", "flow", "--no-progress"}, more...)...)
}

// bytesUnder is the size of the files in a directory.
func bytesUnder(dir string) (int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	total := int64(0)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return 0, err
		}
		total += info.Size()
	}
	return total, nil
}
