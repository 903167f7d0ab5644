package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
)

// startProfile begins a cpu, mem or trace profile into a file; the returned
// function ends it. An empty kind profiles nothing.
func startProfile(kind, path string) (stop func() error, err error) {
	nothing := func() error { return nil }
	switch kind {
	case "":
		if path != "" {
			return nil, usagef("unexpected argument %q; flows are named with --flows", path)
		}
		return nothing, nil
	case "cpu", "mem", "trace":
		if path == "" {
			return nil, usagef("--profile %s needs a file: --profile %s FILE", kind, kind)
		}
	default:
		return nil, usagef("--profile takes cpu, mem or trace and a file, not %q", kind)
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, inputError(fmt.Errorf("write profile: %w", err))
	}
	finish := func() error { return nil }
	switch kind {
	case "cpu":
		err = pprof.StartCPUProfile(f)
		finish = func() error { pprof.StopCPUProfile(); return nil }
	case "trace":
		err = trace.Start(f)
		finish = func() error { trace.Stop(); return nil }
	case "mem":
		finish = func() error { runtime.GC(); return pprof.WriteHeapProfile(f) }
	}
	if err != nil {
		f.Close()
		return nil, inputError(fmt.Errorf("write profile: %w", err))
	}
	return func() error {
		err := finish()
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return inputError(fmt.Errorf("write profile: %w", err))
		}
		return nil
	}, nil
}
