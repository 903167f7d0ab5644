package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/pflag"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"ipflow/ingest/flowfile"
	"ipflow/verify"
)

// progressEvery is how often a line is written where there is no terminal.
const progressEvery = 10 * time.Second

// pacer knows how far long work is.
type pacer interface {
	share() (done, total int64) // total is 0 where it is not known
	beside() string             // what stands beside the bar
	line() (text string, fields map[string]any)
}

// follow shows how far work is: a bar on a terminal, else a line now and then. The
// returned function ends it.
func (a *app) follow(p pacer) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	if f, ok := a.talk.w.(*os.File); ok && !a.talk.json && isatty.IsTerminal(f.Fd()) {
		go func() { defer close(ended); bar(f, p, done) }()
	} else {
		go func() { defer close(ended); a.progressLines(p, done) }()
	}
	return sync.OnceFunc(func() { close(done); <-ended })
}

// barSteps is how finely a bar is drawn.
const barSteps = 1000

func bar(w io.Writer, of pacer, done <-chan struct{}) {
	p := mpb.New(mpb.WithOutput(w), mpb.WithWidth(60), mpb.WithRefreshRate(200*time.Millisecond))
	b := p.AddBar(barSteps,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name("ipflow ")),
		mpb.AppendDecorators(decor.Percentage(), decor.Any(func(decor.Statistics) string { return "  " + of.beside() })))
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			b.Abort(true)
			p.Wait()
			return
		case <-tick.C:
			read, total := of.share()
			b.SetCurrent(min(barSteps*read/max(total, 1), barSteps-1))
		}
	}
}

func (a *app) progressLines(p pacer, done <-chan struct{}) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			text, fields := p.line()
			a.talk.line("info", text, fields)
		}
	}
}

// flowPace is how far verify is: the share of the input read, the rows done and
// what was compiled for them.
type flowPace struct {
	flows  *flowfile.Reader
	e      *verify.Engine
	before compiling
}

func (p flowPace) share() (done, total int64) {
	done, total, _ = p.flows.Progress()
	return done, total
}

func (p flowPace) beside() string {
	_, compiled := p.before.since()
	return thousands(p.e.Done()) + " flows" + compiled
}

func (p flowPace) line() (string, map[string]any) {
	share := ""
	if read, total := p.share(); total > 0 {
		share = fmt.Sprintf(", %d%% of the input read", 100*read/total)
	}
	_, compiled := p.before.since()
	return fmt.Sprintf("%s flows done%s%s", thousands(p.e.Done()), share, compiled), map[string]any{"flows_done": p.e.Done()}
}

// steps is how far a question about whole sets of flows is: what is being done,
// and how much of it.
type steps struct {
	what        atomic.Pointer[string]
	done, total atomic.Int64
}

// begin names what is being done; the returned function says how far it is.
func (s *steps) begin(what string) func(done, total int) {
	s.what.Store(&what)
	s.done.Store(0)
	s.total.Store(0)
	return func(done, total int) {
		s.done.Store(int64(done))
		s.total.Store(int64(total))
	}
}

func (s *steps) share() (done, total int64) { return s.done.Load(), s.total.Load() }

func (s *steps) beside() string {
	if what := s.what.Load(); what != nil {
		return *what
	}
	return ""
}

func (s *steps) line() (string, map[string]any) {
	text, fields := s.beside(), map[string]any{"step": s.beside()}
	if done, total := s.share(); total > 0 {
		text += fmt.Sprintf(": %d%% done", 100*done/total)
		fields["done"], fields["total"] = done, total
	}
	return text, fields
}

// followSteps shows the steps of a question unless quiet.
func (a *app) followSteps(quiet bool) (*steps, func()) {
	s := &steps{}
	s.begin("preparing")
	if quiet {
		return s, func() {}
	}
	return s, a.follow(s)
}

// progressFlag adds --no-progress.
func progressFlag(f *pflag.FlagSet) *bool {
	return f.Bool("no-progress", false, "no progress on stderr")
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
