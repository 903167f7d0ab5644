package main

import (
	"strings"

	"github.com/spf13/pflag"
)

// failOn is --fail-on: which answers make the exit code other than 0.
type failOn struct{ texts []string }

func (f *failOn) add(fs *pflag.FlagSet) {
	fs.StringSliceVar(&f.texts, "fail-on", nil, "exit 1 on deny, 4 on unknown or error: deny, unknown, error or any (repeatable)")
}

func (f *failOn) validate() error {
	for _, t := range f.texts {
		switch t {
		case "deny", "unknown", "error", "any":
		default:
			return usagef("--fail-on takes deny, unknown, error or any, not %q", t)
		}
	}
	return nil
}

func (f *failOn) has(word string) bool {
	for _, t := range f.texts {
		if t == word || t == "any" {
			return true
		}
	}
	return false
}

// exit returns the error that carries the exit code: what could not be decided
// goes before what was denied.
func (f *failOn) exit(deny, unknown, errors int64) error {
	var undecided []string
	if f.has("unknown") && unknown > 0 {
		undecided = append(undecided, "unknown verdicts")
	}
	if f.has("error") && errors > 0 {
		undecided = append(undecided, "row errors")
	}
	switch {
	case len(undecided) > 0:
		return &exitError{exitUndecided, usageless("--fail-on: there are " + strings.Join(undecided, " and "))}
	case f.has("deny") && deny > 0:
		return &exitError{exitFindings, usageless("--fail-on: flows were denied")}
	}
	return nil
}

type usageless string

func (u usageless) Error() string { return string(u) }
