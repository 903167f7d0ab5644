package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"ipflow/ingest/flowfile"
	"ipflow/verify"
)

// progressEvery is how often a line is written where there is no terminal.
const progressEvery = 10 * time.Second

// progress shows how far a run is: a bar on a terminal, else a line now and
// then. The returned function ends it.
func (a *app) progress(flows *flowfile.Reader, e *verify.Engine) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	if f, ok := a.talk.w.(*os.File); ok && !a.talk.json && isatty.IsTerminal(f.Fd()) {
		go func() { defer close(ended); bar(f, flows, e, done) }()
	} else {
		go func() { defer close(ended); a.progressLines(flows, e, done) }()
	}
	return func() { close(done); <-ended }
}

// bar draws the share of the input read and the rows done.
func bar(w io.Writer, flows *flowfile.Reader, e *verify.Engine, done <-chan struct{}) {
	_, total, _ := flows.Progress()
	p := mpb.New(mpb.WithOutput(w), mpb.WithWidth(60), mpb.WithRefreshRate(200*time.Millisecond))
	b := p.AddBar(max(total, 1),
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name("ipflow ")),
		mpb.AppendDecorators(decor.Percentage(), decor.Any(func(decor.Statistics) string {
			return fmt.Sprintf("  %s flows", thousands(e.Done()))
		})))
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			b.Abort(true)
			p.Wait()
			return
		case <-tick.C:
			read, _, _ := flows.Progress()
			b.SetCurrent(min(read, max(total, 1)-1))
		}
	}
}

func (a *app) progressLines(flows *flowfile.Reader, e *verify.Engine, done <-chan struct{}) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			read, total, _ := flows.Progress()
			share := ""
			if total > 0 {
				share = fmt.Sprintf(", %d%% of the input read", 100*read/total)
			}
			a.talk.line("info", fmt.Sprintf("%s flows done%s", thousands(e.Done()), share), map[string]any{"flows_done": e.Done()})
		}
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// size renders bytes in binary units.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// thousands groups digits by three.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural adds an s to the noun unless there is one of it.
func plural[T int | int64](n T, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
