package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"ipflow/ingest/diag"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// The exit codes of CONTRACT.
const (
	exitDone        = 0
	exitFindings    = 1
	exitUsage       = 2
	exitInput       = 3
	exitUndecided   = 4
	exitInternal    = 5
	exitInterrupted = 130
)

// exitError is an error that knows its exit code. A nil err prints nothing.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

func inputError(err error) error { return &exitError{exitInput, err} }

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	app := &app{stdin: stdin, stdout: stdout, talk: &talker{w: stderr}, pace: new(pace)}
	defer app.pace.stop()
	defer func() {
		if p := recover(); p != nil {
			app.talk.errorf("internal error: %v; please report it with the command that led here", p)
			fmt.Fprintf(stderr, "%s", debug.Stack())
			code = exitInternal
		}
	}()
	root := app.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var coded *exitError
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil && !answered(err):
		app.talk.errorf("interrupted")
		return exitInterrupted
	case errors.Is(err, syscall.EPIPE):
		return exitDone // the reader of our output had enough
	case errors.As(err, &coded):
		if coded.err != nil {
			app.talk.errorf("%s", diag.Printable(coded.err.Error()))
		}
		return coded.code
	}
	// What cobra itself refuses: unknown commands and flags, wrong arguments.
	app.talk.errorf("%s", diag.Printable(err.Error()))
	app.talk.hint()
	return exitUsage
}

// answered reports whether the whole answer was out before an interrupt came.
func answered(err error) bool {
	var coded *exitError
	return errors.As(err, &coded) && (coded.code == exitFindings || coded.code == exitUndecided)
}
