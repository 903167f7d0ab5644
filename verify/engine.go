package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ipflow/index"
	"ipflow/ingest/column"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// Classifier answers one question. The oracle is one, the index another.
type Classifier interface {
	Classify(nic *network.NIC, t flow.Tuple) flow.Verdict
}

// Config says what an Engine works with.
type Config struct {
	Network *network.Network
	Index   *index.Index
	Judge   Classifier // set to answer with it instead of Index
	Ends    bool       // flows have two ends, see column.Schema: ask at both
	Workers int        // goroutines that classify and encode; 0 means GOMAXPROCS
}

// Summary counts what a run answered.
type Summary struct {
	Rows, Allow, Deny, Unknown, Errors int64
	Elapsed                            time.Duration
	Stages                             Stages
}

// Stages says how long the goroutines of a run worked at each stage, added up
// over all of them. Reading and decoding is the Source's own account.
type Stages struct {
	Parse    time.Duration // flow columns to numbers
	Classify time.Duration // rows to NICs, classifiers and verdicts
	Encode   time.Duration // batches to blocks of the output
	Write    time.Duration // blocks to the output
}

func (s *Stages) add(o Stages) {
	s.Parse += o.Parse
	s.Classify += o.Classify
	s.Encode += o.Encode
	s.Write += o.Write
}

// Engine runs batches from a Source through the classifiers into a Sink. It
// runs once.
type Engine struct {
	cfg   Config
	table *verdictRows
	judge *internedVerdicts // verdict ids of Config.Judge
	done  atomic.Int64      // rows committed

	// Of two-ended runs.
	pairs  *pairs
	owners map[flow.Address]located
}

// NewEngine returns an engine ready to Run.
func NewEngine(cfg Config) *Engine {
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	e := &Engine{cfg: cfg}
	verdict, count := func(id uint32) flow.Verdict { return cfg.Index.Verdict(index.VerdictID(id)) }, func() int { return cfg.Index.Verdicts() }
	access := func(id uint32) flow.Access { return cfg.Index.Access(index.VerdictID(id)) }
	if cfg.Judge != nil {
		e.judge = &internedVerdicts{ids: map[flow.Verdict]uint32{}}
		verdict, count = e.judge.get, e.judge.len
		access = func(id uint32) flow.Access { return verdict(id).Access }
	}
	if !cfg.Ends {
		e.table = newVerdictRows(
			func(id uint32) *Row { return RowOf(cfg.Network, verdict(id)) },
			access, count)
		return e
	}
	e.pairs, e.owners = &pairs{ids: map[pair]ID{}}, owners(&cfg)
	e.table = newVerdictRows(
		func(id uint32) *Row {
			source, destination, _ := e.pairs.get(id).joined(verdict)
			return RowOfEnds(cfg.Network, source, destination)
		},
		func(id uint32) flow.Access {
			_, _, both := e.pairs.get(id).joined(verdict)
			return both.Access
		}, e.pairs.len)
	return e
}

// Done returns the rows committed so far; it may be called while Run works.
func (e *Engine) Done() int64 { return e.done.Load() }

// encoded is a batch on its way to the sink.
type encoded struct {
	seq    int
	rows   int64
	block  Block
	counts [4]int64 // by flow.Access, then errors
	stages Stages
}

// Run reads src to its end and closes the sink. On any error, and when ctx is
// cancelled, the sink is aborted. At most Workers+2 batches are in memory.
func (e *Engine) Run(ctx context.Context, src Source, sink Sink) (s Summary, err error) {
	start := time.Now()
	finished := false
	defer func() {
		if !finished {
			sink.Abort()
		}
	}()
	if err := e.pump(ctx, src, sink, &s); err != nil {
		return s, err
	}
	closing := time.Now()
	if err := sink.Close(); err != nil {
		return s, err
	}
	finished = true
	s.Stages.Write += time.Since(closing)
	s.Elapsed = time.Since(start)
	return s, nil
}

func (e *Engine) pump(ctx context.Context, src Source, sink Sink, s *Summary) error {
	g, ctx := errgroup.WithContext(ctx)
	batches := make(chan *column.Batch)
	results := make(chan encoded, e.cfg.Workers)
	inFlight := make(chan struct{}, e.cfg.Workers+2)
	g.Go(func() error {
		defer close(batches)
		return e.read(ctx, src, batches, inFlight)
	})
	workers, wctx := errgroup.WithContext(ctx)
	for range e.cfg.Workers {
		workers.Go(func() error { return e.work(wctx, sink, batches, results) })
	}
	g.Go(func() error {
		defer close(results)
		return workers.Wait()
	})
	g.Go(func() error { return e.commit(ctx, sink, results, inFlight, s) })
	return g.Wait()
}

func (e *Engine) read(ctx context.Context, src Source, batches chan<- *column.Batch, inFlight chan<- struct{}) error {
	for {
		select {
		case inFlight <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		b, err := src.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case batches <- b:
		case <-ctx.Done():
			b.Release()
			return ctx.Err()
		}
	}
}

func (e *Engine) work(ctx context.Context, sink Sink, batches <-chan *column.Batch, results chan<- encoded) error {
	w := newWorker(e)
	for b := range batches {
		if ctx.Err() != nil {
			b.Release()
			continue
		}
		out := encoded{seq: b.Seq, rows: int64(b.Rows())}
		start := time.Now()
		ids := w.classify(b)
		out.counts = w.count(ids)
		answered := time.Now()
		block, err := sink.Encode(b, ids, e.table)
		b.Release()
		out.stages = Stages{Parse: w.parsed, Classify: answered.Sub(start) - w.parsed, Encode: time.Since(answered)}
		if err != nil {
			return fmt.Errorf("encode results: %w", err)
		}
		out.block = block
		select {
		case results <- out:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// commit hands blocks to the sink in input order.
func (e *Engine) commit(ctx context.Context, sink Sink, results <-chan encoded, inFlight <-chan struct{}, s *Summary) error {
	waiting := map[int]encoded{}
	next := 0
	for r := range results {
		waiting[r.seq] = r
		for {
			r, ok := waiting[next]
			if !ok {
				break
			}
			delete(waiting, next)
			next++
			start := time.Now()
			if err := sink.Commit(r.block); err != nil {
				return fmt.Errorf("write results: %w", err)
			}
			r.stages.Write = time.Since(start)
			s.Stages.add(r.stages)
			s.Rows += r.rows
			s.Unknown += r.counts[flow.Unknown]
			s.Allow += r.counts[flow.Allow]
			s.Deny += r.counts[flow.Deny]
			s.Errors += r.counts[countErrors]
			e.done.Store(s.Rows)
			<-inFlight
		}
	}
	return ctx.Err()
}
