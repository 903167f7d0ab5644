package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ipflow is the program that users have, built once.
func (r *race) ipflow() (string, error) {
	if r.binary != "" {
		return r.binary, nil
	}
	path := filepath.Join(r.cache, "ipflow")
	cmd := exec.CommandContext(r.ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", path, "./cmd/ipflow")
	cmd.Dir, cmd.Env = r.root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build ipflow: %w: %s", err, out)
	}
	r.binary = path
	return path, nil
}

// cost is what a run of the program took.
type cost struct {
	wall          float64 // seconds from start to exit
	cpu           float64 // seconds of processors, the system's for it among them
	load, compile float64 // seconds, as the program says
	peakMB        float64 // largest resident size, as the program reads it from the system
	log           map[string]any
}

// run is the wall clock without loading and compiling: starting the program,
// opening, answering, writing and syncing are in it.
func (c *cost) run() float64 { return c.wall - c.load - c.compile }

// number is a field of the program's log.
func (c *cost) number(name string) float64 {
	v, _ := c.log[name].(float64)
	return v
}

// stage is the thread-seconds of a stage.
func (c *cost) stage(name string) float64 {
	all, _ := c.log["stage_seconds"].(map[string]any)
	v, _ := all[name].(float64)
	return v
}

// verify runs `ipflow verify` on so many cores.
func (r *race) verify(cores int, estate, flows, out string, more ...string) (cost, error) {
	path, err := r.ipflow()
	if err != nil {
		return cost{}, err
	}
	if err := settle(out); err != nil {
		return cost{}, err
	}
	args := []string{"verify", "-s", estate, "--flows", flows, "-o", out, "--workers", strconv.Itoa(cores), "--no-progress", "--log-format", "json"}
	cmd := exec.CommandContext(r.ctx, path, append(args, more...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(cores))
	return measured(cmd)
}

// settle writes out what the last run into the file left to the system, so that
// the next run does not pay for it, and removes the file.
func settle(out string) error {
	f, err := os.OpenFile(out, os.O_RDWR, 0)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Remove(out)
}

func measured(cmd *exec.Cmd) (cost, error) {
	var log bytes.Buffer
	cmd.Stderr = &log
	start := time.Now()
	err := cmd.Run()
	c := cost{wall: time.Since(start).Seconds(), log: map[string]any{}}
	if s := cmd.ProcessState; s != nil {
		c.cpu = (s.UserTime() + s.SystemTime()).Seconds()
	}
	if err != nil {
		return c, fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, complaint(log.String()))
	}
	for line := range strings.Lines(log.String()) {
		// Later lines win; names do not repeat but for time, level and message.
		if err := json.Unmarshal([]byte(line), &c.log); err != nil {
			return c, fmt.Errorf("log of %s: %w: %s", filepath.Base(cmd.Path), err, line)
		}
	}
	// Not what waiting for it says: that counts the race's own size too.
	c.peakMB = c.number("peak_memory_bytes") / 1e6
	c.load, c.compile = c.number("load_seconds"), c.number("compile_seconds")
	if c.compile == 0 {
		return c, fmt.Errorf("the log of %s does not say how long compiling took", filepath.Base(cmd.Path))
	}
	return c, nil
}

// complaint is the last line, or what a crash says of itself.
func complaint(log string) string {
	for _, mark := range []string{"panic: ", "fatal error: ", "unexpected fault", "internal error"} {
		if at := strings.Index(log, mark); at >= 0 {
			return log[at:min(len(log), at+4000)]
		}
	}
	return lastLine(log)
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
